"""Accuracy against latency: who reads best for the time it takes."""

from typing import TYPE_CHECKING

import pandas as pd

from toolkit.plots.colours import settings_of
from toolkit.plots.trade_off import accuracy_against
from toolkit.stats import summary
from toolkit.stats._core.trials import require_columns

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def accuracy_latency(outcomes: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Accuracy (share of all images) against median latency, one mark a setting, with 95 % intervals.

    The dashed line joins the settings that no other beats in both: up and to the left is better. An end of an
    interval that these data leave open is dotted to the edge. Settings without a single answer have no latency
    and are named above the figure. Figures are those of `tk.stats.summary`.

    Parameters
    ----------
    outcomes : DataFrame
        Outcomes of a run (``run.outcomes``), or any frame with the columns `setting`, `outcome` and `latency_s`.
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
    >>> tk.plots.accuracy_latency(outcomes).get_xlabel()
    'median latency, ms (log scale)'
    """
    require_columns(outcomes, "setting", "latency_s")
    table = summary(outcomes)
    absent = {"no answer from": table["latency_p50_s"].isna(), "mostly out of time:": table["latency_p50_s"].gt(1e300)}
    ax = accuracy_against(ax, table, "latency_p50_s", 1000.0, settings_of(outcomes), absent)
    if ax.containers:
        ax.set_xlabel("median latency, ms (log scale)")
    return ax
