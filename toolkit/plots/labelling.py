"""Names of series: beside their marks where there is room for all of them, otherwise in a legend."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from toolkit.plots.canvas import WIDTH_IN
from toolkit.plots.colours import readable
from toolkit.plots.naming import legible

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation

FloatArray = NDArray[np.float64]

_MOST_DIRECT = 6
_ROOM_FOR_LETTERS = 150
_IN_PER_LETTER = 0.085
_AWAY_PT = 7.0
_PLACES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
"""Directions in which a name may stand from its mark, best first."""

_ANCHORS = 25
_DENSE_PX = 4.0


@dataclass(frozen=True)
class Series:
    """What is named: by which words, drawn as what, through which points (n × 2, in data coordinates)."""

    words: str
    artist: Any
    color: str
    points: FloatArray


def name_series(ax: "Axes", series: Sequence[Series], *, own_figure: bool = False, legend_at: str = "best") -> None:
    """Write each name where it is seen to belong to one series only; a legend takes over when one finds no place.

    A legend too large for a corner stands beside the axes, for which a figure of our own is made wider.
    """
    if not series:
        return
    if len(series) <= _MOST_DIRECT and _written_beside(ax, series):
        return
    longest = max(len(one.words) for one in series)
    artists: list[Artist] = [one.artist for one in series]
    words = [legible(one.words) for one in series]
    if len(series) <= _MOST_DIRECT and len(series) * longest <= _ROOM_FOR_LETTERS:
        legend = ax.legend(artists, words, frameon=True, framealpha=0.7, edgecolor="none", loc=legend_at)
    else:
        if own_figure:
            ax.figure.set_figwidth(WIDTH_IN + _IN_PER_LETTER * longest)  # type: ignore[union-attr]
        legend = ax.legend(
            artists, words, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize="small"
        )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _written_beside(ax: "Axes", series: Sequence[Series]) -> bool:
    lay_out(ax)
    inside = ax.get_window_extent()
    obstacles = drawn_points(ax)
    own = [_on_screen(ax, one.points) for one in series]
    taken = [text.get_window_extent().extents for text in ax.texts if text.get_text()]
    notes: list[Annotation] = []
    for number, one in enumerate(series):
        text = ax.annotate(
            legible(one.words), (0, 0), xytext=(0, 0), textcoords="offset points", fontsize="small", va="center",
            color=readable(one.color), ha="center", annotation_clip=False, parse_math=False,
        )  # fmt: skip
        notes.append(text)
        box = text.get_window_extent()
        others = np.concatenate([np.zeros((0, 2)), *(points for n, points in enumerate(own) if n != number)])
        found = _best_place(own[number], (box.width, box.height), inside.extents, obstacles, others, taken, ax)
        if found is None:
            for note in notes:
                note.remove()
            return False
        anchor, offset_px, extents = found
        text.xy = tuple(ax.transData.inverted().transform(anchor))
        text.set_position(tuple(72 / ax.figure.dpi * offset_px))
        taken.append(extents)
    return True


def _best_place(
    anchors: FloatArray,
    size: tuple[float, float],
    inside: FloatArray,
    obstacles: FloatArray,
    others: FloatArray,
    taken: Sequence[FloatArray],
    ax: "Axes",
) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    """Anchor, offset of the name's centre and its box, in pixels: clear of all that is drawn, far from other series."""
    half, away = np.array(size) / 2, _AWAY_PT * ax.figure.dpi / 72
    anchors = anchors[np.unique(np.linspace(0, len(anchors) - 1, _ANCHORS).astype(np.intp))] if len(anchors) else anchors
    best, best_score = None, -np.inf
    for anchor in anchors:
        for rank, direction in enumerate(_PLACES):
            offset = np.array(direction) * (half + away * (1.0 if 0 in direction else 0.5))
            box = np.concatenate([anchor + offset - half, anchor + offset + half])
            if np.any(box[:2] < inside[:2]) or np.any(box[2:] > inside[2:]):
                continue
            if _any_inside(obstacles, box) or any(_overlap(box, other) for other in taken):
                continue
            gap = np.hypot(*np.maximum(np.abs(others - anchor - offset) - half, 0).T).min(initial=60.0)
            score = gap - 3.0 * rank
            if score > best_score:
                best, best_score = (anchor, offset, box), score
    return best


def _any_inside(points: FloatArray, box: FloatArray) -> bool:
    return bool(np.any(np.all((points > box[:2] - 2) & (points < box[2:] + 2), axis=1)))


def _overlap(one: FloatArray, other: FloatArray) -> bool:
    return bool(np.all(one[:2] < other[2:] + 2) and np.all(other[:2] < one[2:] + 2))


def lay_out(ax: "Axes") -> None:
    """Bring the axes to where they will be drawn, so that places on the screen can be told."""
    engine = ax.figure.get_layout_engine()  # type: ignore[union-attr]
    if engine is not None:
        engine.execute(ax.figure.canvas.figure)
    ax.apply_aspect()
    ax.get_xlim(), ax.get_ylim()


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


def _dense(path: FloatArray) -> FloatArray:
    """Points along a path, not farther apart than a few pixels."""
    path = path[np.isfinite(path).all(axis=1)]
    if len(path) < 2:
        return path
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    at = np.union1d(along, np.arange(0.0, min(along[-1], 1e5), _DENSE_PX))
    return np.column_stack([np.interp(at, along, path[:, 0]), np.interp(at, along, path[:, 1])])
