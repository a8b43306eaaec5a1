"""What holds for all tests."""

import os
from collections.abc import Generator
from typing import Any

import pytest

REQUIRE_ALL = bool(os.environ.get("TOOLKIT_REQUIRE_ALL"))
"""On a machine that is meant to have every part, a skip would hide that one is missing."""


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
