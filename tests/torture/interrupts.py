"""A process that starts runs and is interrupted at random moments, and counts what they leave behind."""

import gc
import json
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


class Interrupts:
    """Interrupts of the main thread, as many as were sent."""

    def __init__(self) -> None:
        self.sent = self.arrived = 0
        signal.signal(signal.SIGINT, self._arrive)  # which a shell's background processes would ignore

    def during(self, work: Callable[[], object], after_s: list[float]) -> str:
        """Do some work, and be interrupted after so many seconds; says how it ended."""
        timers = [threading.Timer(seconds, self._send) for seconds in after_s]
        how = "raised"
        try:
            for timer in timers:
                timer.start()
            work()
            how = "returned"
        except KeyboardInterrupt:
            pass
        while True:
            try:  # what comes late was meant for the work all the same
                for timer in timers:
                    timer.cancel()
                    while timer.is_alive() or self.arrived < self.sent:
                        time.sleep(0.001)
                return how
            except KeyboardInterrupt:
                continue

    def _send(self) -> None:
        self.sent += 1
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def _arrive(self, number: int, frame: FrameType | None) -> None:
        self.arrived += 1
        signal.default_int_handler(number, frame)


def campaign(work: Callable[[int], Callable[[], bool]], times: int, longest_s: float, seed: int, twice: bool) -> None:
    """Be interrupted so many times, and say what was found.

    `work(n)` begins the n-th run or goes on with it, and says whether it is complete.
    """
    dice = random.Random(seed)
    interrupts = Interrupts()
    work(0)()  # whatever is kept for ever is made by the first one
    before = left_behind()
    found: dict[str, Any] = {"ends": Counter(), "runs": 1, "left": []}
    while interrupts.arrived < times:
        moments = [dice.uniform(0, longest_s) for _ in range(1 + twice)]
        complete: list[bool] = []
        try:
            how = interrupts.during(lambda: complete.append(work(found["runs"])()), moments)  # noqa: B023 -- called at once
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
