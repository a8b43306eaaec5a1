"""Joins plan, dataset, providers, workers and store into a run. Knows nothing concrete about any of them."""

import asyncio
import contextlib
import itertools
import random
import threading
import time
from collections.abc import Coroutine, Generator, Iterator, Mapping, Sequence
from typing import Any, Protocol

from toolkit._engine.driver import AttemptResult, Clock, in_words
from toolkit._engine.journal import Journal
from toolkit._engine.plan import Done
from toolkit._engine.retry import RetryPolicy
from toolkit._providers.base import Provider
from toolkit.errors import BadRequest, DatasetError, EngineFailure, ProviderError
from toolkit.types import Attempt, Progress, Sample, Trial

_SYNC_EVERY_S = 0.5


class NotBegun(Exception):
    """A backend takes no more readings, and says why. Nothing was sent."""


class Backend(Protocol):
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
    ) -> AttemptResult:
        """One try at a trial; goes on with a task that was submitted before. `NotBegun` when no more is asked.

        `stage` is who reads, where that is not the trial's own setting: one stage of a cascade.
        """
        ...

    async def recorded(self, attempt_result: AttemptResult) -> None:
        """The try was appended to the journal: return when it is as safe as it has to be."""
        ...

    def stop(self) -> None:
        """Let go of what has not begun."""
        ...

    async def close(self) -> None:
        """Finish what has begun and give everything back."""
        ...


Planned = tuple[Trial, int]
"""A trial and the position of its sample."""

TrialSequence = Generator[Planned, AttemptResult, None]
"""Trials that depend on one another: yields a trial, and is sent what came of it."""


class TrialSource(Protocol):
    """What is to be asked: trials that stand for themselves, and sequences of those that depend on one another."""

    @property
    def seed(self) -> int:
        """Decides all that is left to chance."""
        ...

    def __len__(self) -> int:
        """How many trials there are, at most."""
        ...

    def trials(self, settings: Sequence[str], done: Done) -> Iterator[Planned | TrialSequence]:
        """What some settings are still to be asked."""
        ...


class Runner:
    """One session of a run: asks what the plan holds and the log does not.

    `backends` is a sequence of groups: the backends of a group run together, the groups one after another, because an
    engine at work on this machine would disturb the times of a service.
    """

    def __init__(
        self,
        trial_source: TrialSource,
        dataset: Sequence[Sample],
        journal: Journal,
        backends: Sequence[Sequence[Backend]],
        done: Done,
        retry: RetryPolicy,
    ) -> None:
        self.progress = Progress(planned=len(trial_source), done_before=len(done))
        self._trial_source, self._done = trial_source, done
        self._dataset, self._journal, self._backends = dataset, journal, backends
        self._retry = retry
        self._jitter = random.Random(trial_source.seed)
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
        for group in self._backends:
            for backend in group:
                backend.stop()

    async def run(self) -> None:
        """Run to the end of the plan, or to `stop`. Raises only when the store fails or the code does."""
        self._loop = asyncio.get_running_loop()
        self.progress.started = time.perf_counter()
        syncing = asyncio.create_task(self._sync_now_and_then())
        syncing.add_done_callback(self._stop_unsynced)
        try:
            for group in self._backends:
                await _together([self._run_lane(backend) for backend in group])
        finally:
            syncing.cancel()
            (unsynced,) = await asyncio.gather(syncing, return_exceptions=True)
            await self._journal.durable()
            if isinstance(unsynced, Exception):  # a disk says only once that it lost something
                raise unsynced

    async def _run_lane(self, backend: Backend) -> None:
        trials = self._trial_source.trials(tuple(backend.settings), self._done)
        try:
            first = next(trials, None)
            if first is not None and not self._stop.is_set():
                await backend.open()
                trials = itertools.chain([first], trials)
                await _together([self._work(backend, trials) for _ in range(backend.slots)])
        finally:
            await backend.close()

    async def _work(self, backend: Backend, trials: Iterator[Planned | TrialSequence]) -> None:
        """One slot: take the next trial or sequence until there is none."""
        for planned in trials:
            if self._stop.is_set():
                return
            try:
                if isinstance(planned, tuple):
                    await self._try(backend, *planned)
                else:
                    await self._follow(backend, planned)
            except asyncio.CancelledError:
                if self._stop.is_set():
                    return  # the trial had not begun, and is left for a resume
                raise

    async def _follow(self, backend: Backend, sequence: TrialSequence) -> None:
        """Ask what a sequence asks, one trial after the other, until it ends or cannot go on."""
        with contextlib.closing(sequence), contextlib.suppress(StopIteration):
            planned = next(sequence)
            while (result := await self._try(backend, *planned)) is not None and not self._stop.is_set():
                planned = sequence.send(result)

    async def _try(self, backend: Backend, trial: Trial, position: int) -> AttemptResult | None:
        """Bring one trial to its outcome, with as many attempts as the policy allows; None when it was stopped."""
        clock, begun, backoff_s, limited_s, task_id = backend.clock, backend.clock.now(), 0.0, 0.0, None
        if trial.setting in self.progress.stopped:
            return None
        for number in itertools.count(1):
            sample = self._sample(position)
            try:
                result = (
                    await backend.ask(trial, sample, task_id)
                    if isinstance(sample, Sample)
                    else AttemptResult(clock.unix(), error=sample)
                )
            except NotBegun as refusal:
                self._stop_setting(trial.setting, str(refusal))
                return None
            elapsed_s = clock.now() - begun
            limited_s += result.limit_wait_s
            wait_s = None
            if result.error is not None and not self._stop.is_set():
                # What our own limits held up is not the service's doing, and takes no try away.
                wait_s = self._retry.wait_s(result.error, number, elapsed_s - limited_s, self._jitter)
            self._journal.append(_attempt(trial, number, result, elapsed_s, backoff_s, final=wait_s is None))
            await backend.recorded(result)
            if wait_s is None:
                self.progress.count(result.error)
                if result.error is not None and result.error.fatal:
                    for setting in backend.settings:
                        self._stop_setting(setting, f"{result.error.kind}: {result.error}")
                return result
            # A task that the service holds is asked again: a new one would be paid for again.
            task_id = result.task_id if result.submitted and not result.gone else None
            if not await self._pause(clock, wait_s):
                return None  # stopped: the trial has no outcome yet, and is left for a resume
            backoff_s = wait_s
        raise AssertionError("counting does not end")

    def _sample(self, position: int) -> Sample | ProviderError:
        """A sample with its image, or why there is none."""
        try:
            return self._dataset[position].loaded()
        except DatasetError as error:
            return BadRequest(str(error))
        except Exception as error:  # noqa: BLE001 -- a source of the user's own may raise anything; the run goes on
            return EngineFailure(in_words(error))

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


def _attempt(
    trial: Trial, number: int, result: AttemptResult, elapsed_s: float, backoff_s: float, *, final: bool
) -> Attempt:
    """What is written down of a try; seconds to the microsecond."""
    answer, error = result.answer, result.error
    return Attempt(
        *trial,
        number,
        round(result.started_at, 6),
        final,
        text=answer.text if answer else None,
        confidence=_rounded(answer.confidence) if answer else None,
        usage=result.usage or None,
        error=error.kind if error else None,
        error_code=_whole(error.code) if error else None,
        error_status=error.status if error and isinstance(error.status, int) else None,
        error_message=_whole(str(error)) or None if error else None,
        task_id=_named(result.task_id),
        unsettled=result.unsettled,
        latency_s=_rounded(result.latency_s),
        latency_low_s=_rounded(result.low_s) if answer else None,
        backoff_s=round(backoff_s, 6),
        elapsed_s=round(elapsed_s, 6),
        queue_s=round(result.queue_s, 6),
        limit_wait_s=round(result.limit_wait_s, 6),
        connect_s=round(result.connect_s, 6),
        service_s=round(result.service_s, 6),
        poll_wait_s=round(result.poll_wait_s, 6),
        client_lag_s=round(result.client_lag_s, 6),
    )


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 6)


def _named(task_id: object) -> str | int | None:
    """A task's id as the log can hold it: a provider of the user's own may call a task anything."""
    if task_id is None or (isinstance(task_id, int) and not isinstance(task_id, bool) and abs(task_id) < 2**63):
        return task_id
    named: str = _whole(task_id if isinstance(task_id, str) else str(task_id))
    return named


def _whole(said: Any) -> Any:
    """A text as whole characters, which a frame can hold: a file's name, or a service's JSON, may have half ones."""
    return said.encode(errors="backslashreplace").decode() if isinstance(said, str) else said
