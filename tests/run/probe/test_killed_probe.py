"""A probe whose process is killed: the same call goes on where it was, and no image is paid for twice."""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from noise_images import noise_images

pytest.importorskip("uvicorn")

import toolkit as tk

COUNT = 40
DATASET = noise_images(COUNT)
SCRIPT = Path(__file__).with_name("killed_probe.py")
KEY = "CAP-0123456789ABCDEF"

CAPSOLVER = ("CapSolver", "score", [0.8, 0.85, 0.9, 0.95, 1.0])
CAPMONSTER = ("CapMonster", "recognizing_threshold", [0, 50, 80, 90, 97])


def _events(store: Path) -> list[dict]:
    log = store / "attempts.jsonl"
    return [json.loads(line) for line in log.read_bytes().split(b"\n")[:-1]] if log.exists() else []


def _killed(arguments: list, store: Path, event: str, number: int) -> None:
    """Probe in a process of its own, and kill it as soon as the log holds so many events of a kind."""
    command = [sys.executable, str(SCRIPT), json.dumps(arguments)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        try:
            while sum(record["event"] == event for record in _events(store)) < number:
                assert process.poll() is None, process.stderr and process.stderr.read()
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
            process.wait()
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("ladder", "strategy", "event", "number"),
    [
        (CAPSOLVER, "descending", "finished", 30),
        (CAPMONSTER, "descending", "submitted", 25),
        (CAPMONSTER, "tree", "finished", 40),
    ],
)
def test_a_killed_probe_goes_on_without_paying_twice(
    ladder: tuple[str, str, list[float]],
    strategy: str,
    event: str,
    number: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The ledger is the probe's own count of paid calls, but for requests that it owns up to as unsettled."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    service, over, settings = ladder
    store = tmp_path / "probe"
    with tk.sandbox(DATASET, oracle={"accuracy": 0.9}, keys=[KEY], delay=0.05) as box:
        url = box.urls[service.lower()]
        _killed([COUNT, str(store), service, url, KEY, over, settings, strategy], store, event, number)
        before = _events(store)
        polled = {"first_poll_s": 0.05, "poll_every_s": 0.05} if service == "CapMonster" else {}
        provider = getattr(box, service)(key=KEY, **polled)
        probe = tk.probe(
            DATASET,
            provider,
            over,
            settings,
            strategy=strategy,
            audit=10,
            store=store,
            show=False,
            limits=tk.Limits(in_flight=8),
        )
        truth = [box.oracle.truth(value if over == "score" else value / 100) for value in settings]
        charged = box.ledger.charged(service.lower())

    # It was cut in the middle, and the curve is the truth all the same.
    assert 0 < sum(record["event"] == "finished" for record in before) < len(probe.run.attempts)
    assert probe.curve().table["accepted"].tolist() == [round(true.coverage * COUNT) for true in truth]
    # Nothing that was heard before is asked again, and tasks that were known by their ids were collected.
    outcomes = probe.run.outcomes
    assert not outcomes.duplicated(["setting", "sample", "repeat"]).any()
    given = {str(record["task_id"]) for record in before if record["event"] == "submitted"}
    assert given <= set(probe.run.attempts["task_id"].dropna())
    # To the cent: answers are what was charged, but for requests under way without an id when the process ended.
    answers, unsettled = int(outcomes["outcome"].isin(["correct", "wrong"]).sum()), probe.run.unsettled
    assert answers <= charged <= answers + len(unsettled)
    asked = Counter((r["setting"], r["sample"], r["repeat"]) for r in before if r["event"] == "asked")
    heard = Counter((r["setting"], r["sample"], r["repeat"]) for r in before if r["event"] in ("submitted", "finished"))
    assert len(unsettled) == sum(not heard[trial] for trial in asked)
    assert int(probe.table["paid"].sum()) + int((outcomes["repeat"] == 1)[outcomes["text"].notna()].sum()) == answers
    if strategy == "descending":
        assert probe.table["paid"].max() == 1
