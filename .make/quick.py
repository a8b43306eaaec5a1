# ruff: noqa: INP001, T201 -- a command, which prints
"""`make quick`: the tests of what was changed, without the slow kinds.

Changed is what differs from `main` (on `main` itself: from the last commit; with nothing changed: by the last
commit), new files included. What a folder of the toolkit holds is tested in the folder of `tests` that is named after
it; changes elsewhere are tested by those that look at the project as a whole.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
SLOW = "not (browser or notebook or torture or montecarlo)"
ELSEWHERE = {"testing": "providers"}
"""Rooms whose tests stand in the folder of another: the contract is tested on the providers that keep it."""
LEFT_OUT = {"benchmarks"}
"""Folders of tests that measure: `make bench` runs them."""


def main() -> int:
    """Run pytest; its status."""
    base = compared_with()
    tests = tests_of(changed_since(base))
    print(f"changed since {base}: {' '.join(tests) or 'nothing that is tested'}", flush=True)
    if not tests:
        return 0
    command = [sys.executable, "-m", "pytest", *tests, "-q", "-m", SLOW, "--benchmark-disable"]
    command += ["-n", "2", "--dist", "worksteal", *shlex.split(os.environ.get("PYTEST_ARGS", ""))]
    status = subprocess.run(command, cwd=ROOT, check=False).returncode  # noqa: S603 -- our own words
    nothing_ran = 5
    return 0 if status == nothing_ran else status


def compared_with() -> str:
    """The commit that changes are counted from."""
    for main in ("main", "origin/main"):
        if (base := git("merge-base", "HEAD", main)) and base != git("rev-parse", "HEAD"):
            return f"{base[:12]}"
    return "HEAD" if changed_since("HEAD") else "HEAD~1"


def changed_since(commit: str) -> list[str]:
    """The files that differ from a commit or are new."""
    return [*git("diff", "--name-only", commit).splitlines(), *git("ls-files", "-o", "--exclude-standard").splitlines()]


def tests_of(files: Iterable[str]) -> list[str]:
    """The folders of tests for these files, sorted."""
    return sorted({f"tests/{folder}" for folder in map(folder_of, files) if folder not in LEFT_OUT})


def folder_of(file: str) -> str:
    """The folder of `tests` that a file is tested in."""
    top, *rest = Path(file).parts
    room = rest[0].strip("_") if len(rest) > 1 and top in ("toolkit", "tests") else ""
    room = ELSEWHERE.get(room, room)
    return room if room and (ROOT / "tests" / room).is_dir() else "project"


def git(*words: str) -> str:
    """What git prints, or nothing where there is no such commit or no git."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603, S607 -- our own words
    return done.stdout.strip() if done.returncode == 0 else ""


if __name__ == "__main__":
    sys.exit(main())
