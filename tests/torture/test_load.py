"""A long run with many in flight: equal to the ledger at its end, and no heavier at its end than at its begin."""

import json
from itertools import pairwise

import pytest
from bills import new_key
from witnessed import WitnessedSandbox, audit, noisy

import toolkit as tk


@pytest.mark.promise(2, 7, what="a long run, 256 in flight, 1 % of requests in trouble")
@pytest.mark.timeout(3600)
def test_a_long_run_is_right_and_grows_no_heavier(forks, tried, scale, tmp_path):
    """Memory, files and threads are flat; how its speed changed is told, as other work on the machine changes it too."""
    images, repeats = scale(200, 1000), scale(10, 100)
    key, store = new_key(), tmp_path / "run"
    with WitnessedSandbox([key], rate=0.01, answer_s=0.1) as box:
        dataset = box.know(noisy(0, images))
        said = forks.done(
            "load",
            images=[0, images],
            repeats=repeats,
            store=str(store),
            key=key,
            urls=box.urls,
            in_flight=256,
            transport="auto",
        )
        tenths = json.loads(said.splitlines()[-1])
        run = tk.open_run(store)

        tried.failures += audit(run, box.charged(dataset), repeats=repeats)
        outcomes = run.outcomes
        tried.cases += len(outcomes)
        if len(outcomes) != run.planned or not run.complete:
            tried.failures.append(f"{len(outcomes)} outcomes of {run.planned}")
        early, late = tenths[2], tenths[-1]
        for what, slack in (("files", 16), ("threads", 16), ("rss_mb", 0.15 * early["rss_mb"])):
            if late[what] > early[what] + slack:
                tried.failures.append(f"{what} grew from {early[what]:.0f} to {late[what]:.0f}")
        tried.notes |= {
            "trials": len(outcomes),
            "per_s": _rate(tenths[0], tenths[-1], "at"),
            "cpu_ms_per_trial": [round(1000 / _rate(*pair, "cpu_s"), 3) for pair in pairwise(tenths)],
            "per_s_by_tenth": [round(_rate(*pair, "at")) for pair in pairwise(tenths)],
            "first_to_last_tenth": _rate(*tenths[-2:], "at") / _rate(*tenths[1:3], "at"),
            "rss_mb": [round(tenth["rss_mb"]) for tenth in tenths],
            "files": [tenth["files"] for tenth in tenths],
        }
    tried.verdict()


def _rate(before: dict[str, float], after: dict[str, float], by: str) -> float:
    return round((after["done"] - before["done"]) / (after[by] - before[by]), 2)
