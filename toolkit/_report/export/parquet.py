"""Parquet, with unit and meaning in the metadata of each field."""

from pathlib import Path
from typing import Any

import pandas as pd

from toolkit._report.export.plain import plain
from toolkit.errors import require
from toolkit.schema import described, table_of


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """Exact values; types as they are but for categories and objects, which are text."""
    require("pyarrow", "writing Parquet needs pyarrow", "parquet")
    import pyarrow as pa
    from pyarrow import parquet

    flat = plain(frame)
    table = pa.Table.from_pandas(flat, preserve_index=False)
    fields: list[Any] = []
    for field, column in zip(table.schema, described(flat.columns).values(), strict=True):
        about = {} if column is None else {"unit": column.unit, "description": column.meaning}
        fields.append(field.with_metadata(about) if about else field)
    documented = table_of(flat.columns)
    whole = {b"toolkit_table": documented.name.encode()} if documented is not None else {}
    schema = pa.schema(fields, metadata={**(table.schema.metadata or {}), **whole})
    parquet.write_table(table.cast(schema), path, compression="zstd")
