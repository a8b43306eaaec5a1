"""What people give for a dataset, for settings and for a store, as what it stands for."""

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from toolkit._dataset import Dataset, load_dataset
from toolkit._providers.base import Provider, distinct
from toolkit._providers.specs import settings_of
from toolkit._run.run import PathLike
from toolkit._store.store import FileStore, MemoryStore, Store
from toolkit.errors import DatasetError, SettingError
from toolkit.types import Sample

DatasetLike: TypeAlias = Dataset | PathLike | pd.DataFrame | Iterable[Sample]
"""A dataset, the path of one, a frame for `Dataset.from_frame`, or samples."""

SettingLike: TypeAlias = Provider | type[Provider] | str
SettingsLike: TypeAlias = SettingLike | Iterable["SettingLike | Iterable[SettingLike]"]
"""A setting, or several, also in lists within the list, as `grid` makes them. A setting is a configured provider, its
class for the defaults, or words such as ``"tesseract(psm=7)"``."""

StoreLike: TypeAlias = Store | PathLike | None


def as_dataset(dataset: DatasetLike) -> Dataset:
    """The dataset that is meant; `DatasetError` says what to give instead."""
    if isinstance(dataset, Dataset):
        return dataset
    if isinstance(dataset, (str, os.PathLike)):
        return load_dataset(Path(dataset))
    if isinstance(dataset, pd.DataFrame):
        return Dataset.from_frame(dataset)
    try:
        samples: list[Any] = list(dataset)
    except TypeError as error:
        raise DatasetError(
            f"a dataset is a folder, a Dataset, a frame or a list of tk.Sample, not {dataset!r:.80}"
        ) from error
    for sample in samples:
        if isinstance(sample, (str, os.PathLike)):
            raise DatasetError(
                f"{str(sample)!r:.80} is a path, and nobody knows what its image says; give the folder with its labels, or "
                'tk.Sample.from_file(path, "what it says") for each'
            )
        if not isinstance(sample, Sample):
            raise DatasetError(f"a list of images holds tk.Sample objects, not {type(sample).__name__}: {sample!r:.80}")
    return Dataset.from_samples(samples)


def as_settings(settings: SettingsLike) -> dict[str, Provider]:
    """The settings by label; `SettingError` when there is none, when two share a label, or for what is no setting."""
    return distinct(_flat(settings))


def _flat(settings: Any) -> Iterable[object]:
    if isinstance(settings, str):
        yield from settings_of([settings])
    elif isinstance(settings, partial) or (isinstance(settings, type) and issubclass(settings, Provider)):
        try:
            yield settings()
        except TypeError as error:
            raise SettingError(f"{settings!r} is no setting by itself: {error}") from error
    elif isinstance(settings, Provider) or not isinstance(settings, Iterable):
        yield settings
    else:
        for setting in settings:
            yield from _flat(setting)


def as_store(store: StoreLike) -> Store:
    """A store, the one in a folder, or one in memory."""
    if store is None:
        return MemoryStore()
    return FileStore(store) if isinstance(store, (str, os.PathLike)) else store
