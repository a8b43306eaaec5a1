"""`load_dataset`: which format a path holds, and the dataset in it."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from toolkit._dataset.dataset import Dataset
from toolkit._dataset.formats.base import Format, Options
from toolkit._dataset.formats.file_names import FILE_NAMES
from toolkit._dataset.formats.label_tables import LABELS_CSV, METADATA_CSV, METADATA_JSONL
from toolkit._dataset.formats.line_labels import ICDAR, TRDG
from toolkit._dataset.formats.lmdb_records import LMDB
from toolkit._dataset.formats.parquet_rows import PARQUET
from toolkit._dataset.formats.tar_shards import TAR
from toolkit.errors import DatasetError

LABELLED = (METADATA_CSV, METADATA_JSONL, LABELS_CSV, ICDAR, TRDG, PARQUET, LMDB, TAR)
FORMATS = {format.name: format for format in (*LABELLED, FILE_NAMES)}


def load_dataset(
    path: str | PathLike[str],
    format: str | None = None,
    *,
    image: str | None = None,
    text: str | None = None,
    tags: Sequence[str] | None = None,
    name_pattern: str | None = None,
    on_error: str = "raise",
) -> Dataset:
    r"""Labelled images at `path`, a folder or a single file, in whichever known format they are kept.

    The formats, by the names that `format` takes: ``metadata.csv`` and ``metadata.jsonl`` (columns ``file_name``
    and ``text``), ``labels.csv``, ``icdar`` (``gt.txt``), ``trdg`` (``labels.txt``), ``parquet``, ``lmdb``, ``tar``
    (WebDataset shards) and ``file-names`` (labels in the images' names, where there is no label file). Without
    `format` it is found out, and asked for when more than one fits.

    `image` and `text` name the columns of a table whose own names are not the usual ones. Further columns become
    tags, or only those listed in `tags`. `name_pattern` is a regular expression for the whole file name without
    its extension, with a group ``(?P<text>…)``; its other groups become tags. Without it the label is the name,
    less an underscore and number at the end.

    Bad rows (a missing image, a line break in a label, an image outside the folder, an id seen before) are a
    `DatasetError` that names file, line and cure; with ``on_error="skip"`` they are left out and listed in the
    dataset's `skipped`.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise DatasetError(f"{path}: there is no such file or folder (looked from {Path.cwd()})")
    if format is None and name_pattern is not None:
        format = FILE_NAMES.name
    chosen = _guess(path) if format is None else _named(format)
    given = {"image": image, "text": text, "name_pattern": name_pattern}
    for option, value in given.items():
        if value is not None and option not in chosen.options:
            raise DatasetError(f"{path}: {option}={value!r} means nothing to the format {chosen.name!r}; leave it out")
    if not chosen.matches(path):
        raise DatasetError(f"{path}: holds nothing of the format {chosen.name!r}; {_expected(chosen)}")
    return chosen.load(path, Options(on_error, tags, image, text, name_pattern))


def _named(name: str) -> Format:
    if name not in FORMATS:
        raise DatasetError(f"format={name!r} is not known; there are {', '.join(FORMATS)}")
    return FORMATS[name]


def _expected(format: Format) -> str:
    return f"leave format= away to have it found out, or point at the file or folder that is {format.name}"


def _guess(path: Path) -> Format:
    """The one format that fits. Labels are looked for in file names only where no label file is."""
    fitting = [format for format in LABELLED if format.matches(path)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = [format.name for format in fitting]
        raise DatasetError(f"{path}: may be {', '.join(names[:-1])} or {names[-1]}; say which with format={names[0]!r}")
    if FILE_NAMES.matches(path):
        return FILE_NAMES
    raise DatasetError(f"{path}: {_nothing_found(path)}")


def _nothing_found(path: Path) -> str:
    if path.is_file():
        return f"not a kind of file that is known; say format=… (one of {', '.join(FORMATS)})"
    below = sorted(p for p in path.iterdir() if p.is_dir() and any(f.matches(p) for f in (*LABELLED, FILE_NAMES)))
    if below:
        return f"no labels and no images directly in it; did you mean {below[0]}?"
    return "no labels and no images in it; it needs images and, say, a metadata.csv with the columns file_name,text"
