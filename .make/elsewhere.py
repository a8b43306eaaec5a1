# ruff: noqa: INP001, T201, S603 -- a command, which prints and starts programs of ours
"""`make test-lowest` and `make test-pythons`: the tests in other environments than the one people work in.

    python .make/elsewhere.py lowest         the lowest versions that pyproject.toml allows, on the lowest Python
    python .make/elsewhere.py pythons        every Python from 3.11 on that is found on this machine, newest versions

Each environment is made by uv in `.venv-…`, which `make clean` removes. uv may also fetch a Python that is missing. At the end one
line a Python says what came of it; one that could not be had is named and counts as no failure. TESTS and PYTEST_ARGS
choose tests, as for `make test`.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
KINDS = ("lowest", "pythons")
LAST_MINOR = 14


def main(words: list[str]) -> int:
    """Test in one kind of environment; 1 when a test failed in any."""
    if len(words) != 1 or words[0] not in KINDS:
        sys.exit(f"usage: python .make/elsewhere.py {'|'.join(KINDS)}")
    pythons = supported()
    results = {}
    for python in pythons[:1] if words[0] == "lowest" else pythons:
        results[python] = tested(python, lowest=words[0] == "lowest")
    print("\n" + "\n".join(f"Python {python}: {result}" for python, result in results.items()))
    return int(any(result.startswith("FAILED") for result in results.values()))


def supported() -> list[str]:
    """The Pythons that the project is for, oldest first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    first = int(project["requires-python"].removeprefix(">=3."))
    return [f"3.{minor}" for minor in range(first, LAST_MINOR + 1)]


def tested(python: str, *, lowest: bool) -> str:
    """Make the environment for this Python, and run the tests in it; what came of it in a word or two."""
    place = ROOT / (".venv-lowest" if lowest else f".venv-{python}")
    if run(uv(), "venv", "-q", "--clear", "--python", of_pyenv(python) or python, place):
        return "not tested: it is not on this machine, and could not be fetched"
    program = place / "bin" / "python"
    requirements = [*pins_of_lowest(python, place), "-e", ".[all]"] if lowest else ["-e", ".[all]"]
    if run(uv(), "pip", "install", "-q", "--python", program, *requirements, "--group", "check", "--group", "test"):
        return "FAILED: its packages could not be installed, see above"
    words = shlex.split(os.environ.get("TESTS", "tests")) + shlex.split(os.environ.get("PYTEST_ARGS", ""))
    options = [
        "-n",
        "2",
        "--dist",
        "loadfile",
        "--no-loadscope-reorder",
        "--benchmark-disable",
        "-p",
        "no:cacheprovider",
    ]
    return "FAILED" if run(program, "-m", "pytest", *words, *options) else "passed"


def of_pyenv(python: str) -> Path | None:
    """The newest of this version that pyenv has: what it puts on the path starts only the one that is chosen."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = (root / "versions").glob(f"{python}.*/bin/python")
    return max(found, key=lambda path: int(path.parents[1].name.split(".")[2]), default=None)


def pins_of_lowest(python: str, place: Path) -> list[str | Path]:
    """The options by which the lowest versions that are declared are installed."""
    pins = place / "lowest.txt"
    resolution = ["--resolution", "lowest-direct", "--python-version", python]
    if run(uv(), "pip", "compile", "-q", *resolution, "--extra", "all", "pyproject.toml", "-o", pins):
        sys.exit("the lowest versions cannot be installed together, see above")
    return ["-r", pins]


def uv() -> str:
    """The uv of this machine, or that of the environment, installed now if need be."""
    beside = Path(sys.executable).with_name("uv")
    if found := shutil.which("uv", path=os.pathsep.join([str(beside.parent), os.environ.get("PATH", "")])):
        return found
    if run(sys.executable, "-m", "pip", "install", "-qq", "uv"):
        sys.exit("uv is needed, and could not be installed")
    return str(beside)


def run(*command: str | Path) -> int:
    """A program's status."""
    return subprocess.run([*map(str, command)], cwd=ROOT, check=False, stdin=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
