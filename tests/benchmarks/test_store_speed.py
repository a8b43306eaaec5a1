"""A large store: opened for the first time and again, looked at, and gone on with, beside bare `json` on the same file.

``TOOLKIT_BENCH=full`` does it with ten million attempts too.
"""

import json
import os
import shutil

import pytest
from apart import measured

from toolkit._store.store import SCHEMA

SETTINGS = [f"setting{n}()" for n in range(10)]
SIZES = [1_000_000, 10_000_000] if os.environ.get("TOOLKIT_BENCH") == "full" else [1_000_000]
SMALL = 1_000
MOST_TIMES_BARE = {"first": 1.0, "again": 0.5, "go on": 2.0}
"""Of what bare `json` takes for the same lines, one after another."""
MOST_MIB = {1_000_000: 1024, 10_000_000: 4096}
LOOKS = ("summary", "thresholds", "comparison", "report")
"""The thresholds are those of one setting, a tenth of the attempts."""


def write_run(folder, attempts):
    """A closed run of ten settings; one reading in twenty without an answer, one in ten wrong."""
    folder.mkdir()
    images = attempts // len(SETTINGS)
    plan = {"dataset": {"name": "large", "samples": images, "fingerprint": "f" * 64}, "repeats": 1, "seed": 0}
    plan["settings"] = {
        label: {"provider": "p", "account": None, "parameters": {}, "versions": {}} for label in SETTINGS
    }
    prices = {key: {} for key in SETTINGS}
    manifest = {"schema": SCHEMA, "created_at": "2026-01-01", "plan": plan, "prices_usd": prices}
    manifest["max_cost_usd"] = dict.fromkeys(SETTINGS, 0.0)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with (folder / "samples.jsonl").open("w") as samples, (folder / "attempts.jsonl").open("w") as log:
        log.write('{"event":"session","at":1795423173.0,"host":"here","pid":1}\n')
        for n in range(images):
            tags = '{"length":7,"font":"DejaVuSans"}'
            samples.write(f'{{"id":"{n:07d}.png","target":"w{n:06d}","tags":{tags},"sha256":"{n:064d}"}}\n')
            log.writelines(_attempt(n, place) for place in range(len(SETTINGS)))
    return folder


def _attempt(n, place):
    """One line as the store writes it; what it says follows from an even spread over all numbers."""
    spread = (n * len(SETTINGS) + place) * 2654435761 % 2**32
    share, kind = spread / 2**32, spread % 20
    read = (
        '"error":"unsolvable","error_message":"no text",'
        if kind == 0
        else f'"text":"w{n:06d}{"x" if kind < 3 else ""}","confidence":{0.5 + share / 2:.6f},'
        f'"latency_s":{0.004 + share / 500:.6f},'
    )
    return (
        f'{{"event":"finished","setting":"{SETTINGS[place]}","sample":"{n:07d}.png","repeat":0,"attempt":1,'
        f'"started_at":{1795423173 + n / 1000:.6f},"final":true,{read}"elapsed_s":{0.12 + share / 50:.6f},'
        f'"queue_s":{0.119 + share / 50:.6f},"service_s":{0.004 + share / 500:.6f}}}\n'
    )


@pytest.fixture(scope="module", params=SIZES, ids=str)
def run(request, tmp_path_factory):
    """A folder with that many attempts, and what bare `json` takes for its lines."""
    size = SMALL if request.config.getoption("benchmark_disable") else request.param
    folder = write_run(tmp_path_factory.mktemp("large") / "run", size)
    yield folder, size, measured(BARE, folder)
    shutil.rmtree(folder)  # gigabytes


BARE = """
    import json, sys, time
    start = time.perf_counter()
    rows = 0
    with open(sys.argv[1] + "/attempts.jsonl", "rb") as file:
        for line in file:
            rows += json.loads(line)["event"] == "finished"
    figures = {"seconds": time.perf_counter() - start, "rows": rows}
"""
OPEN = """
    import sys, time
    import toolkit as tk
    tk.open_run
    start = time.perf_counter()
    run = tk.open_run(sys.argv[1])
    outcomes = run.outcomes
    figures = {"seconds": time.perf_counter() - start, "rows": len(outcomes)}
"""
LOOK = """
    import sys, time
    import toolkit as tk
    run = tk.open_run(sys.argv[1])
    figures = {"rows": len(run.outcomes)}
    label = run.settings[1]
    looks = {
        "summary": lambda: run.summary(),
        "thresholds": lambda: tk.stats.thresholds(run.outcomes, setting=label),
        "comparison": lambda: tk.stats.compare(run.outcomes, baseline=label),
        "report": lambda: run.report(sys.argv[1] + ".html"),
    }
    for name, look in looks.items():
        start = time.perf_counter()
        look()
        figures[name] = time.perf_counter() - start
"""
GO_ON = """
    import sys, time
    from toolkit._engine.plan import Plan
    from toolkit._store.log_reader import LogReader
    from toolkit._store.store import FileStore
    start = time.perf_counter()
    store = FileStore(sys.argv[1])
    plan = store.manifest()["plan"]
    store.open(store.manifest(), [])
    log = LogReader(store)
    log.read_on()
    plan = Plan(tuple(plan["settings"]), [sample["id"] for sample in store.samples()])
    done = plan.done(log.ended())
    store.close()
    figures = {"seconds": time.perf_counter() - start, "rows": len(done)}
"""


def note(benchmark, found, bare):
    """Leave the figures where the report finds them."""
    benchmark.extra_info |= {
        "attempts": found["rows"],
        "seconds": round(found["seconds"], 2),
        "peak_mib": round(found["peak_mib"]),
        "bare_json_s": round(bare["seconds"], 2),
        "ratio": round(found["seconds"] / bare["seconds"], 2),
    }


@pytest.mark.parametrize("which", ["first", "again"])
def test_opening_a_large_run(benchmark, run, which):
    """All outcomes are there in seconds and within a gibibyte a million; the second time from the columns beside the log."""
    folder, size, bare = run
    (folder / "columns.parquet").unlink(missing_ok=True)
    if which == "again":
        measured(OPEN, folder)

    found = benchmark.pedantic(lambda: measured(OPEN, folder), rounds=1)

    assert found["rows"] == bare["rows"] == size
    if benchmark.enabled:
        note(benchmark, found, bare)
        assert found["seconds"] <= MOST_TIMES_BARE[which] * bare["seconds"]
        assert found["peak_mib"] <= MOST_MIB[size]


def test_looking_at_a_large_run(benchmark, run):
    """Summary, threshold curve and comparison each take less than bare `json` takes for the lines; a report some times that."""
    folder, size, bare = run

    found = benchmark.pedantic(lambda: measured(LOOK, folder), rounds=1)

    assert found["rows"] == size
    if benchmark.enabled:
        benchmark.extra_info |= {f"{name}_s": round(found[name], 2) for name in LOOKS}
        benchmark.extra_info |= {"peak_mib": round(found["peak_mib"]), "bare_json_s": round(bare["seconds"], 2)}
        assert all(found[name] <= bare["seconds"] for name in LOOKS if name != "report")
        assert found["report"] <= 6 * bare["seconds"]


def test_going_on_with_a_large_run(benchmark, run):
    """Resuming reads the log and marks what is done, which takes little more than parsing it."""
    folder, size, bare = run

    found = benchmark.pedantic(lambda: measured(GO_ON, folder), rounds=1)

    assert found["rows"] == size
    if benchmark.enabled:
        note(benchmark, found, bare)
        assert found["seconds"] <= MOST_TIMES_BARE["go on"] * bare["seconds"]
