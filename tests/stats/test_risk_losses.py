"""A threshold that limits a mean loss, such as the character error rate, in place of the share of wrong answers."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from test_risk_control import CONFIDENCE, LIMIT, RUNS, curve_of
from test_thresholds import grid_outcomes

from toolkit.errors import DatasetError, SettingError
from toolkit.stats import check_threshold, pick_threshold, thresholds
from toolkit.stats._thresholds.risk_tests import hoeffding_bentkus_p, mean_loss_bound, risk_p


def by_definition(lost, n, alpha):
    """Hoeffding's and Bentkus' bounds, written out for one sum of losses."""
    r = lost / n
    divergence = (r * np.log(r / alpha) if r else 0.0) + (1 - r) * np.log((1 - r) / (1 - alpha)) if r < alpha else 0.0
    return min(np.exp(-n * divergence), np.e * binom.cdf(np.ceil(lost), n, alpha))


@pytest.mark.parametrize(("lost", "n"), [(0, 50), (0.4, 50), (2.5, 200), (9.99, 200), (30.0, 200), (200.0, 200)])
def test_hoeffding_and_bentkus_bound_any_loss(lost, n):
    """The p-value is the smaller of the two bounds, one for nothing accepted, and exceeds the exact one of counts."""
    assert hoeffding_bentkus_p(lost, n, 0.05) == pytest.approx(by_definition(lost, n, 0.05))
    assert hoeffding_bentkus_p(0.0, 0, 0.05) == 1
    assert hoeffding_bentkus_p(np.ceil(lost), n, 0.05) >= risk_p(np.ceil(lost), n, 0.05) - 1e-15
    thirds = np.full(9, 1 / 3).sum()  # three, but for the last bit
    assert hoeffding_bentkus_p(thirds + 4e-16, 60, 0.05) == pytest.approx(by_definition(3, 60, 0.05))
    bound = mean_loss_bound(lost, n, 0.1)
    assert bound == 1 if lost == n else by_definition(lost, n, bound) == pytest.approx(0.1)


def graded_counts(n, rng, high=0.5):
    """A curve of ten layers, even in size, whose accepted answers lose a uniform share with a rising chance."""
    layer = rng.integers(0, 10, n)
    lost = np.where(rng.random(n) < np.linspace(0.02, 0.4, 10)[layer], rng.random(n) * 2 * high, 0.0)
    sums = [(layer <= k, k) for k in range(10)]
    rows = [(-k, n, inside.sum(), (lost[inside] > 0).sum(), lost[inside].sum()) for inside, k in sums]
    return pd.DataFrame(rows[::-1], columns=["threshold", "images", "accepted", "wrong", "loss"])


GRADED_TRUTH = np.cumsum(np.linspace(0.02, 0.4, 10) * 0.5) / np.arange(1, 11)


@pytest.mark.parametrize("method", ["fixed_sequence", "holm", "generalized"])
def test_the_promise_about_a_mean_loss_is_kept(method):
    """The true mean loss exceeds the target in one choice of ten at most; the observed mean breaks that promise."""
    truth = np.cumsum(np.linspace(0.02, 0.4, 10) * 0.05) if method == "generalized" else GRADED_TRUTH
    alpha = float(truth[5] - 1e-4)
    rng = np.random.default_rng(3)
    broken, naive = [], []
    for _ in range(RUNS):
        curve = graded_counts(400, rng)
        choice = pick_threshold(curve, alpha, CONFIDENCE, method=method)
        trials = curve["images"] if method == "generalized" else curve["accepted"]
        low = curve["threshold"][curve["loss"] <= alpha * trials].min()
        broken.append(choice.status == "controlled" and truth[int(-choice.threshold)] > alpha)
        naive.append(low == low and truth[int(-low)] > alpha)  # noqa: PLR0124 -- NaN
    assert np.mean(broken) <= LIMIT
    assert np.mean(naive) > LIMIT


@pytest.mark.parametrize("loss", ["cer", "ned"])
def test_a_curve_of_another_loss_sums_it_over_the_accepted(loss):
    """Every threshold has the losses of the answers it accepts, engine or service, and the choice is about them."""
    frame = graded_outcomes(3000)
    curve = thresholds(frame, loss=loss)
    lost = frame["ned"] if loss == "ned" else np.minimum(frame["edits"] / frame["target_length"], 1)
    for _, row in curve.table.iterrows():
        inside = lost[frame["confidence"] >= row["threshold"]]
        assert row["loss"] == pytest.approx(inside.sum())
        assert row["mean_loss"] == pytest.approx(inside.mean())
    choice = pick_threshold(curve, 0.05, 0.9)
    assert choice.status == "controlled"
    assert choice.risk <= choice.risk_high <= 0.05
    assert by_definition(choice.lost, choice.accepted, 0.05) == pytest.approx(choice.p)
    assert choice.p <= 0.1
    assert "loss" in choice.table
    assert "mean " in choice.explain()
    assert choice.coverage > pick_threshold(thresholds(frame), 0.05, 0.9).coverage  # few characters are wrong

    again = check_threshold(choice, graded_outcomes(2000, seed=1))
    assert again.status == "holds"
    assert "with a mean" in again.explain()
    worse = graded_outcomes(2000, seed=1, factor=6)
    assert check_threshold(choice, worse).status == "broken"


def graded_outcomes(n, seed=0, factor=1.0):
    """Texts of five characters of which the surer ones have fewer errors."""
    rng = np.random.default_rng(seed)
    confidence = rng.integers(1, 30, n) / 30
    edits = rng.binomial(5, np.minimum(0.12 * factor * (1.05 - confidence), 1)).astype(float)
    return pd.DataFrame(
        {
            "setting": "engine()",
            "sample": np.arange(n),
            "outcome": np.where(edits == 0, "correct", "wrong"),
            "confidence": confidence,
            "edits": edits,
            "target_length": 5,
            "ned": edits / 5,
        }
    )


def test_a_services_losses_are_those_of_its_shared_images():
    """On a grid each setting sums the losses of its own answers, on the images that count at all settings."""
    frame = grid_outcomes(300)
    frame["ned"] = np.where(frame["outcome"] == "wrong", 0.25, 0.0)
    frame.loc[frame.index[:20], "outcome"] = "error"
    table = thresholds(frame, provider="capsolver", over="score", loss="ned").table
    np.testing.assert_allclose(table["loss"], 0.25 * table["wrong"])
    assert (table["images"] == 280).all()


def test_a_loss_has_to_be_known_and_bounded():
    """An unknown loss, a missing column, sums beyond one an image: each is named."""
    frame = graded_outcomes(50)
    with pytest.raises(SettingError, match="loss='wer' is not one of wrong, cer, ned"):
        thresholds(frame, loss="wer")
    with pytest.raises(DatasetError, match="no column edits"):
        thresholds(frame.drop(columns="edits"), loss="cer")
    with pytest.raises(DatasetError, match="losses between 0 and 1"):
        pick_threshold(curve_of([10, 20], [1, 2]).assign(loss=[30.0, 1.0]))
    own = pick_threshold(curve_of([100, 400], [1, 2]).assign(loss=[0.5, 1.0]), 0.05)
    assert own.explain().startswith("this provider: from threshold 0.1 on, with 90 % confidence a mean loss of at most")
    with pytest.raises(SettingError, match="whose loss has no name"):
        check_threshold(own, frame)
