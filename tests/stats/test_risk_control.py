import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from test_thresholds import grid_outcomes
from worlds import WORLDS, World, even

from toolkit.errors import DatasetError, SettingError
from toolkit.stats import check_threshold, pick_threshold, thresholds
from toolkit.stats._thresholds.risk_tests import needed_to_start, risk_p

MAX_RISK, CONFIDENCE, RUNS = 0.05, 0.90, 300


def observed_rule(curve):
    """What is not offered: the loosest threshold whose observed risk is within the target."""
    below = curve[curve["wrong"] <= MAX_RISK * curve["accepted"]]
    return below["threshold"].min() if len(below) else np.nan


def violations(world, rule, truth, n=300):
    """How often a rule's threshold has a true risk above the target."""
    rng = np.random.default_rng(7)
    broken = 0
    for _ in range(RUNS):
        threshold = rule(world.counts(n, rng))
        broken += bool(np.isfinite(threshold) and truth[int(-threshold)] > MAX_RISK)
    return broken / RUNS


def by(method):
    return lambda curve: pick_threshold(curve, MAX_RISK, CONFIDENCE, method=method).threshold


LIMIT = 0.10 + 2.5 * np.sqrt(0.1 * 0.9 / RUNS)


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("method", ["fixed_sequence", "holm"])
def test_the_promise_about_accepted_answers_is_kept(name, method):
    """In every world the true risk exceeds the target in one choice of ten at most."""
    assert violations(WORLDS[name], by(method), WORLDS[name].true_risk) <= LIMIT


@pytest.mark.parametrize("name", WORLDS)
def test_the_promise_about_all_images_is_kept(name):
    """Wrong answers among all images stay within the target as often as promised."""
    world = WORLDS[name]
    assert violations(world, by("generalized"), world.true_generalized_risk) <= LIMIT


def test_the_lowest_threshold_with_low_observed_risk_breaks_the_same_promise():
    """The rule that is not offered is wrong most of the time where the target binds."""
    assert violations(WORLDS["flat"], observed_rule, WORLDS["flat"].true_risk) > 0.8
    assert violations(WORLDS["edge"], observed_rule, WORLDS["edge"].true_risk) > 0.3


def test_a_pointwise_test_of_every_threshold_breaks_it_too():
    """Picking the loosest of many tests without a sequence or a correction is not controlled."""

    def loosest_that_passes(curve):
        p = risk_p(curve["wrong"].to_numpy(), curve["accepted"].to_numpy(), MAX_RISK)
        return curve["threshold"][p <= 1 - CONFIDENCE].min()

    assert violations(WORLDS["flat"], loosest_that_passes, WORLDS["flat"].true_risk) > LIMIT


@pytest.mark.parametrize("name", WORLDS)
def test_the_average_promise_is_kept_on_average(name):
    """Over many draws the mean of wrong answers accepted among all images stays within the target."""
    world, rng = WORLDS[name], np.random.default_rng(2)
    risks = []
    for _ in range(RUNS):
        found = by("mean")(world.counts(200, rng))
        risks.append(world.true_generalized_risk[int(-found)] if np.isfinite(found) else 0.0)
    assert np.mean(risks) <= MAX_RISK + 2 * np.std(risks) / np.sqrt(RUNS)


def test_the_observed_share_of_all_images_breaks_both_promises():
    """The loosest threshold whose wrong answers are within the target here is not controlled, nor right on average."""

    def observed(curve):
        below = curve[curve["wrong"] <= MAX_RISK * curve["images"]]
        return below["threshold"].min() if len(below) else np.nan

    edge, hard = WORLDS["edge"], WORLDS["hard"]
    assert violations(edge, observed, edge.true_generalized_risk) > LIMIT
    rng = np.random.default_rng(2)
    worth = {"observed": observed, "mean": by("mean")}
    risks = {name: [] for name in worth}
    for _ in range(RUNS):
        curve = hard.counts(20, rng)  # so few images that the one added by the rule counts
        for name, rule in worth.items():
            found = rule(curve)
            risks[name].append(hard.true_generalized_risk[int(-found)] if np.isfinite(found) else 0.0)
    error = 2 * np.std(risks["observed"]) / np.sqrt(RUNS)
    assert np.mean(risks["mean"]) <= MAX_RISK + error
    assert np.mean(risks["observed"]) > MAX_RISK + error


def test_control_costs_coverage_but_not_much():
    """In the typical world a controlled threshold is found nearly always, and accepts most of what is possible."""
    world, rng = WORLDS["typical"], np.random.default_rng(5)
    choices = [pick_threshold(world.counts(1000, rng), MAX_RISK, CONFIDENCE) for _ in range(40)]
    oracle = np.cumsum(world.share)[np.flatnonzero(world.true_risk <= MAX_RISK)[-1]]
    assert np.mean([choice.status == "controlled" for choice in choices]) >= 0.95
    assert 0.8 * oracle < np.nanmean([choice.coverage for choice in choices]) < oracle


def test_the_start_allows_two_errors():
    """The first threshold tested is the strictest at which two wrong answers still pass."""
    for (alpha, delta), (two, none) in {
        (0.05, 0.10): (105, 45),
        (0.05, 0.05): (124, 59),
        (0.02, 0.10): (265, 114),
        (0.01, 0.05): (628, 299),
    }.items():
        assert (needed_to_start(alpha, delta), needed_to_start(alpha, delta, 0)) == (two, none)
        assert binom.cdf(2, two, alpha) <= delta < binom.cdf(2, two - 1, alpha)


def curve_of(accepted, wrong, images=1000):
    return pd.DataFrame(
        {"threshold": np.linspace(0.9, 0.1, len(accepted)), "images": images, "accepted": accepted, "wrong": wrong}
    )


def test_the_sequence_starts_late_and_stops_at_the_first_failure():
    """Thresholds that accept too few are skipped; after a failure nothing is tested, however good it looks."""
    curve = curve_of([50, 120, 200, 300, 500], [9, 0, 3, 30, 5])
    choice = pick_threshold(curve, MAX_RISK, CONFIDENCE)

    assert choice.table["accepted"].tolist() == [120, 200, 300]
    assert choice.table["passed"].tolist() == [True, True, False]
    np.testing.assert_allclose(choice.table["p"], binom.cdf([0, 3, 30], [120, 200, 300], MAX_RISK))
    assert (choice.threshold, choice.accepted, choice.wrong) == (pytest.approx(0.5), 200, 3)
    assert choice.status == "controlled"
    assert choice.p == pytest.approx(binom.cdf(3, 200, MAX_RISK))
    assert binom.cdf(3, 200, choice.risk_high) == pytest.approx(0.1)
    assert pick_threshold(curve, MAX_RISK, CONFIDENCE, method="holm").accepted == 500


def test_a_threshold_that_accepts_nothing_does_no_harm():
    """An empty threshold has p = 1 and is passed over; it neither ends the search nor turns it round."""
    curve = curve_of([0, 0, 120, 200], [0, 0, 0, 2])
    for method in ("fixed_sequence", "holm"):
        assert pick_threshold(curve, MAX_RISK, CONFIDENCE, method=method).accepted == 200
    assert risk_p(np.array([0]), np.array([0]), 0.05) == 1


def test_counts_are_compared_not_shares():
    """One threshold at ten images with three wrong has the p-value of three wrong, not of four."""
    assert risk_p(np.array([3]), np.array([10]), 0.5) == pytest.approx(binom.cdf(3, 10, 0.5))
    with pytest.raises(DatasetError, match="must be whole numbers"):
        pick_threshold(curve_of([0.5, 0.9], [0.1, 0.2]))


def test_what_cannot_be_promised_is_said():
    """Too few images come with how many it takes; a bad engine with the number of thresholds tried."""
    few = pick_threshold(curve_of([20, 60], [0, 1], images=80), MAX_RISK, CONFIDENCE)
    assert few.status == "too few"
    assert few.images_needed == 140  # 105 accepted at a coverage of three quarters
    assert np.isnan(few.threshold)
    assert "it takes about 140 images, there are 80" in few.explain()

    bad = pick_threshold(curve_of([200, 400], [60, 120]))
    assert bad.status == "none passed"
    assert "no threshold can be promised" in bad.explain()

    silent = pick_threshold(curve_of([0], [0]))
    assert silent.status == "too few"
    assert "answers, of which there were none" in silent.explain()


@pytest.mark.parametrize("method", ["generalized", "mean"])
def test_among_all_images_one_number_of_errors_decides(method):
    """The loosest threshold is taken up to which the wrong answers stay within the bound, found by trying all."""
    rng = np.random.default_rng(1)
    wrong = np.cumsum(rng.random(400) < 0.2)
    curve = curve_of(np.arange(1, 401), wrong)
    choice = pick_threshold(curve, MAX_RISK, CONFIDENCE, method=method)
    passes = binom.cdf(wrong, 1000, MAX_RISK) <= 0.1 if method == "generalized" else (wrong + 1) / 1001 <= MAX_RISK
    assert choice.accepted == np.flatnonzero(passes)[-1] + 1
    assert "of all images" in choice.explain()
    assert len(choice.table) <= 33


def test_the_sentence_states_guarantee_and_assumption():
    """A controlled choice says what it promises, for whom, on how many images, and what it takes for granted."""
    world = WORLDS["typical"]
    outcomes = world.outcomes(2000, np.random.default_rng(3))
    choice = pick_threshold(thresholds(outcomes, "engine()"), 0.05, 0.9)
    text = choice.explain()
    for part in (
        "engine(): from threshold 0.",
        "with 90 % confidence at most 5.00 % wrong of those accepted",
        "2,000",
    ):
        assert part in text
    assert "assumes that less confident answers are not the safer ones" in text
    assert choice.layers["accepted"].sum() == (outcomes["outcome"] != "no_answer").sum()
    assert "<table" in choice._repr_html_()


def test_a_confidence_that_misleads_is_noticed():
    """When the surest answers are the worst, the reader is told to use the method that does not mind."""
    upside_down = World(even(1.0), np.linspace(0.04, 0.0, 34))
    choice = pick_threshold(thresholds(upside_down.outcomes(4000, np.random.default_rng(0))), 0.05, 0.9)
    assert "use method='holm'" in choice.explain()


def test_slips_are_named():
    """Percentages given as whole numbers and unknown methods are refused."""
    with pytest.raises(SettingError, match="max_risk=5 and confidence"):
        pick_threshold(curve_of([10], [1]), 5)
    with pytest.raises(SettingError, match="method='lowest' is not one of fixed_sequence"):
        pick_threshold(curve_of([10], [1]), method="lowest")
    with pytest.raises(DatasetError, match="no column accepted, wrong"):
        pick_threshold(pd.DataFrame({"threshold": [0.1], "images": [3]}))


# ── check ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_kept_and_a_broken_target():
    """New images of the same source keep the target, those of a worse one break it, with the exact p-value."""
    world = WORLDS["typical"]
    choice = pick_threshold(thresholds(world.outcomes(2000, np.random.default_rng(3))), 0.05, 0.9)
    same = check_threshold(choice, world.outcomes(1500, np.random.default_rng(4)))
    worse = check_threshold(
        choice, World(world.share, np.minimum(4 * world.risk, 1)).outcomes(1500, np.random.default_rng(4))
    )

    assert same.status == "holds"
    assert "No sign that the target is broken" in same.explain()
    assert worse.status == "broken"
    row = worse.table.iloc[0]
    assert worse.p == pytest.approx(binom.sf(row["wrong"] - 1, row["accepted"], 0.05))
    assert row["risk_low"] > 0.05


def test_a_number_can_be_checked_too():
    """A threshold from elsewhere needs its target; one that accepts nothing shows nothing."""
    outcomes = WORLDS["typical"].outcomes(300, np.random.default_rng(4))
    assert check_threshold(0.99, outcomes, max_risk=0.05).status == "holds"
    nothing = check_threshold(1.5, outcomes, max_risk=0.05)
    assert nothing.status == "nothing accepted"
    assert "nothing is known" in nothing.explain()
    with pytest.raises(SettingError, match="max_risk=…"):
        check_threshold(0.9, outcomes)
    general = pick_threshold(thresholds(outcomes), 0.1, method="generalized")
    assert check_threshold(general, outcomes).table["risk"][0] == pytest.approx(general.wrong / 300)


def test_a_services_own_threshold_is_checked_at_the_setting_that_stands_for_it():
    """On a grid the loosest setting that is not looser than the threshold is held to the target."""
    frame = grid_outcomes(600)
    choice = pick_threshold(thresholds(frame, provider="capsolver", over="score"), 0.3, 0.9)
    assert choice.status == "controlled"
    asked = frame[frame["setting"].str.contains(f"score={choice.threshold}", regex=False)]
    row = check_threshold(choice, grid_outcomes(400, seed=1), provider="capsolver", over="score").table.iloc[0]
    alone = check_threshold(choice, asked, provider="capsolver", over="score").table.iloc[0]
    assert (alone["accepted"], alone["wrong"]) == (choice.accepted, choice.wrong)
    assert row["images"] == 400
    above = check_threshold(
        choice.threshold - 0.01, frame, provider="capsolver", over="score", max_risk=0.3
    ).table.iloc[0]
    assert above["accepted"] == choice.accepted
