"""A threshold that limits the risk and answers enough, both at once."""

import numpy as np
import pytest
from scipy.stats import binom
from test_risk_control import curve_of
from worlds import World

from toolkit.errors import SettingError
from toolkit.stats import Choice, check_threshold, pick_threshold


def two_sided_world(coverage, alpha):
    """A first layer without errors, just short of the coverage, and with the second one just too risky."""
    first, second = coverage - 1e-4, 0.1
    return World(np.array([first, second]), np.array([0.0, (alpha + 1e-5) * (first + second) / second]))


def breaks_either(rule, runs=400):
    """How often a rule's threshold covers too little or is too risky, where no threshold keeps both."""
    world, rng = two_sided_world(0.6, 0.05), np.random.default_rng(4)
    assert world.true_risk[1] > 0.05
    assert np.cumsum(world.share)[0] < 0.6
    return np.mean([np.isfinite(rule(world.counts(4000, rng))) for _ in range(runs)])


def test_two_targets_are_kept_together():
    """Coverage and risk share the error: where no threshold keeps both, one is promised in one run of ten at most."""

    def both(method):
        return lambda curve: pick_threshold(curve, 0.05, 0.9, method=method, min_coverage=0.6).threshold

    limit = 0.10 + 2.5 * np.sqrt(0.1 * 0.9 / 400)
    assert breaks_either(both("fixed_sequence")) <= limit
    assert breaks_either(both("holm")) <= limit

    def each_at_the_full_error(curve):
        halved = pick_threshold(curve, 0.05, 0.8, method="fixed_sequence", min_coverage=0.6)
        return halved.threshold

    assert breaks_either(each_at_the_full_error) > limit


def test_the_larger_p_value_counts():
    """A candidate's p-value is that of the target it is farther from meeting; those that cover too little are passed over."""
    curve = curve_of([120, 300, 550, 650, 900], [0, 1, 3, 6, 80])
    choice = pick_threshold(curve, 0.05, 0.9, min_coverage=0.5)
    assert choice.table["accepted"].tolist() == [550, 650, 900]
    expected = [max(binom.cdf(w, a, 0.05), binom.sf(a - 1, 1000, 0.5)) for a, w in ((550, 3), (650, 6), (900, 80))]
    np.testing.assert_allclose(choice.table["p"], expected)
    assert (choice.accepted, choice.status) == (650, "controlled")
    assert "and at least 50.0 % accepted" in choice.explain()
    assert pick_threshold(curve, 0.05, 0.9, min_coverage=0.5, method="generalized").accepted == 650
    assert pick_threshold(curve, 0.05, 0.9, min_coverage=0.7).status == "none passed"

    new = World(np.array([0.4, 0.1]), np.array([0.01, 0.01])).outcomes(400, np.random.default_rng(0))
    kept = Choice(**{**vars(choice), "threshold": 0.995})
    found = check_threshold(kept, new)
    assert found.status == "broken"  # few wrong, and too few accepted
    assert found.p == pytest.approx(2 * binom.cdf(found.table["accepted"][0], 400, 0.5))
    assert "of 50.0 % at least" in found.explain()
    for bad in (0, 1.2):
        with pytest.raises(SettingError, match="min_coverage="):
            pick_threshold(curve, min_coverage=bad)
    with pytest.raises(SettingError, match="promises an average"):
        pick_threshold(curve, min_coverage=0.5, method="mean")
