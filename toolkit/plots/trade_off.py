"""Accuracy against what it takes: the part that the figures for time and for money share."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from toolkit.plots.canvas import as_percent, axes_for, dot_open_ends, note, reach, say_nothing_to_show
from toolkit.plots.colours import styles
from toolkit.plots.labelling import Series, name_series
from toolkit.plots.naming import short_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHARE = "accuracy_all"


def accuracy_against(
    ax: "Axes | None", table: pd.DataFrame, column: str, scale: float, settings: list[str], absent: str, *, log: bool
) -> "Axes":
    """One mark a setting of a summary at `scale` times its `column`, with both intervals, and the Pareto front.

    `absent` says what the settings lack that have no place in the figure.
    """
    own, ax = ax is None, axes_for(ax)
    shown = table.dropna(subset=[SHARE, column]).sort_values([column, SHARE], ascending=[True, False], kind="stable")
    left_out = sorted(set(table["setting"]) - set(shown["setting"]))
    short, style = short_labels(settings), styles(settings)
    if shown.empty:
        why = f"{absent} {', '.join(short[label] for label in left_out)}" if left_out else "no outcomes yet"
        return say_nothing_to_show(ax, f"Nothing to show: {why}.")
    front = shown[shown[SHARE] > shown[SHARE].cummax().shift(fill_value=-1.0)]
    ax.plot(scale * front[column], front[SHARE], color="0.6", linewidth=1, linestyle="--", zorder=1)
    if log:
        ax.set_xscale("log")
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
    ax.margins(x=0.08)
    for row in rows:
        dot_open_ends(ax, row, column, row[SHARE], style[row["setting"]]["color"], scale)
    ax.set_ylabel("accuracy, share of all images")
    as_percent(ax.yaxis)
    if left_out:
        note(ax, f"{absent} {', '.join(short[label] for label in left_out)}")
    name_series(ax, series, own_figure=own)
    return ax
