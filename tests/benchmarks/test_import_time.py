"""What `import toolkit` adds to `import pandas`, which whoever types it has most likely paid for already."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUDGET_S = 0.15
FIRST_RUN_BUDGET_S = 0.2

STATEMENTS = {
    "pandas": "import pandas",
    "toolkit": "import pandas, toolkit",
    # The package loads its names on first use: what it saves at first it must not take back with the first run.
    "quickstart": "import pandas, toolkit as tk\ntk.load_dataset, tk.RapidOCR, tk.Tesseract, tk.grid, tk.plan, tk.benchmark",
    "every_name": "import pandas, toolkit\nfor name in toolkit.__all__: getattr(toolkit, name)",
}


def run_s(statements: str) -> float:
    """Seconds that a Python of its own takes for `statements`, without those of starting and ending."""
    code = f"import time; start = time.perf_counter()\n{statements}\nprint(time.perf_counter() - start)"
    command = [sys.executable, "-c", code]
    return float(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


def test_import_toolkit_beside_import_pandas(benchmark):
    """Importing the toolkit costs at most the budget more than pandas alone, and the names of a first run theirs."""
    taken_s = {name: [] for name in STATEMENTS}

    def each_once():
        for name, statements in STATEMENTS.items():
            taken_s[name].append(run_s(statements))

    benchmark.pedantic(each_once, rounds=9, warmup_rounds=1)

    # Noise only ever adds, so the least of several is the import itself.
    least_s = {name: min(seconds) for name, seconds in taken_s.items()}
    added_s = {name: round(seconds - least_s["pandas"], 3) for name, seconds in least_s.items() if name != "pandas"}
    benchmark.extra_info |= {
        "pandas_s": round(least_s["pandas"], 3),
        **{f"added_by_{name}_s": seconds for name, seconds in added_s.items()},
        "ratio_to_pandas": round(least_s["quickstart"] / least_s["pandas"], 2),
    }
    if benchmark.enabled:
        assert added_s["toolkit"] <= BUDGET_S
        assert added_s["quickstart"] <= FIRST_RUN_BUDGET_S
