"""What a probe asks: each image in turn, setting after setting, until its place is known."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from toolkit.engine.drive import Tally
from toolkit.engine.plan import Done, Plan
from toolkit.engine.runner import Course
from toolkit.errors import Unsolvable
from toolkit.stats import ProbePlan
from toolkit.types import Trial

_REPLAN_EVERY = 50
_NO_ANSWER = "unsolvable"

Replan = Callable[[Sequence[int]], ProbePlan]
"""A plan for the counts of images found at each place so far."""


class PlacingAgenda:
    """Places every image among settings that rise in strictness, then asks some decisive calls again.

    What the log knows of an image is where it goes on: accepted at the strictest of these, rejected at the loosest
    of those. An image whose calls fail is left out. `enough` is asked after every fifty images whether to stop.
    """

    def __init__(
        self,
        plan: Plan,
        finished: Mapping[Trial, str | None],
        replan: Replan,
        *,
        audit: int,
        max_calls: int | None,
        enough: Callable[["PlacingAgenda"], bool] | None = None,
    ) -> None:
        self.seed = plan.seed
        self.texts: dict[int, str] = {}
        self.places: dict[int, int] = {}
        self._plan = plan
        self._top = len(plan.settings)
        self._replan = replan
        self._audit = audit
        self._calls_left = np.inf if max_calls is None else max_calls - sum(trial.repeat == 0 for trial in finished)
        self._enough = enough
        self._over = False
        self._order = np.random.default_rng(plan.seed).permutation(len(plan.samples)).tolist()
        self._between = self._known(finished)
        self._audited = {trial for trial in finished if trial.repeat > 0}
        for position, (low, high) in self._between.items():
            if low == high:
                self.places[position] = low
        self._strategy = replan(self.counts)

    def __len__(self) -> int:
        return len(self._plan.samples) * self._top

    @property
    def counts(self) -> list[int]:
        """How many images were found at each place, 0 to the number of settings."""
        return [int(count) for count in np.bincount(list(self.places.values()), minlength=self._top + 1)]

    def courses(self, settings: Sequence[str], done: Done) -> Iterator[Course]:
        """One course an image that is not placed, then one for each image of the audit."""
        del settings, done  # all settings are one provider's, and what is done is known by image
        for position in self._order:
            if self._over:
                break
            if position not in self.places:
                yield self._place(position)
        for position in self._order:
            if self._audit > 0 and position in self.places:
                self._audit -= 1
                yield self._again(position)

    def _place(self, position: int) -> Course:
        strategy = self._strategy
        low, high = self._between.get(position, (0, self._top))
        while low < high and self._calls_left > 0:
            self._calls_left -= 1
            asked = _asked(strategy, low, high)
            tally = yield self._trial(asked, position, repeat=0), position
            if tally.answer is not None:
                low = asked
                self.texts[position] = tally.answer.text
            elif isinstance(tally.error, Unsolvable):
                high = asked - 1
            else:
                return  # it failed: nothing is known of this image
            self._between[position] = low, high
        if low == high:
            self._found(position, low)

    def _found(self, position: int, place: int) -> None:
        self.places[position] = place
        if len(self.places) % _REPLAN_EVERY == 0:
            self._strategy = self._replan(self.counts)
            self._over = self._over or (self._enough is not None and self._enough(self))

    def _again(self, position: int) -> Course:
        """The two calls that decided: the strictest accepted and the loosest rejected, once more."""
        place = self.places[position]
        for asked in (place, place + 1):
            if 1 <= asked <= self._top:
                trial = self._trial(asked, position, repeat=1)
                if trial not in self._audited:
                    yield trial, position

    def _trial(self, asked: int, position: int, repeat: int) -> Trial:
        return Trial(self._plan.settings[asked - 1], self._plan.samples[position], repeat)

    def _known(self, finished: Mapping[Trial, str | None]) -> dict[int, tuple[int, int]]:
        rank = {label: number for number, label in enumerate(self._plan.settings, 1)}
        position_of = {sample: position for position, sample in enumerate(self._plan.samples)} if finished else {}
        between: dict[int, tuple[int, int]] = {}
        for (setting, sample, repeat), error in finished.items():
            if repeat == 0 and error in (None, _NO_ANSWER):
                low, high = between.get(position_of[sample], (0, self._top))
                asked = rank[setting]
                between[position_of[sample]] = (max(low, asked), high) if error is None else (low, min(high, asked - 1))
        return {position: (low, max(low, high)) for position, (low, high) in between.items()}


class IndependentAgenda:
    """Asks each image once in every pass, at a setting drawn at random: for services that do not decide alike twice."""

    def __init__(self, plan: Plan, passes: int) -> None:
        self.seed = plan.seed
        self._plan = plan
        self._passes = passes

    def __len__(self) -> int:
        return len(self._plan.samples) * self._passes

    def courses(self, settings: Sequence[str], done: Done) -> Iterator[Course]:
        """Each draw is a course of its own; the same ones for the same seed."""
        rng = np.random.default_rng(self.seed)
        for number in range(self._passes):
            for position in rng.permutation(len(self._plan.samples)).tolist():
                row = int(rng.integers(len(self._plan.settings)))
                if not done.holds(row, position * self._plan.repeats + number):
                    trial = Trial(self._plan.settings[row], self._plan.samples[position], number)
                    yield _once(trial, position)
        del settings


def _once(trial: Trial, position: int) -> Course:
    _: Tally = yield trial, position


def _asked(strategy: ProbePlan, low: int, high: int) -> int:
    """The number of the setting to ask, from 1 for the loosest."""
    try:
        return strategy.choose(low, high)
    except KeyError:  # a tree plans for the places it can lead to; the log of another plan may have led elsewhere
        return high
