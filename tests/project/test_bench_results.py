"""What `make bench` does with its figures: comparison by ratios, tables, and the part of a document that is made of them."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / ".make"))

import bench_results as results  # noqa: E402 -- a command's own modules, beside it
from bench_figures import FIGURES  # noqa: E402

RATE = next(figure for figure in FIGURES if figure.more and figure.ratio)
TIME = next(figure for figure in FIGURES if figure.of_ratio and not figure.more)


def result(commit, *, rate=1.0, time=1.0, cores=2, date="2026-01-01 00:00"):
    """A kept result with two figures, given by their ratios."""
    benchmarks = {
        figure.benchmark: {"figures": {figure.value: 100.0, figure.reference: 50.0, figure.ratio: ratio}}
        for figure, ratio in ((RATE, rate), (TIME, time))
    }
    machine = {"cores": cores, "processor": "P", "system": "S", "python": "3"}
    return {"commit": commit, "date": date, "machine": machine, "benchmarks": benchmarks, "peers": {}}


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch):
    """Results and README of these tests only."""
    monkeypatch.setattr(results, "KEPT", tmp_path / "results")
    monkeypatch.setattr(results, "README", tmp_path / "README.md")
    return tmp_path


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({}, []),
        ({"rate": 0.95, "time": 1.05}, []),
        ({"rate": 1.5, "time": 0.5}, []),
        ({"rate": 0.7}, [RATE.what]),
        ({"time": 1.4}, [TIME.what]),
        ({"rate": 0.7, "time": 1.4}, [RATE.what, TIME.what]),
        ({"rate": 0.1, "cores": 4}, []),
    ],
    ids=["same", "noise", "better", "slower", "longer", "both", "another machine"],
)
def test_what_got_worse_beyond_noise_is_named(changes, named):
    """Less of a rate and more of a time are worse; better, noise and other machines are passed over."""
    lines = results.worse(result("new", **changes), result("old"))

    assert [line.partition(":")[0] for line in lines] == named


def test_noise_is_learned_from_what_is_kept():
    """A figure that has always jumped about has to jump further before anybody is told."""
    for number, ratio in enumerate([1.0, 1.6, 0.8, 1.3, 1.0, 1.5]):
        results.keep(result(f"c{number}", time=ratio, rate=1.0 + number / 1000, date=f"2026-01-0{number + 1} 00:00"))

    assert results.worse(result("new", time=1.6), result("c4", time=1.0)) == []
    assert len(results.worse(result("new", rate=0.9), result("c4", rate=1.0))) == 1


def test_results_are_found_newest_first():
    """By the date within, since a checkout gives all files the same."""
    for commit, date in (("b", "2026-02-01 10:00"), ("a", "2026-03-01 10:00"), ("c", "2026-01-01 10:00")):
        results.keep(result(commit, date=date))

    assert [found["commit"] for found in results.newest(2)] == ["a", "b"]


def test_the_table_says_what_was_promised_and_kept():
    """Met and missed are told by the ratio where that is the promise; what was not measured is named."""
    good, bad = result("x", time=1.0), result("x", time=99.0)

    for found, verdict in ((good, "met"), (bad, "**missed**")):
        [row] = [line for line in results.figures_table(found).splitlines() if line.startswith(f"| {TIME.what} |")]
        assert row.endswith(f"| {verdict} |")
    assert "Not measured: " in results.figures_table(good)


def test_the_readme_is_made_from_the_result(kept):
    """What stands between the marks is replaced, the rest stays, and doing it twice changes nothing."""
    readme = kept / "README.md"
    readme.write_text("before\n<!-- speed: begin -->\nold\n<!-- speed: end -->\nafter\n", encoding="utf-8")
    results.write_readme(result("abc", date="2026-05-06 07:08"), None)
    once = readme.read_text(encoding="utf-8")
    results.write_readme(result("abc", date="2026-05-06 07:08"), None)

    assert once == readme.read_text(encoding="utf-8")
    assert once.startswith("before\n")
    assert once.endswith("after\n")
    assert "old" not in once
    assert "Measured on 2026-05-06 on 2 cores (P)" in once
    assert RATE.what in once


def test_every_figure_names_a_benchmark_that_is_there():
    """A renamed benchmark would otherwise vanish from the table without a word."""
    for figure in FIGURES:
        file, _, name = figure.benchmark.partition("::")
        text = (ROOT / "tests/benchmarks" / file).read_text(encoding="utf-8")
        assert f"def {name.partition('[')[0]}(" in text, figure.what
