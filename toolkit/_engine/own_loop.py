"""Running a coroutine where a loop may be running already: in a notebook."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def in_own_loop(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The coroutine's value, from a loop in a thread of its own. Nothing of the caller's loop is patched."""
    with ThreadPoolExecutor(1, thread_name_prefix="toolkit-loop") as thread:
        return thread.submit(lambda: asyncio.run(work())).result()
