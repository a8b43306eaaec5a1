"""What is to be asked, in which order. Pure."""

import random
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.types import Trial

_PAIRS_AT_A_TIME = 10_000


@dataclass(frozen=True)
class Plan:
    """Every setting reads every sample, `repeats` times.

    The order is a shuffle by the seed of (sample, repeat) pairs, each read by all settings before the next pair
    begins: what the hour, the network or a busy machine does to one setting it does to all, and a run that is
    cut short leaves images that every setting has read.
    """

    settings: tuple[str, ...]
    samples: Sequence[str]
    repeats: int = 1
    seed: int = 0

    def __len__(self) -> int:
        return len(self.settings) * len(self.samples) * self.repeats

    def done(self, trials: Iterable[Trial]) -> "Done":
        """Mark these trials as finished; those that are not in the plan are passed over."""
        return Done(self, trials)

    def trials(self, settings: Sequence[str], done: "Done") -> Iterator[tuple[Trial, int]]:
        """The trials of some settings that are not done yet, each with the position of its sample."""
        rows = [self.settings.index(setting) for setting in settings]
        for pair in self._pairs():
            position, repeat = divmod(pair, self.repeats)
            for row in self._shuffled(rows, pair):
                if not done.holds(row, pair):
                    yield Trial(self.settings[row], self.samples[position], repeat), position

    def _shuffled(self, rows: list[int], pair: int) -> list[int]:
        # A generator of its own for each pair: the order is the same however many trials are done already.
        return rows if len(rows) == 1 else random.Random(self.seed * 1_000_003 + pair).sample(rows, len(rows))

    def _pairs(self) -> Iterator[int]:
        """All (sample, repeat) pairs by number; only some at a time are Python objects, which take five times the room."""
        order = np.random.default_rng(self.seed).permutation(len(self.samples) * self.repeats)
        for start in range(0, len(order), _PAIRS_AT_A_TIME):
            yield from order[start : start + _PAIRS_AT_A_TIME].tolist()

    def sequences(self, settings: Sequence[str], done: "Done") -> Iterator[Generator[tuple[Trial, int], object, None]]:
        """The trials, each a sequence of its own: what comes of one decides nothing about another."""
        for trial in self.trials(settings, done):
            yield _alone(trial)


def _alone(trial: tuple[Trial, int]) -> Generator[tuple[Trial, int], object, None]:
    yield trial


class Done:
    """Which trials of a plan are finished: a byte a trial, so that a million of them are a megabyte."""

    def __init__(self, plan: Plan, trials: Iterable[Trial]) -> None:
        self._pairs = len(plan.samples) * plan.repeats
        self._flags = bytearray(len(plan))
        rows = {setting: row for row, setting in enumerate(plan.settings)}
        positions: dict[str, int] = {}
        for setting, sample, repeat in trials:
            positions = positions or {id: position for position, id in enumerate(plan.samples)}
            if setting in rows and sample in positions and 0 <= repeat < plan.repeats:
                self._flags[rows[setting] * self._pairs + positions[sample] * plan.repeats + repeat] = 1

    def __len__(self) -> int:
        return sum(self._flags)

    def holds(self, row: int, pair: int) -> bool:
        """Whether the setting in `row` has read the (sample, repeat) pair."""
        return bool(self._flags[row * self._pairs + pair])
