"""Accuracy against latency: who reads best for the time it takes."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.plots.colours import styles
from toolkit.stats import summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_ROOM_FOR_LETTERS = 150
_IN_PER_LETTER = 0.09


def accuracy_latency(outcomes: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Accuracy (share of all images) against median latency, one mark a setting, with 95 % intervals.

    The dashed line joins the settings that no other beats in both: up and to the left is better. An end of an
    interval that these data leave open is dotted to the edge. Settings without a single answer have no latency
    and are named above the figure. Figures are those of `tk.stats.summary`.
    """
    from matplotlib import pyplot as plt
    from matplotlib.ticker import PercentFormatter

    table = summary(outcomes)
    shown = table.dropna(subset=["accuracy_all", "latency_p50_s"]).sort_values("latency_p50_s")
    if ax is None:
        width_in = 7.2 + (_IN_PER_LETTER * _longest(shown["setting"]) if _beside(shown) else 0.0)
        _, ax = plt.subplots(figsize=(width_in, 4.4), layout="constrained")
    front = shown[shown["accuracy_all"] > shown["accuracy_all"].cummax().shift(fill_value=-1.0)]
    ax.plot(1000 * front["latency_p50_s"], front["accuracy_all"], color="0.6", linewidth=1, linestyle="--", zorder=1)
    ax.set_xscale("log")
    style = styles(table["setting"])
    best_first = shown.sort_values("accuracy_all", ascending=False, kind="stable").to_dict("records")
    for row in best_first:
        ax.errorbar(
            1000 * row["latency_p50_s"],
            row["accuracy_all"],
            xerr=_reach(row, "latency_p50_s", 1000),
            yerr=_reach(row, "accuracy_all", 1),
            fmt=style[row["setting"]]["marker"],
            color=style[row["setting"]]["color"],
            label=row["setting"],
            capsize=3,
            markersize=7,
        )
    for row in best_first:
        _dot_open_ends(ax, row, style[row["setting"]]["color"])
    ax.set_xlabel("median latency, ms (log scale)")
    ax.set_ylabel("accuracy, share of all images")
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    if shown.empty:
        ax.set_ylim(0.0, 1.0)
    _plain_milliseconds(ax)
    ax.grid(color="0.9", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    if _beside(shown):
        ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    elif best_first:
        ax.legend(frameon=False, loc="best")
    absent = sorted(set(table["setting"]) - set(shown["setting"]))
    if absent:
        ax.set_title(f"no answer from {', '.join(absent)}", fontsize="small", loc="left")
    return ax


def _beside(shown: pd.DataFrame) -> bool:
    """Whether the legend is too large for a corner of the figure."""
    return len(shown) * _longest(shown["setting"]) > _ROOM_FOR_LETTERS


def _longest(labels: "pd.Series[str]") -> int:
    return max(map(len, labels), default=0)


def _reach(row: dict[Any, Any], column: str, scale: float) -> NDArray[np.float64]:
    """Distances from the point to both ends of its interval; none to an end that is open."""
    ends = np.array([row[column] - row[f"{column}_low"], row[f"{column}_high"] - row[column]])
    return np.asarray(scale * np.nan_to_num(ends), dtype=np.float64).reshape(2, 1)


def _dot_open_ends(ax: "Axes", row: dict[Any, Any], color: str) -> None:
    """From a latency whose interval is open to the edge of the figure as it stands."""
    left, right = ax.get_xlim()
    for name, edge in (("latency_p50_s_low", left), ("latency_p50_s_high", right)):
        if np.isnan(row[name]):
            ax.plot([1000 * row["latency_p50_s"], edge], [row["accuracy_all"]] * 2, color=color, linestyle=":")
    ax.set_xlim(left, right)


def _plain_milliseconds(ax: "Axes") -> None:
    """Write 5, 10, 20, not 10¹."""
    from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

    ax.xaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.xaxis.set_minor_formatter(NullFormatter())
