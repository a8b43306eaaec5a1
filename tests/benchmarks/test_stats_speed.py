"""Statistics over a million outcomes, each beside plain pandas, numpy or scipy in the same run."""

import time

import numpy as np
import pandas as pd
import pytest

from toolkit import stats

ROWS = 1_000_000
SETTINGS = 10


@pytest.fixture(scope="module")
def outcomes():
    """Ten settings on a hundred thousand images, in the order in which a run's shuffled trials end."""
    rng = np.random.default_rng(0)
    image = np.tile(np.arange(ROWS // SETTINGS), SETTINGS)
    verdict = rng.choice(4, ROWS, p=[0.8, 0.1, 0.08, 0.02])
    answered = verdict < 2
    length = rng.integers(4, 9, ROWS)
    edits = np.select([verdict == 0, verdict == 1], [0.0, 1.0 + (length > 6)], np.nan)
    frame = pd.DataFrame(
        {
            "setting": pd.Categorical.from_codes(np.arange(ROWS) * SETTINGS // ROWS, list("abcdefghij")),
            "sample": pd.Series([f"{i:06}.png" for i in image], dtype="str"),
            "outcome": pd.Categorical.from_codes(verdict, ["correct", "wrong", "no_answer", "error"]),
            "confidence": np.where(
                answered, np.where(verdict == 0, rng.beta(8, 1, ROWS), rng.beta(3, 2, ROWS)), np.nan
            ),
            "correct_normalised": verdict == 0,
            "edits": edits,
            "target_length": length,
            "ned": edits / length,
            "error": pd.Categorical(np.where(verdict == 3, "transport", None)),
            "latency_s": np.where(answered, rng.lognormal(0, 0.5, ROWS), np.nan),
            "cost_usd": np.where(answered, 0.001, 0.0),
            "style": pd.Categorical.from_codes(image % 5, list("vwxyz")),
        }
    )
    return frame.iloc[rng.permutation(ROWS)].reset_index(drop=True)


def least_s(function, rounds=3):
    """The shortest of several runs: noise only ever adds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def note(benchmark, target_s, reference_s):
    """Leave the figures where the report finds them, and hold the promise; seconds are those of two cores."""
    took_s = benchmark.stats.stats.min
    benchmark.extra_info |= {"took_s": round(took_s, 4), "target_s": target_s, "reference_s": round(reference_s, 4)}
    benchmark.extra_info["ratio"] = round(took_s / reference_s, 2)
    assert took_s <= target_s


@pytest.mark.parametrize("by", [None, "style"])
def test_summary(benchmark, outcomes, by):
    """A summary of a million outcomes takes at most a second and a half; reference: pandas' plain means."""
    benchmark.pedantic(lambda: stats.summary(outcomes, by=by), rounds=3, warmup_rounds=1)

    if benchmark.enabled:
        keys = ["setting"] if by is None else ["setting", by]
        plain = outcomes.assign(right=outcomes["outcome"] == "correct")

        def pandas_means():
            grouped = plain.groupby(keys, observed=True)
            grouped[["right", "edits", "ned", "cost_usd"]].mean()
            grouped["latency_s"].quantile([0.5, 0.95])
            grouped["sample"].nunique()

        note(benchmark, 1.5, least_s(pandas_means))


def test_all_pairs_of_twenty_settings(benchmark):
    """190 paired tests on 100,000 images take at most 0.2 s; reference: one matrix product of the same size."""
    from toolkit.stats.paired_metrics import METRICS, Tables

    rng = np.random.default_rng(1)
    right = (rng.random((20, 100_000)) < 0.9).astype(float)
    tables = Tables(METRICS["accuracy_all"], right, np.ones_like(right), np.ones(100_000), [])
    pairs = [(i, j) for i in range(20) for j in range(i)]

    benchmark.pedantic(lambda: tables.compare(pairs, level=0.95, resamples=0, seed=0), rounds=5, warmup_rounds=1)

    if benchmark.enabled:
        note(benchmark, 0.2, least_s(lambda: right @ right.T))
