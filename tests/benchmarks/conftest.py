"""Shows, below the table of times, the ratios that the benchmarks left in `extra_info`: they are what is promised."""

from collections.abc import Generator
from typing import Any

import pytest

FIGURES = pytest.StashKey[dict[str, dict[str, Any]]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Generator[None, Any, Any]:
    """Keep a benchmark's figures, also when it failed its promise."""
    benchmark = item.funcargs.get("benchmark")
    if call.when == "call" and benchmark is not None and benchmark.enabled and benchmark.extra_info:
        item.config.stash.setdefault(FIGURES, {})[item.name] = dict(benchmark.extra_info)
    return (yield)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """One line a benchmark."""
    figures = config.stash.get(FIGURES, {})
    if figures:
        terminalreporter.section("figures")
    for name, values in figures.items():
        terminalreporter.write_line(f"{name}: " + ", ".join(f"{key} = {value}" for key, value in values.items()))
