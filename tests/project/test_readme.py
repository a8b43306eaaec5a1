"""The README is run, not trusted."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(*languages: str, text: str = README) -> list[str]:
    """The fenced code blocks in one of these languages, in order."""
    return re.findall(rf"^```(?:{'|'.join(languages)})\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def section(heading: str) -> str:
    """What stands under a heading, up to the next one; a single # begins a comment in code."""
    found = re.search(rf"^##+ {heading}\n(.*?)(?=^##+ |\Z)", README, flags=re.MULTILINE | re.DOTALL)
    assert found, f"the README has no heading {heading!r}"
    return found[1]


def commands(program: str) -> list[list[str]]:
    """The command lines that start with `program` in the README's shell blocks, as words."""
    lines = "".join(blocks("sh", "bash", "console", "shell")).replace("\\\n", " ").splitlines()
    words = (line.removeprefix("$ ").partition("#")[0].split() for line in lines)
    return [line for line in words if line and Path(line[0]).name == program]


def test_quickstart_is_short_and_runs_as_printed(tmp_path):
    """A newcomer who copies the quickstart into a file beside the datasets gets no error and no warning."""
    quickstart = blocks("python", text=section("Quickstart"))[0]
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    (tmp_path / "quickstart.py").write_text(quickstart, encoding="utf-8")

    assert len(quickstart.strip().splitlines()) <= 12
    command = [sys.executable, "-W", "error", "quickstart.py"]
    environment = os.environ | {"MPLBACKEND": "agg"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_python_block_is_python():
    """The longer examples need keys, so they are only read; but read they must be."""
    for block in blocks("python"):
        compile(block, "README.md", "exec")


def test_both_commands_of_a_fresh_machine_are_there():
    """The README says how to see it work and how to check it."""
    assert {"demo", "test"} <= {words[1] for words in commands("make")}


@pytest.mark.parametrize("words", commands("make"), ids=" ".join)
def test_make_commands_are_targets(words):
    """What the README says to make can be made."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert re.search(rf"^{words[1]}:", makefile, flags=re.MULTILINE)


@pytest.mark.parametrize("words", commands("toolkit"), ids=" ".join)
def test_toolkit_commands_are_known_with_their_options(words):
    """Each command of the README exists, and so does each option it is shown with."""
    command = [Path(sys.executable).with_name("toolkit"), words[1], "--help"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert shown.returncode == 0, shown.stderr
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= set(
        re.findall(r"--[\w-]+", shown.stdout)
    )
