"""What this machine can drive: exchanges with an echo of a known delay, as many in flight as a run will have."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from toolkit._engine.driver import in_words
from toolkit._engine.own_loop import in_own_loop
from toolkit._http import open_client
from toolkit.errors import ProviderError

_DELAY_S = 0.05
_ROUNDS = 4
_LONGEST_S = 10.0
_ECHO = """
import runpy, sys
sys.path.insert(0, sys.argv.pop(1))
import toolkit
del sys.path[0]
runpy.run_module("toolkit._http.echo", run_name="__main__")
"""


@cache
def drives(transport: str, in_flight: int) -> dict[str, Any]:
    """How truly this process times `in_flight` exchanges at once; takes about a third of a second.

    Gives in_flight, per_second (reached; ``ideal_per_second`` is what the echo's delay allows), and p50_late_ms and
    p95_late_ms: by how much the times that were taken exceed the echo's delay. What a run measures on this machine
    is too long by about as much. Where it cannot be found out, such as with too few sockets, `failed` says why.
    """
    try:
        # The echo is begun and ended in the loop's thread: an interrupt comes to the main one, and leaves no process.
        seconds, elapsed_s = in_own_loop(lambda: _beside_echo(transport, in_flight))
    except (OSError, ProviderError) as error:
        return {"transport": transport, "in_flight": in_flight, "failed": in_words(error)}
    late_ms = 1000 * (np.array(seconds) - _DELAY_S)
    return {
        "transport": transport,
        "in_flight": in_flight,
        "per_second": round(len(seconds) / elapsed_s),
        "ideal_per_second": round(in_flight / _DELAY_S),
        "p50_late_ms": round(float(np.quantile(late_ms, 0.5)), 2),
        "p95_late_ms": round(float(np.quantile(late_ms, 0.95)), 2),
    }


async def _beside_echo(transport: str, in_flight: int) -> tuple[list[float], float]:
    with _echo() as url:
        return await _measured(transport, in_flight, url)


async def _measured(transport: str, in_flight: int, url: str) -> tuple[list[float], float]:
    client = open_client(transport, in_flight)
    body = b"x" * 4000  # about what an image of ours comes to
    seconds: list[float] = []

    async def place() -> None:
        for _ in range(_ROUNDS):
            exchanged = await client.exchange(url, body, {}, _LONGEST_S)
            seconds.append(exchanged.service_s)

    try:
        # Connecting is over before the clock starts.
        await asyncio.gather(*(client.exchange(url, body, {}, _LONGEST_S) for _ in range(in_flight)))
        begun = time.perf_counter()
        await asyncio.gather(*(place() for _ in range(in_flight)))
        elapsed_s = time.perf_counter() - begun
    finally:
        await client.close()
    return seconds, elapsed_s


@contextmanager
def _echo() -> Iterator[str]:
    """The echo in a process of its own, so that it takes nothing from the one that is tested.

    It is this toolkit's, also where the working folder holds a folder `toolkit` of the user's, or nothing is installed.
    """
    here = str(Path(__file__).parents[2])
    command = [sys.executable, "-P", "-c", _ECHO, here, str(_DELAY_S)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603 -- ours
        assert process.stdin is not None  # noqa: S101 -- both are pipes
        assert process.stdout is not None  # noqa: S101
        port = process.stdout.readline().decode().strip()
        if not port:
            raise OSError("the echo did not start")
        yield f"http://127.0.0.1:{port}/"
        process.stdin.close()
        process.wait(timeout=_LONGEST_S)
