"""What is tried again, after how long, and what is never made twice."""

import pytest
from bills import QUICK, charged_to, readable

import toolkit as tk
from toolkit._sandbox import CapSolverRules, faults

DATASET = readable(6)
SOON = tk.RetryPolicy(base_s=0.05)


def test_lost_connections_are_tried_again_with_pauses(sandbox, run, key):
    """Two failures, then the answer; every try is a row with its reason."""
    box = sandbox(DATASET, faults=[faults.script([faults.cut("before")] * 2, on="createTask")])

    done = run(DATASET[:1], box.CapSolver(key=key), retry=SOON)

    attempts = done.attempts
    assert attempts["attempt"].tolist() == [1, 2, 3]
    assert attempts["final"].tolist() == [False, False, True]
    assert attempts["error"].tolist()[:2] == ["transport", "transport"]
    assert attempts["backoff_s"].iloc[0] == 0
    assert (attempts["backoff_s"].iloc[1:] > 0).all()
    assert (attempts["backoff_s"].to_numpy() <= [0, 0.05, 0.1]).all()
    assert attempts["unsettled"].tolist() == [True, True, False]  # the service may have worked before it was cut
    assert done.outcomes["attempts"].tolist() == [3]


@pytest.mark.parametrize("service", ["capsolver", "capmonster"])
def test_a_service_that_says_when_is_obeyed(sandbox, run, key, service):
    """The wait is at least what Retry-After asked for."""
    box = sandbox(DATASET, faults=[faults.script([faults.rate_limited(after_s=0.4)], on="createTask")])
    setting = box.CapSolver(key=key) if service == "capsolver" else box.CapMonster(key=key, **QUICK)

    done = run(DATASET[:1], setting, retry=tk.RetryPolicy(base_s=1e-6))

    first, second = done.attempts.to_dict("records")
    assert first["error"] in ("rate_limited", "unavailable")
    assert not first["unsettled"]
    assert second["backoff_s"] == pytest.approx(0.4)
    assert second["started_at"] - first["started_at"] >= 0.39
    assert second["text"] == "word0000"


@pytest.mark.parametrize("status", [400, 429])
def test_a_refusal_for_the_rate_is_heeded_whatever_its_status(sandbox, run, key, status):
    """CapSolver documents a code under status 400, and no 429."""
    many = readable(150)
    box = sandbox(many, requests_per_s=100, says_when=False, capsolver=CapSolverRules(rate_limit_status=status))

    done = run(many, box.CapSolver(key=key), limits=tk.Limits(in_flight=64), retry=tk.RetryPolicy(tries=20))

    assert (done.outcomes["outcome"] == "correct").all()
    refused = (done.attempts["error"] == "rate_limited").sum()
    assert 1 <= refused <= 64 + 8
    limits = done.limits
    assert limits["in_flight"].iloc[0] == 64
    assert limits["in_flight"].min() <= 32
    assert limits["per_second"].isna().iloc[0]
    assert limits["per_second"].dropna().min() < 150  # about what is let through, not the 600 that were tried
    assert len(limits) < 30
    assert limits["at"].is_monotonic_increasing


@pytest.mark.parametrize(
    "fault", [faults.cut("before"), faults.cut("after"), faults.server_error(502, body="html")], ids=lambda f: f.name
)
def test_a_task_is_never_made_twice_because_a_poll_failed(sandbox, run, key, fault):
    """Half of the polls fails; each task is asked for until its answer is there."""
    box = sandbox(DATASET, faults=[faults.at_rate(0.5, fault, on="getTaskResult")])

    done = run(DATASET, box.CapMonster(key=key, **QUICK), retry=SOON)

    assert (done.outcomes["outcome"] == "correct").all()
    assert (done.outcomes["attempts"] == 1).all()
    assert box.traffic.requests("capmonster", "createTask") == len(charged_to(box, key)) == 6
    assert len(done.unsettled) == 0


def test_polls_end_at_what_the_service_allows(sandbox, run, key):
    """A hundred and twenty; one more could have the account locked."""
    box = sandbox(DATASET, delay=60.0)

    done = run(DATASET[:1], box.CapMonster(key=key, first_poll_s=0.0, poll_every_s=0.01))

    assert box.traffic.requests("capmonster", "getTaskResult") == 120
    assert done.outcomes["error"].tolist() == ["deadline_exceeded"]
    assert len(done.unsettled) == 1


def test_tries_that_were_in_vain_are_unsettled_to_the_last(sandbox, run, key):
    """Each of the two may have been charged, and was."""
    box = sandbox(DATASET, faults=[faults.at_rate(1.0, faults.cut("after"), on="createTask")])

    done = run(DATASET, box.CapSolver(key=key), retry=tk.RetryPolicy(tries=2, base_s=0.01))

    assert done.outcomes["error"].tolist() == ["transport"] * 6
    assert len(done.unsettled) == 12 == len(charged_to(box, key))
    assert done.spend["unsettled_usd"].sum() == pytest.approx(0.012)
    assert done.spend["measured_usd"].sum() == pytest.approx(0.012)


def test_what_the_service_refused_for_good_is_not_tried_again(sandbox, run, key):
    """An image that it cannot decode, a task that it gives up."""
    for code, kind in (("ERROR_PARSE_IMAGE_FAIL", "bad_request"), ("ERROR_CAPTCHA_UNSOLVABLE", "unsolvable")):
        box = sandbox(DATASET, faults=[faults.at_rate(1.0, faults.error_code(code), on="createTask")])

        done = run(DATASET, box.CapSolver(key=key), retry=SOON)

        assert done.attempts["error"].tolist() == [kind] * 6
        assert len(done.unsettled) == 0


def test_our_own_limits_take_no_try_away(sandbox, run, key):
    """The readings wait longer for the rate than retries may take, and are tried again all the same."""
    box = sandbox(DATASET, faults=[faults.script([None, None, None, faults.cut("before")], on="createTask")])

    done = run(
        DATASET,
        box.CapSolver(key=key),
        limits=tk.Limits(in_flight=6, per_second=5),
        retry=tk.RetryPolicy(base_s=0.01, total_s=0.4),
    )

    assert (done.outcomes["outcome"] == "correct").all()
    assert done.attempts["attempt"].max() == 2
