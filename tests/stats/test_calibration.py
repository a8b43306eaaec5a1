import numpy as np
import pandas as pd
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss

from toolkit.errors import SettingError
from toolkit.stats import calibrated, calibration
from toolkit.stats._thresholds.reliability import ece


def engine(n, seed=0, sharpen=1.0, digits=None):
    """An engine whose confidence is a probability, or, sharpened, too sure of itself."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(6, 2, n)
    confidence = chance**sharpen / (chance**sharpen + (1 - chance) ** sharpen)
    return pd.DataFrame(
        {
            "setting": "engine()",
            "sample": np.arange(n),
            "outcome": np.where(rng.random(n) < chance, "correct", "wrong"),
            "confidence": confidence if digits is None else np.round(confidence, digits),
        }
    )


@pytest.mark.parametrize("digits", [None, 1, 2])
def test_the_brier_score_falls_into_its_parts(digits):
    """Score and isotonic fit are scikit-learn's, ties pooled, and the three parts add up."""
    frame = engine(500, digits=digits)
    right = (frame["outcome"] == "correct").to_numpy()
    found = calibration(frame)
    assert found.brier == pytest.approx(brier_score_loss(right, frame["confidence"]))
    fit = IsotonicRegression().fit_transform(frame["confidence"], right)
    after = brier_score_loss(right, np.clip(fit, 0, 1))
    assert found.miscalibration == pytest.approx(found.brier - after)
    assert found.uncertainty == pytest.approx(right.mean() * (1 - right.mean()))
    assert found.brier == pytest.approx(found.miscalibration - found.discrimination + found.uncertainty)
    for _, row in found.table.iterrows():
        inside = frame["confidence"].between(row["confidence_low"], row["confidence_high"])
        assert row["accuracy"] == pytest.approx(fit[inside].mean())
        assert row["answers"] == inside.sum()
    assert found.table["answers"].sum() == 500


def by_bins(confidence, right, bins=15):
    """ECE as a loop over bins that are open below and closed above."""
    edges = np.linspace(0, 1, bins + 1)
    total = 0.0
    for i in range(bins):
        inside = (confidence > edges[i]) & (confidence <= edges[i + 1])
        if i == 0:
            inside |= confidence == 0
        if inside.any():
            total += inside.sum() * abs(confidence[inside].mean() - right[inside].mean())
    return total / len(confidence)


def test_ece_equals_the_loop_over_bins():
    """Edges belong to the bin below, and 0 to the first."""
    rng = np.random.default_rng(1)
    confidence = np.r_[rng.random(200), np.arange(16) / 15, 0.0]
    right = rng.random(217) < confidence
    assert ece(confidence, right) == pytest.approx(by_bins(confidence, right), abs=1e-12)
    assert ece(confidence, right, bins=10) == pytest.approx(by_bins(confidence, right, 10), abs=1e-12)
    assert np.isnan(ece(np.zeros(0), np.zeros(0, bool)))


def test_a_calibrated_engine_shows_what_is_expected_of_it():
    """Its ECE is about the one it is given as reference, and nothing is far outside the band; a cocky one is found."""
    honest = [calibration(engine(600, seed), n_resamples=199) for seed in range(30)]
    shown, expected = np.mean([c.ece for c in honest]), np.mean([c.ece_if_calibrated for c in honest])
    assert shown == pytest.approx(expected, rel=0.1)
    assert expected > 0.02

    cocky = calibration(engine(600, sharpen=2.5))
    assert cocky.ece > 2 * cocky.ece_if_calibrated
    assert "have a confidence that is no probability" in cocky.explain()


def test_the_band_holds_a_calibrated_curve():
    """Where the engine is calibrated the fitted accuracy lies in the band about as often as the level says."""
    outside = answers = 0
    for seed in range(40):
        table = calibration(engine(400, seed), n_resamples=199).table
        miss = (table["accuracy"] < table["band_low"]) | (table["accuracy"] > table["band_high"])
        outside += table.loc[miss, "answers"].sum()
        answers += 400
    assert outside / answers < 0.12
    table = calibration(engine(400, sharpen=3)).table
    miss = (table["accuracy"] < table["band_low"]) | (table["accuracy"] > table["band_high"])
    assert table.loc[miss, "answers"].sum() / 400 > 0.4


def test_many_confidences_are_merged_for_the_band_only():
    """The curve and the scores are of all confidences; the simulated engine has fewer."""
    frame = engine(3000)
    found = calibration(frame, n_resamples=99)
    right = (frame["outcome"] == "correct").to_numpy()
    assert found.ece == pytest.approx(by_bins(frame["confidence"].to_numpy(), right))
    assert found.table["band_low"].is_monotonic_increasing
    assert (found.table["band_low"] <= found.table["band_high"]).all()


def test_a_fitted_confidence_is_a_probability_again():
    """The cross-fitted map repairs a cocky engine; a map fitted on its own images would look better than it is."""
    frame = engine(4000, sharpen=3)
    before, after = calibration(frame), calibration(calibrated(frame))
    assert after.miscalibration < before.miscalibration / 5
    assert after.ece < 2.5 * after.ece_if_calibrated

    small = engine(60, sharpen=3)
    right = (small["outcome"] == "correct").to_numpy()
    in_sample = IsotonicRegression().fit_transform(small["confidence"], right)
    honest = calibrated(small)["confidence"]
    assert brier_score_loss(right, np.clip(in_sample, 0, 1)) < brier_score_loss(right, np.clip(honest, 0, 1))


def test_rows_without_confidence_stay_without():
    """Only answered rows get a mapped confidence; other settings are left out when one is named."""
    frame = engine(50)
    frame.loc[3, "outcome"] = "no_answer"
    frame.loc[4, "confidence"] = np.nan
    both = pd.concat([frame, engine(50, 1).assign(setting="other()")])
    mapped = calibrated(both, "engine()")
    assert len(mapped) == 50
    assert mapped["confidence"].isna().to_numpy().nonzero()[0].tolist() == [3, 4]
    with pytest.raises(SettingError, match="3 answers are too few for 5 folds"):
        calibrated(engine(3))


def test_what_cannot_be_calibrated():
    """No answers, or a score that is no probability, are said to be so."""
    frame = engine(20)
    assert "nothing to calibrate" in calibration(frame.assign(outcome="no_answer")).explain()
    with pytest.raises(SettingError, match="only those in"):
        calibration(frame.assign(confidence=frame["confidence"] * 100))
