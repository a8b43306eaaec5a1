"""A sound store with every kind of record in it, and what may come of reading one that is not sound."""

from collections.abc import Iterable
from pathlib import Path

from toolkit._run.run import Run, open_run
from toolkit._store.json_lines import Record
from toolkit._store.store import FileStore
from toolkit.errors import StoreError

STORE_FILES = ("attempts.jsonl", "manifest.json", "samples.jsonl")

_SETTING = {"provider": "capsolver", "account": "capsolver at 127.0.0.1", "parameters": {"score": 0.9}, "versions": {}}
_CASCADE = {"provider": "cascade", "account": {"first": "capsolver at 127.0.0.1"}, "parameters": {}, "versions": {}}
_MANIFEST = {
    "schema": 1,
    "created_at": "2026-09-21T12:00:00+00:00",
    "plan": {
        "dataset": {"name": "noise", "samples": 3, "fingerprint": "4f" * 32},
        "settings": {
            "capsolver()": _SETTING,
            "cascade()": _CASCADE,
            "echo()": {"provider": "echo", "account": None, "parameters": {}, "versions": {}},
        },
        "repeats": 1,
        "seed": 0,
    },
    "dataset_path": None,
    "prices_usd": {"capsolver()": {"charged": 0.001}, "cascade()": {"first: charged": 0.001}, "echo()": {}},
    "max_cost_usd": {"capsolver()": 0.001, "cascade()": None, "echo()": 0.0},
    "price_dates": {"capsolver()": "2026-09-01"},
    "machine": {"system": "test", "processor": "x86_64", "cores": 2, "python": "3.11", "drives": None},
    "packages": {"image-to-text-toolkit": "0.1.0", "numpy": "2.0.0"},
}
_SAMPLES = [
    {"id": f"{n}.png", "target": f"wörd{n}", "tags": {"level": n, "font": "serif"}, "sha256": f"{n:064x}"}
    for n in range(3)
]


def _trial(setting: str, n: int) -> Record:
    return {"setting": setting, "sample": f"{n}.png", "repeat": 0}


def _finished(setting: str, n: int, **members: object) -> Record:
    times = {"started_at": 1.79e9 + n, "latency_s": 0.11, "elapsed_s": 0.2, "queue_s": 0.05, "service_s": 0.1}
    return {"event": "finished", **_trial(setting, n), "attempt": 1, "final": True, **times, **members}


_EVENTS = [
    {"event": "session", "at": 1.79e9, "host": "here", "pid": 7},
    {"event": "balance", "account": "capsolver at 127.0.0.1", "when": "begin", "at": 1.79e9, "usd": 7.5},
    {"event": "limits", "account": "capsolver at 127.0.0.1", "at": 1.79e9, "in_flight": 8, "per_second": None},
    {"event": "asked", **_trial("capsolver()", 0), "at": 1.79e9},
    {"event": "submitted", **_trial("capsolver()", 0), "at": 1.79e9, "task_id": "6f1c"},
    _finished("capsolver()", 0, text="wörd0", confidence=0.9, usage={"charged": 1}, latency_low_s=0.09, task_id="6f1c"),
    {"event": "asked", **_trial("capsolver()", 1), "at": 1.79e9},
    _finished(
        "capsolver()", 1, error="transport", error_message="reset", error_status=500, error_code="E", unsettled=True
    ),
    {"event": "asked", **_trial("capsolver()", 2), "at": 1.79e9},
    _finished("cascade()", 0, text="A7K2", usage={"first: charged": 1}, confidence=0.5),
    _finished("echo()", 0, text="wörd0", confidence=0.5),
    _finished("echo()", 1, error="unsolvable", error_message="nothing there"),
    {"event": "limits", "account": "capsolver at 127.0.0.1", "at": 1.79e9, "in_flight": 4, "per_second": 2.5},
    {"event": "stopped", "setting": "capsolver()", "reason": "no money left"},
    {"event": "balance", "account": "capsolver at 127.0.0.1", "when": "end", "at": 1.79e9, "usd": 7.499},
]


def made_store(folder: Path) -> Path:
    """A small run's folder, as the store itself writes it."""
    store = FileStore(folder)
    store.open(_MANIFEST, _SAMPLES)
    for record in _EVENTS:
        store.append(record)
    store.close()
    return folder


def look_at(run: Run, *, figures: bool) -> None:
    """Whatever a user can look at."""
    names = ("attempts", "samples", "stopped", "limits", "unsettled")
    for name in (*names, "outcomes", "spend", "complete") if figures else names:
        getattr(run, name)
    if figures:
        run.summary()
        repr(run)
        run._repr_html_()


def reading_complaints(folder: Path, *, figures: bool = True) -> list[str]:
    """What is wrong with how a store is read that may be damaged: it is read, or a `StoreError` says where it is not."""
    try:
        look_at(open_run(folder), figures=figures)
    except StoreError as error:
        return [] if str(folder) in str(error) else [f"it does not say where: {error}"]
    except Exception as error:  # noqa: BLE001 -- whatever it is, it is what the test is looking for
        return [f"{type(error).__name__}: {error}"]
    return []


def events_of(folder: Path) -> Iterable[bytes]:
    """The lines of the log."""
    return (folder / "attempts.jsonl").read_bytes().splitlines()
