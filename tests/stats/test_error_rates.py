import numpy as np
import pandas as pd
import pytest
from scipy import stats
from test_summary import random_outcomes

from toolkit.stats import clopper_pearson, summary, wilson
from toolkit.stats._core.bootstrap import collapse


def ratio(top, bottom, axis):
    return top.sum(axis) / bottom.sum(axis)


@pytest.mark.parametrize(
    ("name", "top", "bottom", "part"),
    [
        ("cer_micro", "edits", "target_length", "answered"),
        ("ned", "ned", "one", "answered"),
        ("cer_macro", "rate", "one", "answered"),
        ("cer_micro_all", "all_edits", "target_length", "counted"),
    ],
)
def test_error_rates_have_the_interval_of_drawing_images(name, top, bottom, part):
    """Each rate's interval is scipy's BCa bootstrap over the images that it is about."""
    frame = random_outcomes(300)
    rows = frame[(frame["setting"] == "a") & (frame["target_length"] > 0) & (frame["outcome"] != "error")]
    rows = rows.assign(
        one=1.0,
        rate=rows["edits"] / rows["target_length"],
        all_edits=rows["edits"].fillna(rows["target_length"]),
        answered=rows["text"].notna(),
        counted=True,
    )
    found = summary(rows).iloc[0]
    rows = rows[rows[part]]
    data = rows[top].to_numpy(float), rows[bottom].to_numpy(float)
    expected = stats.bootstrap(
        data, ratio, paired=True, n_resamples=4999, rng=np.random.default_rng(0)
    ).confidence_interval
    width = expected.high - expected.low
    assert found[name] == pytest.approx(ratio(*data, 0))
    assert found[f"{name}_low"] == pytest.approx(expected.low, abs=0.06 * width)
    assert found[f"{name}_high"] == pytest.approx(expected.high, abs=0.06 * width)


@pytest.mark.filterwarnings("error")
def test_labels_of_no_text_leave_an_interval_unknown_and_not_odd():
    """Of two images one has no text: without the other there is nothing to divide by."""
    frame = random_outcomes(60)
    frame = frame[(frame["setting"] == "a") & frame["text"].notna() & (frame["edits"] > 0)]
    frame = frame.drop_duplicates("sample").head(2).assign(target_length=[0, 4], edits=[3.0, 1.0])

    found = summary(frame).iloc[0]

    assert found["cer_micro"] == pytest.approx((3 + 1) / 4)
    assert np.isnan([found["cer_micro_low"], found["cer_micro_high"]]).all()


def test_no_error_at_all_is_not_proof_of_none():
    """Where nothing varies the end is exact: of the share of images with an error, each wrong throughout."""
    frame = random_outcomes(60)
    frame = frame[(frame["setting"] == "b") & (frame["outcome"] == "correct") & (frame["target_length"] > 0)]
    found = summary(frame).iloc[0]
    for name in ("cer_micro", "cer_macro", "ned", "cer_micro_all"):
        assert (found[name], found[f"{name}_low"]) == (0, 0)
        assert found[f"{name}_high"] == pytest.approx(clopper_pearson(0, len(frame)).high)
    one = summary(frame.head(1)).iloc[0]
    assert one["cer_micro_high"] == pytest.approx(0.975)
    none = summary(frame.assign(outcome="no_answer", edits=np.nan, ned=np.nan)).iloc[0]
    assert none[["cer_micro", "cer_micro_low", "ned_high"]].isna().all()
    assert none["cer_micro_all"] == 1
    assert np.isnan(none["cer_micro_all_low"])


def test_repeats_add_nothing_to_an_error_rate_but_what_they_vary():
    """Three equal readings of each image have the interval of one."""
    once = random_outcomes(120)
    thrice = pd.concat([once.assign(repeat=k) for k in range(3)])
    columns = [f"{name}{end}" for name in ("cer_micro", "cer_macro", "ned") for end in ("", "_low", "_high")]
    np.testing.assert_allclose(summary(thrice)[columns], summary(once)[columns], rtol=1e-9)


def test_where_images_are_hardly_ever_alike_a_formula_does():
    """Long texts differ in so many ways that Fieller's interval is taken; it is close to that of the draws."""
    rng = np.random.default_rng(2)
    length = rng.integers(200, 900, 3000)
    edits = rng.binomial(length, rng.beta(1, 20, 3000))
    frame = pd.DataFrame({"setting": "x", "sample": range(3000), "outcome": "wrong", "edits": edits})
    found = summary(frame.assign(target_length=length)).iloc[0]
    expected = stats.bootstrap(
        (edits, length), ratio, paired=True, n_resamples=999, method="percentile", rng=rng
    ).confidence_interval
    width = expected.high - expected.low
    assert found["cer_micro_low"] == pytest.approx(expected.low, abs=0.1 * width)
    assert found["cer_micro_high"] == pytest.approx(expected.high, abs=0.1 * width)


def covered(interval, n=150, runs=400):
    """How often an interval of the character error rate holds the truth, where errors come several to an image."""
    rng = np.random.default_rng(8)
    pool = 200_000
    length = rng.integers(4, 9, pool)
    edits = np.where(rng.random(pool) < 0.15, np.minimum(1 + rng.poisson(1.5, pool), length), 0)
    truth = edits.sum() / length.sum()
    inside = 0
    for _ in range(runs):
        drawn = rng.integers(0, pool, n)
        low, high = interval(edits[drawn], length[drawn])
        inside += low <= truth <= high
    return inside / runs


def test_the_interval_of_an_error_rate_holds_its_level():
    """Drawing images covers the true rate as often as it says; taking characters for independent does not."""

    def of_images(edits, length):
        frame = pd.DataFrame({"setting": "x", "sample": range(edits.size), "outcome": "wrong", "edits": edits})
        row = summary(frame.assign(target_length=length), n_resamples=999).iloc[0]
        return row["cer_micro_low"], row["cer_micro_high"]

    assert covered(of_images) >= 0.93
    assert covered(lambda edits, length: wilson(edits.sum(), length.sum())) < 0.8


def test_rows_that_share_a_key_are_still_told_apart():
    """Cells are the distinct rows, also where the shortcut through one number a row cannot tell two of them apart."""
    weights = np.random.default_rng(0).random((2,))
    unlike = np.array([[weights[1], 0.0], [0.0, weights[0]], [weights[1], 0.0], [0.0, weights[0]]])  # equal keys
    cells, counts = collapse(unlike)
    assert cells.tolist() == [[0.0, weights[0]], [weights[1], 0.0]]
    assert counts.tolist() == [2, 2]
