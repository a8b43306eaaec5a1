"""A dataset written to a folder of its own, as `load_dataset` reads it."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit._dataset.images import KNOWN_SUFFIXES, BadImage, suffix_of
from toolkit.errors import DatasetError

if TYPE_CHECKING:
    from toolkit._dataset.dataset import Dataset

_PLAIN = re.compile(r"\w[\w .+()=-]{0,150}")


def save(dataset: "Dataset", folder: Path) -> Path:
    """Copy the images into `folder`, which is new or empty, with a ``metadata.jsonl`` of labels and tags beside them.

    Images keep their bytes, and their ids as file names; an id that is no plain file name becomes the tag
    ``saved_id``. `DatasetError` when the folder holds something, or an image cannot be read.
    """
    folder = folder.expanduser()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DatasetError(f"{folder} is there and not an empty folder; name a new one")
    folder.mkdir(parents=True, exist_ok=True)
    own_tags = [name for name in dataset.tags if name not in ("length", "charset")]  # these are computed when read
    taken: set[str] = set()
    with (folder / "metadata.jsonl").open("x", encoding="utf-8") as lines:
        for number, sample in enumerate(dataset):
            image = sample.image
            name = _file_name(sample.id, image, number, taken)
            (folder / name).write_bytes(image)
            row = {"file_name": name, "text": sample.target, **{tag: sample.tags[tag] for tag in own_tags}}
            if name != sample.id:
                row["saved_id"] = sample.id
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
    return folder


def _file_name(id: str, image: bytes, number: int, taken: set[str]) -> str:
    """The id where it can be a file's name on any system, with the image's extension where it has none."""
    suffix = Path(id).suffix.lower()
    if suffix not in KNOWN_SUFFIXES:
        try:
            suffix = suffix_of(image)
        except BadImage:
            suffix = ".png"  # what it is, `validate` will say
        id += suffix
    if not _PLAIN.fullmatch(id) or id.casefold() in taken:
        id = f"image-{number:06d}{suffix}"
    taken.add(id.casefold())
    return id
