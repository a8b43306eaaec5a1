"""Accuracy against cost: who reads best for the money."""

from typing import TYPE_CHECKING

import pandas as pd

from toolkit.plots.colours import settings_of
from toolkit.plots.trade_off import accuracy_against
from toolkit.stats import summary
from toolkit.stats._core.trials import require_columns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDE = 20.0


def accuracy_cost(outcomes: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Accuracy (share of all images) against the cost of 1,000 correct answers, one mark a setting, 95 % intervals.

    The dashed line joins the settings that no other beats in both: up and to the left is better. An end of an
    interval that these data leave open is dotted to the edge. Settings without a known price, or without a correct
    answer to share the cost, are named above the figure. Figures are those of `tk.stats.summary`, in USD; free
    settings stand at 0. The scale is logarithmic (but around 0) where prices lie far apart.

    Parameters
    ----------
    outcomes : DataFrame
        Outcomes of a run (``run.outcomes``), or any frame with the columns `setting`, `outcome` and `cost_usd`.
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
    >>> tk.plots.accuracy_cost(outcomes).get_xlabel()
    'cost of 1,000 correct answers, USD'
    """
    require_columns(outcomes, "setting", "cost_usd")
    table = summary(outcomes)
    cost = table["cost_per_correct_usd"]
    absent = {
        "no known price:": table["cost_usd"].isna(),
        "no correct answer from": cost.isna() & table["cost_usd"].notna(),
    }
    priced = 1000 * cost[cost > 0]
    wide = len(priced) > 0 and priced.max() > _WIDE * priced.min()
    least = float(priced.min()) if wide else float("inf")
    ax = accuracy_against(ax, table, "cost_per_correct_usd", 1000.0, settings_of(outcomes), absent, least)
    if ax.containers:
        ax.set_xlabel("cost of 1,000 correct answers, USD")
        if priced.empty:
            ax.set_xticks([0.0], ["free"])
    return ax
