"""The self-test: what this machine can drive is found out before a service is asked, and kept with the run."""

import os

import psutil
import pytest
from bills import readable

import toolkit as tk
from toolkit._engine.selftest import drives

DATASET = readable(2)


@pytest.mark.parametrize("transport", ["httpx", "fast"])
def test_the_echo_sets_the_bound(transport):
    """No machine is faster than the echo answers, and the times taken are not shorter than it takes."""
    if transport == "fast":
        pytest.importorskip("aiohttp")
    children = {child.pid for child in psutil.Process().children()}

    found = drives(transport, 8)

    assert (found["transport"], found["in_flight"]) == (transport, 8)
    assert 0 < found["per_second"] <= found["ideal_per_second"] == 160
    assert -1 < found["p50_late_ms"] <= found["p95_late_ms"]
    assert {child.pid for child in psutil.Process().children()} <= children


def test_it_stands_in_the_manifest_of_a_run_that_asks_a_service(sandbox, key, run):
    """With as many in flight as the run may have; a run of engines alone asks nobody, and has none."""
    box = sandbox(DATASET)

    done = run(
        DATASET,
        [box.CapSolver(key=key), box.CapMonster(key=key, first_poll_s=0.02)],
        limits={"capsolver": tk.Limits(in_flight=2), "capmonster": tk.Limits(in_flight=5)},
    )

    machine = done.manifest["machine"]
    assert machine["cores"] == os.cpu_count()
    assert machine["drives"] == drives("auto", 5)


def test_a_run_on_this_machine_alone_needs_none(run):
    """It would only cost time."""
    pytest.importorskip("tesserocr")

    done = run(DATASET, tk.Tesseract(), limits=None, workers=1)

    assert done.manifest["machine"]["drives"] is None
