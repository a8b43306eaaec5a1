"""Runs in the background: in a notebook's running loop, stopped, and looked at while they go on."""

import asyncio
import logging
import time

import pytest
from bills import QUICK, charged_to, readable

import toolkit as tk
from toolkit.errors import SettingError

DATASET = readable(40)
LIMITS = tk.Limits(in_flight=8)


def test_a_run_starts_where_a_loop_is_running(sandbox, key):
    """As one does in every cell of a notebook, which stays free meanwhile."""
    box = sandbox(DATASET, delay=0.05)

    async def cell():
        live = tk.start(DATASET, [box.CapSolver(key=key), box.CapMonster(key=key, **QUICK)], limits=LIMITS)
        looked = [len(live.outcomes)]
        while live.running:
            await asyncio.sleep(0.02)
            looked.append(len(live.outcomes))
        looked.append(len(live.outcomes))  # it may have ended after the last look
        return looked, live.wait()

    looked, done = asyncio.run(cell())

    assert looked == sorted(looked)
    assert looked[-1] == 80
    assert any(0 < rows < 80 for rows in looked)
    assert done.complete


def test_stopping_finishes_what_was_sent_and_sends_nothing_more(sandbox, key, tmp_path):
    """Even when a rate of one a second would hold the rest up for minutes; the same call again resumes."""
    box = sandbox(DATASET, delay=0.05)
    setting = box.CapSolver(key=key)
    slow = tk.Limits(in_flight=8, per_second=2)
    live = tk.start(DATASET, setting, store=tmp_path / "run", limits=slow)
    while not live.progress.done:
        time.sleep(0.01)
    live.stop()
    live.wait(timeout_s=60)

    assert not live.running
    sent = box.traffic.requests("capsolver", "createTask")
    assert len(live.outcomes) == sent == len(charged_to(box, key)) < 8
    assert len(live.unsettled) == 0

    done = tk.benchmark(DATASET, setting, store=tmp_path / "run", limits=LIMITS, show=False)
    assert done.complete
    assert len(charged_to(box, key)) == 40


def test_both_transports_leave_no_word_of_a_key_in_the_logs(sandbox, key, leaks, caplog, run, tmp_path):
    """At the most talkative level, of every library."""
    box = sandbox(DATASET)
    for transport in ("httpx", "fast"):
        with caplog.at_level(logging.DEBUG):
            run(DATASET[:5], [box.CapSolver(key=key), box.OpenAICompatible(model="m", key=key)], transport=transport)

    assert caplog.records
    assert not leaks.in_folder(tmp_path)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"capsolvr": LIMITS}, r"no setting asks 'capsolvr'; the services of this run are capmonster, capsolver"),
        ({"capsolver": 8}, r"'capsolver' is 8; give tk\.Limits"),
        (8, r"is 8; give tk\.Limits"),
    ],
)
def test_limits_that_would_not_hold_are_refused(sandbox, key, limits, said):
    """Before anything is asked."""
    box = sandbox(DATASET)

    with pytest.raises(SettingError, match=said):
        tk.start(DATASET, [box.CapSolver(key=key), box.CapMonster(key=key)], limits=limits)
    assert not box.traffic.answers


def test_each_service_has_its_own_limits(sandbox, key, run):
    """By its name; the other one has those that hold for all."""
    box = sandbox(DATASET, delay=0.05)

    run(
        DATASET,
        [box.CapSolver(key=key), box.CapMonster(key=key, **QUICK)],
        limits={"capsolver": tk.Limits(in_flight=2), "capmonster": tk.Limits(in_flight=6)},
    )

    assert box.traffic.peak_in_flight["capsolver"] <= 2
    assert box.traffic.peak_in_flight["capmonster"] <= 6
