"""The workers of local engines: `Compute` steps in, values timed on the worker out.

Steps travel in chunks of about a tenth of a second's work, because a trip to another process costs as much as a
fast engine's reading. A chunk whose worker dies or hangs is sent again one step at a time in a fresh pool; the
step that does it twice is the culprit and becomes a row, the others lose nothing.
"""

import asyncio
import os
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from uuid import uuid4

from toolkit._engine.driver import AttemptResult, Called, Clock, Computed, SystemClock, in_words, read_through
from toolkit._engine.runner import NotBegun
from toolkit._engine.worker import OVERDUE, enter_service, run_chunk
from toolkit._providers.base import Provider
from toolkit.errors import DeadlineExceeded, EngineFailure, ProviderError
from toolkit.types import Call, Compute, Flow, Sample, Submitted, Trial

_CHUNK_S = 0.1
_LONGEST_CHUNK = 64
_LOADING_S = 600.0  # no engine needs longer to be ready; one that hangs beyond our worker's reach is ended then
_CHUNKS_AHEAD = 2  # per worker: one at work and one at the door, so that no worker waits for us

ONE_THREAD = dict.fromkeys(("OMP_THREAD_LIMIT", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Environment under which a worker's engine keeps to one core, so that workers do not disturb one another's times."""


@dataclass(slots=True)
class _Errand:
    step: Compute
    future: "asyncio.Future[Computed]"
    failures: int = 0


class InProcessExecutor:
    """The world of a single reading by a local engine: steps are done in this very thread."""

    def __init__(self) -> None:
        self.clock: Clock = SystemClock()

    async def call(self, step: Call, timeout_s: float) -> Called:  # noqa: ARG002 -- the world's signature
        """Refused: a local engine that calls out would be timed as if it did not."""
        error = EngineFailure(f"a LocalProvider makes no calls, and this one called {step.path}")
        return Called(None, error, 0.0, 0.0, 0.0, 0.0)

    async def submitted(self, step: Submitted) -> None:
        """Refused, as `call` is."""
        raise EngineFailure(f"a LocalProvider has no tasks, and this one submitted {step.task_id}")

    async def compute(self, step: Compute) -> Computed:
        """The step's value, timed."""
        return run_chunk([step])[0]


class LocalBackend(InProcessExecutor):
    """The backend of local engines: `count` workers on this machine, or whatever `executor` the caller brought.

    `deadline_s` bounds one step, loading not counted; only the workers of our own pool can be ended then. What hangs
    on a brought executor, or in an engine that lets no other thread run, is given up minutes later.
    """

    def __init__(
        self,
        settings: Mapping[str, Provider],
        count: int | None = None,
        executor: Executor | None = None,
        deadline_s: float = 120.0,
    ) -> None:
        super().__init__()
        self.settings = settings
        self._make: Callable[[], Executor] | None = None
        if executor is None:
            self.count = count or cores()
            self._make = _process_pool(self.count, deadline_s)
            if self._make is None:
                self.count = 1
                self._make = _one_thread
        else:
            self.count = count or getattr(executor, "_max_workers", None) or cores()
        self._executor = executor
        self._deadline_s = deadline_s
        self._waiting: deque[_Errand] = deque()
        self._suspects: deque[_Errand] = deque()
        self._chunks: set[asyncio.Task[None]] = set()
        self._dispatching = False
        self._gone: EngineFailure | None = None
        self._seconds_each = _CHUNK_S  # until measured, a step is a chunk

    @property
    def slots(self) -> int:
        """How many trials to keep in hand so that chunks are full and no worker waits."""
        return self.count * _CHUNKS_AHEAD * _LONGEST_CHUNK

    async def open(self) -> None:
        """Nothing to do: the pool is made with the first chunk."""

    async def ask(
        self,
        trial: Trial,
        sample: Sample,
        task_id: str | int | None,  # noqa: ARG002 -- engines have no tasks
        stage: Provider | None = None,
    ) -> AttemptResult:
        """One reading by one engine; `NotBegun` when the executor takes no more work."""
        provider = stage or self.settings[trial.setting]
        result = None if self._gone else await read_through(_begun(provider, sample), self)
        if result is None or (self._gone is not None and result.error is self._gone):
            raise NotBegun(str(self._gone))
        return result

    async def recorded(self, result: AttemptResult) -> None:
        """Nothing was paid for: the next sync will do."""

    async def compute(self, step: Compute) -> Computed:
        """Have one step done. Many are asked at once; they are gathered into chunks."""
        errand = _Errand(step, asyncio.get_running_loop().create_future())
        self._waiting.append(errand)
        self._dispatch_soon()
        return await errand.future

    def stop(self) -> None:
        """Let go of what no worker has begun; its callers are cancelled."""
        for errand in (*self._waiting, *self._suspects):
            errand.future.cancel()
        self._waiting.clear()
        self._suspects.clear()

    async def close(self) -> None:
        """Wait for what is at work, then end the pool if it is ours."""
        self.stop()
        if self._chunks:
            await asyncio.wait(self._chunks)
        if self._make is not None and self._executor is not None:
            await asyncio.to_thread(self._executor.shutdown, wait=True)
            self._executor = None

    # State changes in the plain functions below; the awaiting is in `_carry` alone.

    def _dispatch_soon(self) -> None:
        if not self._dispatching:
            self._dispatching = True
            # After the callers that were woken together have all asked again: then the chunk is full.
            asyncio.get_running_loop().call_soon(self._dispatch)

    def _dispatch(self) -> None:
        self._dispatching = False
        while chunk := self._next_chunk():
            carrying = asyncio.create_task(self._carry(chunk))
            self._chunks.add(carrying)
            carrying.add_done_callback(self._arrived)

    def _next_chunk(self) -> list[_Errand]:
        if self._suspects:  # alone in the pool, so that what breaks it is known
            return [self._suspects.popleft()] if not self._chunks else []
        room = self.count * _CHUNKS_AHEAD - len(self._chunks)
        if room <= 0:
            return []
        fair = -(-len(self._waiting) // (self.count * _CHUNKS_AHEAD))  # towards the end everybody gets some
        size = max(1, min(fair, _LONGEST_CHUNK, int(_CHUNK_S / self._seconds_each)))
        return [self._waiting.popleft() for _ in range(min(size, len(self._waiting)))]

    def _arrived(self, carrying: "asyncio.Task[None]") -> None:
        self._chunks.discard(carrying)
        self._dispatch_soon()

    async def _carry(self, chunk: list[_Errand]) -> None:
        future: Future[list[Computed]] | None = None
        try:
            if self._executor is None and self._make is not None:
                self._executor = self._make()
            assert self._executor is not None  # noqa: S101 -- brought by the caller or made above
            executor = self._executor
            future = executor.submit(run_chunk, [errand.step for errand in chunk], uuid4().hex)
            # A worker of ours ends itself when a reading is overdue; this bound is for what it cannot see.
            patience_s = self._deadline_s * _CHUNKS_AHEAD + (_LOADING_S if self._make is not None else 0.0)
            results = await asyncio.wait_for(asyncio.wrap_future(future), patience_s)
        except TimeoutError:
            self._lost(chunk, executor, self._overdue())
        except BrokenExecutor as error:
            if future is None and self._make is None:
                self._give_up(chunk, error)
            else:
                self._lost(chunk, executor, self._died(error))
        except asyncio.CancelledError as error:
            if future is None or not future.cancelled():
                raise
            self._give_up(chunk, error)  # its owner closed it with our work inside
        except Exception as error:  # noqa: BLE001 -- an answer that does not pickle, an executor's own ways to fail
            if future is None:
                self._give_up(chunk, error)
            else:
                ended_under_it = self._make is not None and executor is not self._executor  # by a neighbour that hung
                self._suspect(chunk, EngineFailure(in_words(error)), known=len(chunk) == 1 and not ended_under_it)
        else:
            mean = sum(computed.seconds for computed in results) / len(results)
            self._seconds_each = max(1e-6, 0.7 * self._seconds_each + 0.3 * mean)
            for errand, computed in zip(chunk, results, strict=True):
                _settle(errand, computed)

    def _lost(self, chunk: list[_Errand], executor: Executor, error: ProviderError) -> None:
        """A chunk came back without an answer: renew the pool, suspect each of its steps."""
        if self._make is not None and self._executor is executor:
            _end(executor)
            self._executor = None
        # The first time the culprit is unknown if there was company, in the chunk or in the pool.
        self._suspect(chunk, error, known=self._make is None)

    def _overdue(self) -> DeadlineExceeded:
        return DeadlineExceeded(f"no answer from the engine within {self._deadline_s:g} s")

    def _died(self, error: BrokenExecutor) -> ProviderError:
        """Why a worker ended, as far as the pool tells: loky's message lists exit codes such as ``SIGSEGV(-11)``."""
        codes = ", ".join(re.findall(r"[A-Z]+\(-?\d+\)", str(error)))
        if f"EXIT({OVERDUE})" in codes:
            return self._overdue()
        return EngineFailure(f"the engine's process died: {codes or type(error).__name__}")

    def _give_up(self, chunk: list[_Errand], error: BaseException) -> None:
        """The executor takes no more work, which is no engine's fault: what waits has not begun."""
        self._gone = self._gone or EngineFailure(f"the executor takes no more work ({in_words(error)})")
        for errand in (*chunk, *self._waiting, *self._suspects):
            _settle(errand, Computed(None, self._gone, time.time(), 0.0))
        self._waiting.clear()
        self._suspects.clear()

    def _suspect(self, chunk: list[_Errand], error: ProviderError, *, known: bool) -> None:
        """Some step of a chunk failed it: let each show alone what it does, unless that is known."""
        for errand in chunk:
            errand.failures += 1
            if known or errand.failures > 1:
                _settle(errand, Computed(None, error, time.time(), 0.0))
            else:
                self._suspects.append(errand)


def _begun(setting: Provider, sample: Sample) -> Flow:
    """The setting's flow, begun within the drive: also a flow that is none fails there and becomes a row."""
    return (yield from setting.flow(sample))


def _settle(errand: _Errand, computed: Computed) -> None:
    if not errand.future.done():
        errand.future.set_result(computed)


def _process_pool(count: int, deadline_s: float) -> Callable[[], Executor] | None:
    """How to make our own pool, or None where loky is missing.

    loky's workers are started afresh, not forked from a process full of threads; they understand classes that
    were written in a notebook, and want no ``if __name__ == "__main__"`` from a script.
    """
    try:
        from loky import ProcessPoolExecutor
    except ImportError:
        return None
    return lambda: ProcessPoolExecutor(
        count, env=ONE_THREAD, initializer=enter_service, initargs=(os.getpid(), deadline_s)
    )


def _one_thread() -> Executor:
    return ThreadPoolExecutor(1, thread_name_prefix="toolkit-engine")


def _end(executor: Executor) -> None:
    try:
        executor.shutdown(wait=False, kill_workers=True)  # type: ignore[call-arg] # loky's
    except TypeError:
        executor.shutdown(wait=False, cancel_futures=True)


def cores() -> int:
    """Cores this process may use, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
