"""The one reader of a run's log: whatever asks what a log says asks here."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd

from toolkit._store.column_cache import ColumnCache, Kept
from toolkit._store.events import Damaged, Event, decoded, of_records
from toolkit._store.frames import attempts_frame, endings, joined
from toolkit._store.json_lines import damaged as damaged_line
from toolkit._store.run_state import RunState
from toolkit._store.store import FileStore, Store
from toolkit.errors import ProviderError, StoreCorrupt
from toolkit.types import Trial

_LONG_BYTES = 16 << 20  # from here on reading takes a second, and keeping what was read pays
_REWRITTEN_AT = 4  # a file of columns is written anew when the log has grown by one part in so many
_NO_ANSWER = "unsolvable"


class LogReader:
    """What a store's log says so far; `read_on` looks for more.

    `offset` says how much of the log was read. The attempts of a long log are kept beside it as columns, so that the
    next reader has them at once.
    """

    def __init__(self, store: Store, *, long_bytes: int = _LONG_BYTES) -> None:
        self._store = store
        self._long_bytes = long_bytes
        self._frames: list[pd.DataFrame] = []
        self._kept_bytes = 0
        self.offset = 0
        self.run_state = RunState()

    @property
    def attempts(self) -> pd.DataFrame:
        """Every attempt that was read, in the order they ended; columns `toolkit.schema.ATTEMPTS`."""
        self._frames = [joined(self._frames)]
        return self._frames[0]

    def read_on(self) -> bool:
        """Read what was appended since the last look; whether it was anything.

        `StoreCorrupt` for a damaged line: what stood before it is kept for when it is repaired.
        """
        before = self.offset
        if before == 0:
            self._begin_with_what_was_kept()
        for frame in self.news():
            self._frames.append(frame)
        if self.offset - self._kept_bytes >= max(self._long_bytes, self._kept_bytes // _REWRITTEN_AT):
            self._keep()
        return self.offset != before

    def news(self) -> Iterator[pd.DataFrame]:
        """The attempts that were appended since the last look, some thousands at a time; they are not kept here."""
        with _uncollected():
            for events, offset in self._events():
                frame = attempts_frame([events])
                self.run_state.read(events)
                self.offset = offset
                yield frame

    # ── how trials ended ─────────────────────────────────────────────────────────────────────────────────

    def ended(self, *, retry_errors: bool = False) -> pd.DataFrame:
        """The attempts that ended trials which need no further asking.

        After an error that stopped the account they do, because the cause is outside the trial.
        """
        last = endings(self.attempts)
        again = (
            ~last["error"].isin([_NO_ANSWER]) & last["error"].notna() if retry_errors else last["error"].isin(_FATAL)
        )
        return last[~again]

    def to_collect(self, *, retry_errors: bool = False) -> dict[Trial, str | int]:
        """Tasks that the service was given and that have no answer: to be asked for by their ids before anything is bought.

        With `retry_errors` also those of trials that ended in an error, such as a deadline: the answer may wait.

        A trial that ended because its account was stopped has none: the service may have worked on.
        """
        if not self.run_state.unsettled:
            return {}
        return self.run_state.to_collect(set(trials_of(self.ended(retry_errors=retry_errors))))

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────

    def _events(self) -> Iterator[tuple[list[Event], int]]:
        """The events from `offset` on, each block with the offset after it; what stands before a damaged one, too."""
        if isinstance(self._store, FileStore):
            for lines, end in self._store.lines(self.offset):
                try:
                    yield decoded(lines), end
                except Damaged as damaged:
                    sound = len(b"".join(lines.splitlines(keepends=True)[: len(damaged.sound)]))
                    yield damaged.sound, self.offset + sound
                    raise damaged_line(self._store.log, self.offset, damaged.reason) from None
        else:
            for records, end in self._store.blocks(self.offset):
                try:
                    yield of_records(records), end
                except Damaged as damaged:
                    number = end - len(records) + len(damaged.sound) + 1
                    raise StoreCorrupt(f"{self._store!r}, event {number} is damaged: {damaged.reason}") from None

    def _begin_with_what_was_kept(self) -> None:
        cache = self._cache()
        kept = None if cache is None else cache.load()
        if kept is not None:
            self.run_state, self._frames = kept.run_state, [kept.attempts]
            self.offset = self._kept_bytes = kept.log_bytes

    def _keep(self) -> None:
        cache = self._cache()
        if cache is not None:
            cache.save(Kept(self.attempts, self.run_state, self.offset))
        self._kept_bytes = self.offset

    def _cache(self) -> ColumnCache | None:
        return ColumnCache(self._store.log) if isinstance(self._store, FileStore) else None


def trials_of(attempts: pd.DataFrame) -> Iterator[Trial]:
    """The trial of each attempt."""
    return map(Trial, *(attempts[name].tolist() for name in Trial._fields))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Millions of events hold no cycles, and looking for some again and again takes a fifth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _kinds(error: type[ProviderError]) -> Iterator[type[ProviderError]]:
    yield error
    for narrower in error.__subclasses__():
        yield from _kinds(narrower)


_FATAL = frozenset(error.kind for error in _kinds(ProviderError) if error.fatal)
