"""Attempts as an Arrow table and as a DataFrame: the same columns, each way.

A table leaves out the columns in which every row has the default, which for a local engine are most.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit._store.frames import absent
from toolkit.schema import ATTEMPTS

if TYPE_CHECKING:
    import pyarrow as pa

DTYPES = {column.name: column.dtype for column in ATTEMPTS}
REQUIRED = ("setting", "sample", "repeat", "attempt", "final", "started_at")
"""What every attempt has."""


class Piece(Protocol):
    """Some consecutive attempts."""

    @property
    def rows(self) -> int:
        """How many."""
        ...

    def column(self, name: str) -> "pa.ChunkedArray | None":
        """One of their columns; None when every row has the default."""
        ...


class TablePiece:
    """Attempts in memory."""

    def __init__(self, table: "pa.Table") -> None:
        self.table = table

    @property
    def rows(self) -> int:
        return len(self.table)

    def column(self, name: str) -> "pa.ChunkedArray | None":
        return self.table[name] if name in self.table.column_names else None


def without_defaults(table: "pa.Table") -> "pa.Table":
    """The table with missing values of plain numbers filled in, labels as codes, and idle columns left out."""
    import pyarrow as pa
    from pyarrow import compute

    columns: dict[str, Any] = {}
    for name in table.column_names:
        column, dtype = table[name], DTYPES[name]
        if dtype == "category" and not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        elif dtype == "float64":
            column = compute.fill_null(column, _default(name))
        elif dtype == "bool":
            column = compute.fill_null(column, False)
        if name in REQUIRED or not _idle(column, name):
            columns[name] = column
    return pa.table(columns)


def together(tables: "Sequence[pa.Table]") -> "pa.Table":
    """Tables end to end; a column that only some of them need is filled up."""
    import pyarrow as pa

    if len(tables) == 1:
        return tables[0]
    return without_defaults(pa.concat_tables(tables, promote_options="default"))


def _default(name: str) -> float:
    """What stands in a column of seconds or shares where the log has nothing."""
    nothing = absent(name)
    return np.nan if nothing is None else nothing


def _idle(column: "pa.ChunkedArray", name: str) -> bool:
    """Whether every row has the default."""
    from pyarrow import compute

    dtype = DTYPES[name]
    if dtype == "bool":
        return not compute.any(column).as_py()
    if dtype == "float64":
        idle = compute.is_nan(column) if np.isnan(_default(name)) else compute.equal(column, 0.0)
        return bool(compute.all(idle).as_py())
    return bool(column.null_count == len(column))


def table_of(frame: pd.DataFrame) -> "pa.Table":
    """An attempts frame as a table; what a reading used, which differs by service, as JSON."""
    import pyarrow as pa

    columns: dict[str, Any] = {}
    for name, dtype in DTYPES.items():
        values = frame[name]
        if name == "usage":
            texts = [None if used is None else json.dumps(used) for used in values]
            columns[name] = pa.chunked_array([pa.array(texts, pa.string())])
        elif dtype == "category":
            codes = values.cat.codes.to_numpy().astype(np.int32)
            labels = pa.array(values.cat.categories.tolist(), pa.string())
            columns[name] = pa.chunked_array([pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), labels)])
        elif dtype == "float64":
            columns[name] = pa.chunked_array([pa.array(values.to_numpy())])
        else:
            kinds = {"str": pa.string(), "bool": pa.bool_(), "int32": pa.int32(), "Int32": pa.int32()}
            made = pa.array(values, kinds[dtype], from_pandas=True)
            columns[name] = made if isinstance(made, pa.ChunkedArray) else pa.chunked_array([made])
    return without_defaults(pa.table(columns))


def frame_of(pieces: Sequence[Piece]) -> pd.DataFrame:
    """The attempts of some pieces, in order; columns `toolkit._store.frames.ATTEMPTS`. One column at a time is held twice."""
    data = {column.name: _series(pieces, column.name) for column in ATTEMPTS}
    return pd.DataFrame(data, copy=False)


def _series(pieces: Sequence[Piece], name: str) -> "pd.Series[Any]":
    parts = [(piece.column(name), piece.rows) for piece in pieces]
    dtype = DTYPES[name]
    if dtype == "category":
        return pd.Series(_categorical(parts))
    if name == "usage":
        return pd.Series(_usages(parts), dtype="object")
    if dtype == "Int32":
        values = _numbers(parts, np.dtype(np.int32), 0)
        missing = np.concatenate([_missing(part, rows) for part, rows in parts])
        return pd.Series(pd.arrays.IntegerArray(values, missing))
    if dtype == "str":
        return _texts(parts)
    default = _default(name) if dtype == "float64" else 0
    return pd.Series(_numbers(parts, np.dtype(dtype), default), copy=False)


Parts = Sequence[tuple["pa.ChunkedArray | None", int]]


def _numbers(parts: Parts, dtype: np.dtype[Any], default: float) -> NDArray[Any]:
    rows = sum(count for _, count in parts)
    # Untouched zeros take no memory until somebody writes to them, and half of the columns are nothing else.
    values = np.zeros(rows, dtype) if default == 0 else np.full(rows, default, dtype)
    begin = 0
    for part, count in parts:
        if part is not None:
            whole = part.fill_null(0) if part.null_count else part
            values[begin : begin + count] = whole.to_numpy()
        begin += count
    return values


def _missing(part: "pa.ChunkedArray | None", rows: int) -> NDArray[np.bool_]:
    return np.ones(rows, np.bool_) if part is None else part.is_null().to_numpy()


def _texts(parts: Parts) -> "pd.Series[Any]":
    import pyarrow as pa

    kind = pa.large_string()  # its offsets count beyond two gibibytes
    arrays = [pa.nulls(rows, kind) if part is None else part.cast(kind).combine_chunks() for part, rows in parts]
    joined = pa.concat_arrays(arrays) if arrays else pa.nulls(0, kind)
    return pd.Series(pa.chunked_array([joined]).to_pandas(), dtype="str")


def _categorical(parts: Parts) -> pd.Categorical:
    labels = sorted({label for part, _ in parts if part is not None for label in _labels(part)})
    place = {label: number for number, label in enumerate(labels)}
    codes = np.full(sum(rows for _, rows in parts), -1, np.int32)
    begin = 0
    for part, count in parts:
        at = begin
        for chunk in [] if part is None else part.chunks:
            places = np.array([place.get(label, -1) for label in chunk.dictionary.to_pylist()] + [-1], np.int32)
            codes[at : at + len(chunk)] = places[chunk.indices.fill_null(-1).to_numpy()]
            at += len(chunk)
        begin += count
    return pd.Categorical.from_codes(codes, categories=pd.Index(labels, dtype="str"))


def _labels(part: "pa.ChunkedArray") -> set[str]:
    """The labels that a column uses."""
    return {label for label in part.unique().to_pylist() if label is not None}


def _usages(parts: Parts) -> NDArray[np.object_]:
    usages = np.full(sum(rows for _, rows in parts), None, dtype=object)
    begin = 0
    for part, rows in parts:
        if part is not None:
            known = {text: json.loads(text) for text in part.unique().to_pylist() if text is not None}
            usages[begin : begin + rows] = [known.get(text) for text in part.to_pylist()]
        begin += rows
    return usages
