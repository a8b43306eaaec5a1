"""Joins plan, dataset, providers, workers and store into a run. Knows nothing concrete about any of them."""

import asyncio
import contextlib
import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Coroutine, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from toolkit.engine.drive import Clock, Tally, in_words
from toolkit.engine.journal import Journal
from toolkit.engine.plan import Done
from toolkit.engine.retry import RetryPolicy
from toolkit.errors import BadRequest, DatasetError, EngineFailure
from toolkit.providers.base import Provider
from toolkit.types import Attempt, Sample, Trial

_SYNC_EVERY_S = 0.5


@dataclass(slots=True)
class Progress:
    """Where a run stands; written by the run, read by whoever shows it."""

    planned: int
    done_before: int = 0
    done: int = 0
    answered: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    stopped: dict[str, str] = field(default_factory=dict)
    started: float = 0.0
    seconds: float = 0.0

    def count(self, tally: Tally) -> None:
        """Take one more outcome into account."""
        self.done += 1
        self.seconds = time.perf_counter() - self.started
        if tally.error is None:
            self.answered += 1
        else:
            self.errors[tally.error.kind] += 1

    @property
    def rate(self) -> float:
        """Trials per second in this session."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def sentence(self) -> str:
        """All of it in one line, for people."""
        done = self.done_before + self.done
        parts = [f"{done:,} of {self.planned:,} trials"]
        if self.done:
            parts.append(f"{self.rate:,.0f} per second" if self.rate >= 10 else f"{self.rate:.1f} per second")
        if self.left and self.rate:
            parts.append(f"{_duration(self.left / self.rate)} left")
        elif self.done:
            parts.append(f"took {_duration(self.seconds)}")
        parts += [f"{count:,} {kind}" for kind, count in self.errors.most_common()]
        return ", ".join(parts)

    @property
    def left(self) -> int:
        """Trials that have no outcome yet."""
        return self.planned - self.done_before - self.done


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


class NotBegun(Exception):
    """A lane takes no more readings, and says why. Nothing was sent."""


class Lane(Protocol):
    """A group of settings that share what limits them: this machine's cores, or one account with a service."""

    @property
    def settings(self) -> Mapping[str, Provider]:
        """Who runs here, by label."""
        ...

    @property
    def slots(self) -> int:
        """How many trials to keep in hand."""
        ...

    @property
    def clock(self) -> Clock:
        """The clock by which its trials are timed."""
        ...

    async def open(self) -> None:
        """Get ready."""
        ...

    async def ask(
        self, trial: Trial, sample: Sample, task_id: str | int | None, stage: Provider | None = None
    ) -> Tally:
        """One try at a trial; goes on with a task that was submitted before. `NotBegun` when no more is asked.

        `stage` is who reads, where that is not the trial's own setting: one stage of a cascade.
        """
        ...

    async def recorded(self, tally: Tally) -> None:
        """The try was appended to the journal: return when it is as safe as it has to be."""
        ...

    def stop(self) -> None:
        """Let go of what has not begun."""
        ...

    async def close(self) -> None:
        """Finish what has begun and give everything back."""
        ...


Course = Generator[tuple[Trial, int], Tally, None]
"""Trials that depend on one another: yields a trial with its sample's position, and is sent what came of it."""


class Agenda(Protocol):
    """What is to be asked, course by course."""

    @property
    def seed(self) -> int:
        """Decides all that is left to chance."""
        ...

    def __len__(self) -> int:
        """How many trials there are, at most."""
        ...

    def courses(self, settings: Sequence[str], done: Done) -> Iterator[Course]:
        """What some settings are still to be asked."""
        ...


class Runner:
    """One session of a run: asks what the plan holds and the log does not.

    `lanes` is a sequence of groups: the lanes of a group run together, the groups one after another, because an
    engine at work on this machine would disturb the times of a service.
    """

    def __init__(
        self,
        agenda: Agenda,
        dataset: Sequence[Sample],
        journal: Journal,
        lanes: Sequence[Sequence[Lane]],
        done: Done,
        retry: RetryPolicy,
    ) -> None:
        self.progress = Progress(planned=len(agenda), done_before=len(done))
        self._agenda, self._done = agenda, done
        self._dataset, self._journal, self._lanes = dataset, journal, lanes
        self._retry = retry
        self._jitter = random.Random(agenda.seed)
        self._stop = threading.Event()
        self._stopped = asyncio.Event()  # the same for the loop, which must not block
        self._loop: asyncio.AbstractEventLoop | None = None

    def stop(self) -> None:
        """Begin nothing more; what has begun is finished and kept. May be called from any thread."""
        self._stop.set()
        with contextlib.suppress(RuntimeError):  # the loop ended meanwhile, and so has everything on it
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._let_go)

    def _let_go(self) -> None:
        self._stopped.set()
        for group in self._lanes:
            for lane in group:
                lane.stop()

    async def run(self) -> None:
        """Run to the end of the plan, or to `stop`. Raises only when the store fails or the code does."""
        self._loop = asyncio.get_running_loop()
        self.progress.started = time.perf_counter()
        syncing = asyncio.create_task(self._sync_now_and_then())
        syncing.add_done_callback(self._stop_unsynced)
        try:
            for group in self._lanes:
                await _together([self._run_lane(lane) for lane in group])
        finally:
            syncing.cancel()
            (unsynced,) = await asyncio.gather(syncing, return_exceptions=True)
            await self._journal.durable()
            if isinstance(unsynced, Exception):  # a disk says only once that it lost something
                raise unsynced

    async def _run_lane(self, lane: Lane) -> None:
        courses = self._agenda.courses(tuple(lane.settings), self._done)
        try:
            first = next(courses, None)
            if first is not None and not self._stop.is_set():
                await lane.open()
                courses = itertools.chain([first], courses)
                await _together([self._work(lane, courses) for _ in range(lane.slots)])
        finally:
            await lane.close()

    async def _work(self, lane: Lane, courses: Iterator[Course]) -> None:
        """One slot: follow the next course until there is none."""
        for course in courses:
            if self._stop.is_set():
                return
            try:
                await self._follow(lane, course)
            except asyncio.CancelledError:
                if self._stop.is_set():
                    return  # the trial had not begun, and is left for a resume
                raise
            finally:
                course.close()

    async def _follow(self, lane: Lane, course: Course) -> None:
        """Ask what a course asks, one trial after the other, until it ends or cannot go on."""
        with contextlib.suppress(StopIteration):
            trial, position = next(course)
            while trial.setting not in self.progress.stopped:
                try:
                    tally = await self._try(lane, trial, position)
                except NotBegun as refusal:
                    self._stop_setting(trial.setting, str(refusal))
                    return
                if tally is None or self._stop.is_set():
                    return
                trial, position = course.send(tally)

    async def _try(self, lane: Lane, trial: Trial, position: int) -> Tally | None:
        """Bring one trial to its outcome, with as many attempts as the policy allows; None when it was stopped."""
        clock, begun, backoff_s, limited_s, task_id = lane.clock, lane.clock.now(), 0.0, 0.0, None
        for number in itertools.count(1):
            tally = await self._ask(lane, trial, position, task_id)
            elapsed_s = clock.now() - begun
            limited_s += tally.limit_wait_s
            wait_s = None
            if tally.error is not None and not self._stop.is_set():
                # What our own limits held up is not the service's doing, and takes no try away.
                wait_s = self._retry.wait_s(tally.error, number, elapsed_s - limited_s, self._jitter)
            attempt = _attempt(trial, number, tally, elapsed_s, backoff_s, final=wait_s is None)
            self._journal.append(attempt.as_record())
            await lane.recorded(tally)
            if wait_s is None:
                self.progress.count(tally)
                if tally.error is not None and tally.error.fatal:
                    for setting in lane.settings:
                        self._stop_setting(setting, f"{tally.error.kind}: {tally.error}")
                return tally
            # A task that the service holds is asked again: a new one would be paid for again.
            task_id = tally.task_id if tally.submitted else None
            if not await self._pause(clock, wait_s):
                return None  # stopped: the trial has no outcome yet, and is left for a resume
            backoff_s = wait_s
        raise AssertionError("counting does not end")

    async def _ask(self, lane: Lane, trial: Trial, position: int, task_id: str | int | None) -> Tally:
        try:
            sample = self._dataset[position].loaded()
        except DatasetError as error:
            return Tally(lane.clock.unix(), error=BadRequest(str(error)))
        except Exception as error:  # noqa: BLE001 -- a source of the user's own may raise anything; the run goes on
            return Tally(lane.clock.unix(), error=EngineFailure(in_words(error)))
        return await lane.ask(trial, sample, task_id)

    def _stop_setting(self, setting: str, reason: str) -> None:
        if setting not in self.progress.stopped:
            self.progress.stopped[setting] = reason
            self._journal.append({"event": "stopped", "setting": setting, "reason": reason})

    async def _pause(self, clock: Clock, seconds: float) -> bool:
        """Sleep; False as soon as the run is stopped."""
        sleeping, stopping = asyncio.ensure_future(clock.sleep(seconds)), asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait((sleeping, stopping), return_when=asyncio.FIRST_COMPLETED)
            return not self._stopped.is_set()
        finally:
            sleeping.cancel()
            stopping.cancel()

    async def _sync_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(_SYNC_EVERY_S)
            await self._journal.durable()

    def _stop_unsynced(self, syncing: "asyncio.Task[None]") -> None:
        if not syncing.cancelled() and syncing.exception() is not None:
            self.stop()


async def _together(working: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run them all to their ends; when one fails, end the others and raise what it raised."""
    tasks = [asyncio.create_task(work) for work in working]
    try:
        finished, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in finished:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _attempt(trial: Trial, number: int, tally: Tally, elapsed_s: float, backoff_s: float, *, final: bool) -> Attempt:
    answer, error = tally.answer, tally.error
    return Attempt(
        *trial,
        attempt=number,
        started_at=tally.started_at,
        final=final,
        text=answer.text if answer else None,
        confidence=answer.confidence if answer else None,
        usage=tally.usage,
        error=error.kind if error else None,
        error_code=_whole(error.code) if error else None,
        error_status=error.status if error and isinstance(error.status, int) else None,
        error_message=_whole(str(error)) or None if error else None,
        task_id=_whole(tally.task_id),
        unsettled=tally.unsettled,
        latency_s=tally.latency_s,
        latency_low_s=tally.low_s if answer else None,
        elapsed_s=elapsed_s,
        queue_s=tally.queue_s,
        limit_wait_s=tally.limit_wait_s,
        connect_s=tally.connect_s,
        service_s=tally.service_s,
        poll_wait_s=tally.poll_wait_s,
        backoff_s=backoff_s,
        client_lag_s=tally.client_lag_s,
    )


def _whole(said: Any) -> Any:
    """A text as whole characters, which a frame can hold: a file's name, or a service's JSON, may have half ones."""
    return said.encode(errors="backslashreplace").decode() if isinstance(said, str) else said
