"""Local engines on a cluster: a worker that is killed costs time and no reading, and one process writes."""

import json
import os
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from doubles import digest, pictures

import toolkit as tk
from toolkit.errors import StoreLocked
from toolkit.types import Answer

distributed = pytest.importorskip("distributed")

IMAGES = 120
PAUSE_S = 0.02


@dataclass(frozen=True)
class Noting(tk.LocalProvider):
    """Answers with the image's digest, and notes in a file which process has read what."""

    name: ClassVar[str] = "noting"

    notes: str

    def read(self, image: bytes) -> Answer:
        time.sleep(PAUSE_S)
        with Path(self.notes).open("a", encoding="utf-8") as file:  # one short write, whole also among processes
            file.write(f"{os.getpid()} {digest(image)}\n")
        return Answer(digest(image)[:8], 0.5)


@pytest.fixture
def cluster():
    """Two worker processes, each with a guard that starts another when it ends."""
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def lines(path):
    """The lines of a file; none before it is there."""
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def until(condition, seconds=60):
    """Wait for something to come about."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


def finished(store):
    """The trials of a log, one for each line that ends one."""
    records = map(json.loads, lines(store / "attempts.jsonl"))
    return [(r["sample"], r["repeat"]) for r in records if r["event"] == "finished"]


def test_work_of_a_killed_worker_is_done_again(cluster, tmp_path):
    """SIGKILL in the middle of its work: every trial has one row, with the right answer, and the cluster goes on."""
    notes, store, dataset = tmp_path / "notes", tmp_path / "run", pictures(IMAGES)
    # More in hand than two workers can begin, so that work is waiting at the one that dies.
    live = tk.start(dataset, Noting(str(notes)), store=store, executor=cluster.get_executor(), workers=4)
    until(lambda: len({line.split()[0] for line in lines(notes)}) == 2 and len(lines(notes)) >= IMAGES // 4)
    victim = int(lines(notes)[-1].split()[0])
    os.kill(victim, signal.SIGKILL)
    run = live.wait(120)

    assert run.complete
    assert run.outcomes["error"].isna().all()
    assert Counter(finished(store)) == Counter({(sample.id, 0): 1 for sample in dataset})
    texts = run.outcomes.set_index("sample")["text"].to_dict()
    assert texts == {sample.id: digest(sample.image)[:8] for sample in dataset}
    read_by = {}
    for line in lines(notes):
        process, image = line.split()
        read_by.setdefault(image, set()).add(int(process))
    assert len(read_by) == IMAGES
    # It was at work when it was killed, so what it had in hand was read by somebody else too, or by nobody before.
    assert victim in set.union(*read_by.values())
    last = max(index for index, line in enumerate(lines(notes)) if line.startswith(f"{victim} "))
    assert last < len(lines(notes)) - 1


def test_a_run_on_a_cluster_is_the_run_of_one_process(cluster, tmp_path):
    """The same plan, then the same rows: which machine reads is nothing that a store knows or minds."""
    notes, dataset = tmp_path / "notes", pictures(30)
    setting = Noting(str(notes))
    with ThreadPoolExecutor(1) as thread:
        half = tk.benchmark(dataset, setting, store=tmp_path / "alone", executor=thread, show=False)
    spread = tk.benchmark(dataset, setting, store=tmp_path / "spread", executor=cluster.get_executor(), show=False)
    read = len(lines(notes))
    again = tk.benchmark(dataset, setting, store=tmp_path / "alone", executor=cluster.get_executor(), show=False)

    assert half.manifest["plan"] == spread.manifest["plan"]
    answers = [run.outcomes.set_index("sample")["text"].sort_index().to_dict() for run in (half, spread, again)]
    assert answers[0] == answers[1] == answers[2]
    assert len(lines(notes)) == read  # resumed on the cluster, a finished run asks nothing


def test_only_one_process_writes(cluster, tmp_path):
    """Workers read images and give answers; none of them may open the store, and a second run is refused."""
    dataset, store = pictures(40), tmp_path / "run"
    live = tk.start(dataset, Noting(str(tmp_path / "notes")), store=store, executor=cluster.get_executor())
    writers = cluster.run(_open_files)
    with pytest.raises(StoreLocked, match=f"process {os.getpid()}"):
        tk.start(dataset, Noting(str(tmp_path / "notes")), store=store, executor=cluster.get_executor())
    run = live.wait(60)

    assert run.complete
    assert len(writers) == 2
    assert not any(str(store) in path for paths in writers.values() for path in paths)


def _open_files():
    """What files a worker has open, by their paths."""
    import psutil

    return [file.path for file in psutil.Process().open_files()]
