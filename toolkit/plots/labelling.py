"""Names of series: beside their marks where there is room for all of them, otherwise in a legend."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from toolkit.plots.canvas import WIDTH_IN, lay_out
from toolkit.plots.colours import readable
from toolkit.plots.naming import legible

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.legend import Legend
    from matplotlib.text import Annotation

FloatArray = NDArray[np.float64]
Corner = Literal["upper left", "upper right", "lower left", "lower right"]

_CORNERS: tuple[Corner, ...] = ("upper right", "upper left", "lower left", "lower right")
_MOST_DIRECT = 6
_ROOM_FOR_LETTERS = 150
_IN_PER_LETTER = 0.085
_AWAY_PT = (7.0, 14.0, 22.0)
"""How far a name may stand from its mark: beyond its error bars, if need be."""

_PLACES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
"""Directions in which a name may stand from its mark, best first."""

_ANCHORS = 25
_CELL_PX = 2.0
_DENSE_PX = 2.0
_APART_PX = 10.0
_LONGEST_PX = 1e5
_NEARER_PX = 4.0  # by so much a name stands nearer to its own series than to any other
_FAR_PX = 60.0
"""A name this far from all other series is far enough."""


@dataclass(frozen=True)
class Series:
    """What is named: by which words, drawn as what, through which points (n × 2, in data coordinates)."""

    words: str
    artist: Any
    color: str
    points: FloatArray


def name_series(
    ax: "Axes", series: Sequence[Series], *, own_figure: bool = False, legend_at: Corner = "upper right"
) -> None:
    """Write each name where it is seen to belong to one series only; a legend takes over when one finds no place.

    A legend that finds no empty corner stands beside the axes, for which a figure of our own is made wider.
    """
    if not series:
        return
    if len(series) <= _MOST_DIRECT and _written_beside(ax, series):
        return
    artists = [_mark_of(one.artist) for one in series]
    words = [legible(one.words) for one in series]
    longest = max(map(len, words))
    small = len(series) <= _MOST_DIRECT and len(series) * longest <= _ROOM_FOR_LETTERS
    legend = _legend_inside(ax, artists, words, legend_at, crowded=not own_figure) if small else None
    if legend is None:
        if own_figure:
            ax.figure.set_figwidth(WIDTH_IN + _IN_PER_LETTER * longest)  # type: ignore[union-attr]
        legend = ax.legend(artists, words, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize="small")
    for text in legend.get_texts():
        text.set_parse_math(False)


def _mark_of(artist: Any) -> "Artist":
    """What stands for a series in a legend: of a mark with error bars the mark, since the bars would blur into a cross."""
    from matplotlib.container import ErrorbarContainer

    return artist.lines[0] if isinstance(artist, ErrorbarContainer) else artist


def _legend_inside(
    ax: "Axes", artists: Sequence["Artist"], words: Sequence[str], first: Corner, *, crowded: bool
) -> "Legend | None":
    """A legend in a corner where it covers nothing; in axes that may not grow a `crowded` corner will do."""
    lay_out(ax)
    free = _Free(np.asarray(ax.get_window_extent().extents), np.vstack([drawn_points(ax), _outlines(artists)]))
    for text in ax.texts:
        if text.get_text():
            free.take(np.asarray(text.get_window_extent().extents))
    frame: dict[str, Any] = {"frameon": True, "framealpha": 0.7, "edgecolor": "none"}
    for corner in dict.fromkeys((first, *_CORNERS)):
        legend = ax.legend(artists, words, loc=corner, **frame)
        if free.has(np.asarray(legend.get_window_extent().extents)[None])[0]:
            return legend
        legend.remove()
    return ax.legend(artists, words, loc=first, **frame) if crowded else None


def _outlines(artists: Sequence["Artist"]) -> FloatArray:
    """Points along the edges of those that are areas, in pixels."""
    from matplotlib.collections import PolyCollection

    areas = [artist for artist in artists if isinstance(artist, PolyCollection)]
    paths = [_dense(area.get_transform().transform(path.vertices)) for area in areas for path in area.get_paths()]
    return np.concatenate([np.zeros((0, 2)), *paths])


def _written_beside(ax: "Axes", series: Sequence[Series]) -> bool:
    lay_out(ax)
    inside = np.asarray(ax.get_window_extent().extents)
    free = _Free(inside, drawn_points(ax))
    own = [_on_screen(ax, one.points) for one in series]
    along = [_dense(points, _APART_PX) for points in own]
    for text in ax.texts:
        if text.get_text():
            free.take(np.asarray(text.get_window_extent().extents))
    notes: list[Annotation] = []
    for number, one in enumerate(series):
        text = ax.annotate(
            legible(one.words), (0, 0), xytext=(0, 0), textcoords="offset points", fontsize="small", va="center",
            color=readable(one.color), ha="center", annotation_clip=False, parse_math=False,
        )  # fmt: skip
        notes.append(text)
        box = text.get_window_extent()
        others = np.concatenate([np.zeros((0, 2)), *(points for n, points in enumerate(along) if n != number)])
        found = _best_place(own[number], np.array([box.width, box.height]) / 2, free, others, ax.figure.dpi / 72)
        if found is None:
            for note in notes:
                note.remove()
            return False
        anchor, offset_px, extents = found
        text.xy = tuple(ax.transData.inverted().transform(anchor))
        text.set_position(tuple(72 / ax.figure.dpi * offset_px))
        free.take(extents)
    return True


class _Free:
    """Where in the axes there is nothing yet, in cells of a few pixels; asked about many boxes at a time."""

    def __init__(self, inside: FloatArray, points: FloatArray) -> None:
        self._inside = inside
        self._cells = np.zeros(np.maximum(np.ceil((inside[2:] - inside[:2]) / _CELL_PX).astype(np.intp), 1), np.bool_)
        at = np.floor((points - inside[:2]) / _CELL_PX)
        at = at[np.all((at >= 0) & (at < self._cells.shape), axis=1)].astype(np.intp)
        self._cells[at[:, 0], at[:, 1]] = True

    def take(self, box: FloatArray) -> None:
        """Mark a box of pixels, left, bottom, right and top, as taken."""
        (left, bottom), (right, top) = self._corners(box[None])[0].reshape(2, 2)
        self._cells[left:right, bottom:top] = True

    def has(self, boxes: FloatArray) -> NDArray[np.bool_]:
        """Whether each of n boxes (n × 4) lies within the axes and upon nothing."""
        within = np.all(boxes[:, :2] >= self._inside[:2], axis=1) & np.all(boxes[:, 2:] <= self._inside[2:], axis=1)
        # The sum over any box is that of four corners of the running sum.
        running = np.zeros(np.add(self._cells.shape, 1), np.intp)
        running[1:, 1:] = self._cells.cumsum(axis=0).cumsum(axis=1)
        left, bottom, right, top = self._corners(boxes).T
        taken = running[right, top] - running[left, top] - running[right, bottom] + running[left, bottom]
        return np.asarray(within & (taken == 0))

    def _corners(self, boxes: FloatArray) -> NDArray[np.intp]:
        cells = (boxes - np.tile(self._inside[:2], 2)) / _CELL_PX
        cells = np.hstack([np.floor(cells[:, :2]), np.ceil(cells[:, 2:])])
        return np.clip(cells, 0, np.tile(self._cells.shape, 2)).astype(np.intp)


def _best_place(
    anchors: FloatArray, half: FloatArray, free: _Free, others: FloatArray, px_per_pt: float
) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    """Anchor, offset of the name's centre and its box, in pixels: clear of all that is drawn, far from other series."""
    if not len(anchors):
        return None
    anchors = anchors[np.unique(np.linspace(0, len(anchors) - 1, _ANCHORS).astype(np.intp))]
    directions = np.array(_PLACES)
    straight = np.where((directions == 0).any(axis=1), 1.0, 0.5)[:, None]
    offsets = np.concatenate([directions * (half + away * px_per_pt * straight) for away in _AWAY_PT])
    rank = np.concatenate([np.arange(len(_PLACES)) + 4 * step for step in range(len(_AWAY_PT))])
    centres = (anchors[:, None] + offsets[None]).reshape(-1, 2)
    boxes = np.hstack([centres - half, centres + half])
    possible = np.flatnonzero(free.has(boxes))
    gaps = np.maximum(np.abs(others[None] - centres[possible, None]) - half, 0)
    gap = np.hypot(gaps[..., 0], gaps[..., 1]).min(axis=1, initial=_FAR_PX)
    own_gap = np.tile(np.hypot(*np.maximum(np.abs(offsets) - half, 0).T), len(anchors))[possible]
    clear = gap > own_gap + _NEARER_PX
    if not clear.any():
        return None
    score = np.where(clear, gap - 3.0 * np.tile(rank, len(anchors))[possible], -np.inf)
    best = possible[np.argmax(score)]
    return anchors[best // len(offsets)], offsets[best % len(offsets)], boxes[best]


def drawn_points(ax: "Axes") -> FloatArray:
    """Points on all lines and error bars of the axes, in pixels, close enough that no word fits between two."""
    from matplotlib.cbook import STEP_LOOKUP_MAP
    from matplotlib.collections import LineCollection

    paths = []
    for line in ax.lines:
        x, y = STEP_LOOKUP_MAP[line.get_drawstyle()](*np.asarray(line.get_xydata(), np.float64).T)
        paths.append(line.get_transform().transform(np.column_stack([x, y])))
    for collection in ax.collections:
        if isinstance(collection, LineCollection):
            paths += [collection.get_transform().transform(np.asarray(s)) for s in collection.get_segments()]
    return np.concatenate([np.zeros((0, 2)), *map(_dense, paths)])


def _on_screen(ax: "Axes", points: FloatArray) -> FloatArray:
    pixels = np.asarray(ax.transData.transform(points), np.float64)
    return pixels[np.isfinite(pixels).all(axis=1)]


def _dense(path: FloatArray, apart_px: float | None = None) -> FloatArray:
    """Points along a path, not farther apart than a few pixels; with `apart_px` points so far apart, no others."""
    path = path[np.isfinite(path).all(axis=1)]
    if len(path) < 2:
        return path
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    at = np.arange(0.0, min(along[-1], _LONGEST_PX), apart_px or _DENSE_PX)
    at = np.append(at, along[-1]) if apart_px else np.union1d(along, at)
    return np.column_stack([np.interp(at, along, path[:, 0]), np.interp(at, along, path[:, 1])])
