"""What a report is made of, before it is HTML: sections of words, tables and figures.

Text is kept as it is and escaped when it is rendered.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any, Literal

from toolkit.metrics.html_table import Cell


@dataclass(frozen=True)
class Table:
    """Rows of cells under headings; columns in `left` are words, all others figures."""

    name: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    left: frozenset[str] = frozenset()
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """A drawing for light and for dark pages (PNG), and what it shows in words."""

    light: bytes
    dark: bytes
    words: str
    size: tuple[int, int]
    """Pixels of the page, width and height."""


@dataclass(frozen=True)
class Words:
    """Paragraphs; `kind` "flag" is for what a reader must not overlook."""

    sentences: Sequence[str]
    kind: Literal["plain", "flag", "small"] = "plain"


@dataclass(frozen=True)
class Terms:
    """Names and what they mean."""

    rows: Sequence[tuple[str, str]]


Block = Table | Figure | Words | Terms


@dataclass(frozen=True)
class Section:
    """A heading with what stands under it. `anchor` is its name in links."""

    anchor: str
    title: str
    blocks: list[Block] = field(default_factory=list)


def figure_cell(text: str, value: Any) -> Cell:
    """A cell for a figure written as ``value [low, high]``, sorted by its number."""
    number, bracket, interval = text.partition(" [")
    order = None if value is None or isnan(float(value)) else float(value)
    return Cell(number, f"[{interval}" if bracket else "", order)


def word_cell(text: object) -> Cell:
    """A cell of plain words."""
    return Cell(str(text))
