"""What a probe asks: each image in turn, setting after setting, until its place is known."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from itertools import takewhile

import numpy as np

from toolkit._engine.driver import AttemptResult
from toolkit._engine.plan import Done, Plan
from toolkit._engine.runner import Planned, TrialSequence
from toolkit.errors import Unsolvable
from toolkit.stats import ProbePlan
from toolkit.stats._probing.determinism import INDEPENDENT_ABOVE
from toolkit.types import Trial

_REPLAN_EVERY = 50
_LOOK_GROWTH = 1.05  # looks get rarer as images come in, because each one goes through all of them

Heard = Mapping[Trial, str | None]
"""The text that a setting gave for an image, or None where it rejected it; failures are not in it."""

Replan = Callable[[Sequence[int]], ProbePlan]
"""A plan for the counts of images found at each place so far."""

Enough = Callable[[Sequence[int], Sequence[int], Sequence[str | None], int], bool]
"""Whether images settle the question: their positions, places and texts, and how many there are in all."""

_Narrowing = Generator[tuple[Trial, int], AttemptResult, int]


class PlacementTrials:
    """Places every image among settings that rise in strictness, and asks the decisive calls of some images again.

    What was heard of an image before is where it goes on. An image whose calls fail is left out. One is begun only
    if its calls fit into `max_calls` for certain: were images left half-way, those that take few calls would be
    favoured.

    The first `audit` images of the random order are asked again as soon as they are placed. If more of them flip
    than a threshold can explain, no image beyond them is begun.

    `enough` is asked now and then whether to stop. It sees the images in the random order of the seed, up to the
    first that is still under way, and never in the order in which they were done: an image that takes few calls is
    done early, so those done are no random sample.
    """

    def __init__(
        self,
        plan: Plan,
        heard: Heard,
        replan: Replan,
        *,
        audit: int,
        max_calls: float = np.inf,
        to_collect: Iterable[Trial] = (),
        enough: Enough | None = None,
    ) -> None:
        self.seed = plan.seed
        self.places: dict[int, int] = {}
        self._plan = plan
        self._top = len(plan.settings)
        self._replan = replan
        self._enough = enough
        self._order = np.random.default_rng(plan.seed).permutation(len(plan.samples)).tolist()
        self._audit = min(audit, len(self._order))
        self._calls_left = max_calls
        self._waiting: deque[int] = deque()
        self._failed: set[int] = set()
        self._settled = False
        self._flipped: dict[int, bool] = {}
        self._failed_again: set[int] = set()
        self._heard = dict(heard)
        self._between, self._held = self._known(heard, to_collect)
        self.places |= {position: low for position, (low, high) in self._between.items() if low == high}
        for position in self.places:
            self._judge(position)
        asked_again = set(self._flipped)
        left = [position for position in self._order if position not in asked_again][: self.to_audit]
        self._to_repeat = asked_again | set(left)
        self.strategy = replan(self.counts)
        self._next_look = 0.0
        self._look()

    def __len__(self) -> int:
        return len(self._plan.samples) * self._top

    @property
    def counts(self) -> list[int]:
        """How many images were found at each place, 0 to the number of settings."""
        return [int(count) for count in np.bincount(list(self.places.values()), minlength=self._top + 1)]

    @property
    def to_audit(self) -> int:
        """How many images are still to be asked again."""
        return max(0, self._audit - len(self._flipped))

    def trials(self, settings: Sequence[str], done: Done) -> Iterator[TrialSequence]:
        """One sequence an image that is not placed, or not yet asked again though it is to be."""
        del settings, done  # all settings are one provider's, and what is done is known by image
        begun = set(self._held)
        for position in tuple(self._held):  # they may be paid for: they are collected whatever was decided since
            yield self._course(position)
        for position in self._order:
            if self._settled or (self._broken and position not in self._to_repeat):
                break
            missing = position not in self.places or (position in self._to_repeat and position not in self._flipped)
            if missing and position not in begun:
                yield self._course(position)

    def _course(self, position: int) -> TrialSequence:
        """One image, and after it those for which there were not enough calls left before."""
        following: int | None = position
        while following is not None:
            yield from self._place(following)
            if following in self._failed:
                self._to_repeat.discard(following)
            if following in self._to_repeat and following in self.places:
                yield from self._again(following)
            yield from self._make_up()
            over = self._settled or self._broken
            fits = bool(self._waiting) and not over and self._most(self._waiting[0]) <= self._calls_left
            following = self._waiting.popleft() if fits else None

    def _make_up(self) -> TrialSequence:
        """Ask others again in the place of images that failed."""
        while len(self._to_repeat) < self._audit and not self._broken:
            taken = self._to_repeat | self._failed_again
            other = next((p for p in self._order if p in self.places and p not in taken), None)
            if other is None:
                return
            self._to_repeat.add(other)
            yield from self._again(other)

    def _place(self, position: int) -> TrialSequence:
        if position in self.places:
            return
        most = self._most(position)
        if most > self._calls_left:
            self._waiting.append(position)
            return
        self._calls_left -= most
        unused = yield from self._narrow(position, most)
        self._calls_left += unused  # not in one step with the line before: other images take and give meanwhile

    def _most(self, position: int) -> int:
        """How many calls an image takes at most."""
        if position in self._between or position in self._held:
            low, high = self._between.get(position, (0, self._top))
            return high - low
        return int(self.strategy.table["calls"].max())

    def _narrow(self, position: int, left: int) -> _Narrowing:
        """Ask until the image's place is known; gives back the calls that this did not take."""
        choose = self.strategy.choose
        if self.strategy.strategy == "tree" and (position in self._between or position in self._held):
            choose = _halfway  # begun with an earlier tree, of which this one need not have the branch
        low, high = self._between.get(position, (0, self._top))
        while low < high:
            asked = self._held.pop(position, None) or choose(low, high)
            left -= 1
            trial = self._trial(asked, position, repeat=0)
            result = yield trial, position
            if not self._listened(trial, result):
                self._failed.add(position)
                return left
            low, high = (max(low, asked), high) if result.answer is not None else (low, min(high, asked - 1))
            self._between[position] = low, max(low, high)
        self.places[position] = low
        if len(self.places) % _REPLAN_EVERY == 0:
            self.strategy = self._replan(self.counts)
        if len(self.places) >= self._next_look:
            self._look()
        return left

    def _again(self, position: int) -> TrialSequence:
        """The two calls that decided: the strictest accepted and the loosest rejected, once more."""
        for asked in self._decisive(position):
            trial = self._trial(asked, position, repeat=1)
            if trial not in self._heard:
                result = yield trial, position
                self._listened(trial, result)
        self._judge(position)
        if position not in self._flipped:
            self._failed_again.add(position)
            self._to_repeat.discard(position)

    def _listened(self, trial: Trial, result: AttemptResult) -> bool:
        """Note what was heard; False if nothing was, because the call failed."""
        if result.answer is None and not isinstance(result.error, Unsolvable):
            return False
        self._heard[trial] = None if result.answer is None else result.answer.text
        return True

    def _judge(self, position: int) -> None:
        """Whether an image that was asked again flipped, or changed its text."""
        pairs = [[self._trial(asked, position, repeat) for repeat in (0, 1)] for asked in self._decisive(position)]
        if all(second in self._heard for _, second in pairs):
            self._flipped[position] = any(self._heard.get(first) != self._heard[second] for first, second in pairs)

    @property
    def _broken(self) -> bool:
        """Whether the audit has shown already that the service does not decide by its threshold alone."""
        return sum(self._flipped.values()) > INDEPENDENT_ABOVE * max(self._audit, 1)

    def _decisive(self, position: int) -> list[int]:
        place = self.places[position]
        return [asked for asked in (place, place + 1) if 1 <= asked <= self._top]

    def _look(self) -> None:
        """Ask whether the images so far are enough."""
        self._next_look = max(_REPLAN_EVERY, len(self.places) + _REPLAN_EVERY, _LOOK_GROWTH * len(self.places))
        if self._enough is None:
            return
        begun = takewhile(lambda position: position in self.places or position in self._failed, self._order)
        seen = [position for position in begun if position in self.places]
        if seen:
            places = [self.places[position] for position in seen]
            texts = [self._heard.get(self._trial(p, position, 0)) for p, position in zip(places, seen, strict=True)]
            self._settled = self._enough(seen, places, texts, len(self._order) - len(self._failed))

    def _trial(self, asked: int, position: int, repeat: int) -> Trial:
        return Trial(self._plan.settings[asked - 1], self._plan.samples[position], repeat)

    def _known(self, heard: Heard, to_collect: Iterable[Trial]) -> tuple[dict[int, tuple[int, int]], dict[int, int]]:
        """Between which places each image is, and at which setting the service still holds a task for it."""
        rank = {label: number for number, label in enumerate(self._plan.settings, 1)}
        position_of = {sample: position for position, sample in enumerate(self._plan.samples)}
        between: dict[int, tuple[int, int]] = {}
        for (setting, sample, repeat), text in heard.items():
            if repeat == 0:
                low, high = between.get(position_of[sample], (0, self._top))
                asked = rank[setting]
                between[position_of[sample]] = (low, min(high, asked - 1)) if text is None else (max(low, asked), high)
        held = {position_of[trial.sample]: rank[trial.setting] for trial in to_collect if trial.repeat == 0}
        return {position: (low, max(low, high)) for position, (low, high) in between.items()}, held


def _halfway(low: int, high: int) -> int:
    return (low + high + 1) // 2


class IndependentTrials:
    """Asks each image once in every pass, at a setting drawn at random: for services that do not decide alike twice.

    A bound on calls cuts the random order short, which favours no setting and no image.
    """

    def __init__(self, plan: Plan, passes: int, *, max_calls: float = np.inf) -> None:
        self.seed = plan.seed
        self._plan = plan
        self._passes = passes
        self._calls_left = max_calls

    def __len__(self) -> int:
        return len(self._plan.samples) * self._passes

    def trials(self, settings: Sequence[str], done: Done) -> Iterator[Planned]:
        """The draws; the same ones for the same seed."""
        del settings
        rng = np.random.default_rng(self.seed)
        for number in range(self._passes):
            for position in rng.permutation(len(self._plan.samples)).tolist():
                row = int(rng.integers(len(self._plan.settings)))
                if self._calls_left < 1:
                    return
                if not done.holds(row, position * self._plan.repeats + number):
                    self._calls_left -= 1
                    trial = Trial(self._plan.settings[row], self._plan.samples[position], number)
                    yield trial, position
