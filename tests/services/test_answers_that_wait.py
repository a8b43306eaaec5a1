"""A task that the service holds is asked for by its id, whatever a poll looks like, before anything is bought again."""

import time

import pytest
from bills import QUICK, charged_to, readable

import toolkit as tk
from toolkit._sandbox import faults

COUNT = 8
DATASET = readable(COUNT)


@pytest.mark.parametrize(
    "fault",
    [
        faults.not_json(),
        faults.not_json(b""),
        faults.truncated(),
        faults.missing("errorId"),
        faults.server_error(502, body="html"),
        faults.error_code("ERROR_TOO_MUCH_REQUESTS"),
        faults.error_code("CAPCHA_NOT_READY"),
    ],
    ids=lambda fault: fault.name,
)
def test_a_poll_that_says_nothing_is_repeated(sandbox, key, run, fault):
    """Empty, a page, half a JSON, refused for its rate: the task is asked for again, and no second one is bought."""
    box = sandbox(DATASET, faults=[faults.script([fault], service="capmonster", on="getTaskResult")])

    done = run(DATASET, box.CapMonster(key=key, **QUICK))

    assert done.outcomes["outcome"].tolist() == ["correct"] * COUNT
    assert len(charged_to(box, key)) == COUNT
    assert done.unsettled.empty


def test_polls_slow_down_once_one_was_refused_for_its_rate(sandbox, key, run):
    """The next poll comes at least 2 s later, as the vendor asks; the answer costs once."""
    box = sandbox(
        DATASET[:1],
        faults=[
            faults.script([faults.error_code("ERROR_TOO_MUCH_REQUESTS")], service="capmonster", on="getTaskResult")
        ],
    )
    done = run(DATASET[:1], box.CapMonster(key=key, **QUICK))

    assert done.outcomes["outcome"].tolist() == ["correct"]
    assert done.attempts["poll_wait_s"][0] >= 2.0


def test_an_answer_that_comes_after_the_deadline_is_fetched_and_not_bought_again(sandbox, key, run, tmp_path):
    """The trials end at their deadline; asked again with `retry_errors`, the same tasks give their answers."""
    box = sandbox(DATASET, delay=1.0)
    setting = box.CapMonster(key=key, **QUICK)
    late = run(DATASET, setting, store=tmp_path / "run", deadline_s=0.3, retry=tk.RetryPolicy(tries=1))
    assert set(late.outcomes["error"]) == {"deadline_exceeded"}
    assert len(late.unsettled) == COUNT
    time.sleep(1.0)

    done = run(DATASET, setting, store=tmp_path / "run", retry_errors=True)

    assert done.outcomes["outcome"].tolist() == ["correct"] * COUNT
    assert box.traffic.requests("capmonster", "createTask") == COUNT
    assert len(charged_to(box, key)) == COUNT
    assert done.unsettled.empty


def test_a_task_that_is_forgotten_is_bought_again_when_errors_are_retried_and_both_are_counted(
    sandbox, key, run, tmp_path
):
    """Past the time that results are kept: one more task each, and the old ones stay among what is unsettled."""
    passed = [0.0]
    box = sandbox(DATASET, delay=1.0, clock=lambda: time.monotonic() + passed[0])
    setting = box.CapMonster(key=key, **QUICK)
    late = run(DATASET, setting, store=tmp_path / "run", deadline_s=0.3, retry=tk.RetryPolicy(tries=1))
    old = set(late.unsettled["task_id"])
    passed[0] = 400.0

    done = run(DATASET, setting, store=tmp_path / "run", retry_errors=True)

    assert done.outcomes["outcome"].tolist() == ["correct"] * COUNT
    assert box.traffic.requests("capmonster", "createTask") == 2 * COUNT
    assert set(done.unsettled["task_id"]) == old
    assert len(old) == COUNT


@pytest.mark.parametrize("confidence", [97.5, "0.97", 1.0000001, [], None])
def test_an_odd_confidence_never_costs_the_answer(sandbox, key, run, confidence):
    """The text is kept, the confidence is missing, and the money is settled."""
    spoilt = faults.script(
        [faults.replaced("solution.confidence", confidence)] * COUNT, service="capsolver", on="createTask"
    )
    box = sandbox(DATASET, faults=[spoilt])

    done = run(DATASET, box.CapSolver(key=key))

    assert done.outcomes["outcome"].tolist() == ["correct"] * COUNT
    assert done.outcomes["confidence"].isna().all()
    assert done.unsettled.empty


def test_digits_that_came_as_a_number_are_the_answer(sandbox, key, run):
    """1234 without quotes is what was read, and was paid for."""
    numbers = faults.script([faults.replaced("solution.text", 1234)] * COUNT, service="capsolver", on="createTask")

    done = run(DATASET, sandbox(DATASET, faults=[numbers]).CapSolver(key=key))

    assert done.outcomes["text"].tolist() == ["1234"] * COUNT
    assert done.unsettled.empty
