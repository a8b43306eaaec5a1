"""Appending at once, syncing in groups."""

import asyncio
import threading

import pytest

from toolkit._engine.journal import Journal
from toolkit._store.store import MemoryStore
from toolkit.errors import StoreError


class SlowDisk(MemoryStore):
    """A store whose sync takes as long as the test says, and knows how many records each one made safe."""

    def __init__(self):
        super().__init__()
        self.open({"plan": {}}, [])
        self.appended = 0
        self.synced = []
        self.may_end = threading.Event()
        self.begun = threading.Event()
        self.broken = False

    def append(self, *records):
        super().append(*records)
        self.appended += len(records)

    def sync(self):
        reached = self.appended
        self.begun.set()
        self.may_end.wait(10)
        if self.broken:
            raise StoreError("the disk is gone")
        self.synced.append(reached)


async def begun(disk):
    await asyncio.to_thread(disk.begun.wait, 10)


def test_two_hundred_that_wait_cost_two_syncs():
    """The first begins at once, with what is there; all that come meanwhile share the second."""

    async def recorded():
        disk = SlowDisk()
        journal = Journal(disk)

        async def answer(number):
            journal.append({"number": number})
            await journal.durable()
            return disk.synced[-1]

        first = asyncio.create_task(answer(0))
        await begun(disk)
        others = [asyncio.create_task(answer(number)) for number in range(1, 200)]
        await asyncio.sleep(0)
        disk.may_end.set()
        return disk, await asyncio.gather(first, *others)

    disk, safe_at = asyncio.run(recorded())

    assert disk.synced == [1, 200]
    assert safe_at[0] >= 1
    assert set(safe_at[1:]) == {200}  # none of them took the sync that began before it had written


def test_what_nobody_waits_for_is_written_and_not_synced():
    """An engine's reading costs nothing to do again."""

    async def recorded():
        disk = SlowDisk()
        journal = Journal(disk)
        for number in range(3):
            journal.append({"number": number})
        while disk.appended < 3:  # noqa: ASYNC110 -- what sets it is a thread
            await asyncio.sleep(0.001)
        return disk

    disk = asyncio.run(recorded())

    assert [record["number"] for block, _ in disk.blocks() for record in block] == [0, 1, 2]
    assert disk.synced == []


def test_after_a_write_that_failed_nothing_is_taken():
    """Whoever appends next is told, and does not ask a service for what could not be written down."""

    async def recorded():
        disk = SlowDisk()
        disk.close()
        journal = Journal(disk)
        journal.append({})
        with pytest.raises(StoreError, match="not open"):
            await journal.durable()
        with pytest.raises(StoreError, match="not open"):
            journal.append({})

    asyncio.run(recorded())


def test_nothing_new_needs_no_sync():
    """What is safe is safe."""

    async def recorded():
        disk = SlowDisk()
        disk.may_end.set()
        journal = Journal(disk)
        await journal.durable()
        journal.append({})
        await journal.durable()
        await journal.durable()
        return disk.synced

    assert asyncio.run(recorded()) == [1]


def test_a_waiter_that_is_cancelled_does_not_end_the_sync_of_the_others():
    """They wait for the same one."""

    async def recorded():
        disk = SlowDisk()
        journal = Journal(disk)
        journal.append({})
        waiting = [asyncio.create_task(journal.durable()) for _ in range(2)]
        await begun(disk)
        waiting[0].cancel()
        await asyncio.sleep(0)
        disk.may_end.set()
        return await asyncio.gather(*waiting, return_exceptions=True), disk.synced

    (cancelled, fine), synced = asyncio.run(recorded())

    assert isinstance(cancelled, asyncio.CancelledError)
    assert fine is None
    assert synced == [1]


def test_a_disk_that_fails_tells_all_who_wait():
    """Nobody may take a paid answer for safe."""

    async def recorded():
        disk = SlowDisk()
        disk.broken = True
        journal = Journal(disk)
        journal.append({})
        waiting = [asyncio.create_task(journal.durable()) for _ in range(3)]
        await begun(disk)
        disk.may_end.set()
        return await asyncio.gather(*waiting, return_exceptions=True)

    for outcome in asyncio.run(recorded()):
        with pytest.raises(StoreError, match="disk is gone"):
            raise outcome


def test_whoever_waits_is_told_though_others_keep_the_disk_busy():
    """Its own sync is the running one or the next; that more is always asked for does not hold it up."""

    async def recorded():
        disk = SlowDisk()
        disk.may_end.set()
        journal = Journal(disk)
        over = asyncio.Event()

        async def others():
            while not over.is_set() and len(disk.synced) < 100:
                journal.append({})
                await journal.durable()

        busy = asyncio.create_task(others())
        while not disk.synced:  # noqa: ASYNC110 -- what sets it is a thread
            await asyncio.sleep(0)
        begun_after = len(disk.synced)
        journal.append({})
        await journal.durable()
        waited = len(disk.synced) - begun_after
        over.set()
        await busy
        return waited

    assert asyncio.run(recorded()) <= 3  # one that ran already, its own, and one that ended before it woke
