import numpy as np
import pytest
from scipy import stats
from scipy.stats import binom
from statsmodels.stats.contingency_tables import cochrans_q
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep

from toolkit.errors import SettingError
from toolkit.stats._comparison.paired import bonett_price, cochran_q, holm, mcnemar, newcombe, tango
from toolkit.stats._comparison.sample_size import images_needed, images_needed_for_mean, power
from toolkit.stats._core.bootstrap import bca, cells_of, collapse, percentile, sign_flip_p, two_sided_p

DISCORDANT = [(0, 0), (1, 0), (0, 5), (3, 3), (2, 9), (40, 61), (700, 640)]


@pytest.mark.parametrize(("b", "c"), DISCORDANT)
def test_mcnemar_counts_half_of_what_was_seen(b, c):
    """The exact p-value is statsmodels'; mid-p counts the observed table by half."""
    exact = statsmodels_mcnemar([[5, b], [c, 5]], exact=True).pvalue if b + c else 1.0
    assert mcnemar(b, c, exact=True) == pytest.approx(exact)

    # Add up, by half where it is met, every table that is as far from even as the one observed.
    m, seen = b + c, abs(b - c)
    chance = binom.pmf(np.arange(m + 1), m, 0.5)
    distance = np.abs(2 * np.arange(m + 1) - m)
    expected = chance[distance > seen].sum() + chance[distance == seen].sum() / 2
    assert mcnemar(b, c) == pytest.approx(expected if m else 1.0)
    assert mcnemar(b, c) <= mcnemar(b, c, exact=True)


def test_newcombe_without_correlation_is_the_unpaired_interval():
    """Where the readers agree no more than by chance, pairing changes nothing, and statsmodels has the interval."""
    both, b, c, neither = 40, 20, 20, 10
    found = newcombe(both, b, c, neither)
    unpaired = confint_proportions_2indep(60, 90, 60, 90, method="newcomb")
    np.testing.assert_allclose(found, unpaired, atol=1e-9)

    agreeing = newcombe(55, 5, 5, 25)
    assert agreeing.high - agreeing.low < 0.7 * (unpaired[1] - unpaired[0])


@pytest.mark.parametrize(("b", "c", "n"), [(0, 0, 20), (20, 0, 20), (0, 20, 20), (5, 3, 40), (1, 0, 44), (9, 2, 32)])
def test_tango_ends_where_the_score_test_rejects(b, c, n):
    """Just inside its ends the score test accepts, just outside it rejects; the interval is symmetric in b and c."""
    low, high = tango(b, c, n)
    assert low <= (b - c) / n <= high
    np.testing.assert_allclose(tango(c, b, n), (-high, -low), atol=1e-9)

    def z_of(difference):
        linear, constant = -b - c + (2 * n - b + c) * difference, -c * difference * (1 - difference)
        q = (np.sqrt(linear**2 - 8 * n * constant) - linear) / (4 * n)
        return abs(b - c - n * difference) / np.sqrt(n * (2 * q + difference * (1 - difference)))

    for end, outwards in ((low, -1), (high, 1)):
        if abs(end) < 1:
            assert z_of(end + outwards * 1e-3) > 1.959964 > z_of(end - outwards * 1e-3)


def test_tango_without_discordant_images():
    """Twenty agreements leave room for z² / (n + z²) on either side."""
    z2 = stats.norm.ppf(0.975) ** 2
    np.testing.assert_allclose(tango(0, 0, 20), (-z2 / (20 + z2), z2 / (20 + z2)), rtol=1e-6)


def coverage(interval, n=60, only_first=0.16, only_second=0.06, both=0.7, runs=3000):
    """How often an interval holds the true difference, over drawn 2 x 2 tables."""
    tables = np.random.default_rng(4).multinomial(
        n, [both, only_first, only_second, 1 - both - only_first - only_second], runs
    )
    ends = np.array([interval(*table) for table in tables.astype(float)])
    truth = only_first - only_second
    return np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1]))


def test_paired_intervals_hold_their_level():
    """All three cover the true difference as often as they say; treating the images as different ones wastes half."""
    assert 0.94 <= coverage(newcombe) <= 0.97
    assert 0.94 <= coverage(lambda both, b, c, neither: bonett_price(b, c, both + b + c + neither)) <= 0.97
    assert 0.94 <= coverage(lambda both, b, c, neither: tango(b, c, both + b + c + neither), runs=600) <= 0.975

    def ignoring_pairs(both, b, c, neither):
        n = both + b + c + neither
        return confint_proportions_2indep(both + b, n, both + c, n, method="newcomb")

    alike = {"n": 200, "only_first": 0.06, "only_second": 0.02, "both": 0.75, "runs": 1000}
    assert 0.93 <= coverage(newcombe, **alike) <= 0.97
    assert coverage(ignoring_pairs, **alike) > 0.99


def test_mcnemar_keeps_its_promise_and_the_unpaired_test_is_blind():
    """With equal readers at most one test in twenty is significant; with unequal ones pairing sees what else is missed."""
    rng = np.random.default_rng(6)
    equal = rng.multinomial(200, [0.8, 0.06, 0.06, 0.08], 4000)
    assert np.mean(mcnemar(equal[:, 1], equal[:, 2]) < 0.05) <= 0.055

    unequal = rng.multinomial(400, [0.8, 0.09, 0.04, 0.07], 1000)
    seen = np.mean(mcnemar(unequal[:, 1], unequal[:, 2]) < 0.05)
    first, second = unequal[:, 0] + unequal[:, 1], unequal[:, 0] + unequal[:, 2]
    pooled = (first + second) / 800
    z = (first - second) / 400 / np.sqrt(2 * pooled * (1 - pooled) / 400)
    assert seen > np.mean(np.abs(z) > 1.96) + 0.2


def test_holm_equals_statsmodels_and_leaves_gaps():
    """Adjusted p-values are statsmodels'; a comparison that could not be made is not one of the family."""
    p = np.random.default_rng(0).random(12) ** 3
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])
    np.testing.assert_allclose(holm([0.02, np.nan, 0.01]), [0.02, np.nan, 0.02])
    assert holm([]).size == 0


def test_cochran_equals_statsmodels():
    """Q over several readers; without any disagreement there is nothing to test."""
    right = np.random.default_rng(1).random((80, 4)) < [0.9, 0.8, 0.85, 0.6]
    expected = cochrans_q(right.astype(int))
    statistic, freedom, p = cochran_q(right)
    assert (statistic, freedom, p) == pytest.approx((expected.statistic, 3, expected.pvalue))
    assert cochran_q(np.ones((5, 3), bool))[2] == 1.0


# ── bootstrap ────────────────────────────────────────────────────────────────────────────────────────────


def test_collapsing_keeps_every_image():
    """The cells, each as often as it counts, are the rows again."""
    columns = np.random.default_rng(2).integers(0, 3, (500, 3)).astype(float)
    cells, counts = collapse(columns)
    assert len(cells) <= 27
    expected = columns[np.lexsort(columns.T)]
    found = np.repeat(cells, counts, axis=0)
    np.testing.assert_array_equal(found[np.lexsort(found.T)], expected)


def test_bca_of_a_ratio_equals_scipy():
    """Drawing cells gives scipy's interval of drawing images, up to the noise of the draws."""
    rng = np.random.default_rng(3)
    length = rng.integers(4, 9, 300)
    edits = rng.poisson(0.2 * rng.gamma(0.5, 2, 300))
    expected = stats.bootstrap(
        (edits, length),
        lambda e, n, axis: e.sum(axis) / n.sum(axis),
        paired=True,
        n_resamples=9999,
        method="BCa",
        rng=np.random.default_rng(1),
    ).confidence_interval
    found = bca(lambda sums: sums[:, 0] / sums[:, 1], cells_of(edits, length))
    width = expected.high - expected.low
    np.testing.assert_allclose(found, expected, atol=0.03 * width)


def test_data_that_do_not_vary_have_no_bootstrap_interval():
    """All-equal images, one image or none: the ends are not known, rather than equal to the estimate."""
    for columns in (cells_of(np.zeros(9), np.ones(9)), cells_of([1.0], [2.0]), np.zeros((0, 2))):
        assert np.isnan(bca(lambda sums: sums[:, 0] / sums[:, 1], columns)).all()
    assert np.isnan(percentile(np.zeros(0), 0.95)).all()


def test_sign_flips_equal_scipy_permutations():
    """The test of paired differences is scipy's permutation test of samples."""
    d = np.random.default_rng(8).choice([-1, -0.5, 0, 0, 0.5, 1, 1], 40)
    expected = stats.permutation_test(
        (d, np.zeros(40)),
        lambda x, y, axis: (x - y).sum(axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=20_000,
        rng=np.random.default_rng(0),
    ).pvalue
    assert sign_flip_p(d, 20_000) == pytest.approx(expected, abs=0.01)
    assert sign_flip_p(np.zeros(5)) == 1.0
    assert two_sided_p(np.array([1.0, 2.0, 3.0])) == 0.5


# ── power ────────────────────────────────────────────────────────────────────────────────────────────────


def test_images_needed_give_the_power_they_promise():
    """At the number of images of the table, the mid-p test sees the difference about four times in five."""
    for difference, discordant in ((0.05, 0.10), (0.05, 0.20), (0.03, 0.05)):
        n = int(images_needed(difference, discordant))
        first, second = (discordant + difference) / 2, (discordant - difference) / 2
        tables = np.random.default_rng(n).multinomial(n, [first, second, 1 - discordant], 4000)
        assert 0.78 <= np.mean(mcnemar(tables[:, 0], tables[:, 1]) < 0.05) <= 0.83


def test_the_power_table():
    """Differences down, discordant shares across; what cannot be is open, and no difference is never found."""
    table = power()
    assert table.set_index("difference").loc[0.02, "discordant_0.1"] == 1960
    assert table.set_index("difference").loc[0.01].tolist() == [3923, 7847, 11771, 15696, 13495]
    assert np.isnan(power([0.1], [0.05])["discordant_0.05"][0])
    assert np.isinf(images_needed(0.0, 0.1))
    assert np.isinf(images_needed_for_mean(0.0, 1.0))
    with pytest.raises(SettingError, match=r"fit on top of accuracy=0\.9"):
        power([0.2])
    with pytest.raises(SettingError, match="power=80 is not between 0 and 1"):
        power(power=80)
