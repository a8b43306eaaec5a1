"""What every statistic promises about the frame it is given, tried on all of them alike."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from test_summary import random_outcomes

from toolkit import stats

FUNCTIONS = {
    "summary": stats.summary,
    "summary by tag": lambda frame: stats.summary(frame, by="style"),
    "compare": stats.compare,
    "compare times": lambda frame: stats.compare(frame, metric="latency_p50_s", n_resamples=199),
    "compare errors": lambda frame: stats.compare(frame, "a", metric="cer_micro_all", n_resamples=199),
    "tie_groups": stats.tie_groups,
    "thresholds": lambda frame: stats.thresholds(frame, "a"),
    "best_threshold": lambda frame: stats.best_threshold(stats.thresholds(frame, "a"), n_resamples=99),
    "pick_threshold": lambda frame: stats.pick_threshold(stats.thresholds(frame, "a"), 0.4),
    "pick_threshold of a mean loss": lambda frame: stats.pick_threshold(stats.thresholds(frame, "a", loss="ned"), 0.4),
    "pick_threshold with coverage": lambda frame: stats.pick_threshold(
        stats.thresholds(frame, "a"), 0.4, min_coverage=0.3
    ),
    "why_missing": lambda frame: stats.why_missing(stats.summary(frame)),
    "check": lambda frame: stats.check_threshold(0.5, frame, "a", max_risk=0.4),
    "areas": lambda frame: stats.risk_coverage_areas(frame, "a", n_resamples=99),
    "calibration": lambda frame: stats.calibration(frame, "a", n_resamples=99),
    "calibrated": lambda frame: stats.calibrated(frame, "a"),
    "confusions": lambda frame: stats.confusions(frame, "a"),
    "look_alikes": stats.look_alikes,
    "lower_case": stats.lower_case,
    "flips": stats.flip_rates,
    "accuracy_by_length": stats.accuracy_by_length,
    "error_by_position": lambda frame: stats.error_by_position(frame[frame["target_length"] == 4], "a"),
    "agreement": stats.agreement,
    "replay_cascade": lambda frame: stats.replay_cascade(frame, [("a", 0.7), "b"]),
    "search_cascades": lambda frame: stats.search_cascades(frame, stats.Utility(), thresholds=3, repeats=1),
    "rescore": stats.rescore,
    "label_suspects": stats.label_suspects,
    "forecast": lambda frame: stats.forecast(frame, 1000),
    "price_of_knowing": stats.price_of_knowing,
}


@pytest.fixture(scope="module")
def plain():
    """Two settings with every kind of outcome, sorted, as plain strings and numbers."""
    frame = random_outcomes(120).sort_values(["setting", "sample"], ignore_index=True)
    frame["confidence"] = np.where(frame["text"].notna(), np.random.default_rng(0).beta(5, 2, len(frame)), np.nan)
    frame["elapsed_s"] = 1.5
    return frame


def table_of(result):
    table = result if isinstance(result, pd.DataFrame) else result.table
    return table.reset_index(drop=True).drop(columns=[c for c in ("error", "repeat") if c in table])


def same(first, second):
    pd.testing.assert_frame_equal(first, second, check_dtype=False, check_categorical=False, check_column_type=False)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_run_a_file_and_a_shuffle_give_the_same(name, plain):
    """Categories as a run has them, the detour through CSV, and another order of rows change no figure."""
    function = FUNCTIONS[name]
    expected = table_of(function(plain))
    typed = plain.assign(**{c: plain[c].astype("category") for c in ("setting", "outcome", "error", "style")})
    same(table_of(function(typed)), expected)
    read_back = pd.read_csv(io.StringIO(plain.to_csv(index=False)), keep_default_na=True)
    read_back["target"] = read_back["target"].fillna("")  # an empty text and a missing one look alike in CSV
    answered = read_back["outcome"].isin(["correct", "wrong"])
    read_back["text"] = read_back["text"].where(~answered | read_back["text"].notna(), "")
    same(table_of(function(read_back)), expected)
    if name not in ("calibrated", "replay_cascade"):  # these give rows back, in the order they came
        same(table_of(function(typed.sample(frac=1, random_state=3))), expected)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_frame_is_left_as_it_was(name, plain):
    """A statistic looks at its frame and changes nothing in it."""
    before = plain.copy(deep=True)
    FUNCTIONS[name](plain)
    pd.testing.assert_frame_equal(plain, before)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_finding_reads_well(name, plain):
    """Every finding has a table, a sentence that ends, and an HTML face; none of them shows a bare NaN."""
    result = FUNCTIONS[name](plain)
    if isinstance(result, pd.DataFrame):
        json.dumps(result.attrs)  # attributes travel with a frame into files
        return
    text = result.explain()
    assert all(line.endswith(".") for line in text.splitlines())
    assert "nan" not in text.lower()
    html = result._repr_html_()
    assert html.startswith("<div><p>")
    assert "NaN" not in html
    assert text.splitlines()[0] in repr(result)
    dashes = "– stands for what these data do not determine." in html
    assert dashes == result.table.isna().any(axis=None)
    assert result.note in repr(result)
