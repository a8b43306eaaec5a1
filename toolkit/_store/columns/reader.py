"""Reading a log as it grows: its attempts as a frame, everything else into the run_state."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from toolkit._store.columns.cache import CacheGone, ColumnCache, Kept
from toolkit._store.columns.parsing import attempts_and_others, can_parse
from toolkit._store.columns.tables import REQUIRED, Piece, TablePiece, frame_of, table_of, together
from toolkit._store.event_schema import understood
from toolkit._store.frames import attempts_frame, joined
from toolkit._store.json_lines import Record
from toolkit._store.run_state import RunState
from toolkit._store.store import FileStore, Store
from toolkit.errors import StoreCorrupt

if TYPE_CHECKING:
    import pyarrow as pa

_PIECE_BYTES = 64 << 20  # so much of a log is parsed at a time, and becomes one file of the cache
_LONG_BYTES = 16 << 20  # from here on parsing in columns pays, and so does keeping them
_BLOCK_BYTES = 4 << 20  # records of so many bytes are Python objects at the same time


class LogReader:
    """What a store's log says so far; `read_on` looks for more.

    Short logs are read record by record. What is long is read in columns, if pyarrow is here, and the columns are
    kept beside the log, so that the next reader has them at once. `offset` says how much of the log was read.
    """

    def __init__(self, store: Store, *, piece_bytes: int = _PIECE_BYTES, long_bytes: int = _LONG_BYTES) -> None:
        self._store = store
        self._piece_bytes, self._long_bytes = piece_bytes, long_bytes
        self._begin()

    def _begin(self, *, cached: bool = True) -> None:
        self._cached = cached
        self._kept = Kept()
        self.offset = 0
        self.run_state = RunState(keep_finished=False)
        self.attempts = attempts_frame([])

    def read_on(self) -> bool:
        """Read what was appended since the last look; whether it was anything.

        `StoreCorrupt` for a damaged line: what stood before it is kept for when it is mended.
        """
        before = self.offset
        if isinstance(self._store, FileStore) and self._is_long(self._store) and can_parse():
            try:
                self._read_long(self._store)
            except CacheGone:  # deleted or damaged meanwhile: the log has it all
                self._begin(cached=False)
                self._read_long(self._store)
        frames: list[pd.DataFrame] = []
        try:
            for records, offset in self._store.blocks(self.offset):
                frames.append(self._taken(records, offset))
        finally:
            if frames:
                self.attempts = joined([self.attempts, *frames])
        return self.offset != before

    def _taken(self, records: list[Record], offset: int) -> pd.DataFrame:
        """The attempts among some records; the run_state have heard of them, and the log is read up to `offset`."""
        with understood(self._store, records, offset):
            frame = attempts_frame([records])
            if any(frame[name].hasnans for name in REQUIRED):
                raise ValueError("an attempt at no trial")
            self.run_state.read(records)
        self.offset = offset
        return frame

    # ── in columns ───────────────────────────────────────────────────────────────────────────────────────

    def _is_long(self, store: FileStore) -> bool:
        return store.log_bytes() - self.offset >= self._long_bytes

    def _read_long(self, store: FileStore) -> None:
        """All whole lines that are new: those that are kept from the cache, the others from the log."""
        cache = ColumnCache(store.log)
        pieces: list[Piece] = []
        if self.offset == 0 and self._cached:
            self._kept = cache.load()
            pieces += self._kept.pieces
            if pieces:
                self.run_state, self.offset = RunState.of_state(self._kept.run_state), self._kept.log_bytes
        try:
            while lines := store.lines(self.offset, self._piece_bytes):
                begin, new = self.offset, []
                for table in self._parsed(store, lines):
                    new.append(table)
                    pieces.append(TablePiece(table))
                if begin == self._kept.log_bytes and len(lines) >= self._long_bytes // 2:
                    self._kept = cache.add(self._kept, together(new), lines, self.run_state.state)
        finally:
            if pieces:
                frame = frame_of(pieces)
                self.attempts = joined([self.attempts, frame])

    def _parsed(self, store: FileStore, lines: bytes) -> "Iterator[pa.Table]":
        """Tables of the attempts in the next lines of the log, as far as it is sound."""
        begin = self.offset
        found = attempts_and_others(lines) if self.run_state.clear else None
        others = None if found is None else _understood(store, found[1])
        if found is not None and others is not None:
            self.run_state.read(others)
            self.offset = begin + len(lines)
            yield found[0]
            return
        start = 0
        while start < len(lines):
            end = (lines.rfind(b"\n", start, start + _BLOCK_BYTES) + 1) or (lines.find(b"\n", start) + 1)
            yield table_of(self._taken(store.records(lines[start:end], begin + start), begin + end))
            start = end


def _understood(store: FileStore, lines: list[bytes]) -> list[Record] | None:
    """The events in some lines of their own; None where one is damaged, which only its place in the log can tell."""
    try:
        return store.records(b"".join(line + b"\n" for line in lines)) if lines else []
    except StoreCorrupt:
        return None
