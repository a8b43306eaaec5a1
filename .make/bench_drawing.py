"""The curves of `make bench`: time and memory of a trial as runs grow, drawn from a kept result."""

# ruff: noqa: INP001 -- commands stand alone

from pathlib import Path
from typing import Any

GROWTH = "test_growth.py::test_a_million_trials_cost_what_a_thousand_cost"
PICTURE = Path(__file__).parents[1] / "notebooks/images/growth.png"


def draw_growth(result: dict[str, Any]) -> Path | None:
    """Two panels over the number of trials, with the bounds that are promised; None when it was not measured."""
    found = result["benchmarks"].get(GROWTH, {}).get("figures")
    if not found:
        return None
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    trials, cpu_us = found["trials"], [1000 * ms for ms in found["cpu_ms_a_trial"]]
    mib = found["peak_mib"]
    figure, (time, memory) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    panels = (
        (time, cpu_us, "CPU time per trial, µs", (0.9 * cpu_us[0], 1.1 * cpu_us[0]), "±10 % of the smallest"),
        (memory, mib, "most memory, MiB", (mib[0], mib[0] + 100), "100 MiB more than the smallest"),
    )
    for axes, values, label, (low, high), promise in panels:
        axes.axhspan(low, high, color="0.9", label=promise)
        axes.plot(trials, values, marker="o", label="measured")
        axes.set(xscale="log", xlabel="trials in the run", ylabel=label, ylim=(0, 1.6 * max(*values, high)))
        axes.legend(loc="upper left", frameon=False)
    cores, date = result["machine"]["cores"], result["date"][:10]
    figure.suptitle(f"A trial costs the same in a large run ({cores} cores, {date})", fontsize=11)
    figure.savefig(PICTURE, dpi=130)
    plt.close(figure)
    return PICTURE
