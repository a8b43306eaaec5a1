"""The one place where a table becomes HTML: in notebooks, widgets and reports alike.

Text is escaped by the template (jinja2 with autoescape). Only `markupsafe.Markup` is taken for HTML: our own code makes it, never a
provider or a dataset. Colours are those of the page, so that a dark theme stays dark.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from markupsafe import Markup

from toolkit.metrics.markup import flat, visible

if TYPE_CHECKING:
    from jinja2 import Template

Side = Literal["left", "right"]

_MOST_CHARACTERS = 4_000
_LEAST_TO_SORT = 2
_BELOW_ALL = -1e308
"""What a figure that is not known is sorted by."""


@dataclass(frozen=True)
class Cell:
    """One cell. An interval stands small `below`; `order` is what its column is sorted by, where that is not the text.

    With `rows` it is the heading of so many rows, whose other cells follow.
    """

    content: str = ""
    below: str = ""
    order: float | None = None
    rows: int = 0


def html_table(
    columns: Mapping[str, Side],
    rows: Iterable[Sequence[str | Cell]] = (),
    *,
    groups: Iterable[Iterable[Sequence[str | Cell]]] | None = None,
    caption: str = "",
    title: str = "",
    label: str = "",
    foot: str = "",
    sortable: bool = False,
) -> Markup:
    """A table that scrolls sideways where it is wider than its page.

    `columns` gives each heading its side. `groups` are rows that belong together, the first of which begins with a cell
    that spans them all. `label` names the table for screen readers and lets the keyboard scroll it.
    """
    names = [_Column(said(name), side) for name, side in columns.items()]
    several = [list(rows)] if groups is None else [list(group) for group in groups]
    ordered = sortable and len(several[0]) >= _LEAST_TO_SORT
    body = [[list(_cells(names, row, ordered=ordered)) for row in group] for group in several]
    page = _template().render(
        columns=names,
        groups=body,
        caption=said(caption),
        title=said(title),
        label=flat(label),
        foot=said(foot),
        sortable=ordered,
    )
    return Markup(page)  # noqa: S704 -- the template escapes


def said(text: object) -> str:
    """HTML as it is, and any other text so that each of its characters is seen."""
    if isinstance(text, Markup):
        return text
    words = str(text)
    plain = words.isascii() and words.isprintable() and "  " not in words and len(words) <= _MOST_CHARACTERS
    return words if plain else visible(words, _MOST_CHARACTERS)


def excerpt(text: object, most: int) -> str:
    """The beginning of a text, with an ellipsis where there is more."""
    words = str(text)
    return words if len(words) <= most else f"{words[:most]}…"


def stacked(parts: Iterable[str]) -> Markup:
    """Pieces of text or HTML one after the other, each escaped unless it is HTML."""
    return Markup("").join(parts)


@dataclass(frozen=True)
class _Column:
    name: str
    side: Side


def _cells(columns: Sequence[_Column], row: Sequence[str | Cell], *, ordered: bool) -> Iterator[tuple[_Column, Cell]]:
    cells = [cell if isinstance(cell, Cell) else Cell(cell) for cell in row]
    for column, cell in zip(columns[len(columns) - len(cells) :], cells, strict=True):
        order = cell.order
        if order is not None and order != order:  # noqa: PLR0124 -- NaN
            order = None
        if ordered and order is None and column.side == "right":
            order = _BELOW_ALL
        yield column, Cell(said(cell.content), said(cell.below), order, cell.rows)


@lru_cache(maxsize=1)
def _template() -> "Template":
    from jinja2 import Environment

    text = files("toolkit.metrics").joinpath("table.html.jinja").read_text(encoding="utf-8")
    return Environment(autoescape=True).from_string(text)
