"""Typical and slow: the quantiles of latency, each with its interval."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from toolkit.plots.canvas import as_log, axes_for, dot_open_ends, reach, say_nothing_to_show
from toolkit.plots.colours import settings_of, styles
from toolkit.plots.latency_tables import QUANTILES, latency_table
from toolkit.plots.naming import legible, short_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKS = dict(zip(QUANTILES, "os^D", strict=True))


def latency_quantiles(outcomes: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Median, p90, p95 and p99 of latency, a row a setting, quickest median on top, with exact 95 % intervals.

    An end that so few answers leave open is dotted to the edge: p95 takes 72 answers, p99 takes 368. The pale bar
    beside a polled setting's mark reaches to where it would stand, had every answer been ready at the last poll
    that did not find it. A quantile beyond the share that ended in time is not drawn. Figures are those of
    `latency_table`.

    Parameters
    ----------
    outcomes : DataFrame
        Outcomes of a run (``run.outcomes``), or any frame with the columns `setting`, `sample`, `outcome` and `latency_s` (seconds).
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
    >>> tk.plots.latency_quantiles(outcomes).get_xlabel()
    'latency, ms (log scale)'
    """
    table = latency_table(outcomes)
    table = table[np.isfinite(table["latency_s"])]
    order = table[table["quantile"] == table["quantile"].min()].sort_values("latency_s")["setting"].tolist()
    order += [label for label in table["setting"].unique() if label not in order]
    ax = axes_for(ax, height_in=1.5 + 0.55 * max(len(order), 3))
    if not order:
        return say_nothing_to_show(ax, "Nothing to show: no setting has an answer with a latency.")
    settings = settings_of(outcomes)
    short, style = short_labels(settings), styles(settings)
    placed = []
    for row in table.to_dict("records"):
        y = order.index(row["setting"]) + 0.19 * (QUANTILES.index(row["quantile"]) - 1.5)
        color = style[row["setting"]]["color"]
        ax.errorbar(
            1000 * row["latency_s"], y, xerr=reach(row, "latency_s", 1000.0), fmt=_MARKS[row["quantile"]],
            color=color, markersize=5, capsize=2, linewidth=1.2, label=f"{row['setting']} {row['quantile']:g}",
        )  # fmt: skip
        placed.append((row, y, color))
    as_log(ax, 1000 * table[["latency_s", "latency_s_low", "latency_s_high"]].to_numpy(), 0.06)
    for row, y, color in placed:
        dot_open_ends(ax, row, "latency_s", y, color, 1000.0, linewidth=1.2)
        if row["polled_low_s"] < row["latency_s"]:
            _bar_to_last_poll(ax, row, y, color)
    ax.set_yticks(range(len(order)), [legible(short[label]) for label in order], parse_math=False, fontsize="small")
    ax.set_ylim(len(order) - 0.4, -0.6)
    ax.grid(visible=False, axis="y")
    polled = (table["polled_low_s"] < table["latency_s"]).any()
    explained = "\npale bars: ready between two polls" if polled else ""
    ax.set_xlabel(f"latency, ms (log scale){explained}")
    _explain_marks(ax)
    return ax


def _bar_to_last_poll(ax: "Axes", row: dict[Any, Any], y: float, color: str) -> None:
    """To the lower end of what is known, or to the edge of the figure where that is nought."""
    left, right = ax.get_xlim()
    begin = max(1000 * row["polled_low_s"], left)
    ax.plot([begin, 1000 * row["latency_s"]], [y, y], color=color, alpha=0.3, linewidth=6, solid_capstyle="butt")
    ax.set_xlim(left, right)


def _explain_marks(ax: "Axes") -> None:
    from matplotlib.lines import Line2D

    marks = [Line2D([], [], marker=mark, color="0.5", linestyle="", markersize=5) for mark in _MARKS.values()]
    names = ["median", *(f"p{100 * quantile:g}" for quantile in QUANTILES[1:])]
    ax.legend(
        marks, names, ncols=4, frameon=False, fontsize="small", loc="lower right", bbox_to_anchor=(1.0, 1.0),
        borderaxespad=0.1, handletextpad=0.1, columnspacing=1.0,
    )  # fmt: skip
