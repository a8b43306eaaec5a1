"""Figures drawn to PNG without pyplot, whose state belongs to the user."""

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH_IN = 7.2
_SHOWN_DPI = 100
"""Pixels of the page an inch of the figure takes."""

_SHARPNESS = 1.6
"""Pixels drawn for each of these, so that letters are clean on finer screens too."""


def new_figure(height_in: float, width_in: float = WIDTH_IN, **how: Any) -> "Figure":
    """A figure of its own canvas, unknown to pyplot."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), dpi=_SHOWN_DPI * _SHARPNESS, **how)
    FigureCanvasAgg(figure)
    return figure


def drawn(figure: "Figure") -> bytes:
    """The figure as PNG."""
    figure.canvas.draw()
    return encoded(figure)


def encoded(figure: "Figure") -> bytes:
    """What was drawn last, as PNG. Packed lightly: the time counts, the few kilobytes more do not."""
    from PIL import Image

    pixels = np.asarray(figure.canvas.buffer_rgba())  # type: ignore[attr-defined]  # of the Agg canvas
    file = BytesIO()
    Image.fromarray(pixels).convert("RGB").save(file, "PNG", compress_level=1)
    return file.getvalue()


def shown_px(figure: "Figure") -> tuple[int, int]:
    """Width and height that it takes on the page."""
    return round(figure.get_figwidth() * _SHOWN_DPI), round(figure.get_figheight() * _SHOWN_DPI)
