"""Local engines on their workers: one image's disaster stays that image's, wherever the work is done."""

import itertools
import multiprocessing
import time
import uuid
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import ClassVar

import psutil
import pytest
from doubles import (
    RAISED,
    RETURNED,
    Deadly,
    Echo,
    Oracle,
    Rubbish,
    Sleepy,
    SlowToLoad,
    answer_key,
    digest,
    label,
    picture,
    pictures,
)

import toolkit as tk
from toolkit.types import Answer, Wait

CULPRIT = 13


@pytest.fixture
def no_process_left_behind():
    """Whatever happened, the workers of a run end with it."""
    mine = psutil.Process()
    before = set(mine.children(recursive=True))
    yield
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        left = [p for p in set(mine.children(recursive=True)) - before if not is_tracker(p)]
        if not left:
            return
        time.sleep(0.05)
    pytest.fail(f"still there: {[p.cmdline() for p in left]}")


def is_tracker(process):
    """Whether this is the helper that multiprocessing keeps for the life of the main process."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE or any("resource_tracker" in word for word in process.cmdline())
    except psutil.NoSuchProcess:
        return True


def by_sample(run):
    """Outcomes by the image's number."""
    outcomes = run.outcomes
    assert not outcomes.duplicated(["setting", "sample", "repeat"]).any()
    return {int(row.sample.removesuffix(".png")): row for row in outcomes.itertuples()}


# ── one image's disaster ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("how", "code"), [("signal", "SIGKILL(-9)"), ("exit", "EXIT(3)")])
@pytest.mark.usefixtures("no_process_left_behind")
def test_a_worker_that_dies_is_one_row(how, code):
    """The image that ends its worker is a failure with the reason; all others are read."""
    run = tk.benchmark(pictures(40), Deadly(digest(picture(CULPRIT)), how), workers=2)
    rows = by_sample(run)

    assert run.complete
    assert rows[CULPRIT].error == "engine_failure"
    assert rows[CULPRIT].error_message == f"the engine's process died: {code}"
    assert [rows[n].text for n in range(40) if n != CULPRIT] == ["alive"] * 39


@pytest.mark.usefixtures("no_process_left_behind")
def test_a_reading_that_hangs_is_one_row():
    """The image over which the engine hangs is out of time; its worker is ended and the others are read."""
    run = tk.benchmark(pictures(40), Sleepy(digest(picture(CULPRIT))), workers=2, deadline_s=1.5)
    rows = by_sample(run)

    assert run.complete
    assert rows[CULPRIT].error == "deadline_exceeded"
    assert "1.5 s" in rows[CULPRIT].error_message
    assert [rows[n].text for n in range(40) if n != CULPRIT] == ["awake"] * 39


@pytest.mark.usefixtures("no_process_left_behind")
def test_the_first_reading_of_a_worker_may_hang_too():
    """A reading that only warms the engine up is bounded as any other; only loading may take longer."""
    run = tk.benchmark(pictures(1), Sleepy(digest(picture(0))), workers=1, deadline_s=0.5)

    assert run.complete
    assert run.outcomes["error"].tolist() == ["deadline_exceeded"]


@pytest.mark.usefixtures("no_process_left_behind")
def test_answers_that_cannot_travel_are_their_own_rows():
    """Of a chunk that comes back as an error, only the image that spoilt it fails."""
    culprit = digest(picture(CULPRIT))
    settings = [
        Rubbish(returns="what cannot travel", culprit=culprit),
        Rubbish(raises="odd constructor", culprit=culprit),
    ]
    run = tk.benchmark(pictures(40), settings, workers=2)
    failed = run.outcomes[run.outcomes["error"].notna()]

    assert run.complete
    assert sorted(failed["sample"]) == [f"{CULPRIT:06d}.png"] * 2
    assert sorted(failed["error"]) == ["engine_failure", "particular"]


@pytest.mark.usefixtures("no_process_left_behind")
def test_loading_a_model_is_no_part_of_a_reading():
    """An engine that takes longer to load than a reading may take is no culprit: loading is not reading."""
    run = tk.benchmark(pictures(8), SlowToLoad(seconds=3.0), workers=2, deadline_s=1.0)

    assert run.outcomes["error"].isna().all()
    assert run.outcomes["latency_s"].max() < 1.0


# ── whatever a provider raises or returns ────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def pool():
    """Two worker processes for many runs."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.fixture(scope="module")
def thread():
    """One worker thread of this process."""
    with ThreadPoolExecutor(1) as thread:
        yield thread


@pytest.mark.parametrize("where", ["pool", "thread"])
def test_anything_raised_is_one_row_a_trial(request, where):
    """Exceptions of every kind, also those that end a program, are rows with their names."""
    culprit = digest(picture(2))
    settings = [Rubbish(raises=name, culprit=culprit) for name in RAISED]
    run = tk.benchmark(pictures(4), settings, executor=request.getfixturevalue(where))
    outcomes = run.outcomes.set_index(["setting", "sample"])

    assert run.complete
    for setting, (name, error) in zip(settings, RAISED.items(), strict=True):
        row = outcomes.loc[(setting.label, "000002.png")]
        own = getattr(error, "kind", "engine_failure")
        assert row["error"] == own, name
        if own == "engine_failure":
            assert type(error).__name__ in row["error_message"]
    others = outcomes.loc[outcomes.index.get_level_values("sample") != "000002.png"]
    assert others["text"].tolist() == ["fine"] * 3 * len(RAISED)


@pytest.mark.parametrize("where", ["pool", "thread"])
def test_anything_returned_is_one_row_a_trial(request, where):
    """What is no answer is a row that says so, and never a success."""
    culprit = digest(picture(2))
    settings = [Rubbish(returns=name, culprit=culprit) for name in RETURNED]
    run = tk.benchmark(pictures(4), settings, executor=request.getfixturevalue(where))
    spoilt = run.outcomes[run.outcomes["sample"] == "000002.png"]

    assert run.complete
    assert len(spoilt) == len(RETURNED)
    assert set(spoilt["error"]) <= {"protocol", "engine_failure"}
    assert (run.outcomes["text"] == "fine").sum() == 3 * len(RETURNED)


@dataclass(frozen=True)
class Flowing(tk.Provider):
    """A plug-in whose flow is written wrongly, in one of several ways."""

    name: ClassVar[str] = "flowing"

    how: str = ""

    def flow(self, sample):
        if self.how == "raises when called":
            raise ValueError("too early")
        if self.how == "is no generator":
            return Answer("text")
        return self._yielding()

    def _yielding(self):
        yield Wait(0.0) if self.how == "is right" else "a word"
        return Answer("text")


def test_a_flow_that_is_none_is_a_row():
    """Whatever is wrong with a plug-in's flow shows in its rows; the other settings are read."""
    ways = ["raises when called", "is no generator", "yields a word", "is right"]
    run = tk.benchmark(pictures(2), [Flowing(how) for how in ways], executor=ThreadPoolExecutor(1))
    failures = run.outcomes.groupby("setting", observed=True)["error"].unique()

    assert run.complete
    assert [list(failures[f"flowing(how={how!r})"]) for how in ways[:3]] == [["engine_failure"]] * 3
    assert run.outcomes.loc[run.outcomes["setting"] == "flowing(how='is right')", "text"].tolist() == ["text"] * 2


# ── executors of the user's own ──────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Unique(tk.LocalProvider):
    """Never says the same twice."""

    name: ClassVar[str] = "unique"

    def read(self, image: bytes) -> Answer:
        return Answer(uuid.uuid4().hex)


@pytest.mark.parametrize("kind", ["threads", "spawn"])
def test_any_executor_gives_the_same_answers(tmp_path, kind):
    """Threads and processes read alike. (Forking is left out: a test run has threads, whose locks a fork would copy.)"""
    dataset = pictures(30)
    setting = Oracle(answer_key(tmp_path / "key.json", dataset), wrong=0.3, silent=0.2)
    executor = (
        ThreadPoolExecutor(2)
        if kind == "threads"
        else ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(kind))
    )
    with executor:
        rows = by_sample(tk.benchmark(dataset, setting, executor=executor, store=tmp_path / "run"))
        again = tk.benchmark(dataset, setting, executor=executor, store=tmp_path / "run")

    assert again.complete
    texts = [rows[number].text for number in range(30)]
    right = [label(number) for number in range(30)]
    assert {"correct", "wrong", "no_answer"} == {row.outcome for row in rows.values()}
    for number, (text, truth) in enumerate(zip(texts, right, strict=True)):
        verdict = ("correct" if text == truth else "wrong") if isinstance(text, str) else "no_answer"
        assert rows[number].outcome == verdict


def test_a_dask_cluster_reads_every_trial(tmp_path):
    """Two processes of a cluster give what one thread gives, and each repeat is a reading of its own."""
    distributed = pytest.importorskip("distributed")
    dataset = pictures(24)
    setting = Oracle(answer_key(tmp_path / "key.json", dataset), wrong=0.3)
    with ThreadPoolExecutor(1) as thread:
        expected = by_sample(tk.benchmark(dataset, setting, executor=thread))
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster,
        distributed.Client(cluster) as client,
    ):
        rows = by_sample(tk.benchmark(dataset, setting, executor=client.get_executor()))
        repeats = tk.benchmark(pictures(1), Unique(), repeats=60, executor=client.get_executor())

    assert [rows[n].text for n in range(24)] == [expected[n].text for n in range(24)]
    assert repeats.complete
    assert repeats.outcomes["text"].nunique() == 60


def test_an_executor_that_was_shut_leaves_the_rest_for_later(tmp_path):
    """An executor's end is no engine's failure: nothing is recorded that was not asked, and a resume asks it."""
    dataset = pictures(50)
    setting = Sleepy(digest(picture(CULPRIT)), seconds=0.5)
    executor = ThreadPoolExecutor(1)
    live = tk.start(dataset, setting, executor=executor, store=tmp_path / "run")
    executor.shutdown(wait=True, cancel_futures=True)
    run = live.wait(30)

    assert not live.running
    assert "takes no more work" in run.stopped[setting.label]
    assert "engine_failure" not in set(run.attempts["error"].dropna())
    with ThreadPoolExecutor(1) as another:
        resumed = tk.benchmark(dataset, setting, executor=another, store=tmp_path / "run")
    assert resumed.complete
    assert resumed.outcomes["error"].isna().all()


@pytest.mark.usefixtures("no_process_left_behind")
def test_workers_read_at_the_same_time():
    """Two workers on eight readings of a fifth of a second overlap; one does them one after another."""

    def most_at_once(workers):
        run = tk.benchmark(pictures(8), Slow(), workers=workers)
        spans = [(row.started_at, row.started_at + row.latency_s) for row in run.outcomes.itertuples()]
        return max(sum(begin <= start < end for begin, end in spans) for start, _ in spans)

    assert most_at_once(1) == 1
    assert most_at_once(2) == 2


@dataclass(frozen=True)
class Slow(tk.LocalProvider):
    """Takes a fifth of a second."""

    name: ClassVar[str] = "slow"

    def read(self, image: bytes) -> Answer:
        time.sleep(0.2)
        return Answer("slow")


def test_a_finished_run_starts_no_worker(tmp_path):
    """Asking again for a run that is complete costs no pool and changes nothing but the session's note."""
    with ThreadPoolExecutor(1) as thread:
        tk.benchmark(pictures(3), Echo(), executor=thread, store=tmp_path / "run")
    before = set(psutil.Process().children(recursive=True))
    live = tk.start(pictures(3), Echo(), workers=2, store=tmp_path / "run")
    seen = set()
    for _ in itertools.takewhile(lambda _: live.running, itertools.count()):
        seen |= set(psutil.Process().children(recursive=True)) - before

    assert live.wait().complete
    assert seen == set()
