"""Ways to ask a service for its own threshold curve: money against calls."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from toolkit.plots.canvas import axes_for, note, say_nothing_to_show
from toolkit.plots.colours import styles
from toolkit.plots.labelling import Series, name_series
from toolkit.stats._core.trials import require_columns

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def probe_plans(plans: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Money against calls of each plan of `tk.stats.compare_probe_plans`: down and to the left is better.

    The mark is what is expected, the dotted line leads to the worst case. Without a price, paid calls stand for
    money.

    Parameters
    ----------
    plans : DataFrame
        Result of `tk.stats.compare_probe_plans`.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure 7.2 inches wide.

    Returns
    -------
    matplotlib.axes.Axes
        The axes that were drawn into.

    Examples
    --------
    >>> import toolkit as tk
    >>> plans = tk.stats.compare_probe_plans([0.8, 0.9], images=100, price=0.001)
    >>> tk.plots.probe_plans(plans).get_ylabel()
    'money, USD'
    """
    require_columns(plans, "strategy", "paid_calls", "free_calls", "cost_usd", "cost_usd_at_worst", "calls_at_worst")
    own, ax = ax is None, axes_for(ax)
    if plans.empty:
        return say_nothing_to_show(ax, "Nothing to show: no plan was given.")
    priced = bool((plans["cost_usd"] > 0).all())
    style = styles(plans["strategy"])
    series = []
    rows = plans.to_dict("records")
    places = [_place(row, priced=priced) for row in rows]
    for number, (row, (calls, money, most)) in enumerate(zip(rows, places, strict=True)):
        look = style[row["strategy"]]
        upon = sum(place[:2] == (calls, money) for place in places[number + 1 :])
        if priced:
            ax.plot([calls, row["calls_at_worst"]], [money, most], color=look["color"], linestyle=":", linewidth=1.2)
            ax.plot([row["calls_at_worst"]], [most], color=look["color"], marker="_", linestyle="", markersize=8)
        [mark] = ax.plot(
            [calls],
            [money],
            color=look["color"],
            marker=look["marker"],
            linestyle="",
            markersize=8 + 6 * upon,  # plans that come to the same are rings around one another
            label=row["strategy"],
        )
        series.append(Series(row["strategy"], mark, look["color"], np.array([[calls, money]])))
    ax.set_xlim(left=0.0)
    ax.set_ylim(bottom=0.0)
    ax.margins(x=0.08, y=0.1)
    ax.set_xlabel("calls in all, paid and free")
    ax.set_ylabel("money, USD" if priced else "paid calls (no price is known)")
    if priced:
        note(ax, "marks: expected; dotted to the worst case")
    name_series(ax, series, own_figure=own)
    return ax


def _place(row: dict[Any, Any], *, priced: bool) -> tuple[float, float, float]:
    calls = row["paid_calls"] + row["free_calls"]
    return (calls, row["cost_usd"], row["cost_usd_at_worst"]) if priced else (calls, row["paid_calls"], np.nan)
