"""The lane of cascades: each stage is asked in a lane of its own, with that lane's limits, money and clock."""

from collections.abc import Mapping

from toolkit.engine.drive import Clock, SystemClock, Tally
from toolkit.engine.runner import Lane
from toolkit.providers.base import Provider
from toolkit.providers.cascade import Cascade, own
from toolkit.types import Answer, Sample, Trial


class CascadeLane:
    """Runs cascades over `lanes`, which hold each stage's lane by the stage's label."""

    def __init__(self, settings: Mapping[str, Cascade], lanes: Mapping[str, Lane]) -> None:
        self.settings = settings
        self.clock: Clock = SystemClock()
        self._lane_of = lanes
        self._lanes = list({id(lane): lane for lane in lanes.values()}.values())
        self.slots = max(lane.slots for lane in self._lanes)

    async def open(self) -> None:
        """Open the stages' lanes."""
        for lane in self._lanes:
            await lane.open()

    async def ask(self, provider: Provider, trial: Trial, sample: Sample, task_id: str | int | None) -> Tally:  # noqa: ARG002 -- a task left alone by one stage is unsettled; asking again begins with the first
        """One reading by one cascade. A stage that fails is passed over; the last one's failure is the cascade's."""
        assert isinstance(provider, Cascade)  # noqa: S101 -- nothing else is given to this lane
        whole = Tally(self.clock.unix())
        begun = self.clock.now()
        usage: dict[str, float] = {}
        lost = False
        for number, (stage, _) in enumerate(provider.stages):
            tally = await self._lane_of[stage.label].ask(stage, trial, sample, None)
            _add(whole, tally)
            lost = lost or tally.unsettled
            if tally.answer is not None:
                usage |= {own(stage, name): quantity for name, quantity in tally.answer.usage.items()}
            whole.answer, whole.error = tally.answer, tally.error
            if provider.takes(number, tally.answer):
                break
        if whole.answer is not None:
            whole.answer = Answer(whole.answer.text, whole.answer.confidence, usage)
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
    whole.task_id = tally.task_id
    whole.queue_s += tally.queue_s
    whole.limit_wait_s += tally.limit_wait_s
    whole.connect_s += tally.connect_s
    whole.service_s += tally.service_s
    whole.poll_wait_s += tally.poll_wait_s
    whole.client_lag_s = max(whole.client_lag_s, tally.client_lag_s)
    whole.sent = whole.sent or tally.sent
