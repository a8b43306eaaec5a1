"""The gate through which every format's rows come in: bad ones raise, or are left out and counted."""

from array import array
from bisect import bisect_right
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from toolkit._dataset.columns import TagBuilder, Texts
from toolkit._dataset.dataset import SKIPPED_COLUMNS, Dataset
from toolkit._dataset.table import RESERVED_TAGS, Sources, Table
from toolkit.errors import DatasetError

SCALARS = (str, int, float, bool, type(None))


class Intake:
    """Collects rows, checks what all formats share, and makes the dataset.

    A format calls `accept` for each row; where that returns True it adds the row's image to its own column of
    sources, and at the end hands that column to `dataset`. What only the format can see wrong goes to `refuse`.
    """

    def __init__(
        self, on_error: str, *, only_tags: Collection[str] | None = None, numbers_from_text: bool = False
    ) -> None:
        if on_error not in {"raise", "skip"}:
            raise DatasetError(f'on_error={on_error!r} is neither "raise" nor "skip"')
        self._skip = on_error == "skip"
        self._only_tags = only_tags
        self._numbers_from_text = numbers_from_text
        self._ids = Texts()
        self._targets = Texts()
        self._tags: dict[str, TagBuilder] = {}
        self._lines = array("q")
        self._files: list[tuple[int, str]] = []  # first row, file: lines are counted within a file
        self._skipped: list[tuple[str, int, str, str]] = []
        self._unit = "line"

    def reading(self, file: Path | str, unit: str = "line") -> None:
        """Say that the rows to come are from this file, and what its rows are called in messages."""
        self._files.append((len(self._ids), str(file)))
        self._unit = unit

    def accept(self, line: int, id: str, target: object, tags: Mapping[str, Any] | None = None) -> bool:
        """Take a row in; False when it was left out."""
        if target is not None and not isinstance(target, str):
            cure = "put the label in quotes, so that 007 stays 007"
            return self.refuse(line, f"the label is {type(target).__name__} {target!r:.40} instead of text", cure)
        for text, what, cure in ((id, "name", "rename the file"), (target, "label", "write it anew")):
            if text is not None and not _encodable(text):
                return self.refuse(line, f"the {what} {text!a:.60} is no valid text", cure)
        if target is not None and len(target.splitlines() or [""]) > 1:
            return self.refuse(line, f"the label {target!r:.60} holds a line break", "write it as a single line")
        kept = {name: value for name, value in (tags or {}).items() if self._wanted(name)}
        for name, value in kept.items():
            if not isinstance(value, SCALARS):
                cure = "use text, a number, true or false, or name the columns to keep with tags=[…]"
                return self.refuse(line, f"the tag {name!r} holds a {type(value).__name__}", cure)
        row = len(self._ids)
        self._ids.append(id)
        self._targets.append(target)
        self._lines.append(line)
        for name, value in kept.items():
            if name not in self._tags:
                self._tags[name] = TagBuilder()
            self._tags[name].put(row, value)
        return True

    def refuse(self, line: int, problem: str, cure: str) -> bool:
        """Raise `DatasetError` for a row, or count it as left out and return False."""
        file = self._files[-1][1]
        if not self._skip:
            raise DatasetError(
                f'{file} {self._unit} {line}: {problem}; {cure}, or leave such rows out with on_error="skip"'
            )
        self._skipped.append((file, line, problem, cure))
        return False

    def dataset(self, sources: Sources, *, name: str, path: Path | None) -> Dataset:
        """The dataset of all rows taken in; `DatasetError` when there is none."""
        for builder in self._tags.values():
            builder.fill(len(self._ids))
        tags = {tag: b.build(numbers_from_text=self._numbers_from_text) for tag, b in self._tags.items()}
        table = Table(self._ids, self._targets, sources, tags)
        if repeated := self._repeated_ids():
            table = table.take(np.setdiff1d(np.arange(len(table)), repeated))
        if not len(table):
            where = self._files[0][1] if self._files else str(path or name)
            why = "it holds no row; add at least one labelled image"
            if self._skipped:
                why = f"all {len(self._skipped)} rows were left out, the first because {self._skipped[0][2]}"
            raise DatasetError(f"{where}: {why}")
        skipped = pd.DataFrame(self._skipped, columns=SKIPPED_COLUMNS)
        return Dataset(table, name=name, path=path, skipped=skipped)

    def _wanted(self, name: str) -> bool:
        if self._only_tags is not None and name not in self._only_tags:
            return False
        if name in RESERVED_TAGS:
            raise DatasetError(
                f"{self._files[-1][1]}: the tag {name!r} has the name of a result's column; "
                "rename it, or name the columns to keep with tags=[…]"
            )
        return True

    def _repeated_ids(self) -> list[int]:
        """Rows whose id an earlier row has. Found by hash at the end: a set of a million ids would dwarf the labels."""
        hashes = self._ids.hashes()
        order = np.argsort(hashes, kind="stable")
        suspects = np.flatnonzero(hashes[order][1:] == hashes[order][:-1])
        if not len(suspects):
            return []
        first: dict[str | None, int] = {}
        repeated = []
        for row in sorted({int(order[place + step]) for place in suspects for step in (0, 1)}):
            if (earlier := first.setdefault(self._ids[row], row)) != row:
                repeated.append(row)
                self._refuse_repeated(row, earlier)
        return repeated

    def _refuse_repeated(self, row: int, earlier: int) -> None:
        file, earlier_file = self._file_of(row), self._file_of(earlier)
        elsewhere = "" if file == earlier_file else f"{earlier_file} "
        self._files.append((len(self._ids), file))
        problem = f"{self._ids[row]!r} was there before, in {elsewhere}{self._unit} {self._lines[earlier]}"
        self.refuse(self._lines[row], problem, "keep one of them")

    def _file_of(self, row: int) -> str:
        return self._files[bisect_right(self._files, row, key=lambda entry: entry[0]) - 1][1]


def _encodable(text: str) -> bool:
    """Whether a text is whole characters; a file name whose bytes are no UTF-8 is not, and fits in no table."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
