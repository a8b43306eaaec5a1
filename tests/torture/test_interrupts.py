"""Runs that are interrupted at random moments: they end, they can go on, and they leave nothing behind."""

import json

import pytest
from bills import new_key
from witnessed import WitnessedSandbox, audit_of, noisy

IMAGES = 60


def judged(tried, found, times):
    """Count the interrupts, and what was found after them."""
    tried.cases += times
    tried.notes |= found["ends"]
    if set(found["ends"]) - {"returned", "raised"}:
        tried.failures.append(f"it ended with {found['ends']}")
    if found["went_on"]:
        tried.failures.append(f"{found['went_on']} runs went on, and nobody could have stopped them")
    tried.failures += [f"interrupted at {moments}: {left}" for moments, left in found["left"]]


@pytest.mark.promise(2, 7, what="interrupted at random moments, once or twice")
@pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])
def test_an_interrupted_run_ends_and_leaves_nothing_behind(forks, tried, scale, seed, tmp_path, twice):
    """No thread, socket, file, process or temporary file; the store is free for the next call, which goes on."""
    (tmp_path / "tmp").mkdir()
    key, times = new_key(), scale(10, 500)
    with WitnessedSandbox([key], rate=0.02, answer_s=0.03) as box:
        datasets = [box.know(noisy(IMAGES * number, IMAGES)) for number in range(times + 2)]
        said = forks.done(
            "interrupted_benchmarks",
            times=times,
            seed=seed,
            folder=str(tmp_path / "tmp"),
            key=key,
            urls=box.urls,
            longest_s=0.8,
            twice=twice,
            images=IMAGES,
        )
        found = json.loads(said.splitlines()[-1])
        judged(tried, found, times)
        for number, dataset in enumerate(datasets[: found["runs"] + 1]):
            tried.failures += audit_of(tmp_path / f"run {number}", box.charged(dataset))
    tried.verdict()


@pytest.mark.promise(7, what="engines interrupted at random moments")
def test_interrupted_engines_leave_no_process_behind(forks, tried, scale, seed, tmp_path):
    """Nor anything else; a run that is called again goes on where it was."""
    (tmp_path / "tmp").mkdir()
    times = scale(2, 100)
    said = forks.done(
        "interrupted_engines", times=times, seed=seed, folder=str(tmp_path / "tmp"), longest_s=1.5, twice=False
    )
    found = json.loads(said.splitlines()[-1])
    judged(tried, found, times)
    tried.verdict()
