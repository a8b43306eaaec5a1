"""Accuracy against what it takes: the part that the figures for time and for money share."""

from math import ceil, floor, isfinite, log10
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from toolkit.plots.canvas import as_log, as_percent, axes_for, dot_open_ends, note, reach, say_nothing_to_show
from toolkit.plots.colours import styles
from toolkit.plots.labelling import FloatArray, Series, name_series
from toolkit.plots.naming import short_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHARE = "accuracy_all"
_BELOW_NONE, _ABOVE_ALL = -0.04, 1.04
_ROOM = 0.14
"""Beside the outermost marks, for their names: a share of the width."""


def accuracy_against(
    ax: "Axes | None",
    table: pd.DataFrame,
    column: str,
    scale: float,
    settings: list[str],
    absent: "dict[str, pd.Series[bool]]",
    linear_below: float | None = None,
) -> "Axes":
    """One mark a setting of a summary at `scale` times its `column`, with both intervals, and the Pareto front.

    The scale is logarithmic; with `linear_below`, it is linear from 0 to there, and all along when that is
    infinite. `absent` tells, by reason, which settings have no place in the figure.
    """
    own, ax = ax is None, axes_for(ax)
    absent = {**absent, "only errors from": table[SHARE].isna() & ~np.logical_or.reduce([*absent.values()])}
    shown = table[~np.logical_or.reduce([*absent.values()])].sort_values(
        [column, SHARE], ascending=[True, False], kind="stable"
    )
    short, style = short_labels(settings), styles(settings)
    skipped = "; ".join(
        f"{reason} {', '.join(short[label] for label in sorted(table.loc[which, 'setting']))}"
        for reason, which in absent.items()
        if which.any()
    )
    if shown.empty:
        return say_nothing_to_show(ax, f"Nothing to show: {skipped or 'no outcomes yet'}.")
    ends = shown[[column, f"{column}_low", f"{column}_high"]].to_numpy(np.float64)
    _set_scale(ax, scale * ends, linear_below)
    front = shown[shown[SHARE] > shown[SHARE].cummax().shift(fill_value=-1.0)]
    ax.plot(scale * front[column], front[SHARE], color="0.6", linewidth=1, linestyle="--", zorder=1)
    series = []
    rows = shown.sort_values(SHARE, ascending=False, kind="stable").to_dict("records")
    for row in rows:
        look = style[row["setting"]]
        mark = ax.errorbar(
            scale * row[column],
            row[SHARE],
            xerr=reach(row, column, scale),
            yerr=reach(row, SHARE),
            fmt=look["marker"],
            color=look["color"],
            label=row["setting"],
            capsize=3,
            markersize=7,
        )
        place = np.array([[scale * row[column], row[SHARE]]])
        series.append(Series(short[row["setting"]], mark, look["color"], place))
    ax.margins(y=0.1)
    low, high = ax.get_ylim()
    ax.set_ylim(max(low, _BELOW_NONE), min(high, _ABOVE_ALL))
    for row in rows:
        dot_open_ends(ax, row, column, row[SHARE], style[row["setting"]]["color"], scale)
    ax.set_ylabel("accuracy, share of all images")
    as_percent(ax.yaxis)
    if skipped:
        note(ax, skipped)
    name_series(ax, series, own_figure=own)
    return ax


def _set_scale(ax: "Axes", values: FloatArray, linear_below: float | None) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter

    if linear_below is None:
        as_log(ax, values, _ROOM)
        return
    ax.margins(x=_ROOM)
    if isfinite(linear_below):
        ax.set_xscale("symlog", linthresh=linear_below, linscale=0.6)
        decades = range(floor(log10(linear_below)), ceil(log10(values[np.isfinite(values)].max())) + 1)
        marks = (m * 10.0**decade for decade in decades for m in ((1, 2, 5) if len(decades) < 4 else (1,)))
        ax.xaxis.set_major_locator(FixedLocator([0.0, *(mark for mark in marks if mark >= linear_below)]))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}"))
