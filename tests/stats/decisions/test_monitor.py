"""A policy at work: looking every day does not break the error rate; a change is seen; nothing is seen where there is none."""

import numpy as np
import pandas as pd
import pytest

from toolkit.errors import SettingError
from toolkit.stats import Cuts, Policy, checks_per_day, clopper_pearson, interval_so_far, monitor, shift_alarm

POLICY = Policy("engine()", Cuts(0.5), guarantee={"max_risk": 0.05})
RUNS = 300


def checked(wrong, confidence=0.9, **columns):
    frame = pd.DataFrame({"outcome": np.where(wrong, "wrong", "correct")})
    return frame.assign(setting="engine()", sample=range(len(frame)), text="x", confidence=confidence, **columns)


def alarms(rule, risk=0.05, n=400):
    """In how many series a rule that looks after every tenth answer ever calls the target broken."""
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(RUNS):
        wrong = np.cumsum(rng.random(n) < risk)
        found += any(rule(int(wrong[seen - 1]), seen) > 0.05 for seen in range(10, n + 1, 10))
    return found / RUNS


@pytest.mark.montecarlo
def test_looking_all_the_time_does_not_break_the_error_rate():
    """At a true risk of the target itself, "broken" is said in one series of twenty at most."""
    limit = 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / RUNS)

    assert alarms(lambda wrong, seen: interval_so_far(wrong, seen).low) <= limit


@pytest.mark.montecarlo
def test_an_interval_for_one_look_breaks_it():
    """The wrong rule: an exact interval that holds once, looked at again and again."""
    assert alarms(lambda wrong, seen: clopper_pearson(wrong, seen).low) > 0.08


def test_it_says_holds_broken_and_cannot_tell():
    """And how many more would tell."""
    rng = np.random.default_rng(0)
    few = monitor(POLICY, checked(np.zeros(20, bool)))
    more = int(few.table["more"][0])

    assert few.status == "cannot tell yet"
    assert monitor(POLICY, checked(np.zeros(20 + more, bool))).status == "holds"
    assert monitor(POLICY, checked(np.zeros(19 + more, bool))).status == "cannot tell yet"
    assert monitor(POLICY, checked(rng.random(300) < 0.3)).status == "broken"
    assert f"about {more:,} more would tell" in few.explain()


def test_only_what_the_policy_accepts_is_looked_at():
    """Answers below the threshold and failures say nothing about its risk."""
    frame = checked(np.ones(100, bool), confidence=np.where(np.arange(100) < 60, 0.4, 0.9))
    frame.loc[95:, "outcome"] = "error"

    assert monitor(POLICY, frame).table["checked"][0] == 35


def test_slices_are_watched_one_by_one():
    """A slice that breaks makes the whole broken, at a level that allows for their number."""
    policy = Policy(
        "engine()", Cuts(np.inf), by="source", slices={"a": Cuts(0.5), "b": Cuts(0.5)}, guarantee={"max_risk": 0.05}
    )
    frame = checked(np.arange(600) % 2 == 1, source=np.where(np.arange(600) % 2, "b", "a"))
    found = monitor(policy, frame)

    assert found.status == "broken"
    assert found.table["status"].tolist() == ["holds", "broken"]
    assert found.table["risk_high"][0] == interval_so_far(0, 300, confidence_level=0.975).high


def test_the_checks_of_a_day_give_the_margin():
    """After the days the interval is as narrow as was asked, and one answer fewer a day would not do."""
    days, margin = 30, 0.02
    each = checks_per_day(margin, days, expected_risk=0.02)

    def width(n):
        low, high = interval_so_far(round(0.02 * n), n)
        return high - low

    assert width(each * days) <= 2 * margin * 1.02
    assert width((each - 1) * days) > 2 * margin
    with pytest.raises(SettingError, match="margin=5"):
        checks_per_day(5, 30)
    with pytest.raises(SettingError, match="guarantees no risk"):
        monitor(Policy("engine()", Cuts(0.5)), checked(np.zeros(3, bool)))


def raised(draw, runs=RUNS):
    rng = np.random.default_rng(9)
    found = 0
    for run in range(runs):
        reference = rng.beta(8, 2, 200)
        found += shift_alarm(reference, draw(rng), confidence_level=0.9, seed=run).status == "shifted"
    return found / runs


@pytest.mark.montecarlo
def test_false_alarms_of_a_shift_are_rare_however_long_one_looks():
    """Unchanged confidences, also with many ties, raise an alarm in one series of ten at most."""
    limit = 0.1 + 2.5 * np.sqrt(0.09 / RUNS)

    assert raised(lambda rng: rng.beta(8, 2, 300)) <= limit
    rng = np.random.default_rng(1)
    tied = [
        shift_alarm(rng.integers(0, 4, 200), rng.integers(0, 4, 300), confidence_level=0.9, seed=i) for i in range(150)
    ]
    assert np.mean([one.status == "shifted" for one in tied]) <= 0.1 + 2.5 * np.sqrt(0.09 / 150)


@pytest.mark.montecarlo
def test_a_test_repeated_every_day_raises_false_alarms():
    """The wrong rule: a two-sample test at the same level, looked at after every tenth answer."""
    from scipy.stats import ks_2samp

    rng, found = np.random.default_rng(9), 0
    for _ in range(100):
        reference, new = rng.beta(8, 2, 200), rng.beta(8, 2, 300)
        found += any(ks_2samp(reference, new[:seen]).pvalue < 0.1 for seen in range(10, 301, 10))
    assert found / 100 > 0.2


def test_a_change_of_place_or_of_spread_is_seen():
    """Less confident answers, and answers that scatter more, soon raise the alarm."""
    assert raised(lambda rng: rng.beta(4, 4, 200), runs=40) > 0.95
    assert raised(lambda rng: np.where(rng.random(400) < 0.5, 0.99, 0.55), runs=40) > 0.9


def test_missing_confidences_are_passed_over():
    """And without a reference nothing can be said."""
    found = shift_alarm([0.5, np.nan, 0.6], [0.55, np.nan])

    assert found.table["seen"][0] == 1
    assert found.explain().startswith("No sign of a shift in 1 new confidences")
    with pytest.raises(SettingError, match="no reference"):
        shift_alarm([np.nan], [0.5])
