"""What every sandboxed service stands on: somebody who reads, a clock, dice and the ledger."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from toolkit._sandbox.ledger import Ledger

Reader = Callable[[bytes], tuple[str | None, float]]
"""Reads an encoded image: the text, or None where it finds none, and its confidence in [0, 1].

A reader whose attribute `instant` is true is called on the server's own thread; any other one on a thread
beside it, so that an engine that takes its time holds nobody up.
"""


class Reading(NamedTuple):
    """A text for each image, and the confidence of the least sure one."""

    texts: tuple[str, ...]
    confidence: float


logger = logging.getLogger(__name__)


class Backend:
    """Shared by the services of one sandbox. `readers` are those of particular modules, by the module's name."""

    def __init__(
        self,
        reader: Reader,
        readers: Mapping[str, Reader],
        ledger: Ledger,
        *,
        seed: int,
        clock: Callable[[], float] = time.monotonic,
        threads: int = 1,
    ) -> None:
        self.ledger = ledger
        self.clock = clock
        self.dice = random.Random(seed)
        self._reader = reader
        self._readers = dict(readers)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="sandbox-reader")
        self._tasks: set[asyncio.Task[None]] = set()

    def is_instant(self, module: str | None) -> bool:
        """Whether the module's reader answers in no time worth waiting for."""
        return bool(getattr(self._reader_of(module), "instant", False))

    async def read(self, images: list[bytes], module: str | None) -> Reading | None:
        """What the module's reader makes of the images; None when there is one that it cannot read."""
        reader = self._reader_of(module)
        texts: list[str] = []
        confidence = 1.0
        for image in images:
            text, sure = await self._read_one(reader, image)
            if text is None:
                return None
            texts.append(text)
            confidence = min(confidence, sure)
        return Reading(tuple(texts), confidence)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something done beside the requests."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # the loop itself keeps only a weak reference
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Wait for a reading that is under way and let the threads go."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _reader_of(self, module: str | None) -> Reader:
        return self._reader if module is None else self._readers.get(module, self._reader)

    async def _read_one(self, reader: Reader, image: bytes) -> tuple[str | None, float]:
        try:
            if getattr(reader, "instant", False):
                return reader(image)
            return await asyncio.get_running_loop().run_in_executor(self._pool, reader, image)
        except Exception:
            # A service whose engine fails says that it could not solve the image; its owner reads the log.
            logger.exception("the sandbox's reader failed; the image is answered as unsolvable")
            return None, 0.0
