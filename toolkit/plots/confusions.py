"""Which characters are taken for which, by how many errors that makes."""

from collections.abc import Iterable
from math import isfinite
from typing import TYPE_CHECKING, Any

from toolkit.plots.canvas import axes_for, note, reach, say_nothing_to_show
from toolkit.plots.colours import styles
from toolkit.plots.naming import character
from toolkit.plots.results import required
from toolkit.stats._core.character_errors import INSERTED, MISSING, Confusions
from toolkit.stats._core.results import confidence, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def confusions(
    found: Confusions, ax: "Axes | None" = None, *, top: int = 15, settings: Iterable[str] | None = None
) -> "Axes":
    """The most frequent character confusions of `tk.stats.confusions`, a bar each.

    The whisker is the Wilson interval of the share of the character's occurrences, and the words on the right give
    that share; characters read where there is none have neither. Counts belong to one optimal alignment. `settings`,
    the labels of the run, give the bars the colour that the setting has in other figures.

    Parameters
    ----------
    found : Confusions
        Result of `tk.stats.confusions`.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure 7.2 inches wide.
    top : int, default 15
        How many confusions to draw.
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
    >>> tk.plots.confusions(tk.stats.confusions(outcomes)).get_yticklabels()[0].get_text()
    '7 → 1'
    """
    required(found, Confusions, "tk.stats.confusions")
    import matplotlib as mpl

    rows = found.table.head(top).to_dict("records")
    ax = axes_for(ax, height_in=1.2 + 0.26 * max(len(rows), 4))
    if not rows:
        if not found.answers:
            return say_nothing_to_show(ax, f"{found.name}: nothing was answered, so nothing was confused.")
        return say_nothing_to_show(ax, f"{found.name}: no character of {found.answers:,} answers was read wrongly.")
    color = styles(settings, [found.name])[found.name]["color"] if found.name != "all settings" else "0.5"
    ax.barh(range(len(rows)), [row["count"] for row in rows], color=color, alpha=0.75, height=0.7)
    for y, row in enumerate(rows):
        furthest = row["count"]
        words = "where there is nothing"
        if isfinite(row["share"]):
            ends = reach(row, "share", row["support"])
            ax.errorbar(row["count"], y, xerr=ends, fmt="none", ecolor="0.5", capsize=3, linewidth=1.2)
            furthest += ends[1][0]
            words = f"{percent(row['share'])} of {row['support']:,.0f}"
        ax.annotate(words, (furthest, y), xytext=(6, 0), textcoords="offset points", va="center", fontsize="small")
    ax.set_xlim(0.0, 1.25 * ax.dataLim.x1)
    # In letters of one width, of which I, l and 1 look different; those they lack come from the usual ones.
    families = ["monospace", *mpl.rcParams["font.family"]]
    ax.set_yticks(range(len(rows)), [_pair(row) for row in rows], parse_math=False, family=families)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.grid(visible=False, axis="y")
    ax.tick_params(axis="y", length=0)
    whole_numbers(ax)
    ax.set_xlabel(f"errors (whisker: {confidence(found.confidence_level)} interval of the share of occurrences)")
    errors, kinds = int(found.table["count"].sum()), len(found.table)
    part = f"; the {len(rows)} commonest of {kinds:,} kinds" if kinds > len(rows) else ""
    note(ax, f"{found.name}: {errors:,} wrong characters in {found.answers:,} answers{part}")
    return ax


def whole_numbers(ax: "Axes") -> None:
    """No halves of errors on the x axis."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def _pair(row: dict[Any, Any]) -> str:
    target, answer = (
        word if word in (INSERTED, MISSING) else character(word) for word in (str(row["target"]), str(row["answer"]))
    )
    return f"{'nothing' if target == INSERTED else target} → {'nothing' if answer == MISSING else answer}"
