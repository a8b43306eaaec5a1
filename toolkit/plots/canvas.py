"""What all figures share: axes of their own or given ones, their frame and grid, notes, and what an empty one says."""

from math import isfinite
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from toolkit.plots.naming import legible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

WIDTH_IN = 7.2
"""As wide as a notebook shows a figure without shrinking it."""

_LETTERS_PER_IN = 14.0
_SHORT = 40
_NARROWEST = 0.6  # decades: room for two marks of 1, 2, 5
MOST_POINTS = 1_500
"""Points of a line: more than the screen has are not seen, and take time to draw."""

FAINT: dict[str, Any] = {"color": "0.5", "alpha": 0.25, "linewidth": 0.6}
"""Lines of the grid, seen on white and on black."""


def axes_for(ax: "Axes | None", height_in: float = 4.4, width_in: float = WIDTH_IN) -> "Axes":
    """The axes given, or those of a new figure; pyplot is asked only for the latter."""
    if ax is None:
        from matplotlib import pyplot as plt

        _, ax = plt.subplots(figsize=(width_in, height_in), layout="constrained")
    ax.grid(**FAINT)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def note(ax: "Axes", text: str, above_pt: float = 6.0) -> None:
    """A remark above the axes, broken to their width."""
    if len(text) > _SHORT:
        lay_out(ax)
    width_in = ax.get_position().width * ax.figure.bbox.width / ax.figure.dpi
    words = fill(legible(text), max(30, int(width_in * _LETTERS_PER_IN)))
    ax.set_title(words, fontsize="small", loc="left", pad=above_pt, parse_math=False)


def lay_out(ax: "Axes") -> None:
    """Bring the axes to where they will be drawn, so that places on the screen can be told."""
    engine = ax.figure.get_layout_engine()
    if engine is not None:
        engine.execute(ax.figure.canvas.figure)
    ax.apply_aspect()
    ax.get_xlim(), ax.get_ylim()


def say_nothing_to_show(ax: "Axes", why: str) -> "Axes":
    """Empty axes that tell why they are empty."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    ax.text(0.5, 0.5, fill(legible(why), 60), transform=ax.transAxes, ha="center", va="center", parse_math=False)
    return ax


def as_percent(axis: "Axis") -> None:
    """Write 0.8 as 80 %."""
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.6g} %"))


def as_log(ax: "Axes", values: ArrayLike, room: float = 0.05) -> None:
    """A logarithmic x axis around all positive values, marked 5, 10, 20 and not 10¹, with room on both sides."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known) & (known > 0)]
    low, high = np.log10([known.min(), known.max()]) if known.size else (-1.0, 1.0)
    narrow = max(0.0, _NARROWEST - (high - low)) / 2
    low, high = low - narrow, high + narrow
    aside = room * (high - low)
    ax.set_xlim(10 ** (low - aside), 10 ** (high + aside))  # first, or the scale would look for limits of its own
    ax.set_xscale("log")
    decades = high - low
    ax.xaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5) if decades < 3 else (1,)))
    if decades < 3:
        ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())


def reach(row: dict[Any, Any], column: str, scale: float = 1.0) -> list[list[float]]:
    """Distances from a value to the ends of its interval, as error bars want them; none to an end that is open."""
    ends = (row[column] - row[f"{column}_low"], row[f"{column}_high"] - row[column])
    return [[scale * max(end, 0.0) if isfinite(end) else 0.0] for end in ends]


def dot_open_ends(
    ax: "Axes", row: dict[Any, Any], column: str, y: float, color: str, scale: float = 1.0, linewidth: float = 1.5
) -> None:
    """From a value on the x axis to the edge of the figure as it stands, where an end of its interval is not known."""
    left, right = ax.get_xlim()
    for end, edge in (("low", left), ("high", right)):
        if not isfinite(row[f"{column}_{end}"]):
            ax.plot([scale * row[column], edge], [y, y], color=color, linestyle=":", linewidth=linewidth)
    ax.set_xlim(left, right)
