"""Parquet as Hugging Face writes it: a column of images (a struct of ``bytes`` and ``path``, or bytes alone)
beside a column of labels. Labels and tags are read at once, images one row group at a time, when asked for.
"""

from array import array
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Self

from toolkit._dataset.columns import Texts
from toolkit._dataset.columns_found import IMAGE_COLUMNS, TEXT_COLUMNS, pick_column
from toolkit._dataset.image_names import split_of_file
from toolkit._dataset.intake import Intake
from toolkit._dataset.options import Options
from toolkit._dataset.table import Table
from toolkit.errors import DatasetError, require
from toolkit.types import File, Source

KEPT_BYTES = 32 * 2**20
"""Row groups that are no larger stay in memory, two at a time; larger ones are read through in small batches."""
_BATCH_ROWS = 64

_recent: "OrderedDict[tuple[Path, str, int], Any]" = OrderedDict()
_recent_lock = Lock()


@dataclass(frozen=True, slots=True)
class ParquetCell:
    """The image in one row of a row group, both counted from 0."""

    file: Path
    column: str
    group: int
    row: int

    def read(self) -> bytes:
        with _sound(self.file):
            cell = _cell(self)
        data: bytes | None = cell.get("bytes") if isinstance(cell, dict) else cell
        path: str | None = cell.get("path") if isinstance(cell, dict) else None
        if data is not None:
            return data
        where = f"{self.file} row group {self.group} row {self.row}"
        if path is None:
            raise DatasetError(f"{where}: the image is null")
        folder = self.file.parent.resolve()
        if not (folder / path).resolve().is_relative_to(folder):
            raise DatasetError(f"{where}: the image {path!r} is outside the dataset's folder {folder}; copy it into it")
        if not (folder / path).is_file():
            raise DatasetError(f"{where}: the image {path!r} is not in {folder}; add the image or remove the row")
        return File(folder / path).read()


class ParquetImages:
    """Images in Parquet files: 16 bytes a row."""

    def __init__(self, files: list[Path], column: str) -> None:
        self._files, self._column = files, column
        self._which, self._groups, self._rows = array("i"), array("i"), array("Q")

    def add(self, which: int, group: int, row: int) -> None:
        self._which.append(which)
        self._groups.append(group)
        self._rows.append(row)

    def __getitem__(self, row: int) -> Source:
        return ParquetCell(self._files[self._which[row]], self._column, self._groups[row], self._rows[row])

    def take(self, rows: Iterable[int]) -> Self:
        taken = type(self)(self._files, self._column)
        for row in map(int, rows):
            taken.add(self._which[row], self._groups[row], self._rows[row])
        return taken


def load_parquet(root: Path, names: list[str], options: Options) -> Table:
    """Images and labels in Parquet files below `root`, one after the other; of splits, with a tag ``split``."""
    files = [root / name for name in names]
    columns = [_columns(file, options) for file in files]
    for file, found in zip(files, columns, strict=True):
        if found != columns[0]:
            raise DatasetError(f"{file}: its columns differ from those of {files[0]}; load the files one by one")
    image, text, paths, others = columns[0]
    use_paths = paths is not None and _all_distinct(files, paths)
    intake = Intake(options.on_error, only_tags=options.tags, empty=options.empty)
    images = ParquetImages(files, image)
    splits = [split_of_file(name) for name in names]
    tell = len(set(splits)) > 1 and None not in splits and "split" not in others
    keys = [name.removesuffix(".parquet") for name in names]
    for which, file in enumerate(files):
        intake.reading(file, "row")
        wanted = [text, *others, *([paths] if use_paths and paths else [])]
        for number, (group, row, values) in enumerate(_rows(file, wanted)):
            id = values.pop(image)["path"] if use_paths else f"{keys[which]}/{number}"
            if tell:
                values["split"] = splits[which]
            if intake.accept(number, id, values.pop(text), values):
                images.add(which, group, row)
    return intake.table(images, name=str(root), labels_from=f"Parquet, columns {image} and {text}")


def _columns(file: Path, options: Options) -> tuple[str, str, str | None, tuple[str, ...]]:
    """The image column, the label column, the image's path within its struct, and the columns that become tags.

    A column of lists or structs (boxes, words) says nothing of the whole image and is passed over.
    """
    types = require("pyarrow.types", "reading Parquet datasets", "parquet")
    with _open(file) as parquet:
        schema = parquet.schema_arrow
    image = pick_column(schema.names, options.image, IMAGE_COLUMNS, "image", str(file))
    text = pick_column(schema.names, options.text, TEXT_COLUMNS, "text", str(file))
    kind = schema.field(image).type
    struct = types.is_struct(kind) and kind.get_field_index("bytes") >= 0
    if not (struct or types.is_binary(kind) or types.is_large_binary(kind)):
        raise DatasetError(f"{file}: the column {image!r} holds {kind} where images are bytes; name another by image=…")
    paths = f"{image}.path" if struct and kind.get_field_index("path") >= 0 else None
    tags = (f.name for f in schema if f.name not in {image, text} and not types.is_nested(f.type))
    return image, text, paths, tuple(tags)


def _all_distinct(files: list[Path], column: str) -> bool:
    """Whether every image has a path of its own, which then is its id."""
    paths = Texts(next(iter(values.values()))["path"] for file in files for _, _, values in _rows(file, [column]))
    hashes = paths.hashes()
    return len(set(hashes.tolist())) == len(paths) and all(path is not None for path in paths)


def _rows(file: Path, columns: list[str]) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Row group, row within it, and the values of some columns."""
    with _open(file) as parquet, _sound(file):
        for group in range(parquet.num_row_groups):
            row = 0
            for batch in parquet.iter_batches(batch_size=4096, row_groups=[group], columns=columns):
                for values in batch.to_pylist():
                    yield group, row, values
                    row += 1


def _cell(place: ParquetCell) -> Any:
    """The image's cell. Groups that fit are kept, for neighbours are asked for next; threads take turns."""
    key = (place.file, place.column, place.group)
    with _recent_lock:
        if key not in _recent:
            with _open(place.file) as parquet:
                if _group_bytes(parquet, place) > KEPT_BYTES:
                    return _cell_of_large_group(parquet, place)
                _recent[key] = parquet.read_row_group(place.group, columns=[place.column])[place.column]
            while len(_recent) > 2:
                _recent.popitem(last=False)
        _recent.move_to_end(key)
        return _recent[key][place.row].as_py()


def _group_bytes(parquet: Any, place: ParquetCell) -> int:
    group = parquet.metadata.row_group(place.group)
    chunks = (group.column(i) for i in range(group.num_columns))
    return sum(c.total_uncompressed_size for c in chunks if c.path_in_schema.split(".")[0] == place.column)


def _cell_of_large_group(parquet: Any, place: ParquetCell) -> Any:
    passed = 0
    for batch in parquet.iter_batches(batch_size=_BATCH_ROWS, row_groups=[place.group], columns=[place.column]):
        if place.row < passed + batch.num_rows:
            return batch.column(0)[place.row - passed].as_py()
        passed += batch.num_rows
    raise DatasetError(f"{place.file}: row group {place.group} has {passed} rows, not {place.row + 1}")


def _open(file: Path) -> Any:
    parquet = require("pyarrow.parquet", "reading Parquet datasets", "parquet")
    with _sound(file):
        # buffered, so that a large column chunk is read piece by piece
        return parquet.ParquetFile(file, buffer_size=2**20, pre_buffer=False)


@contextmanager
def _sound(file: Path) -> Iterator[None]:
    """A file or a page of it that is damaged is a matter of the dataset."""
    arrow = require("pyarrow", "reading Parquet datasets", "parquet")
    try:
        yield
    except (arrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{file}: not readable as Parquet ({error})") from error


def holds_images(file: Path, image: str | None) -> bool:
    """Whether a Parquet file holds images, rather than names of files."""
    types = require("pyarrow.types", "reading Parquet datasets", "parquet")
    with _open(file) as parquet:
        fields = list(parquet.schema_arrow)

    def holds(kind: Any) -> bool:
        struct = types.is_struct(kind) and kind.get_field_index("bytes") >= 0
        return bool(struct or types.is_binary(kind) or types.is_large_binary(kind))

    return any(holds(field.type) for field in fields) or image in {field.name for field in fields}


def parquet_records(file: Path) -> list[dict[str, Any]]:
    """All rows of a Parquet file that names images instead of holding them."""
    with _open(file) as parquet, _sound(file):
        return [dict(row) for row in parquet.read().to_pylist()]
