"""Joins plan, dataset, providers, workers and store into a run. Knows nothing concrete about any of them."""

import asyncio
import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from toolkit.engine.drive import Clock, Tally, World, drive
from toolkit.engine.plan import Done, Plan
from toolkit.engine.retry import RetryPolicy
from toolkit.errors import BadRequest, DatasetError
from toolkit.providers.base import Provider
from toolkit.store import Store
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

    def count(self, setting: str, tally: Tally) -> None:
        """Take one more outcome into account."""
        self.done += 1
        self.seconds = time.perf_counter() - self.started
        if tally.error is None:
            self.answered += 1
            return
        self.errors[tally.error.kind] += 1
        if tally.error.fatal:
            self.stopped[setting] = f"{tally.error.kind}: {tally.error}"

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


class Lane(World, Protocol):
    """A group of settings that share what limits them: this machine's cores, or one account with a service."""

    @property
    def settings(self) -> Mapping[str, Provider]:
        """Who runs here, by label."""
        ...

    @property
    def slots(self) -> int:
        """How many trials to keep in hand."""
        ...

    def stop(self) -> None:
        """Let go of what has not begun."""
        ...

    async def close(self) -> None:
        """Finish what has begun and give everything back."""
        ...


class Runner:
    """One session of a run: asks what the plan holds and the store does not."""

    def __init__(
        self, plan: Plan, dataset: Sequence[Sample], store: Store, lanes: Sequence[Lane], done: Done, retry: RetryPolicy
    ) -> None:
        self.progress = Progress(planned=len(plan), done_before=len(done))
        self._plan, self._done = plan, done
        self._dataset, self._store, self._lanes = dataset, store, lanes
        self._retry = retry
        self._jitter = random.Random(plan.seed)
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
        for lane in self._lanes:
            lane.stop()

    async def run(self) -> None:
        """Run to the end of the plan, or to `stop`. Raises only when the store fails or the code does."""
        self._loop = asyncio.get_running_loop()
        self.progress.started = time.perf_counter()
        syncing = asyncio.create_task(self._sync_now_and_then())
        try:
            for lane in self._lanes:  # one after another: an engine at work would disturb a service's times
                await self._run_lane(lane)
        finally:
            syncing.cancel()
            await asyncio.gather(syncing, return_exceptions=True)
            self._store.sync()

    async def _run_lane(self, lane: Lane) -> None:
        trials = self._plan.trials(tuple(lane.settings), self._done)
        slots = [asyncio.create_task(self._work(lane, trials)) for _ in range(lane.slots)]
        try:
            finished, _ = await asyncio.wait(slots, return_when=asyncio.FIRST_EXCEPTION)
            for slot in finished:
                slot.result()
        finally:
            for slot in slots:
                slot.cancel()
            await asyncio.gather(*slots, return_exceptions=True)
            await lane.close()

    async def _work(self, lane: Lane, trials: Iterator[tuple[Trial, int]]) -> None:
        """One slot: take the next trial until there is none."""
        for trial, position in trials:
            if self._stop.is_set():
                return
            if trial.setting in self.progress.stopped:
                continue
            try:
                await self._try(lane, trial, position)
            except asyncio.CancelledError:
                if self._stop.is_set():
                    return  # the trial waited for a worker: it was not begun, and is left for a resume
                raise

    async def _try(self, lane: Lane, trial: Trial, position: int) -> None:
        """Bring one trial to its outcome, with as many attempts as the policy allows."""
        clock = lane.clock
        begun, backoff_s, number = clock.now(), 0.0, 0
        while True:
            number += 1
            tally = await self._ask(lane, trial.setting, position)
            elapsed_s = clock.now() - begun
            wait_s = None
            if tally.error is not None and not self._stop.is_set():
                wait_s = self._retry.wait_s(tally.error, number, elapsed_s, self._jitter)
            attempt = _attempt(trial, number, tally, elapsed_s, backoff_s, final=wait_s is None)
            self._store.append(attempt.as_record())
            if wait_s is None:
                self.progress.count(trial.setting, tally)
                return
            if not await self._pause(clock, wait_s):
                return  # stopped: the trial has no outcome yet, and is left for a resume
            backoff_s = wait_s

    async def _ask(self, lane: Lane, setting: str, position: int) -> Tally:
        try:
            sample = self._dataset[position].loaded()
        except DatasetError as error:
            return Tally(lane.clock.unix(), error=BadRequest(str(error)))
        return await drive(lane.settings[setting].flow, sample, lane)

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
            await asyncio.to_thread(self._store.sync)


def _attempt(trial: Trial, number: int, tally: Tally, elapsed_s: float, backoff_s: float, *, final: bool) -> Attempt:
    answer, error = tally.answer, tally.error
    return Attempt(
        *trial,
        attempt=number,
        started_at=tally.started_at,
        final=final,
        text=answer.text if answer else None,
        confidence=answer.confidence if answer else None,
        usage=answer.usage if answer else {},
        error=error.kind if error else None,
        error_code=error.code if error else None,
        error_status=error.status if error else None,
        error_message=str(error) or None if error else None,
        task_id=tally.task_id,
        latency_s=tally.latency_s,
        elapsed_s=elapsed_s,
        queue_s=tally.queue_s,
        service_s=tally.service_s,
        poll_wait_s=tally.poll_wait_s,
        backoff_s=backoff_s,
    )
