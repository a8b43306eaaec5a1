"""Thresholds marked on a figure whose x axis they lie on."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from toolkit.stats._core.results import confidence
from toolkit.stats._thresholds.risk_control import Choice
from toolkit.stats._thresholds.threshold_choice import BestThreshold

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def widen_a_point(ax: "Axes", thresholds: "pd.Series[float]") -> None:
    """Give the only threshold there is some room on both sides."""
    if thresholds.nunique() == 1:
        only = float(thresholds.iloc[0])
        ax.set_xlim(only - 0.05 * max(1.0, abs(only)), only + 0.05 * max(1.0, abs(only)))


def mark_best(ax: "Axes", best: BestThreshold) -> None:
    """An upright line at the threshold with the highest utility, and a shade over those that may be best as well."""
    if not best.table.empty:
        _shade_near_optimal(ax, best)
        _upright(ax, best.threshold, f"highest utility at {best.threshold:.4g}", ":", row=0)


def mark_controlled(ax: "Axes", choice: Choice) -> None:
    """An upright line at the risk-controlled threshold, if there is one."""
    if choice.status == "controlled":
        sure = "on average" if choice.method == "mean" else f"({confidence(choice.confidence)} confidence level)"
        what = "wrong" if choice.loss == "wrong" else f"mean {choice.loss.removeprefix('mean ')}"
        words = f"at most {plain_percent(choice.max_risk)} {what} {sure}: {choice.threshold:.4g}"
        _upright(ax, choice.threshold, words, "-.", row=1)


def plain_percent(share: float) -> str:
    """A share that somebody set, with no more digits than they gave it."""
    return f"{100 * share:.6g} %"


def _shade_near_optimal(ax: "Axes", best: BestThreshold) -> None:
    """A shade over each run of neighbouring candidates that cannot be told from the best."""
    near = best.table["near_optimal"].to_numpy(np.bool_)
    x = best.table["threshold"].to_numpy(np.float64)
    # Each candidate reaches half-way to the next, the lowest to a best threshold that lies under all confidences.
    edges = np.concatenate([[min(x[0], best.threshold)], (x[1:] + x[:-1]) / 2, x[-1:]])
    changes = np.flatnonzero(np.diff(np.concatenate([[0], near.astype(int), [0]])))
    for number, (first, end) in enumerate(changes.reshape(-1, 2)):
        label = "not distinguishable from the best" if number == 0 else "_"
        ax.axvspan(edges[first], edges[end], color="0.5", alpha=0.15, linewidth=0, label=label)


def _upright(ax: "Axes", x: float, words: str, linestyle: str, row: int) -> None:
    import matplotlib as mpl

    left, right = ax.get_xlim()
    aside = 0.03 * (right - left)
    ax.set_xlim(min(left, x - aside), max(right, x + aside))
    ax.axvline(x, color=mpl.rcParams["text.color"], linestyle=linestyle, linewidth=1.1)
    left, right = ax.get_xlim()
    before = (x - left) > 0.5 * (right - left)
    ax.annotate(
        words, (x, 1.0), xycoords=("data", "axes fraction"), xytext=(-2 if before else 2, 3 + 12 * row),
        textcoords="offset points", ha="right" if before else "left", va="bottom", fontsize="small",
        annotation_clip=False, parse_math=False,
    )  # fmt: skip
