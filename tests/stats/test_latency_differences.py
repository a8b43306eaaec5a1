"""Differences of latency quantiles: nothing is certain from few images, ties or time-outs, and one rule says what a time-out is."""

import numpy as np
import pandas as pd
import pytest

from toolkit.plots import latency_table
from toolkit.stats import compare, summary, tie_groups
from toolkit.stats._comparison.paired_quantiles import Times, differences_of_quantiles


def frame_of(first, second, **columns):
    """Two settings on the same images."""
    parts = [
        pd.DataFrame({"setting": name, "sample": range(len(times)), "outcome": "correct", "latency_s": times})
        for name, times in (("a", first), ("b", second))
    ]
    return pd.concat(parts, ignore_index=True).assign(**columns)


@pytest.mark.parametrize("images", [1, 2, 3, 5, 10, 19, 20, 71])
def test_too_few_images_bound_no_p95(images):
    """Below 72 images an exact interval has no upper end: the ends are open, p says so, and nothing can be told."""
    rng = np.random.default_rng(images)
    row = compare(
        frame_of(rng.lognormal(size=images), 5 + rng.lognormal(size=images)), metric="latency_p95_s"
    ).table.iloc[0]

    assert (row["difference_low"], row["difference_high"]) == (-np.inf, np.inf)
    assert row["p"] >= min(1.0, 2 * 0.95**images)
    assert row["verdict"] == "cannot tell"


def test_from_72_images_a_large_difference_is_told():
    """As soon as the times bound the quantile."""
    rng = np.random.default_rng(0)
    row = compare(frame_of(rng.lognormal(size=200), 50 + rng.lognormal(size=200)), metric="latency_p95_s").table.iloc[0]

    assert row["verdict"] == "worse" if row["setting"] == "b" else "better"
    assert row["difference_low"] > 0 or row["difference_high"] < 0


DRAWS = {
    "log-normal": lambda rng, n: rng.lognormal(0, 0.5, n),
    "nearly all 3 s, 4.9 % 6 s": lambda rng, n: np.where(rng.random(n) < 0.049, 6.0, 3.0),
    "polled every second": lambda rng, n: np.ceil(rng.lognormal(0, 0.5, n)),
}


@pytest.mark.montecarlo
@pytest.mark.parametrize("metric", ["latency_p50_s", "latency_p95_s"])
@pytest.mark.parametrize("world", DRAWS)
@pytest.mark.parametrize("images", [2, 6, 30, 100])
def test_equal_settings_seldom_seem_different(world, metric, images):
    """False alarms are at most nominal, with and without ties, and the interval covers zero as often as it says."""
    rng, runs = np.random.default_rng(images), 60
    rows = [
        compare(
            frame_of(DRAWS[world](rng, images), DRAWS[world](rng, images)), metric=metric, n_resamples=499
        ).table.iloc[0]
        for _ in range(runs)
    ]
    alarms = sum(row["p"] <= 0.05 for row in rows)
    covered = sum(row["difference_low"] <= 0 <= row["difference_high"] for row in rows)

    assert alarms / runs <= 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / runs)
    assert covered / runs >= 0.93 - 2.5 * np.sqrt(0.05 * 0.95 / runs)


def test_draws_in_which_both_are_unknown_count_against_the_claim():
    """With many readings out of time, unknown draws widen the interval and raise p; they are not dropped."""
    rng = np.random.default_rng(1)
    seconds = rng.lognormal(size=300)
    seconds[rng.random(300) < 0.055] = np.inf
    draws = differences_of_quantiles(
        Times(seconds, np.arange(300)), Times(seconds + 0.01, np.arange(300)), 0.95, 999, seed=0
    )

    assert np.isnan(draws.differences).any()
    low, high = draws.interval(0.95)
    assert low == -np.inf
    assert high == np.inf
    assert draws.p > 0.05


def test_a_time_out_is_slower_than_any_answer_everywhere():
    """Every seventh reading out of time, the rest a little faster: that setting is slower at p95, whoever is asked."""
    rng = np.random.default_rng(0)
    quick, steady = rng.lognormal(size=700), rng.lognormal(size=700) + 0.2
    frame = frame_of(quick, steady, error=None)
    out = (frame["setting"] == "a") & (frame["sample"] % 7 == 0)
    frame.loc[out, ["outcome", "error", "latency_s"]] = ["error", "deadline_exceeded", np.nan]

    row = compare(frame, "b", metric="latency_p95_s").table.iloc[0]
    assert row["value"] == np.inf
    assert row["verdict"] == "worse"
    assert summary(frame).set_index("setting").loc["a", "latency_p95_s"] == np.inf
    table = latency_table(frame).set_index(["setting", "quantile"])
    assert table.loc[("a", 0.95), "latency_s"] == np.inf
    groups = tie_groups(frame, metric="latency_p95_s").table
    assert groups["setting"].tolist() == ["b", "a"]


def test_truths_may_be_text():
    """`correct_normalised` from a CSV file: "False" is false; what is neither is refused."""
    frame = frame_of([1.0] * 4, [1.0] * 4).assign(correct_normalised=["True", "False"] * 4)
    typed = frame.assign(correct_normalised=[True, False] * 4)

    assert (
        summary(frame)["accuracy_normalised"].tolist() == summary(typed)["accuracy_normalised"].tolist() == [0.5, 0.5]
    )
    found = compare(frame, metric="accuracy_normalised").table
    pd.testing.assert_frame_equal(found, compare(typed, metric="accuracy_normalised").table)
    with pytest.raises(ValueError, match="'maybe' must be true or false"):
        summary(frame.assign(correct_normalised="maybe"))
