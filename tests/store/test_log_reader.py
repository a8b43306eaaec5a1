"""Reading a log: what is kept of it in columns is what reading it gives, and the log is the truth."""

import json
import os
import shutil
import subprocess
import sys

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pyarrow")

from toolkit._store.log_reader import LogReader
from toolkit._store.store import FileStore, MemoryStore
from toolkit.errors import StoreCorrupt
from toolkit.types import Attempt

ALWAYS = {"long_bytes": 1}
"""A size from which on every log is long, and is kept in columns."""
STOPPED, PLANTED = "no money left", "no honey left"

seconds = st.floats(0, 9).map(lambda value: round(value, 6))
attempts = st.builds(
    Attempt,
    st.sampled_from(["one", "two", 'three(x="ä")']),
    st.sampled_from(["a.png", "ä/b.png", "c 😀.png"]),
    st.integers(0, 2),
    attempt=st.integers(1, 3),
    started_at=seconds.map(lambda value: value + 1),
    final=st.booleans(),
    text=st.none() | st.text(st.characters(codec="utf-8"), max_size=9) | st.just('"usage":{}}\n{"event":"asked"}'),
    confidence=st.none() | st.floats(0, 1),
    error=st.none() | st.sampled_from(["transport", "unsolvable"]),
    error_code=st.none() | st.sampled_from(["BUSY", "E 17"]),
    error_status=st.none() | st.integers(400, 599),
    error_message=st.none() | st.text(st.characters(codec="utf-8"), max_size=9),
    latency_s=st.none() | seconds,
    latency_low_s=st.none() | seconds,
    elapsed_s=seconds,
    queue_s=seconds,
    client_lag_s=seconds,
)
paid = st.builds(
    Attempt,
    st.sampled_from(["one", "two"]),
    st.sampled_from(["a.png", "b.png"]),
    st.integers(0, 1),
    attempt=st.just(1),
    started_at=seconds.map(lambda value: value + 1),
    final=st.booleans(),
    usage=st.sampled_from([{}, {"charged": 1.0}, {"tokens_in": 7, "tokens_out": 2}]),
    error_code=st.none() | st.integers(1, 3),
    task_id=st.none() | st.integers(1, 3) | st.sampled_from(["x", "y"]),
    unsettled=st.booleans(),
)
trial = {"setting": "one", "sample": "a.png", "repeat": 0}
events = st.sampled_from(
    [
        {"event": "session", "at": 1.0, "host": "h", "pid": 1},
        {"event": "stopped", "setting": "one", "reason": "no money"},
        {"event": "balance", "account": "a", "when": "before", "usd": 1.5},
        {"event": "limits", "account": "a", "at": 1.0, "in_flight": 2, "per_second": None},
    ]
)
money = st.sampled_from(
    [{"event": "asked", "at": 1.0, **trial}, {"event": "submitted", "at": 2.0, "task_id": 3, **trial}]
)
plain = st.lists(attempts.map(Attempt.as_record) | events, max_size=40)
anything = st.lists((attempts | paid).map(Attempt.as_record) | events | money, max_size=40)


def append(folder, records):
    """More lines at the end of a log, as the store writes them; in hypothesis' loop without its care for the disk."""
    with (folder / "attempts.jsonl").open("a", encoding="utf-8") as log:
        for record in records:
            log.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")


def write(folder, records):
    """A log of these events."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    append(folder, records)


def read(folder):
    """A reader that has read the whole log, and uses what is kept of it."""
    reader = LogReader(FileStore(folder), **ALWAYS)
    reader.read_on()
    return reader


def read_plainly(folder):
    """The same through a store without columns, event by event."""
    store, records = MemoryStore(), (folder / "attempts.jsonl").read_bytes().splitlines()
    store.open({"plan": {}}, [])
    for record in records:
        store.append(json.loads(record))
    reader = LogReader(store)
    reader.read_on()
    return reader


def kept(folder):
    """The file of columns."""
    return folder / "columns.parquet"


def same(one, other):
    """Two readers know the same."""
    pd.testing.assert_frame_equal(one.attempts, other.attempts)
    assert one.run_state == other.run_state


@pytest.mark.parametrize("records", [plain, anything], ids=["engines", "services too"])
def test_columns_hold_what_the_records_hold(tmp_path, records):
    """Types, values, missing ones and the run_state are the same by either way, fresh or from the cache, read at once or by and by."""

    @given(records, records)
    @settings(deadline=None, max_examples=40)
    def check(first, then):
        write(tmp_path / "run", first)
        live = read(tmp_path / "run")
        same(read_plainly(tmp_path / "run"), live)
        same(live, read(tmp_path / "run"))
        append(tmp_path / "run", then)
        live.read_on()
        plainly = read_plainly(tmp_path / "run")
        same(plainly, live)
        same(plainly, read(tmp_path / "run"))

    check()


@pytest.fixture
def folder(tmp_path):
    """A run of 200 readings, read once, so that its columns are kept."""
    stopped = {"event": "stopped", "setting": "one", "reason": STOPPED}
    tries = (Attempt("one", f"{number}.png", 0, 1, 1.5, True, text=f"w{number}") for number in range(200))
    records = [stopped, *(attempt.as_record() for attempt in tries)]
    write(tmp_path / "run", records)
    read(tmp_path / "run")
    return tmp_path / "run"


def from_cache(folder):
    """Whether a reader believes what is kept: a setting that no log holds is planted there, of the same length."""
    whole = kept(folder).read_bytes()
    assert whole.count(STOPPED.encode())
    kept(folder).write_bytes(whole.replace(STOPPED.encode(), PLANTED.encode()))
    reader = read(folder)
    kept(folder).write_bytes(kept(folder).read_bytes().replace(PLANTED.encode(), STOPPED.encode()))
    return reader.run_state.stopped == {"one": PLANTED}


def test_what_is_kept_is_used(folder):
    """A second reader does not parse the log again; nor does one of a log that only grew."""
    assert from_cache(folder)
    append(folder, [Attempt("two", "1.png", 0, 1, 2.5, True, text="new").as_record()])
    assert from_cache(folder)
    assert read(folder).attempts["setting"].tolist() == ["one"] * 200 + ["two"]


def test_a_log_that_was_changed_is_read_again(folder):
    """One other letter in the middle of a line, of the same length, and the columns are no longer believed."""
    log = folder / "attempts.jsonl"
    log.write_bytes(log.read_bytes().replace(b'"w77"', b'"x77"'))

    assert not from_cache(folder)
    assert read(folder).attempts["text"].tolist()[76:79] == ["w76", "x77", "w78"]


def test_a_log_that_was_cut_is_read_again(folder):
    """Columns of a longer log than there is are of another one."""
    log = folder / "attempts.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:151]))

    assert not from_cache(folder)
    assert len(read(folder).attempts) == 150


def test_a_copy_elsewhere_still_uses_its_columns(folder, tmp_path):
    """Times of change do not survive every copy; the checksum does."""
    shutil.copytree(folder, tmp_path / "copy", copy_function=shutil.copyfile)

    assert from_cache(tmp_path / "copy")


@pytest.mark.parametrize(
    "harm",
    [
        lambda file: file.unlink(),
        lambda file: file.write_bytes(b"PAR1 no more"),
        lambda file: os.truncate(file, 100),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(file.read_bytes().replace(b'"log_bytes":', b'"bog_lytes":')),
        lambda file: file.write_bytes(file.read_bytes().replace(b'"form":"', b'"form":"x')),
        lambda file: pd.DataFrame({"a": [1]}).to_parquet(file),
    ],
    ids=["deleted", "overwritten", "cut", "empty", "no key", "another form", "another table"],
)
def test_a_cache_that_is_gone_or_damaged_is_made_again(folder, harm):
    """Nothing is lost with it, and nobody is bothered."""
    harm(kept(folder))

    same(read_plainly(folder), read(folder))
    same(read_plainly(folder), read(folder))
    assert from_cache(folder)


def test_a_folder_that_cannot_be_written_is_read_all_the_same(folder):
    """Where a file stands in the way of the cache, reading goes on without."""
    kept(folder).unlink()
    kept(folder).mkdir()

    same(read_plainly(folder), read(folder))


@pytest.mark.parametrize(
    "damage",
    [
        b'{"event":"finished',
        b"",
        b"[]",
        b"7",
        b"\xff\xfe{}",
        b"{}{}",
        b'{"event":"finished","text":"\xff"}',
        b'{"a":1}}',
    ],
    ids=["cut", "blank", "a list", "a number", "no UTF-8", "two in one", "no UTF-8 in a text", "a brace too many"],
)
def test_damage_is_named_and_what_stood_before_it_is_kept(folder, damage):
    """A damaged line is the same error with the same line number, whether there are columns of the log or not."""
    log = folder / "attempts.jsonl"
    lines = log.read_bytes().split(b"\n")
    lines[120] = damage
    log.write_bytes(b"\n".join(lines))

    for _ in range(2):
        reader = LogReader(FileStore(folder), **ALWAYS)
        with pytest.raises(StoreCorrupt, match="line 121 is damaged"):
            reader.read_on()
        assert reader.attempts["text"].tolist() == [f"w{number}" for number in range(119)]


def test_a_line_still_being_written_waits(folder):
    """The end of a line that was seen half written is read at the next look, by columns too."""
    log = folder / "attempts.jsonl"
    whole = log.read_bytes()
    log.write_bytes(whole[:-20])
    reader = read(folder)
    assert len(reader.attempts) == 199
    log.write_bytes(whole[:-1])
    assert reader.read_on()
    log.write_bytes(whole + whole.splitlines(keepends=True)[1])
    assert reader.read_on()
    assert not reader.read_on()
    assert reader.attempts["text"].tolist() == [*(f"w{number}" for number in range(200)), "w0"]


def test_two_readers_at_once_do_not_harm_each_other(folder):
    """Processes that make the same cache at the same time all read the same, and leave one that is sound."""
    kept(folder).unlink()
    code = f"""
from toolkit._store.log_reader import LogReader
from toolkit._store.store import FileStore, MemoryStore
for _ in range(20):
    reader = LogReader(FileStore({str(folder)!r}), long_bytes=1)
    reader.read_on()
    assert len(reader.attempts) == 200
"""
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]

    assert [process.wait(60) for process in processes] == [0, 0]
    assert from_cache(folder)
