"""`start`: check a plan, claim its store, and let a thread run it."""

import asyncio
import contextlib
import os
import platform
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from numbers import Integral
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from toolkit.dataset import Dataset, load_dataset
from toolkit.engine.account import AccountLane
from toolkit.engine.books import Books
from toolkit.engine.budget import Budget
from toolkit.engine.journal import Journal
from toolkit.engine.limits import Limits
from toolkit.engine.local import LocalLane
from toolkit.engine.plan import Plan
from toolkit.engine.retry import RetryPolicy
from toolkit.engine.runner import Lane, Progress, Runner
from toolkit.engine.selftest import drives
from toolkit.errors import DatasetError, SettingError
from toolkit.http import open_client
from toolkit.providers.base import Account, Provider, ServiceProvider, distinct
from toolkit.run import PathLike, Run
from toolkit.store import SCHEMA, FileStore, MemoryStore, Record, Store

DatasetLike = Dataset | PathLike


class LiveRun(Run):
    """A run that a thread of this process is at work on. Its frames show what is there so far."""

    def __init__(self, store: Store, runner: Runner) -> None:
        super().__init__(store)
        self._runner = runner
        self._failure: BaseException | None = None
        # Not `Thread.join`: until Python 3.13 an interrupt within it makes the thread look ended while it works on.
        self._ended = threading.Event()
        # Before the pools of workers close, which is earlier than `atexit`: what has begun needs them to end well.
        threading._register_atexit(_leave, weakref.ref(self))  # type: ignore[attr-defined]  # noqa: SLF001 -- as concurrent.futures does
        threading.Thread(target=self._work, name="toolkit-run", daemon=True).start()

    @property
    def progress(self) -> Progress:
        """Counts of this session."""
        return self._runner.progress

    @property
    def running(self) -> bool:
        """Whether it is still at work."""
        return not self._ended.is_set()

    def stop(self) -> None:
        """Begin nothing more. What has begun is finished and kept; the same call again resumes."""
        self._runner.stop()

    def wait(self, timeout_s: float | None = None) -> Run:
        """Return when it has ended, or after `timeout_s`. Raises what ended it early, if something did."""
        self._ended.wait(timeout_s)
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
            self._ended.set()


def _leave(run_if_there: "weakref.ref[LiveRun]") -> None:
    """The interpreter ends: finish what has begun, so that no answer is lost."""
    live = run_if_there()
    if live is not None:
        live.stop()
        with contextlib.suppress(KeyboardInterrupt):  # impatience; the pools of workers still end in order
            live._ended.wait()  # noqa: SLF001 -- its own module


def start(
    dataset: DatasetLike,
    settings: Provider | Iterable[Provider],
    *,
    repeats: int = 1,
    seed: int = 0,
    store: Store | PathLike | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    limits: Limits | Mapping[str, Limits] | None = None,
    budget_usd: float | None = None,
    retry: RetryPolicy | None = None,
    retry_errors: bool = False,
    deadline_s: float = 120.0,
    transport: str = "auto",
) -> LiveRun:
    """Let every setting read every sample `repeats` times, in the background.

    `store` is a folder, or None to keep the run in memory only; a folder that holds part of this very run is
    resumed, one of another run is a `ManifestMismatch`. Trials whose last try failed are not asked again unless
    `retry_errors` says so, except after errors that stopped a setting (a bad key), which always are. Tasks that a
    service was given before are asked for by their ids first. `seed` shuffles the order of trials.

    Local engines run in `workers` processes of one thread each (as many as there are cores), or on whatever
    `executor` is given: a thread pool, ``dask.distributed.Client(...).get_executor()``; they begin when the services
    are done. Each account with a service runs within its `limits`, one for all or by provider name. `transport` is
    ``"httpx"``, ``"fast"`` (the extra of that name, for many hundreds in flight) or ``"auto"``.

    `budget_usd` is never overrun: the most that a reading can cost is set aside before it is sent, and money that
    earlier sessions of this store spent counts. It needs a price for each paid setting. One reading may take
    `deadline_s`; `retry` says what is tried again.

    `UsageError` and `MissingExtra` come before anything has begun.
    """
    dataset = as_dataset(dataset)
    by_label = distinct(settings)
    _check_numbers(repeats, seed, workers, deadline_s)
    _check(dataset, by_label, budget_usd)
    accounts = {label: setting.account for label, setting in by_label.items()}
    names = _names(accounts.values())
    _check_limits(limits, {account.service for account in names})
    kept: Store = (
        MemoryStore() if store is None else FileStore(store) if isinstance(store, (str, os.PathLike)) else store
    )
    named = {label: names[account] for label, account in accounts.items() if account}
    in_flight = max((_limits(limits, account).in_flight for account in names), default=0)
    can_drive = drives(transport, in_flight) if in_flight else None
    kept.open(_manifest(dataset, by_label, named, repeats, seed, can_drive), _labels(dataset))
    try:
        books = Books()
        for records, _ in kept.blocks():
            books.read(records)
        journal = Journal(kept)
        session = _session(kept)
        books.read([session])
        journal.append(session)
        plan = Plan(tuple(by_label), dataset.ids, repeats, seed)
        done = plan.done(books.done(retry_errors=retry_errors))
        budget = Budget(budget_usd, _spent_usd(books, by_label))
        to_collect = books.to_collect()
        services: list[Lane] = [
            AccountLane(
                names[account],
                account,
                mine,
                partial(open_client, transport, _limits(limits, account).in_flight),
                journal,
                budget,
                _limits(limits, account),
                {trial: task for trial, task in to_collect.items() if trial.setting in mine},
                deadline_s,
            )
            for account, mine in _by_account(by_label, accounts).items()
        ]
        here = {label: setting for label, setting in by_label.items() if accounts[label] is None}
        engines: list[Lane] = [LocalLane(here, workers, executor, deadline_s)] if here else []
        groups = [group for group in (services, engines) if group]
        return LiveRun(kept, Runner(plan, dataset, journal, groups, done, retry or RetryPolicy()))
    except BaseException:
        kept.close()
        raise


def as_dataset(dataset: DatasetLike) -> Dataset:
    """A dataset, or the one at a path."""
    return dataset if isinstance(dataset, Dataset) else load_dataset(Path(dataset))


def _check_numbers(repeats: int, seed: int, workers: int | None, deadline_s: float) -> None:
    whole: dict[str, tuple[object, int]] = {"repeats": (repeats, 1), "seed": (seed, 0)}
    if workers is not None:
        whole["workers"] = workers, 1
    for name, (value, least) in whole.items():
        if not (isinstance(value, Integral) and int(value) >= least):
            raise SettingError(f"{name}={value!r} is no whole number from {least} on")
    if not deadline_s > 0:
        raise SettingError(f"deadline_s={deadline_s!r}: a reading needs some time; give seconds above 0")


def _check(dataset: Dataset, settings: Mapping[str, Provider], budget_usd: float | None) -> None:
    """What would make the run useless, said before anything has begun."""
    if not len(dataset):
        raise DatasetError(f"{dataset.name} has no samples to read")
    for position, target in enumerate(dataset.targets):
        if target is None:
            raise DatasetError(
                f"{dataset.name}: {dataset.ids[position]!r} has no label to compare answers with; label it, or leave "
                "such samples out: dataset.filter(lambda sample: sample.target is not None)"
            )
    if budget_usd is not None:
        unpriced = [label for label, setting in settings.items() if setting.worst_usd is None]
        if unpriced:
            raise SettingError(
                f"budget_usd={budget_usd} cannot be kept: {', '.join(unpriced)} has no price. "
                "Give price_per_1000_usd=…, as your account is charged"
            )


def _check_limits(limits: object, services: set[str]) -> None:
    """A misspelt name would let a run ask as fast as it can."""
    given = limits if isinstance(limits, Mapping) else {} if limits is None else {"limits": limits}
    for name, value in given.items():
        if not isinstance(value, Limits):
            raise SettingError(f"limits: {name!r} is {value!r}; give tk.Limits(in_flight=…, per_second=…)")
        if isinstance(limits, Mapping) and name not in services:
            asked = ", ".join(sorted(services)) or "none"
            raise SettingError(f"limits: no setting asks {name!r}; the services of this run are {asked}")


def _by_account(
    settings: Mapping[str, Provider], accounts: Mapping[str, Account | None]
) -> dict[Account, dict[str, ServiceProvider]]:
    groups: dict[Account, dict[str, ServiceProvider]] = {}
    for label, setting in settings.items():
        account = accounts[label]
        if account is not None and isinstance(setting, ServiceProvider):
            groups.setdefault(account, {})[label] = setting
    return groups


def _limits(limits: Limits | Mapping[str, Limits] | None, account: Account) -> Limits:
    if isinstance(limits, Mapping):
        return limits.get(account.service, Limits())
    return limits or Limits()


def _spent_usd(books: Books, settings: Mapping[str, Provider]) -> float:
    """What earlier sessions of this store spent, or may have spent."""
    spent = 0.0
    for label, used in books.usage.items():
        prices = settings[label].prices or {} if label in settings else {}
        spent += sum(prices.get(name, 0.0) * quantity for name, quantity in used.items())
    return spent + sum(settings[lost.trial.setting].worst_usd or 0.0 for lost in books.unsettled)


# ── what is written down about a run ─────────────────────────────────────────────────────────────────────


def _manifest(
    dataset: Dataset,
    settings: Mapping[str, Provider],
    accounts: Mapping[str, str],
    repeats: int,
    seed: int,
    can_drive: Record | None,
) -> Record:
    """The plan, by which a store is recognised, and what else one will want to know of it in a year."""
    return {
        "schema": SCHEMA,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "plan": {
            "dataset": {"name": dataset.name, "samples": len(dataset), "fingerprint": dataset.fingerprint},
            "settings": {
                label: {
                    "provider": setting.name,
                    "account": accounts.get(label),
                    "parameters": setting.parameters,
                    "versions": setting.versions(),
                }
                for label, setting in settings.items()
            },
            "repeats": repeats,
            "seed": seed,
        },
        "dataset_path": None if dataset.path is None else str(dataset.path),
        "prices_usd": {label: setting.prices for label, setting in settings.items()},
        "worst_usd": {label: setting.worst_usd for label, setting in settings.items()},
        "machine": {
            "system": platform.platform(),
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "drives": can_drive,
        },
        "packages": {
            name: version(name) for name in ("image-to-text-toolkit", "numpy", "pandas", "rapidfuzz", "httpx")
        },
    }


def _names(accounts: Iterable[Account | None]) -> dict[Account, str]:
    """Service and host of each account, counted where one service has several keys.

    The port is left out: a sandbox has another one each time, and is the same service.
    """
    names: dict[Account, str] = {}
    for account in accounts:
        if account is not None and account not in names:
            place = f"{account.service} at {urlsplit(account.base_url).hostname}"
            same = sum(name.startswith(place) for name in names.values())
            names[account] = f"{place}, key {same + 1}" if same else place
    return names


def _labels(dataset: Dataset) -> Iterator[Record]:
    """What the store keeps of each sample, so that a run can be read without its dataset."""
    for sample, digest in zip(dataset, dataset.digests(), strict=True):
        yield {"id": sample.id, "target": sample.target, "tags": dict(sample.tags), "sha256": digest}


def _session(store: Store) -> dict[str, Any]:
    torn = {"torn_bytes": store.torn_bytes} if isinstance(store, FileStore) and store.torn_bytes else {}
    return {"event": "session", "at": round(time.time(), 3), "host": platform.node(), "pid": os.getpid(), **torn}
