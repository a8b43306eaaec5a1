"""`make bench-peers`: other tools beside this one, on the same server with the same delay, images and concurrency.

Each tool runs in a process of its own, cold. The rate is taken at the server, from the first request to the last
answer; CPU and memory are those of the tool's whole process tree; the latencies are those that the tool itself
reports. Tools are installed into .venv-peers, apart from the toolkit's own environment; one that cannot be installed,
or does not come to its end, is named and left out.
"""

# ruff: noqa: INP001, T201, S603 -- a command stands alone, prints, and starts programs of its own

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "tests/benchmarks/peers"
ENVIRONMENT = ROOT / ".venv-peers"
FULL = os.environ.get("TOOLKIT_BENCH") == "full"
COUNT = int(os.environ.get("TOOLKIT_PEERS_COUNT", "20000" if FULL else "2000"))
IN_FLIGHT = 200
DELAY_S = 0.1
LONGEST_S = 1200
INSTALLING_S = 900


@dataclass(frozen=True)
class Tool:
    """One program of the comparison: its script, its package (none for ours), and whether a crash leaves its rows."""

    name: str
    script: str
    package: str = ""
    beside: tuple[str, ...] = ()
    durable: bool = False
    note: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def python(self) -> Path:
        """The Python that runs it: each package has an environment of its own, because they ask for different others."""
        return ENVIRONMENT / self.package / "bin/python" if self.package else ROOT / ".venv/bin/python"


PROMPTFOO = ENVIRONMENT / "node/node_modules/.bin/promptfoo"
TOOLS = (
    Tool("toolkit, httpx", "ours.py", durable=True, environment={"TRANSPORT": "httpx"}),
    Tool("toolkit, fast", "ours.py", durable=True, environment={"TRANSPORT": "fast"}),
    Tool("aiohttp, bare", "bare_aiohttp.py", "aiohttp"),
    Tool("httpx, bare, one client", "bare_httpx.py", "httpx"),
    Tool("inspect_ai", "inspect_ai_run.py", "inspect_ai", durable=True),
    Tool("promptfoo", "promptfoo_run.py", "promptfoo", durable=True),
    Tool("MLflow genai", "mlflow_run.py", "mlflow", durable=True),
    Tool("pydantic-evals", "pydantic_evals_run.py", "pydantic-evals"),
    # Ragas 0.4 imports a module that langchain-community left behind.
    Tool("Ragas", "ragas_run.py", "ragas", ("langchain-community<0.4",), note="reports no latency"),
    Tool("openai SDK", "openai_sdk.py", "openai"),
    Tool("capsolver SDK", "capsolver_sdk.py", "capsolver", note="in threads"),
    Tool(
        "capmonster SDK", "capmonster_sdk.py", "capmonstercloudclient", note="two requests an image and its own pauses"
    ),
)


def installed(tool: Tool) -> bool:
    """Make the tool available in its environment; False, and a line, when that cannot be done."""
    try:
        if tool.package and not tool.python.exists():
            run([sys.executable, "-m", "venv", str(tool.python.parents[1])])
        if tool.package == "promptfoo":
            if not PROMPTFOO.exists():
                PROMPTFOO.parents[2].mkdir(parents=True, exist_ok=True)
                run(["npm", "install", "--silent", "--no-audit", "--no-fund", "promptfoo"], cwd=PROMPTFOO.parents[2])
        elif tool.package and not version(tool):
            run([str(tool.python), "-m", "pip", "install", "-qq", tool.package, "aiohttp", *tool.beside])
    except (OSError, subprocess.SubprocessError) as error:
        print(f"{tool.name}: left out, its package could not be installed ({str(error)[-200:]})")
        return False
    return True


def run(command: list[str], **options: Any) -> None:
    """A step of an installation; quiet unless it fails."""
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=INSTALLING_S, **options)


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The service in a process of its own: its address."""
    command = [sys.executable, str(SCRIPTS / "server.py"), str(DELAY_S)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None  # noqa: S101 -- a pipe was asked for
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def seen(url: str) -> dict[str, float]:
    """What the server saw since the last look."""
    with urllib.request.urlopen(f"{url}/figures") as reply:  # noqa: S310 -- our own server
        figures: dict[str, float] = json.load(reply)
    return figures


class Watch(threading.Thread):
    """The most memory that a process and its children had together, and the work they did, while they lived."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.process = psutil.Process(pid)
        self.peak_bytes = 0
        self.ended = threading.Event()

    def run(self) -> None:
        """Look twenty times a second."""
        while not self.ended.wait(0.05):
            with contextlib.suppress(psutil.Error):
                tree = [self.process, *self.process.children(recursive=True)]
                self.peak_bytes = max(self.peak_bytes, sum(process.memory_info().rss for process in tree))


def measured(tool: Tool, url: str) -> dict[str, Any] | None:
    """One cold run of a tool; None, and a line, when it did not come to its end with all rows right."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            str(tool.python),
            str(SCRIPTS / tool.script),
            url,
            str(COUNT),
            str(IN_FLIGHT),
            folder,
            str(PROMPTFOO),
        ]
        environment = os.environ | {"XDG_CACHE_HOME": folder, "XDG_DATA_HOME": folder, **tool.environment}
        with tempfile.TemporaryFile("w+") as errors:
            begun = time.perf_counter()
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
            )
            watch = Watch(process.pid)
            watch.start()
            ending = threading.Timer(LONGEST_S, process.kill)
            ending.start()
            assert process.stdout is not None  # noqa: S101 -- a pipe was asked for
            said = process.stdout.read()
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            seconds = time.perf_counter() - begun
            ending.cancel()
            watch.ended.set()
            errors.seek(0)
            words = errors.read()
    at_server = seen(url)
    try:
        figures = json.loads(said.splitlines()[-1])
        whole = process.returncode == 0 and figures["rows"] == figures["right"] > 0.9 * COUNT
    except (IndexError, ValueError, KeyError):
        whole = False
    if not whole:
        print(f"{tool.name}: left out, it did not come to its end: {(words or said)[-300:].strip()}")
        return None
    return {
        "steady_per_s": round(figures["rows"] / at_server["steady_s"], 1),
        "whole_per_s": round(figures["rows"] / seconds, 1),
        "cpu_ms": round(1000 * (used.ru_utime + used.ru_stime) / figures["rows"], 2),
        "peak_mib": round(watch.peak_bytes / 2**20),
        "p50_ms": figures.get("p50_ms"),
        "p95_ms": figures.get("p95_ms"),
        "in_flight": at_server["most_in_flight"],
        "durable": tool.durable,
        "note": ", ".join(filter(None, (tool.note, _lost(figures["rows"])))),
    }


def _lost(rows: int) -> str:
    return f"gave {rows:,} of {COUNT:,} rows" if rows < COUNT else ""


def version(tool: Tool) -> str:
    """The version of a tool's package; empty for ours, and where it is not installed."""
    if tool.package == "promptfoo":
        about = PROMPTFOO.parents[1] / "promptfoo/package.json"
        return str(json.loads(about.read_text(encoding="utf-8"))["version"])
    if not tool.package:
        return ""
    code = f"import importlib.metadata as m; print(m.version({tool.package!r}))"
    command = [str(tool.python), "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def peers(only: list[str]) -> dict[str, Any]:
    """Every tool that can be run, or those named, by its name; told as they come."""
    found: dict[str, Any] = {}
    with server() as url:
        for tool in TOOLS:
            if (only and tool.name not in only) or not installed(tool):
                continue
            figures = measured(tool, url)
            if figures is not None:
                found[tool.name] = figures | {"version": version(tool)}
                print(f"{tool.name}: {figures}", flush=True)
    return found


if __name__ == "__main__":
    peers(sys.argv[1:])
