"""Runs from the first call to the last resume: started, looked at, stopped, interrupted, killed and gone on with."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from doubles import Echo, Limited, Oracle, answer_key, label, picture, picture_folder, pictures

import toolkit as tk
from toolkit._run.live import _interrupts_wait
from toolkit._store.store import FileStore, MemoryStore
from toolkit.errors import DatasetError, ManifestMismatch, SettingError, StoreError, StoreLocked
from toolkit.types import Sample

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def thread():
    """One worker thread for all runs here that need no process."""
    with ThreadPoolExecutor(1) as thread:
        yield thread


@pytest.fixture
def oracle(tmp_path):
    """Makes an oracle for a dataset, with what else it is to do."""
    return lambda dataset, **how: Oracle(answer_key(tmp_path / "key.json", dataset), **how)


def trials(outcomes):
    """The trials of a frame as a set; fails when one is there twice."""
    keys = list(zip(outcomes["setting"], outcomes["sample"], outcomes["repeat"], strict=True))
    assert len(keys) == len(set(keys))
    return set(keys)


# ── one call ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_reads_every_sample_with_every_setting(oracle, thread, tmp_path):
    """Settings × samples × repeats, each once; verdicts are as the oracle was told to err."""
    dataset = pictures(40)
    settings = [oracle(dataset, wrong=0.3), oracle(dataset, wrong=0.1, silent=0.2, seed=1)]
    run = tk.benchmark(dataset, settings, repeats=2, executor=thread, store=tmp_path / "run")

    assert run.complete
    assert run.planned == 160
    assert trials(run.outcomes) == {(s.label, sample.id, r) for s in settings for sample in dataset for r in (0, 1)}
    for row in run.outcomes.itertuples():
        right = label(int(row.sample[:6]))
        expected = {right: "correct", right[1:]: "wrong"}.get(row.text, "no_answer")
        assert row.outcome == expected
    assert run.settings == [setting.label for setting in settings]
    assert repr(run) == f"<Run of 2 settings on pictures: 160 of 160 trials, in {FileStore(tmp_path / 'run')!r}>"


def test_a_run_needs_no_store(thread):
    """Without a folder the run is kept in memory and can be looked at like any other."""
    run = tk.benchmark(pictures(5), Echo(), executor=thread)

    assert run.complete
    assert isinstance(run.store, MemoryStore)
    assert tk.open_run(run.store).outcomes.equals(run.outcomes)


@pytest.mark.parametrize("kind", [str, Path, os.fspath])
def test_a_store_and_a_dataset_may_be_named_by_any_path(tmp_path, thread, kind):
    """A folder is a folder, as text or as a path."""
    folder = picture_folder(tmp_path / "images", 3)
    run = tk.benchmark(kind(folder), Echo(), executor=thread, store=kind(tmp_path / "run"))

    assert run.complete
    assert tk.open_run(kind(tmp_path / "run")).complete
    assert tk.plan(kind(folder), Echo(), store=kind(tmp_path / "run"))["done"].tolist() == [3]


def test_times_add_up(oracle, thread):
    """What a user waits is at least what the engine took and what it waited for a worker."""
    dataset = pictures(30)
    attempts = tk.benchmark(dataset, oracle(dataset, pause_s=0.002), executor=thread).attempts
    parts = ["queue_s", "limit_wait_s", "connect_s", "service_s", "poll_wait_s", "backoff_s"]

    assert (attempts["latency_s"] >= 0.002).all()
    assert np.allclose(attempts["latency_s"], attempts["service_s"])
    assert (attempts["elapsed_s"] + 1e-4 >= attempts[parts].sum(axis="columns")).all()
    assert (attempts["queue_s"].max() > 0.01).all()  # thirty readings ask one worker at once
    assert (attempts["started_at"].diff().dropna() >= 0).all()


def test_the_manifest_says_what_was_asked(oracle, thread, tmp_path):
    """Plan, versions, machine and prices are written down, and nothing that changes between calls is in the plan."""
    dataset = pictures(3)
    setting = oracle(dataset)
    tk.benchmark(dataset, setting, executor=thread, seed=5, store=tmp_path / "run")
    manifest = json.loads((tmp_path / "run/manifest.json").read_text())

    assert manifest["plan"]["dataset"] == {"name": "pictures", "samples": 3, "fingerprint": dataset.fingerprint}
    assert manifest["plan"]["settings"][setting.label]["parameters"] == setting.parameters
    assert (manifest["plan"]["repeats"], manifest["plan"]["seed"]) == (1, 5)
    assert {"system", "processor", "cores", "python"} <= set(manifest["machine"])
    assert manifest["packages"]["pandas"] == pd.__version__


def test_wrong_numbers_are_refused_before_anything_begins(thread, tmp_path):
    """Options that make no run are usage errors that name the option; no store is made."""
    for options in ({"repeats": 0}, {"repeats": 1.5}, {"seed": -1}, {"seed": "x"}, {"workers": 0}, {"deadline_s": 0}):
        [name] = options
        with pytest.raises(SettingError, match=name):
            tk.benchmark(pictures(2), Echo(), executor=thread, store=tmp_path / "run", **options)
    with pytest.raises(DatasetError, match="has no label to compare answers with; label it"):
        tk.benchmark(tk.Dataset.from_samples([Sample.from_bytes(picture(1))]), Echo(), store=tmp_path / "run")

    assert not (tmp_path / "run").exists()


# ── again: resume ────────────────────────────────────────────────────────────────────────────────────────


def test_a_stopped_run_goes_on_without_repeating_anything(oracle, thread, tmp_path):
    """Stopped twice and called three times, every trial is in the log exactly once."""
    dataset = pictures(120)
    setting = oracle(dataset, pause_s=0.005)
    counts = []
    for _ in range(2):
        live = tk.start(dataset, setting, executor=thread, store=tmp_path / "run")
        while live.progress.done < 15 and live.running:
            time.sleep(0.005)
        live.stop()
        counts.append(len(trials(live.wait().outcomes)))
        assert not live.complete
    run = tk.benchmark(dataset, setting, executor=thread, store=tmp_path / "run")

    assert 15 <= counts[0] < counts[1] < 120
    assert run.complete
    assert len(run.attempts) == len(trials(run.outcomes)) == 120


def test_a_resumed_run_asks_in_the_order_of_the_plan(oracle, thread, tmp_path):
    """One seed gives one order, in one session or in several."""
    dataset = pictures(60)
    setting = oracle(dataset, pause_s=0.003)
    whole = tk.benchmark(dataset, setting, executor=thread, seed=7)
    live = tk.start(dataset, setting, executor=thread, seed=7, store=tmp_path / "run")
    while live.progress.done < 10 and live.running:
        time.sleep(0.002)
    live.stop()
    live.wait()
    parts = tk.benchmark(dataset, setting, executor=thread, seed=7, store=tmp_path / "run")
    other = tk.benchmark(dataset, setting, executor=thread, seed=8)

    assert parts.outcomes["sample"].tolist() == whole.outcomes["sample"].tolist()
    assert sorted(other.outcomes["sample"]) == sorted(whole.outcomes["sample"])
    assert other.outcomes["sample"].tolist() != whole.outcomes["sample"].tolist()


def test_errors_are_asked_again_on_request_only(thread, tmp_path):
    """A trial that failed is finished, unless the caller says that its reason is gone."""
    setting = Limited(refusals=1)
    setting.engine.clear()
    one_try = {"executor": thread, "store": tmp_path / "run", "retry": tk.RetryPolicy(tries=1)}
    refused = tk.benchmark(pictures(4), setting, **one_try).outcomes
    assert refused["error"].tolist() == ["rate_limited"] * 4
    assert len(tk.benchmark(pictures(4), setting, **one_try).attempts) == 4
    asked = tk.benchmark(pictures(4), setting, retry_errors=True, **one_try)

    assert len(asked.attempts) == 8
    assert trials(asked.outcomes) == trials(refused)
    assert asked.outcomes["text"].tolist() == ["at last"] * 4


def test_another_plan_is_refused_by_its_differences(oracle, thread, tmp_path):
    """A store keeps one plan; the message names what differs and nothing is written."""
    dataset = pictures(4)
    tk.benchmark(dataset, [oracle(dataset), Echo()], executor=thread, store=tmp_path / "run")
    before = (tmp_path / "run/attempts.jsonl").read_bytes()
    for arguments, options, words in (
        ((pictures(5), [oracle(dataset), Echo()]), {}, "dataset.samples is 4 in the store and 5 now"),
        ((dataset, [oracle(dataset)]), {}, r"settings\.echo\(\) is only in the store"),
        ((dataset, [oracle(dataset), Echo(), Echo("x")]), {}, r"settings\.echo\(tag='x'\) is not in the store"),
        ((dataset, [oracle(dataset), Echo()]), {"repeats": 2}, "repeats is 1 in the store and 2 now"),
        ((dataset, [oracle(dataset), Echo()]), {"seed": 1}, "seed is 0 in the store and 1 now"),
    ):
        with pytest.raises(ManifestMismatch, match=words):
            tk.benchmark(*arguments, executor=thread, store=tmp_path / "run", **options)

    assert (tmp_path / "run/attempts.jsonl").read_bytes() == before


def test_one_run_writes_to_a_store_at_a_time(oracle, tmp_path):
    """A second start on the same folder is refused while the first is at work, and the first is not disturbed."""
    dataset = pictures(40)
    setting = oracle(dataset, pause_s=0.005)
    with ThreadPoolExecutor(1) as thread:
        live = tk.start(dataset, setting, executor=thread, store=tmp_path / "run")
        for store in (tmp_path / "run", live.store):
            with pytest.raises(StoreLocked, match="being written"):
                tk.start(dataset, setting, executor=thread, store=store)
        assert live.wait().complete


def test_the_log_cut_in_its_last_record_resumes_to_a_complete_run(oracle, thread, tmp_path):
    """A crash in the middle of a write costs at most that one record, which is asked again."""
    dataset = pictures(6)
    setting = oracle(dataset, wrong=0.5)
    whole = tk.benchmark(dataset, setting, executor=thread, store=tmp_path / "run").outcomes
    log = tmp_path / "run/attempts.jsonl"
    content = log.read_bytes()
    begins = content[:-1].rindex(b"\n") + 1
    for length in (begins, begins + 1, (begins + len(content)) // 2, len(content) - 2, len(content) - 1):
        log.write_bytes(content[:length])
        run = tk.benchmark(dataset, setting, executor=thread, store=tmp_path / "run")
        assert run.complete
        assert trials(run.outcomes) == trials(whole)
        assert run.outcomes.sort_values("sample")["text"].tolist() == whole.sort_values("sample")["text"].tolist()


# ── while it runs ────────────────────────────────────────────────────────────────────────────────────────


def test_a_live_run_grows_under_the_eyes(oracle, thread):
    """`start` returns before the work is done; each look shows at least what the one before showed."""
    dataset = pictures(60)
    live = tk.start(dataset, oracle(dataset, silent=0.3, pause_s=0.005), executor=thread)
    assert live.running
    looks = []
    while live.running:
        looks.append(len(live.outcomes))
        live.summary()
    run = live.wait()

    assert looks == sorted(looks)
    assert any(0 < count < 60 for count in looks)
    assert len(run.outcomes) == 60
    assert run.outcomes.equals(tk.open_run(live.store).outcomes)


def test_wait_returns_in_time_and_gives_the_run(oracle, thread):
    """Waiting with a limit looks in between; waiting without one ends with the run."""
    dataset = pictures(20)
    live = tk.start(dataset, oracle(dataset, pause_s=0.02), executor=thread)

    assert live.wait(0.01) is live
    assert live.running
    assert live.wait().complete
    assert not live.running


def test_a_reader_in_another_place_sees_the_run_grow(oracle, thread, tmp_path):
    """A store may be looked at while it is written: what is there is whole."""
    dataset = pictures(60)
    live = tk.start(dataset, oracle(dataset, silent=0.2, pause_s=0.003), executor=thread, store=tmp_path / "run")
    other = tk.open_run(tmp_path / "run")
    while live.running:
        seen = other.outcomes
        assert trials(seen) <= {(setting, sample.id, 0) for setting in live.settings for sample in dataset}
    live.wait()

    assert other.complete
    assert other.outcomes.equals(live.outcomes)


def test_a_look_at_a_damaged_log_loses_nothing_for_the_next(thread, tmp_path):
    """After the damaged line was mended, the same run object shows what stood before it too."""
    tk.benchmark(pictures(6), Echo(), executor=thread, store=tmp_path / "run")
    log = tmp_path / "run/attempts.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:3]))
    run = tk.open_run(tmp_path / "run")
    assert len(run.outcomes) == 2
    log.write_bytes(b"".join([*lines[:3], lines[3][5:], *lines[4:]]))
    with pytest.raises(StoreError, match="line 4 is damaged"):
        run.outcomes  # noqa: B018 -- the look is what fails
    log.write_bytes(b"".join(lines))

    assert len(trials(run.outcomes)) == 6


# ── the end of a process ─────────────────────────────────────────────────────────────────────────────────

SCRIPT = """
    import sys
    import toolkit as tk
    from doubles import Oracle, answer_key, pictures
    from pathlib import Path

    def settings(dataset):
        return Oracle(answer_key(Path(sys.argv[1]).with_name("key.json"), dataset), pause_s=0.01)

    if __name__ == "__main__":
        dataset = pictures(300)
        {call}
"""


def script(tmp_path, call):
    """A process of its own that runs into ``tmp_path / "run"`` with two workers."""
    file = tmp_path / "script.py"
    file.write_text(textwrap.dedent(SCRIPT).format(call=call))
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    return subprocess.Popen(
        [sys.executable, file, tmp_path / "run"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_events(tmp_path, count):
    """Return once the log has that many lines."""
    log = tmp_path / "run/attempts.jsonl"
    deadline = time.monotonic() + 60
    while not log.exists() or log.read_bytes().count(b"\n") < count:
        assert time.monotonic() < deadline, "the run did not begin"
        time.sleep(0.01)


def gone(processes):
    """Whether all of them have ended within some seconds."""
    _, alive = psutil.wait_procs(processes, timeout=15)
    return not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


RUN = "tk.benchmark(dataset, settings(dataset), store=sys.argv[1], workers=2)"


@pytest.mark.parametrize("end", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_a_run_whose_process_was_ended_goes_on(tmp_path, thread, end):
    """However a run's process ends, its workers end too, and the next call completes the plan without a repetition."""
    with script(tmp_path, RUN) as process:
        wait_for_events(tmp_path, 30)
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(getattr(signal, end))
        _, said = process.communicate(timeout=60)
    assert gone(workers)
    assert process.returncode == (0 if end == "SIGINT" else -getattr(signal, end))
    if end == "SIGINT":
        assert "interrupted: " in said
        assert "the same call with the same store resumes" in said
        assert "Traceback" not in said

    before = tk.open_run(tmp_path / "run").attempts
    if end == "SIGINT":
        assert f"interrupted: {300 - len(before)} trials are left" in said
    assert 29 <= len(before) < 300
    assert before["error"].isna().all()
    dataset = pictures(300)
    setting = Oracle(str(tmp_path / "key.json"), pause_s=0.01)
    run = tk.benchmark(dataset, setting, executor=ThreadPoolExecutor(8), store=tmp_path / "run")
    assert run.complete
    assert len(run.attempts) == len(trials(run.outcomes)) == 300
    assert run.outcomes["outcome"].eq("correct").all()


def test_a_script_that_ends_while_its_run_goes_on(tmp_path):
    """The interpreter's end stops the run in order: nothing is recorded that was not read, nothing stays behind."""
    call = "live = tk.start(dataset, settings(dataset), store=sys.argv[1], workers=2)\n    "
    call += "while len(live.outcomes) < 20: pass"
    with script(tmp_path, call) as process:
        wait_for_events(tmp_path, 5)
        workers = psutil.Process(process.pid).children(recursive=True)
        _, said = process.communicate(timeout=60)

    assert (process.returncode, said) == (0, "")
    assert gone(workers)
    attempts = tk.open_run(tmp_path / "run").attempts
    assert 20 <= len(attempts) < 300
    assert attempts["error"].isna().all()


def test_an_interrupt_as_a_run_starts_leaves_none_behind(thread):
    """It comes when there is a thread to be stopped, and not between the two: the store is free, and nothing goes on."""

    class Interrupting(MemoryStore):
        def manifest(self):
            signal.raise_signal(signal.SIGINT)
            return super().manifest()

    before, store = signal.getsignal(signal.SIGINT), Interrupting()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            tk.start(pictures(50), Echo(), executor=thread, store=store)
    finally:
        signal.signal(signal.SIGINT, before)

    store.open({"plan": MemoryStore.manifest(store)["plan"]}, [])  # nobody has it


def test_an_interrupt_while_a_thread_starts_comes_when_it_has_started():
    """What is in the block is done to its end; then it comes, to whoever was to have it."""
    before, done = signal.getsignal(signal.SIGINT), []
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), _interrupts_wait():  # noqa: PT012 -- what is in the block is the subject
            signal.raise_signal(signal.SIGINT)
            done.append("to its end")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)

    assert done == ["to its end"]


def test_a_second_interrupt_while_it_ends_loses_nothing(tmp_path):
    """Impatience costs a traceback, not a record: what was begun is still written."""
    with script(tmp_path, RUN) as process:
        wait_for_events(tmp_path, 30)
        for _ in range(2):
            process.send_signal(signal.SIGINT)
            time.sleep(0.02)
        process.communicate(timeout=60)
    attempts = tk.open_run(tmp_path / "run").attempts

    assert 29 <= len(attempts) < 300
    assert attempts["error"].isna().all()


def test_a_provider_written_in_a_script_without_a_main_guard(tmp_path):
    """What a newcomer types first: a class and a call in one file, read by a pool of processes."""
    file = tmp_path / "mine.py"
    file.write_text(
        textwrap.dedent("""
            import os
            import sys
            from dataclasses import dataclass
            from typing import ClassVar

            import toolkit as tk
            from doubles import pictures


            @dataclass(frozen=True)
            class Mine(tk.LocalProvider):
                name: ClassVar[str] = "mine"
                length: int = 3

                def load(self):
                    return f"{os.getpid()}"

                def read(self, image: bytes) -> tk.Answer:
                    return tk.Answer(self.engine, 0.5)


            run = tk.benchmark(pictures(12), [Mine(), Mine(length=4)], workers=2)
            assert run.complete
            assert run.outcomes["error"].isna().all(), run.outcomes["error_message"].iloc[0]
            assert str(os.getpid()) not in set(run.outcomes["text"])
            print(*run.settings)
        """)
    )
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    done = subprocess.run([sys.executable, file], env=environment, capture_output=True, text=True, timeout=100)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "mine() mine(length=4)\n"


# ── single readings and forecasts ────────────────────────────────────────────────────────────────────────


def test_read_gives_one_answer_or_the_error_of_a_run(oracle, tmp_path):
    """A path, bytes or a sample is read here and now; failures are raised as a run would record them."""
    dataset = pictures(3)
    setting = oracle(dataset)
    (tmp_path / "1.png").write_bytes(picture(1))

    for image in (tmp_path / "1.png", str(tmp_path / "1.png"), picture(1), dataset[1]):
        assert tk.read(setting, image) == tk.Answer(label(1), 0.75)
    with pytest.raises(tk.errors.Unsolvable, match="keeps silent"):
        tk.read(oracle(dataset, silent=1.0), picture(1))
    with pytest.raises(tk.errors.EngineFailure, match="KeyError"):
        tk.read(setting, picture(9))
    with pytest.raises(DatasetError, match=r"nowhere\.png: the image cannot be read"):
        tk.read(setting, tmp_path / "nowhere.png")


def test_plan_counts_what_is_left(oracle, thread, tmp_path):
    """Before, during and after a run the plan says trials, done and left, and asks nothing of the store."""
    dataset = pictures(10)
    settings = [oracle(dataset), Echo()]
    before = tk.plan(dataset, settings, repeats=2, store=tmp_path / "run").set_index("setting")
    tk.benchmark(dataset, settings, repeats=2, executor=thread, store=tmp_path / "run")
    after = tk.plan(dataset, settings, repeats=2, store=tmp_path / "run").set_index("setting")

    assert before[["trials", "done", "left"]].to_numpy().tolist() == [[20, 0, 20]] * 2
    assert after[["trials", "done", "left"]].to_numpy().tolist() == [[20, 20, 0]] * 2
    assert (before["read_s"] > 0).all()
    assert before["minutes"].tolist() == pytest.approx(
        (20 * before["read_s"] / len(os.sched_getaffinity(0)) / 60).tolist()
    )
    assert after["minutes"].tolist() == [0.0, 0.0]
    assert after["cost_usd"].tolist() == [0.0, 0.0]


def test_a_plan_does_not_count_another_plans_readings(oracle, thread, tmp_path):
    """What a store holds of another dataset is nothing of this one; the plan says so as a run would."""
    tk.benchmark(pictures(5), Echo(), executor=thread, store=tmp_path / "run")

    with pytest.raises(ManifestMismatch, match="holds a run on other images"):
        tk.plan(pictures(8), Echo(), store=tmp_path / "run")


# ── how it shows ─────────────────────────────────────────────────────────────────────────────────────────


def test_html_escapes_what_comes_from_outside(thread, tmp_path):
    """Names and labels are data: a script in them is shown, not run."""
    dataset = pictures(3, name="<script>alert(1)</script>")
    run = tk.benchmark(dataset, Echo(alias="<img src=x onerror=alert(2)>"), executor=thread)
    shown = run._repr_html_()

    assert "<script" not in shown
    assert "<img" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "&lt;img src=x onerror=alert(2)&gt;" in shown
    assert "3 of 3" in shown


def test_a_leaderboard_says_which_ranks_are_chance(thread, tmp_path):
    """Two settings that read alike are named as a tie below the table; a single one has no rank to share."""
    both = tk.benchmark(pictures(3), [Echo(), Echo(alias="again")], executor=thread)
    assert "these 3 images do not tell" in both._repr_html_()
    assert "do not tell" not in tk.benchmark(pictures(3), Echo(), executor=thread)._repr_html_()


def test_a_run_without_outcomes_can_be_shown(tmp_path):
    """An interrupt may come before the first answer; what there is to see is shown without an error."""
    with ThreadPoolExecutor(1) as thread:
        live = tk.start(pictures(3), Echo(), executor=thread)
        live.stop()
        live.wait()
        store = MemoryStore()
        store.open(live.manifest, [])
        empty = tk.open_run(store)

    assert len(empty.outcomes) == len(empty.attempts) == len(empty.summary()) == 0
    assert "0 of 3" in repr(empty)
    assert "0 of 3" in empty._repr_html_()
    assert not empty.complete
