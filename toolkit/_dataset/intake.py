"""The gate through which every format's rows come in: bad ones raise, or are skipped and counted."""

import warnings
from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from toolkit._dataset.columns import TagBuilder, Texts
from toolkit._dataset.options import NOTHING_TO_READ
from toolkit._dataset.table import RESERVED_TAGS, Sources, Table
from toolkit.errors import DatasetError

SCALARS = (str, int, float, bool, type(None))


class Intake:
    """Collects rows, checks what all formats share, and makes the table.

    A format calls `accept` for each row; where that returns True it adds the row's image to its own column of
    sources, and at the end hands that column to `table`. What only the format can see wrong goes to `refuse`.
    """

    def __init__(
        self,
        on_error: str,
        *,
        only_tags: Collection[str] | None = None,
        numbers_from_text: bool = False,
        empty: str | None = None,
        as_given: bool = False,
    ) -> None:
        if on_error not in {"raise", "skip"}:
            raise DatasetError(f'on_error={on_error!r} is neither "raise" nor "skip"')
        if empty not in {None, NOTHING_TO_READ}:
            raise DatasetError(
                f"empty={empty!r} must be {NOTHING_TO_READ!r} (images without text are meant), or left out"
            )
        self._empty_is_label = empty is not None
        self._as_given = as_given
        self._renamed: set[str] = set()
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
        self.refused_images: list[str] = []
        """Images whose rows could not be used: somebody named them."""

    def reading(self, file: Path | str, unit: str = "line") -> None:
        """Say that the rows to come are from this file, and what its rows are called in messages."""
        self._files.append((len(self._ids), str(file)))
        self._unit = unit

    def accept(self, line: int, id: str, target: object, tags: Mapping[str, Any] | None = None) -> bool:
        """Take a row in; False when it was skipped."""
        if target is not None and not isinstance(target, str):
            fix = "put the label in quotes (in a workbook: format the column as text), so that 007 stays 007"
            return self.refuse(line, f"the label is {type(target).__name__} {target!r:.40} instead of text", fix)
        if not self._as_given:
            target = self._label(target)
        for text, what, fix in ((id, "name", "rename the file"), (target, "label", "write it anew")):
            if text is not None and not _encodable(text):
                return self.refuse(line, f"the {what} {text!a:.60} is no valid text", fix)
        kept = (
            {self._tag_name(name): value for name, value in (tags or {}).items() if self._wanted(name)} if tags else {}
        )
        for name, value in kept.items():
            if not isinstance(value, SCALARS):
                fix = "use text, a number, true or false, or name the columns to keep with tags=[…]"
                return self.refuse(line, f"the tag {name!r} holds a {type(value).__name__}", fix)
        row = len(self._ids)
        self._ids.append(id)
        self._targets.append(target)
        self._lines.append(line)
        for name, value in kept.items():
            if name not in self._tags:
                self._tags[name] = TagBuilder()
            self._tags[name].put(row, value)
        return True

    def refuse(self, line: int, problem: str, fix: str) -> bool:
        """Raise `DatasetError` for a row, or count it as skipped and return False."""
        file = self._files[-1][1]
        if not self._skip:
            raise DatasetError(f'{file} {self._unit} {line}: {problem}; {fix}, or skip such rows with on_error="skip"')
        self._skipped.append((file, line, problem, fix))
        return False

    def table(self, sources: Sources, *, name: str, labels_from: str, unlabelled: Iterable[str] = ()) -> Table:
        """The table of all rows taken in; `DatasetError` when there is none."""
        for builder in self._tags.values():
            builder.fill(len(self._ids))
        tags = {tag: b.build(numbers_from_text=self._numbers_from_text) for tag, b in self._tags.items()}
        table = Table(self._ids, self._targets, sources, tags)
        if repeated := self._repeated_ids():
            table = table.take(np.setdiff1d(np.arange(len(table)), repeated))
        if not len(table):
            where = self._files[0][1] if self._files else name
            why = "it holds no row; add at least one labelled image"
            if self._skipped:
                why = f"all {len(self._skipped)} rows were skipped, the first because {self._skipped[0][2]}"
            raise DatasetError(f"{where}: {why}")
        table.labels_from = labels_from
        table.unlabelled = tuple(unlabelled)
        table.skipped = tuple(self._skipped)
        return table

    def put_tag(self, name: str, values: Iterable[Any]) -> None:
        """A tag for all rows at once, where no tag has the name."""
        if name in self._tags or not self._wanted(name):
            return
        builder = self._tags[name] = TagBuilder()
        for row, value in enumerate(values):
            builder.put(row, value)

    def _label(self, target: str | None) -> str | None:
        """The label without a line end at its end; an empty one where that is meant."""
        if target is None:
            return "" if self._empty_is_label else None
        if target[-1:] in ("\n", "\r"):
            target = target.rstrip("\r\n")
        return "" if self._empty_is_label and not target.strip() else target

    def _wanted(self, name: str) -> bool:
        return self._only_tags is None or name in self._only_tags

    def _tag_name(self, name: str) -> str:
        if name not in RESERVED_TAGS:
            return name
        if self._as_given:
            raise DatasetError(
                f"{self._files[-1][1]}: the tag {name!r} has the name of a result's column; "
                "rename it, or name the columns to keep with tags=[…]"
            )
        new = f"own_{name}"
        if name not in self._renamed:
            self._renamed.add(name)
            warnings.warn(
                f"{self._files[-1][1]}: the column {name!r} has the name of a result's column and becomes the tag {new!r}",
                stacklevel=2,
            )
        return new

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
