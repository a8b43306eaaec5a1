"""How a dataset looks in a notebook: its name, its size, and its first images."""

import base64
from io import BytesIO
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from toolkit._dataset.columns import count
from toolkit._dataset.images import BadImage, decoded
from toolkit.errors import DatasetError
from toolkit.metrics.html_table import Side, excerpt, html_table, said
from toolkit.types import Sample

if TYPE_CHECKING:
    from toolkit._dataset.dataset import Dataset

ALWAYS_IN_LABEL = 8
THUMBNAIL_PX = (200, 48)
_LONGEST = 80  # characters of a cell

_IMAGE = "background:#fff;max-width:200px;max-height:48px;vertical-align:middle"


def dataset_html(dataset: "Dataset") -> str:
    """The dataset's name and counts above a table of its first samples, all text escaped."""
    columns: dict[str, Side] = dict.fromkeys(("image", "id", "target", *dataset.tags), "left")
    rows = [_row(sample, dataset.tags) for sample in dataset[:ALWAYS_IN_LABEL]]
    more = f"… and {len(dataset) - ALWAYS_IN_LABEL:,} more" if len(dataset) > ALWAYS_IN_LABEL else ""
    return Markup("<div>{}</div>{}").format(_title(dataset), html_table(columns, rows, foot=more))


def thumbnail(image: bytes) -> str:
    """A small PNG of an image as a ``data:`` URI; `BadImage` when it cannot be decoded."""
    picture = decoded(image)
    # a palette or 16-bit image is brought to eight bits a channel, for resampling mixes its neighbours
    small = picture.convert("RGBA" if "transparency" in picture.info or picture.mode.endswith("A") else "RGB")
    small.thumbnail(THUMBNAIL_PX)
    file = BytesIO()
    small.save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _title(dataset: "Dataset") -> Markup:
    parts = [Markup("<b>{}</b>").format(said(dataset.name)), count(len(dataset), "sample")]
    if len(dataset.skipped):
        parts.append(Markup("{} skipped, see <code>skipped</code>").format(count(len(dataset.skipped), "row")))
    if dataset.path is not None:
        parts.append(Markup("<code>{}</code>").format(said(str(dataset.path))))
    return Markup("{}<div>labels from {}</div>").format(Markup(" · ").join(parts), said(dataset.labels_from))


def _row(sample: Sample, tags: tuple[str, ...]) -> list[str]:
    try:
        image: str = Markup('<img src="{}" style="{}" alt="">').format(thumbnail(sample.image), _IMAGE)
    except (BadImage, DatasetError, OSError) as error:
        image = _text(f"not shown: {error}")
    target = Markup("<code>{}</code>").format(said(_text(sample.target)))
    return [image, _text(sample.id), target, *(_text(sample.tags[tag]) for tag in tags)]


def _text(value: Any) -> str:
    return "–" if value is None else excerpt(value, _LONGEST)
