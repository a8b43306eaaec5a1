"""A rate that holds for an account, whoever asks: settings, services' words, and notebooks beside each other."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bills import readable

import toolkit as tk

SCRIPT = Path(__file__).with_name("killed_run.py")
PER_SECOND = 200
MANY = readable(300)


@pytest.mark.parametrize(("declared", "waste"), [(PER_SECOND, 0.05), (None, 0.2)])
def test_a_limit_of_the_service_is_kept_or_learned(sandbox, run, key, declared, waste):
    """Six hundred calls of two settings, of which few are refused, and none is lost."""
    box = sandbox(MANY, requests_per_s={"capsolver": PER_SECOND}, delay=0.02)
    settings = [box.CapSolver(key=key, module=module) for module in ("common", "queueit")]

    done = run(
        MANY,
        settings,
        limits=tk.Limits(in_flight=16, per_second=declared),
        retry=tk.RetryPolicy(tries=10),
    )

    assert (done.outcomes["outcome"] == "correct").all()
    calls, refused = (box.traffic.requests("capsolver", status=status) for status in (None, 429))
    assert refused <= waste * calls
    assert box.ledger.charged() == 600


def test_two_processes_share_the_rate_of_a_key(sandbox, key, tmp_path):
    """Together they send what one may; each for itself, they would have every second call refused."""
    images = readable(120)
    box = sandbox(images, requests_per_s={"capsolver": 60})
    options = {"settings": 1, "limits": {"in_flight": 8, "per_second": 60}}
    arguments = [json.dumps([120, str(tmp_path / name), key, box.urls, options]) for name in ("one", "other")]

    runs = [subprocess.Popen([sys.executable, str(SCRIPT), argument], stderr=subprocess.PIPE) for argument in arguments]
    said = [process.communicate(timeout=60)[1] for process in runs]

    assert said == [b"", b""]
    calls, refused = (box.traffic.requests("capsolver", status=status) for status in (None, 429))
    assert calls >= 240
    assert refused <= 0.05 * calls
    for name in ("one", "other"):
        done = tk.open_run(tmp_path / name)
        assert (done.outcomes["outcome"] == "correct").all()
        assert done.limits["in_flight"].min() < 8  # it had seen the other
