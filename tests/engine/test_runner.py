"""The run of a plan: tries, pauses and stops, by a clock that is handed in, and what the log says of them."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from doubles import Echo, HandClock, Limited, Oracle, Sleepy, answer_key, digest, picture, pictures
from hypothesis import given, settings
from hypothesis import strategies as st

import toolkit as tk
from toolkit._engine.driver import Computed, read_through
from toolkit._engine.journal import Journal
from toolkit._engine.local_backend import InProcessExecutor
from toolkit._engine.plan import Plan
from toolkit._engine.retry import RetryPolicy
from toolkit._engine.runner import Runner
from toolkit._store.log_reader import LogReader
from toolkit._store.store import SCHEMA, MemoryStore
from toolkit.errors import AuthenticationError, StoreError, TransportError
from toolkit.types import Answer, Sample

READING_S = 2.0


class OneByOne(InProcessExecutor):
    """A backend with one slot, in which a reading takes two seconds by a clock that is handed in."""

    slots = 1

    def __init__(self, settings):
        super().__init__()
        self.settings = settings
        self.clock = HandClock()

    async def open(self):
        """Ready."""

    async def ask(self, trial, sample, task_id):
        return await read_through(self.settings[trial.setting].flow(sample), self)

    async def compute(self, step):
        computed = await super().compute(step)
        self.clock.seconds += READING_S
        return Computed(computed.value, computed.error, self.clock.unix() - READING_S, READING_S)

    async def recorded(self, result):
        """Nothing to make safe."""

    def stop(self):
        """Nothing waits."""

    async def close(self):
        """Nothing to give back."""


def ran(backends, dataset, retry=None, store=None):
    """The events of a run over these backends, one after another."""
    store = store or MemoryStore()
    store.open({"schema": SCHEMA, "plan": {}}, [])
    plan = Plan(tuple(label for backend in backends for label in backend.settings), dataset.ids)
    runner = Runner(
        plan,
        dataset,
        Journal(store),
        [[backend] for backend in backends],
        plan.done(LogReader(store).ended()),
        retry or RetryPolicy(),
    )
    asyncio.run(runner.run())
    return [record for records, _ in store.blocks() for record in records]


# ── tries ────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.integers(0, 6), st.integers(1, 5), st.sampled_from([None, 0.0, 7.0]))
@settings(deadline=None)
def test_each_try_is_an_attempt(refusals, tries, after_s):
    """A trial is tried until it succeeds or the policy has had enough; the last try is final, and only that."""
    backend = OneByOne({"limited": Limited(refusals, after_s)})
    Limited(refusals, after_s).engine.clear()
    events = ran([backend], pictures(1), RetryPolicy(tries=tries, total_s=1000.0))

    asked = min(refusals + 1, tries)
    assert [event["attempt"] for event in events] == list(range(1, asked + 1))
    assert [event["final"] for event in events] == [False] * (asked - 1) + [True]
    assert ("text" in events[-1]) == (refusals < tries)
    for event in events[:-1]:
        assert (event["error"], event["error_code"], event["error_status"]) == ("rate_limited", "BUSY", 429)


def test_pauses_are_in_the_log_and_in_the_elapsed_time():
    """Two refusals of a service that asks for seven seconds: the answer's latency is its own try's."""
    Limited(2, 7.0).engine.clear()
    events = ran([OneByOne({"limited": Limited(2, 7.0)})], pictures(1))

    assert [event.get("backoff_s", 0.0) for event in events] == [0.0, 7.0, 7.0]
    assert [event["elapsed_s"] for event in events] == [2.0, 11.0, 20.0]
    assert [event.get("latency_s") for event in events] == [None, None, 2.0]


def test_time_spent_on_tries_counts_against_the_policy():
    """No pause begins that would end after the time a trial may take."""
    Limited(9, 7.0).engine.clear()
    events = ran([OneByOne({"limited": Limited(9, 7.0)})], pictures(1), RetryPolicy(tries=10, total_s=20.0))

    assert [event["elapsed_s"] for event in events] == [2.0, 11.0, 20.0]  # the next pause would end at 27


def test_a_retried_trial_is_one_outcome(tmp_path):
    """Three attempts make one outcome, with the tries counted and the time of all of them."""
    Limited(2, 0.01).engine.clear()
    run = tk.benchmark(pictures(3), Limited(2, 0.01), executor=ThreadPoolExecutor(1))

    assert len(run.attempts) == 9
    assert len(run.outcomes) == 3
    assert run.outcomes["attempts"].tolist() == [3, 3, 3]
    assert run.outcomes["text"].tolist() == ["at last"] * 3
    assert (run.outcomes["elapsed_s"] >= 0.02 + run.outcomes["latency_s"]).all()


def test_a_stop_ends_a_pause(tmp_path):
    """Whoever stops a run does not wait for a back-off; the trial has no outcome and is left for a resume."""
    Limited(1, 100.0).engine.clear()
    with ThreadPoolExecutor(1) as thread:
        live = tk.start(pictures(1), Limited(1, 100.0), executor=thread, store=tmp_path / "run")
        while len(live.attempts) == 0:
            assert live.running
        live.stop()
        live.wait(20)
        assert not live.running
        assert not live.outcomes["text"].notna().any()
        resumed = tk.benchmark(pictures(1), Limited(1, 100.0), executor=thread, store=tmp_path / "run")

    assert resumed.complete
    assert resumed.outcomes["text"].tolist() == ["at last"]


@dataclass(frozen=True)
class Locked(Echo):
    """Refuses its key after some readings."""

    name = "locked"

    after: int = 3

    def load(self):
        return []

    def read(self, image):
        self.engine.append(1)
        if len(self.engine) > self.after:
            raise AuthenticationError("no such key", code="BADKEY", status=401)
        return super().read(image)


def test_a_fatal_error_stops_its_lane_and_no_other():
    """After a refused key nothing more is asked of that account; the reason stands in the log."""
    first, second = OneByOne({"locked": Locked()}), OneByOne({"echo": Echo()})
    events = ran([first, second], pictures(10))

    locked = [event for event in events if event["setting"] == "locked"]
    assert [event["event"] for event in locked] == ["finished"] * (len(locked) - 1) + ["stopped"]
    assert [event.get("error") for event in locked[:-1]] == [None] * (len(locked) - 2) + ["authentication"]
    assert len(locked) < 10
    assert "no such key" in locked[-1]["reason"]
    assert sum(event["setting"] == "echo" for event in events) == 10


# ── what may go wrong around it ──────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Torn:
    """Where an image was until somebody took it away, in a place that knows no better words."""

    def read(self):
        raise OSError("the tape is torn")


def test_a_source_that_fails_is_a_row():
    """An image that cannot be fetched, whatever its source raises, is a failure of that image."""
    samples = [
        Sample.from_bytes(picture(0), "a", id="0"),
        Sample("1", Torn(), "b"),
        Sample.from_bytes(picture(2), "c", id="2"),
    ]
    run = tk.benchmark(tk.Dataset.from_samples(samples[::2]), Echo(), executor=ThreadPoolExecutor(1))
    assert run.complete

    events = ran([OneByOne({"echo": Echo()})], _WithIds(samples))
    by_id = {event["sample"]: event for event in events}
    assert by_id["1"]["error"] == "engine_failure"
    assert "the tape is torn" in by_id["1"]["error_message"]
    assert "text" in by_id["0"]
    assert "text" in by_id["2"]


class _WithIds(list):
    """Samples as a sequence that knows their ids."""

    @property
    def ids(self):
        return [sample.id for sample in self]


class Failing(MemoryStore):
    """A disk that says once that it lost something, as the system does, or that takes no more events."""

    def __init__(self, *, syncs=10**9, appends=10**9):
        super().__init__()
        self.syncs, self.appends = syncs, appends

    def sync(self):
        self.syncs -= 1
        if self.syncs == 0:
            raise StoreError("the disk lost something")

    def append(self, *records):
        fitting = records[: self.appends]
        super().append(*fitting)
        self.appends -= len(fitting)
        if len(fitting) < len(records):
            raise StoreError("the disk is full")


def test_a_disk_that_lost_something_ends_the_run(tmp_path):
    """A sync that failed is said once only; going on would promise what is not so."""
    dataset = pictures(2000)
    setting = Oracle(answer_key(tmp_path / "key.json", dataset), pause_s=0.01)
    with ThreadPoolExecutor(1) as thread:
        live = tk.start(dataset, setting, executor=thread, store=Failing(syncs=1))
        with pytest.raises(StoreError, match="lost something"):
            live.wait(30)

    assert not live.running
    assert 0 < len(live.outcomes) < 2000


@pytest.mark.parametrize("room", [1, 2, 30])
def test_a_full_disk_ends_the_run(room):
    """What fits is kept, what does not ends the run with the reason, and no thread stays behind."""
    store = Failing(appends=room)
    with ThreadPoolExecutor(1) as thread:
        live = tk.start(pictures(100), Echo(), executor=thread, store=store)
        with pytest.raises(StoreError, match="full"):
            live.wait(30)

    assert not live.running
    assert len(live.outcomes) == room - 1  # the first event is the session's


def test_one_failure_ends_all_lanes_in_order():
    """When a backend fails in a way that is no provider's, what else runs is ended and the reason is raised."""

    class Broken(OneByOne):
        async def ask(self, trial, sample, task_id):
            raise StoreError("broken backend")

    with pytest.raises(StoreError, match="broken backend"):
        ran([Broken({"a": Echo()})], pictures(3))


# ── stopping and counting ────────────────────────────────────────────────────────────────────────────────


def test_progress_counts_what_the_log_holds(tmp_path):
    """Done, answered, errors by kind and what is left add up to the plan, before and after a resume."""
    dataset = pictures(60)
    setting = Oracle(answer_key(tmp_path / "key.json", dataset), silent=0.3)
    with ThreadPoolExecutor(1) as thread:
        live = tk.start(dataset, setting, executor=thread, store=tmp_path / "run")
        run = live.wait()
        progress = live.progress
        again = tk.start(dataset, setting, executor=thread, store=tmp_path / "run")
        again.wait()

    silent = int((run.outcomes["outcome"] == "no_answer").sum())
    assert (progress.planned, progress.done, progress.left) == (60, 60, 0)
    assert progress.answered == 60 - silent
    assert progress.errors == {"unsolvable": silent}
    assert progress.sentence.startswith("60 of 60 trials, ")
    assert f"{silent} unsolvable" in progress.sentence
    assert (again.progress.done_before, again.progress.done, again.progress.left) == (60, 0, 0)


def test_stop_may_come_from_any_thread_at_any_time():
    """Before the loop begins, while it runs, after it ended and twice: a stop never fails."""
    with ThreadPoolExecutor(1) as thread:
        live = tk.start(pictures(500), Sleepy(digest(picture(3)), 0.2), executor=thread)
        stops = [threading.Thread(target=live.stop) for _ in range(8)]
        for stop in stops:
            stop.start()
        for stop in stops:
            stop.join()
        run = live.wait(20)
        live.stop()

    assert not live.running
    assert len(run.outcomes) < 500
    assert not run.outcomes.duplicated(["setting", "sample", "repeat"]).any()


def test_errors_keep_what_support_asks_for(tmp_path):
    """Code, status and task of a failure are columns; words that are half characters do not end a run."""

    @dataclass(frozen=True)
    class Refusing(tk.LocalProvider):
        name = "refusing"

        def read(self, image: bytes) -> Answer:
            raise TransportError("lost \udcff", code="E9", status=502, task_id=77)

    run = tk.benchmark(
        pictures(2), Refusing(), executor=ThreadPoolExecutor(1), retry=RetryPolicy(tries=1), store=tmp_path / "run"
    )
    attempts = tk.open_run(tmp_path / "run").attempts

    assert run.complete
    assert attempts["error_code"].tolist() == ["E9", "E9"]
    assert attempts["error_status"].tolist() == [502, 502]
    assert attempts["task_id"].tolist() == ["77", "77"]
    assert attempts["error_message"].tolist() == [r"lost \udcff"] * 2
