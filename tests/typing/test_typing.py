"""What a type checker says of our interface: right calls pass, and each slip is refused for its reason."""

import inspect
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import toolkit as tk
from toolkit._run.options import RunOptions

HERE = Path(__file__).parent


def mypy(name: str) -> str:
    """What mypy prints for one of the files beside this one."""
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", HERE / name],
        cwd=HERE.parents[1], capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip


def test_right_calls_are_accepted():
    """Nothing is said of code that is as it should be."""
    assert mypy("must_check.py") == ""


def test_each_slip_is_refused_for_its_reason():
    """The lines that are marked, and no others, each with the error that it is marked with."""
    lines = (HERE / "must_not_check.py").read_text(encoding="utf-8").splitlines()
    expected = {
        (number, line.rpartition("# refused: ")[2]) for number, line in enumerate(lines, 1) if "# refused: " in line
    }
    found = {
        (int(match[1]), match[2])
        for match in re.finditer(r"must_not_check\.py:(\d+): error: .*\[([\w-]+)\]", mypy("must_not_check.py"))
    }

    assert found == expected


@pytest.mark.parametrize(
    ("function", "without", "beside"),
    [
        (tk.benchmark, set(), {"dataset", "settings", "show"}),
        (tk.start, set(), {"dataset", "settings"}),
        (tk.probe, {"repeats"}, None),
    ],
)
def test_each_option_stands_in_the_signature_as_it_is_declared(function, without, beside):
    """Name, type and default of every option are those of `RunOptions`, and the docstring explains each."""
    given = inspect.signature(function).parameters
    for option in fields(RunOptions):
        if option.name in without:
            continue
        assert given[option.name].default == option.default
        assert given[option.name].annotation == option.type
        assert (
            f"\n    {option.name} : " in function.__doc__.replace("\n" + " " * 8, "\n    ")
            or option.name in function.__doc__
        )
    if beside is not None:
        assert set(given) == {option.name for option in fields(RunOptions)} | beside


@pytest.mark.parametrize("function", [tk.benchmark, tk.start, tk.probe])
def test_help_shows_every_option(function):
    """`help()` and Shift-Tab show names, defaults and meanings."""
    shown = inspect.getdoc(function)

    assert "budget_usd : float, optional" in shown
    assert "{run options}" not in shown
    assert "store: " in str(inspect.signature(function))
