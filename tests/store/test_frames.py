"""From records to frames: verdicts, types and tags, each compared with a plain loop over the records."""

import unicodedata
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit._store.events import of_records
from toolkit._store.frames import attempts_frame, outcomes_frame, samples_frame
from toolkit.metrics import RELAXED, STRICT
from toolkit.schema import ATTEMPTS, OUTCOMES, VERDICTS
from toolkit.types import Attempt

TARGETS = {"a.png": "Grün", "b.png": "12 34", "c.png": "", "d.png": "ＷＩＤＥ"}
SAMPLES = [
    {"id": id, "target": target, "tags": {"length": len(target), "font": font}}
    for (id, target), font in zip(TARGETS.items(), ["Sans", "Serif", "Sans", None], strict=True)
]
ERRORS = ["transport", "unsolvable", "deadline_exceeded", "engine_failure"]

attempts = st.builds(
    lambda setting, sample, repeat, final, text, error, latency_s, backoff_s: Attempt(
        setting,
        sample,
        repeat,
        attempt=1,
        started_at=1000.0,
        final=final,
        text=None if error else text,
        confidence=None if error else 0.5,
        error=error,
        error_code=error and f"E-{error}",
        latency_s=None if error else latency_s,
        elapsed_s=round(latency_s + backoff_s, 4),
        backoff_s=backoff_s,
    ),
    st.sampled_from(["one", "two"]),
    st.sampled_from([*TARGETS, "gone.png"]),
    st.integers(0, 1),
    st.booleans(),
    st.sampled_from(["Grün", "grun", "12 34", "12  34", "1234", "", "wide", "x"]),
    st.one_of(st.none(), st.sampled_from(ERRORS)),
    st.floats(0.001, 9).map(lambda s: round(s, 4)),
    st.sampled_from([0.0, 0.25]),
)
LOGS = st.lists(attempts, max_size=30)


def tried(*trial, final=True, **members):
    """An attempt that ended its trial, unless told otherwise."""
    return Attempt(*trial, final=final, **members)


def in_blocks(records, cuts):
    """The same records in pieces, as a log is read."""
    ends = sorted({0, len(records), *(cut % (len(records) + 1) for cut in cuts)})
    return [records[start:end] for start, end in pairwise(ends)]


def frames_of(log, cuts=()):
    """The attempts and samples of a log."""
    records = [{"event": "session", "at": 1.0}, *(attempt.as_record() for attempt in log)]
    return attempts_frame(map(of_records, in_blocks(records, cuts))), samples_frame(SAMPLES)


def edit_distance(left, right):
    """Levenshtein's distance by the textbook."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        row, above = [i], row
        for j, b in enumerate(right, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (a != b)))
    return row[-1]


def missing(value):
    """None for every kind of missing value."""
    return None if value is None or value is pd.NA or value != value else value  # noqa: PLR0124 -- NaN differs from itself


# ── attempts ─────────────────────────────────────────────────────────────────────────────────────────────


@given(LOGS, st.lists(st.integers(0, 100), max_size=4))
@settings(deadline=None, max_examples=50)
def test_an_attempt_comes_out_as_it_was(log, cuts):
    """Whatever is written to the log stands in the frame, in the same order, however the log is read."""
    frame, _ = frames_of(log, cuts)

    assert len(frame) == len(log)
    for attempt, row in zip(log, frame.to_dict("records"), strict=True):
        for column in ATTEMPTS:
            value, expected = missing(row[column.name]), getattr(attempt, column.name)
            assert (value or None) == (expected or None), column.name


@given(LOGS, st.lists(st.integers(0, 100), max_size=4))
@settings(deadline=None, max_examples=50)
def test_columns_have_the_types_they_say(log, cuts):
    """A frame of one row, of many blocks or of nothing has the same columns with the same types."""
    empty = attempts_frame([])
    frame, _ = frames_of(log, cuts)

    assert list(frame.columns) == [column.name for column in ATTEMPTS]
    for column in ATTEMPTS:
        name = column.name
        kind = "str" if column.dtype == "str" and pd.__version__ >= "3" else column.dtype
        assert (
            frame[name].dtype.name
            == empty[name].dtype.name
            == kind.replace("str", str(pd.Series(["x"], dtype="str").dtype))
        ), name


def test_every_attempts_field_is_a_column():
    """What is recorded can be looked at, and what is shown was recorded."""
    assert {column.name for column in ATTEMPTS} == set(Attempt.__struct_fields__)
    assert all(column.meaning for column in (*ATTEMPTS, *OUTCOMES))


def test_codes_and_task_ids_may_be_numbers_or_words():
    """Services disagree about that; a run over two of them is still one frame."""
    log = [
        tried("one", "a.png", 0, 1, 1.0, error="transport", error_code=17, task_id=5),
        tried("one", "a.png", 0, 2, 1.0, error="transport", error_code="BUSY", task_id="x-5"),
    ]
    frame, _ = frames_of(log, cuts=[2])

    assert frame["error_code"].tolist() == ["17", "BUSY"]
    assert frame["task_id"].tolist() == ["5", "x-5"]


# ── outcomes ─────────────────────────────────────────────────────────────────────────────────────────────


def last_final(log):
    """The try that decides each trial, by a loop: the last final one; of images that the run knows."""
    deciding = {}
    for attempt in log:
        if attempt.final and attempt.sample in TARGETS:
            deciding.pop((attempt.setting, attempt.sample, attempt.repeat), None)
            deciding[attempt.setting, attempt.sample, attempt.repeat] = attempt
    return deciding


def verdict(attempt, normal=lambda text: text):
    """What a person would say of an attempt."""
    if attempt.error:
        if attempt.error == "unsolvable":  # where there is nothing to read, giving up is right
            return "no_answer" if TARGETS[attempt.sample] else "correct"
        return "error"
    return "correct" if normal(attempt.text) == normal(TARGETS[attempt.sample]) else "wrong"


def relaxed(text):
    """Width, case and how much space there is do not count, by the standard library."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


@given(LOGS, st.lists(st.integers(0, 100), max_size=3))
@settings(deadline=None, max_examples=50)
def test_outcomes_are_what_a_loop_over_the_log_gives(log, cuts):
    """One row a finished trial, in the order they ended; verdict, measures and tags as computed by hand."""
    outcomes = outcomes_frame(*frames_of(log, cuts))
    expected = last_final(log)

    assert list(outcomes.columns) == [*(column.name for column in OUTCOMES), "length", "font"]
    assert list(zip(outcomes["setting"], outcomes["sample"], outcomes["repeat"], strict=True)) == list(expected)
    for attempt, row in zip(expected.values(), outcomes.to_dict("records"), strict=True):
        target = TARGETS[attempt.sample]
        assert row["outcome"] == verdict(attempt)
        assert row["target"] == target
        assert missing(row["text"]) == attempt.text
        assert row["target_length"] == row["length"] == len(target)
        assert missing(row["font"]) == dict(zip(TARGETS, ["Sans", "Serif", "Sans", None], strict=True))[attempt.sample]
        assert missing(row["latency_s"]) == attempt.latency_s
        assert row["elapsed_s"] == pytest.approx(attempt.elapsed_s, abs=1e-6)
        if attempt.error == "unsolvable" and not target:
            assert (row["correct_normalised"], row["edits"], row["ned"]) == (True, 0, 0)
        elif attempt.error:
            assert not row["correct_normalised"]
            assert np.isnan(row["edits"])
            assert np.isnan(row["ned"])
        else:
            distance = edit_distance(target, attempt.text)
            assert row["correct_normalised"] == (relaxed(attempt.text) == relaxed(target))
            assert row["edits"] == distance
            assert row["ned"] == pytest.approx(distance / max(1, len(target), len(attempt.text)))


@given(LOGS)
@settings(deadline=None, max_examples=50)
def test_another_normaliser_changes_verdicts_and_nothing_else(log):
    """Judged leniently, an answer is right when it is right but for width, space and case."""
    frames = frames_of(log)
    strict, lenient = outcomes_frame(*frames), outcomes_frame(*frames, normaliser=RELAXED)

    assert lenient["outcome"].tolist() == [verdict(attempt, relaxed) for attempt in last_final(log).values()]
    same = ["setting", "sample", "repeat", "text", "target", "error", "correct_normalised", "latency_s", "cost_usd"]
    pd.testing.assert_frame_equal(strict[same], lenient[same])
    assert (strict.attrs["normaliser"], lenient.attrs["normaliser"]) == (STRICT.name, RELAXED.name)


def test_verdicts_are_categories_in_a_fixed_order():
    """A table over outcomes has the same four columns, whatever happened."""
    for log in ([], [tried("one", "a.png", 0, 1, 1.0, text="x")]):
        outcomes = outcomes_frame(*frames_of(log))
        assert tuple(outcomes["outcome"].cat.categories) == VERDICTS


def test_a_trial_asked_again_counts_once_with_its_last_end():
    """After a failure was asked again, the outcome is the later one; unfinished tries make none."""
    log = [
        tried("one", "a.png", 0, 1, 1.0, error="transport"),
        tried("one", "b.png", 0, 1, 2.0, final=False, error="transport"),
        tried("one", "a.png", 0, 1, 3.0, text="Grün", latency_s=0.5),
    ]
    outcomes = outcomes_frame(*frames_of(log))

    assert outcomes["sample"].tolist() == ["a.png"]
    assert outcomes["outcome"].tolist() == ["correct"]
    assert outcomes["started_at"].tolist() == [3.0]


def test_cost_is_usage_at_its_price_or_unknown():
    """Quantities by their prices; free on this machine and for refusals; missing, not nought, where unknown."""
    usage = {"charged": 2.0, "tokens_in": 100.0, "unpriced": 5.0}
    log = [
        tried("priced", "a.png", 0, 1, 1.0, text="x", usage=usage),
        tried("priced", "b.png", 0, 1, 1.0, error="unsolvable"),
        tried("priced", "c.png", 0, 1, 1.0, text="an answer that does not say what it used"),
        tried("here", "a.png", 0, 1, 1.0, text="x"),
        tried("without a price", "a.png", 0, 1, 1.0, text="x", usage=usage),
        tried("not listed", "a.png", 0, 1, 1.0, text="x", usage=usage),
    ]
    prices = {"priced": {"charged": 0.001, "tokens_in": 1e-6}, "here": {}, "without a price": None}
    cost = outcomes_frame(*frames_of(log), prices=prices)["cost_usd"]

    np.testing.assert_allclose(cost, [0.0021, 0.0, np.nan, 0.0, np.nan, np.nan])


def test_a_stopped_settings_trials_have_their_reason():
    """What was not asked because its account was stopped is in the table, as an error with the reason."""
    log = [tried("one", "a.png", 1, 1, 1.0, text="Grün"), tried("two", "a.png", 0, 1, 1.0, text="Grün")]
    outcomes = outcomes_frame(*frames_of(log), stopped={"one": "bad key"}, repeats=2)
    stopped = outcomes[outcomes["error"] == "stopped"]

    assert len(outcomes) == len(TARGETS) * 2 + 1
    assert set(zip(stopped["sample"], stopped["repeat"], strict=True)) == {
        (sample, repeat) for sample in TARGETS for repeat in (0, 1)
    } - {("a.png", 1)}
    assert set(stopped["outcome"]) == {"error"}
    assert set(stopped["error_message"]) == {"bad key"}
    assert not ((outcomes["setting"] == "two") & (outcomes["error"] == "stopped")).any()


# ── samples ──────────────────────────────────────────────────────────────────────────────────────────────


def test_tags_that_only_some_samples_have_are_missing_elsewhere():
    """A tag is a column for all; who lacks it has no value, and numbers stay numbers."""
    frame = samples_frame(
        [
            {"id": "1", "target": "a", "tags": {"size": 3}},
            {"id": "2", "target": "b", "tags": {"font": "Sans", "size": 4}},
            {"id": "3", "target": "c"},
        ]
    )

    assert list(frame.columns) == ["target", "size", "font"]
    assert frame["size"].tolist()[:2] == [3, 4]
    assert pd.isna(frame.loc["3", "size"])
    assert frame["font"].isna().tolist() == [True, False, True]
    assert frame.loc["2", "target"] == "b"
