"""What is written down about a run besides its attempts: the plan, the machine, the images, the sessions."""

import os
import platform
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from toolkit._dataset import Dataset
from toolkit._providers.base import Provider, ServiceProvider
from toolkit._store.json_lines import Record
from toolkit._store.store import SCHEMA, FileStore, Store
from toolkit.schema import __version__


def manifest(
    dataset: Dataset,
    settings: Mapping[str, Provider],
    accounts: Mapping[str, str | dict[str, str] | None],
    repeats: int,
    seed: int,
    can_drive: Record | None,
    design: Mapping[str, Any] | None,
) -> Record:
    """The plan, by which a store is recognised, and what else one will want to know of it in a year.

    `accounts` names each setting's account, or those of a cascade's stages; `design` says how trials are chosen,
    where they are not simply all.
    """
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
            **({} if design is None else {"design": design}),
        },
        "labels_from": dataset.labels_from,
        "dataset_path": None if dataset.path is None else str(dataset.path),
        "prices_usd": {label: setting.prices for label, setting in settings.items()},
        "max_cost_usd": {label: setting.max_cost_usd for label, setting in settings.items()},
        "price_dates": {
            label: setting.price_date for label, setting in settings.items() if isinstance(setting, ServiceProvider)
        },
        "machine": {
            "system": platform.platform(),
            "processor": platform.machine(),  # what `platform` calls processor would start a process to be known
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "drives": can_drive,
        },
        "packages": {
            "image-to-text-toolkit": __version__,
            **{name: version(name) for name in ("numpy", "pandas", "rapidfuzz", "httpx")},
        },
    }


def labels(dataset: Dataset) -> Iterator[Record]:
    """What the store keeps of each sample, so that a run can be read without its dataset."""
    for sample, digest in zip(dataset, dataset.digests(), strict=True):
        yield {"id": sample.id, "target": sample.target, "tags": dict(sample.tags), "sha256": digest}


def session(store: Store) -> dict[str, Any]:
    torn = {"torn_bytes": store.torn_bytes} if isinstance(store, FileStore) and store.torn_bytes else {}
    return {"event": "session", "at": round(time.time(), 3), "host": platform.node(), "pid": os.getpid(), **torn}
