"""The lane of cascades: each stage is asked in a lane of its own, with that lane's limits, money and clock."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from toolkit.engine.drive import Clock, SystemClock, Tally
from toolkit.engine.runner import Lane
from toolkit.providers.base import Provider
from toolkit.providers.cascade import Cascade, own, unsure
from toolkit.types import Answer, Sample, Trial


@dataclass(frozen=True, slots=True)
class _Reached:
    """Where a reading stands that is tried again: its stage, what came before that, and the task the service holds."""

    stage: int
    tally: Tally
    task_id: str | int | None = None


class CascadeLane:
    """Runs cascades over `lanes`, which hold each stage's lane by the stage's label."""

    def __init__(self, settings: Mapping[str, Cascade], lanes: Mapping[str, Lane]) -> None:
        self.settings = settings
        self.clock: Clock = SystemClock()
        self._lane_of = lanes
        self._lanes = list({id(lane): lane for lane in lanes.values()}.values())
        self.slots = max(lane.slots for lane in self._lanes)
        self._to_go_on: dict[Trial, _Reached] = {}

    async def open(self) -> None:
        """Open the stages' lanes."""
        for lane in self._lanes:
            await lane.open()

    async def ask(
        self,
        trial: Trial,
        sample: Sample,
        task_id: str | int | None,  # noqa: ARG002 -- a task that a stage left alone is unsettled; asking begins anew
        stage: Provider | None = None,  # noqa: ARG002 -- a cascade has no cascades in it
    ) -> Tally:
        """One reading by one cascade. A stage that fails is passed over; the last one's failure is the cascade's.

        Tried again after that, it goes on with the last stage: what the others answered was paid for.
        """
        cascade = self.settings[trial.setting]
        begun = self.clock.now()
        reached = self._to_go_on.pop(trial, None) or _Reached(0, Tally(self.clock.unix()))
        whole, task = reached.tally, reached.task_id
        used = dict.fromkeys(cascade.prices or {}, 0.0)
        for number, (member, _) in enumerate(cascade.stages[reached.stage :], reached.stage):
            before = replace(whole, lost=False)
            tally = await self._lane_of[member.label].ask(trial, sample, task, member)
            reached, task = _Reached(number, before, tally.task_id if tally.submitted else None), None
            _add(whole, tally)
            used |= {own(member, name): quantity for name, quantity in tally.usage.items()}
            whole.error = tally.error
            if cascade.takes(number, tally.answer) and tally.answer is not None:
                whole.answer = Answer(tally.answer.text, tally.answer.confidence)
                break
        if whole.error is None and whole.answer is None:
            whole.error = unsure()
        if whole.error is not None and whole.error.retry:
            self._to_go_on[trial] = reached
        whole.used = used
        whole.elapsed_s = self.clock.now() - begun
        return whole

    async def recorded(self, tally: Tally) -> None:
        """As safe as the most careful of the stages' lanes wants it."""
        for lane in self._lanes:
            await lane.recorded(tally)

    def stop(self) -> None:
        """Let go of what has not begun."""
        for lane in self._lanes:
            lane.stop()

    async def close(self) -> None:
        """Close the stages' lanes."""
        for lane in self._lanes:
            await lane.close()


def _add(whole: Tally, tally: Tally) -> None:
    whole.low_s = None if tally.low_s is None else whole.so_far_s + tally.low_s
    whole.task_id = tally.task_id
    whole.lost = whole.lost or tally.unsettled
    whole.queue_s += tally.queue_s
    whole.limit_wait_s += tally.limit_wait_s
    whole.connect_s += tally.connect_s
    whole.service_s += tally.service_s
    whole.poll_wait_s += tally.poll_wait_s
    whole.client_lag_s = max(whole.client_lag_s, tally.client_lag_s)
