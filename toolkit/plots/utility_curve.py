"""Utility by threshold, and the uncertainty of the best one."""

from collections.abc import Iterable
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from toolkit.plots.canvas import axes_for, note, say_nothing_to_show
from toolkit.plots.colours import styles
from toolkit.plots.labelling import Series, name_series
from toolkit.plots.results import required
from toolkit.plots.threshold_marks import mark_best, widen_a_point
from toolkit.stats._core.results import confidence
from toolkit.stats._thresholds.threshold_choice import BestThreshold

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def utility_curve(best: BestThreshold, ax: "Axes | None" = None, *, settings: Iterable[str] | None = None) -> "Axes":
    """Utility per image by threshold, with its pointwise band, as `tk.stats.best_threshold` found it.

    The dotted line marks the best threshold, the shade those not distinguishable from it, and the diamond the utility
    of the choice on images that were not used for it, with its interval. The dashed line is the utility of accepting
    nothing. "break-even" stands where the best threshold would be if confidence were a probability. `settings`, the
    labels of the run, give the curve the colour that its setting has in other figures.

    Parameters
    ----------
    best : BestThreshold
        Result of `tk.stats.best_threshold`.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure 7.2 inches wide.
    settings : iterable of str, optional
        Labels of all settings of the run, which give each the colour it has in other figures.

    Returns
    -------
    matplotlib.axes.Axes
        The axes that were drawn into.

    Examples
    --------
    >>> import pandas as pd
    >>> import toolkit as tk
    >>> outcomes = pd.DataFrame({"setting": "a()", "sample": range(60), "repeat": 0, "confidence": [n / 60 for n in range(60)]})
    >>> outcomes["outcome"] = ["correct" if n % 3 or n > 40 else "wrong" for n in range(60)]
    >>> best = tk.stats.best_threshold(tk.stats.thresholds(outcomes, "a()"), n_resamples=99)
    >>> tk.plots.utility_curve(best).get_ylabel()
    'utility per image'
    """
    required(best, BestThreshold, "tk.stats.best_threshold")
    own, ax = ax is None, axes_for(ax)
    table = best.table
    if table.empty:
        return say_nothing_to_show(ax, f"{best.name}: nothing was answered, so no threshold is best.")
    color = styles(settings, [best.name])[best.name]["color"]
    x, y = table["threshold"].to_numpy(np.float64), table["utility"].to_numpy(np.float64)
    ax.fill_between(x, table["utility_low"], table["utility_high"], color=color, alpha=0.18, linewidth=0)
    marker = "o" if len(table) < 25 else ""
    [line] = ax.plot(x, y, color=color, linewidth=1.6, marker=marker, markersize=4, label=best.name)
    series = [Series("utility on these images", line, color, np.column_stack([x, y]))]
    if best.threshold < x[0]:  # under the lowest confidence every answer is accepted, wherever the threshold is
        ax.plot([best.threshold, x[0]], [y[0], y[0]], color=color, linewidth=1.6, linestyle=":")
    never = ax.axhline(best.never, color="0.5", linewidth=1.2, linestyle="--")
    widen_a_point(ax, table["threshold"])
    mark_best(ax, best)
    left, right = ax.get_xlim()
    series.append(
        Series("accept nothing", never, "0.5", np.array([[v, best.never] for v in np.linspace(left, right, 20)]))
    )
    if isfinite(best.value):
        ends = [[max(best.value - best.value_low, 0.0)], [max(best.value_high - best.value, 0.0)]]
        known = np.isfinite(ends).all()
        ax.errorbar(
            [best.threshold], [best.value], yerr=ends if known else None, fmt="D", color=color, markersize=7,
            markeredgecolor="white", capsize=3,
        )  # fmt: skip
    if left < best.break_even < right:
        ax.axvline(best.break_even, color="0.5", linewidth=1.0, linestyle="-.")
        ax.annotate(
            f"break-even: {best.break_even:.3g}", (best.break_even, 0.0), xycoords=("data", "axes fraction"),
            xytext=(3, 4), textcoords="offset points", fontsize="small", rotation=90, va="bottom", ha="left",
        )  # fmt: skip
    ax.set_xlim(left, right)
    ax.set_xlabel(
        f"threshold\n(band: pointwise {confidence(best.confidence_level)}, n = {best.images:,} images; shaded: not distinguishable from the best)"
    )
    ax.set_ylabel("utility per image")
    note(ax, f"{best.name}; diamond: its utility on images that were not used for the choice", 20.0)
    name_series(ax, series, own_figure=own)
    return ax
