"""How a probe places images, driven by hand: interruptions, bounds, the audit, and stopping early."""

import contextlib

import numpy as np
import pandas as pd
import pytest
from agenda_by_hand import Service, agenda_of, follow, plan_of
from hypothesis import given
from hypothesis import strategies as st

from toolkit._engine.driver import AttemptResult
from toolkit.errors import TransportError
from toolkit.stats import can_stop
from toolkit.types import Trial


@given(
    truth=st.lists(st.integers(0, 5), min_size=1, max_size=12),
    strategy=st.sampled_from(["descending", "tree", "bisection", "ascending"]),
    cut=st.integers(0, 60),
    fails=st.sets(st.integers(0, 60), max_size=5),
)
def test_every_strategy_finds_every_place_whatever_interrupts(
    truth: list[int], strategy: str, cut: int, fails: set[int]
) -> None:
    """After an interruption and failures the log alone leads to the true places, within each strategy's calls."""
    plan = plan_of(len(truth), 5)
    service = Service(plan, truth)

    def ask_until_cut(trial: Trial, position: int) -> AttemptResult:
        if len(service.calls) >= cut:
            raise InterruptedError
        if len(service.calls) in fails:
            service.calls.append(trial)
            return AttemptResult(0.0, error=TransportError("cut"))
        return service(trial, position)

    with contextlib.suppress(InterruptedError):
        follow(agenda_of(plan, service.log, strategy, most=3), plan, ask_until_cut, in_flight=3)
    resumed = agenda_of(plan, service.log, strategy, most=3)
    follow(resumed, plan, service)

    assert [resumed.places[position] for position in range(len(truth))] == truth
    assert strategy != "descending" or max(service.paid.values(), default=0) <= 1
    if strategy == "tree" and not fails:
        calls = [trial.sample for trial in service.calls]
        assert max(calls.count(sample) for sample in plan.samples) <= 3


def test_task_that_the_service_holds_is_asked_for_first() -> None:
    """It may be paid for already, so it is asked for whatever the plan would do now, and by the same setting."""
    plan = plan_of(40, 8)
    service = Service(plan, [4] * 40)
    held = Trial("s2", "i7", 0)

    trial_source = agenda_of(plan, {}, "tree", to_collect=(held,))
    follow(trial_source, plan, service, in_flight=4)

    assert service.calls[0] == held
    assert service.calls.count(held) == 1
    assert set(trial_source.places.values()) == {4}


def test_bound_on_calls_leaves_no_image_half_way_and_favours_none() -> None:
    """Whatever was begun is finished, the bound is used up but for less than one image's calls, and is never passed."""
    rng = np.random.default_rng(4)
    plan = plan_of(400, 20)
    places = rng.integers(0, 21, 400)
    for bound in (5, 20, 300, 1000):
        service = Service(plan, places.tolist())
        trial_source = agenda_of(plan, {}, max_calls=bound)
        follow(trial_source, plan, service, in_flight=16)

        assert {f"i{position}" for position in trial_source.places} == {trial.sample for trial in service.calls}
        assert bound - 20 < len(service.calls) <= bound or (bound < 20 and not service.calls)
        in_order = np.random.default_rng(plan.seed).permutation(400).tolist()
        assert set(trial_source.places) == set(in_order[: len(trial_source.places)])


def test_audit_that_fails_begins_no_other_image() -> None:
    """Six flips of a hundred rule placing out: what is under way ends, the hundred are asked again, the rest is not."""
    plan = plan_of(1000, 10)
    sound = Service(plan, [5] * 1000)
    follow(agenda_of(plan, sound.log, audit=100), plan, sound, in_flight=16)
    assert sum(trial.repeat for trial in sound.calls) == 200
    assert len({trial.sample for trial in sound.calls}) == 1000

    first = np.random.default_rng(plan.seed).permutation(1000).tolist()
    for flips, placed in ((5, 1000), (6, 100 + 16)):
        service = Service(plan, [5] * 1000, frozenset(first[10 : 10 + flips]))
        follow(agenda_of(plan, service.log, audit=100), plan, service, in_flight=16)
        assert len({trial.sample for trial in service.calls}) <= placed
        assert len({trial.sample for trial in service.calls if trial.repeat}) == 100

        asked = len(service.calls)
        follow(agenda_of(plan, service.log, audit=100), plan, service, in_flight=16)
        assert len(service.calls) == asked  # the log knows that the audit is done, and how it ended


def test_audit_replaces_images_that_fail() -> None:
    """A hundred are asked again for certain, with others in the place of those whose first or second asking failed."""
    plan = plan_of(300, 6)
    service = Service(plan, [3] * 300)
    first = np.random.default_rng(plan.seed).permutation(300).tolist()
    failing = {(first[5], 0), (first[6], 0), (first[50], 1)}

    def ask(trial: Trial, position: int) -> AttemptResult:
        return (
            AttemptResult(0.0, error=TransportError("cut"))
            if (position, trial.repeat) in failing
            else service(trial, position)
        )

    trial_source = agenda_of(plan, service.log, audit=100)
    follow(trial_source, plan, ask, in_flight=16)

    assert len({trial.sample for trial in service.calls if trial.repeat}) == 100
    assert trial_source.to_audit == 0
    assert len(trial_source.places) == 298


def test_question_sees_images_in_random_order_and_not_the_quick_ones_first() -> None:
    """With many under way those that take few calls are done early; a look at what is done would be misled by them."""
    rng = np.random.default_rng(8)
    places = rng.integers(0, 21, 600).tolist()
    plan = plan_of(600, 20, seed=5)
    order = np.random.default_rng(plan.seed).permutation(600).tolist()
    done_first: list[list[int]] = []
    looks: list[list[int]] = []

    def look(positions, found, texts, total):
        assert [places[position] for position in positions] == list(found)
        assert [text == "x" for text in texts] == [place > 0 for place in found]
        assert total == 600
        looks.append(list(positions))
        done_first.append(list(trial_source.places))
        return False

    trial_source = agenda_of(plan, {}, enough=look)
    follow(trial_source, plan, Service(plan, places), in_flight=100)

    assert looks
    assert all(positions == order[: len(positions)] for positions in looks)
    assert np.mean([places[p] for p in done_first[0]]) > 1.2 * np.mean(places)


# ── the promise of eps ───────────────────────────────────────────────────────────────────────────────────

IMAGES, GAP, EPS = 600, 0.05, 0.045
SURE = 60
"""Of 600 images 60 are accepted and right at both settings; the loose one accepts the others too, of which so many
more are wrong than right that choosing it loses `GAP` an image: just more than is allowed."""


def _worth(places, right):
    accepted = np.asarray(places)[:, None] >= np.arange(1, 3)
    return pd.DataFrame(np.where(accepted, np.where(right, 1.0, -1.0)[:, None], 0.0))


def _proven(seen: pd.DataFrame, total: int) -> str | None:
    found = can_stop(seen, total, eps=EPS, low=-1.0, high=1.0)
    return found.leader if found.status == "stop" else None


def _by_one_look(seen: pd.DataFrame, total: int) -> str | None:
    """The leader, once an ordinary 95 % bound on what it may lose is within eps: right for one look, made at all."""
    leader = seen.mean().idxmax()
    for rival in seen.columns.drop(leader):
        ahead = seen[leader] - seen[rival]
        if ahead.mean() - 1.645 * ahead.std() / np.sqrt(len(ahead)) < -EPS:
            return None
    return str(leader)


def _broken_promises(rule, trials: int) -> tuple[float, float]:
    """Share of probes that stopped at a setting more than eps an image behind, and the mean share of images used."""
    right = np.arange(IMAGES - SURE) < round((IMAGES - SURE - GAP * IMAGES) / 2)
    right = np.append(right, np.ones(SURE, bool))
    places = [1] * (IMAGES - SURE) + [2] * SURE
    means = _worth(places, right).mean()
    assert means.max() - means[0] == pytest.approx(GAP)
    broken = used = 0.0
    for seed in range(trials):
        chosen: list[str] = []

        def enough(positions, found, texts, total, chosen=chosen):
            leader = rule(_worth(found, right[list(positions)]), total)
            chosen += [] if leader is None else [leader]
            return leader is not None

        plan = plan_of(IMAGES, 2, seed)
        trial_source = agenda_of(plan, {}, enough=enough)
        follow(trial_source, plan, Service(plan, places), in_flight=16)
        broken += bool(chosen) and means.max() - means[int(chosen[0])] > EPS
        used += len(trial_source.places) / IMAGES
    return broken / trials, used / trials


def test_stopping_early_loses_no_more_than_eps_an_image_on_the_whole_dataset() -> None:
    """In nineteen probes of twenty; a bound for one look, taken whenever it pleases, breaks the same promise."""
    broken, used = _broken_promises(_proven, 80)
    assert broken <= 0.05
    assert used < 0.8
    assert _broken_promises(_by_one_look, 80)[0] > 0.05
