"""`plan`: what a run would ask, how long it would take and what it would cost, before anything is sent."""

from collections.abc import Iterable

import pandas as pd

from toolkit.engine.local import cores
from toolkit.errors import StoreError
from toolkit.live import DatasetLike, as_dataset
from toolkit.providers.base import LocalProvider, Provider, distinct
from toolkit.reading import read_here
from toolkit.run import Run, open_run
from toolkit.store import Store
from toolkit.types import Sample


def plan(
    dataset: DatasetLike,
    settings: Provider | Iterable[Provider],
    *,
    repeats: int = 1,
    store: Store | str | None = None,
    workers: int | None = None,
    pilot: int = 3,
) -> pd.DataFrame:
    """One row per setting: trials, those a store already holds, and what the rest would take.

    Columns: setting, trials, done, left, read_s (median seconds a reading, from the store if it has any, else
    from reading `pilot` images here with the local engines; missing for services, to which nothing is sent),
    minutes (on `workers` cores) and cost_usd (missing for a setting without a price).
    """
    data = as_dataset(dataset)
    by_label = distinct(settings)
    run = _stored(store)
    trials = len(data) * repeats
    some = [data[position] for position in range(0, len(data), max(1, len(data) // max(1, pilot)))][:pilot]
    rows = []
    for label, setting in by_label.items():
        done = 0 if run is None else int((run.outcomes["setting"] == label).sum())
        read_s = _median_s(run, label) if done else _piloted_s(setting, some)
        left = max(0, trials - done)
        worst_usd = setting.worst_usd
        rows.append(
            {
                "setting": label,
                "trials": trials,
                "done": done,
                "left": left,
                "read_s": read_s,
                "minutes": None if read_s is None else left * read_s / (workers or cores()) / 60,
                "cost_usd": None if worst_usd is None else left * worst_usd,
            }
        )
    return pd.DataFrame(rows).astype({"read_s": float, "minutes": float, "cost_usd": float})


def _stored(store: Store | str | None) -> Run | None:
    """The run that a store holds, if it holds one yet."""
    if store is None:
        return None
    try:
        return open_run(store)
    except StoreError:
        return None


def _median_s(run: Run | None, label: str) -> float | None:
    assert run is not None  # noqa: S101 -- asked only when the run has such rows
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
