"""What all widgets share: a root to display, a look, and a face for where no kernel runs."""

import base64
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import ipywidgets
import traitlets

from toolkit.widgets.style import STYLE, only_without
from toolkit.widgets.surroundings import in_notebook

WIDE = {"width": "auto", "max_width": "100%"}
WRAPPED = {"flex_flow": "row wrap", "align_items": "center", "width": "auto"}


class WidgetView(ABC):
    """Something to display. `root` is its widget, for layouts of one's own."""

    root: ipywidgets.Box

    def __init__(self, name: str, children: list[Any], widest_px: int = 980) -> None:
        style = ipywidgets.HTML(STYLE, layout={"display": "none"})
        self.root = ipywidgets.VBox([*children, style], layout={"width": "auto", "max_width": f"{widest_px}px"})
        self.root.add_class("toolkit-widget")
        self.root.add_class(f"toolkit-{name}")
        self.root.add_class(f"toolkit-live-{self.root.model_id}")
        self._shown: list[Any] = []

    @abstractmethod
    def as_html(self) -> str:
        """What is shown now, as HTML without controls."""

    def as_png(self) -> bytes | None:
        """The figure that is shown now; None for what has none."""
        return None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        del include, exclude  # the caller drops what it does not want
        return self._still() | self._live()

    def _ipython_display_(self) -> None:
        if not in_notebook():
            raise NotImplementedError  # by which IPython means: take the bundle above
        self.display()

    def display(self) -> None:
        """Show it below the cell: the live widget, and what stands in for it where no kernel runs."""
        from IPython.display import display

        display(self._live() | {"text/plain": repr(self)}, raw=True)  # type: ignore[no-untyped-call]
        self._shown.append(display(self._still(), raw=True, display_id=True))  # type: ignore[no-untyped-call]

    def keep(self) -> None:
        """Bring what stands in for it to what is shown now, wherever it was displayed."""
        for handle in self._shown:
            handle.update(self._still(), raw=True)

    def _live(self) -> dict[str, Any]:
        return {mime: value for mime, value in self.root._repr_mimebundle_().items() if "widget-view" in mime}

    def _still(self) -> dict[str, Any]:
        id = self.root.model_id
        html = f'<div class="toolkit-static toolkit-still-{id}">{STYLE}{only_without(id)}{self.as_html()}</div>'
        bundle = {"text/plain": repr(self), "text/html": html}
        png = self.as_png()
        return bundle if png is None else bundle | {"image/png": base64.b64encode(png).decode()}


def picture(png: bytes, words: str) -> str:
    """A figure as an HTML image, with words for whom cannot see it."""
    data = base64.b64encode(png).decode()
    return f'<img class="toolkit-figure" alt="{escape(words)}" style="background:#fff;max-width:min(100%,720px)" src="data:image/png;base64,{data}">'


class FigureImage(ipywidgets.Image):  # type: ignore[misc]  # ipywidgets has no types
    """A figure as an image widget, which changes without a flicker. `tooltip` is its name for screen readers."""

    # Without this trait, which other widgets have, the page stumbles over an image's tooltip and shows no image.
    description = traitlets.Unicode("").tag(sync=True)

    def __init__(self, words: str) -> None:
        super().__init__(format="png", tooltip=words)
        self.add_class("toolkit-figure")

    def show(self, png: bytes, width_px: int, height_px: int) -> None:
        """Show another picture; its size is said beforehand, so that nothing below it jumps."""
        self.width, self.height = str(width_px), str(height_px)
        self.value = png


NOTHING = ""
"""Stands for no choice in lists of choices, which show None as a blank."""


def offer(choices: ipywidgets.Dropdown, values: Sequence[Any], chosen: Any, watcher: Callable[[Any], None]) -> None:
    """Put other values into a list of choices without its `watcher` being told; none leave it empty and grey."""
    choices.unobserve(watcher, "value")
    choices.options = [(str(value), value) for value in values] or [("–", NOTHING)]
    choices.value = chosen if values else NOTHING
    choices.disabled = not values
    choices.observe(watcher, "value")
