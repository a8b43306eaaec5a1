import numpy as np
import pandas as pd
import pytest
from test_thresholds import grid_outcomes
from worlds import WORLDS

from toolkit.errors import SettingError
from toolkit.stats import Utility, best_threshold, thresholds
from toolkit.stats._core.bootstrap import bootstrap_sums

UTILITY = Utility(value_correct=1, cost_wrong=4)
WORLD = WORLDS["typical"]


def true_worth(world, utility):
    """What each number of accepted layers is worth an image, in truth."""
    right, wrong = np.cumsum(world.share * (1 - world.risk)), np.cumsum(world.share * world.risk)
    return utility.of(right, wrong)


@pytest.fixture(scope="module")
def simulated():
    """Choices on 120 draws of 300 images, as rows: is the true optimum in the set, and the three worths."""
    truth = true_worth(WORLD, UTILITY)
    rows = []
    for run in range(120):
        curve = thresholds(WORLD.outcomes(300, np.random.default_rng(run)))
        found = best_threshold(curve, UTILITY, n_resamples=499, repeats=1, seed=run)
        layer = np.round((1 - found.near_optimal) * 100).astype(int)
        chosen = int(np.round((1 - found.table["threshold"][found.table["behind"].idxmin()]) * 100))
        low, high = (round((1 - end) * 100) for end in found.stability)
        rows.append(
            {
                "in_set": truth.argmax() in layer,
                "chosen_is_best": truth.argmax() == chosen,
                "in_stability": high <= truth.argmax() <= low,
                "apparent": found.apparent,
                "honest": found.value,
                "true": truth[chosen],
                "size": found.near_optimal.size,
            }
        )
    return pd.DataFrame(rows)


def test_the_near_optimal_set_holds_the_best_threshold(simulated):
    """The set holds the true optimum as often as promised; the chosen threshold alone is rarely it."""
    assert simulated["in_set"].mean() >= 0.95
    assert simulated["chosen_is_best"].mean() < 0.5
    assert simulated["size"].mean() < 0.9 * WORLD.layers


def test_the_choice_of_other_draws_spreads_around_the_best(simulated):
    """The stability interval held the true optimum in this world, though nobody can promise that it does."""
    assert simulated["in_stability"].mean() >= 0.95


def test_cross_fitting_takes_the_flattery_out(simulated):
    """The apparent worth is above the true worth of the choice by more than chance; the cross-fitted is not."""
    error = 2.5 * (simulated["honest"] - simulated["true"]).std() / np.sqrt(len(simulated))
    assert (simulated["apparent"] - simulated["true"]).mean() > error
    assert (simulated["honest"] - simulated["true"]).mean() <= error
    assert (simulated["honest"] - simulated["true"]).mean() > -3 * error


def test_the_choice_is_the_highest_point_of_the_curve():
    """Utility by candidate is that of the curve; the threshold lies between two confidences, where nothing changes."""
    outcomes = WORLD.outcomes(500, np.random.default_rng(0))
    curve = thresholds(outcomes, utility=UTILITY)
    found = best_threshold(curve)
    np.testing.assert_allclose(found.table["utility"], curve.table["utility"])
    top = curve.table["utility"].idxmax()
    below, at = curve.table["threshold"][top - 1], curve.table["threshold"][top]
    assert found.threshold == pytest.approx((below + at) / 2)
    assert found.apparent == pytest.approx(curve.table["utility"].max())
    row = found.table.loc[top]
    assert row["near_optimal"]
    assert row["behind"] == 0
    assert found.break_even == pytest.approx(0.8)
    assert found.never == 0


def test_cells_are_the_images():
    """Intervals of utility are those of drawing the images themselves."""
    outcomes = WORLD.outcomes(400, np.random.default_rng(1))
    curve = thresholds(outcomes, utility=UTILITY)
    found = best_threshold(curve)
    place = 10
    worth = np.where(
        outcomes["confidence"] >= found.table["threshold"][place], np.where(outcomes["outcome"] == "correct", 1, -4), 0
    )
    rng = np.random.default_rng(2)
    means = worth[rng.integers(0, 400, (4000, 400))].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    assert found.table["utility_low"][place] == pytest.approx(low, abs=0.1 * (high - low))
    assert found.table["utility_high"][place] == pytest.approx(high, abs=0.1 * (high - low))


def test_a_service_keeps_its_setting_and_ties_go_to_the_lowest():
    """For a grid the choice is a setting that can be asked for; of equals, the one that answers most."""
    frame = grid_outcomes()
    found = best_threshold(thresholds(frame, provider="capsolver", over="score"), UTILITY)
    assert found.threshold in {0.8, 0.85, 0.9, 0.95, 1.0}
    free = best_threshold(thresholds(frame, provider="capsolver", over="score"), Utility(value_correct=0))
    assert free.threshold == 0.8
    assert free.near_optimal.size == 5


def test_unnested_answers_make_cells_too():
    """Images that a service treats without order are drawn as they are, with all their settings."""
    curve = thresholds(grid_outcomes(flips=range(40)), provider="capsolver", over="score")
    cells = curve.placement.cells(np.arange(5))
    accepted, wrong = curve.placement.counts()
    np.testing.assert_array_equal(cells.counts @ (cells.right + cells.wrong), accepted)
    np.testing.assert_array_equal(cells.counts @ cells.wrong, wrong)
    sums = bootstrap_sums(cells.wrong, cells.counts, 200, np.random.default_rng(0))
    assert np.abs(sums.mean(axis=0) - wrong).max() < 3


def test_at_most_so_many_candidates():
    """A curve of many confidences is thinned evenly in coverage, its ends included."""
    outcomes = WORLD.outcomes(3000, np.random.default_rng(5))
    rng = np.random.default_rng(6)
    outcomes["confidence"] += rng.random(3000) / 1000
    curve = thresholds(outcomes, utility=UTILITY)
    found = best_threshold(curve, points=20, n_resamples=99)
    assert len(found.table) == 20
    assert found.table["threshold"].iloc[0] == curve.table["threshold"].iloc[0]
    assert found.table["threshold"].iloc[-1] == curve.table["threshold"].iloc[-1]


def test_when_nothing_pays_it_is_said():
    """Harm beyond any value, no answers, or too few images each have their sentence."""
    outcomes = WORLDS["hard"].outcomes(300, np.random.default_rng(0))
    ruinous = best_threshold(thresholds(outcomes), Utility(cost_wrong=100))
    assert "no threshold pays" in ruinous.explain()
    silent = best_threshold(thresholds(outcomes.assign(outcome="no_answer")))
    assert np.isnan(silent.threshold)
    assert "no threshold is best" in silent.explain()
    text = best_threshold(thresholds(outcomes, utility=UTILITY)).explain()
    assert "on images that had no say in the choice" in text
    assert "would fall between" in text
    assert "were confidence a probability, it would be at 0.8." in text
    with pytest.raises(SettingError, match="folds=1 must be 2"):
        best_threshold(thresholds(outcomes), folds=1)
