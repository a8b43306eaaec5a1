"""Paired differences, one row a pair: better or worse, by how much, how surely."""

from collections.abc import Iterable
from math import isfinite
from typing import TYPE_CHECKING, Any

from toolkit.plots.canvas import axes_for, dot_open_ends, note, reach, say_nothing_to_show
from toolkit.plots.colours import styles
from toolkit.plots.naming import legible, short_labels
from toolkit.plots.results import required
from toolkit.stats._comparison.comparison import Comparison
from toolkit.stats._comparison.paired_metrics import METRICS
from toolkit.stats._core.results import confidence

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_ROWS = 40
_SHORT = 24
_LINE = 40
"""Letters of a pair of names that share a line; longer ones take two."""


def forest(comparison: Comparison, ax: "Axes | None" = None, *, settings: Iterable[str] | None = None) -> "Axes":
    """Differences of `tk.stats.compare` with their intervals, largest on top; the numbers stand on the right.

    Filled marks are told from the baseline after correction for the number of pairs, hollow ones are not. A margin
    is shaded. Ends that the data leave open are dotted to the edge. `settings`, the labels of the run, give each the
    colour it has in other figures. Figures are those of ``comparison.table``.

    Parameters
    ----------
    comparison : Comparison
        Result of `tk.stats.compare`.
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
    >>> ax = tk.plots.forest(tk.stats.compare(outcomes, "b()"))
    >>> len(ax.lines) > 0
    True
    """
    required(comparison, Comparison, "tk.stats.compare")
    table = comparison.table.sort_values("difference", ascending=False, na_position="last", kind="stable")
    cut = max(len(table) - _MOST_ROWS, 0)
    if cut:
        table = table[table.index.isin(table["p"].sort_values(kind="stable").index[:_MOST_ROWS])]
    ax = axes_for(ax, height_in=1.4 + 0.36 * max(len(table), 2))
    if table.empty:
        return say_nothing_to_show(ax, "Nothing to compare: give outcomes of two settings at least.")
    scale, unit = _scale_and_unit(comparison.metric)
    labels = [*table["setting"], *table["baseline"]]
    run = () if settings is None else tuple(settings)
    short, style = short_labels([*labels, *run]), styles(run, labels)
    rows = list(enumerate(table.to_dict("records")))
    known = [(y, row) for y, row in rows if isfinite(row["difference"])]
    for y, row in known:
        told = row["verdict"] != "cannot tell"
        look = style[row["setting"]]
        ax.errorbar(
            scale * row["difference"], y, xerr=reach(row, "difference", scale), fmt=look["marker"],
            color=look["color"], markerfacecolor=look["color"] if told else "none", capsize=3, markersize=6,
            label=f"{row['setting']} - {row['baseline']}",
        )  # fmt: skip
    ax.axvline(0.0, color="0.5", linewidth=1.0, zorder=1)
    if comparison.margin is not None:
        ax.axvspan(-scale * comparison.margin, scale * comparison.margin, label="margin", color="0.5", alpha=0.15, lw=0)
    ax.margins(x=0.05)
    for y, row in known:
        dot_open_ends(ax, row, "difference", y, style[row["setting"]]["color"], scale)
    _write_rows(ax, rows, short, scale)
    one_baseline = table["baseline"].nunique() == 1
    against = f" to {legible(short[table['baseline'].iloc[0]])}" if one_baseline else ""
    worse_left = METRICS[comparison.metric].better > 0
    apart = ",\n" if len(against) > _SHORT else ", "  # a long name takes a line of its own, or the figure would cut it
    ax.set_xlabel(
        f"difference{against}{apart}{unit}, {confidence(comparison.confidence_level)} interval\n"
        f"{'← worse · better →' if worse_left else '← better · worse →'} (hollow: not distinguishable)",
        parse_math=False,
    )
    skipped = f"; the {cut} pairs with the largest p-values of {cut + len(table)} are not shown" if cut else ""
    words = METRICS[comparison.metric].words.removesuffix(" in USD").removesuffix(" in seconds")
    note(ax, f"{words}{skipped}")
    return ax


def _scale_and_unit(metric: str) -> tuple[float, str]:
    if METRICS[metric].kind == "share" or metric.startswith("cer"):
        return 100.0, "percentage points"
    return (1000.0, "ms") if metric.startswith("latency") else (1.0, "USD")


def _write_rows(ax: "Axes", rows: list[tuple[int, dict[Any, Any]]], short: dict[str, str], scale: float) -> None:
    """Names of the pairs on the left, their numbers on the right."""
    one_baseline = len({row["baseline"] for _, row in rows}) == 1
    names = [short[row["setting"]] if one_baseline else _pair(row, short) for _, row in rows]
    ax.set_yticks([y for y, _ in rows], [legible(name) for name in names], parse_math=False, fontsize="small")
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.grid(visible=False, axis="y")
    ax.tick_params(axis="y", length=0)
    for y, row in rows:
        ax.annotate(
            _numbers(row, scale), (1.0, y), xycoords=("axes fraction", "data"), xytext=(6, 0),
            textcoords="offset points", va="center", fontsize="small", annotation_clip=False,
        )  # fmt: skip


def _pair(row: dict[Any, Any], short: dict[str, str]) -> str:
    one, other = short[row["setting"]], short[row["baseline"]]
    return f"{one}\n− {other}" if len(one) + len(other) > _LINE else f"{one} − {other}"


def _numbers(row: dict[Any, Any], scale: float) -> str:
    if not isfinite(row["difference"]):
        return "no shared image" if row["images"] == 0 else "unknown"

    def say(value: float) -> str:
        return "open" if not isfinite(value) else f"{scale * value:+.1f}" if scale > 1 else f"{value:+.2g}"

    numbers = f"{say(row['difference'])} [{say(row['difference_low'])}, {say(row['difference_high'])}]"
    return numbers.replace("-", "−")
