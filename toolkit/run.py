"""A run: begun with `start`, kept in a store, opened again with `open_run`."""

import asyncio
import atexit
import os
import platform
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from toolkit import show
from toolkit.dataset import Dataset, load_dataset
from toolkit.engine.local import LocalLane
from toolkit.engine.plan import Plan
from toolkit.engine.retry import RetryPolicy
from toolkit.engine.runner import Progress, Runner
from toolkit.errors import DatasetError, ProviderError
from toolkit.frames import attempts_frame, joined, outcomes_frame, samples_frame
from toolkit.metrics import STRICT, Normaliser
from toolkit.providers.base import Provider, distinct
from toolkit.stats import summary
from toolkit.store import SCHEMA, FileStore, MemoryStore, Record, Store
from toolkit.types import Trial

PathLike = str | os.PathLike[str]
DatasetLike = Dataset | PathLike


class Run:
    """What was asked and what came of it. Every figure is computed from the log when it is looked at."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.manifest = store.manifest()
        self._read_to = 0
        self._attempts = attempts_frame([])
        self._outcomes: pd.DataFrame | None = None
        self._samples: pd.DataFrame | None = None

    @property
    def settings(self) -> list[str]:
        """Labels of the settings, in the order of the plan."""
        return list(self.manifest["plan"]["settings"])

    @property
    def planned(self) -> int:
        """How many trials the plan holds."""
        plan = self.manifest["plan"]
        return len(plan["settings"]) * int(plan["dataset"]["samples"]) * int(plan["repeats"])

    @property
    def complete(self) -> bool:
        """Whether every trial of the plan has an outcome."""
        return len(self.outcomes) == self.planned

    @property
    def samples(self) -> pd.DataFrame:
        """The labelled images: target and a column a tag, by sample id."""
        if self._samples is None:
            self._samples = samples_frame(self.store.samples())
        return self._samples

    @property
    def attempts(self) -> pd.DataFrame:
        """Every try, in the order they ended; columns: `toolkit.frames.ATTEMPTS`."""
        new = attempts_frame(self._unread())
        if len(new):
            self._attempts = joined([self._attempts, new])
            self._outcomes = None
        return self._attempts

    @property
    def outcomes(self) -> pd.DataFrame:
        """One row per finished trial, answers compared strictly; columns: `toolkit.frames.OUTCOMES`, then the tags."""
        attempts = self.attempts
        if self._outcomes is None:
            self._outcomes = self._judged(attempts, STRICT)
        return self._outcomes

    def judge(self, normaliser: Normaliser) -> pd.DataFrame:
        """The outcomes with answers compared under another normaliser. Nothing is asked again."""
        return self._judged(self.attempts, normaliser)

    def summary(self, by: str | list[str] | None = None) -> pd.DataFrame:
        """One row per setting, or per setting and slice: accuracy, coverage, error rates, latency, cost, with intervals."""
        return summary(self.outcomes, by=by)

    def _unread(self) -> Iterator[list[Record]]:
        for records, offset in self.store.blocks(self._read_to):
            self._read_to = offset
            yield records

    def _judged(self, attempts: pd.DataFrame, normaliser: Normaliser) -> pd.DataFrame:
        return outcomes_frame(attempts, self.samples, prices=self.manifest["prices_usd"], normaliser=normaliser)

    def __repr__(self) -> str:
        plan = self.manifest["plan"]
        return (
            f"<Run of {len(plan['settings'])} settings on {plan['dataset']['name']}: "
            f"{len(self.outcomes):,} of {self.planned:,} trials, in {self.store!r}>"
        )

    def _repr_html_(self) -> str:
        plan = self.manifest["plan"]
        facts = {
            "trials": f"{len(self.outcomes):,} of {self.planned:,}",
            "begun": self.manifest["created_at"],
            "dataset": f"{plan['dataset']['name']} {plan['dataset']['fingerprint'][:12]}",
            "store": repr(self.store),
        }
        return show.as_html(show.leaderboard(self.summary()), f"Run on {plan['dataset']['name']}", facts)


class LiveRun(Run):
    """A run that a thread of this process is at work on. Its frames show what is there so far."""

    def __init__(self, store: Store, runner: Runner) -> None:
        super().__init__(store)
        self._runner = runner
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="toolkit-run", daemon=True)
        self._thread.start()
        atexit.register(self._leave)

    @property
    def progress(self) -> Progress:
        """Counts of this session."""
        return self._runner.progress

    @property
    def running(self) -> bool:
        """Whether it is still at work."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Begin nothing more. What has begun is finished and kept; the same call again resumes."""
        self._runner.stop()

    def wait(self, timeout_s: float | None = None) -> Run:
        """Return when it has ended, or after `timeout_s`. Raises what ended it early, if something did."""
        self._thread.join(timeout_s)
        if not self.running and self._failure is not None:
            raise self._failure
        return self

    def _work(self) -> None:
        try:
            asyncio.run(self._runner.run())
        except BaseException as failure:  # noqa: BLE001 -- handed over to whoever waits
            self._failure = failure
        finally:
            self.store.close()
            atexit.unregister(self._leave)

    def _leave(self) -> None:
        """The interpreter ends: finish what has begun, so that no answer is lost."""
        self.stop()
        self._thread.join()


def start(
    dataset: DatasetLike,
    settings: Provider | Iterable[Provider],
    *,
    repeats: int = 1,
    seed: int = 0,
    store: Store | PathLike | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    retry: RetryPolicy | None = None,
    retry_errors: bool = False,
    deadline_s: float = 120.0,
) -> LiveRun:
    """Let every setting read every sample `repeats` times, in the background.

    `store` is a folder, or None to keep the run in memory only; a folder that holds part of this very run is
    resumed, one of another run is a `ManifestMismatch`. Trials whose last try failed are not asked again unless
    `retry_errors` says so, except after errors that stopped a setting (a bad key), which always are.

    Local engines run in `workers` processes of one thread each (as many as there are cores), or on whatever
    `executor` is given: a thread pool, ``dask.distributed.Client(...).get_executor()``. One reading may take
    `deadline_s`. `seed` shuffles the order of trials.

    `UsageError` and `MissingExtra` come before anything has begun.
    """
    dataset = as_dataset(dataset)
    by_label = distinct(settings)
    if repeats < 1:
        raise DatasetError(f"repeats={repeats}: every sample has to be read at least once")
    _check_labels(dataset)
    manifest = _manifest(dataset, by_label, repeats, seed)
    kept: Store = MemoryStore() if store is None else FileStore(store) if isinstance(store, PathLike) else store
    kept.open(manifest, _labels(dataset))
    try:
        plan = Plan(tuple(by_label), dataset.ids, repeats, seed)
        done = plan.done(_finished(kept, retry_errors=retry_errors))
        kept.append(_session(kept))
        lanes = [LocalLane(by_label, workers, executor, deadline_s)]
        return LiveRun(kept, Runner(plan, dataset, kept, lanes, done, retry or RetryPolicy()))
    except BaseException:
        kept.close()
        raise


def open_run(store: Store | PathLike) -> Run:
    """The run in a folder, for looking at; it may still be running elsewhere."""
    return Run(FileStore(store) if isinstance(store, PathLike) else store)


def as_dataset(dataset: DatasetLike) -> Dataset:
    """A dataset, or the one at a path."""
    return dataset if isinstance(dataset, Dataset) else load_dataset(Path(dataset))


def _check_labels(dataset: Dataset) -> None:
    """A reading without a label can be neither right nor wrong."""
    if not len(dataset):
        raise DatasetError(f"{dataset.name} has no samples to read")
    for position, target in enumerate(dataset.targets):
        if target is None:
            raise DatasetError(
                f"{dataset.name}: {dataset.ids[position]!r} has no label to compare answers with; label it, or leave "
                "such samples out: dataset.filter(lambda sample: sample.target is not None)"
            )


def _labels(dataset: Dataset) -> Iterator[Record]:
    """What the store keeps of each sample, so that a run can be read without its dataset."""
    for sample, digest in zip(dataset, dataset.digests(), strict=True):
        yield {"id": sample.id, "target": sample.target, "tags": dict(sample.tags), "sha256": digest}


def _manifest(dataset: Dataset, settings: dict[str, Provider], repeats: int, seed: int) -> Record:
    """The plan, by which a store is recognised, and what else one will want to know of it in a year."""
    return {
        "schema": SCHEMA,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "plan": {
            "dataset": {"name": dataset.name, "samples": len(dataset), "fingerprint": dataset.fingerprint},
            "settings": {
                label: {"provider": s.name, "parameters": s.parameters, "versions": s.versions()}
                for label, s in settings.items()
            },
            "repeats": repeats,
            "seed": seed,
        },
        "dataset_path": None if dataset.path is None else str(dataset.path),
        "prices_usd": {label: s.prices for label, s in settings.items()},
        "machine": {
            "system": platform.platform(),
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        },
        "packages": {name: version(name) for name in ("image-to-text-toolkit", "numpy", "pandas", "rapidfuzz")},
    }


def _session(store: Store) -> Record:
    torn = {"torn_bytes": store.torn_bytes} if isinstance(store, FileStore) and store.torn_bytes else {}
    return {"event": "session", "at": round(time.time(), 3), "host": platform.node(), "pid": os.getpid(), **torn}


_FATAL = frozenset(error.kind for error in ProviderError.__subclasses__() if error.fatal)


def _finished(store: Store, *, retry_errors: bool) -> Iterator[Trial]:
    """Trials of the log that need no further asking."""
    for records, _ in store.blocks():
        for record in records:
            if record["event"] != "finished" or not record["final"]:
                continue
            error = record.get("error")
            if error is None or (error not in _FATAL and (error == "unsolvable" or not retry_errors)):
                yield Trial(record["setting"], record["sample"], record["repeat"])
