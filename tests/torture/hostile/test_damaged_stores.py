"""A store that was damaged, in any of its files: it is read as far as it is sound, or a `StoreError` says where not."""

import copy
import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from doubles import Echo, pictures
from hypothesis import given
from hypothesis import seed as seeded
from logs import STORE_FILES, events_of, made_store, reading_complaints
from test_replies import SEED, VALUES, damaged, paths, thoroughly

import toolkit as tk
from toolkit.errors import StoreCorrupt

_GONE = object()
_ODD = (None, True, -1, 7.5, 10**30, 1e308, "", "odd", [], [[]], {}, {"odd": []}, _GONE)


def replaced(value, path, new):
    """A copy in which one member is another, or gone."""
    changed = copy.deepcopy(value)
    holder = changed
    for name in path[:-1]:
        holder = holder[name]
    if new is _GONE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = new
    return changed


def with_line(lines, number, value):
    """The lines with one of them replaced by a JSON value."""
    changed = [*lines[:number], json.dumps(value).encode(), *lines[number + 1 :]]
    return b"".join(line + b"\n" for line in changed)


def altered_files(store):
    """Each member of each file of a store, by turns gone or of another kind: what was done, file, content."""
    for name in STORE_FILES:
        path = store / name
        lines = [path.read_bytes()] if name == "manifest.json" else path.read_bytes().splitlines()
        for number, line in enumerate(lines):
            record = json.loads(line)
            for place in paths(record):
                for new in _ODD if place else ():
                    content = with_line(lines, number, replaced(record, place, new))
                    yield f"line {number + 1}, {place} is {new!r}", path, content


@pytest.mark.promise(6, what="stores with members of a record gone or of another kind")
def test_a_record_of_odd_members_is_told_or_harmless(tried, scale, tmp_path):
    """Each member of manifest, samples and events in turn; figures, spend and reprs are looked at, too."""
    store = made_store(tmp_path / "run")
    assert reading_complaints(store) == []
    for number, (what, path, content) in enumerate(altered_files(store)):
        if number % scale(41, 1):
            continue
        sound = path.read_bytes()
        path.write_bytes(content)
        tried.case(reading_complaints(store), name=f"{path.name}, {what}")
        path.write_bytes(sound)
    tried.verdict()


@pytest.mark.promise(6, what="stores with damaged bytes or odd JSON in any file")
@pytest.mark.parametrize("name", STORE_FILES)
def test_damaged_bytes_are_told_or_harmless(name, tried, scale, tmp_path):
    """Flipped, lost, added and repeated bytes, NULs, other encodings, deep and endless JSON."""
    store = made_store(tmp_path / "run")
    path = store / name
    sound = path.read_bytes()

    @thoroughly(scale(40, 3_000))
    @seeded(SEED)
    @given(damaged(sound) | VALUES.map(lambda value: json.dumps(value).encode() + b"\n" + sound))
    def fuzz(content):
        path.write_bytes(content)
        found = reading_complaints(store, figures=False)
        tried.case(found, name=name)
        assert not found

    fuzz()
    path.write_bytes(b"[" * 100_000 + b"\n" + sound)
    tried.case(reading_complaints(store), name=f"{name}, deep")
    tried.verdict()


@pytest.mark.promise(6, what="logs that lost, repeat or swap whole events")
def test_no_event_is_passed_over_in_silence(tried, tmp_path):
    """An event under a name that nobody writes is damage, and is told by its line, by whoever reads or resumes."""
    store = made_store(tmp_path / "run")
    lines = list(events_of(store))
    for number, line in enumerate(lines):
        record = json.loads(line)
        for name in ("Finished", "finishe", "", None, 5):
            content = with_line(lines, number, record | {"event": name})
            (store / "attempts.jsonl").write_bytes(content)
            with pytest.raises(StoreCorrupt, match=rf"line {number + 1} is damaged: .*event"):
                tk.open_run(store).attempts  # noqa: B018 -- the look reads
            tried.case()
    tried.verdict()


@pytest.mark.promise(6, what="resuming on a damaged store")
def test_nothing_is_asked_on_top_of_a_damaged_log(tried, tmp_path):
    """Whoever resumes meets the damage before anything is sent, and nothing is changed."""
    dataset = pictures(3)
    with ThreadPoolExecutor(1) as thread:
        tk.benchmark(dataset, [Echo()], store=tmp_path / "run", executor=thread, show=False)
    sound = list(events_of(tmp_path / "run"))
    for number, line in enumerate(sound):
        for event in ("odd", None):
            damaged_store = tmp_path / f"damaged-{number}-{event}"
            shutil.copytree(tmp_path / "run", damaged_store)
            content = with_line(sound, number, json.loads(line) | {"event": event})
            (damaged_store / "attempts.jsonl").write_bytes(content)
            with pytest.raises(StoreCorrupt, match=f"line {number + 1} is damaged"):
                tk.benchmark(dataset, [Echo()], store=damaged_store, show=False)
            tried.case([] if (damaged_store / "attempts.jsonl").read_bytes() == content else ["it was changed"])
    tried.verdict()
