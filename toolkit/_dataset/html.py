"""How a dataset looks in a notebook: its name, its size, and its first images."""

import base64
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

from toolkit._dataset.columns import count
from toolkit._dataset.images import BadImage, decoded
from toolkit.errors import DatasetError
from toolkit.types import Sample

if TYPE_CHECKING:
    from toolkit._dataset.dataset import Dataset

ALWAYS_IN_LABEL = 8
THUMBNAIL_PX = (200, 48)
_LONGEST = 80  # characters of a cell

# Colours are the notebook's own, in light and dark; only lines and the paper behind an image are set.
_LINE = "border-bottom:1px solid rgba(128,128,128,.35);padding:3px 10px;text-align:left"
_TABLE = "border-collapse:collapse;color:inherit;font-size:inherit"
_IMAGE = "background:#fff;max-width:200px;max-height:48px;vertical-align:middle"


def dataset_html(dataset: "Dataset") -> str:
    """The dataset's name and counts above a table of its first samples, all text escaped."""
    columns = ("image", "id", "target", *dataset.tags)
    head = "".join(f'<th style="{_LINE}">{escape(legible(column))}</th>' for column in columns)
    body = "".join(_row(sample, dataset.tags) for sample in dataset[:ALWAYS_IN_LABEL])
    more = f"<div>… and {len(dataset) - ALWAYS_IN_LABEL:,} more</div>" if len(dataset) > ALWAYS_IN_LABEL else ""
    return (
        f"<div>{_title(dataset)}</div>"
        f'<table style="{_TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}'
    )


def thumbnail(image: bytes) -> str:
    """A small PNG of an image as a ``data:`` URI; `BadImage` when it cannot be decoded."""
    picture = decoded(image)
    # a palette or 16-bit image is brought to eight bits a channel, for resampling mixes its neighbours
    small = picture.convert("RGBA" if "transparency" in picture.info or picture.mode.endswith("A") else "RGB")
    small.thumbnail(THUMBNAIL_PX)
    file = BytesIO()
    small.save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def legible(text: str) -> str:
    """The text with what cannot be seen, or turns a line around, written as its code point."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def _title(dataset: "Dataset") -> str:
    parts = [f"<b>{escape(legible(dataset.name))}</b>", count(len(dataset), "sample")]
    if len(dataset.skipped):
        parts.append(f"{count(len(dataset.skipped), 'row')} skipped, see <code>skipped</code>")
    if dataset.path is not None:
        parts.append(f"<code>{escape(legible(str(dataset.path)))}</code>")
    return " · ".join(parts) + f"<div>labels from {escape(legible(dataset.labels_from))}</div>"


def _row(sample: Sample, tags: tuple[str, ...]) -> str:
    try:
        image = f'<img src="{thumbnail(sample.image)}" style="{_IMAGE}" alt="">'
    except (BadImage, DatasetError, OSError) as error:
        image = _cell(f"not shown: {error}")
    texts = [_cell(sample.id), f"<code>{_cell(sample.target)}</code>", *(_cell(sample.tags[tag]) for tag in tags)]
    return "<tr>" + "".join(f'<td style="{_LINE}">{content}</td>' for content in (image, *texts)) + "</tr>"


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    text = str(value)
    # <bdi> keeps a right-to-left label from turning the cells beside it around
    return f"<bdi>{escape(legible(text[:_LONGEST]))}{'…' if len(text) > _LONGEST else ''}</bdi>"
