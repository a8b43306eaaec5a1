"""Columns that hold a million labels in little memory and give single values back quickly."""

import math
import re
import unicodedata
from array import array
from collections.abc import Iterable, Sequence
from typing import Any, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_MISSING = b"\xff"  # a byte that UTF-8 never contains, so that "" and "no text" stay apart

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})", re.ASCII)
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", re.ASCII)


class Texts(Sequence["str | None"]):
    """Texts end to end in one buffer: about as many bytes as there are characters, where a list of strings
    takes sixty more for each. None stands for a text that is not there.
    """

    __slots__ = ("_buffer", "_starts")

    def __init__(self, texts: Iterable[str | None] = ()) -> None:
        self._buffer = bytearray()
        self._starts = array("Q", [0])
        for text in texts:
            self.append(text)

    def append(self, text: str | None) -> None:
        # "surrogatepass": a file name that is not UTF-8 reaches us with surrogates in it and must leave so
        self._buffer += _MISSING if text is None else text.encode("utf-8", "surrogatepass")
        self._starts.append(len(self._buffer))

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, row: int) -> str | None: ...
    @overload
    def __getitem__(self, row: slice) -> "Texts": ...
    def __getitem__(self, row: "int | slice") -> "str | Texts | None":
        if isinstance(row, slice):
            return self.take(range(*row.indices(len(self))))
        if not 0 <= row < len(self):
            raise IndexError(row)
        piece = self._buffer[self._starts[row] : self._starts[row + 1]]
        return None if piece == _MISSING else piece.decode("utf-8", "surrogatepass")

    def take(self, rows: Iterable[int]) -> "Texts":
        """The texts of these rows, in their order."""
        return Texts(self[int(row)] for row in rows)

    def hashes(self) -> NDArray[np.int64]:
        """One 64-bit hash a text, the same within this process only; shape (n,)."""
        return np.fromiter((hash(text) for text in self), dtype=np.int64, count=len(self))


class Tag:
    """One tag's values: each distinct value once, and a 4-byte code for each row.

    A value is a text, a number, a boolean, or None where the row has none.
    """

    __slots__ = ("_codes", "_values")

    def __init__(self, values: list[Any], codes: "array[int]") -> None:
        self._values = values
        self._codes = codes

    def __getitem__(self, row: int) -> Any:
        code = self._codes[row]
        return None if code < 0 else self._values[code]

    def take(self, rows: Iterable[int]) -> "Tag":
        """The values of these rows, in their order."""
        codes = array("i", (self._codes[int(row)] for row in rows))
        used = sorted(set(codes) - {-1})
        renumbered = {old: new for new, old in enumerate(used)}
        return Tag([self._values[old] for old in used], array("i", (renumbered.get(code, -1) for code in codes)))

    def series(self, rows: NDArray[np.int64] | slice) -> pd.Series:
        """The values of these rows as a column whose integers and booleans survive missing values."""
        codes = np.frombuffer(self._codes, dtype=np.intc)[rows]
        values = np.empty(len(self._values) + 1, dtype=object)
        values[:-1] = self._values
        values[-1] = None  # code −1 picks the last
        kinds = {type(value) for value in self._values}
        dtype = {frozenset({int}): "Int64", frozenset({bool}): "boolean"}.get(frozenset(kinds))
        if dtype and not (codes < 0).any():
            dtype = dtype.lower().replace("boolean", "bool")
        return pd.Series(values[codes], dtype=dtype).infer_objects()


class TagBuilder:
    """Collects one tag's values row by row."""

    def __init__(self) -> None:
        self._values: list[Any] = []
        self._code_of: dict[tuple[type, Any], int] = {}
        self._codes = array("i")

    def put(self, row: int, value: Any) -> None:
        """Set the value of `row`, which is later than all rows set before."""
        self.fill(row)
        if value is None or (isinstance(value, float) and math.isnan(value)):
            self._codes.append(-1)
            return
        key = (type(value), value)  # True, 1 and 1.0 are equal and are not the same value
        code = self._code_of.setdefault(key, len(self._values))
        if code == len(self._values):
            self._values.append(value)
        self._codes.append(code)

    def fill(self, rows: int) -> None:
        """Make the column `rows` long; rows without a value are missing."""
        if (short := rows - len(self._codes)) > 0:
            self._codes.extend([-1] * short)

    def build(self, *, numbers_from_text: bool) -> Tag:
        """The column. With `numbers_from_text`, texts that all write a number plainly become numbers.

        Plainly: ``7`` and ``0.5``, not ``007`` (a code), ``1e5`` or ``nan``, which may be words.
        """
        values = self._values
        if numbers_from_text and values and all(isinstance(value, str) for value in values):
            if all(_INTEGER.fullmatch(value) for value in values):
                values = [int(value) for value in values]
            elif all(_DECIMAL.fullmatch(value) for value in values):
                values = [float(value) for value in values]
        return Tag(values, self._codes)


def count(n: int, noun: str) -> str:
    """``1 sample``, ``2,000 samples``."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def text_length(target: str | None) -> int | None:
    """How many code points a label has after NFC, the unit in which edits are counted."""
    if target is None:
        return None
    return len(target) if target.isascii() else len(unicodedata.normalize("NFC", target))
