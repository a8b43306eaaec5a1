"""Figures of a run as pictures: drawn twice, for light and for dark pages."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

from toolkit._report.blocks import Figure
from toolkit.plots.canvas import WIDTH_IN

_DPI = 144
_PAGE_DPI = 96
_COLOURS = 128
"""Of a picture: enough for smooth letters, and a third of the bytes."""

LIGHT, DARK = "#ffffff", "#16181d"
"""Grounds of the page in both themes; `page.css` has the same."""

_INK = {LIGHT: "#1c1e21", DARK: "#e6e8eb"}


def drawn(draw: Callable[[], Any], words: str) -> Figure:
    """What `draw` draws into a new figure of pyplot's, in both themes; the figure is closed afterwards."""
    light, size = _png(draw, LIGHT)
    dark, _ = _png(draw, DARK)
    return Figure(light, dark, words, size)


def _png(draw: Callable[[], Any], ground: str) -> tuple[bytes, tuple[int, int]]:
    from matplotlib import pyplot as plt
    from PIL import Image

    grounds = ("figure.facecolor", "axes.facecolor", "savefig.facecolor", "legend.facecolor")
    inked = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    look = dict.fromkeys(grounds, ground) | dict.fromkeys(inked, _INK[ground])
    with plt.ioff(), plt.style.context(["default", look]):
        figure = draw().figure
        file = BytesIO()
        try:
            figure.savefig(file, dpi=_DPI, format="png")
            width, height = figure.get_size_inches()
        finally:
            plt.close(figure)
    packed = BytesIO()
    Image.open(file).convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(packed, "PNG")
    scale = _PAGE_DPI * min(1.0, WIDTH_IN / width) if width > 1.5 * WIDTH_IN else _PAGE_DPI
    return packed.getvalue(), (round(scale * width), round(scale * height))
