"""Opening a large store: to look at it, and to go on with it, beside bare `json` on the same file."""

import json

import pytest
from apart import measured

from toolkit.store import SCHEMA

MOST_S = 10.0
MOST_MIB = 2048
SETTINGS = [f"setting{n}()" for n in range(10)]


@pytest.fixture
def folder(benchmark, tmp_path):
    """A run of ten settings over a hundred thousand images, or over a hundred where nothing is measured."""
    images = 100_000 if benchmark.enabled else 100
    folder = tmp_path / "run"
    folder.mkdir()
    plan = {"dataset": {"name": "large", "samples": images, "fingerprint": "f" * 64}, "repeats": 1, "seed": 0}
    plan["settings"] = {
        label: {"provider": "p", "account": None, "parameters": {}, "versions": {}} for label in SETTINGS
    }
    prices = {key: {} for key in SETTINGS}
    manifest = {"schema": SCHEMA, "created_at": "2026-01-01", "plan": plan, "prices_usd": prices, "worst_usd": prices}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with (folder / "samples.jsonl").open("w") as samples, (folder / "attempts.jsonl").open("w") as log:
        for n in range(images):
            tags = {"length": 6, "font": "DejaVuSans"}
            sample = {"id": f"{n:06d}.png", "target": f"w{n:05d}", "tags": tags, "sha256": "0" * 64}
            samples.write(json.dumps(sample, separators=(",", ":")) + "\n")
            for label in SETTINGS:
                attempt = {"event": "finished", "setting": label, "sample": f"{n:06d}.png", "repeat": 0, "attempt": 1}
                attempt |= {"started_at": 1795423173.123456, "final": True}
                if (n + len(label)) % 20:
                    attempt |= {"text": f"w{n:05d}", "confidence": 0.987654, "latency_s": 0.004321}
                else:
                    attempt |= {"text": None, "confidence": None, "error": "unsolvable", "error_message": "no text"}
                attempt |= {"elapsed_s": 0.123456, "queue_s": 0.119, "service_s": 0.004321}
                log.write(json.dumps(attempt, separators=(",", ":")) + "\n")
    return folder


OPEN = """
    import sys, time
    import toolkit as tk
    tk.open_run
    start = time.perf_counter()
    run = tk.open_run(sys.argv[1])
    outcomes = run.outcomes
    figures = {"seconds": time.perf_counter() - start, "rows": len(outcomes)}
"""
RESUME = """
    import sys, time
    from toolkit.engine.books import Books
    from toolkit.engine.plan import Plan
    from toolkit.store import FileStore
    start = time.perf_counter()
    store = FileStore(sys.argv[1])
    plan = store.manifest()["plan"]
    store.open(store.manifest(), [])
    books = Books()
    for records, _ in store.blocks():
        books.read(records)
    plan = Plan(tuple(plan["settings"]), [sample["id"] for sample in store.samples()])
    done = plan.done(books.done(retry_errors=False))
    store.close()
    figures = {"seconds": time.perf_counter() - start, "rows": len(done)}
"""
BARE = """
    import json, sys, time
    start = time.perf_counter()
    rows = 0
    with open(sys.argv[1] + "/attempts.jsonl", "rb") as file:
        for line in file:
            json.loads(line)
            rows += 1
    figures = {"seconds": time.perf_counter() - start, "rows": rows}
"""


@pytest.mark.parametrize("how", [OPEN, RESUME], ids=["to look at", "to go on"])
def test_opening_a_million_attempts(benchmark, folder, how):
    """A store of a million attempts is there within ten seconds and two gibibytes; reference: bare json, line by line."""
    opened = benchmark.pedantic(lambda: measured(how, folder), rounds=1)

    bare = measured(BARE, folder)
    assert opened["rows"] == bare["rows"]
    if benchmark.enabled:
        benchmark.extra_info |= {
            "attempts": opened["rows"],
            "seconds": round(opened["seconds"], 2),
            "peak_mib": round(opened["peak_mib"]),
            "bare_json_s": round(bare["seconds"], 2),
            "ratio_to_bare_json": round(opened["seconds"] / bare["seconds"], 2),
        }
        assert opened["seconds"] <= MOST_S
        assert opened["peak_mib"] <= MOST_MIB
