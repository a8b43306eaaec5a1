"""What the processes do that are killed, interrupted, or run short of something. Loaded before they are forked."""

import json
import os
import resource
import tempfile
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
from doubles import Echo, pictures
from interrupts import campaign
from recorded_store import RecordedStore
from witnessed import noisy, settings_at

import toolkit as tk
from toolkit._engine.selftest import drives
from toolkit._store.store import SCHEMA, FileStore
from toolkit.errors import StoreError, StoreLocked

IN_FLIGHT = 32
_NOBODY = 65534

with ThreadPoolExecutor(1) as _thread:  # one small run and a look at it load all that loads on first use
    tk.benchmark(pictures(1), Echo(), executor=_thread, show=False).summary()
for _transport in ("auto", "httpx", "fast"):
    drives(_transport, IN_FLIGHT)  # once for all of them: how well this machine keeps time is not what is tested


def benchmark(
    images: list[int],
    store: str,
    key: str,
    urls: dict[str, str],
    *,
    note: str | None = None,
    in_flight: int = IN_FLIGHT,
    **options: Any,
) -> bool:
    """A run as a user starts it; gives whether it is complete."""
    run = tk.benchmark(
        noisy(*images),
        settings_at(urls, key),
        store=store if note is None else RecordedStore(store, note),
        show=False,
        limits=tk.Limits(in_flight=in_flight),
        retry=tk.RetryPolicy(base_s=0.01, longest_s=0.1),
        deadline_s=20.0,
        **options,
    )
    print(json.dumps({"outcomes": len(run.outcomes), "stopped": run.stopped}))  # noqa: T201 -- to whoever sent it
    return run.complete


def benchmark_on_a_small_disk(most_bytes: int, **options: Any) -> None:
    """A run of which no file may grow beyond so many bytes; says what it was told."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, resource.RLIM_INFINITY))
    told(lambda: benchmark(**options))


def benchmark_with_few_files(more: int, **options: Any) -> None:
    """A run that may open so many files and sockets beside those that are open."""
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))  # noqa: PTH208 -- not paths, numbers
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + more, highest + more))
    told(lambda: benchmark(**options))


def benchmark_as_nobody(**options: Any) -> None:
    """A run of a user who owns nothing."""
    if os.geteuid() == 0:
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    told(lambda: benchmark(**options))


def look_as_nobody(store: str) -> None:
    """Open a run of somebody else's, to look at it."""
    if os.geteuid() == 0:
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    run = tk.open_run(store)
    print(json.dumps([len(run.outcomes), len(run.unsettled), len(run.summary())]))  # noqa: T201


def told(work: Callable[[], object]) -> None:
    """Do some work and say which of the toolkit's errors ended it, if one did."""
    try:
        work()
    except StoreError as error:
        print(json.dumps({"error": type(error).__name__, "message": str(error)}))  # noqa: T201


def race(store: str, writers: int, rounds: int, lines: int) -> None:
    """Many processes open one store at the same moment, again and again; those that get in write some lines."""
    go_read, go_write = os.pipe()
    children = []
    for _ in range(writers):
        pid = os.fork()
        if not pid:
            os.close(go_write)
            os.read(go_read, 1)  # ends for all of them at once, when the other end is closed
            os._exit(_compete(store, rounds, lines))
        children.append(pid)
    os.close(go_read)
    os.close(go_write)
    wins = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    print(json.dumps(wins))  # noqa: T201


def _compete(store: str, rounds: int, lines: int) -> int:
    """How often this process got in; 255 when something else than a lock kept it out."""
    won = 0
    try:
        for _ in range(rounds):
            mine = FileStore(store)
            try:
                mine.open({"schema": SCHEMA, "plan": {"of": "all"}}, [{"id": "one"}])
            except StoreLocked as refusal:
                assert "being written by process" in str(refusal)  # noqa: PT017
                continue
            for number in range(lines):
                mine.append({"event": "finished", "by": os.getpid(), "won": won, "number": number})
            mine.close()
            won += 1
    except BaseException:  # noqa: BLE001 -- the status says it
        traceback.print_exc()
        return 255
    return won


def interrupted_benchmarks(
    times: int, seed: int, folder: str, key: str, urls: dict[str, str], *, longest_s: float, twice: bool, images: int
) -> None:
    """Runs that ask services and are interrupted."""
    os.environ["TMPDIR"] = tempfile.tempdir = folder

    def work(number: int) -> Callable[[], bool]:
        return lambda: benchmark(
            [images * number, images],
            f"{folder}/../run {number}",
            key,
            urls,
            in_flight=16,
            transport="httpx" if number % 2 else "fast",
        )

    campaign(work, times, longest_s, seed, twice)


def interrupted_engines(times: int, seed: int, folder: str, *, longest_s: float, twice: bool) -> None:
    """The same with an engine in worker processes."""
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    dataset = pictures(200)

    def work(number: int) -> Callable[[], bool]:
        return lambda: (
            tk.benchmark(dataset, Echo(), store=f"{folder}/../engines {number}", workers=2, show=False).complete
        )

    campaign(work, times, longest_s, seed, twice)


def load(
    images: list[int], repeats: int, store: str, key: str, urls: dict[str, str], *, in_flight: int, transport: str
) -> None:
    """A long run; says at each tenth of it when that was, and what the process had then."""
    process = psutil.Process()
    live = tk.start(
        noisy(*images),
        settings_at(urls, key)[0],  # one account: two that end at different times would look like a change of speed
        repeats=repeats,
        store=store,
        limits=tk.Limits(in_flight=in_flight),
        retry=tk.RetryPolicy(base_s=0.01, longest_s=0.1),
        transport=transport,
    )
    tenths: list[dict[str, float]] = []
    while live.running:
        done = live.progress.done
        if done >= live.progress.planned * len(tenths) / 10:
            with process.oneshot():
                tenths.append(
                    {
                        "at": time.perf_counter(),
                        "cpu_s": sum(process.cpu_times()[:2]),
                        "done": done,
                        "rss_mb": process.memory_info().rss / 1e6,
                        "files": process.num_fds(),
                        "threads": process.num_threads(),
                    }
                )
        time.sleep(0.02)
    live.wait()
    print(json.dumps(tenths))  # noqa: T201
