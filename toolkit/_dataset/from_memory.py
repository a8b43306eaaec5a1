"""Datasets out of what is already in memory: samples made by hand, or a DataFrame."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from toolkit._dataset.columns_found import IMAGE_COLUMNS, TEXT_COLUMNS, pick_column
from toolkit._dataset.intake import Intake
from toolkit._dataset.table import ListedImages, Table
from toolkit.errors import DatasetError
from toolkit.types import File, InMemory, Sample, Source


def from_samples(samples: Iterable[object], *, name: str, on_error: str) -> Table:
    """See `Dataset.from_samples`."""
    intake = Intake(on_error, as_given=True)
    intake.reading(name, "sample")
    sources = []
    for number, sample in enumerate(samples):
        if not isinstance(sample, Sample):
            intake.refuse(number, f"it is {type(sample).__name__} {sample!r:.40}", "give tk.Sample objects")
        elif intake.accept(number, sample.id, sample.target, sample.tags):
            sources.append(sample.source)
    return intake.table(ListedImages(sources), name=name, labels_from="the samples")


def from_frame(
    frame: pd.DataFrame,
    *,
    image: str | None,
    text: str | None,
    id: str | None,
    tags: Sequence[str] | None,
    name: str,
    on_error: str,
) -> Table:
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
    cells = columns.index(image)
    found = [_source(plain(cell)) for cell in frame.iloc[:, cells]]
    paths = _relative_paths([s.path for s in found if isinstance(s, File)])
    sources: list[Source] = []
    for number, (label, values, source) in enumerate(
        zip(frame.index, frame.itertuples(index=False, name=None), found, strict=True)
    ):
        row = {column: plain(cell) for column, cell in zip(columns, values, strict=True)}
        del row[image]
        if isinstance(source, str):
            intake.refuse(number, source, "give encoded bytes, a path, or a mapping with either")
            continue
        target = row.pop(text)
        own = paths[source.path] if isinstance(source, File) else str(label)
        key = own if id is None else str(row.pop(id))
        if intake.accept(number, key, target, row):
            sources.append(source)
    return intake.table(ListedImages(sources), name=name, labels_from=f"a frame, columns {image} and {text}")


def _relative_paths(paths: Iterable[Path]) -> dict[Path, str]:
    """Each path from the deepest folder that holds them all, so that ids do not depend on where that lies."""
    absolute = {path: path.absolute() for path in paths}
    if not absolute:
        return {}
    root = os.path.commonpath([path.parent for path in absolute.values()])
    return {path: full.relative_to(root).as_posix() for path, full in absolute.items()}


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
