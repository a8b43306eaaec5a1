"""Accuracy against latency: who reads best for the time it takes."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.plots.colours import styles
from toolkit.stats import summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def accuracy_latency(outcomes: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Accuracy (share of all images) against median latency, one mark a setting, with 95 % intervals.

    The line joins the settings that no other beats in both: up and to the left is better. An end of an interval
    that these data leave open is drawn to the edge. Settings without a single answer have no latency and are
    named below the figure.
    """
    from matplotlib import pyplot as plt
    from matplotlib.ticker import PercentFormatter

    if ax is None:
        _, ax = plt.subplots(figsize=(7.2, 4.4), layout="constrained")
    table = summary(outcomes)
    style = styles(table["setting"])
    shown = table.dropna(subset=["accuracy_all", "latency_p50_s"]).sort_values("latency_p50_s")
    front = shown[shown["accuracy_all"] > shown["accuracy_all"].cummax().shift(fill_value=-1.0)]
    ax.plot(1000 * front["latency_p50_s"], front["accuracy_all"], color="0.6", linewidth=1, linestyle="--", zorder=1)
    for row in shown.to_dict("records"):
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
    ax.set_xscale("log")
    ax.set_xlabel("median latency, ms (log scale)")
    ax.set_ylabel("accuracy, share of all images")
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    _plain_milliseconds(ax)
    ax.grid(color="0.9", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, loc="best")
    absent = sorted(set(table["setting"]) - set(shown["setting"]))
    if absent:
        ax.set_title(f"no answer from {', '.join(absent)}", fontsize="small", loc="left")
    return ax


def _reach(row: dict[Any, Any], column: str, scale: float) -> NDArray[np.float64]:
    """Distances from the point to both ends of its interval; an open end reaches as far as the other one does."""
    low, high = row[column] - row[f"{column}_low"], row[f"{column}_high"] - row[column]
    ends = np.array([low, high])
    ends[np.isnan(ends)] = 0.0 if np.isnan(ends).all() else np.nanmax(ends)
    return scale * ends.reshape(2, 1)


def _plain_milliseconds(ax: "Axes") -> None:
    """Write 5, 10, 20, not 10¹."""
    from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

    ax.xaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.xaxis.set_minor_formatter(NullFormatter())
