"""`plan`: what a run would ask, how long it would take and what it would cost, before anything is sent."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from toolkit._dataset import Dataset
from toolkit._engine.limits import Limits
from toolkit._engine.local_backend import cores
from toolkit._providers.base import LocalProvider, Provider, ServiceProvider, distinct
from toolkit._run.read import read_here
from toolkit._run.run import PathLike, Run, open_run
from toolkit._run.session import DatasetLike, as_dataset
from toolkit._store.store import Store
from toolkit.errors import DatasetError, ManifestMismatch
from toolkit.types import Sample


def plan(
    dataset: DatasetLike,
    settings: Provider | Iterable[Provider],
    *,
    repeats: int = 1,
    store: Store | PathLike | None = None,
    workers: int | None = None,
    limits: Limits | None = None,
    pilot: int = 3,
) -> pd.DataFrame:
    """One row per setting: what is to be asked, what that takes and costs. Nothing is sent anywhere.

    Columns: setting; trials, of which `done` are in the store already and `left` are not; refused (images that the
    service would not take: too large or too small, see `Dataset.prepare`); calls (readings that will be asked for);
    read_s (median seconds of a reading, from the store if it has any, else from reading `pilot` images here with the
    local engines; missing for services); minutes (on `workers` cores, or with `limits` in flight); cost_usd (at most;
    missing for a setting without a price). `ManifestMismatch` when the store holds a run on other images.
    """
    data = as_dataset(dataset)
    by_label = distinct(settings)
    run = _stored(store, data)
    trials = len(data) * repeats
    some = [data[position] for position in range(0, len(data), max(1, len(data) // max(1, pilot)))][:pilot]
    refused = _refused(data, by_label)
    rows = []
    for label, setting in by_label.items():
        done = 0 if run is None else int((run.outcomes["setting"] == label).sum())
        read_s = _median_s(run, label) if run is not None and done else _piloted_s(setting, some)
        left = max(0, trials - done)
        calls = max(0, left - refused[label] * repeats)
        at_once = (workers or cores()) if isinstance(setting, LocalProvider) else (limits or Limits()).in_flight
        rows.append(
            {
                "setting": label,
                "trials": trials,
                "done": done,
                "left": left,
                "refused": refused[label],
                "calls": calls,
                "read_s": read_s,
                "minutes": None if read_s is None else calls * read_s / at_once / 60,
                "cost_usd": None if setting.max_cost_usd is None else calls * setting.max_cost_usd,
            }
        )
    return pd.DataFrame(rows).astype({"read_s": float, "minutes": float, "cost_usd": float})


def _refused(dataset: Dataset, settings: Mapping[str, Provider]) -> dict[str, int]:
    """How many images each service would refuse unseen; local engines take them all."""
    counts = dict.fromkeys(settings, 0)
    services = {label: setting for label, setting in settings.items() if isinstance(setting, ServiceProvider)}
    for sample in dataset if services else ():
        try:
            image = sample.image
        except DatasetError:
            continue  # an unreadable image is a row of the run, and of dataset.validate()
        for label, setting in services.items():
            counts[label] += setting.refuses(image) is not None
    return counts


def _stored(store: Store | PathLike | None, dataset: Dataset) -> Run | None:
    """The run that a store holds, if it holds one yet."""
    if store is None or (isinstance(store, (str, os.PathLike)) and not Path(store, "manifest.json").exists()):
        return None
    run = open_run(store)
    stored = run.manifest["plan"]["dataset"]
    if stored["fingerprint"] != dataset.fingerprint:
        raise ManifestMismatch(f"{store} holds a run on other images: those of {stored['name']}, not {dataset.name}")
    return run


def _median_s(run: Run, label: str) -> float | None:
    outcomes = run.outcomes
    median = outcomes.loc[outcomes["setting"] == label, "latency_s"].median()
    return None if pd.isna(median) else float(median)


def _piloted_s(setting: Provider, samples: Iterable[Sample]) -> float | None:
    """Median seconds of a local engine on a few images; a service is not asked."""
    if not isinstance(setting, LocalProvider):
        return None
    setting.versions()  # a missing engine is said here, as it would be by a run
    taken = pd.Series([read_here(setting, sample).service_s for sample in samples], dtype=float)
    return None if taken.empty else float(taken.median())
