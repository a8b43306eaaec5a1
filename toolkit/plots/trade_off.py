"""Accuracy against what it takes: the part that the figures for time and for money share."""

from math import isfinite
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from toolkit.plots.canvas import as_percent, as_plain_log, axes_for, dot_open_ends, note, reach, say_nothing_to_show
from toolkit.plots.colours import styles
from toolkit.plots.labelling import Series, name_series
from toolkit.plots.naming import short_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHARE = "accuracy_all"


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

    The scale is logarithmic; with `linear_below`, it is linear from nought to there, and all along when that is
    infinite. `absent` tells, by reason, which settings have no place in the figure.
    """
    own, ax = ax is None, axes_for(ax)
    kept = table[SHARE].notna() & ~np.logical_or.reduce([*absent.values(), table[SHARE].isna()])
    shown = table[kept].sort_values([column, SHARE], ascending=[True, False], kind="stable")
    short, style = short_labels(settings), styles(settings)
    reasons = {**absent, "only errors from": table[SHARE].isna() & ~np.logical_or.reduce([*absent.values()])}
    left_out = "; ".join(
        f"{reason} {', '.join(short[label] for label in sorted(table.loc[which, 'setting']))}"
        for reason, which in reasons.items()
        if which.any()
    )
    if shown.empty:
        return say_nothing_to_show(ax, f"Nothing to show: {left_out or 'no outcomes yet'}.")
    _set_scale(ax, linear_below)
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
    for row in rows:
        dot_open_ends(ax, row, column, row[SHARE], style[row["setting"]]["color"], scale)
    ax.set_ylabel("accuracy, share of all images")
    as_percent(ax.yaxis)
    if left_out:
        note(ax, left_out)
    name_series(ax, series, own_figure=own)
    return ax


def _set_scale(ax: "Axes", linear_below: float | None) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter

    if linear_below is None:
        ax.set_xscale("log")
        as_plain_log(ax.xaxis)
    elif isfinite(linear_below):
        ax.set_xscale("symlog", linthresh=linear_below, linscale=0.6)
        ax.xaxis.set_major_locator(FixedLocator([0.0, *(m * 10.0**e for e in range(-6, 6) for m in (1, 2, 5))]))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}"))
