"""A probe's trial_source driven by hand: no service, no clock, the same calls."""

from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np

from toolkit._engine.driver import AttemptResult
from toolkit._engine.plan import Plan
from toolkit._run.probe.scheduler import Enough, PlacementTrials
from toolkit.errors import Unsolvable
from toolkit.stats import probe_plan
from toolkit.types import Answer, Trial


def plan_of(images: int, settings: int, seed: int = 0) -> Plan:
    """A plan of so many images and settings."""
    return Plan(tuple(f"s{n}" for n in range(1, settings + 1)), [f"i{n}" for n in range(images)], 2, seed)


class Service:
    """Accepts an image at its `place` lowest settings; `log` is what was heard, `calls` all that was asked, `paid` the answers
    by image.

    `flips` are the trials of a second asking that are answered the other way round.
    """

    def __init__(self, plan: Plan, places: list[int], flips: frozenset[int] = frozenset()) -> None:
        self.rank = {label: number for number, label in enumerate(plan.settings, 1)}
        self.places, self.flips = places, flips
        self.log: dict[Trial, str | None] = {}
        self.calls: list[Trial] = []
        self.paid: Counter[str] = Counter()

    def __call__(self, trial: Trial, position: int) -> AttemptResult:
        """Answer or reject."""
        self.calls.append(trial)
        accepted = self.rank[trial.setting] <= self.places[position]
        if trial.repeat == 1 and position in self.flips:
            accepted = not accepted
        result = AttemptResult(0.0)
        result.answer, result.error = (Answer("x"), None) if accepted else (None, Unsolvable("unsure"))
        self.log[trial] = "x" if accepted else None
        self.paid[trial.sample] += accepted
        return result


def agenda_of(
    plan: Plan,
    log: Mapping[Trial, str | None],
    strategy: str = "descending",
    *,
    audit: int = 0,
    max_calls: float = np.inf,
    to_collect: tuple[Trial, ...] = (),
    enough: Enough | None = None,
    most: int | None = None,
) -> PlacementTrials:
    """The trial_source of a probe with this log."""
    settings = range(1, len(plan.settings) + 1)
    return PlacementTrials(
        plan,
        log,
        lambda placed: probe_plan(settings, strategy, placed=placed, max_calls=most),
        audit=audit,
        max_calls=max_calls,
        to_collect=to_collect,
        enough=enough,
    )


def follow(
    trial_source: PlacementTrials, plan: Plan, ask: Callable[[Trial, int], AttemptResult], in_flight: int = 1
) -> None:
    """Drive it to its end, with so many images under way at a time and each call as long as any other."""
    sequences = trial_source.trials(plan.settings, plan.done([]))
    running: list = []
    while True:
        while len(running) < in_flight and (sequence := next(sequences, None)) is not None:
            if (first := next(sequence, None)) is not None:
                running.append((sequence, first))
        if not running:
            return
        sequence, asked = running.pop(0)
        try:
            running.append((sequence, sequence.send(ask(*asked))))
        except StopIteration:
            continue
