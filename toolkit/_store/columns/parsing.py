"""Lines of a log to an Arrow table in one call, for the lines that need no thought.

Arrow's JSON parser works on all cores and makes no Python object. It is less strict than a log deserves and knows
neither mixed types nor maps, so whatever is not plainly a well-formed list of attempts is declined, and read one
record at a time by who asked.
"""

import re
from typing import TYPE_CHECKING, Any

from toolkit._store.columns.tables import DTYPES, REQUIRED, without_defaults
from toolkit.schema import ATTEMPTS

if TYPE_CHECKING:
    import pyarrow as pa


def can_parse() -> bool:
    """Whether pyarrow is here: the extra `parquet`."""
    from importlib.util import find_spec

    return find_spec("pyarrow") is not None


_BLOCK_BYTES = 4 << 20  # what one core parses at a time
# How the store writes the beginning of an attempt decides what is taken for one.
_OTHER_LINE = re.compile(rb'^(?!\{"event":"finished").*$', re.MULTILINE)
# What the run_state have to hear of in order. Within a text the quotation marks would be escaped.
_USAGE = b'"usage":'
_MONEY_EVENTS = {"asked", "submitted"}


def attempts_and_others(lines: bytes) -> "tuple[pa.Table, list[bytes]] | None":
    """The attempts among some whole lines as a table, and the lines that are other events; None to decline."""
    if _USAGE in lines or not (lines.startswith(b"{") and lines.endswith(b"}\n")):
        return None
    table = _table(lines)
    # Two objects in a line, or one over two lines, are no line of ours, but Arrow minds neither.
    if table is None or len(table) != lines.count(b"}\n{") + 1:
        return None
    events = set(table["event"].unique().to_pylist())
    if events & _MONEY_EVENTS or True in table["unsettled"].unique().to_pylist():
        return None
    others: list[bytes] = []
    if events != {"finished"}:
        others = [line[0] for line in _OTHER_LINE.finditer(lines) if line.end() < len(lines)]
    attempts = table if not others else _only_attempts(table)
    if len(attempts) + len(others) != len(table) or any(attempts[name].null_count for name in REQUIRED):
        return None
    return without_defaults(attempts.drop_columns("event")), others


def _table(lines: bytes) -> "pa.Table | None":
    import pyarrow as pa
    from pyarrow import json

    types = {"category": pa.string(), "str": pa.string(), "bool": pa.bool_(), "Int32": pa.int32()}
    types |= {"int32": pa.int32(), "float64": pa.float64()}
    fields: list[Any] = [(c.name, types[DTYPES[c.name]]) for c in ATTEMPTS if c.name != "usage"]
    options = json.ParseOptions(
        explicit_schema=pa.schema([("event", pa.string()), *fields]), unexpected_field_behavior="ignore"
    )
    try:
        table = json.read_json(
            pa.BufferReader(lines), read_options=json.ReadOptions(block_size=_BLOCK_BYTES), parse_options=options
        )
        table.validate(full=True)  # the parser lets bytes pass that are no UTF-8
    except pa.ArrowException:
        return None
    return table


def _only_attempts(table: "pa.Table") -> "pa.Table":
    from pyarrow import compute

    return table.filter(compute.equal(table["event"], "finished"))
