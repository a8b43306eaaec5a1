"""What happens on a worker of local engines: steps in, timed values out, and an end when nobody waits any more."""

import os
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from toolkit._engine.driver import Computed, in_words
from toolkit.errors import EngineFailure, ProviderError
from toolkit.types import Compute

OVERDUE = 97
"""Exit status of a worker whose reading took longer than it may."""

_CHECK_S = 0.5


class _Watched:
    """When the reading under way began; None between readings. Written by the reading thread, read by the watch."""

    since: float | None = None


def run_chunk(steps: Sequence[Compute], ticket: str = "") -> list[Computed]:  # noqa: ARG001 -- see below
    """Do some steps one after another.

    `ticket` makes each call another one: a cluster takes equal calls for the same and gives them one answer.
    """
    return [_timed(step) for step in steps]


def enter_service(parent: int, deadline_s: float) -> None:
    """Make a process of our own a worker: of the process `parent`, for readings that take up to `deadline_s`."""
    # Ctrl-C reaches every process of a terminal; a worker finishes its chunk and the run ends in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(parent, deadline_s), daemon=True).start()


def _watch(parent: int, deadline_s: float) -> None:
    """End this process when a reading is overdue, or when the run was killed and there will be no next chunk."""
    while not _overdue(deadline_s) and (os.name != "posix" or os.getppid() == parent):
        time.sleep(min(_CHECK_S, deadline_s / 4))
    os._exit(OVERDUE)


def _overdue(deadline_s: float) -> bool:
    since = _Watched.since
    return since is not None and time.perf_counter() - since > deadline_s


def _timed(step: Compute) -> Computed:
    started_at, begun = time.time(), time.perf_counter()
    value: Any = None
    error: ProviderError | None = None
    try:
        if step.prepare is not None and step.prepare():
            # Only the loading may take its time: the first reading is watched as any other, for it may hang too.
            _Watched.since = time.perf_counter()
            with suppress(ProviderError):
                step.function(*step.args)
        started_at, begun = time.time(), time.perf_counter()
        _Watched.since = begun
        value = step.function(*step.args)
    except ProviderError as refused:
        error = refused
    except BaseException as failure:  # noqa: BLE001 -- engines raise what they like, SystemExit too; it is a row
        error = EngineFailure(in_words(failure))
    seconds = time.perf_counter() - begun
    _Watched.since = None
    return Computed(value, error, started_at, seconds)
