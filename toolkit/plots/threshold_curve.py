"""What a threshold on confidence does: how many are answered, and how many of these are right."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from toolkit.plots.canvas import MOST_POINTS, as_percent, axes_for, note, say_nothing_to_show
from toolkit.plots.colours import styles
from toolkit.plots.labelling import Series, name_series
from toolkit.plots.results import required
from toolkit.plots.threshold_marks import mark_best, mark_controlled, plain_percent, widen_a_point
from toolkit.stats._core.results import confidence
from toolkit.stats._thresholds.placement import Grid
from toolkit.stats._thresholds.risk_control import Choice
from toolkit.stats._thresholds.threshold_choice import BestThreshold
from toolkit.stats._thresholds.threshold_curve import ThresholdCurve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LINES = {"accuracy_answered": ("accuracy of answers", "-", 0.22), "coverage": ("coverage", "--", 0.12)}


def threshold_curve(
    curve: ThresholdCurve,
    ax: "Axes | None" = None,
    *,
    choice: Choice | None = None,
    best: BestThreshold | None = None,
    settings: Iterable[str] | None = None,
) -> "Axes":
    """Accuracy of the answers (solid) and coverage (dashed) by threshold, with bands that hold for one threshold
    at a time.

    `choice` of `tk.stats.pick_threshold` and `best` of `tk.stats.best_threshold` are marked by upright lines, and
    the thresholds not distinguishable from the best are shaded. `settings`, the labels of the run, give the curve
    the colour that its setting has in other figures. Figures are those of ``curve.table``.

    Parameters
    ----------
    curve : ThresholdCurve
        Result of `tk.stats.thresholds`.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure 7.2 inches wide.
    choice : Choice, optional
        Result of `tk.stats.pick_threshold`, whose threshold is marked.
    best : BestThreshold, optional
        Result of `tk.stats.best_threshold`, whose threshold is marked.
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
    >>> outcomes = pd.DataFrame(
    ...     {
    ...         "setting": ["a()", "b()"] * 4, "sample": list("wwxxyyzz"), "repeat": 0,
    ...         "target": "A7", "text": ["A7", "A1"] + ["A7"] * 6, "outcome": ["correct", "wrong"] + ["correct"] * 6,
    ...         "confidence": [0.9, 0.4, 0.8, 0.7, 0.9, 0.6, 0.7, 0.8], "latency_s": [0.10, 0.21, 0.11, 0.22] * 2,
    ...         "cost_usd": [0.001, 0.002] * 4, "started_at": [float(second) for second in range(8)], "edits": [0, 1] + [0] * 6,
    ...         "ned": [0.0, 0.5] + [0.0] * 6, "background": list("ppqqppqq"),
    ...     }
    ... )
    >>> tk.plots.threshold_curve(tk.stats.thresholds(outcomes, "b()")).get_ylabel()
    'share'
    """
    required(curve, ThresholdCurve, "tk.stats.thresholds")
    own, ax = ax is None, axes_for(ax)
    table = thinned(curve.table)
    if table.empty:
        return say_nothing_to_show(ax, f"{curve.name}: nothing was answered, so there is no threshold.")
    color = styles(settings, [curve.name])[curve.name]["color"]
    asked = isinstance(curve.placement, Grid)
    drawn: dict[str, Any] = {"marker": "o", "markersize": 4} if asked or len(table) == 1 else {"drawstyle": "steps-pre"}
    series = []
    x = table["threshold"].to_numpy(np.float64)
    for column, (words, linestyle, alpha) in _LINES.items():
        y, low, high = (table[f"{column}{end}"].to_numpy(np.float64) for end in ("", "_low", "_high"))
        ax.fill_between(x, low, high, color=color, alpha=alpha, linewidth=0, step=None if asked else "pre")
        [line] = ax.plot(x, y, color=color, linestyle=linestyle, linewidth=1.6, label=words, **drawn)
        if x.size == 1:
            ax.vlines(x, low, high, color=color, linestyle=linestyle)
        series.append(Series(words, line, color, np.column_stack([x, y])[~np.isnan(y)]))
    ax.set_ylim(-0.02, 1.02)
    as_percent(ax.yaxis)
    widen_a_point(ax, table["threshold"])
    if best is not None:
        mark_best(ax, best)
    if choice is not None:
        mark_controlled(ax, choice)
    shaded = ""
    if best is not None and not best.table.empty:
        shaded = "; shaded: not distinguishable from the best"
    ax.set_xlabel(
        f"{'threshold asked of the service' if asked else 'threshold: answers with at least this confidence are accepted'}\n"
        f"(bands: pointwise {confidence(curve.confidence_level)}, n = {curve.placement.images:,} images{shaded})"
    )
    ax.set_ylabel("share")
    words = curve.name
    if choice is not None and choice.status != "controlled":
        words += f": {plain_percent(choice.max_risk)} {choice.loss} cannot be guaranteed ({choice.status})"
    note(ax, words, 8.0 + 12.0 * len(ax.texts))
    name_series(ax, series, own_figure=own, legend_at="lower left")
    return ax


def thinned(table: pd.DataFrame, most: int = MOST_POINTS) -> pd.DataFrame:
    """Some rows of a long table, evenly spaced, with the first and the last: more are not seen, and take time."""
    kept = np.unique(np.linspace(0, max(len(table) - 1, 0), min(len(table), most)).astype(np.intp))
    return table.iloc[kept]
