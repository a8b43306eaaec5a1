"""Whether a setting was the same all along: accuracy or latency over the time of the run."""

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd

from toolkit.errors import SettingError
from toolkit.plots.canvas import as_percent, axes_for, note, say_nothing_to_show
from toolkit.plots.colours import settings_of, styles
from toolkit.plots.labelling import Series, name_series
from toolkit.plots.naming import short_labels
from toolkit.stats._core.intervals import FloatArray, Interval, clustered_wilson, harrell_davis, quantile_interval
from toolkit.stats._core.trials import CodeArray, Trials, per_image, require_columns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Of = Literal["accuracy", "latency"]

_POINTS = 40
_LEAST, _MOST = 20, 400
_MOST_BANDS = 6
"""Of more settings, bands hide the lines."""


def drift_table(
    outcomes: pd.DataFrame, of: Of = "accuracy", window: int | None = None, confidence_level: float = 0.95
) -> pd.DataFrame:
    """Accuracy of all images, or median latency of answers in s, in a window of trials that moves through the run.

    One row a setting and place of the window: ``minutes`` since the run's first trial (the mean of the window's),
    ``trials`` in it, ``value`` with its ends ``value_low`` and ``value_high``. Windows overlap. `window` is 20 to
    400 trials, a tenth of a setting's, unless it is given. Trials without a time, and those that ended in an error,
    are left out.
    """
    if of not in get_args(Of):
        raise SettingError(f"of={of!r} is neither 'accuracy' nor 'latency'")
    if window is not None and window < 1:
        raise SettingError(f"window={window} must hold 1 trial at least")
    require_columns(outcomes, "started_at", *(["latency_s"] if of == "latency" else []))
    trials = Trials.of(outcomes)
    at = outcomes["started_at"].to_numpy(np.float64, na_value=np.nan)
    value = trials.correct.astype(np.float64)
    kept = trials.counted & ~np.isnan(at)
    if of == "latency":
        value = outcomes["latency_s"].to_numpy(np.float64, na_value=np.nan)
        kept &= trials.answered & ~np.isnan(value)
    begun = float(at[kept].min()) if kept.any() else 0.0
    rows = []
    for code, label in enumerate(trials.settings):
        mine = np.flatnonzero(kept & (trials.setting == code))
        mine = mine[np.argsort(at[mine], kind="stable")]
        wide = min(window or int(np.clip(mine.size // 10, _LEAST, _MOST)), mine.size)
        for start in np.unique(np.linspace(0, mine.size - wide, _POINTS).astype(np.intp)) if mine.size else ():
            part = mine[start : start + wide]
            centre, ends = _within(value[part], trials.sample[part], of, confidence_level)
            rows.append((label, (at[part].mean() - begun) / 60, part.size, centre, ends.low, ends.high))
    columns = ["setting", "minutes", "trials", "value", "value_low", "value_high"]
    kinds: dict[str, Any] = {"setting": "str", "minutes": float, "trials": "int64"} | dict.fromkeys(columns[3:], float)
    return pd.DataFrame(rows, columns=columns).astype(kinds)


def _within(
    value: FloatArray,
    image: CodeArray,
    of: Of,
    confidence_level: float,
) -> tuple[float, Interval]:
    if of == "latency":
        repeated = np.unique(image).size < image.size
        return harrell_davis(value, 0.5), quantile_interval(
            value, 0.5, confidence_level, images=image if repeated else None
        )
    right, read = per_image(image, value, np.ones(value.size))
    return float(value.mean()), clustered_wilson(right, read, confidence_level)


def drift(
    outcomes: pd.DataFrame, ax: "Axes | None" = None, *, of: Of = "accuracy", window: int | None = None
) -> "Axes":
    """Accuracy, or median latency, in a window that moves through the run, a line a setting.

    Bands are pointwise at 95 %, and left out of more than six settings. Windows overlap, so neighbouring points are
    alike by themselves: a drift is a line that leaves its own band.
    Figures are those of `drift_table`.

    Parameters
    ----------
    outcomes : DataFrame
        Outcomes of a run (``run.outcomes``), or any frame with the columns `setting`, `outcome` and `started_at` (seconds since 1970); `latency_s` for latency.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure 7.2 inches wide.
    of : {"accuracy", "latency"}, default "accuracy"
        What is followed over time.
    window : int, optional
        Trials in a window. Default: a tenth of the trials of a setting, 20 to 400.

    Returns
    -------
    matplotlib.axes.Axes
        The axes that were drawn into.

    Examples
    --------
    >>> import pandas as pd
    >>> import toolkit as tk
    >>> outcomes = pd.DataFrame(
    ...     {
    ...         "setting": ["a()", "b()"] * 4, "sample": list("wwxxyyzz"), "repeat": 0,
    ...         "target": "A7", "text": ["A7", "A1"] + ["A7"] * 6, "outcome": ["correct", "wrong"] + ["correct"] * 6,
    ...         "confidence": [0.9, 0.4, 0.8, 0.7, 0.9, 0.6, 0.7, 0.8], "latency_s": [0.10, 0.21, 0.11, 0.22] * 2,
    ...         "cost_usd": [0.001, 0.002] * 4, "started_at": [float(second) for second in range(8)], "edits": [0, 1] + [0] * 6,
    ...         "ned": [0.0, 0.5] + [0.0] * 6, "background": list("ppqqppqq"),
    ...     }
    ... )
    >>> ax = tk.plots.drift(outcomes)
    >>> len(ax.lines) > 0
    True
    """
    own, ax = ax is None, axes_for(ax)
    table = drift_table(outcomes, of, window)
    if table.empty:
        what = "a latency" if of == "latency" else "a verdict"
        return say_nothing_to_show(ax, f"Nothing to show: no trial has a time and {what}.")
    if table["minutes"].nunique() < 2:
        return say_nothing_to_show(ax, "Nothing to show: all trials began at one moment.")
    settings = settings_of(outcomes)
    short, style = short_labels(settings), styles(settings)
    scale = 1000.0 if of == "latency" else 1.0
    unit, per_minute = ("min", 1.0) if table["minutes"].max() >= 3 else ("s", 60.0)
    banded = table["setting"].nunique() <= _MOST_BANDS
    series = []
    for label, part in table.groupby("setting", sort=False):
        look = style[str(label)]
        x, y = per_minute * part["minutes"].to_numpy(np.float64), scale * part["value"].to_numpy(np.float64)
        low, high = scale * part["value_low"].to_numpy(np.float64), scale * part["value_high"].to_numpy(np.float64)
        if len(part) == 1:
            ends = np.nan_to_num([y - low, high - y])
            ax.errorbar(x, y, yerr=ends, fmt="none", ecolor=look["color"], capsize=3)
        elif banded:
            ax.fill_between(x, low, high, color=look["color"], alpha=0.15, linewidth=0)
        marker = look["marker"] if len(part) == 1 else ""
        [line] = ax.plot(
            x, y, color=look["color"], linestyle=look["linestyle"], marker=marker, linewidth=1.6, label=label
        )
        series.append(Series(short[str(label)], line, look["color"], np.column_stack([x, y])))
    if of == "accuracy":
        ax.set_ylim(-0.03, 1.03)
        as_percent(ax.yaxis)
        ax.set_ylabel("accuracy, share of all images")
    else:
        ax.set_ylim(bottom=0.0)
        ax.set_ylabel("median latency, ms")
    least, most = table["trials"].min(), table["trials"].max()
    ax.set_xlabel(f"{unit} since the run began")
    several = f"{least}" if least == most else f"{least} to {most}"
    note(ax, f"each point: the {several} trials around it" + ("; bands: pointwise 95 %" if banded else ""))
    name_series(ax, series, own_figure=own)
    return ax
