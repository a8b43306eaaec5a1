import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from toolkit.errors import SettingError
from toolkit.stats._core.intervals import (
    clopper_pearson,
    clustered_wilson,
    effective_trials,
    fieller,
    harrell_davis,
    jeffreys,
    quantile_interval,
    wilson,
)

COUNTS = [(k, n) for n in (1, 2, 7, 30, 200) for k in {0, 1, n // 3, n - 1, n}]


@pytest.mark.parametrize("confidence_level", [0.8, 0.95, 0.999])
@pytest.mark.parametrize(
    ("interval", "reference"), [(wilson, "wilson"), (clopper_pearson, "beta"), (jeffreys, "jeffreys")]
)
def test_share_intervals_equal_statsmodels(interval, reference, confidence_level):
    """The three intervals are those of the run_state, at all counts but the two ends that Jeffreys is fixed at."""
    k, n = np.array(COUNTS).T
    low, high = interval(k, n, confidence_level)
    expected_low, expected_high = proportion_confint(k, n, 1 - confidence_level, method=reference)
    if reference == "jeffreys":
        expected_low[k == 0], expected_high[k == n] = 0, 1

    np.testing.assert_allclose(low, expected_low, atol=1e-12)
    np.testing.assert_allclose(high, expected_high, atol=1e-12)
    assert not low[k == 0].any()
    assert (high[k == n] == 1).all()


def wald(k, n, confidence_level=0.95):
    """What is not offered: the normal interval around the observed share."""
    reach = stats.norm.ppf((1 + confidence_level) / 2) * np.sqrt(k / n * (1 - k / n) / n)
    return k / n - reach, k / n + reach


def enumerated_coverage(interval, n):
    """How often each of many true shares is covered, over all outcomes of n images with their exact chances."""
    k, shares = np.arange(n + 1), np.linspace(0.01, 0.99, 197)
    low, high = interval(k, np.full(n + 1, n))
    inside = (low <= shares[:, None]) & (shares[:, None] <= high)
    return (stats.binom.pmf(k, n, shares[:, None]) * inside).sum(axis=1)


@pytest.mark.parametrize("n", [10, 30, 100])
def test_intervals_of_shares_hold_their_level(n):
    """Wilson and Jeffreys cover on average, Clopper and Pearson always; the normal interval does neither."""
    assert enumerated_coverage(wilson, n).mean() >= 0.945
    assert enumerated_coverage(jeffreys, n).mean() >= 0.945
    assert enumerated_coverage(clopper_pearson, n).min() >= 0.95
    assert enumerated_coverage(wald, n).mean() < 0.94


@pytest.mark.parametrize("interval", [wilson, clopper_pearson, jeffreys])
def test_a_share_of_nothing_has_no_interval(interval):
    """No trial, no bounds: neither 0 nor 1 is known."""
    assert np.isnan(interval(0, 0)).all()
    low, high = interval([0, 3], [0, 4])
    assert np.isnan([low[0], high[0]]).all()
    assert low[1] < 0.75 < high[1]
    assert isinstance(interval(3, 4).low, float)


def test_impossible_arguments_are_refused():
    """More successes than trials, a level of 95 or a quantile of 1 are slips, and are named."""
    with pytest.raises(SettingError, match="successes must lie between 0"):
        wilson(5, 4)
    with pytest.raises(SettingError, match=r"confidence_level=95 is not between 0 and 1"):
        wilson(1, 4, 95)
    with pytest.raises(SettingError, match=r"quantile=95 is not between 0 and 1; 0.95 is p95"):
        harrell_davis([1.0], 95)


def test_unanimous_repeats_add_nothing():
    """Three equal readings of each image give the interval of one reading of each."""
    right = np.array([1, 1, 0, 1, 1, 0, 1, 1, 1, 1])

    assert effective_trials(3 * right, np.full(10, 3)) == pytest.approx(10)
    np.testing.assert_allclose(clustered_wilson(3 * right, np.full(10, 3)), wilson(8, 10))
    np.testing.assert_allclose(clustered_wilson(right, np.ones(10)), wilson(8, 10))
    np.testing.assert_allclose(clustered_wilson(np.full(10, 3), np.full(10, 3)), wilson(10, 10))


def test_repeats_never_count_for_more_than_their_calls():
    """Images that are all right every second time scatter less than chance; no credit is taken for that."""
    assert 20 < effective_trials(np.full(20, 1), np.full(20, 2)) <= 40
    assert effective_trials(np.full(2000, 1), np.full(2000, 2)) == pytest.approx(4000, rel=0.01)


def simulated_coverage(interval, n_images, repeats, difficulty, runs=1500):
    """Share of simulated experiments, with images of unequal difficulty read several times, that cover the truth."""
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(runs):
        right = rng.binomial(repeats, rng.beta(*difficulty, n_images))  # the mean of either is 0.8
        low, high = interval(right, np.full(n_images, repeats))
        inside += low <= 0.8 <= high
    return inside / runs


@pytest.mark.parametrize("difficulty", [(1.6, 0.4), (8, 2)])
@pytest.mark.parametrize(("n_images", "repeats"), [(8, 10), (30, 10), (120, 3)])
def test_repeats_are_clusters(n_images, repeats, difficulty):
    """The clustered interval keeps its level where images differ, also with few images read often."""
    assert simulated_coverage(clustered_wilson, n_images, repeats, difficulty) >= 0.93


def test_taking_calls_for_images_is_too_sure():
    """The same check fails for the interval that counts every call as an image of its own."""

    def naive(right, trials):
        return wilson(right.sum(), trials.sum())

    assert simulated_coverage(naive, 120, 3, (1.6, 0.4)) < 0.88
    assert simulated_coverage(naive, 8, 10, (1.6, 0.4)) < 0.75


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("n", [1, 2, 5, 6, 35, 36, 71, 72, 367, 368, 5000])
def test_quantiles_equal_scipy(n, quantile):
    """Point and interval are scipy's, including where an end cannot be known."""
    values = np.random.default_rng(n).lognormal(size=n)
    expected = stats.quantile_test(values, p=quantile).confidence_interval(0.95)

    np.testing.assert_array_equal(quantile_interval(values, quantile), expected)
    expected = stats.mstats.hdquantiles(values, [quantile])[0] if n > 1 else values[0]
    assert harrell_davis(values, quantile) == pytest.approx(expected, rel=1e-9)


def test_a_quantile_is_covered_and_resampled_quantiles_fall_short():
    """Order statistics cover p95 of a hundred times as often as they say; percentiles of resampled quantiles do not."""
    rng = np.random.default_rng(1)
    truth = float(np.exp(stats.norm.ppf(0.95)))
    exact = resampled = 0
    for _ in range(500):
        times = rng.lognormal(size=100)
        low, high = quantile_interval(times, 0.95)
        exact += low <= truth <= high
        drawn = np.quantile(times[rng.integers(0, 100, (299, 100))], 0.95, axis=1)
        low, high = np.quantile(drawn, (0.025, 0.975))
        resampled += low <= truth <= high
    assert exact / 500 >= 0.95
    assert resampled / 500 < 0.925


@pytest.mark.parametrize(("quantile", "enough"), [(0.5, 6), (0.9, 36), (0.95, 72), (0.99, 368)])
def test_an_upper_end_takes_enough_values(quantile, enough):
    """One value less than enough leaves the end open instead of guessing it."""
    assert np.isfinite(quantile_interval(np.arange(enough), quantile)).all()
    assert np.isnan(quantile_interval(np.arange(enough - 1), quantile).high)


def test_quantiles_of_nothing_and_of_cut_off_times():
    """Without values nothing is known; with times cut off, what lies below the cut still is."""
    assert np.isnan(harrell_davis([], 0.5))
    assert np.isnan(quantile_interval([], 0.5)).all()
    times = np.r_[np.arange(1.0, 96), np.full(5, np.inf)]
    assert harrell_davis(times, 0.95) == 95
    assert harrell_davis(times, 0.99) == np.inf
    assert harrell_davis(times, 0.5) == pytest.approx(50.5, abs=0.1)
    assert quantile_interval(times, 0.95).high == np.inf


def test_repeats_widen_a_quantile_interval_to_that_of_the_images():
    """Equal times in all repeats are worth one time an image."""
    times = np.random.default_rng(5).lognormal(size=100)
    images = np.repeat(np.arange(100), 3)

    once = quantile_interval(times, 0.5)
    thrice = quantile_interval(np.repeat(times, 3), 0.5, images=images)
    naive = quantile_interval(np.repeat(times, 3), 0.5)
    assert thrice.low <= once.low * 1.0001
    assert once.high <= thrice.high * 1.0001
    assert naive.high - naive.low < 0.75 * (thrice.high - thrice.low)


def test_fieller_covers_a_ratio_of_means():
    """Cost per right answer, with unequal costs, is covered about as often as it says; half the reach is not."""
    rng = np.random.default_rng(3)
    covered = halved = 0
    for _ in range(2000):
        right = rng.random(120) < 0.8
        cost = rng.gamma(2, 0.001, 120) * (0.5 + right)
        truth = 0.002 * (0.5 + 0.8) / 0.8
        low, high = fieller(cost, right)
        middle = (low + high) / 2
        covered += low <= truth <= high
        halved += (low + middle) / 2 <= truth <= (high + middle) / 2
    assert 0.93 <= covered / 2000 <= 0.97
    assert halved / 2000 < 0.75


def test_fieller_says_when_it_knows_nothing():
    """One right answer in few images bounds no price; no right answer has none; equal rows have one exactly."""
    assert fieller([1, 1, 1, 1], [0, 0, 0, 1]) == (0.0, float("inf"))
    assert np.isnan(fieller([1, 1], [0, 0])).all()
    assert np.isnan(fieller([1], [1])).all()
    assert fieller([2, 2, 2], [1, 1, 1]) == pytest.approx((2, 2))
