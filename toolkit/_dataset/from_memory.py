"""Datasets out of what is already in memory: samples made by hand, or a DataFrame."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from toolkit._dataset.dataset import Dataset
from toolkit._dataset.formats.label_tables import IMAGE_COLUMNS, TEXT_COLUMNS, pick_column
from toolkit._dataset.intake import Intake
from toolkit._dataset.table import ListedImages
from toolkit.errors import DatasetError
from toolkit.types import File, InMemory, Sample, Source


def from_samples(samples: Iterable[Sample], *, name: str) -> Dataset:
    """See `Dataset.from_samples`."""
    intake = Intake("raise")
    intake.reading(name, "sample")
    sources = []
    for number, sample in enumerate(samples):
        intake.accept(number, sample.id, sample.target, sample.tags)
        sources.append(sample.source)
    return intake.dataset(ListedImages(sources), name=name, path=None)


def from_frame(
    frame: pd.DataFrame,
    *,
    image: str | None,
    text: str | None,
    id: str | None,
    tags: Sequence[str] | None,
    name: str,
    on_error: str,
) -> Dataset:
    """See `Dataset.from_frame`."""
    if not isinstance(frame, pd.DataFrame):
        raise DatasetError(f"from_frame takes a pandas DataFrame, not {type(frame).__name__}")
    columns = [str(column) for column in frame.columns]
    image = pick_column(columns, image, IMAGE_COLUMNS, "image", name)
    text = pick_column(columns, text, TEXT_COLUMNS, "text", name)
    if id is not None and id not in columns:
        raise DatasetError(f"{name}: no column is called {id!r}; there are {', '.join(columns)}")
    intake = Intake(on_error, only_tags=tags)
    intake.reading(name, "row")
    sources: list[Source] = []
    for number, (label, cells) in enumerate(zip(frame.index, frame.itertuples(index=False, name=None), strict=True)):
        row = {column: plain(cell) for column, cell in zip(columns, cells, strict=True)}
        source = _source(row.pop(image))
        if isinstance(source, str):
            intake.refuse(number, source, "give encoded bytes, a path, or a mapping with either")
            continue
        target = row.pop(text)
        own = str(source.path) if isinstance(source, File) else str(label)
        key = own if id is None else str(row.pop(id))
        if intake.accept(number, key, target, row):
            sources.append(source)
    return intake.dataset(ListedImages(sources), name=name, path=None)


def plain(cell: Any) -> Any:
    """A cell's value as Python has it: numpy's scalars unpacked, every kind of missing value as None."""
    if isinstance(cell, (str, bytes, bytearray, Mapping, list, tuple)) or not pd.api.types.is_scalar(cell):
        return cell
    if pd.isna(cell):
        return None
    return cell.item() if hasattr(cell, "item") else cell


def _source(cell: Any) -> Source | str:
    """Where an image is, or what is wrong with the cell."""
    if isinstance(cell, Mapping):
        data = cell.get("bytes")
        cell = cell.get("path") if data is None else data
    if isinstance(cell, (bytes, bytearray, memoryview)):
        return InMemory(bytes(cell))
    if isinstance(cell, (str, Path)):
        path = Path(cell).expanduser()
        return File(path) if path.is_file() else f"there is no image file {str(path)!r}"
    return f"the image is {type(cell).__name__} {cell!r:.40}"
