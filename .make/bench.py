"""`make bench`: measure, print one table, keep the figures for this commit, and say what got worse.

    python .make/bench.py            measure all, or the benchmarks named as pytest names them
    python .make/bench.py peers      the same for other tools beside this one (`make bench-peers`)
    python .make/bench.py compare    the newest result beside the one kept before it
    python .make/bench.py readme     write the newest result's tables into tests/benchmarks/README.md, and draw its curves

``TOOLKIT_BENCH=full`` measures the largest sizes too.
"""

# ruff: noqa: INP001, T201, S603 -- a command stands alone, prints, and starts a program of ours

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import bench_results as results

ROOT = Path(__file__).parents[1]


def main(words: list[str]) -> int:
    """Carry out one command; 1 when a promise is not kept or something got worse."""
    if words[:1] == ["compare"]:
        return say_what_got_worse(*kept(2))
    if words[:1] == ["readme"]:
        from bench_drawing import draw_growth

        [newest] = kept(1)
        peers_result = next((result for result in results.newest() if result["peers"]), None)
        results.write_readme(newest, draw_growth(newest), peers_result)
        return 0
    if words[:1] == ["peers"]:
        from bench_peers import peers

        result = results.of_this_commit()
        result["peers"] |= peers(words[1:])
        results.keep(result)
        print(results.peers_table(result))
        return 0
    return bench(words)


def kept(count: int) -> list[results.Result]:
    """The last results; the command ends where there is none."""
    found = results.newest(count)
    if not found:
        sys.exit("No result is kept yet: `make bench` makes one.")
    return found


def bench(paths: list[str]) -> int:
    """Run the benchmarks; print the table, keep it, compare it."""
    begun = results.of_this_commit()  # what is committed meanwhile is not what was measured
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "figures.json"
        options = ["--benchmark-only", "--benchmark-columns=min,median,max,rounds", "--timeout=1800", "-q"]
        command = [
            sys.executable,
            "-m",
            "pytest",
            *(paths or ["tests/benchmarks", "tests/browser/test_redraw_time.py"]),
            *options,
        ]
        status = subprocess.run(command, cwd=ROOT, env=os.environ | {"TOOLKIT_FIGURES": str(found)}, check=False)
        if not found.exists():
            return status.returncode or 1
        result = begun | {"date": results.now()}
        others = (other for other in results.newest() if other["commit"] != result["commit"] and other["benchmarks"])
        result["benchmarks"] |= results.read(found)
        results.keep(result)
    print(f"\n{results.figures_table(result)}\n")
    worse = say_what_got_worse(result, next(others, None))
    return worse or status.returncode


def say_what_got_worse(result: results.Result, before: results.Result | None = None) -> int:
    """One line for each figure whose ratio to its reference is worse than noise explains."""
    if before is None:
        print("There is no earlier result to compare with.")
        return 0
    if not results.comparable(result, before):
        print(f"The result before, of {before['date']}, is of another machine: nothing can be compared.")
        return 0
    worse = results.worse(result, before)
    for line in worse:
        print(f"worse: {line}")
    print(f"Compared with {before['commit'][:12]} of {before['date']}: {len(worse) or 'nothing'} worse beyond noise.")
    return int(bool(worse))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
