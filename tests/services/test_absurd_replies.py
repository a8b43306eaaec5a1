"""Replies that are JSON, in the dialect, and absurd: each is a row, and the run can be read and opened again."""

import json

import pandas as pd
import pytest
from bills import QUICK, readable

import toolkit as tk
from toolkit._sandbox import faults
from toolkit._sandbox.exchange import Response

DATASET = readable(2)
NEARLY_A_MEGABYTE = 900_000
HALF = "\\ud800"  # as JSON escapes half a character, which no file can hold


def says(body):
    """A service that answers everything with this."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return [faults.at_rate(1.0, faults.Fault("absurd", instead=lambda *_: Response(200, content)), on="createTask")]


def refusal(**members):
    return {"errorId": 1, "errorCode": "ERROR_NEW", "errorDescription": "no", **members}


ABSURD = {
    "endless words": refusal(errorDescription="w" * NEARLY_A_MEGABYTE),
    "an endless code": refusal(errorCode="E" * NEARLY_A_MEGABYTE),
    "an endless id": {"errorId": 0, "status": "idle", "taskId": "t" * NEARLY_A_MEGABYTE},
    "an endless id of a failure": refusal(taskId="t" * NEARLY_A_MEGABYTE),
    "half a character in the code": json.dumps(refusal(errorCode="E§")).replace("\\u00a7", HALF).encode(),
    "half a character in the words": json.dumps(refusal(errorDescription="w§")).replace("\\u00a7", HALF).encode(),
    "half a character in the id": json.dumps(refusal(taskId="t§")).replace("\\u00a7", HALF).encode(),
    "half a character in the text": json.dumps(
        {"errorId": 0, "status": "ready", "solution": {"text": "a§"}, "taskId": "1"}
    )
    .replace("\\u00a7", HALF)
    .encode(),
    "a number past all integers": refusal(errorId=10**30, taskId=10**30),
    "control characters": refusal(errorCode="E\x00\n\x1b[31m", errorDescription="w\x00\r\n<script>"),
    "everything is an object": {"errorId": 0, "status": {}, "solution": {"text": {}}, "taskId": {}},
    "a text of two megabytes": {"errorId": 0, "status": "ready", "solution": {"text": "t" * 2_000_000}, "taskId": "1"},
}


@pytest.mark.parametrize("what", ABSURD)
def test_an_absurd_reply_is_a_row_like_any_other(sandbox, key, run, tmp_path, what):
    """What is stored of it is short and whole, and the account goes on."""
    box = sandbox(DATASET, faults=says(ABSURD[what]))
    settings = [box.CapSolver(key=key), box.CapMonster(key=key, **QUICK)]

    run(DATASET, settings, store=tmp_path / "run", retry=tk.RetryPolicy(base_s=0.001))

    done = tk.open_run(tmp_path / "run")
    assert len(done.outcomes) == done.planned == 4
    assert set(done.outcomes["error"]) == {"protocol"}
    assert done.stopped == {}
    assert len(done.unsettled) == 4  # nobody knows what such a service charged
    assert "<script>" not in done._repr_html_()
    assert (tmp_path / "run" / "attempts.jsonl").stat().st_size < 10_000
    copy = tmp_path / "copy.parquet"
    done.attempts.drop(columns="usage").to_parquet(copy)
    assert pd.read_parquet(copy)["error_message"].notna().all()


def test_a_long_answer_is_still_an_answer(sandbox, key, run):
    """A page of text is what some images hold."""
    page = "line\n" * 100_000
    box = sandbox(DATASET, faults=says({"errorId": 0, "status": "ready", "solution": {"text": page}, "taskId": "1"}))

    done = run(DATASET, box.CapSolver(key=key))

    assert set(done.outcomes["text"]) == {page}
    assert set(done.outcomes["outcome"]) == {"wrong"}
