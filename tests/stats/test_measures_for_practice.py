"""Accuracy within some edits, of groups, and any figure along the curve: by hand, and with intervals that cover."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import fbeta_score

from toolkit.errors import DatasetError, SettingError
from toolkit.stats import accuracy_within, f_beta, grouped_accuracy, metric_along, thresholds, wilson


def test_accuracy_within_edits_is_a_count():
    """Zero edits are the right answers, more edits forgive more, failures are left out or missed."""
    rng = np.random.default_rng(0)
    edits = rng.integers(0, 4, 200).astype(float)
    outcome = np.where(edits == 0, "correct", "wrong").astype(object)
    outcome[:20], edits[:20], outcome[20:30] = "no_answer", np.nan, "error"
    frame = pd.DataFrame({"setting": "a()", "sample": range(200), "outcome": outcome, "edits": edits})
    found = accuracy_within(frame).set_index("edits")["accuracy_all"]

    counted = frame[frame["outcome"] != "error"]
    for most in range(4):
        assert found[most] == pytest.approx((counted["edits"] <= most).mean())
    assert accuracy_within(frame, [0], errors="miss")["accuracy_all"][0] == pytest.approx((outcome == "correct").mean())
    low, high = wilson((counted["edits"] <= 1).sum(), len(counted))
    assert accuracy_within(frame, [1]).iloc[0, -2:].tolist() == pytest.approx([low, high])
    with pytest.raises(SettingError, match="integers >= 0"):
        accuracy_within(frame, [0.5])


def documents(rng, n=60, lines=8):
    """Lines of a document are right or wrong together for the most part."""
    quality = rng.beta(2, 0.5, n)
    right = rng.random((n, lines)) < quality[:, None]
    return pd.DataFrame(
        {
            "setting": "a()", "sample": np.arange(n * lines), "document": np.repeat(np.arange(n), lines),
            "outcome": np.where(right.ravel(), "correct", "wrong"),
        }
    )  # fmt: skip


def test_a_group_is_right_when_all_its_images_are():
    """By hand, and what a failure does to its group."""
    frame = documents(np.random.default_rng(0))
    right = frame["outcome"].eq("correct")
    whole = right.groupby(frame["document"]).all()
    row = grouped_accuracy(frame, "document").iloc[0]

    assert (row["groups"], row["images"]) == (60, 480)
    assert row["accuracy_groups"] == pytest.approx(whole.mean())
    assert row["accuracy_all"] == pytest.approx(right.mean())
    failed = frame.assign(outcome=frame["outcome"].where(frame["sample"] != 0, "error"))
    assert grouped_accuracy(failed, "document")["groups"][0] == 59
    assert grouped_accuracy(failed, "document", errors="miss")["groups"][0] == 60
    with pytest.raises(DatasetError, match="no value"):
        grouped_accuracy(frame.assign(document=None), "document")


@pytest.mark.montecarlo
def test_intervals_over_groups_cover_and_those_over_images_do_not():
    """With lines that are right together, an interval that counts lines as independent is too narrow."""
    rng, runs = np.random.default_rng(2), 400
    truth = 2 / 2.5
    quality = np.random.default_rng(5).beta(2, 0.5, 1_000_000)
    whole = float((quality**8).mean())
    covered = np.zeros(3)
    for _ in range(runs):
        frame = documents(rng)
        row = grouped_accuracy(frame, "document").iloc[0]
        naive = wilson(frame["outcome"].eq("correct").sum(), len(frame))
        covered += [
            row["accuracy_groups_low"] <= whole <= row["accuracy_groups_high"],
            row["accuracy_all_low"] <= truth <= row["accuracy_all_high"],
            naive.low <= truth <= naive.high,
        ]

    assert (covered[:2] / runs > 0.92).all()
    assert covered[2] / runs < 0.8


def drawn(n=300, seed=0):
    rng = np.random.default_rng(seed)
    confidence = rng.random(n).round(2)
    outcome = np.where(rng.random(n) < confidence, "correct", "wrong")
    return pd.DataFrame({"setting": "a()", "sample": range(n), "confidence": confidence, "outcome": outcome})


@pytest.mark.parametrize("beta", [0.5, 1, 2])
def test_f_beta_along_the_curve_is_that_of_scikit_learn(beta):
    """Accepting is predicting "right": the same number at every threshold, within its interval."""
    frame = drawn()
    found = metric_along(thresholds(frame), f_beta(beta))
    right = frame["outcome"].eq("correct")

    for row in found.table.itertuples():
        assert row.value == pytest.approx(fbeta_score(right, frame["confidence"] >= row.threshold, beta=beta))
        assert row.value_low <= row.value <= row.value_high
    assert found.best == found.table.loc[found.table["value"].idxmax(), "threshold"]
    assert found.explain().startswith(f"a(): F{beta:g} is largest at threshold")


def test_a_users_own_figure_goes_along():
    """Any function of the counts; one that gives another shape is told so, and nothing answered gives nothing."""
    curve = thresholds(drawn())
    found = metric_along(curve, lambda right, wrong, _: right - 5 * wrong)

    expected = curve.table["correct"] - 5 * curve.table["wrong"]
    by_threshold = dict(zip(curve.table["threshold"], expected, strict=True))
    assert [by_threshold[cut] for cut in found.table["threshold"]] == found.table["value"].tolist()
    with pytest.raises(SettingError, match="shape of its arguments"):
        metric_along(curve, lambda right, wrong, _: right[:, 0])
    with pytest.raises(SettingError, match="beta=0"):
        f_beta(0)
    silent = drawn(3).assign(outcome="no_answer", confidence=np.nan)
    assert metric_along(thresholds(silent)).table.empty
