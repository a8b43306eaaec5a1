"""A page of the explorer as HTML: each image with its target and what every setting made of it."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from toolkit._dataset.html import thumbnail
from toolkit._dataset.images import BadImage
from toolkit.errors import DatasetError
from toolkit.metrics.html_table import Cell, Side, html_table
from toolkit.metrics.markup import flat, marked, visible
from toolkit.plots.naming import short_labels
from toolkit.widgets.selection import Gallery

if TYPE_CHECKING:
    from toolkit._dataset import Dataset

_SIGNS = {"correct": "✓ correct", "wrong": "✗ wrong", "no_answer": "– no answer", "error": "! error"}
_COLOURS = {"correct": "#009E73", "wrong": "#D55E00", "no_answer": "#808080", "error": "#CC79A7"}
_COLUMNS: dict[str, Side] = {
    "image": "left", "setting": "left", "answer": "left", "outcome": "left", "confidence": "right", "latency": "right",
}  # fmt: skip


def page_html(
    gallery: Gallery,
    images: Sequence[int],
    settings: Sequence[str],
    dataset: "Dataset | None",
    checksums: Mapping[str, str],
) -> str:
    """A table with a block of rows an image, one row a setting and reading."""
    if not len(images):
        return '<p class="toolkit-note">No image matches these filters.</p>'
    groups = [_image(gallery, image, settings, dataset, checksums) for image in images]
    return html_table(_COLUMNS, groups=groups)


def _image(
    gallery: Gallery, image: int, settings: Sequence[str], dataset: "Dataset | None", checksums: Mapping[str, str]
) -> list[list[str | Cell]]:
    id, rows = str(gallery.ids[image]), gallery.rows_of(image, settings)
    target = next((row["target"] for row in rows if isinstance(row.get("target"), str)), None)
    repeated = any(row.get("repeat", 0) for row in rows)
    said = "not known" if target is None else Markup("<code>{}</code>").format(visible(target))
    first = Markup('{}<div style="max-width:260px;overflow-wrap:anywhere">target: {}</div><small>{}</small>').format(
        _picture(id, dataset, checksums), said, visible(id, 80)
    )
    names = short_labels(gallery.settings)
    cells = [_cells(row, names[str(row["setting"])], target, repeated=repeated) for row in rows]
    return [[Cell(first, rows=len(rows)), *cells[0]], *cells[1:]]


def _cells(row: Mapping[Any, Any], name: str, target: str | None, *, repeated: bool) -> list[str | Cell]:
    setting = Markup('<span title="{}">{}</span>').format(flat(str(row["setting"])), visible(name))
    if repeated:
        setting += Markup(" <small>#{}</small>").format(row["repeat"] + 1)
    outcome = str(row["outcome"])
    badge = Markup('<span style="border-left:4px solid {};padding-left:6px;white-space:nowrap">{}</span>').format(
        _COLOURS[outcome], _SIGNS[outcome]
    )
    answer = Markup('<div style="min-width:110px;overflow-wrap:anywhere">{}</div>').format(_answer(row, target))
    latency = Markup('<span style="white-space:nowrap">{}</span>').format(
        _number(row.get("latency_s"), "{:.0f} ms", 1000)
    )
    return [setting, answer, badge, _number(row.get("confidence"), "{:.3f}"), latency]


def _answer(row: Mapping[Any, Any], target: str | None) -> str:
    text = row.get("text")
    if isinstance(text, str):
        shown = visible(text) if target is None else marked(target, text)
        return Markup("<code>{}</code>").format(shown) if text else Markup("<em>empty</em>")
    error, message = row.get("error"), row.get("error_message")
    words = ": ".join(part for part in (error, message) if isinstance(part, str))
    return Markup('<small class="toolkit-words">{}</small>').format(visible(words)) if words else "–"


def _number(value: Any, words: str, times: float = 1.0) -> str:
    return words.format(times * value) if isinstance(value, float) and value == value else "–"  # noqa: PLR0124 -- NaN


def _picture(id: str, dataset: "Dataset | None", checksums: Mapping[str, str]) -> Markup:
    """A thumbnail, or why there is none."""
    why = Markup("<div><em>{}</em></div>")
    if dataset is None:
        return why.format("the images are not available")
    try:
        image = dataset.find(id).image
        if id in checksums and hashlib.sha256(image).hexdigest() != checksums[id]:
            return why.format("the image here is not the one that was read")
        source = thumbnail(image)
    except (BadImage, DatasetError, OSError) as error:
        return why.format(Markup("not shown: {}").format(visible(str(error))))
    return Markup(
        '<img src="{}" alt="{}" style="background:#fff;max-width:200px;max-height:64px;border-radius:3px">'
    ).format(source, flat(f"image {id}"))
