"""What a run adds to a paid service: its throughput and its work beside a bare loop, and how true its latencies are.

The service takes 100 ms and runs in a process of its own. Every row of the runs is on disk. A run and a bare loop over
the same transport follow one another, several times; rates are those of the middle of each, since a balance is read
before a run, connections open and places are given out by and by at its begin, and at its end fewer and fewer are in
flight. Processor time is told beside them, which neighbours on the machine disturb less.

``TOOLKIT_BENCH=full`` makes 20,000 calls at 200 in flight. What is promised stands in the docstrings and is reported;
asserted is what holds on a machine with neighbours too.
"""

import asyncio
import base64
import json
import os
import subprocess
import sys
import time
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import pytest
from apart import measured
from delayed_answers import DELAY_S
from doubles import label, picture

import toolkit as tk
from toolkit._engine.selftest import drives
from toolkit._http import open_client

IMAGES = [picture(number) + bytes(300) for number in range(100)]  # a service refuses what has less than 100 bytes
DATASET = tk.Dataset.from_samples(
    (tk.Sample.from_bytes(image, label(number), id=f"{number}.png") for number, image in enumerate(IMAGES)),
    name="speed",
)
WAVES = 100 if os.environ.get("TOOLKIT_BENCH") == "full" else 20
"""Calls for each one in flight."""
ROUNDS = 3
TRUE_WITHIN_AT_50 = {"auto": (0.03, 0.10), "httpx": (0.03, 0.10), "fast": (0.06, 0.20)}
"""Promised: share of the truth by which p50 and p95 are over at most. An event loop takes fifty answers one after the other."""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """What processes share by files stays in the test's own folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def service():
    """The server's address."""
    program = [sys.executable, Path(__file__).with_name("delayed_answers.py")]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as server:
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        server.terminate()


@dataclass
class Speed:
    """Calls per second in the middle, and milliseconds of processor time for each."""

    per_s: float
    cpu_ms: float


def speed(ends, cpu_s):
    """Between the tenth and the ninetieth part of the calls, by when they ended."""
    ends = np.sort(ends)
    first, last = len(ends) // 10, len(ends) * 9 // 10
    return Speed((last - first) / (ends[last] - ends[first]), 1000 * cpu_s / len(ends))


def bare_loop(url, transport, in_flight, calls):
    """A loop that reads an image, asks, and looks at the answer: what anybody would write around the transport."""
    ends = []

    async def all_of_them():
        client, left = open_client(transport, in_flight), iter(range(calls))

        async def worker():
            for number in left:
                body = base64.b64encode(DATASET[number % len(DATASET)].image).decode()
                task = {"type": "ImageToTextTask", "module": "common", "body": body}
                exchanged = await client.exchange(
                    f"{url}/createTask",
                    json.dumps({"clientKey": "key", "task": task}).encode(),
                    {"content-type": "application/json"},
                    60,
                )
                assert json.loads(exchanged.response.body)["solution"]["text"]
                ends.append(time.perf_counter())

        await asyncio.gather(*(worker() for _ in range(in_flight)))
        await client.close()

    cpu_s = time.process_time()
    asyncio.run(all_of_them())
    return speed(ends, time.process_time() - cpu_s)


def run_of(url, transport, in_flight, calls, store, setting=None):
    """About the same number of calls as a run: its speed, and its outcomes."""
    drives(transport, in_flight)  # the self-test is done once in a process, and is not part of what is measured
    cpu_s = time.process_time()
    done = tk.start(
        DATASET,
        setting or tk.CapSolver(key="key", base_url=url),
        repeats=calls // len(DATASET),
        limits=tk.Limits(in_flight=in_flight),
        transport=transport,
        store=store,
    ).wait()
    cpu_s = time.process_time() - cpu_s
    outcomes = done.outcomes
    assert outcomes["text"].notna().sum() == done.planned
    return speed(outcomes["started_at"] + outcomes["latency_s"], cpu_s), outcomes


@pytest.mark.parametrize("in_flight", [16, 64, 200])
@pytest.mark.parametrize("transport", ["httpx", "fast"])
def test_a_run_keeps_up_with_a_bare_loop(benchmark, service, tmp_path, transport, in_flight):
    """Promised: 0.95 of its calls per second, for 0.3 ms more work each; at 200, 1,000 a second and 1,600 with the extra.

    The latencies that the run reports are at 200 in flight within 120 ms (p50) and 160 ms (p95).
    """
    calls = max(1000, in_flight * WAVES) if benchmark.enabled else 200
    bare, runs, latencies = [], [], []

    def both():
        bare.append(bare_loop(service, transport, in_flight, calls))
        done, outcomes = run_of(service, transport, in_flight, calls, tmp_path / f"run{len(runs)}")
        runs.append(done)
        latencies.append(np.quantile(outcomes["latency_s"], (0.5, 0.95)))

    benchmark.pedantic(both, rounds=ROUNDS if benchmark.enabled else 1)

    (bare_per_s, bare_ms), (per_s, ms) = (np.array(list(map(astuple, speeds))).T for speeds in (bare, runs))
    benchmark.extra_info |= {
        "of_bare_loop": round(float(np.median(per_s / bare_per_s)), 3),
        "rows_per_s": round(float(np.median(per_s))),
        "bare_per_s": round(float(np.median(bare_per_s))),
        "cpu_ms_above_bare": round(float(ms.min() - bare_ms.min()), 3),  # noise only ever adds
        "bare_cpu_ms": round(float(bare_ms.min()), 3),
        "p50_ms": round(1000 * float(np.min(latencies, axis=0)[0]), 1),
        "p95_ms": round(1000 * float(np.min(latencies, axis=0)[1]), 1),
    }
    if benchmark.enabled:
        assert np.max(per_s / bare_per_s) >= 0.6
        # What a run costs once, its manifest and its first looks, is a part of this that few calls do not hide.
        assert in_flight < 200 or benchmark.extra_info["cpu_ms_above_bare"] <= 0.3


@pytest.mark.parametrize("transport", ["auto", "httpx", "fast"])
def test_the_latency_that_is_reported_is_the_services(benchmark, service, tmp_path, transport):
    """At 50 in flight the median and the 95th percentile are near the truth."""
    found = []

    def report():
        calls = 50 * WAVES if benchmark.enabled else 100
        _, outcomes = run_of(service, transport, 50, calls, tmp_path / f"run{len(found)}")
        found.append(np.quantile(outcomes["latency_s"], (0.5, 0.95)))

    benchmark.pedantic(report, rounds=ROUNDS if benchmark.enabled else 1)

    p50, p95 = np.min(found, axis=0) / DELAY_S  # of several, the one that was disturbed least
    benchmark.extra_info |= {"p50_of_truth": round(float(p50), 3), "p95_of_truth": round(float(p95), 3)}
    over_p50, over_p95 = TRUE_WITHIN_AT_50[transport]
    benchmark.extra_info["kept"] = bool(p50 <= 1 + over_p50 and p95 <= 1 + over_p95)
    assert p50 >= 0.99
    if benchmark.enabled:
        assert p50 <= 1.2


def test_a_polling_provider_is_kept_near_its_ideal(benchmark, service, tmp_path):
    """Promised: 0.9 of what two exchanges of 100 ms and the 100 ms between them allow, with each task on disk first."""
    in_flight, pause_s = 64, 0.1
    ideal_per_s = in_flight / (2 * DELAY_S + pause_s)
    setting = tk.CapMonster(key="key", base_url=service, first_poll_s=pause_s, poll_every_s=pause_s)
    found = []

    def polled():
        calls = in_flight * WAVES if benchmark.enabled else 100
        done, _ = run_of(service, "httpx", in_flight, calls, tmp_path / f"run{len(found)}", setting)
        found.append(done.per_s / ideal_per_s)

    benchmark.pedantic(polled, rounds=ROUNDS if benchmark.enabled else 1)

    benchmark.extra_info |= {
        "of_ideal": round(float(np.median(found)), 3),
        "ideal_per_s": round(ideal_per_s),
        "rows_per_s": round(float(np.median(found)) * ideal_per_s),
    }
    if benchmark.enabled:
        assert max(found) >= 0.7


MEMORY = """
import sys
import toolkit as tk
from doubles import pictures

url, store, transport, calls = sys.argv[1:]
tk.start(
    pictures(100),
    tk.CapSolver(key="key", base_url=url),
    repeats=int(calls) // 100,
    limits=tk.Limits(in_flight=200),
    transport=transport,
    store=store,
).wait()
figures = {}
"""


@pytest.mark.parametrize("transport", ["httpx", "fast"])
def test_a_run_takes_little_memory(benchmark, service, tmp_path, transport):
    """Promised: at most 150 MiB at 200 in flight, two thirds of which are pandas and Arrow; little of it for each call."""
    few, many = (2_000, 200 * WAVES) if benchmark.enabled else (100, 200)
    peaks = []

    def runs():
        peaks.extend(
            measured(MEMORY, service, tmp_path / f"run{calls}", transport, calls)["peak_mib"] for calls in (few, many)
        )

    benchmark.pedantic(runs, rounds=1)

    benchmark.extra_info |= {
        "peak_mib": round(peaks[-1], 1),
        "import_mib": round(measured("import toolkit as tk; tk.Dataset; figures = {}")["peak_mib"], 1),
        "mib_per_1000_calls": round(1000 * (peaks[1] - peaks[0]) / (many - few), 2),
    }
    if benchmark.enabled:
        assert peaks[-1] <= 200
