"""How hard to try, a place of its own for each test, and the table of what was tried.

Each test holds one of the promises in the README and says how many cases it tried. In `make test` they are few and
always the same; `make torture` tries many (TOOLKIT_TORTURE=whole), from another seed with TOOLKIT_TORTURE_SEED.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("aiohttp")  # both transports are put to the test
sys.path.append(str(Path(__file__).parents[1] / "services"))  # which has images, keys and bills to lend

from bills import new_key
from thoroughness import SEED, WHOLE
from witnessed import WitnessedSandbox
from work_items_by_fork import ForkServer

_REPORT = "TOOLKIT_TORTURE_REPORT"
_TRIED = pytest.StashKey[list["Tried"]]()


@dataclass
class Tried:
    """How many cases one test tried, and what went wrong in which."""

    promises: tuple[int, ...]
    what: str
    test: str
    cases: int = 0
    failures: list[str] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    def case(self, complaints: "list[str] | tuple[str, ...]" = (), *, name: str = "") -> None:
        """One more case was tried; it failed if there are complaints."""
        self.cases += 1
        if complaints:
            more = f" (and {len(complaints) - 3} more)" if len(complaints) > 3 else ""
            self.failures.append(f"{name}: " + "; ".join(complaints[:3]) + more)

    def verdict(self) -> None:
        """Fail if a case did, or if there was none."""
        assert self.cases
        assert not self.failures, "\n".join(self.failures)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "promise(*numbers, what): the promises of the README that a test holds")
    config.stash.setdefault(_TRIED, [])


@pytest.fixture
def tried(request: pytest.FixtureRequest) -> Tried:
    """Where a test counts its cases."""
    mark = request.node.get_closest_marker("promise")
    where = f"{request.node.path.name}::{request.node.originalname}"
    attempt_result = Tried(mark.args, mark.kwargs["what"], where)
    request.config.stash[_TRIED].append(attempt_result)
    return attempt_result


@pytest.fixture
def scale() -> Callable[[int, int], int]:
    """Chooses between the number for `make test` and the one for `make torture`."""
    return lambda small, whole: whole if WHOLE else small


@pytest.fixture
def seed() -> int:
    """Decides all that is left to chance."""
    return SEED


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What processes share by files stays in the test's own folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    """Processes by the dozen."""
    with ForkServer(tmp_path_factory.mktemp("forks")) as server:
        yield server


@pytest.fixture
def key() -> str:
    """A key like a real one."""
    return new_key()


@pytest.fixture
def box(key: str) -> Iterator[WitnessedSandbox]:
    """Services that answer at once and are never in trouble."""
    with WitnessedSandbox([key], rate=0.0, answer_s=0.0) as box:
        yield box


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    rows = _rows(config.stash[_TRIED])
    if not rows or not WHOLE:
        return
    terminalreporter.section("promises")
    width = max(len(row["test"]) for row in rows)
    for row in rows:
        numbers = ", ".join(map(str, row["promises"]))
        failures = len(row["failures"])
        terminalreporter.line(f"{numbers:<14} {row['test']:<{width}} {row['cases']:>8,} cases {failures:>4} failures")
    report = os.environ.get(_REPORT)
    if report:
        Path(report).parent.mkdir(parents=True, exist_ok=True)
        Path(report).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def _rows(tallies: list[Tried]) -> list[dict[str, Any]]:
    """One row a test: a test with parameters tried the cases of all of them."""
    rows: dict[str, dict[str, Any]] = {}
    for attempt_result in tallies:
        row = rows.setdefault(attempt_result.test, {**asdict(attempt_result), "cases": 0, "failures": [], "notes": {}})
        row["cases"] += attempt_result.cases
        row["failures"] += attempt_result.failures
        for name, note in attempt_result.notes.items():
            row["notes"][name] = row["notes"].get(name, 0) + note if isinstance(note, int) else note
    return list(rows.values())
