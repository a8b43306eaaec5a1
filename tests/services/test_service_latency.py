"""Times of paid services: what is in them, what is not, and when they end."""

import contextlib
import socket
import threading

import numpy as np
import pytest
from bills import QUICK, readable

import toolkit as tk
from toolkit._report.summary_table import caution
from toolkit._sandbox import faults

DATASET = readable(12)
ONCE = tk.RetryPolicy(tries=1)
PARTS = ["connect_s", "service_s", "poll_wait_s"]
TRANSPORTS = ["httpx", "fast"]


@pytest.fixture
def silent():
    """A server that takes connections and requests, and never answers: its address."""
    held, over = [], threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener, contextlib.ExitStack() as connections:
        listener.settimeout(0.05)

        def accept():
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    held.append(connections.enter_context(listener.accept()[0]))

        accepting = threading.Thread(target=accept)
        accepting.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        accepting.join()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_interval_of_a_polled_answer_holds_the_truth(sandbox, run, key, transport):
    """Ready after half a second, asked for at about 0.35 s and 0.65 s."""
    box = sandbox(DATASET, delay=0.5)

    done = run(DATASET, box.CapMonster(key=key, first_poll_s=0.35, poll_every_s=0.3), transport=transport)

    outcomes = done.outcomes
    assert (outcomes["outcome"] == "correct").all()
    assert (outcomes["latency_low_s"] <= 0.5).all()
    assert (outcomes["latency_s"] >= 0.5).all()
    assert (outcomes["latency_low_s"] >= 0.35).all()  # the first poll found it not ready


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("service", ["capsolver", "capmonster"])
def test_latency_is_the_sum_of_its_parts_and_no_wait_of_ours(sandbox, run, key, service, transport):
    """Readings queue for the account's rate; their latency is the service's all the same."""
    box = sandbox(DATASET, delay=0.05)
    setting = box.CapSolver(key=key) if service == "capsolver" else box.CapMonster(key=key, **QUICK)

    done = run(DATASET, setting, limits=tk.Limits(in_flight=8, per_second=20), transport=transport)

    attempts = done.attempts
    assert attempts["latency_s"].to_numpy() == pytest.approx(attempts[PARTS].sum(axis="columns").to_numpy(), abs=1e-5)
    assert (attempts["latency_s"] >= 0.05).all()
    waits = ["queue_s", "limit_wait_s", "backoff_s"]
    assert (attempts["elapsed_s"] >= attempts[[*PARTS, *waits]].sum(axis="columns") - 1e-5).all()
    assert attempts["limit_wait_s"].sum() > 12 / 20 / 2  # the rate was what held it up
    assert (attempts["poll_wait_s"] > 0).all() == (service == "capmonster")
    assert (attempts["client_lag_s"] >= 0).all()
    assert attempts["latency_low_s"].notna().all() == (service == "capmonster")


def test_a_poll_that_fails_says_nothing_of_when_the_answer_was_ready(sandbox, run, key):
    """It was ready at once; that the first poll was cut does not make it later."""
    box = sandbox(DATASET, faults=[faults.script([faults.cut("before")] * 12, on="getTaskResult")])

    done = run(DATASET, box.CapMonster(key=key, first_poll_s=0.05, poll_every_s=0.05))

    assert (done.outcomes["outcome"] == "correct").all()
    assert (done.outcomes["latency_low_s"] == 0).all()
    assert done.outcomes["latency_s"].max() >= 0.1


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("trouble", ["drip", "endless", "silent", "slow answer"])
def test_a_deadline_holds_whatever_the_service_does(sandbox, run, key, silent, transport, trouble):
    """All of these would take a minute; what may have been charged is unsettled."""
    box = sandbox(DATASET, delay=60.0 if trouble in ("endless", "slow answer") else 0.0)
    box.faults = [faults.at_rate(1.0, faults.slow_drip(60.0), on="createTask")] if trouble == "drip" else []
    setting = box.CapMonster(key=key, **QUICK) if trouble == "endless" else box.CapSolver(key=key)
    if trouble == "silent":
        setting = tk.CapSolver(key=key, base_url=silent, price_per_1000_usd=1)

    done = run(DATASET[:3], setting, deadline_s=0.6, transport=transport)

    attempts = done.attempts
    assert set(attempts["error"]) == {"deadline_exceeded"}
    assert len(attempts) == 3  # a deadline is not tried again
    assert attempts["unsettled"].all()
    assert (attempts["elapsed_s"] >= 0.6).all()
    assert (attempts["elapsed_s"] < 20).all()
    assert len(done.unsettled) == 3
    if trouble == "endless":
        assert attempts["task_id"].notna().all()


def test_how_late_this_process_was_is_told(sandbox, run, key):
    """A thread that keeps the interpreter busy makes it late: rows are flagged, and the summary advises against ranks."""
    over = threading.Event()

    def hog():
        while not over.is_set():
            sum(range(200_000))

    box = sandbox(DATASET, delay=0.1)
    hogs = [threading.Thread(target=hog) for _ in range(4)]
    for thread in hogs:
        thread.start()
    try:
        busy = run(DATASET, box.CapSolver(key=key), transport="fast")
    finally:
        over.set()
        for thread in hogs:
            thread.join()

    lag_s, outcomes, (summary,) = busy.attempts["client_lag_s"], busy.outcomes, busy.summary().to_dict("records")
    assert np.median(lag_s) > 0.01
    assert outcomes["lagged"].tolist() == (outcomes["client_lag_s"] > 0.01).tolist()
    assert summary["lagged"] == outcomes["lagged"].mean() >= 0.5
    advice = "do not rank by latency, or measure again with fewer in flight"
    assert advice in busy._repr_html_()
    assert advice in caution(busy.summary())
    assert caution(busy.summary().assign(lagged=0.05)) is None
