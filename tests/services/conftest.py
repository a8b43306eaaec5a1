"""Sandboxes with keys of their own, runs against them, and a look for keys where none may be."""

import itertools
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("uvicorn")

from bills import new_key

import toolkit as tk


class Leaks:
    """Looks for keys, and for any six characters of one in a row."""

    def __init__(self) -> None:
        self._pieces: set[str] = set()

    def watch(self, key: str) -> str:
        """Look for this key from now on."""
        self._pieces |= {key[start : start + 6] for start in range(len(key) - 5)}
        return key

    def in_text(self, text: str) -> set[str]:
        """The pieces that a text holds."""
        return {piece for piece in self._pieces if piece in text}

    def in_folder(self, folder: Path) -> set[str]:
        """The pieces in any file below a folder, or in its name."""
        files = [path for path in Path(folder).rglob("*") if path.is_file()]
        assert files
        return set().union(*(self.in_text(f"{path}\n{path.read_bytes().decode(errors='replace')}") for path in files))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """What processes share by files stays in the test's own folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def leaks(caplog):
    """Looks for keys; at the end of the test also in all that was logged."""
    caplog.set_level(logging.DEBUG)
    looking = Leaks()
    yield looking
    assert not looking.in_text(caplog.text)


@pytest.fixture
def key(leaks):
    """A good key for one test, which may show up nowhere."""
    return leaks.watch(new_key())


@pytest.fixture(scope="session")
def stopping():
    """Threads that stop sandboxes while the tests go on; the server takes a while over it, all of it sleep."""
    with ThreadPoolExecutor(8) as threads:
        stopped = []
        yield lambda box: stopped.append(threads.submit(box.stop))
        for stop in stopped:
            stop.result()


@pytest.fixture
def sandbox(key, stopping):
    """Starts sandboxes for a dataset, with the test's key, that end with the test. The oracle is always right."""
    started = []

    def start(dataset, **options):
        options = {"oracle": {"accuracy": 1.0}, "keys": [key]} | options
        started.append(tk.sandbox(dataset, **options).start())
        return started[-1]

    yield start
    for box in started:
        stopping(box)


@pytest.fixture
def run(tmp_path):
    """Runs settings to the end, in a folder of its own unless told otherwise."""
    numbers = itertools.count()

    def benchmark(dataset, settings, **options):
        options = {"store": tmp_path / f"run{next(numbers)}", "limits": tk.Limits(in_flight=8)} | options
        return tk.benchmark(dataset, settings, show=False, **options)

    return benchmark
