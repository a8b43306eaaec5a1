"""`export`: one or several tables into a file, by its extension."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from toolkit._report.export.csv_files import write_csv
from toolkit._report.export.latex import write_latex
from toolkit._report.export.parquet import write_parquet
from toolkit._report.export.workbook import write_workbook
from toolkit.errors import UsageError

Frames = Mapping[str, pd.DataFrame]

_ONE: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    ".csv": write_csv,
    ".parquet": write_parquet,
    ".tex": write_latex,
}
FORMATS = (*_ONE, ".xlsx")
"""Extensions that are known."""


def export(frames: pd.DataFrame | Frames, path: str | os.PathLike[str], format: str | None = None) -> Path:
    """Write a table to a .csv, .parquet, .tex or .xlsx file; several, by name, to the sheets of one .xlsx.

    `format` is one of these where the name of the file does not say it.
    What `toolkit.schema` knows of the columns goes along: as field metadata in Parquet, as notes and a sheet
    of its own in Excel, as units above the columns in LaTeX; a CSV file has the column names only. Text stays text:
    Excel is given no formula, and in CSV a text that a spreadsheet would take for one begins with an apostrophe
    (`toolkit._report.export.read_csv` takes it away again). A file that is there is replaced, or left as it was if the
    new one cannot be written.

    `UsageError` for an unknown extension and for what the format cannot hold; `MissingExtra` names what to install.
    """
    path = Path(path).expanduser()
    suffix = format or path.suffix.lower()
    if suffix not in FORMATS:
        raise UsageError(
            f"{path.name}: {suffix or 'no extension'} is no known format; it is one of {', '.join(FORMATS)}"
        )
    if suffix == ".xlsx":
        replaced(
            path, lambda file: write_workbook({"table": frames} if isinstance(frames, pd.DataFrame) else frames, file)
        )
        return path
    if not isinstance(frames, pd.DataFrame):
        raise UsageError(f"{path.name}: {suffix} holds one table, not {len(frames)}; give one, or write .xlsx")
    frame = frames
    replaced(path, lambda file: _ONE[suffix](frame, file))
    return path


def replaced(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` make a new file beside the old one, and put it in its place when it is whole."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(beside)
        beside.replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        beside.unlink(missing_ok=True)
