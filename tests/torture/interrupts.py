"""A process that starts runs and is interrupted at random moments, and counts what they leave behind."""

import gc
import json
import random
import signal
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

from toolkit._run.live import LiveRun

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


def going_on() -> int:
    """How many runs are at work that nobody has told to stop."""
    runs = (thing for thing in gc.get_objects() if isinstance(thing, LiveRun))
    return sum(run.running and not run._told_to_stop for run in runs)


class Interrupts:
    """Interrupts of the main thread, as from a keyboard."""

    def __init__(self) -> None:
        self.arrived = 0
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
        except Exception as error:  # noqa: BLE001 -- whatever it is, the test is told
            how = "".join(traceback.format_exception(error))
        while True:
            try:  # what comes late was meant for the work all the same
                for timer in timers:
                    timer.cancel()
                while any(timer.is_alive() for timer in timers):
                    time.sleep(0.001)
                time.sleep(0.01)  # an interrupt that was sent to this thread ends its sleep
                return how
            except KeyboardInterrupt:
                continue

    def _send(self) -> None:
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
    found: dict[str, Any] = {"ends": Counter(), "went_on": 0, "runs": 1, "left": []}
    while interrupts.arrived < times:
        moments = [dice.uniform(0, longest_s) for _ in range(1 + twice)]
        complete: list[bool] = []
        how = interrupts.during(lambda: complete.append(work(found["runs"])()), moments)  # noqa: B023 -- called at once
        found["ends"][how] += 1
        found["went_on"] += going_on()
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
