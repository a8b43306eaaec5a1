"""`plan`: what a run would ask, how long it would take and what it would cost, before anything is sent."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from toolkit._dataset import Dataset
from toolkit._engine.backends import Accounts, LimitsLike, limits_of
from toolkit._engine.local_backend import cores
from toolkit._providers.base import LocalProvider, Provider, ServiceProvider
from toolkit._run.checks import check_limits
from toolkit._run.inputs import DatasetLike, SettingsLike, StoreLike, as_dataset, as_settings
from toolkit._run.options import must_be_integer
from toolkit._run.read import read_here
from toolkit._run.run import PathLike, Run, open_run
from toolkit._store.store import Store
from toolkit.errors import DatasetError, ManifestMismatch, SettingError
from toolkit.types import Sample


def plan(
    dataset: DatasetLike,
    settings: SettingsLike,
    *,
    repeats: int = 1,
    store: StoreLike = None,
    workers: int | None = None,
    limits: LimitsLike = None,
    pilot: int = 3,
    images: int | None = None,
) -> pd.DataFrame:
    """Say what a run would ask, how long it would take and what it would cost. Nothing is sent anywhere.

    Parameters
    ----------
    dataset : Dataset, path, pandas.DataFrame or list of Sample
        The images, with or without labels.
    settings : setting or list of settings
        As for `benchmark`.
    repeats : int, default 1
        How often each setting would read each image, at least 1.
    store : path or Store, optional
        Where the run is or would be kept: trials that it holds already are not asked again.
    workers : int, optional
        Processes for engines on this machine; as many as there are cores by default.
    limits : Limits or mapping, optional
        Within which services would be used: one for all, or one for each provider's name.
    pilot : int, default 3
        Images that engines on this machine read now, to know how long they take.
    images : int, optional
        Plan for so many images like those of `dataset`, at least 1.

    Returns
    -------
    pandas.DataFrame
        A row a setting: ``setting``; ``trials``, of which ``done`` are in the store and ``left`` are not; ``refused``,
        images that the service would not take (see `Dataset.prepare`); ``calls``, readings that would be asked for;
        ``read_s``, median seconds of a reading, from the store or the pilot (missing for services); ``minutes``;
        ``cost_usd``, at most (missing for a setting without a price).

    Raises
    ------
    SettingError
        For what makes no run.
    ManifestMismatch
        If the store holds a run on other images.

    Examples
    --------
    >>> import toolkit as tk
    >>> service = tk.CapSolver(key="CAP-0123", price_per_1000_usd=0.4)
    >>> plan = tk.plan("datasets/printed", service, images=10_000)
    >>> float(plan["cost_usd"][0])
    4.0
    """
    data = as_dataset(dataset)
    by_label = as_settings(settings)
    must_be_integer("repeats", repeats, 1)
    if images is not None:
        must_be_integer("images", images, 1)
        if store is not None:
            raise SettingError("a store holds a run on these very images; leave out store=… or images=…")
    if not len(data):
        raise DatasetError(f"{data.name} has no samples to read")
    check_limits(limits, {account.service for account in Accounts(by_label).names})
    count = len(data) if images is None else images
    run = _stored(store, data)
    trials = count * repeats
    some = [data[position] for position in range(0, len(data), max(1, len(data) // max(1, pilot)))][:pilot]
    refused = {label: round(number * count / len(data)) for label, number in _refused(data, by_label).items()}
    rows = []
    for label, setting in by_label.items():
        done = 0 if run is None else int((run.outcomes["setting"] == label).sum())
        read_s = _median_s(run, label) if run is not None and done else _piloted_s(setting, some)
        left = max(0, trials - done)
        calls = max(0, left - refused[label] * repeats)
        at_once = (workers or cores()) if setting.account is None else limits_of(limits, setting.account).in_flight
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
