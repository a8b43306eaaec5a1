"""How many readings were under way at a time, and how many were allowed."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.errors import DatasetError
from toolkit.plots.canvas import axes_for, say_nothing_to_show
from toolkit.plots.colours import settings_of, styles
from toolkit.plots.labelling import Series, name_series
from toolkit.plots.naming import short_labels
from toolkit.stats._core.trials import require_columns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FloatArray = NDArray[np.float64]

_STRETCHES = 200
_ALLOWED = {"account", "at", "in_flight"}
_TRIED = {"setting", "started_at", "elapsed_s"}


def in_flight_table(attempts: pd.DataFrame) -> pd.DataFrame:
    """Readings under way, rebuilt from the attempts: one row a setting and moment at which their number changed.

    Columns: setting, at (s since 1970), in_flight. A reading is under way while it connects, exchanges, polls or is
    worked on; our own queues and limits are not counted in. Where those parts are not in the frame, all but
    ``queue_s`` of ``elapsed_s`` is.
    """
    require_columns(attempts, *sorted(_TRIED))
    begun = attempts["started_at"].to_numpy(np.float64, na_value=np.nan)
    parts = ["connect_s", "service_s", "poll_wait_s"]
    if set(parts) <= set(attempts.columns):
        seconds = attempts[parts].to_numpy(np.float64).sum(axis=1)
    else:
        queued = attempts["queue_s"].to_numpy(np.float64) if "queue_s" in attempts.columns else 0.0
        seconds = np.maximum(attempts["elapsed_s"].to_numpy(np.float64) - queued, 0.0)
    label = attempts["setting"].astype(str).to_numpy()
    frames = []
    for setting in dict.fromkeys(label):
        mine = (label == setting) & np.isfinite(begun) & np.isfinite(seconds)
        at = np.concatenate([begun[mine], begun[mine] + seconds[mine]])
        change = np.repeat([1, -1], np.count_nonzero(mine))
        moments, place = np.unique(at, return_inverse=True)
        under_way = np.cumsum(np.bincount(place, change, moments.size)).round().astype(np.int64)
        frames.append(pd.DataFrame({"setting": setting, "at": moments, "in_flight": under_way}))
    empty = pd.DataFrame(
        {"setting": pd.Series(dtype="str"), "at": pd.Series(dtype=float), "in_flight": pd.Series(dtype=np.int64)}
    )
    return pd.concat(frames, ignore_index=True) if frames else empty


def concurrency(frame: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Readings in flight over the time of the run.

    Of `run.attempts`: how many were under way, the settings stacked on one another, averaged over short stretches of
    what `in_flight_table` rebuilds. Of `run.limits`: how many each account was allowed, as steps.

    Parameters
    ----------
    frame : DataFrame
        ``run.attempts``, or ``run.limits`` for what each account was allowed.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure 7.2 inches wide.

    Returns
    -------
    matplotlib.axes.Axes
        The axes that were drawn into.

    Examples
    --------
    >>> import pandas as pd
    >>> import toolkit as tk
    >>> attempts = pd.DataFrame({"setting": "a()", "started_at": [0.0, 0.5], "elapsed_s": [1.0, 1.0]})
    >>> ax = tk.plots.concurrency(attempts)
    >>> bool(ax.get_ylim()[1] >= 2)
    True
    """
    columns = set(frame.columns)
    if _TRIED.issubset(columns):
        return _under_way(frame, ax)
    if _ALLOWED.issubset(columns):
        return _allowed(frame, ax)
    raise DatasetError(
        f"the frame has neither the columns of run.limits ({', '.join(sorted(_ALLOWED))}) nor those of run.attempts "
        f"({', '.join(sorted(_TRIED))}); it has {', '.join(map(str, frame.columns))}"
    )


def _under_way(attempts: pd.DataFrame, ax: "Axes | None") -> "Axes":
    own, ax = ax is None, axes_for(ax)
    table = in_flight_table(attempts)
    if table["at"].nunique() < 2:
        return say_nothing_to_show(ax, "Nothing to show: no attempt says when it was under way.")
    settings = settings_of(attempts)
    short, style = short_labels(settings), styles(settings)
    edges = np.linspace(table["at"].min(), table["at"].max(), _STRETCHES + 1)
    unit, per_unit = _unit(edges[-1] - edges[0])
    present = [label for label in settings if label in set(table["setting"])]
    means = [_mean_within(table[table["setting"] == label], edges) for label in present]
    # Both ends of each stretch, so that the areas are bars without gaps and their sums those of the table.
    x = np.repeat((edges - edges[0]) / per_unit, 2)[1:-1]
    areas = ax.stackplot(
        x, [np.repeat(mean, 2) for mean in means], colors=[style[label]["color"] for label in present], labels=present,
        alpha=0.8, linewidth=0,
    )  # fmt: skip
    ax.set_xlim(0.0, float(x[-1]))
    ax.set_ylim(bottom=0.0)
    _whole_numbers(ax)
    ax.set_ylabel("readings under way")
    ax.set_xlabel(f"{unit} since the run began")
    nowhere = np.zeros((0, 2))
    series = [
        Series(short[label], area, style[label]["color"], nowhere) for label, area in zip(present, areas, strict=True)
    ]
    name_series(ax, series, own_figure=own)
    return ax


def _mean_within(steps: pd.DataFrame, edges: FloatArray) -> FloatArray:
    """Time average of a step function between neighbouring edges."""
    at, height = steps["at"].to_numpy(np.float64), steps["in_flight"].to_numpy(np.float64)
    area = np.concatenate([[0.0], np.cumsum(height[:-1] * np.diff(at))])
    return np.asarray(np.diff(np.interp(edges, at, area)) / np.diff(edges))


def _allowed(limits: pd.DataFrame, ax: "Axes | None") -> "Axes":
    own, ax = ax is None, axes_for(ax)
    if limits.empty:
        return say_nothing_to_show(ax, "Nothing to show: no account has a limit.")
    accounts = sorted({str(name) for name in limits["account"]})
    style = styles(accounts)
    begun, ended = float(limits["at"].min()), float(limits["at"].max())
    unit, per_unit = _unit(ended - begun)
    series = []
    for number, account in enumerate(accounts):
        part = limits[limits["account"] == account].sort_values("at", kind="stable")
        x, y = (part["at"].to_numpy(np.float64) - begun) / per_unit, part["in_flight"].to_numpy(np.float64)
        x, y = np.append(x, (ended - begun) / per_unit), np.append(y, y[-1])  # the last limit holds to the end
        look, dashes = style[account], "-" if number == 0 else (0, (4, 3 + 2 * number))
        [line] = ax.plot(
            x, y, drawstyle="steps-post", color=look["color"], linewidth=1.6, linestyle=dashes, label=account,
            marker="o" if len(part) < 25 else "", markersize=4,
        )  # fmt: skip
        series.append(Series(account, line, look["color"], np.column_stack([x, y])))
    _whole_numbers(ax)
    ax.set_ylim(bottom=0.0, top=1.15 * float(limits["in_flight"].max()) + 0.5)
    ax.set_ylabel("readings allowed at a time")
    ax.set_xlabel(f"{unit} since the first limit was noted")
    name_series(ax, series, own_figure=own, legend_at="lower right")
    return ax


def _whole_numbers(ax: "Axes") -> None:
    """No halves of readings on the y axis, unless there are no others: seldom one at a time is less than one."""
    from matplotlib.ticker import MaxNLocator

    ax.yaxis.set_major_locator(MaxNLocator(integer=ax.get_ylim()[1] >= 1, min_n_ticks=1))


def _unit(seconds: float) -> tuple[str, float]:
    return ("min", 60.0) if seconds >= 180 else ("s", 1.0)
