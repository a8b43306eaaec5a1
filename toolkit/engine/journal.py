"""Writing to the store without waiting for the disk, except where a paid answer asks for it."""

import asyncio
from collections.abc import Mapping
from typing import Any

from toolkit.store import Store


class Journal:
    """Appends at once; makes durable in groups, so that two hundred waiting answers cost one sync."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._appended = 0
        self._synced = 0
        self._syncing: asyncio.Task[None] | None = None

    def append(self, record: Mapping[str, Any]) -> None:
        """Add an event: it survives this process from now on, and a power cut after the next sync."""
        self._store.append(record)
        self._appended += 1

    async def durable(self) -> None:
        """Return once everything appended so far survives a power cut."""
        wanted = self._appended
        while self._synced < wanted:
            if self._syncing is None:
                self._syncing = asyncio.create_task(self._sync())
            await asyncio.shield(self._syncing)  # others wait for it too

    async def _sync(self) -> None:
        reached = self._appended
        try:
            await asyncio.to_thread(self._store.sync)
            self._synced = reached
        finally:
            self._syncing = None
