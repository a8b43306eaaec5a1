"""`make quick` chooses the tests of what was changed."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def quick():
    """What `.make/quick.py` defines."""
    return runpy.run_path(str(ROOT / ".make" / "quick.py"))


@pytest.mark.parametrize(
    ("changed", "chosen"),
    [
        (["toolkit/_engine/limits.py"], ["tests/engine"]),
        (["toolkit/stats/_core/results.py", "tests/stats/test_summary.py"], ["tests/stats"]),
        (["tests/services/bills.py"], ["tests/services"]),
        (["README.md"], ["tests/project"]),
        (["toolkit/types.py", "toolkit/README.md", "pyproject.toml", ".make/demo.py"], ["tests/project"]),
        (["tests/benchmarks/test_memory.py"], []),
        (["toolkit/plots/forest.py", "toolkit/_cli/main.py"], ["tests/cli", "tests/plots"]),
        ([], []),
    ],
)
def test_a_change_is_tested_where_its_room_is(quick, changed, chosen):
    """A room's tests are in the folder of its name; what belongs to no room belongs to the project."""
    assert quick["tests_of"](changed) == chosen


def test_every_room_has_tests_of_its_own(quick):
    """A room without a folder of tests would be tested as if it were a file of the project."""
    rooms = sorted(path.name for path in (ROOT / "toolkit").iterdir() if (path / "__init__.py").exists())

    assert [room for room in rooms if quick["folder_of"](f"toolkit/{room}/x.py") == "project"] == []


def test_every_slow_kind_is_left_out_and_registered(quick):
    """The kinds in the command are the markers that pytest knows."""
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", "--markers"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    for kind in ("browser", "notebook", "torture", "montecarlo"):
        assert f"@pytest.mark.{kind}:" in listed
        assert kind in quick["SLOW"]
