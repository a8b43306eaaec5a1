"""What is to be asked, in which order. Pure."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

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

    def done(self, ended: pd.DataFrame) -> "Done":
        """Mark the trials of a frame with columns setting, sample and repeat as finished; strange ones are passed over."""
        return Done(self, ended)

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


class Done:
    """Which trials of a plan are finished: a byte a trial, so that a million of them are a megabyte."""

    def __init__(self, plan: Plan, ended: pd.DataFrame) -> None:
        self._pairs = len(plan.samples) * plan.repeats
        flags = np.zeros(len(plan), np.uint8)
        if len(ended):
            row = pd.Index(plan.settings).get_indexer(pd.Index(ended["setting"]))
            position = pd.Index(list(plan.samples)).get_indexer(pd.Index(ended["sample"]))
            repeat = ended["repeat"].to_numpy()
            known = (row >= 0) & (position >= 0) & (repeat >= 0) & (repeat < plan.repeats)
            flags[(row * self._pairs + position * plan.repeats + repeat)[known]] = 1
        self._flags = flags.tobytes()  # which is asked for one of them quicker than an array is

    def __len__(self) -> int:
        return sum(self._flags)

    def holds(self, row: int, pair: int) -> bool:
        """Whether the setting in `row` has read the (sample, repeat) pair."""
        return bool(self._flags[row * self._pairs + pair])
