"""The drive through one flow: the only place with a clock, a sleep and a deadline.

A provider says what it wants done; what is done here is done the same way for all of them, so that their times
can be compared. The parts of a try are kept apart: waiting for our own slots and limits is never latency.
"""

import asyncio
import math
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, Protocol

from toolkit.errors import (
    DeadlineExceeded,
    EngineFailure,
    ProtocolError,
    ProviderError,
    StoreError,
    TransportError,
    Unsolvable,
)
from toolkit.types import Answer, Call, Compute, Flow, Reply, Step, Submitted, Times, Wait


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


class AttemptResult(Times):
    """What one drive came to: a value or an error, and where the seconds went."""

    started_at: float
    value: Any = None
    answer: Answer | None = None
    error: ProviderError | None = None
    task_id: str | int | None = None
    asked_s: float = 0.0
    ahead_s: float = 0.0
    low_s: float | None = None
    sent: bool = False
    submitted: bool = False
    gone: bool = False
    from_start: bool = True
    used: Mapping[str, float] = {}
    lost: bool = False

    @property
    def usage(self) -> Mapping[str, float]:
        """Quantities charged: those of the answer, and those of earlier stages whose answers were not taken."""
        return self.used if self.answer is None else {**self.used, **self.answer.usage}

    @property
    def so_far_s(self) -> float:
        """What a user of the service has waited: exchanges and pauses between polls, nothing of ours."""
        return self.connect_s + self.service_s + self.poll_wait_s

    @property
    def latency_s(self) -> float | None:
        """From the first byte of the request to the answer; None without one, or when its start was not seen."""
        return self.so_far_s if self.answer is not None and self.from_start else None

    @property
    def unsettled(self) -> bool:
        """Whether something may have been charged of which no answer came.

        Of a task that the service holds, only the word that it could not be solved says that it was free: what goes
        wrong with a later question, such as a key that is blocked by then, says nothing about the task.
        """
        if self.error is None or self.lost:
            return self.lost
        if self.submitted:
            return not isinstance(self.error, Unsolvable)
        return self.sent and not self.error.settled


@dataclass(frozen=True, slots=True)
class Computed:
    """What a worker did: a value or an error, when it began and how long it took, both by the worker's clock."""

    value: Any
    error: ProviderError | None
    started_at: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Called:
    """One HTTP exchange as it went: the reply or the error, and its seconds in parts."""

    reply: Reply | None
    error: ProviderError | None
    limit_wait_s: float
    connect_s: float
    service_s: float
    lag_s: float


class StepExecutor(Protocol):
    """Whatever carries steps out. Provider errors come back as values, with their times."""

    @property
    def clock(self) -> Clock:
        """The clock by which all of it is timed."""
        ...

    async def call(self, step: Call, timeout_s: float) -> Called:
        """One HTTP exchange that ends within `timeout_s` of being sent."""
        ...

    async def compute(self, step: Compute) -> Computed:
        """The function's value, timed where it ran."""
        ...

    async def submitted(self, step: Submitted) -> None:
        """Return once the task is on disk."""
        ...


async def read_through(
    flow: Flow, executor: StepExecutor, deadline_s: float = float("inf"), *, from_start: bool = True
) -> AttemptResult:
    """Drive a flow that reads an image: the result has an answer that was looked at, or an error.

    `from_start` is False for a flow that goes on where another one ended: its latency is not known.
    """
    result = await drive(flow, executor, deadline_s)
    result.from_start = from_start
    result.submitted = result.submitted or not from_start
    if result.error is None:
        result.answer, result.error = _vetted(result.value)
    return result


async def drive(
    flow: Generator[Step, Any, Any], executor: StepExecutor, deadline_s: float = float("inf")
) -> AttemptResult:
    """Run a flow to its end. Provider errors are in the result, not raised.

    The flow is told `DeadlineExceeded` as soon as `deadline_s` have gone since its start, our own limits not
    counted; a call under way ends by then too.
    """
    clock = executor.clock
    begun = clock.now()
    result = AttemptResult(clock.unix())
    try:
        step: object = next(flow)
        while True:
            left_s = deadline_s - (clock.now() - begun) + result.limit_wait_s
            try:
                gained = await _carry_out(step, executor, result, left_s, deadline_s)
            except ProviderError as error:
                step = flow.throw(error)
            else:
                step = flow.send(gained)
    except StopIteration as stop:
        result.value = stop.value
    except ProviderError as error:
        result.error = error
        result.task_id = error.task_id if result.task_id is None else result.task_id
    except StoreError:
        raise  # no fault of the provider's: a run that cannot write down what it spends has to end
    except Exception as error:  # noqa: BLE001 -- a plug-in may raise anything; the run goes on and says what
        result.error = EngineFailure(in_words(error))
    result.elapsed_s = clock.now() - begun
    return result


async def _carry_out(
    step: object, executor: StepExecutor, result: AttemptResult, left_s: float, deadline_s: float
) -> Any:
    clock = executor.clock
    if isinstance(step, Compute):
        begun = clock.now()
        computed = await executor.compute(step)
        result.service_s += computed.seconds
        result.queue_s += max(0.0, clock.now() - begun - computed.seconds)
        result.started_at = computed.started_at
        return _value(computed.value, computed.error)
    if isinstance(step, Submitted):
        result.task_id, result.submitted = step.task_id, True
        begun = clock.now()
        await executor.submitted(step)
        result.ahead_s = clock.now() - begun
        result.poll_wait_s += result.ahead_s  # the service is at work meanwhile: a part of the pause that comes now
        return None
    if left_s <= 0:
        raise DeadlineExceeded(f"no answer within {deadline_s:g} s", task_id=result.task_id)
    if isinstance(step, Call):
        called = await executor.call(step, left_s)
        if result.sent:  # the service was at work while we waited for our limits: it is a pause between polls
            result.poll_wait_s += called.limit_wait_s
        else:
            result.limit_wait_s += called.limit_wait_s
            result.started_at += called.limit_wait_s
        began_s = result.so_far_s
        result.connect_s += called.connect_s
        result.service_s += called.service_s
        result.client_lag_s = max(result.client_lag_s, called.lag_s)
        result.sent = result.sent or called.error is None or not called.error.settled
        result.asked_s = began_s
        if isinstance(called.error, TransportError) and called.connect_s + called.service_s >= left_s:
            raise DeadlineExceeded(f"no answer within {deadline_s:g} s", task_id=result.task_id) from called.error
        return _value(called.reply, called.error)
    if isinstance(step, Wait):
        if step.pending:  # the exchange before said "not yet": the answer came later than that was asked
            result.low_s = result.asked_s
        begun, pause_s = clock.now(), max(0.0, min(step.seconds - result.ahead_s, left_s))
        result.ahead_s = 0.0
        await clock.sleep(pause_s)
        waited_s = clock.now() - begun
        result.poll_wait_s += waited_s
        result.client_lag_s = max(result.client_lag_s, waited_s - pause_s)
        return None
    raise EngineFailure(f"the flow yielded {step!r}, which is no step")


def _value(value: Any, error: ProviderError | None) -> Any:
    if error is not None:
        raise error
    return value


def _vetted(answer: Any) -> tuple[Answer | None, ProviderError | None]:
    """The answer if it is one. What a provider returns is foreign data until it was looked at."""
    if not isinstance(answer, Answer):
        return None, ProtocolError(f"the provider returned {type(answer).__name__} where an Answer should be")
    text: object = answer.text
    if not isinstance(text, str):
        return None, ProtocolError(f"the answer's text is {type(text).__name__}, not text")
    if not _encodable(text):
        return None, ProtocolError(f"the answer's text {text!a} holds half a character")
    confidence: object = answer.confidence
    if confidence is not None and not (isinstance(confidence, Real) and 0 <= float(confidence) <= 1):
        return None, ProtocolError(f"the answer's confidence is {confidence!r}, not a number from 0 to 1")
    usage: object = answer.usage
    if not isinstance(usage, Mapping) or not all(isinstance(n, Real) and math.isfinite(n) for n in usage.values()):
        return None, ProtocolError(f"the answer's usage is {usage!r}, not quantities by name")
    # a confidence of numpy's as Python's own, which the log can hold
    return (answer if confidence is None else replace(answer, confidence=float(confidence))), None


def _encodable(text: str) -> bool:
    """Whether a text is whole characters; half a surrogate pair can be in no file and no frame."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def in_words(error: BaseException) -> str:
    """``ValueError: reason``. An engine's exception may fail even at saying what it is."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 -- as above
        return f"{type(error).__name__}, whose message cannot be shown"
