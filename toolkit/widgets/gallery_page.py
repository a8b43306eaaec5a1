"""A page of the explorer as HTML: each image with its target and what every setting made of it."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from toolkit._dataset.html import thumbnail
from toolkit._dataset.images import BadImage
from toolkit.errors import DatasetError
from toolkit.metrics.markup import in_attribute, marked, visible
from toolkit.plots.naming import short_labels
from toolkit.widgets.selection import Gallery

if TYPE_CHECKING:
    from toolkit._dataset import Dataset

_SIGNS = {"correct": "✓ correct", "wrong": "✗ wrong", "no_answer": "– no answer", "error": "! error"}
_COLOURS = {"correct": "#009E73", "wrong": "#D55E00", "no_answer": "#808080", "error": "#CC79A7"}
_HEADINGS = ("image", "setting", "answer", "outcome", "confidence", "latency")


def page_html(
    gallery: Gallery,
    images: Sequence[int],
    settings: Sequence[str],
    dataset: "Dataset | None",
    checksums: Mapping[str, str],
) -> str:
    """A table with a block of rows an image, one row a setting and reading."""
    if not len(images):
        return '<p class="toolkit-note">No image is let through by these filters.</p>'
    head = "".join(f'<th scope="col">{name}</th>' for name in _HEADINGS)
    body = "".join(_image(gallery, image, settings, dataset, checksums) for image in images)
    return (
        f'<div class="toolkit-scroll"><table class="toolkit-table"><thead><tr>{head}</tr></thead>{body}</table></div>'
    )


def _image(
    gallery: Gallery, image: int, settings: Sequence[str], dataset: "Dataset | None", checksums: Mapping[str, str]
) -> str:
    id, rows = str(gallery.ids[image]), gallery.rows_of(image, settings)
    target = next((row["target"] for row in rows if isinstance(row.get("target"), str)), None)
    repeated = any(row.get("repeat", 0) for row in rows)
    said = "not known" if target is None else f"<code>{visible(target)}</code>"
    picture = _picture(id, dataset, checksums)
    first = (
        f'<th scope="rowgroup" rowspan="{len(rows)}" style="text-align:left;font-weight:normal">{picture}'
        f'<div style="max-width:260px;overflow-wrap:anywhere">target: {said}</div><small>{visible(id, 80)}</small></th>'
    )
    names = short_labels(gallery.settings)
    cells = [_cells(row, names[str(row["setting"])], target, repeated) for row in rows]
    return "<tbody>" + "".join(f"<tr>{first if n == 0 else ''}{one}</tr>" for n, one in enumerate(cells)) + "</tbody>"


def _cells(row: Mapping[Any, Any], name: str, target: str | None, repeated: bool) -> str:
    setting = f'<span title="{in_attribute(str(row["setting"]))}">{visible(name)}</span>' + (
        f" <small>#{row['repeat'] + 1}</small>" if repeated else ""
    )
    outcome = str(row["outcome"])
    badge = f'<span style="border-left:4px solid {_COLOURS[outcome]};padding-left:6px;white-space:nowrap">{_SIGNS[outcome]}</span>'
    return (
        f'<td>{setting}</td><td style="min-width:110px;overflow-wrap:anywhere">{_answer(row, target)}</td><td>{badge}</td>'
        f'<td style="text-align:right">{_number(row.get("confidence"), "{:.3f}")}</td>'
        f'<td style="text-align:right;white-space:nowrap">{_number(row.get("latency_s"), "{:.0f} ms", 1000)}</td>'
    )


def _answer(row: Mapping[Any, Any], target: str | None) -> str:
    text = row.get("text")
    if isinstance(text, str):
        return f"<code>{visible(text) if target is None else marked(target, text)}</code>" if text else "<em>empty</em>"
    error, message = row.get("error"), row.get("error_message")
    words = ": ".join(part for part in (error, message) if isinstance(part, str))
    return f'<small class="toolkit-words">{visible(words)}</small>' if words else "–"


def _number(value: Any, words: str, times: float = 1.0) -> str:
    return words.format(times * value) if isinstance(value, float) and value == value else "–"  # noqa: PLR0124 -- NaN


def _picture(id: str, dataset: "Dataset | None", checksums: Mapping[str, str]) -> str:
    """A thumbnail, or why there is none."""
    if dataset is None:
        return "<div><em>the images are not at hand</em></div>"
    try:
        image = dataset.find(id).image
        if id in checksums and hashlib.sha256(image).hexdigest() != checksums[id]:
            return "<div><em>the image here is not the one that was read</em></div>"
        source = thumbnail(image)
    except (BadImage, DatasetError, OSError) as error:
        return f"<div><em>not shown: {visible(str(error))}</em></div>"
    return f'<img src="{source}" alt="{in_attribute(f"image {id}")}" style="background:#fff;max-width:200px;max-height:64px;border-radius:3px">'
