"""Excel workbooks: text is text, figures are figures, and a last sheet says what each column means."""

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

import pandas as pd

from toolkit._report.export.plain import is_text, plain
from toolkit.errors import UsageError, require
from toolkit.schema import Column, described

MOST_ROWS = 1_048_576
MOST_COLUMNS = 16_384
MOST_CHARACTERS = 32_767
"""What a sheet and a cell of Excel hold."""

_FORMATS = {"share": "0.0 %", "USD": "0.0000", "s": "0.000", "probability": "0.0000"}
_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\", "_"))
_CUT = "… (cut: Excel holds no more)"
_NAME_CHARACTERS = 31
_WIDEST = 60
_ROWS_MEASURED = 200


def write_workbook(frames: Mapping[str, pd.DataFrame], path: Path) -> None:
    """A sheet for each frame, and one called "columns" that documents them.

    Missing values are empty cells, infinite ones the word "inf"; a text that no cell can hold is cut, and says so.
    """
    xlsxwriter = require("xlsxwriter", "writing Excel workbooks needs xlsxwriter", "excel")
    tables = {_sheet_name(name): plain(frame) for name, frame in frames.items()}
    for name, table in tables.items():
        if len(table) >= MOST_ROWS or len(table.columns) > MOST_COLUMNS:
            raise UsageError(
                f"{name} has {len(table):,} rows and {len(table.columns):,} columns; a sheet holds {MOST_ROWS - 1:,} and "
                f"{MOST_COLUMNS:,}: write .parquet or .csv"
            )
    # Nothing is guessed from what a text looks like; every cell is written by the method for its kind.
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(path, options) as book:
        for name, table in tables.items():
            _write_sheet(book, name, table, described(table.columns))
        _write_sheet(book, _free_name("columns", tables), plain(_documentation(tables)), {})


def _write_sheet(book: Any, name: str, table: pd.DataFrame, about: Mapping[str, Column | None]) -> None:
    sheet = book.add_worksheet(name)
    heading = book.add_format({"bold": True, "bottom": 1, "text_wrap": False})
    for place, column in enumerate(table.columns):
        sheet.write_string(0, place, column, heading)
        known = about.get(column)
        if known is not None:
            unit = f" ({known.unit})" if known.unit else ""
            sheet.write_comment(0, place, f"{known.name}{unit}: {known.meaning}", {"x_scale": 2})
        number = book.add_format({"num_format": _FORMATS[known.unit]}) if known and known.unit in _FORMATS else None
        sheet.set_column(place, place, _width(column, table[column]), number)
        write = _write_text if is_text(table[column]) else _write_value
        for row, (value, missing) in enumerate(zip(table[column], table[column].isna(), strict=True), 1):
            if not missing:
                write(sheet, row, place, value)
    sheet.freeze_panes(1, 1)
    if len(table) and len(table.columns):
        sheet.autofilter(0, 0, len(table), len(table.columns) - 1)


def _write_text(sheet: Any, row: int, place: int, value: str) -> None:
    text = value.encode("utf-8", "replace").decode()  # half of a surrogate pair is in no file
    if len(text.encode("utf-16-le")) // 2 > MOST_CHARACTERS:
        text = text[: (MOST_CHARACTERS - len(_CUT)) // 2] + _CUT
    sheet.write_string(row, place, text)


def _write_value(sheet: Any, row: int, place: int, value: Any) -> None:
    if isinstance(value, pd.Timestamp):
        sheet.write_string(row, place, value.isoformat())
    elif value is True or value is False or type(value).__name__ == "bool":
        sheet.write_boolean(row, place, bool(value))
    elif isfinite(value):
        sheet.write_number(row, place, value)
    else:
        sheet.write_string(row, place, str(float(value)))


def _documentation(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    rows = [
        (name, column, known.unit if known else "", known.meaning if known else "")
        for name, table in tables.items()
        for column, known in described(table.columns).items()
    ]
    return pd.DataFrame(rows, columns=["sheet", "column", "unit", "meaning"], dtype="str")


def _width(name: str, column: "pd.Series[Any]") -> float:
    lengths = column.head(_ROWS_MEASURED).astype("str").str.len() if is_text(column) else pd.Series([10.0])
    return float(min(max(len(name) + 3, lengths.max() if len(lengths) else 0), _WIDEST))


def _sheet_name(name: str) -> str:
    return name.translate(_FORBIDDEN).strip("'")[:_NAME_CHARACTERS] or "table"


def _free_name(name: str, taken: Mapping[str, object]) -> str:
    while name in taken:
        name += "_"
    return name
