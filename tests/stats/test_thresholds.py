import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix
from statsmodels.stats.proportion import proportion_confint
from worlds import WORLDS

from toolkit.errors import DatasetError, SettingError
from toolkit.stats import Utility, thresholds


@pytest.fixture
def outcomes():
    frame = WORLDS["typical"].outcomes(500, np.random.default_rng(0))
    frame.loc[::50, "outcome"] = "error"
    frame.loc[7, "confidence"] = np.nan
    return frame


def test_each_row_is_what_that_threshold_does(outcomes):
    """Counts and shares are those of applying the threshold to the rows, with Wilson intervals."""
    curve = thresholds(outcomes, "engine()").table
    counted = outcomes[outcomes["outcome"] != "error"]
    answered = counted[counted["outcome"] != "no_answer"]

    assert curve["threshold"].tolist() == sorted(answered["confidence"].dropna().unique())
    assert (curve["images"] == len(counted)).all()
    for _, row in curve.iterrows():
        taken = answered["confidence"] >= row["threshold"]
        table = confusion_matrix(answered["outcome"] == "correct", taken, labels=[False, True])
        wrong, correct = table[:, 1]
        n, k = len(counted), wrong + correct
        assert (row["accepted"], row["correct"], row["wrong"]) == (k, correct, wrong)
        assert row["coverage"] == pytest.approx(k / n)
        assert row["accuracy_answered"] == pytest.approx(correct / k)
        assert row["risk"] == pytest.approx(wrong / k)
        assert row["accuracy_all"] == pytest.approx(correct / n)
        assert row["generalized_risk"] == pytest.approx(wrong / n)
        for name, successes, trials in (
            ("coverage", k, n),
            ("accuracy_answered", correct, k),
            ("accuracy_all", correct, n),
        ):
            low, high = proportion_confint(successes, trials, method="wilson")
            assert (row[f"{name}_low"], row[f"{name}_high"]) == pytest.approx((low, high))


def test_row_order_and_ties_change_nothing(outcomes):
    """Equal confidences enter together, so shuffling the rows gives the same curve."""
    expected = thresholds(outcomes).table
    pd.testing.assert_frame_equal(thresholds(outcomes.sample(frac=1, random_state=1)).table, expected)


def test_errors_can_count_as_misses(outcomes):
    """The policy changes the number of images, not the answers."""
    missed, excluded = thresholds(outcomes, errors="miss").table, thresholds(outcomes).table
    assert (missed["images"] == 500).all()
    assert missed["accepted"].tolist() == excluded["accepted"].tolist()


@pytest.mark.parametrize("charge", ["answered", "always", "correct"])
def test_money_and_worth_follow_the_charge_rule(outcomes, charge):
    """Spend, price of a right answer and utility are those of adding up the images one by one."""
    utility = Utility(value_correct=2, cost_wrong=3, cost_no_answer=0.5, price=0.1, charge=charge)
    curve = thresholds(outcomes, utility=utility)
    counted = outcomes[outcomes["outcome"] != "error"]
    right = counted["outcome"] == "correct"
    for _, row in curve.table.iloc[::7].iterrows():
        taken = counted["confidence"] >= row["threshold"]
        paid = 0.1 * {"answered": taken, "always": taken | True, "correct": taken & right}[charge]
        worth = np.where(taken, np.where(right, 2, -3), -0.5) - paid
        assert row["cost_usd"] == pytest.approx(paid.sum())
        assert row["utility"] == pytest.approx(worth.mean())
        assert row["cost_per_correct_usd"] == pytest.approx(paid.sum() / (taken & right).sum())
        assert row["cost_per_correct_usd_low"] <= row["cost_per_correct_usd"] <= row["cost_per_correct_usd_high"]
    nothing_charged = thresholds(outcomes).table
    np.testing.assert_allclose(nothing_charged["utility"], nothing_charged["accuracy_all"])


def test_break_even_is_where_an_answer_is_worth_as_much_as_none():
    """Chow's rule, checked by working out both sides."""
    for charge in ("answered", "always", "correct"):
        utility = Utility(value_correct=2, cost_wrong=3, cost_no_answer=0.5, price=0.1, charge=charge)
        q = utility.break_even
        answered = utility.of(np.array(q), np.array(1 - q))
        rejected = utility.of(np.array(0.0), np.array(0.0))
        assert answered == pytest.approx(rejected)
    assert Utility(value_correct=0).break_even == -np.inf
    with pytest.raises(SettingError, match="charge='never'"):
        Utility(charge="never")


def grid_outcomes(n=200, seed=0, flips=()):
    """A service asked at five scores; an image is answered up to its own level, always with the same text."""
    rng = np.random.default_rng(seed)
    confidence_level, right = rng.integers(0, 6, n), rng.random(n) < 0.8
    frames = []
    for place, score in enumerate([0.8, 0.85, 0.9, 0.95, 1.0]):
        answered = confidence_level > place
        if place == 2:
            answered = answered & ~np.isin(np.arange(n), flips)
        frames.append(
            pd.DataFrame(
                {
                    "setting": f"capsolver(module='common', score={score})",
                    "sample": np.arange(n),
                    "outcome": np.where(answered, np.where(right, "correct", "wrong"), "no_answer"),
                    "latency_s": 1.0 + place,
                    "cost_usd": np.where(answered, 0.001, 0.0),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def test_a_service_asked_at_each_setting_has_the_same_columns(outcomes):
    """A grid of settings gives one row a setting, from the recorded answers and the recorded money."""
    frame = grid_outcomes()
    curve = thresholds(frame, provider="capsolver", over="score")
    assert list(curve.table.columns) == list(thresholds(outcomes).table.columns)
    assert curve.table["threshold"].tolist() == [0.8, 0.85, 0.9, 0.95, 1.0]
    assert curve.violations == 0
    for _, row in curve.table.iterrows():
        rows = frame[
            frame["setting"].str.contains(f"score={row['threshold']:g}" + (r"\)" if row["threshold"] < 1 else r"\.0"))
        ]
        counts = rows["outcome"].value_counts()
        assert row["accepted"] == counts["correct"] + counts["wrong"]
        assert row["wrong"] == counts["wrong"]
        assert row["cost_usd"] == pytest.approx(rows["cost_usd"].sum())
        low, high = proportion_confint(counts["correct"], row["accepted"], method="wilson")
        assert row["cost_per_correct_usd_low"] == pytest.approx(0.001 / high)
        assert row["cost_per_correct_usd_high"] == pytest.approx(0.001 / low)
    slow = thresholds(frame, provider="capsolver", over="score", utility=Utility(cost_per_second=0.01)).table
    np.testing.assert_allclose(slow["accuracy_all"] - slow["utility"], 0.01 * np.arange(1, 6))


def test_unnested_answers_are_counted():
    """An image rejected at a looser setting than one that accepted it shows that chance decides too."""
    frame = grid_outcomes(flips=range(40))
    plain = grid_outcomes()
    accepted_above = plain[
        plain["setting"].str.contains("0.95") & (plain["sample"] < 40) & (plain["outcome"] != "no_answer")
    ]
    curve = thresholds(frame, provider="capsolver(module='common')", over="score")
    assert curve.violations == len(accepted_above) > 0
    assert "does not decide by its threshold alone" in curve.explain()


def test_the_shared_images_are_the_denominator():
    """An image that failed at one setting is left out at all of them."""
    frame = grid_outcomes()
    frame.loc[frame.index[:10], "outcome"] = "error"
    assert (thresholds(frame, provider="capsolver", over="score").table["images"] == 190).all()
    frame["outcome"] = np.where(frame["setting"].str.contains("0.9)", regex=False), "error", frame["outcome"])
    with pytest.raises(DatasetError, match="no image counts at all 5 settings"):
        thresholds(frame, provider="capsolver", over="score")


def test_one_reading_an_image(outcomes):
    """Of repeats the first is used; two readings that nobody numbered are refused."""
    again = pd.concat([outcomes.assign(repeat=1, outcome="wrong"), outcomes.assign(repeat=0)])
    pd.testing.assert_frame_equal(thresholds(again).table, thresholds(outcomes).table)
    with pytest.raises(DatasetError, match=r"engine\(\) read 0 2 times; number the readings"):
        thresholds(pd.concat([outcomes, outcomes]))


def test_it_is_said_whose_curve_is_meant(outcomes):
    """Each way of not knowing which curve to draw has its own message."""
    other = pd.concat([outcomes, outcomes.assign(setting="other()")])
    with pytest.raises(SettingError, match=r"say which setting: the outcomes hold engine\(\), other\(\)"):
        thresholds(other)
    with pytest.raises(SettingError, match=r"no setting 'third\(\)'"):
        thresholds(other, "third()")
    with pytest.raises(SettingError, match="setting=… for an engine"):
        thresholds(other, provider="capsolver")
    with pytest.raises(DatasetError, match="gives no confidence"):
        thresholds(outcomes.assign(confidence=np.nan))
    frame = grid_outcomes()
    second = frame.assign(setting=frame["setting"].str.replace("common", "queueit"))
    with pytest.raises(SettingError, match=r"differ in more than score; say provider="):
        thresholds(pd.concat([frame, second]), provider="capsolver", over="score")
    both = thresholds(pd.concat([frame, second]), provider="capsolver(module='queueit')", over="score")
    assert len(both.table) == 5
    with pytest.raises(SettingError, match="no setting of 'capmonster' with score="):
        thresholds(frame, provider="capmonster", over="score")
    default = frame[frame["setting"].str.contains("0.8)", regex=False)].assign(
        setting="capsolver(module='common', score=None)"
    )
    assert len(thresholds(pd.concat([frame, default]), provider="capsolver", over="score").table) == 5
    with pytest.raises(SettingError, match="module is not a number"):
        thresholds(frame.assign(setting=[f"x(module=a{i})" for i in range(len(frame))]), provider="x", over="module")


def test_nothing_answered_is_an_empty_curve(outcomes):
    """Without an answer there is no threshold, and the sentence says so."""
    curve = thresholds(outcomes.assign(outcome="no_answer", confidence=np.nan))
    assert curve.table.empty
    assert "nothing was answered" in curve.explain()
