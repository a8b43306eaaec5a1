"""The columns of a long log, kept in files beside it.

::

    runs/first/columns/
        000000000000-000067108650.arrow    the attempts of these bytes of the log
        index.json                         which files make up how much of the log, its checksum, the run_state then

All of it is derived: the log remains the truth, and whoever deletes the folder loses the seconds in which it is made
again. It is believed when it is of this log: of its size and time of change, or else of the same checksum over every
byte that it stands for. A log that only grew needs only its new lines read.
"""

import json
import os
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit._store.columns.tables import DTYPES

if TYPE_CHECKING:
    import pyarrow as pa

_FORM = sha256(repr(("1", sorted(DTYPES.items()))).encode()).hexdigest()[:16]
"""Columns of other names or types, or kept in another way, are not believed."""

_READ_BYTES = 16 << 20


class CacheGone(Exception):
    """A file of the cache is no longer there, or no longer what it was."""


@dataclass(frozen=True)
class FilePiece:
    """Attempts in a file of the cache; columns are read when they are asked for."""

    path: Path
    rows: int
    names: Sequence[str]

    def column(self, name: str) -> "pa.ChunkedArray | None":
        import pyarrow as pa

        if name not in self.names:
            return None
        options = pa.ipc.IpcReadOptions(included_fields=[list(self.names).index(name)])
        try:
            with pa.OSFile(str(self.path)) as file:
                column = pa.ipc.open_file(file, options=options).read_all()[name]
        except (OSError, KeyError, pa.ArrowException) as error:
            raise CacheGone(self.path) from error
        if len(column) != self.rows:
            raise CacheGone(self.path)
        return column


@dataclass(frozen=True)
class Kept:
    """What a cache holds: the log's columns up to `log_bytes`, and the run_state at that point."""

    log_bytes: int = 0
    checksum: int = 0
    pieces: tuple[FilePiece, ...] = ()
    run_state: Mapping[str, Any] = field(default_factory=dict)


class ColumnCache:
    """The folder of columns beside one log. A folder that cannot be written or read is one that is not there."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._folder = log.parent / "columns"
        self._index = self._folder / "index.json"

    def load(self) -> Kept:
        """What is kept of this very log; nothing when it is of another."""
        try:
            index = json.loads(self._index.read_bytes())
            if index["form"] != _FORM:
                return Kept()
            pieces = tuple(
                FilePiece(self._folder / piece["file"], piece["rows"], piece["columns"]) for piece in index["pieces"]
            )
            kept = Kept(index["log_bytes"], index["checksum"], pieces, index["run_state"])
            return kept if self._is_of_this_log(kept, index["seen"]) else Kept()
        except (OSError, ValueError, KeyError, TypeError):
            return Kept()

    def add(self, kept: Kept, table: "pa.Table", lines: bytes, run_state: Mapping[str, Any]) -> Kept:
        """Keep some more: the table of the `lines` that follow what is kept, and the run_state after them."""
        end = kept.log_bytes + len(lines)
        path = self._folder / f"{kept.log_bytes:012d}-{end:012d}.arrow"
        more = replace(
            kept,
            log_bytes=end,
            checksum=zlib.crc32(lines, kept.checksum),
            pieces=(*kept.pieces, FilePiece(path, len(table), table.column_names)),
            run_state=run_state,
        )
        try:
            self._folder.mkdir(exist_ok=True)
            _write_arrow(path, table)
            self._write_index(more, self._log.stat())
        except OSError:  # a full disk, somebody else's folder: the log can be read again
            return kept
        return more

    def _is_of_this_log(self, kept: Kept, seen: Sequence[int]) -> bool:
        now = self._log.stat()
        if [now.st_size, now.st_mtime_ns] == seen:
            return True
        if now.st_size < kept.log_bytes or self._checksum(kept.log_bytes) != kept.checksum:
            return False
        with suppress(OSError):  # so that the next reader need not go through all of it again
            self._write_index(kept, now)
        return True

    def _checksum(self, size: int) -> int:
        checksum = 0
        with self._log.open("rb") as file:
            while size and (data := file.read(min(size, _READ_BYTES))):
                checksum = zlib.crc32(data, checksum)
                size -= len(data)
        return checksum

    def _write_index(self, kept: Kept, now: os.stat_result) -> None:
        index = {
            "form": _FORM,
            "log_bytes": kept.log_bytes,
            "checksum": kept.checksum,
            "seen": [now.st_size, now.st_mtime_ns],
            "pieces": [
                {
                    "file": piece.path.name,
                    "rows": piece.rows,
                    "columns": list(piece.names),
                }
                for piece in kept.pieces
            ],
            "run_state": kept.run_state,
        }
        partial = self._index.with_name(f"index.json.{os.getpid()}")
        partial.write_text(json.dumps(index), encoding="utf-8")
        partial.replace(self._index)


def _write_arrow(path: Path, table: "pa.Table") -> None:
    import pyarrow as pa

    partial = path.with_name(f"{path.name}.{os.getpid()}")
    options = pa.ipc.IpcWriteOptions(compression="lz4", unify_dictionaries=True)
    with pa.OSFile(str(partial), "wb") as file, pa.ipc.new_file(file, table.schema, options=options) as writer:
        writer.write_table(table)
    partial.replace(path)
