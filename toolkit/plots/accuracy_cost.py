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
