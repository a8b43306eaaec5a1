"""The drive through one flow: the only place with a clock, a sleep and a deadline.

A provider says what it wants done; what is done here is done the same way for all of them, so that their times
can be compared. The parts of a try are kept apart: waiting for our own slots is never latency.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from toolkit.errors import EngineFailure, ProtocolError, ProviderError
from toolkit.types import Answer, Call, Compute, Flow, Reply, Sample, Step, Submitted, Wait


class Clock(Protocol):
    """Where seconds come from."""

    def now(self) -> float:
        """Seconds on a clock that only goes forward."""
        ...

    def unix(self) -> float:
        """Seconds since 1970, UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> float:
        return time.perf_counter()

    def unix(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(slots=True)
class Tally:
    """What one drive came to: an answer or an error, and where the seconds went."""

    started_at: float
    answer: Answer | None = None
    error: ProviderError | None = None
    task_id: str | int | None = None
    elapsed_s: float = 0.0
    queue_s: float = 0.0
    service_s: float = 0.0
    poll_wait_s: float = 0.0

    @property
    def latency_s(self) -> float | None:
        """From the first byte of the request to the answer; None without one. Our own slots are not in it."""
        return None if self.answer is None else self.service_s + self.poll_wait_s


@dataclass(frozen=True, slots=True)
class Computed:
    """What a worker did: a value or an error, when it began and how long it took, both by the worker's clock."""

    value: Any
    error: ProviderError | None
    started_at: float
    seconds: float


class World(Protocol):
    """Whatever carries steps out."""

    @property
    def clock(self) -> Clock:
        """The clock by which all of it is timed."""
        ...

    async def call(self, step: Call) -> Reply:
        """One HTTP exchange; a `ProviderError` when none came about."""
        ...

    async def compute(self, step: Compute) -> Computed:
        """The function's value, timed where it ran."""
        ...

    async def submitted(self, step: Submitted) -> None:
        """Return once the task is on disk."""
        ...


async def drive(flow_of: Callable[[Sample], Flow], sample: Sample, world: World) -> Tally:
    """Run the flow that ``flow_of(sample)`` gives to its end. Provider errors are in the tally, not raised."""
    clock = world.clock
    begun = clock.now()
    tally = Tally(clock.unix())
    try:
        flow = flow_of(sample)
        step: Step = next(flow)
        while True:
            try:
                gained = await _carry_out(step, world, tally)
            except ProviderError as error:
                step = flow.throw(error)
            else:
                step = flow.send(gained)
    except StopIteration as stop:
        tally.answer, tally.error = _vetted(stop.value)
    except ProviderError as error:
        tally.error = error
        tally.task_id = error.task_id if tally.task_id is None else tally.task_id
    except Exception as error:  # noqa: BLE001 -- a plug-in may raise anything; the run goes on and says what
        tally.error = EngineFailure(f"{type(error).__name__}: {error}")
    tally.elapsed_s = clock.now() - begun
    return tally


async def _carry_out(step: object, world: World, tally: Tally) -> Any:
    clock = world.clock
    begun = clock.now()
    if isinstance(step, Compute):
        computed = await world.compute(step)
        tally.service_s += computed.seconds
        tally.queue_s += max(0.0, clock.now() - begun - computed.seconds)
        tally.started_at = computed.started_at
        if computed.error is not None:
            raise computed.error
        return computed.value
    if isinstance(step, Call):
        try:
            return await world.call(step)
        finally:
            tally.service_s += clock.now() - begun
    if isinstance(step, Wait):
        await clock.sleep(step.seconds)
        tally.poll_wait_s += clock.now() - begun
        return None
    if isinstance(step, Submitted):
        tally.task_id = step.task_id
        return await world.submitted(step)
    raise EngineFailure(f"the flow yielded {step!r}, which is no step")


def _vetted(answer: Any) -> tuple[Answer | None, ProviderError | None]:
    """The answer if it is one. What a provider returns is foreign data until it was looked at."""
    if not isinstance(answer, Answer):
        return None, ProtocolError(f"the provider returned {type(answer).__name__} where an Answer should be")
    text: object = answer.text
    if not isinstance(text, str):
        return None, ProtocolError(f"the answer's text is {type(text).__name__}, not text")
    confidence: object = answer.confidence
    if confidence is not None and not (isinstance(confidence, (int, float)) and 0 <= confidence <= 1):
        return None, ProtocolError(f"the answer's confidence is {confidence!r}, not a number from 0 to 1")
    return answer, None
