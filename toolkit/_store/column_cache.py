"""The attempts of a long log once more, as one Parquet file beside it.

The file is derived: the log remains the truth, and whoever deletes the file loses the seconds in which it is made
again. It is believed when it is of this log: of its size and time of change, or else of the same checksum over every
byte that it stands for. Without pyarrow (the extra ``parquet``) there is none.
"""

import os
import zlib
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pandas as pd

from toolkit._store.frames import DTYPES, completed, is_idle
from toolkit._store.run_state import RunState

if TYPE_CHECKING:
    import pyarrow as pa

_FORM = sha256(repr(("2", sorted(DTYPES.items()))).encode()).hexdigest()[:16]
"""Columns of other names or types, or kept in another way, are not believed."""

_READ_BYTES = 16 << 20


@dataclass(frozen=True)
class Kept:
    """The attempts of the log's first `log_bytes`, and the run's state after them."""

    attempts: pd.DataFrame
    run_state: RunState
    log_bytes: int


class _Key(msgspec.Struct):
    """What says whether a file of columns is of a log."""

    form: str
    log_bytes: int
    checksum: int
    size: int
    changed_ns: int


class ColumnCache:
    """The columns of one log. A file that cannot be written or read is one that is not there."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self.path = log.with_name("columns.parquet")

    def load(self) -> Kept | None:
        """What is kept of this very log; None when nothing is, or of another log."""
        if not self.path.exists() or find_spec("pyarrow") is None:
            return None
        import pyarrow as pa
        from pyarrow import parquet

        try:
            with parquet.ParquetFile(self.path) as file:
                told = file.metadata.metadata
                key = msgspec.json.decode(told[b"key"], type=_Key)
                if not self._is_of_this_log(key):
                    return None
                return Kept(_frame(file.read()), RunState.of_json(told[b"run_state"]), key.log_bytes)
        except (OSError, KeyError, TypeError, ValueError, msgspec.MsgspecError, pa.ArrowException):
            return None

    def save(self, kept: Kept) -> None:
        """Keep the columns of the log so far, in place of what was kept before."""
        if find_spec("pyarrow") is None:
            return
        from pyarrow import parquet

        partial = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        with suppress(OSError):  # a full disk, somebody else's folder: the log can be read again
            now = self._log.stat()
            key = _Key(_FORM, kept.log_bytes, self._checksum(kept.log_bytes), now.st_size, now.st_mtime_ns)
            told = {b"key": msgspec.json.encode(key), b"run_state": kept.run_state.to_json()}
            try:
                parquet.write_table(_table(kept.attempts, told), partial, compression="lz4")
                partial.replace(self.path)
            finally:
                partial.unlink(missing_ok=True)

    def _is_of_this_log(self, key: _Key) -> bool:
        now = self._log.stat()
        if key.form != _FORM or now.st_size < key.log_bytes:
            return False
        unchanged = (now.st_size, now.st_mtime_ns) == (key.size, key.changed_ns)
        return unchanged or self._checksum(key.log_bytes) == key.checksum

    def _checksum(self, size: int) -> int:
        checksum = 0
        with self._log.open("rb") as file:
            while size and (data := file.read(min(size, _READ_BYTES))):
                checksum = zlib.crc32(data, checksum)
                size -= len(data)
        return checksum


def _table(attempts: pd.DataFrame, told: dict[bytes, bytes]) -> "pa.Table":
    """The columns that are not idle; what a reading used, which differs by service, as JSON."""
    import pyarrow as pa

    frame = attempts[[name for name in DTYPES if not is_idle(attempts[name])]]
    if "usage" in frame:
        texts = [None if used is None else msgspec.json.encode(used).decode() for used in frame["usage"]]
        frame = frame.assign(usage=pd.Series(texts, dtype="object"))
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return table.replace_schema_metadata({**(table.schema.metadata or {}), **told})


def _frame(table: "pa.Table") -> pd.DataFrame:
    rows = len(table)
    frame = table.to_pandas(split_blocks=True, self_destruct=True)
    columns: dict[str, pd.Series[Any]] = {name: frame[name] for name in frame}
    if "usage" in columns:
        known = {text: msgspec.json.decode(text) for text in columns["usage"].dropna().unique()}
        columns["usage"] = pd.Series([known.get(text) for text in columns["usage"]], dtype="object")
    return completed(columns, rows)
