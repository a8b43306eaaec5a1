import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from toolkit.stats import risk_coverage_areas
from toolkit.stats._thresholds.risk_coverage import areas_of


def frame_of(confidence, right):
    return pd.DataFrame(
        {
            "setting": "engine()",
            "sample": np.arange(len(confidence)),
            "outcome": np.where(right, "correct", "wrong"),
            "confidence": confidence,
        }
    )


def drawn(n, seed=0, ties=False):
    rng = np.random.default_rng(seed)
    right = rng.random(n) < 0.8
    confidence = np.where(right, rng.beta(5, 2, n), rng.beta(2, 3, n))
    return np.round(confidence, 1) if ties else confidence, right


def by_the_book(confidence, right):
    """The trapezoids, written as loops over thresholds."""
    n = len(right)
    points = [(np.mean(confidence >= t), np.sum(~right[confidence >= t])) for t in np.unique(confidence)[::-1]]
    coverage, errors = np.array(points).T
    risk = errors / (coverage * n)
    aurc = np.trapezoid(np.r_[risk[0], risk], np.r_[0, coverage])
    augrc = np.trapezoid(np.r_[0, errors / n], np.r_[0, coverage])
    return aurc, augrc


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("n", [5, 60, 700])
def test_areas_are_those_of_the_loops(n, ties):
    """Trapezoids, their excess, the identity with AUROC, and scikit-learn's AUROC."""
    confidence, right = drawn(n, n, ties)
    found = risk_coverage_areas(frame_of(confidence, right))
    aurc, augrc = by_the_book(confidence, right)
    r = np.mean(~right)
    auroc = roc_auc_score(right, confidence)

    assert found["aurc"] == pytest.approx(aurc)
    assert found["augrc"] == pytest.approx(augrc)
    assert found["auroc"] == pytest.approx(auroc)
    assert found["augrc"] == pytest.approx((1 - auroc) * r * (1 - r) + r**2 / 2)
    assert found["eaugrc"] == pytest.approx(augrc - r**2 / 2)
    assert found["eaurc"] == pytest.approx(aurc - (r + (1 - r) * np.log(1 - r)))


def test_the_plain_mean_is_that_over_random_orders_of_ties():
    """Without ties it is the mean of running error rates; with ties, its average over the orders they may have."""
    confidence, right = drawn(80)
    order = np.argsort(-confidence)
    running = np.cumsum(~right[order]) / np.arange(1, 81)
    assert risk_coverage_areas(frame_of(confidence, right))["aurc_mean"] == pytest.approx(running.mean())

    confidence, right = drawn(80, ties=True)
    rng, means = np.random.default_rng(1), []
    for _ in range(4000):
        shuffled = rng.permutation(80)
        order = shuffled[np.argsort(-confidence[shuffled], kind="stable")]
        means.append(np.mean(np.cumsum(~right[order]) / np.arange(1, 81)))
    found = risk_coverage_areas(frame_of(confidence, right))["aurc_mean"]
    assert found == pytest.approx(np.mean(means), abs=4 * np.std(means) / np.sqrt(4000))


def test_a_perfect_order_has_no_excess():
    """With every wrong answer last nothing could be sorted better; with all wrong nothing can be sorted."""
    right = np.arange(50) < 40
    perfect = risk_coverage_areas(frame_of(np.linspace(1, 0, 50), right))
    assert perfect["eaurc_mean"] == pytest.approx(0, abs=1e-12)
    assert perfect["eaugrc"] == pytest.approx(0, abs=1e-12)
    assert perfect["auroc"] == 1
    wrong = risk_coverage_areas(frame_of(np.linspace(1, 0, 50), np.zeros(50, bool)))
    assert (wrong["aurc"], wrong["eaurc"], wrong["augrc"]) == pytest.approx((1, 0, 0.5))
    assert np.isnan(wrong["auroc"])


def test_known_figures_of_six_images():
    """The trapezoid convention and the plain mean differ on small data, each by its published value."""
    right = np.array([1, 1, 0, 1, 0, 1], bool)
    found = areas_of(right.astype(float), (~right).astype(float))
    assert found["aurc_mean"] == pytest.approx(np.mean([0, 0, 1 / 3, 1 / 4, 2 / 5, 2 / 6]))
    assert found["aurc"] < found["aurc_mean"]


def test_row_order_does_not_matter():
    """The same images in another order have the same areas, ties included."""
    frame = frame_of(*drawn(90, ties=True))
    expected = risk_coverage_areas(frame).table["value"]
    np.testing.assert_allclose(risk_coverage_areas(frame.iloc[::-1]).table["value"], expected)


def test_intervals_equal_the_plain_bootstrap():
    """Drawing cells of merged confidences gives the interval of drawing images, up to the noise of the draws."""
    confidence, right = drawn(600, 4)

    def augrc(index, axis):
        return np.array([by_the_book(confidence[i], right[i])[1] for i in np.atleast_2d(index)])

    expected = stats.bootstrap(
        (np.arange(600),), augrc, n_resamples=400, method="percentile", rng=np.random.default_rng(0), batch=50
    ).confidence_interval
    row = risk_coverage_areas(frame_of(confidence, right)).table.set_index("measure").loc["augrc"]
    width = expected.high - expected.low
    assert row["low"] == pytest.approx(expected.low, abs=0.12 * width)
    assert row["high"] == pytest.approx(expected.high, abs=0.12 * width)


def test_too_few_answers_have_no_interval():
    """One answer has areas and no interval; none has neither, and says so."""
    one = risk_coverage_areas(frame_of(np.array([0.5]), np.array([False])))
    assert one["aurc"] == 1
    assert one.table["low"].isna().all()
    none = risk_coverage_areas(frame_of(np.array([np.nan]), np.array([False])).assign(outcome="no_answer"))
    assert none.table["value"].isna().all()
    assert "no answers" in none.explain()
    assert "augrc" in risk_coverage_areas(frame_of(*drawn(50))).explain()
