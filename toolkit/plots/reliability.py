"""Confidence against how often it is right: the reliability curve without bins."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from toolkit.plots.canvas import as_percent, axes_for, note, say_nothing_to_show
from toolkit.plots.colours import styles
from toolkit.plots.labelling import Series, name_series
from toolkit.plots.results import required
from toolkit.stats._core.results import confidence
from toolkit.stats._thresholds.reliability import Calibration

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LARGEST_MARK = 160.0


def reliability(found: Calibration, ax: "Axes | None" = None, *, settings: Iterable[str] | None = None) -> "Axes":
    """The isotonic (CORP) curve of `tk.stats.calibration`: above the diagonal the engine is surer than it says.

    The shade is where the curve would lie if confidence were a probability; marks grow with the number of answers.
    `settings`, the labels of the run, give the curve the colour that its setting has in other figures. Figures are
    those of ``found.table``.

    Parameters
    ----------
    found : Calibration
        Result of `tk.stats.calibration`.
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
    >>> outcomes = pd.DataFrame(
    ...     {
    ...         "setting": ["a()", "b()"] * 4, "sample": list("wwxxyyzz"), "repeat": 0,
    ...         "target": "A7", "text": ["A7", "A1"] + ["A7"] * 6, "outcome": ["correct", "wrong"] + ["correct"] * 6,
    ...         "confidence": [0.9, 0.4, 0.8, 0.7, 0.9, 0.6, 0.7, 0.8], "latency_s": [0.10, 0.21, 0.11, 0.22] * 2,
    ...         "cost_usd": [0.001, 0.002] * 4, "started_at": [float(second) for second in range(8)], "edits": [0, 1] + [0] * 6,
    ...         "ned": [0.0, 0.5] + [0.0] * 6, "background": list("ppqqppqq"),
    ...     }
    ... )
    >>> tk.plots.reliability(tk.stats.calibration(outcomes, "b()", n_resamples=99)).get_ylabel()
    'accuracy of these answers'
    """
    required(found, Calibration, "tk.stats.calibration")
    own, ax = ax is None, axes_for(ax, height_in=5.0, width_in=6.2)
    if not found.answers:
        return say_nothing_to_show(ax, f"{found.name}: no answer has a confidence, so there is nothing to calibrate.")
    table = found.table
    color = styles(settings, [found.name])[found.name]["color"]
    x = table["confidence"].to_numpy(np.float64)
    ax.fill_between(x, table["band_low"], table["band_high"], color="0.5", alpha=0.2, linewidth=0)
    if len(table) == 1:
        ax.vlines(x, table["band_low"], table["band_high"], color="0.5", alpha=0.4, linewidth=6)
    # A stretch of equal accuracy is drawn from its first to its last confidence.
    stretch = table[["confidence_low", "confidence_high"]].to_numpy(np.float64).ravel()
    accuracy = np.repeat(table["accuracy"].to_numpy(np.float64), 2)
    [line] = ax.plot(stretch, accuracy, color=color, linewidth=1.6, label=found.name)
    answers = table["answers"].to_numpy(np.float64)
    ax.scatter(x, table["accuracy"], s=12 + _LARGEST_MARK * answers / answers.max(), color=color, alpha=0.6, zorder=3)
    left = max(0.0, float(stretch.min()) - 0.03) if np.ptp(stretch) < 0.6 else 0.0
    ax.set_xlim(left - 0.02, 1.02)
    ax.set_ylim(-0.04, 1.04)
    [diagonal] = ax.plot([0, 1], [0, 1], color="0.5", linewidth=1.0, linestyle="--", zorder=1)
    as_percent(ax.xaxis)
    as_percent(ax.yaxis)
    confidence_level = confidence(found.confidence_level)
    ax.set_xlabel(f"confidence\n(shaded: where a calibrated engine's curve would lie, pointwise {confidence_level})")
    ax.set_ylabel("accuracy of these answers")
    note(
        ax,
        f"{found.name}, {found.answers:,} answers: Brier {found.brier:.4f} = "
        f"{found.miscalibration:.4f} miscalibration − {found.discrimination:.4f} discrimination + "
        f"{found.uncertainty:.4f} uncertainty",
    )
    along = np.linspace(left, 1, 20)
    series = [
        Series("as observed", line, color, np.column_stack([stretch, accuracy])),
        Series("calibrated", diagonal, "0.5", np.column_stack([along, along])),
    ]
    name_series(ax, series, own_figure=own, legend_at="lower right")
    return ax
