"""Tables of file names and labels: ``metadata.csv`` and ``metadata.jsonl`` (the Hugging Face ImageFolder
convention: columns ``file_name`` and ``text``), and ``labels.csv``. Further columns become tags.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from toolkit._dataset.dataset import Dataset
from toolkit._dataset.formats.base import FolderIntake, Format, Options, numbered_lines
from toolkit.errors import DatasetError

IMAGE_COLUMNS = ("file_name", "filename", "file", "image", "path", "name")
TEXT_COLUMNS = ("text", "label", "words", "target", "transcription", "ground_truth", "gt")
_DELIMITERS = (",", ";", "\t")


def pick_column(columns: Sequence[str], given: str | None, usual: Sequence[str], what: str, where: str) -> str:
    """The column to use: the one given, else the first usual one that is there; `DatasetError` when there is none.

    `what` is the argument's name, "image" or "text".
    """
    if given is not None and given not in columns:
        raise DatasetError(f"{where}: no column is called {given!r}; there are {', '.join(columns)}")
    found = given or next((name for name in usual if name in columns), None)
    if found is None:
        listed = ", ".join(columns) or "none"
        raise DatasetError(f"{where}: no {what} column among {listed}; call it {usual[0]!r} or name it with {what}=…")
    return found


def _load_csv(name: str, path: Path, options: Options) -> Dataset:
    file = path / name if path.is_dir() else path
    intake = FolderIntake(file, file.parent, options, numbers_from_text=True)
    rows = _csv_rows(file, options)
    columns = next(rows)[1]
    image = columns.index(pick_column(columns, options.image, IMAGE_COLUMNS, "image", f"{file} line 1"))
    text = columns.index(pick_column(columns, options.text, TEXT_COLUMNS, "text", f"{file} line 1"))
    others = [(place, column) for place, column in enumerate(columns) if place not in {image, text}]
    for line, cells in rows:
        if len(cells) != len(columns):
            problem = f"{len(cells)} fields where the header has {len(columns)}"
            intake.refuse(line, problem, 'put double quotes around a label that holds the separator, as in "a,b"')
        else:
            # an empty cell says that there is no label; the empty label cannot be written in CSV
            tags: dict[str, object] = {column: cells[place] or None for place, column in others}
            intake.accept(line, cells[image], cells[text] or None, tags)
    return intake.dataset()


def _csv_rows(file: Path, options: Options) -> Iterator[tuple[int, list[str]]]:
    """The header, then each row, with the line it begins on; empty lines are passed over."""
    lines = (line for _, line in numbered_lines(file))
    header = next(lines, "")
    if not header.strip():
        raise DatasetError(f"{file} line 1: no header; begin with file_name,text")
    delimiter = next((d for d in _DELIMITERS if _names_an_image(header, d, options)), ",")
    columns = next(csv.reader([header], delimiter=delimiter))
    if repeated := {column for column in columns if columns.count(column) > 1}:
        raise DatasetError(f"{file} line 1: the column {min(repeated)!r} is there twice; rename one")
    yield 1, columns
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    begins = 2
    try:
        for cells in reader:
            if cells:
                yield begins, cells
            begins = reader.line_num + 2
    except csv.Error as error:
        raise DatasetError(
            f"{file} line {begins}: not readable as CSV ({error}); look for a double quote that is never closed"
        ) from error


def _names_an_image(header: str, delimiter: str, options: Options) -> bool:
    wanted = IMAGE_COLUMNS if options.image is None else (options.image,)
    return any(column in wanted for column in next(csv.reader([header], delimiter=delimiter), []))


def _load_jsonl(path: Path, options: Options) -> Dataset:
    file = path / "metadata.jsonl" if path.is_dir() else path
    intake = FolderIntake(file, file.parent, options)
    image = text = None
    for line, written in numbered_lines(file):
        if not written.strip():
            continue
        try:
            row = json.loads(written)
        except (ValueError, RecursionError) as error:
            intake.refuse(line, f"not JSON ({error})", "write one JSON object a line")
            continue
        if not isinstance(row, dict):
            intake.refuse(line, "no JSON object", 'write {"file_name": "…", "text": "…"}')
            continue
        # the first row decides what the columns are called; a later one may leave its label out
        image = image or pick_column(list(row), options.image, IMAGE_COLUMNS, "image", f"{file} line {line}")
        text = text or pick_column(list(row), options.text, TEXT_COLUMNS, "text", f"{file} line {line}")
        name, target = row.pop(image, ""), row.pop(text, None)
        if isinstance(name, str):
            intake.accept(line, name, target, row)
        else:
            intake.refuse(line, f"{image} is {name!r:.40}", "write the image's file name as text")
    return intake.dataset()


def _is(name: str, path: Path) -> bool:
    return (path / name).is_file() if path.is_dir() else path.name == name


def _is_jsonl(path: Path) -> bool:
    return _is("metadata.jsonl", path) or (path.suffix == ".jsonl" and path.is_file())


def _is_labels_csv(path: Path) -> bool:
    return _is("labels.csv", path) or (
        path.suffix in {".csv", ".tsv"} and path.is_file() and path.name != "metadata.csv"
    )


_COLUMNS = frozenset({"image", "text"})
METADATA_CSV = Format("metadata.csv", partial(_is, "metadata.csv"), partial(_load_csv, "metadata.csv"), _COLUMNS)
METADATA_JSONL = Format("metadata.jsonl", _is_jsonl, _load_jsonl, _COLUMNS)
LABELS_CSV = Format("labels.csv", _is_labels_csv, partial(_load_csv, "labels.csv"), _COLUMNS)
