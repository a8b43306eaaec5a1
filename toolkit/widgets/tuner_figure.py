"""The tuner's figure: accuracy and coverage above, utility below, and lines that move."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from toolkit.plots import threshold_curve
from toolkit.plots.colours import styles
from toolkit.stats import Choice, ThresholdCurve
from toolkit.stats._thresholds.placement import Grid
from toolkit.widgets.canvas import encoded, new_figure, shown_px
from toolkit.widgets.tuning import Setup, at, highest_utility

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

_HEIGHT_IN = 5.6
_MOST_POINTS = 1_500


class TunerFigure:
    """Drawn whole once for a curve. What a slider moves is drawn anew on top of pixels that are kept.

    There are two layers of these: everything but the lower panel, and with the lower panel's frame at its present
    scale. So a move of the threshold draws a few lines, one of a price the lower panel, and neither the rest.
    """

    def __init__(self, curve: ThresholdCurve, settings: Iterable[str]) -> None:
        self.figure = new_figure(_HEIGHT_IN, layout="constrained")
        self.above, self.below = self.figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
        threshold_curve(curve, self.above, settings=settings)
        self.above.tick_params(labelbottom=True)
        _frame(self.below)
        self._shown = _some(len(curve.table))
        x = curve.table["threshold"].to_numpy(np.float64)[self._shown]
        how: dict[str, Any] = (
            {"marker": "o", "markersize": 4} if isinstance(curve.placement, Grid) else {"drawstyle": "steps-pre"}
        )
        color = styles(settings, [curve.name])[curve.name]["color"]
        [self.worth] = self.below.plot(x, np.zeros(x.size), color=color, linewidth=1.6, **how)
        self.never = self.below.axhline(0.0, color="0.5", linewidth=1.2, linestyle="--")
        ink = self.above.xaxis.label.get_color()  # the colours belong to the settings
        self.chosen = [ax.axvline(x[0], color=ink, linewidth=2.0) for ax in (self.above, self.below)]
        self.promised = [ax.axvline(x[0], color=ink, linewidth=1.2, linestyle="-.") for ax in (self.above, self.below)]
        [self.best] = self.below.plot([], [], marker="D", color=color, markersize=6, linestyle="")
        [self.here] = self.below.plot([], [], marker="o", color=ink, markersize=7, linestyle="")
        self._explain_marks()
        self._without_below: Any = None
        self._with_frame: Any = None

    def draw(self, setup: Setup, curve: ThresholdCurve, choice: Choice) -> tuple[bytes, int, int]:
        """The figure for a state as PNG, and the width and height in which the page should show it."""
        best = highest_utility(curve)
        never = float(setup.utility.of(np.zeros(1), np.zeros(1))[0])
        worth = curve.table["utility"].to_numpy(np.float64)
        self.worth.set_ydata(worth[self._shown])
        self.never.set_ydata([never, never])
        self.best.set_data([best["threshold"]], [best["utility"]])
        self.here.set_data([setup.threshold], [at(curve, setup.threshold)["utility"]])
        for line in self.chosen:
            line.set_xdata([setup.threshold, setup.threshold])
        for line in self.promised:
            line.set_visible(choice.status == "controlled")
            line.set_xdata([choice.threshold, choice.threshold])
        low, high = float(min(np.nanmin(worth), never)), float(max(np.nanmax(worth), never))
        reach = 0.08 * (high - low) or 0.5
        self._draw((low - reach, high + reach))
        return encoded(self.figure), *shown_px(self.figure)

    def _draw(self, scale: tuple[float, float]) -> None:
        canvas: Any = self.figure.canvas
        moving = self._moving()
        rescaled = scale != self.below.get_ylim()
        self.below.set_ylim(scale)
        if self._without_below is None:
            canvas.draw()  # lays out with everything in place; from then on the axes stay where they are
            self.figure.set_layout_engine("none")
            for artist in (self.below, *(artist for _, artist in moving)):
                artist.set_animated(True)  # which leaves it out of what is drawn by itself
            canvas.draw()
            self._without_below = canvas.copy_from_bbox(self.figure.bbox)
            rescaled = True
        if rescaled:
            canvas.restore_region(self._without_below)
            self.figure.draw_artist(self.below)
            self._with_frame = canvas.copy_from_bbox(self.figure.bbox)
        canvas.restore_region(self._with_frame)
        for ax, artist in moving:
            ax.draw_artist(artist)

    def _moving(self) -> list[tuple["Axes", "Artist"]]:
        """What is drawn last, in this order; the upper panel's words come after the lines that may cross them."""
        lines = [
            *((line.axes, line) for line in (*self.promised, *self.chosen)),
            *((self.below, line) for line in (self.worth, self.never, self.best, self.here)),
        ]
        return [*lines, *((self.above, text) for text in self.above.texts)]

    def _explain_marks(self) -> None:
        from matplotlib.patheffects import withStroke

        for text in self.above.texts:
            text.set_path_effects([withStroke(linewidth=3, foreground=self.figure.get_facecolor())])
        artists = [self.chosen[0], self.promised[0], self.best, self.never]
        words = ["chosen", "risk-controlled", "highest utility on these images", "accept nothing"]
        self.figure.legend(artists, words, loc="outside lower center", ncols=4, frameon=False, fontsize="small")


def _some(rows: int) -> NDArray[np.intp]:
    """Positions of some rows of a long curve: more are not seen, and take time."""
    return np.unique(np.linspace(0, rows - 1, min(rows, _MOST_POINTS)).astype(np.intp))


def _frame(ax: "Axes") -> None:
    ax.grid(color="0.5", alpha=0.25, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_ylabel("utility per image")
    ax.set_xlabel("threshold")
