"""MAPIE 1.6 controls risks too. It agrees where it is right; two of its defects are shown, so that we notice when they go.

- A threshold that accepts no image gets a NaN for a p-value. Holm's rule takes that for the smallest and ends at once,
  and a fixed sequence starts from the wrong end.
- Counts are had back as ``ceil(n * risk)`` from a risk in floating point, which may be one wrong answer too many.
"""

import warnings

import numpy as np
import pandas as pd
import pytest
from mapie.metrics.calibration import expected_calibration_error
from mapie.risk_control import BinaryClassificationController
from mapie.risk_control.methods import compute_hoeffding_bentkus_p_value, get_r_hat_plus
from scipy.stats import binom

from toolkit.stats import pick_threshold
from toolkit.stats._comparison.paired import holm
from toolkit.stats._thresholds.reliability import ece
from toolkit.stats._thresholds.risk_tests import hoeffding_bentkus_p, risk_p

MAX_RISK, DELTA = 0.05, 0.10
GRID = np.linspace(0.5, 0.95, 10)


@pytest.fixture(scope="module")
def images():
    """Confidences below 0.97, and which answers are right: surer ones more often."""
    rng = np.random.default_rng(0)
    confidence = 0.97 * rng.beta(4, 1, 3000)
    return confidence, rng.random(3000) < 0.75 + 0.25 * confidence**2


def counts_of(images, grid):
    confidence, right = images
    taken = confidence[:, None] >= grid
    return taken.sum(axis=0), (taken & ~right[:, None]).sum(axis=0)


def controlled_by_mapie(images, grid, method):
    """Thresholds that MAPIE declares valid for precision, and its p-values."""
    confidence, right = images
    controller = BinaryClassificationController(
        lambda x: np.column_stack([1 - x, x]),
        "precision",
        1 - MAX_RISK,
        1 - DELTA,
        list_predict_params=grid,
        fwer_method=method,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns when it finds nothing, and of means of nothing
        controller.calibrate(confidence, right.astype(int))
    return np.sort(np.asarray(controller.valid_predict_params, float)), controller.p_values.ravel()


def exactly(n, k):
    """Whether MAPIE's way through floating point gives the count back."""
    return np.ceil(n * (1 - (n - k) / n)) == k


def test_p_values_of_counts_are_mapies_but_for_its_rounding(images):
    """Where its count is right the p-value is ours; where it is one too many, it is ours for one wrong answer more."""
    accepted, wrong = counts_of(images, GRID)
    _, p = controlled_by_mapie(images, GRID, "bonferroni")
    counted = wrong + ~exactly(accepted, wrong)
    np.testing.assert_allclose(p, risk_p(counted, accepted, MAX_RISK), rtol=1e-9)


def test_the_count_that_mapie_takes_from_a_risk_of_three_tenths():
    """Three wrong of ten, given as 1 - 0.7, are counted as four: the second defect."""
    theirs = compute_hoeffding_bentkus_p_value(np.array([1 - 0.7]), 10, 0.5, binary=True)[0, 0]
    assert theirs == pytest.approx(binom.cdf(4, 10, 0.5)) == pytest.approx(0.377, abs=1e-3)
    assert risk_p(3, 10, 0.5) == pytest.approx(binom.cdf(3, 10, 0.5)) == pytest.approx(0.172, abs=1e-3)


@pytest.mark.parametrize("alpha", [0.02, 0.1, 0.4])
def test_bounds_for_any_loss_are_mapies(alpha):
    """Hoeffding and Bentkus for losses between 0 and 1 are the same numbers."""
    rng = np.random.default_rng(1)
    n = 240
    lost = np.r_[0.0, rng.random(60) * n * alpha * 2]
    theirs = compute_hoeffding_bentkus_p_value(lost / n, n, alpha)[:, 0]
    np.testing.assert_allclose(hoeffding_bentkus_p(lost, n, alpha), theirs, rtol=1e-9)


def test_families_are_controlled_alike(images):
    """Bonferroni, Holm and the fixed sequence pass the same thresholds as MAPIE, where all accept something."""
    accepted, wrong = counts_of(images, GRID)
    p = risk_p(wrong + ~exactly(accepted, wrong), accepted, MAX_RISK)
    by_bonferroni, _ = controlled_by_mapie(images, GRID, "bonferroni")
    np.testing.assert_allclose(by_bonferroni, GRID[p <= DELTA / GRID.size])
    by_holm, _ = controlled_by_mapie(images, GRID, "bonferroni_holm")
    np.testing.assert_allclose(by_holm, GRID[holm(p) <= DELTA])
    assert 0 < by_bonferroni.size < GRID.size


def curve_of(images, grid):
    accepted, wrong = counts_of(images, grid)
    return pd.DataFrame({"threshold": grid, "images": 3000, "accepted": accepted, "wrong": wrong})


@pytest.mark.parametrize("method", ["fixed_sequence", "holm"])
def test_an_empty_threshold_stops_mapie_and_not_us(images, method):
    """One more candidate, which accepts nothing, leaves MAPIE without any valid threshold: the first defect."""
    theirs = {"fixed_sequence": "fixed_sequence", "holm": "bonferroni_holm"}[method]
    wider = np.append(GRID, 0.99)
    assert controlled_by_mapie(images, GRID, theirs)[0].size > 0
    valid, p = controlled_by_mapie(images, wider, theirs)
    assert valid.size == 0
    assert np.isnan(p[-1])
    choice = pick_threshold(curve_of(images, wider), MAX_RISK, 1 - DELTA, method=method)
    assert choice.threshold == pick_threshold(curve_of(images, GRID), MAX_RISK, 1 - DELTA, method=method).threshold
    assert choice.status == "controlled"


def test_the_average_promise_is_conformal_risk_control(images):
    """The bound of method "mean" is MAPIE's, and the loosest threshold that meets it is taken."""
    confidence, right = images
    losses = (confidence[:, None] >= GRID) & ~right[:, None]
    _, bound = get_r_hat_plus(losses.astype(float), GRID, "crc", None, None, None)
    for target in (0.03, 0.06, 0.1):
        choice = pick_threshold(curve_of(images, GRID), target, method="mean")
        assert choice.threshold == GRID[bound <= target].min()


@pytest.mark.parametrize("bins", [5, 15, 40])
def test_ece_equals_mapie(images, bins):
    """Expected calibration error over bins of equal width."""
    confidence, right = images
    theirs = expected_calibration_error(right.astype(int), confidence, num_bins=bins, split_strategy="uniform")
    assert ece(confidence, right, bins) == pytest.approx(theirs, abs=1e-9)
