"""A process that starts runs and is interrupted at random moments, and counts what they leave behind."""

import gc
import json
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

PATIENCE_S = 30.0


def left_behind() -> dict[str, Any]:
    """What this process has: threads, open files and sockets, child processes, temporary files."""
    gc.collect()
    process = psutil.Process()
    return {
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "files": process.num_fds(),
        "children": sorted(child.pid for child in process.children(recursive=True)),
        "temporary": sorted(path.name for path in Path(tempfile.gettempdir()).iterdir()),
    }


def interrupted(work: Callable[[], object], after_s: list[float]) -> str:
    """Do some work in the main thread, which is interrupted after so many seconds; says how it ended."""
    timers = [threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT)) for seconds in after_s]
    how = "raised"
    try:
        for timer in timers:
            timer.start()
        work()
        how = "returned"
    except KeyboardInterrupt:
        pass
    while True:
        try:  # what comes late is meant for the work all the same
            for timer in timers:
                timer.cancel()
                timer.join()
            time.sleep(0.001)
            return how
        except KeyboardInterrupt:
            continue


def campaign(work: Callable[[int], Callable[[], bool]], times: int, longest_s: float, seed: int, twice: bool) -> None:
    """Be interrupted so many times, and say what was found.

    `work(n)` begins the n-th run or goes on with it, and says whether it is complete.
    """
    dice = random.Random(seed)
    arrived: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        arrived.append(number)
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, interrupt)  # which a shell's background processes would ignore
    work(0)()  # whatever is kept for ever is made by the first one
    before = left_behind()
    found: dict[str, Any] = {"ends": Counter(), "runs": 1, "left": []}
    while len(arrived) < times:
        moments = [dice.uniform(0, longest_s) for _ in range(1 + twice)]
        complete: list[bool] = []
        try:
            how = interrupted(lambda: complete.append(work(found["runs"])()), moments)  # noqa: B023 -- called at once
        except Exception as error:  # noqa: BLE001 -- whatever it is, the test is told
            how = f"{type(error).__name__}: {error}"
        found["ends"][how] += 1
        found["runs"] += complete == [True]
        if not _quiet_within(PATIENCE_S, before):
            now = left_behind()
            found["left"].append([moments, {name: now[name] for name in now if now[name] != before[name]}])
            before = now
    print(json.dumps(found))  # noqa: T201 -- to whoever sent it


def _quiet_within(seconds: float, before: dict[str, Any]) -> bool:
    for _ in range(int(seconds / 0.02)):
        if left_behind() == before:
            return True
        time.sleep(0.02)
    return False
