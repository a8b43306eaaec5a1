"""Writing to the store beside the event loop: a thread encodes, writes and waits for the disk."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from toolkit._store.store import Store
from toolkit.types import Attempt

_REST_S = 0.002
"""After a sync: those who come meanwhile share the next one, and the disk is left to others."""


class Journal:
    """Events in the order in which they came, written and made durable in groups.

    At each write and each sync a thread gives the interpreter away and has to wait for it. Two hundred answers that
    come together cost one sync, and the event loop gives nothing away.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._unwritten: list[Attempt | Mapping[str, Any]] = []
        self._appended = 0
        self._wanted = 0
        self._durable = 0
        self._at_work = False
        self._failure: Exception | None = None
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    def append(self, record: Attempt | Mapping[str, Any]) -> None:
        """Add an event, which is written next; raises what made that impossible before."""
        if self._failure is not None:
            raise self._failure
        self._unwritten.append(record)
        self._appended += 1
        self._go_on()

    async def durable(self) -> None:
        """Return once everything appended so far survives a power cut."""
        if self._failure is not None:  # a disk says only once that it lost something
            raise self._failure
        if self._durable >= self._appended:
            return
        self._wanted = self._appended
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append((self._wanted, waiter))
        self._go_on()
        await waiter

    def _go_on(self) -> None:
        """Have written what there is, and synced when somebody waits, unless that goes on already."""
        sync = self._wanted > self._durable
        if self._at_work or self._failure is not None or not (self._unwritten or sync):
            return
        self._at_work = True
        records, self._unwritten = self._unwritten, []
        loop = asyncio.get_running_loop()
        loop.run_in_executor(None, self._write, loop, records, self._appended, sync)

    def _write(
        self, loop: asyncio.AbstractEventLoop, records: Sequence[Attempt | Mapping[str, Any]], reach: int, sync: bool
    ) -> None:
        """In a thread. The loop is told directly: through the future of the thread's work it would hear a turn later."""
        failure = None
        try:
            self._store.append(*(record.as_record() if isinstance(record, Attempt) else record for record in records))
            if sync:
                self._store.sync()
        except Exception as error:  # noqa: BLE001 -- kept for whoever asks whether it is safe
            failure = error
        loop.call_soon_threadsafe(self._written, loop, reach if sync else self._durable, failure)

    def _written(self, loop: asyncio.AbstractEventLoop, durable: int, failure: Exception | None) -> None:
        """Wake those whose events are safe by now, or all when nothing will be, and go on with what came meanwhile."""
        self._failure = failure
        rest_s = _REST_S if durable > self._durable else 0.0
        self._durable = durable if failure is None else self._durable
        while self._waiting and (failure is not None or self._waiting[0][0] <= durable):
            _, waiter = self._waiting.popleft()
            if waiter.done():  # it was cancelled
                continue
            if failure is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(failure)
        loop.call_later(rest_s, self._rested)

    def _rested(self) -> None:
        self._at_work = False
        self._go_on()
