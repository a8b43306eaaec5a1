"""The store: what was recorded stays, whatever happens to the process, the disk or the file."""

import gc
import json
import os
import resource
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from toolkit._store.store import SCHEMA, FileStore, MemoryStore
from toolkit.errors import ManifestMismatch, StoreCorrupt, StoreError, StoreLocked

PLAN = {"dataset": {"name": "d", "samples": 2}, "settings": {"a": {"parameters": {"psm": 7}}}, "seed": 0}
MANIFEST = {"schema": SCHEMA, "plan": PLAN}
SAMPLES = [{"id": "1.png", "target": "eins", "tags": {}}, {"id": "2.png", "target": "zwei", "tags": {"n": 2}}]


def finished(number, **more):
    """One event of a log."""
    return {"event": "finished", "setting": "a", "sample": f"{number}.png", "repeat": 0, "final": True, **more}


def events(store):
    """All events of a store."""
    return [record for records, _ in store.blocks() for record in records]


@pytest.fixture(params=["file", "memory"])
def store(request, tmp_path):
    """Both kinds of store: what is said of one holds for the other."""
    return FileStore(tmp_path / "run") if request.param == "file" else MemoryStore()


@pytest.fixture
def log(tmp_path):
    """A closed store of three events, as the path of its log."""
    with_events(tmp_path / "run", [finished(1), finished(2, text="grün, \u2028 {\n"), finished(3, text='"}')])
    return tmp_path / "run/attempts.jsonl"


def with_events(folder, records):
    """A store in a folder, written and closed."""
    store = FileStore(folder)
    store.open(MANIFEST, SAMPLES)
    for record in records:
        store.append(record)
    store.close()
    return store


# ── what any store does ──────────────────────────────────────────────────────────────────────────────────


def test_what_was_put_in_comes_out_in_order(store):
    """Manifest, samples and events are read as they were written, by the writer and after it."""
    store.open(MANIFEST, SAMPLES)
    written = [finished(number, text=text) for number, text in enumerate(["", "a", "ä€😀", 'q"\\', "line\nbreak"])]
    for record in written:
        store.append(record)
    assert events(store) == written
    store.sync()
    store.close()

    assert store.manifest() == MANIFEST
    assert list(store.samples()) == SAMPLES
    assert events(store) == written


def test_reading_goes_on_where_it_stopped(store):
    """The offset that comes with a block is where the next look begins, so that nothing is read twice."""
    store.open(MANIFEST, SAMPLES)
    store.append(finished(1))
    [(first, offset)] = store.blocks()
    assert list(store.blocks(offset)) == []
    store.append(finished(2))
    [(second, _)] = store.blocks(offset)
    store.close()

    assert (first, second) == ([finished(1)], [finished(2)])


def test_the_same_plan_opens_again_and_another_is_named(store):
    """A store is resumed by its own plan only; the message says every leaf that differs, and nothing else."""
    store.open(MANIFEST, SAMPLES)
    store.append(finished(1))
    store.close()
    store.open(MANIFEST | {"created_at": "later"}, [])
    store.append(finished(2))
    store.close()
    assert events(store) == [finished(1), finished(2)]

    other = json.loads(json.dumps(PLAN)) | {"seed": 1, "repeats": 2}
    other["settings"]["a"]["parameters"]["psm"] = 8
    with pytest.raises(ManifestMismatch) as raised:
        store.open({"schema": SCHEMA, "plan": other}, SAMPLES)

    message = str(raised.value)
    assert "settings.a.parameters.psm is 7 in the store and 8 now" in message
    assert "seed is 0 in the store and 1 now" in message
    assert "repeats is not in the store" in message
    assert "dataset" not in message
    assert events(store) == [finished(1), finished(2)]


def test_values_that_json_does_not_know_are_kept_by_value(store):
    """Tuples, numpy's scalars and paths in a plan are the same plan when it is asked for again."""
    plan = {"settings": {"a": (1, 2)}, "samples": np.int64(3), "share": np.float32(0.5)}
    store.open({"schema": SCHEMA, "plan": plan}, [{"id": "x", "target": "t", "tags": {"size": np.int64(9)}}])
    store.close()
    store.open({"schema": SCHEMA, "plan": plan}, [])
    store.close()

    assert store.manifest()["plan"] == {"settings": {"a": [1, 2]}, "samples": 3, "share": 0.5}
    assert list(store.samples()) == [{"id": "x", "target": "t", "tags": {"size": 9}}]


def test_half_a_character_is_kept(store):
    """A file name whose bytes are no UTF-8 has half characters in Python; they must not end a run."""
    store.open(MANIFEST, SAMPLES)
    store.append(finished("odd\udcff"))
    store.close()

    assert events(store) == [finished("odd\udcff")]


def test_one_writer_at_a_time(store, tmp_path):
    """A second run on a store that is being written is refused, and the first one goes on unharmed."""
    store.open(MANIFEST, SAMPLES)
    store.append(finished(1))
    with pytest.raises(StoreLocked, match="being written"):
        store.open(MANIFEST, SAMPLES)
    store.append(finished(2))
    store.close()
    store.open(MANIFEST, SAMPLES)
    store.close()

    assert events(store) == [finished(1), finished(2)]


def test_a_closed_store_takes_nothing(store):
    """Writing without a claim could mix two runs, so it is an error."""
    store.open(MANIFEST, SAMPLES)
    store.close()

    with pytest.raises(StoreError, match="not open for writing"):
        store.append(finished(1))


def test_a_store_without_a_run_says_so(store):
    """Looking into an empty place is an error with a name, not an empty run."""
    for look in (store.manifest, lambda: list(store.samples())):
        with pytest.raises(StoreError, match="holds no run"):
            look()


class Agreement(RuleBasedStateMachine):
    """Drives a store in a folder and one in memory by the same steps; they must look the same throughout."""

    folder = None
    count = 0

    def __init__(self):
        super().__init__()
        type(self).count += 1
        self.stores = [FileStore(self.folder / str(self.count)), MemoryStore()]
        self.offsets = [0, 0]
        self.seen = [[], []]

    def both(self, step):
        """What a step gives on each store; an error counts by its type."""
        gained = []
        for store in self.stores:
            try:
                gained.append(step(store))
            except StoreError as error:
                gained.append(type(error))
        assert gained[0] == gained[1]
        return gained[0]

    @rule(seed=st.integers(0, 1))
    def open(self, seed):
        self.both(lambda store: store.open({"schema": SCHEMA, "plan": {"seed": seed}}, SAMPLES))

    @rule(text=st.text(st.characters(codec="utf-8")), number=st.floats(allow_nan=False))
    def append(self, text, number):
        self.both(lambda store: store.append(finished(1, text=text, latency_s=number)))

    @rule()
    def sync(self):
        self.both(lambda store: store.sync())

    @rule()
    def close(self):
        self.both(lambda store: store.close())

    @rule()
    def read_on(self):
        for index, store in enumerate(self.stores):
            for records, offset in store.blocks(self.offsets[index]):
                self.seen[index] += records
                self.offsets[index] = offset

    @invariant()
    def they_look_the_same(self):
        self.both(events)
        self.both(lambda store: store.manifest())
        self.both(lambda store: list(store.samples()))
        assert self.seen[0] == self.seen[1]

    def teardown(self):
        for store in self.stores:
            store.close()


def test_stores_agree_whatever_is_done_to_them(tmp_path):
    """A folder and a memory store cannot be told apart by any sequence of calls."""
    Agreement.folder = tmp_path
    run_state_machine_as_test(Agreement, settings=settings(max_examples=25, stateful_step_count=15, deadline=None))


# ── a log that was cut or damaged ────────────────────────────────────────────────────────────────────────


def test_a_log_cut_anywhere_in_its_last_record_reopens_whole(log):
    """Whatever was written of the last record, the others stay; it is whole or absent, and a new one fits behind."""
    whole = log.read_bytes()
    begins = whole[:-1].rindex(b"\n") + 1
    three = events(FileStore(log.parent))
    assert len(three) == 3

    for length in range(begins, len(whole) + 1):
        log.write_bytes(whole[:length])
        expected = three if length >= len(whole) - 1 else three[:2]
        store = FileStore(log.parent)
        assert events(store) == expected, f"read at {length}"
        store.open(MANIFEST, SAMPLES)
        assert store.torn_bytes == (0 if length >= len(whole) - 1 else length - begins)
        assert events(store) == expected, f"opened at {length}"
        store.append(finished(4))
        store.close()
        assert events(FileStore(log.parent)) == [*expected, finished(4)], f"written on at {length}"


def test_a_reader_waits_for_the_rest_of_a_line(log):
    """Half a line, seen while the writer is at it, is read whole at the next look."""
    whole = log.read_bytes()
    two = whole[: whole[:-1].rindex(b"\n") + 1]
    reader = FileStore(log.parent)
    log.write_bytes(two + b'{"event":"fini')
    [(records, offset)] = reader.blocks()
    log.write_bytes(whole)
    [(rest, _)] = reader.blocks(offset)

    assert records + rest == events(FileStore(log.parent))


def test_a_line_read_without_its_newline_is_not_read_again(log):
    """A writer may be seen between a record and its line end; the offset then lies behind that end."""
    whole = log.read_bytes()
    reader = FileStore(log.parent)
    log.write_bytes(whole[:-1])
    blocks = list(reader.blocks())
    log.write_bytes(whole + json.dumps(finished(4)).encode() + b"\n")
    later = [record for records, _ in reader.blocks(blocks[-1][1]) for record in records]

    assert sum(len(records) for records, _ in blocks) == 3
    assert later == [finished(4)]


@pytest.mark.parametrize(
    "damage",
    [b'{"event":"finished', b"", b"[]", b"7", b"\xff\xfe{}", b"\0" * 40, b'\xef\xbb\xbf{"event":"finished"}', b"{}{}"],
    ids=["cut", "blank", "a list", "a number", "no UTF-8", "zeroes", "a byte order mark", "two in one"],
)
@pytest.mark.parametrize("line", [1, 2])
def test_damage_before_the_last_line_names_its_line(log, line, damage):
    """Somebody's paid answer stood there: nothing is skipped or changed, and the message says where to look."""
    lines = log.read_bytes().split(b"\n")
    lines[line - 1] = damage
    log.write_bytes(b"\n".join(lines))

    with pytest.raises(StoreCorrupt, match=rf"attempts\.jsonl, line {line} is damaged"):
        events(FileStore(log.parent))
    assert log.read_bytes() == b"\n".join(lines)


def test_a_log_of_many_blocks(tmp_path):
    """A log is read some megabytes at a time: no event is lost where two parts meet, and lines are counted on."""
    folder, count = tmp_path / "run", 60_000
    with_events(folder, [finished(number, text="ä€😀" * (number % 30)) for number in range(count)])
    log = folder / "attempts.jsonl"
    assert log.stat().st_size > 10_000_000
    assert len(list(FileStore(folder).blocks())) > 2
    assert [record["sample"] for record in events(FileStore(folder))] == [f"{number}.png" for number in range(count)]

    lines = log.read_bytes().split(b"\n")
    lines[count - 10] = lines[count - 10][:-5]
    log.write_bytes(b"\n".join(lines))
    with pytest.raises(StoreCorrupt, match=f"line {count - 9} is damaged"):
        events(FileStore(folder))


def test_a_torn_line_longer_than_a_block_is_cut(tmp_path):
    """However much of a record was written when the process ended, the one before it is the last."""
    folder = tmp_path / "run"
    with_events(folder, [finished(1), finished(2, text="x" * 9_000_000)])
    log = folder / "attempts.jsonl"
    os.truncate(log, log.stat().st_size - 10)

    with_events(folder, [finished(3)])

    assert events(FileStore(folder)) == [finished(1), finished(3)]


def test_files_that_are_gone_or_foreign_are_named(log):
    """A folder that lost a file, or never held a run of this version, is an error that says which file."""
    folder = log.parent
    (folder / "samples.jsonl").rename(folder / "elsewhere")
    with pytest.raises(StoreError, match=r"samples\.jsonl cannot be read: No such file"):
        list(FileStore(folder).samples())
    manifest = folder / "manifest.json"
    whole = manifest.read_text()
    for text, kind, words in (
        (whole[:-9], StoreCorrupt, "is not JSON"),
        ("[]", StoreError, "schema None"),
        (json.dumps({"schema": 99}), StoreError, "schema 99; this version reads 1"),
    ):
        manifest.write_text(text)
        with pytest.raises(kind, match=words):
            FileStore(folder).manifest()
    manifest.unlink()
    with pytest.raises(StoreCorrupt, match=r"without its manifest\.json"):
        FileStore(folder).open(MANIFEST, SAMPLES)


def test_a_crash_between_samples_and_manifest_leaves_an_empty_store(tmp_path):
    """The manifest is written last: without it nothing was begun, and the next call begins."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "samples.jsonl").write_text('{"id": "of another')
    (folder / "manifest.json.partial").write_text("{")

    with_events(folder, [finished(1)])

    assert list(FileStore(folder).samples()) == SAMPLES
    assert events(FileStore(folder)) == [finished(1)]


# ── the lock ─────────────────────────────────────────────────────────────────────────────────────────────


def test_another_process_is_kept_out_and_named(tmp_path):
    """Two runs must not write one log; the message gives the process to look for."""
    code = f"""
        from toolkit._store.store import FileStore
        store = FileStore({str(tmp_path / "run")!r})
        store.open({MANIFEST!r}, [])
        print("open", flush=True)
        input()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout.readline() == "open\n"
        with pytest.raises(StoreLocked, match=f"being written by process {owner.pid}; wait for it"):
            FileStore(tmp_path / "run").open(MANIFEST, SAMPLES)
        owner.kill()

    with_events(tmp_path / "run", [finished(1)])  # the lock went with its process
    assert events(FileStore(tmp_path / "run")) == [finished(1)]


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_a_store_that_is_lost_while_it_is_open_is_free_again(tmp_path):
    """An interrupt may strike before anybody has it who could close it; the process lives on, as a notebook's does."""
    FileStore(tmp_path / "run").open(MANIFEST, SAMPLES)
    gc.collect()

    with_events(tmp_path / "run", [finished(1)])


def test_processes_forked_while_it_was_open_do_not_keep_it_locked(tmp_path):
    """An executor of the user's own may outlive the run; its forked workers inherited the lock's file."""
    code = f"""
        import os, signal
        from toolkit._store.store import FileStore
        store = FileStore({str(tmp_path / "run")!r})
        store.open({MANIFEST!r}, [])
        child = os.fork()
        if not child:
            signal.pause()
        store.close()
        try:
            FileStore({str(tmp_path / "run")!r}).open({MANIFEST!r}, [])
        finally:
            os.kill(child, signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stderr) == (0, "")


def test_interrupts_while_names_are_made_durable_lose_no_file(tmp_path):
    """A folder is opened by its number only: hundreds of interrupts at random moments leave none of them open."""
    code = f"""
        import os, signal, threading, time
        from pathlib import Path
        from toolkit._store.durable_files import sync_names
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        main, ended = threading.main_thread().ident, threading.Event()
        def interrupt():
            while not ended.wait(0.0003):
                signal.pthread_kill(main, signal.SIGINT)
        sender = threading.Thread(target=interrupt, daemon=True)
        before, arrived, end = len(os.listdir("/proc/self/fd")), 0, time.monotonic() + 1
        sender.start()
        while True:
            try:
                signal.signal(signal.SIGINT, signal.default_int_handler)
                while time.monotonic() < end:
                    sync_names(Path({str(tmp_path)!r}))
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                break
            except KeyboardInterrupt:
                arrived += 1
        ended.set()
        sender.join()
        print(arrived, len(os.listdir("/proc/self/fd")) - before)
    """
    said = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60)
    assert said.stderr == ""
    arrived, left = map(int, said.stdout.split())

    assert arrived > 20
    assert left == 0


# ── a disk that refuses ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("together", [1, 7])
def test_a_full_disk_loses_nothing_and_is_named(tmp_path, together):
    """The line that does not fit is taken back whole; what was recorded before, or with it, can be resumed."""
    code = f"""
        import resource
        from toolkit.errors import StoreError
        from toolkit._store.store import FileStore
        store = FileStore({str(tmp_path / "run")!r})
        store.open({MANIFEST!r}, [])
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        for number in range(0, 100, {together}):
            try:
                store.append(*({{"event": "finished", "number": number + more}} for more in range({together})))
            except StoreError as error:
                print(number, error)
                break
    """
    assert hasattr(resource, "RLIMIT_FSIZE")
    said = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    count, _, message = said.stdout.partition(" ")

    assert "cannot be written: File too large. Everything recorded so far is kept; make room" in message
    kept = events(FileStore(tmp_path / "run"))
    assert kept == [{"event": "finished", "number": n} for n in range(len(kept))]
    assert 10 < int(count) <= len(kept) < int(count) + together
    log = (tmp_path / "run/attempts.jsonl").read_bytes()
    assert log.endswith(b"}\n")
    assert 1000 - len(log.splitlines()[-1]) - 3 < len(log) <= 1000


@pytest.mark.parametrize("place", ["under a file", "in /proc"])
def test_a_place_that_cannot_be_written_is_named(tmp_path, place):
    """A folder that cannot be made is an error with the path and what to do, whoever asks."""
    (tmp_path / "file").write_text("")
    path = tmp_path / "file/run" if place == "under a file" else "/proc/run"

    with pytest.raises(StoreError, match=rf"{path} cannot be written: .* choose a writable folder"):
        FileStore(path).open(MANIFEST, SAMPLES)


def test_stores_say_where_they_are(tmp_path):
    """A repr tells the folder, or how much is in memory."""
    memory = MemoryStore()
    memory.open(MANIFEST, SAMPLES)
    memory.append(finished(1))

    assert repr(FileStore("runs/a")) == "FileStore('runs/a')"
    assert repr(memory) == "<MemoryStore, 1 events>"
