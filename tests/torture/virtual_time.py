"""An event loop in which nothing is waited for: when all sleep, the clock goes forward to whoever wakes first."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

_EPOCH_S = 1_700_000_000.0


class DeadlockError(Exception):
    """Everybody waits for somebody else."""


class _Selector(selectors.DefaultSelector):
    """Waits for nothing: what would be waited is added to `now`."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is None:
            raise DeadlockError("nothing is scheduled, and nobody else is there to wake anybody")
        if not ready and timeout:
            self.now += timeout
        return ready


class _AtOnce(ThreadPoolExecutor):
    """Does the work where it is asked for, so that the order of things is the same every time."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **named: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args, **named))
        except Exception as error:  # noqa: BLE001 -- handed on, as an executor does
            future.set_exception(error)
        return future


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop with a clock of its own."""

    def __init__(self) -> None:
        self._hurried = _Selector()
        super().__init__(self._hurried)
        self.set_default_executor(_AtOnce(1))

    def time(self) -> float:
        return self._hurried.now

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 -- as it is overridden
        """There are no threads to wait for."""


def run(main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, in no time; `DeadlockError` where that would wait for ever."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


class VirtualClock:
    """The clock of whatever loop runs; it goes on from loop to loop, as for a run that is resumed.

    `seconds` is what it said last.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._jumped_s = 0.0
        self._before_s = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None

    def now(self) -> float:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._before_s, self._loop = self.seconds, loop
        self.seconds = self._before_s + loop.time()
        return self.seconds

    def unix(self) -> float:
        return _EPOCH_S + self.now() + self._jumped_s

    def jump(self, seconds: float) -> None:
        """Somebody sets the time of day forward, or back."""
        self._jumped_s += seconds

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
