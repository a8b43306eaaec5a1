"""The whole distribution of latency: the share of answers received after how long."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from toolkit.plots.canvas import MOST_POINTS, as_log, as_percent, axes_for, note, reach, say_nothing_to_show
from toolkit.plots.colours import settings_of, styles
from toolkit.plots.labelling import Series, name_series
from toolkit.plots.latency_tables import FloatArray, latencies, latency_table
from toolkit.plots.naming import short_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def latency_ecdf(outcomes: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Share of answers received within a time, one line a setting; marks at the median and p95 carry 95 % intervals.

    Polled answers were ready some time between two polls: the shade reaches from the last poll that did not find
    them to the one that did. Trials that ran out of time never arrive, so their setting's line ends below 100 %.
    The marks are those of `latency_table`.

    Parameters
    ----------
    outcomes : DataFrame
        Outcomes of a run (``run.outcomes``), or any frame with the columns `setting`, `sample`, `outcome` and `latency_s` (seconds); `latency_low_s` for polled answers.
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
    >>> tk.plots.latency_ecdf(outcomes).get_ylabel()
    'share of answers received'
    """
    own, ax = ax is None, axes_for(ax)
    known = list(latencies(outcomes))
    if not known:
        return say_nothing_to_show(ax, "Nothing to show: no setting has an answer with a latency.")
    settings = settings_of(outcomes)
    short, style = short_labels(settings), styles(settings)
    table = latency_table(outcomes, (0.5, 0.95))
    series = []
    for one in known:
        color = style[one.setting]["color"]
        arrived = np.isfinite(one.high)
        share = (np.arange(one.high.size) + 1) / one.high.size
        x, y = _stairs(1000 * one.high[arrived], share[arrived])
        if one.polled:
            # A lower end of 0 has no place on a logarithmic axis; the shade then begins at the left edge.
            low = np.maximum(1000 * one.low[arrived], x.min() / 1e3)
            low = _stairs(low, share[arrived])[0]
            ax.fill_betweenx(y, low, x, color=color, alpha=0.07, linewidth=0)
            ax.plot(low, y, color=color, linewidth=0.8, linestyle=":")
        [line] = ax.plot(x, y, color=color, linestyle=style[one.setting]["linestyle"], label=one.setting, linewidth=1.6)
        for row in table[(table["setting"] == one.setting) & np.isfinite(table["latency_s"])].to_dict("records"):
            ax.errorbar(
                1000 * row["latency_s"], row["quantile"], xerr=reach(row, "latency_s", 1000.0),
                fmt=style[one.setting]["marker"], color=color, markersize=4, capsize=3, linewidth=1.2,
            )  # fmt: skip
        series.append(Series(short[one.setting], line, color, np.column_stack([x, y])))
    ax.set_ylim(0.0, 1.02)
    as_log(ax, np.concatenate([1000 * one.high for one in known]))
    as_percent(ax.yaxis)
    ax.set_xlabel("latency, ms (log scale)")
    ax.set_ylabel("share of answers received")
    if any(one.polled for one in known):
        note(ax, "shaded: polled answers, ready somewhere between two polls")
    name_series(ax, series, own_figure=own)
    return ax


def _stairs(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Corners of a rising staircase that begins on the floor; of many steps, some, with the last among them."""
    kept = np.unique(np.linspace(0, x.size - 1, min(x.size, MOST_POINTS)).astype(np.intp))
    x, y = x[kept], y[kept]
    return np.repeat(x, 2), np.concatenate([[0.0], np.repeat(y, 2)[:-1]])
