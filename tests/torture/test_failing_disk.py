"""A disk that is full, fails, is slow or may not be written to."""

import contextlib
import json
import random
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest
from witnessed import audit, audit_of, noisy, settings_at

import toolkit as tk
from toolkit._store.store import FileStore
from toolkit.errors import StoreError


def outcomes(store):
    return Counter(tk.open_run(store).outcomes["outcome"])


def kinds_of_error(store):
    return set(tk.open_run(store).attempts["error"].dropna()) if (store / "manifest.json").exists() else set()


@pytest.mark.promise(1, 2, 3, 6, 7, what="a disk that fills up, at any byte")
def test_a_full_disk_ends_the_run_and_loses_nothing(forks, box, key, tried, scale, seed, tmp_path):
    """It is told; no trial is blamed for it; what was paid for is kept or called unsettled; with room it goes on."""
    dice = random.Random(seed)
    for number in range(scale(4, 60)):
        dataset = box.know(noisy(20 * number, 20))
        store = tmp_path / f"run {number}"
        order = {"images": [20 * number, 20], "store": str(store), "key": key, "urls": box.urls}
        said = {"error": "StoreError"}
        for room in sorted(dice.randint(3000, 12000) for _ in range(3)):
            said = json.loads(forks.done("benchmark_on_a_small_disk", most_bytes=room, **order).splitlines()[-1])
            complaints = audit_of(store, box.charged(dataset))
            if said.get("error", "StoreError") != "StoreError" or "File too large" not in said.get(
                "message", "File too large"
            ):
                complaints.append(f"it said {said}")
            errors = kinds_of_error(store)
            if errors - {"unsolvable"}:
                complaints.append(f"trials were blamed: {errors}")
            tried.case(complaints, name=f"run {number}, room for {room} bytes")
        forks.done("benchmark", **order)
        if outcomes(store) != {"correct": 36, "no_answer": 4}:
            tried.failures.append(f"run {number} came to {outcomes(store)}")
    tried.verdict()


class FailingDisk(FileStore):
    """A store whose n-th write or sync fails, once, as a disk does that tells only one who asks."""

    def __init__(self, path, *, write=None, sync=None):
        super().__init__(path)
        self.fails = {"write": write, "sync": sync}
        self.counts = Counter()

    def append(self, *records):
        self._count("write")
        super().append(*records)

    def sync(self):
        self._count("sync")
        super().sync()

    def _count(self, what):
        self.counts[what] += 1
        if self.counts[what] == self.fails[what]:
            raise StoreError(f"{self.path}: this {what} failed")


@pytest.mark.promise(1, 2, 3, 7, what="a disk that fails once, at any write or sync")
@pytest.mark.parametrize("what", ["write", "sync"])
def test_a_disk_that_fails_once_ends_the_run(box, key, tried, scale, seed, tmp_path, what):
    """Also when the next write would do: nobody knows what else it lost. The same call again goes on."""
    dice, never, times = random.Random(f"{seed} {what}"), 0, scale(4, 60)
    for number in range(times):
        dataset = box.know(noisy(20 * number, 20))
        settings = settings_at(box.urls, key)
        store = tmp_path / f"run {number}"
        disk = FailingDisk(store, **{what: dice.randint(1, 60 if what == "write" else 10)})
        complaints = []
        try:
            tk.benchmark(dataset, settings, store=disk, show=False, limits=tk.Limits(in_flight=8))
        except StoreError as error:
            complaints += [] if f"this {what} failed" in str(error) else [str(error)]
        else:  # so many came together that there were fewer
            complaints += [] if disk.counts[what] < disk.fails[what] else ["it said nothing"]
            never += 1
        complaints += audit(tk.open_run(store), box.charged(dataset))
        done = tk.benchmark(dataset, settings, store=store, show=False)
        complaints += audit(done, box.charged(dataset))
        if not done.complete or set(done.outcomes["outcome"]) - {"correct", "no_answer"}:
            complaints.append(f"it came to {Counter(done.outcomes['outcome'])}")
        tried.case(complaints, name=f"{what} {disk.fails[what]}")
    tried.cases -= never
    tried.verdict()


class SlowDisk(FileStore):
    """A store whose every sync takes its time."""

    pause_s = 0.25

    def sync(self):
        time.sleep(self.pause_s)
        super().sync()


@pytest.mark.promise(1, 7, what="a disk that takes a quarter of a second over every sync")
def test_a_slow_disk_slows_a_run_down_and_no_latency(box, key, tried, tmp_path):
    """What a trial waits for the disk is its elapsed time, and the service is not to blame for it."""
    dataset = box.know(noisy(0, 12))

    done = tk.benchmark(
        dataset,
        settings_at(box.urls, key),
        store=SlowDisk(tmp_path / "run"),
        show=False,
        limits=tk.Limits(in_flight=12),
    )

    tried.case(audit(done, box.charged(dataset)))
    assert done.complete
    attempts = done.attempts[done.attempts["setting"] == "capsolver"]
    assert ((attempts["elapsed_s"] - attempts["latency_s"]).dropna() > 0.9 * SlowDisk.pause_s).all()
    tried.verdict()


@contextlib.contextmanager
def of_somebody_else():
    """A folder that everybody can look into."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.promise(6, 7, what="a folder that may be read and not written")
def test_a_read_only_folder_is_named_and_can_be_looked_at(forks, box, key, tried):
    """Nothing is asked when what is answered could not be kept; what is there can still be read."""
    box.know(noisy(0, 20))
    with of_somebody_else() as folder:
        order = {"images": [0, 10], "key": key, "urls": box.urls}
        forks.done("benchmark", store=str(folder / "run"), **order)
        for path in [folder / "run", *(folder / "run").iterdir(), folder]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        asked = box.traffic.requests()

        for store, images in ((folder / "run", [0, 10]), (folder / "new", [10, 10])):
            said = json.loads(
                forks.done("benchmark_as_nobody", store=str(store), **{**order, "images": images}).splitlines()[-1]
            )
            complaints = (
                []
                if said.get("error") == "StoreError" and "choose a writable folder" in said["message"]
                else [str(said)]
            )
            complaints += [] if box.traffic.requests() == asked else ["something was asked"]
            tried.case(complaints, name=store.name)
        looked = json.loads(forks.done("look_as_nobody", store=str(folder / "run")).splitlines()[-1])
        tried.case([] if looked == [20, 0, 2] else [f"it looked like {looked}"], name="a look")
    tried.verdict()
