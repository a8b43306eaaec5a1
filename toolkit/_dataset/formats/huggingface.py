"""Datasets of the `datasets` library: in memory, or as its `save_to_disk` writes them."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from toolkit._dataset.columns_found import TEXT_COLUMNS, pick_column
from toolkit._dataset.intake import Intake
from toolkit._dataset.options import Options
from toolkit._dataset.table import Table
from toolkit.errors import DatasetError, require
from toolkit.types import File, Source


@dataclass(frozen=True, slots=True, eq=False)
class HuggingFaceImage:
    """The image in one row."""

    rows: Any = field(repr=False)
    column: str
    row: int

    def read(self) -> bytes:
        cell = self.rows[self.row][self.column]
        if isinstance(cell, dict):
            if cell.get("bytes") is None and cell.get("path"):
                return File(Path(cell["path"])).read()
            cell = cell.get("bytes")
        if not isinstance(cell, bytes):
            raise DatasetError(f"row {self.row}: the column {self.column!r} holds no image")
        return cell


class HuggingFaceImages:
    """Images in one or several splits: 12 bytes a row."""

    def __init__(self, splits: list[Any], column: str) -> None:
        self._splits, self._column = splits, column
        self._which, self._rows = array("i"), array("Q")

    def add(self, which: int, row: int) -> None:
        self._which.append(which)
        self._rows.append(row)

    def __getitem__(self, row: int) -> Source:
        return HuggingFaceImage(self._splits[self._which[row]], self._column, self._rows[row])

    def take(self, rows: Iterable[int]) -> Self:
        taken = type(self)(self._splits, self._column)
        for row in map(int, rows):
            taken.add(self._which[row], self._rows[row])
        return taken


def is_saved(folder: Path) -> bool:
    """Whether a folder was written by `save_to_disk`."""
    return (folder / "dataset_dict.json").is_file() or (
        (folder / "state.json").is_file() and (folder / "dataset_info.json").is_file()
    )


def is_dataset(value: object) -> bool:
    """Whether a value is a dataset of that library, or its splits."""
    return type(value).__module__.split(".")[0] == "datasets" and type(value).__name__ in ("Dataset", "DatasetDict")


def load_saved(folder: Path, options: Options) -> Table:
    """The dataset that `save_to_disk` wrote."""
    library = require("datasets", "reading saved Hugging Face datasets", "huggingface")
    try:
        found = library.load_from_disk(str(folder))
    except Exception as error:  # what is damaged surfaces as almost any exception
        raise DatasetError(f"{folder}: not readable as a saved dataset ({error})") from error
    return load_rows(found, options, str(folder))


def load_rows(found: Any, options: Options, name: str) -> Table:
    """Labels and tags of a dataset or of its splits; images are read when they are asked for."""
    library = require("datasets", "reading Hugging Face datasets", "huggingface")
    by_split = dict(found) if isinstance(found, dict) else {None: found}
    first = next(iter(by_split.values()))
    columns = list(first.column_names)
    images = [c for c in columns if isinstance(first.features[c], library.Image)]
    if options.image is None and len(images) != 1:
        raise DatasetError(
            f"{name}: {len(images)} of the columns {', '.join(columns)} hold images; name one with image=…"
        )
    image = pick_column(columns, options.image or images[0], (), "image", name)
    text = pick_column(columns, options.text, TEXT_COLUMNS, "text", name)
    tags = [c for c in columns if c not in (image, text)]
    splits = [part.cast_column(image, library.Image(decode=False)) for part in by_split.values()]
    sources = HuggingFaceImages(splits, image)
    intake = Intake(options.on_error, only_tags=options.tags, empty=options.empty)
    for which, (split, part) in enumerate(zip(by_split, splits, strict=True)):
        intake.reading(name if split is None else f"{name} {split}", "row")
        for number, row in enumerate(part.remove_columns([image])):
            kept = {t: row[t] for t in tags if not isinstance(row[t], (list, dict))}
            if split is not None:
                kept["split"] = split
            id = f"{number:06d}" if split is None else f"{split}/{number:06d}"
            if intake.accept(number, id, row[text], kept):
                sources.add(which, number)
    return intake.table(sources, name=name, labels_from=f"a Hugging Face dataset, columns {image} and {text}")
