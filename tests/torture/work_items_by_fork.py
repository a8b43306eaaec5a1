"""Processes that do an work_item and may be killed: forked from one that has everything loaded, in milliseconds.

This module is both ends: imported, the `ForkServer` that a test asks; run as a script, the process that forks.
"""

import importlib
import json
import os
import select
import signal
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any, Self

_HERE = Path(__file__).parent


class WorkItem:
    """One process at work."""

    def __init__(self, server: "ForkServer", pid: int, words: Path) -> None:
        self.pid = pid
        self._server = server
        self._words = words
        self._ended = False

    def ended(self, within_s: float = 0.0) -> bool:
        """Whether it has ended by itself, after waiting so long for it."""
        if not self._ended and self._server.says_something(within_s):
            self._server.hear()
            self._ended = True
        return self._ended

    def send(self, number: signal.Signals) -> None:
        """Send it a signal. Its id is its own until `status` was asked for, even when it has ended."""
        os.kill(self.pid, number)

    def status(self) -> int:
        """Wait until it has ended and give its exit status, as `subprocess` does: minus the signal's number."""
        if not self._ended:
            self._server.hear()
            self._ended = True
        return int(self._server.ask("reap"))

    @property
    def words(self) -> str:
        """What it wrote on its standard error and output."""
        return self._words.read_text(errors="replace")


class ForkServer:
    """Does one work_item at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        path = os.pathsep.join([str(_HERE), str(_HERE.parent), str(_HERE.parent / "services")])
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, "PYTHONPATH": path},
        )

    def __enter__(self) -> Self:
        assert self.hear() == "ready"
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()

    def work_item(self, function: str, **arguments: Any) -> WorkItem:
        """Begin ``function(**arguments)`` of the module `work_items` in a process of its own."""
        self._count += 1
        words = self._folder / f"{self._count}.txt"
        order = {
            "function": function,
            "arguments": arguments,
            "words": str(words),
            "cache": os.environ["XDG_CACHE_HOME"],
        }
        return WorkItem(self, int(self.ask(json.dumps(order))), words)

    def done(self, function: str, **arguments: Any) -> str:
        """Have an work_item done to its end, which has to be a good one; gives what it wrote."""
        work_item = self.work_item(function, **arguments)
        status = work_item.status()
        assert status == 0, f"ended with {status}:\n{work_item.words[-3000:]}"
        return work_item.words

    def ask(self, line: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        return self.hear()

    def hear(self) -> str:
        assert self._process.stdout is not None
        said = self._process.stdout.readline().decode().strip()
        assert said, "the fork server is gone; its words are above"
        return said

    def says_something(self, within_s: float) -> bool:
        return bool(select.select([self._process.stdout], [], [], within_s)[0])


def _serve() -> None:
    work_items = importlib.import_module("work_items")
    print("ready", flush=True)  # noqa: T201 -- this is how it speaks
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            _do(work_items, json.loads(line))
        print(pid, flush=True)  # noqa: T201
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # not taken away yet, so that its id is nobody else's
        print("ended", flush=True)  # noqa: T201
        sys.stdin.readline()
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)  # noqa: T201


def _do(work_items: Any, order: dict[str, Any]) -> None:
    words = os.open(order["words"], os.O_WRONLY | os.O_CREAT, 0o600)
    os.dup2(words, 1)
    os.dup2(words, 2)
    os.close(words)
    os.environ["XDG_CACHE_HOME"] = order["cache"]
    status = 1
    try:
        getattr(work_items, order["function"])(**order["arguments"])
        status = 0
    except BaseException:  # noqa: BLE001 -- told to whoever sent it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _serve()
