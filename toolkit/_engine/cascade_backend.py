"""The backend of cascades: each stage is asked in a backend of its own, with that backend's limits, money and clock."""

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import structs

from toolkit._engine.driver import AttemptResult, Clock, SystemClock
from toolkit._engine.runner import Backend
from toolkit._providers.base import Provider
from toolkit._providers.cascade import Cascade, own, unsure
from toolkit.types import Answer, Sample, Trial


@dataclass(frozen=True, slots=True)
class _Reached:
    """Where a reading stands that is tried again: its stage, what came before that, and the task the service holds."""

    stage: int
    result: AttemptResult
    task_id: str | int | None = None
    earlier: tuple[str, ...] = ()


class CascadeBackend:
    """Runs cascades over `backends`, which hold each stage's backend by the stage's label."""

    def __init__(self, settings: Mapping[str, Cascade], backends: Mapping[str, Backend]) -> None:
        self.settings = settings
        self.clock: Clock = SystemClock()
        self._backend_of = backends
        self._backends = list({id(backend): backend for backend in backends.values()}.values())
        self.slots = max(backend.slots for backend in self._backends)
        self._to_go_on: dict[Trial, _Reached] = {}

    async def open(self) -> None:
        """Open the stages' backends."""
        for backend in self._backends:
            await backend.open()

    async def ask(
        self,
        trial: Trial,
        sample: Sample,
        task_id: str | int | None,  # noqa: ARG002 -- a task that a stage left alone is unsettled; asking begins anew
        stage: Provider | None = None,  # noqa: ARG002 -- a cascade has no cascades in it
    ) -> AttemptResult:
        """One reading by one cascade. A stage that fails is passed over; the last one's failure is the cascade's.

        Tried again after that, it goes on with the last stage: what the others answered was paid for.
        """
        cascade = self.settings[trial.setting]
        begun = self.clock.now()
        reached = self._to_go_on.pop(trial, None) or _Reached(0, AttemptResult(self.clock.unix()))
        whole, task, earlier = reached.result, reached.task_id, reached.earlier
        used = dict.fromkeys(cascade.prices or {}, 0.0)
        for number, (member, _) in enumerate(cascade.stages[reached.stage :], reached.stage):
            before = structs.replace(whole, lost=False)
            result = await self._backend_of[member.label].ask(trial, sample, task, member)
            reached = _Reached(number, before, result.task_id if result.submitted else None, earlier)
            task = None
            _add(whole, result)
            used |= {own(member, name): quantity for name, quantity in result.usage.items()}
            whole.error = result.error
            if result.answer is not None:
                if cascade.takes(number, result.answer, earlier):
                    whole.answer = Answer(result.answer.text, result.answer.confidence)
                    break
                earlier = (*earlier, result.answer.text)
        if whole.error is None and whole.answer is None:
            whole.error = unsure()
        if whole.error is not None and whole.error.retry:
            self._to_go_on[trial] = reached
        whole.used = used
        whole.elapsed_s = self.clock.now() - begun
        return whole

    async def recorded(self, result: AttemptResult) -> None:
        """As safe as the most careful of the stages' backends wants it."""
        for backend in self._backends:
            await backend.recorded(result)

    def stop(self) -> None:
        """Let go of what has not begun."""
        for backend in self._backends:
            backend.stop()

    async def close(self) -> None:
        """Close the stages' backends."""
        for backend in self._backends:
            await backend.close()


def _add(whole: AttemptResult, result: AttemptResult) -> None:
    whole.low_s = None if result.low_s is None else whole.so_far_s + result.low_s
    whole.task_id = result.task_id
    whole.lost = whole.lost or result.unsettled
    whole.queue_s += result.queue_s
    whole.limit_wait_s += result.limit_wait_s
    whole.connect_s += result.connect_s
    whole.service_s += result.service_s
    whole.poll_wait_s += result.poll_wait_s
    whole.client_lag_s = max(whole.client_lag_s, result.client_lag_s)
