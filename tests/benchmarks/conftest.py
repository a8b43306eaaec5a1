"""Shows, below the table of times, the ratios that the benchmarks left in `extra_info`: they are what is promised.

With ``TOOLKIT_FIGURES=file.json`` they are also written there, for `make bench`: a benchmark's name with what it
found, whether it kept its promise and how long it took.
"""

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

FIGURES = pytest.StashKey[dict[str, dict[str, Any]]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Generator[None, Any, Any]:
    """Keep a benchmark's figures, also when it failed its promise."""
    report = yield
    benchmark = item.funcargs.get("benchmark") if hasattr(item, "funcargs") else None
    if call.when == "call" and benchmark is not None and benchmark.enabled:
        found = {"figures": dict(benchmark.extra_info), "outcome": report.outcome, "seconds": round(call.duration, 1)}
        name = f"{Path(item.path).name}::{item.name}"
        item.config.stash.setdefault(FIGURES, {})[name] = found
    return report


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """One line a benchmark."""
    benchmarks = config.stash.get(FIGURES, {})
    if any(found["figures"] for found in benchmarks.values()):
        terminalreporter.section("figures")
    for name, found in benchmarks.items():
        figures = ", ".join(f"{key} = {value}" for key, value in found["figures"].items())
        if figures:
            terminalreporter.write_line(f"{name.partition('::')[2]}: {figures}")
    if path := os.environ.get("TOOLKIT_FIGURES"):
        Path(path).write_text(json.dumps(benchmarks, default=float), encoding="utf-8")
