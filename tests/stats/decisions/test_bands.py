"""Accept, review, reject: the bands are the best there are, keep the queue's capacity, and say their load."""

import itertools

import numpy as np
import pandas as pd
import pytest

from toolkit.errors import SettingError
from toolkit.stats import Reviewer, Utility, decision_bands, pick_threshold, thresholds


def outcomes_of(confidence, right):
    frame = pd.DataFrame({"confidence": confidence, "outcome": np.where(right, "correct", "wrong")})
    return frame.assign(setting="engine()", sample=range(len(frame)))


def drawn(n=120, seed=0, silent=15):
    rng = np.random.default_rng(seed)
    confidence = np.round(rng.random(n), 2)
    frame = outcomes_of(confidence, rng.random(n) < confidence)
    frame.loc[: silent - 1, ["outcome", "confidence"]] = ["no_answer", np.nan]
    return frame


def by_hand(frame, utility, reviewer, most):
    """The best pair of thresholds, by trying every pair."""
    confidence = frame["confidence"].to_numpy()
    right = (frame["outcome"] == "correct").to_numpy()
    answered = frame["outcome"].isin(["correct", "wrong"]).to_numpy()
    cuts = [*np.unique(confidence[answered]), np.inf]
    best = -np.inf
    for high, low in itertools.product(cuts, [-np.inf, *cuts]):
        if low > high:
            continue
        accepted = answered & (confidence >= high)
        reviewed = ~accepted & ((confidence >= low) | (low == -np.inf))
        if reviewed.sum() > most:
            continue
        worth = np.where(right, utility.value_correct, -utility.cost_wrong)[accepted].sum()
        e = reviewer.error_rate
        worth += reviewed.sum() * (utility.value_correct * (1 - e) - utility.cost_wrong * e - reviewer.cost)
        worth -= utility.cost_no_answer * (~accepted & ~reviewed).sum()
        best = max(best, worth / len(frame))
    return best


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("reviewer", "share"),
    [(Reviewer(cost=0.3, error_rate=0.02), 1.0), (Reviewer(cost=0.1, per_day=20), 0.2), (Reviewer(cost=9.0), 1.0)],
)
def test_no_other_pair_of_thresholds_is_worth_more(seed, reviewer, share):
    """Against all pairs, with and without a capacity, also where reviewing is too expensive."""
    frame, utility = drawn(seed=seed), Utility(cost_wrong=3, cost_no_answer=0.2)
    bands = decision_bands(thresholds(frame, utility=utility), reviewer, images_per_day=100)

    assert bands.utility == pytest.approx(by_hand(frame, utility, reviewer, int(len(frame) * share)))


def test_the_queue_keeps_its_capacity_and_takes_the_surest_of_the_rest():
    """20 of 100 a day: at most a fifth is reviewed, from just below the threshold of acceptance."""
    bands = decision_bands(
        thresholds(drawn(), utility=Utility(cost_wrong=50)), Reviewer(per_day=20), images_per_day=100
    )
    load = bands.table.set_index("decision").loc["review"]

    assert load["per_day"] <= 20
    assert load["per_day_low"] <= load["per_day"] <= load["per_day_high"]
    assert bands.review_from < bands.accept_from
    assert "Expected queue:" in bands.explain()


def test_the_shares_are_all_of_the_images():
    """What is not accepted and not reviewed is rejected; without an answer an image is reviewed only where all are."""
    frame = drawn()
    bands = decision_bands(thresholds(frame, utility=Utility(cost_wrong=5)), Reviewer(cost=0.1))

    assert bands.table["images"].sum() == len(frame)
    assert bands.review_from == -np.inf
    assert bands.table["share"].sum() == pytest.approx(1)


def test_a_guaranteed_risk_decides_what_is_accepted():
    """The threshold of acceptance is never looser than the one that can be guaranteed."""
    rng = np.random.default_rng(1)
    confidence = rng.random(2000)
    frame = outcomes_of(confidence, rng.random(2000) < 0.9 + 0.1 * confidence)
    curve = thresholds(frame, utility=Utility())  # wrong answers cost nothing: utility alone would accept all
    bands = decision_bands(curve, Reviewer(cost=0.1), max_risk=0.05, confidence_level=0.9)

    assert decision_bands(curve, Reviewer(cost=2.0)).accept_from == curve.table["threshold"].min()
    assert bands.accept_from >= pick_threshold(curve, 0.05, 0.9).threshold
    assert bands.choice is not None
    assert bands.choice.explain() in bands.explain()


def test_without_a_guarantee_nothing_is_accepted():
    """Too few images for the target: everything goes to the reviewer."""
    bands = decision_bands(thresholds(drawn(30, silent=0)), Reviewer(), max_risk=0.01)

    assert bands.accept_from == np.inf
    assert bands.table.set_index("decision").loc["review", "share"] == 1


@pytest.mark.parametrize(
    ("reviewer", "options", "said"),
    [
        ({"error_rate": 2}, {}, "error_rate=2 must be a share"),
        ({"cost": -1}, {}, "cost=-1 must be a number >= 0"),
        ({"per_day": 5}, {}, "images_per_day"),
        ({}, {"images_per_day": 0}, "images_per_day=0 must be above 0"),
        ({}, {"max_risk": 5}, "max_risk=5 must lie between 0 and 1"),
    ],
)
def test_what_makes_no_sense_is_refused(reviewer, options, said):
    """Each with the name of the argument, and what it must be."""
    curve = thresholds(drawn())
    with pytest.raises(SettingError, match=said):
        decision_bands(curve, Reviewer(**reviewer), **options)
