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
    """
    require_columns(outcomes, "setting", "latency_s")
    table = summary(outcomes)
    absent = {"no answer from": table["latency_p50_s"].isna(), "mostly out of time:": table["latency_p50_s"].gt(1e300)}
    ax = accuracy_against(ax, table, "latency_p50_s", 1000.0, settings_of(outcomes), absent)
    if ax.containers:
        ax.set_xlabel("median latency, ms (log scale)")
    return ax
