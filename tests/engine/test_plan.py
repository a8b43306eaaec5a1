"""The plan: what is asked, in which order, and what a resumed run leaves out."""

from collections import Counter, defaultdict
from itertools import groupby, product

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from toolkit._engine.plan import Plan
from toolkit.types import Trial

PLANS = st.builds(
    Plan,
    settings=st.integers(1, 4).map(lambda n: tuple("abcd"[:n])),
    samples=st.integers(1, 12).map(lambda n: tuple(f"{i}.png" for i in range(n))),
    repeats=st.integers(1, 3),
    seed=st.integers(0, 2**40),
)


def frame(trials):
    """Trials as rows, as the reader of a log gives them."""
    return pd.DataFrame(list(trials), columns=Trial._fields)


def everything(plan):
    """All trials of a plan, by loops."""
    return [Trial(*key) for key in product(plan.settings, plan.samples, range(plan.repeats))]


def order(plan, done=(), settings=None):
    """The trials in the order in which they would be asked."""
    return [trial for trial, _ in plan.trials(settings or plan.settings, plan.done(frame(done)))]


@given(PLANS)
def test_every_trial_comes_once(plan):
    """The plan is the product of settings, samples and repeats, and `len` counts it."""
    assert Counter(order(plan)) == Counter(everything(plan))
    assert len(plan) == len(everything(plan))


@given(PLANS)
def test_positions_lead_to_the_samples(plan):
    """Each trial comes with the place of its image in the dataset."""
    for trial, position in plan.trials(plan.settings, plan.done(frame([]))):
        assert plan.samples[position] == trial.sample


@given(PLANS, st.data())
def test_a_resumed_plan_is_the_rest_in_the_same_order(plan, data):
    """Leaving out what is done moves nothing else, so a run in two parts asks as one in one part would."""
    done = set(data.draw(st.lists(st.sampled_from(everything(plan)))))

    assert order(plan, done) == [trial for trial in order(plan) if trial not in done]


@given(PLANS)
def test_settings_interleave(plan):
    """One image is read by all settings before the next begins: the drift of the day favours none."""
    groups = [list(group) for _, group in groupby(order(plan), key=lambda trial: (trial.sample, trial.repeat))]

    assert [sorted(trial.setting for trial in group) for group in groups] == [sorted(plan.settings)] * len(groups)
    assert len(groups) == len(plan.samples) * plan.repeats


@given(PLANS, st.data())
def test_lanes_share_the_plan_between_them(plan, data):
    """Asking for some settings gives their trials, with the images in the order that all have."""
    some = data.draw(st.lists(st.sampled_from(plan.settings), min_size=1, unique=True))
    theirs = order(plan, settings=some)

    assert Counter(theirs) == Counter(trial for trial in everything(plan) if trial.setting in some)
    pairs = dict.fromkeys((trial.sample, trial.repeat) for trial in order(plan))
    assert list(dict.fromkeys((trial.sample, trial.repeat) for trial in theirs)) == list(pairs)


def test_the_seed_decides_the_order():
    """The same seed gives the same order, another one another."""
    plans = [Plan(("a", "b"), tuple(map(str, range(50))), seed=seed) for seed in (3, 3, 4)]

    assert order(plans[0]) == order(plans[1]) != order(plans[2])


def test_each_setting_is_first_about_as_often():
    """Whoever reads an image first may find it cold; that must not be the same setting each time."""
    plan = Plan(("a", "b", "c"), tuple(map(str, range(900))))
    first = defaultdict(int)
    for _, group in groupby(order(plan), key=lambda trial: trial.sample):
        first[next(group).setting] += 1

    assert all(240 <= count <= 360 for count in first.values())  # 300 expected, standard deviation 14


@given(PLANS, st.data())
def test_done_counts_what_is_in_the_plan(plan, data):
    """Trials of another plan in a log, or the same one twice, are passed over."""
    known = data.draw(st.lists(st.sampled_from(everything(plan))))
    foreign = [
        Trial("other", plan.samples[0], 0),
        Trial(plan.settings[0], "other", 0),
        Trial(plan.settings[0], plan.samples[0], plan.repeats),
        Trial(plan.settings[0], plan.samples[0], -1),
    ]
    done = plan.done(frame([*known, *foreign, *known]))

    assert len(done) == len(set(known))
    for row, setting in enumerate(plan.settings):
        for position, repeat in product(range(len(plan.samples)), range(plan.repeats)):
            trial = Trial(setting, plan.samples[position], repeat)
            assert done.holds(row, position * plan.repeats + repeat) == (trial in known)
