"""Writing to the store without waiting for the disk, except where a paid task asks for it."""

import asyncio
from collections.abc import Mapping
from typing import Any

from toolkit.store import Store


class Journal:
    """Appends at once; makes durable in groups, so that two hundred waiting answers cost one sync."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._appended = 0
        self._wanted = 0
        self._synced = 0
        self._syncing: asyncio.Task[None] | None = None
        self._failure: Exception | None = None

    def append(self, record: Mapping[str, Any]) -> None:
        """Add an event: it survives this process from now on, and a power cut after the next sync."""
        self._store.append(record)
        self._appended += 1

    def sync_soon(self) -> None:
        """Begin to make durable what was appended so far, and do not wait. A failure is raised by `durable`."""
        self._wanted = self._appended
        if self._syncing is None and self._synced < self._wanted and self._failure is None:
            self._syncing = asyncio.create_task(self._sync())

    async def durable(self) -> None:
        """Return once everything appended so far survives a power cut."""
        wanted = self._appended
        while self._synced < wanted:
            if self._failure is not None:  # a disk says only once that it lost something
                raise self._failure
            self.sync_soon()
            if self._syncing is not None:
                await asyncio.shield(self._syncing)  # others wait for it too

    async def _sync(self) -> None:
        try:
            while self._synced < self._wanted:
                reached = self._appended
                await asyncio.to_thread(self._store.sync)
                self._synced = reached
        except Exception as failure:  # noqa: BLE001 -- kept for whoever asks whether it is safe
            self._failure = failure
        finally:
            self._syncing = None
