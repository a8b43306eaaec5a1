"""The drive through a flow: each second in its place, each failure in the result, by a clock that is handed in."""

import asyncio
import math

import numpy as np
import pytest
from doubles import RETURNED, HandClock, Particular, Unprintable
from hypothesis import given
from hypothesis import strategies as st

from toolkit._engine.driver import Called, Computed, drive, in_words, read_through
from toolkit.errors import BadRequest, DeadlineExceeded, EngineFailure, ProtocolError, StoreError, TransportError
from toolkit.types import Answer, Call, Compute, Reply, Submitted, Wait

SECONDS = st.floats(0, 100).map(lambda seconds: round(seconds, 3))
EIGHTHS = st.integers(0, 800).map(lambda eighths: eighths / 8)  # their sums are exact


class Scripted:
    """A world in which every exchange and every computation takes the seconds that its step says."""

    def __init__(self):
        self.clock = HandClock()
        self.timeouts = []
        self.tasks = []

    async def call(self, step, timeout_s):
        self.timeouts.append(timeout_s)
        times = step.json
        error = times.get("error")
        service_s = min(times["service_s"], timeout_s)
        self.clock.seconds += times["limit_wait_s"] + times["connect_s"] + service_s
        reply = None if error else Reply(200, b"{}")
        return Called(reply, error, times["limit_wait_s"], times["connect_s"], service_s, 0.0)

    async def compute(self, step):
        queue_s, seconds = step.args
        self.clock.seconds += queue_s + seconds
        return Computed("value", None, self.clock.unix() - seconds, seconds)

    async def submitted(self, step):
        self.tasks.append(step.task_id)


def call(service_s=0.0, connect_s=0.0, limit_wait_s=0.0, error=None):
    """An exchange that will take these seconds."""
    times = {"service_s": service_s, "connect_s": connect_s, "limit_wait_s": limit_wait_s, "error": error}
    return Call("/", times)


def flow_of(steps, answer=None):
    """A flow that yields these steps and then answers."""
    for step in steps:  # noqa: UP028 -- `yield from` would hand the list what is sent back
        yield step
    return Answer("text") if answer is None else answer


def driven(flow, deadline_s=math.inf, world=None):
    """What the drive through a flow comes to."""
    return asyncio.run(read_through(flow, world or Scripted(), deadline_s))


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────

STEPS = st.one_of(
    st.builds(call, SECONDS, SECONDS, SECONDS),
    st.builds(Wait, SECONDS),
    st.builds(lambda queue_s, seconds: Compute(print, (queue_s, seconds)), SECONDS, SECONDS),
    st.builds(Submitted, st.integers()),
)


@given(st.lists(STEPS, max_size=12))
def test_every_second_has_one_place(steps):
    """Latency is the exchanges and the pauses between them; our own waiting is elapsed time and not latency.

    Unless the service is at work meanwhile: what a later exchange had to wait for our limits is a pause as well.
    """
    result = driven(flow_of(steps))

    calls = [step.json for step in steps if isinstance(step, Call)]
    computed = [step.args for step in steps if isinstance(step, Compute)]
    service_s = sum(times["service_s"] for times in calls) + sum(seconds for _, seconds in computed)
    connect_s = sum(times["connect_s"] for times in calls)
    waits_s = sum(step.seconds for step in steps if isinstance(step, Wait))
    waits_s += sum(times["limit_wait_s"] for times in calls[1:])
    limit_wait_s = sum(times["limit_wait_s"] for times in calls[:1])
    queue_s = sum(queue_s for queue_s, _ in computed)
    close = pytest.approx
    assert result.latency_s == close(service_s + connect_s + waits_s, abs=1e-6)
    assert result.elapsed_s == close(result.latency_s + limit_wait_s + queue_s, abs=1e-6)
    assert (result.service_s, result.connect_s) == (close(service_s, abs=1e-6), close(connect_s, abs=1e-6))
    assert (result.poll_wait_s, result.queue_s) == (close(waits_s, abs=1e-6), close(queue_s, abs=1e-6))
    assert result.limit_wait_s == close(limit_wait_s, abs=1e-6)


def test_a_try_begins_when_its_first_request_goes():
    """What our own limits held up lies before it, so that latencies can be laid side by side from where they begin."""
    world = Scripted()
    begun = world.clock.unix()

    result = driven(
        flow_of([call(service_s=2, limit_wait_s=30), Wait(1.0), call(service_s=3, limit_wait_s=4)]), world=world
    )

    assert result.started_at == begun + 30
    assert result.started_at + result.latency_s == pytest.approx(world.clock.unix())


@given(st.lists(EIGHTHS, min_size=1, max_size=8), EIGHTHS.filter(bool))
def test_no_pause_goes_beyond_the_deadline(pauses, deadline_s):
    """A flow that waits longer than it may is told so as soon as the time is up, not after its pause."""
    result = driven(flow_of([Wait(seconds) for seconds in pauses]), deadline_s)

    slept = 0.0
    for seconds in pauses:  # the same by hand: each pause is begun while time is left, and cut to what is left
        if slept >= deadline_s:
            break
        slept += min(seconds, deadline_s - slept)
    else:
        assert result.answer == Answer("text")
    assert result.elapsed_s == pytest.approx(slept, abs=1e-6)
    assert result.elapsed_s <= deadline_s + 1e-6
    assert (result.answer is None) == isinstance(result.error, DeadlineExceeded)


def test_our_own_limits_are_not_the_services_time():
    """Waiting for a place within the account's limits leaves the deadline as it was."""
    world = Scripted()
    result = driven(flow_of([call(service_s=3, limit_wait_s=50), call(service_s=3, limit_wait_s=50)]), 10.0, world)

    assert result.answer == Answer("text")
    assert world.timeouts == [pytest.approx(10.0), pytest.approx(7.0)]


def test_an_exchange_ends_with_the_deadline():
    """The next exchange gets the time that is left, and after it the flow is told that there is none."""
    world = Scripted()
    result = driven(flow_of([call(service_s=4), call(service_s=100), call()]), 10.0, world)

    assert world.timeouts == [pytest.approx(10.0), pytest.approx(6.0)]
    assert isinstance(result.error, DeadlineExceeded)
    assert "10 s" in str(result.error)
    assert result.latency_s is None


def test_a_polled_answer_came_after_the_last_not_yet():
    """The lower end of a polled latency is when the last exchange that found nothing was sent."""
    steps = [call(service_s=1), Wait(2), call(service_s=0.5), Wait(2), call(service_s=0.25)]
    result = driven(flow_of(steps))

    assert result.latency_s == pytest.approx(5.75)
    assert result.low_s == pytest.approx(3.0)


def test_a_workers_clock_decides_when_a_reading_began():
    """A reading on another machine began when that machine says; the queue before it is not part of it."""
    world = Scripted()
    result = driven(flow_of([Compute(print, (7.0, 2.0))]), world=world)

    assert result.started_at == pytest.approx(world.clock.unix() - 2.0)
    assert (result.queue_s, result.service_s, result.elapsed_s) == (7.0, 2.0, 9.0)


# ── failures ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_flow_may_catch_a_failed_exchange():
    """A poll that was lost on the wire is the flow's to ask again."""

    def patient():
        try:
            yield call(error=TransportError("reset"))
        except TransportError:
            yield call(service_s=1)
        return Answer("after all")

    result = driven(patient())

    assert result.answer == Answer("after all")
    assert result.error is None


def test_a_flow_that_does_not_catch_ends_with_the_error():
    """The error is kept with what it carries, and the task that was made is named."""
    refused = BadRequest("no image", code="E7", status=400)
    result = driven(flow_of([Submitted("t-1"), call(error=refused)]))

    assert result.error is refused
    assert result.task_id == "t-1"
    assert (result.answer, result.latency_s) == (None, None)


@pytest.mark.parametrize("what", ["an object", None, 7, Answer("not a step")], ids=repr)
def test_a_step_that_is_none_is_named(what):
    """A plug-in that yields something else is told what it yielded."""
    result = driven(flow_of([what]))

    assert isinstance(result.error, EngineFailure)
    assert repr(what) in str(result.error)


@pytest.mark.parametrize(
    "error", [ValueError("odd"), KeyError("x"), RecursionError(), Unprintable()], ids=lambda error: type(error).__name__
)
def test_whatever_a_flow_raises_is_a_tally(error):
    """A plug-in's own exception is an engine failure that names it; the run goes on."""

    def failing():
        yield Wait(1.0)
        raise error

    result = driven(failing())

    assert isinstance(result.error, EngineFailure)
    assert type(error).__name__ in str(result.error)
    assert result.elapsed_s == 1.0


@pytest.mark.parametrize("returned", RETURNED.values(), ids=RETURNED.keys())
def test_what_is_no_answer_is_a_protocol_error(returned):
    """What a provider returns is looked at before it is believed."""
    result = asyncio.run(read_through(_returning(returned), Scripted()))

    assert isinstance(result.error, ProtocolError)
    assert result.answer is None
    str(result.error).encode()


def _returning(value):
    yield Wait(0.0)
    return value


@pytest.mark.parametrize("confidence", [None, 0, 1, True, 0.5, np.float32(0.5), np.float64(1.0), np.int64(1)], ids=repr)
def test_a_confidence_may_be_any_number_from_nought_to_one(confidence):
    """Engines compute with numpy; their numbers are as good as Python's and are kept as Python's."""
    result = asyncio.run(read_through(_returning(Answer("text", confidence)), Scripted()))

    assert result.error is None
    assert result.answer.confidence == confidence
    assert result.answer.confidence is None or type(result.answer.confidence) is float


def test_a_value_that_is_no_answer_passes_where_none_is_wanted():
    """A balance or a task's id is driven the same way and is not looked at as an answer."""
    assert asyncio.run(drive(_returning(12.5), Scripted())).value == 12.5


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("why"), "ValueError: why"),
        (Unprintable(), "Unprintable, whose message cannot be shown"),
        (Particular(1, two=2), "Particular: 1 and 2"),
    ],
    ids=["plain", "unprintable", "of a provider"],
)
def test_errors_in_words(error, words):
    """An error is named by its type and its reason, as far as it gives one."""
    assert in_words(error) == words


def test_a_store_that_fails_is_not_laid_at_the_providers_door():
    """What cannot be written down ends the run; as an outcome of the trial it would be believed."""

    class FullDisk(Scripted):
        async def submitted(self, step):
            raise StoreError("no room")

    with pytest.raises(StoreError, match="no room"):
        driven(flow_of([Submitted(7)]), world=FullDisk())


@pytest.mark.parametrize(("disk_s", "waited_s"), [(0.0, 5.0), (2.0, 5.0), (7.0, 7.0)])
def test_a_slow_disk_is_a_part_of_the_pause_before_the_first_poll(disk_s, waited_s):
    """The service is at work while its task is written down: no latency is longer for it, unless the disk is slower."""

    class SlowDisk(Scripted):
        async def submitted(self, step):
            self.clock.seconds += disk_s

    steps = [call(service_s=1), Submitted(7), Wait(5.0), call(service_s=1), Wait(3.0), call(service_s=1)]
    result = driven(flow_of(steps), world=SlowDisk())

    assert result.poll_wait_s == pytest.approx(waited_s + 3.0)
    assert result.latency_s == pytest.approx(waited_s + 6.0)
