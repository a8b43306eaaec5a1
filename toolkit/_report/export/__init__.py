"""Frames out: CSV, Parquet, Excel and LaTeX, with the unit and meaning of every column where the format has a place."""

from toolkit._report.export.by_extension import FORMATS, export
from toolkit._report.export.csv_files import read_csv

__all__ = ["FORMATS", "export", "read_csv"]
