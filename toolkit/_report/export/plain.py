"""Frames as files can hold them: values that are Python objects become text."""

import json
from typing import Any

import pandas as pd
from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

from toolkit.errors import UsageError


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with an index that says something made columns, and every column numbers, dates, or text or missing.

    Mappings and lists, as the usage of an attempt, are written as JSON.
    """
    named = any(name is not None for name in frame.index.names)
    whole = frame.reset_index() if named else frame
    twice = whole.columns[whole.columns.duplicated()]
    if len(twice):
        raise UsageError(f"two columns are called {twice[0]!r}; rename one of them")
    columns = {str(name): _column(whole.iloc[:, place]) for place, name in enumerate(whole.columns)}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(whole)))


def is_text(column: "pd.Series[Any]") -> bool:
    """Whether a plain column holds text."""
    return not (is_numeric_dtype(column) or is_bool_dtype(column) or is_datetime64_any_dtype(column))


def _column(column: "pd.Series[Any]") -> "pd.Series[Any]":
    column = column.reset_index(drop=True)
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if not is_text(column):
        return column
    values = [None if _is_missing(value) else _text(value) for value in column]
    return pd.Series(values, dtype="object" if not values else "str")


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)  # noqa: PLR0124 -- NaN


def _text(value: Any) -> str:
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
