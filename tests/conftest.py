"""What holds for all tests: which are slow and of which kind, and that a skip may be a failure."""

import os
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# No test asserts how long something took: a machine may have other things to do.
hypothesis.settings.register_profile("toolkit", deadline=None)
hypothesis.settings.load_profile("toolkit")

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # A parent that ignores interrupts (a shell's background job) hands that down to every process that a test starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)

REQUIRE_ALL = bool(os.environ.get("TOOLKIT_REQUIRE_ALL"))
"""On a machine that is meant to have every part, a skip would hide that one is missing."""
TESTS = Path(__file__).parent
FOLDERS = {"browser": "browser", "torture": "torture"}
"""The folders whose tests are all of one kind, and the marker of that kind."""
SLOW = ("browser", "notebook", "torture", "montecarlo")
"""The markers that `make quick` leaves out; what they mean stands in pyproject.toml."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the folders of one kind, and begin with the slow files, so that no process is left with one at the end."""
    for item in items:
        if marker := FOLDERS.get(item.path.relative_to(TESTS).parts[0]):
            item.add_marker(marker)
    slow = {item.path for item in items if any(item.get_closest_marker(name) for name in SLOW)}
    items.sort(key=lambda item: item.path not in slow)


def _skip_is_failure(report: Any) -> Any:
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"skipped, while TOOLKIT_REQUIRE_ALL asks for every part: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """A skip in a test or in its fixtures."""
    return _skip_is_failure((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    """A skip of a whole module, as `pytest.importorskip` does."""
    return _skip_is_failure((yield))
