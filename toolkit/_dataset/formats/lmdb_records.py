"""LMDB as the scene-text recognition community ships it: ``num-samples``, and from 1 ``image-%09d``, ``label-%09d``."""

import os
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from toolkit._dataset.image_names import split_of_file
from toolkit._dataset.intake import Intake
from toolkit._dataset.options import Options
from toolkit._dataset.table import ChainedSources, Table
from toolkit.errors import DatasetError, require
from toolkit.types import Source

_MOST_DIGITS = 19

_open_environments: dict[tuple[int, Path], Any] = {}
"""By process and path: an environment may be open once in a process, and must not be used across a fork."""


@dataclass(frozen=True, slots=True)
class LmdbImage:
    """The n-th image of a database, counted from 1."""

    database: Path
    number: int

    def read(self) -> bytes:
        with _sound(self.database), _environment(self.database).begin(buffers=False) as transaction:
            image = transaction.get(_image_key(self.number))
        if image is None:
            raise DatasetError(f"{self.database}: the database has no {_image_key(self.number).decode()}")
        return bytes(image)


class LmdbImages:
    """Images of one database by their numbers: 8 bytes a row."""

    def __init__(self, database: Path, numbers: "array[int]") -> None:
        self._database = database
        self._numbers = numbers

    def __getitem__(self, row: int) -> Source:
        return LmdbImage(self._database, self._numbers[row])

    def take(self, rows: Iterable[int]) -> Self:
        return type(self)(self._database, array("Q", (self._numbers[int(row)] for row in rows)))


def load_lmdb(root: Path, names: list[str], options: Options) -> Table:
    """Images and labels in databases below `root`, one after the other; of splits, with a tag ``split``."""
    intake = Intake(options.on_error, only_tags=options.tags, empty=options.empty)
    splits = [split_of_file(name + "/x") for name in names]
    tell = len(set(splits)) > 1 and None not in splits
    parts: list[LmdbImages] = []
    which, places = array("i"), array("q")
    for part, name in enumerate(names):
        database = root / name
        numbers = array("Q")
        intake.reading(database, "sample")
        tags = {"split": splits[part]} if tell else {}
        for number, target in _records(database, intake):
            id = f"{number:09d}" if len(names) == 1 else f"{name}/{number:09d}"
            if intake.accept(number, id, target, tags):
                which.append(part)
                places.append(len(numbers))
                numbers.append(number)
        parts.append(LmdbImages(database, numbers))
    sources = parts[0] if len(parts) == 1 else ChainedSources(list(parts), which, places)
    return intake.table(sources, name=str(root), labels_from="records label-… of the LMDB database")


def _records(database: Path, intake: Intake) -> Iterator[tuple[int, str | None]]:
    environment = _environment(database)
    with _sound(database), environment.begin() as transaction:
        for number in range(1, _sample_count(transaction, database) + 1):
            label = transaction.get(f"label-{number:09d}".encode())
            try:
                target = None if label is None else label.decode()
            except UnicodeDecodeError:
                intake.refuse(number, f"the label {label!r:.60} is not UTF-8", "write it as UTF-8")
                continue
            # the key is looked for, the image not copied
            with transaction.cursor() as cursor:
                there = cursor.set_key(_image_key(number))
            if there:
                yield number, target
            else:
                intake.refuse(number, f"there is no {_image_key(number).decode()}", "add the image")


def _sample_count(transaction: Any, database: Path) -> int:
    value = transaction.get(b"num-samples")
    most = transaction.stat()["entries"]  # a larger number would be a walk through nothing
    if value is None or not value.isdigit() or len(value) > _MOST_DIGITS or int(value) > most:
        raise DatasetError(
            f"{database}: num-samples is {value!r:.60} where a number is needed, at most {most:,}; is it a text dataset?"
        )
    return int(value)


def _environment(database: Path) -> Any:
    key = (os.getpid(), database.resolve())
    if key not in _open_environments:
        lmdb = require("lmdb", "reading LMDB datasets", "lmdb")
        try:
            # no lock file and no read-ahead: the folder may be read-only, and images are read in any order
            _open_environments[key] = lmdb.open(
                str(key[1]),
                subdir=database.is_dir(),
                readonly=True,
                lock=False,
                readahead=False,
                create=False,
                max_spare_txns=8,
            )
        except lmdb.Error as error:
            raise DatasetError(f"{database}: not readable as LMDB ({error})") from error
        _check_whole(_open_environments[key], database)
    return _open_environments[key]


def _check_whole(environment: Any, database: Path) -> None:
    """A database that was cut is read beyond its end by LMDB, and the system ends the whole process for that."""
    needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    size = (database / "data.mdb" if database.is_dir() else database).stat().st_size
    if size < needed:
        _open_environments.pop((os.getpid(), database.resolve())).close()
        raise DatasetError(f"{database}: data.mdb has {size:,} bytes where {needed:,} belong; copy it anew")


@contextmanager
def _sound(database: Path) -> Iterator[None]:
    """A page that is damaged is a matter of the dataset."""
    lmdb = require("lmdb", "reading LMDB datasets", "lmdb")
    try:
        yield
    except lmdb.Error as error:
        raise DatasetError(f"{database}: not readable as LMDB ({error}); copy it anew") from error


def _image_key(number: int) -> bytes:
    return f"image-{number:09d}".encode()
