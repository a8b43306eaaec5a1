"""What `import toolkit` adds to `import pandas`, which whoever types it has most likely paid for already."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUDGET_S = 0.15

PANDAS = "import pandas"
# The package itself loads its names on first use. To look at that alone would be to flatter it.
TOOLKIT = "import pandas, toolkit\nfor name in toolkit.__all__: getattr(toolkit, name)"


def run_s(statements: str) -> float:
    """Seconds that a Python of its own takes for `statements`, without those of starting and ending."""
    code = f"import time; start = time.perf_counter()\n{statements}\nprint(time.perf_counter() - start)"
    command = [sys.executable, "-c", code]
    return float(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


def test_import_toolkit_beside_import_pandas(benchmark):
    """The toolkit with all its public names costs at most the budget more than pandas alone."""
    pandas_s, toolkit_s = [], []

    def both():
        pandas_s.append(run_s(PANDAS))
        toolkit_s.append(run_s(TOOLKIT))

    benchmark.pedantic(both, rounds=9, warmup_rounds=1)

    # Noise only ever adds, so the least of several is the import itself.
    added_s = min(toolkit_s) - min(pandas_s)
    benchmark.extra_info |= {
        "pandas_s": round(min(pandas_s), 3),
        "added_s": round(added_s, 3),
        "ratio_to_pandas": round(min(toolkit_s) / min(pandas_s), 2),
    }
    if benchmark.enabled:
        assert added_s <= BUDGET_S
