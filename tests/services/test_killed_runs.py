"""A run that is killed: what was paid for is kept, collected or owned up to."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from bills import charged_to, readable

import toolkit as tk

COUNT = 24
DATASET = readable(COUNT)
SCRIPT = Path(__file__).with_name("killed_run.py")


@contextlib.contextmanager
def run_of_its_own(store, key, box, **options):
    """The same run in a process of its own."""
    command = [sys.executable, str(SCRIPT), json.dumps([COUNT, str(store), key, box.urls, options])]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def settings_at(box, key):
    return [box.CapSolver(key=key), box.CapMonster(key=key, first_poll_s=0.05, poll_every_s=0.05)]


def events(store):
    """The whole lines of a log so far."""
    log = store / "attempts.jsonl"
    lines = log.read_bytes().split(b"\n")[:-1] if log.exists() else []
    return [json.loads(line) for line in lines]


def killed(store, key, box, event, number):
    """Run until the log holds so many events of a kind, and kill the process at that very moment."""
    with run_of_its_own(store, key, box) as process:
        while sum(record["event"] == event for record in events(store)) < number:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize(("event", "number"), [("asked", 1), ("submitted", 3), ("finished", 10), ("finished", 30)])
def test_a_killed_run_resumes_without_paying_twice(sandbox, key, tmp_path, event, number):
    """Every charge of the ledger is an answer of the run, or one of the requests it calls unsettled."""
    box, store = sandbox(DATASET, delay=0.3), tmp_path / "run"
    killed(store, key, box, event, number)
    before = events(store)
    given = {record["task_id"] for record in before if record["event"] == "submitted"}
    charged_then = len(charged_to(box, key))

    done = tk.benchmark(DATASET, settings_at(box, key), store=store, show=False, limits=tk.Limits(in_flight=8))

    assert done.complete
    assert (done.outcomes["outcome"] == "correct").all()
    assert not done.outcomes.duplicated(["setting", "sample"]).any()
    # The tasks that were known by their ids were asked for, not made again.
    answered = done.attempts[done.attempts["text"].notna()]
    assert {str(task) for task in given} <= set(answered["task_id"].dropna())
    # To the cent: what the run counts, and what it says it cannot know.
    charged, unsettled = charged_to(box, key), done.unsettled
    assert charged_then <= len(charged)
    assert 2 * COUNT <= len(charged) <= 2 * COUNT + len(unsettled)
    assert done.spend["charged"].sum() == 2 * COUNT
    assert done.spend["unsettled_usd"].sum() == pytest.approx(len(unsettled) / 1000)
    # Unsettled are the requests that were under way without an id.
    asked = Counter((record["setting"], record["sample"]) for record in before if record["event"] == "asked")
    heard = Counter(
        (record["setting"], record["sample"]) for record in before if record["event"] in ("submitted", "finished")
    )
    under_way = {trial for trial in asked if not heard[trial]}
    assert set(unsettled[["setting", "sample"]].itertuples(index=False, name=None)) == under_way


def test_a_task_that_the_service_has_forgotten_is_unsettled(sandbox, key, tmp_path):
    """It is asked for, once; its trial ends with the reason, and its money is told."""
    passed = [0.0]
    box, store = sandbox(DATASET, delay=0.5, clock=lambda: time.monotonic() + passed[0]), tmp_path / "run"
    killed(store, key, box, "submitted", 8)
    given = {str(record["task_id"]) for record in events(store) if record["event"] == "submitted"}
    passed[0] = 301.0

    done = tk.benchmark(DATASET, settings_at(box, key), store=store, show=False, limits=tk.Limits(in_flight=8))

    outcomes = done.outcomes[done.outcomes["setting"].str.startswith("capmonster")]
    assert len(outcomes) == COUNT
    late = done.attempts[done.attempts["error"] == "deadline_exceeded"]
    assert set(late["task_id"]) == given
    assert set(late["error_code"]) == {"ERROR_NO_SUCH_CAPCHA_ID"}
    unsettled = done.unsettled
    assert set(unsettled["task_id"].dropna()) == given
    assert unsettled["task_id"].dropna().is_unique
    assert len(charged_to(box, key, "capmonster")) == COUNT - len(given) + unsettled["task_id"].notna().sum()


def test_a_task_is_on_disk_before_its_first_poll(sandbox, key, run, tmp_path):
    """Seen by the service: at every poll, the log names the task that is asked for."""
    store, unknown, polls = tmp_path / "run", [], [0]

    class Watching:
        def pick(self, service, operation):
            if (service, operation) == ("capmonster", "getTaskResult"):
                polls[0] += 1
                submitted = sum(record["event"] == "submitted" for record in events(store))
                if submitted < box.traffic.requests("capmonster", "createTask") - 7:
                    unknown.append(submitted)

    box = sandbox(DATASET, faults=[Watching()])
    setting = box.CapMonster(key=key, first_poll_s=0.0, poll_every_s=0.01)

    done = run(DATASET, setting, store=store)

    assert polls[0] >= COUNT
    assert not unknown
    lines = events(store)
    for answer in (record for record in lines if record["event"] == "finished"):
        (at,) = [
            n
            for n, record in enumerate(lines)
            if record.get("task_id") == answer["task_id"] and record["event"] == "submitted"
        ]
        assert at < lines.index(answer)
    assert done.complete


def test_a_run_whose_interpreter_ends_finishes_what_it_began(sandbox, key, tmp_path):
    """A script that starts a run and ends: what was sent is answered and kept, and the rest is left for later."""
    box, store = sandbox(DATASET, delay=0.3), tmp_path / "run"
    code = SCRIPT.read_text().replace("tk.benchmark(", "live = tk.start(").replace(", show=False", "")
    code += "\n    import time\n    while not live.progress.done:\n        time.sleep(0.005)\n"
    arguments = json.dumps([COUNT, str(store), key, box.urls, {}])

    ended = subprocess.run(
        [sys.executable, "-c", code, arguments], capture_output=True, text=True, cwd=SCRIPT.parent, timeout=60
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    left = tk.open_run(store)
    assert 1 <= len(left.outcomes) < 2 * COUNT
    assert len(left.unsettled) == 0
    assert left.spend["charged"].sum() == len(charged_to(box, key))
    assert (pd.Series(left.outcomes["outcome"]) == "correct").all()
