"""CSV, as any program reads it, in which no text becomes a formula."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from toolkit._report.export.formulas import harmless, original
from toolkit._report.export.plain import is_text, plain
from toolkit.errors import DatasetError

_CELL = re.compile(r'(?:"((?:[^"]|"")*)"|([^,"\r\n]*))(,|\r?\n|\Z)')
_NUMBERS = {"": float("nan"), "True": True, "False": False}


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Text in quotes, numbers without, and a missing value as nothing between the commas: an empty text has quotes."""
    table = plain(frame)
    columns = [_text_cells(table[name]) if is_text(table[name]) else _number_cells(table[name]) for name in table]
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        file.write(",".join(_text_cells(pd.Series(list(table.columns), dtype="str"))) + "\n")
        file.writelines(",".join(row) + "\n" for row in zip(*columns, strict=True))


def read_csv(path: str | os.PathLike[str]) -> pd.DataFrame:
    """A table that `export` wrote to CSV, with every text as it was; a column without any text is numbers.

    `DatasetError` names a file that was not written so.
    """
    rows = list(_rows(_text(path), path))
    names = [name for name, _ in rows[0]] if rows else []
    uneven = next((number for number, row in enumerate(rows, 1) if len(row) != len(names)), None)
    if uneven is not None:
        raise DatasetError(f"{path}: row {uneven} has {len(rows[uneven - 1])} cells, the header {len(names)}")
    columns = {name: _column([row[place] for row in rows[1:]]) for place, name in enumerate(names)}
    table = pd.DataFrame(columns)
    table.columns = pd.Index(original(pd.Series(names, dtype="str")))
    return table


def _text_cells(texts: "pd.Series[Any]") -> list[str]:
    quoted = '"' + harmless(texts.astype("str")).str.replace('"', '""', regex=False) + '"'
    return quoted.where(texts.notna(), "").tolist()


def _number_cells(values: "pd.Series[Any]") -> Iterable[str]:
    missing = values.isna().tolist()
    return ("" if absent else str(value) for value, absent in zip(values.tolist(), missing, strict=True))


def _text(path: str | os.PathLike[str]) -> str:
    with Path(path).open(encoding="utf-8", newline="") as file:  # line ends within a text are part of it
        return file.read()


def _rows(text: str, path: str | os.PathLike[str]) -> Iterator[list[tuple[str, bool]]]:
    """Rows of cells: what stands there, and whether it stood in quotes."""
    row: list[tuple[str, bool]] = []
    at = 0
    while at < len(text):
        cell = _CELL.match(text, at)
        if cell is None:
            raise DatasetError(f"{path}: character {at} is not within a CSV cell; read the file with pandas.read_csv")
        quoted, bare, end = cell.groups()
        row.append((bare, False) if quoted is None else (quoted.replace('""', '"'), True))
        at = cell.end()
        if end != ",":
            yield row
            row = []


def _column(cells: list[tuple[str, bool]]) -> "pd.Series[Any]":
    if any(quoted for _, quoted in cells):
        return original(pd.Series([text if quoted else None for text, quoted in cells], dtype="str"))
    try:
        return pd.Series([_NUMBERS[text] if text in _NUMBERS else _number(text) for text, _ in cells])
    except ValueError:  # written by another program, which puts no quotes around text
        return original(pd.Series([text or None for text, _ in cells], dtype="str"))


def _number(text: str) -> float | int:
    return int(text) if text.lstrip("-").isdecimal() else float(text)
