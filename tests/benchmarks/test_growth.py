"""A trial costs the same whether it is one of a thousand or one of a million, in time and in memory.

An oracle in a thread of this process reads, so that nothing but the toolkit is measured: loading, queueing, timing,
recording. Each size runs in a Python of its own, whose memory is nobody else's. ``TOOLKIT_BENCH=full`` goes on to a
million trials.
"""

import os
from statistics import median

from apart import measured
from test_memory import shard

FULL = os.environ.get("TOOLKIT_BENCH") == "full"
SIZES = (1_000, 10_000, 100_000, 1_000_000) if FULL else (1_000, 10_000, 100_000)
REPEATS = 10
FLAT_WITHIN = 0.10
MOST_MORE_MIB = 100

RUN = """
    import sys, time
    from concurrent.futures import ThreadPoolExecutor
    import toolkit as tk
    from doubles import Echo
    with ThreadPoolExecutor(1) as thread:
        dataset = tk.load_dataset(sys.argv[1])
        # What is paid once in a process (imports, first calls) is no part of what a trial costs.
        tk.benchmark(dataset[:100], Echo(), repeats=5, executor=thread, store=sys.argv[2] + "-before", show=False)
        begun = time.process_time()
        run = tk.start(dataset, Echo(), repeats=int(sys.argv[3]), executor=thread, store=sys.argv[2])
        run.wait()
    figures = {"cpu_s": time.process_time() - begun, "wall_s": run.progress.seconds, "left": run.progress.left}
"""


def test_a_million_trials_cost_what_a_thousand_cost(benchmark, tmp_path):
    """CPU time per trial is flat within a tenth, and memory within 100 MiB, from the smallest size to the largest."""
    sizes = SIZES if benchmark.enabled else (100, 300)
    found: dict[int, list[dict[str, float]]] = {size: [] for size in sizes}
    shards = {size: shard(tmp_path / f"{size}.tar", size // REPEATS) for size in sizes}

    def each_size():
        # Small runs before and after the large one, so that what else the machine does is in all alike.
        for size in (*sizes[:-1] * 3, sizes[-1], *sizes[:-1] * 3):
            store = tmp_path / f"run-{size}-{len(found[size])}"
            found[size].append(measured(RUN, shards[size], store, REPEATS))

    benchmark.pedantic(each_size, rounds=1)

    assert {run["left"] for runs in found.values() for run in runs} == {0}
    ms = {size: median(run["cpu_s"] for run in runs) / size * 1000 for size, runs in found.items()}
    mib = {size: median(run["peak_mib"] for run in runs) for size, runs in found.items()}
    smallest, largest = min(sizes), max(sizes)
    benchmark.extra_info |= {
        "trials": list(sizes),
        "cpu_ms_a_trial": [round(ms[size], 4) for size in sizes],
        "peak_mib": [round(mib[size]) for size in sizes],
        "ratio": round(ms[largest] / ms[smallest], 3),
        "more_mib": round(mib[largest] - mib[smallest]),
    }
    if benchmark.enabled:
        assert ms[largest] <= (1 + FLAT_WITHIN) * ms[smallest]
        assert mib[largest] - mib[smallest] <= MOST_MORE_MIB
