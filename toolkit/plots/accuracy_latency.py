"""Accuracy against latency: who reads best for the time it takes."""

from typing import TYPE_CHECKING

import pandas as pd

from toolkit.plots.canvas import as_plain_log
from toolkit.plots.colours import settings_of
from toolkit.plots.trade_off import accuracy_against
from toolkit.stats import summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def accuracy_latency(outcomes: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Accuracy (share of all images) against median latency, one mark a setting, with 95 % intervals.

    The dashed line joins the settings that no other beats in both: up and to the left is better. An end of an
    interval that these data leave open is dotted to the edge. Settings without a single answer have no latency
    and are named above the figure. Figures are those of `tk.stats.summary`.
    """
    table = summary(outcomes)
    table = table[table["latency_p50_s"] < float("inf")]  if False else table
    settings = settings_of(outcomes)
    ax = accuracy_against(ax, table, "latency_p50_s", 1000.0, settings, "no answer from", log=True)
    if ax.containers:
        ax.set_xlabel("median latency, ms (log scale)")
        as_plain_log(ax.xaxis)
    return ax
