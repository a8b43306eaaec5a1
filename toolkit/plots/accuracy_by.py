"""Accuracy by length of the text, or by any tag of the images."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.plots.canvas import as_percent, axes_for, note, reach, say_nothing_to_show
from toolkit.plots.colours import settings_of, styles
from toolkit.plots.labelling import Series, name_series
from toolkit.plots.naming import legible, short_labels
from toolkit.stats import accuracy_by_length as length_table
from toolkit.stats import summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FloatArray = NDArray[np.float64]

_MOST_SLICES = 30


def accuracy_by(outcomes: pd.DataFrame, by: str, ax: "Axes | None" = None) -> "Axes":
    """Accuracy (share of all images) by a column of the outcomes, a line a setting, with 95 % intervals.

    Numbers stand at their value, anything else in order of its name, 30 at most. Images without the tag are the slice
    "missing". Figures are those of ``tk.stats.summary(outcomes, by=by)``; `DatasetError` names an absent column.

    Parameters
    ----------
    outcomes : DataFrame
        Outcomes of a run (``run.outcomes``), or any frame with the columns `setting`, `outcome` and the one named by `by`.
    by : str
        Column to group by, such as a tag of the images; 30 values at most unless they are numbers.
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
    >>> outcomes = pd.DataFrame(
    ...     {
    ...         "setting": ["a()", "b()"] * 4, "sample": list("wwxxyyzz"), "repeat": 0,
    ...         "target": "A7", "text": ["A7", "A1"] + ["A7"] * 6, "outcome": ["correct", "wrong"] + ["correct"] * 6,
    ...         "confidence": [0.9, 0.4, 0.8, 0.7, 0.9, 0.6, 0.7, 0.8], "latency_s": [0.10, 0.21, 0.11, 0.22] * 2,
    ...         "cost_usd": [0.001, 0.002] * 4, "started_at": [float(second) for second in range(8)], "edits": [0, 1] + [0] * 6,
    ...         "ned": [0.0, 0.5] + [0.0] * 6, "background": list("ppqqppqq"),
    ...     }
    ... )
    >>> tk.plots.accuracy_by(outcomes, "background").get_xlabel()
    'background'
    """
    table = summary(outcomes, by=by)
    table = table.dropna(subset=["accuracy_all"])
    own, ax = ax is None, axes_for(ax)
    if table.empty:
        return say_nothing_to_show(ax, "Nothing to show: no outcomes yet.")
    numeric = pd.api.types.is_numeric_dtype(table[by]) and not pd.api.types.is_bool_dtype(table[by])
    if numeric and table[by].notna().all():
        place = table[by].to_numpy(np.float64)
        gap = float(np.diff(np.unique(place)).min(initial=1.0))
    else:
        place, gap = _by_name(ax, table[by]), 1.0
    _draw(ax, table.assign(place=place), settings_of(outcomes), gap, own=own, joined=numeric)
    ax.set_xlabel(legible(by), parse_math=False)
    if numeric:
        _whole_steps(ax, place)
    return ax


def accuracy_by_length(outcomes: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Accuracy by length of the target, a line a setting, with 95 % intervals.

    Dotted: what characters that fail independently would give, (1 - CER)^length. Figures are those of
    ``tk.stats.accuracy_by_length``.

    Parameters
    ----------
    outcomes : DataFrame
        Outcomes of a run (``run.outcomes``), or any frame with the columns `setting`, `outcome`, `target_length` and `edits`.
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
    >>> outcomes = pd.DataFrame(
    ...     {
    ...         "setting": ["a()", "b()"] * 4, "sample": list("wwxxyyzz"), "repeat": 0,
    ...         "target": "A7", "target_length": 2, "text": ["A7", "A1"] + ["A7"] * 6, "outcome": ["correct", "wrong"] + ["correct"] * 6,
    ...         "confidence": [0.9, 0.4, 0.8, 0.7, 0.9, 0.6, 0.7, 0.8], "latency_s": [0.10, 0.21, 0.11, 0.22] * 2,
    ...         "cost_usd": [0.001, 0.002] * 4, "started_at": [float(second) for second in range(8)], "edits": [0, 1] + [0] * 6,
    ...         "ned": [0.0, 0.5] + [0.0] * 6, "background": list("ppqqppqq"),
    ...     }
    ... )
    >>> tk.plots.accuracy_by_length(outcomes).get_xlabel()
    'length of the target, characters'
    """
    table = length_table(outcomes)
    table = table.dropna(subset=["accuracy_all"])
    own, ax = ax is None, axes_for(ax)
    if table.empty:
        return say_nothing_to_show(ax, "Nothing to show: no outcomes yet.")
    settings = settings_of(outcomes)
    style = styles(settings)
    for label, part in table.groupby("setting", observed=True, sort=False):
        ax.plot(
            part["target_length"],
            part["if_independent"],
            color=style[str(label)]["color"],
            linestyle=":",
            linewidth=1.0,
        )
    place = table["target_length"].to_numpy(np.float64)
    _draw(ax, table.assign(place=place), settings, 1.0, own=own, joined=True)
    _whole_steps(ax, place)
    ax.set_xlabel("length of the target, characters")
    note(ax, "dotted: if characters failed independently of one another")
    return ax


def _draw(ax: "Axes", table: pd.DataFrame, settings: list[str], gap: float, *, own: bool, joined: bool) -> None:
    """One series a setting; marks at one place stand side by side, so that their intervals can be told apart."""
    short, style = short_labels(settings), styles(settings)
    present = [label for label in settings if label in set(table["setting"])]
    series = []
    for number, label in enumerate(present):
        part = table[table["setting"] == label].sort_values("place")
        aside = 0.5 * gap * ((number + 0.5) / len(present) - 0.5)
        x, y = part["place"].to_numpy(np.float64) + aside, part["accuracy_all"].to_numpy(np.float64)
        look = style[label]
        ends = np.hstack([reach(row, "accuracy_all") for row in part.to_dict("records")])
        mark = ax.errorbar(
            x, y, yerr=ends, color=look["color"], fmt=look["marker"], linestyle=look["linestyle"] if joined else "",
            linewidth=1.2, elinewidth=1.0, capsize=2, markersize=5, label=label,
        )  # fmt: skip
        # Marks that no line joins are named in a legend: beside one of them, a name might be taken for its neighbour's.
        named_at = np.column_stack([x, y]) if joined else np.zeros((0, 2))
        series.append(Series(short[label], mark, look["color"], named_at))
    ax.set_ylim(-0.03, 1.03)
    ax.set_ylabel("accuracy, share of all images")
    as_percent(ax.yaxis)
    name_series(ax, series, own_figure=own)


def _by_name(ax: "Axes", values: "pd.Series[str]") -> FloatArray:
    """Places of named slices, and their names on the axis, slanted where they are long."""
    names = values.astype("object").where(values.notna(), "missing").astype(str)
    order = sorted(set(names))
    if len(order) > _MOST_SLICES:
        from toolkit.errors import DatasetError

        raise DatasetError(f"{values.name} has {len(order)} values; a figure holds {_MOST_SLICES}: group them first")
    crowded = sum(map(len, order)) > 60
    ax.set_xticks(
        range(len(order)), [legible(name) for name in order], parse_math=False,
        rotation=30 if crowded else 0, ha="right" if crowded else "center", rotation_mode="anchor",
    )  # fmt: skip
    return np.searchsorted(order, names.to_numpy(object)).astype(np.float64)


def _whole_steps(ax: "Axes", place: FloatArray) -> None:
    """Only whole numbers are marked where all values are whole."""
    from matplotlib.ticker import MaxNLocator

    if np.all(place == np.round(place)):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
