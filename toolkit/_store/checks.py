"""Whether a store's manifest and samples say what a run has to know of itself, each damaged file told by its name."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from toolkit._store.events import said
from toolkit._store.json_lines import Record
from toolkit.errors import StoreCorrupt
from toolkit.types import Count

_Usd = Annotated[float, Meta(ge=0, le=1e9)]


class _Setting(Struct):
    account: str | dict[str, str] | None


class _Dataset(Struct):
    name: str
    samples: Annotated[int, Meta(ge=0)]
    fingerprint: str


class _Plan(Struct):
    repeats: Count
    dataset: _Dataset
    settings: dict[str, _Setting]


class _Manifest(Struct):
    created_at: str
    plan: _Plan
    prices_usd: dict[str, dict[str, _Usd] | None]
    max_cost_usd: dict[str, _Usd | None]


class _Sample(Struct):
    id: str
    target: str
    tags: dict[str, Any]


def check_manifest(manifest: Record, where: str) -> Record:
    """The manifest, if it says what a run has to know of itself; `StoreCorrupt` names what is missing or odd."""
    try:
        known = msgspec.convert(manifest, _Manifest)
    except (msgspec.ValidationError, RecursionError) as error:
        raise StoreCorrupt(f"{where}: {said(error)}; restore the file from a copy") from None
    for name, of_setting in (("prices_usd", known.prices_usd), ("max_cost_usd", known.max_cost_usd)):
        if missing := known.plan.settings.keys() - of_setting.keys():
            raise StoreCorrupt(f"{where}: {name} has no {min(missing)!r:.80}; restore the file from a copy")
    return manifest


def check_settings(heard_of: Iterable[str], manifest: Record, where: str) -> None:
    """`StoreCorrupt` when the log speaks of a setting that is not in the plan."""
    if strange := set(heard_of) - manifest["plan"]["settings"].keys():
        raise StoreCorrupt(
            f"{where}: the log has records of {min(strange)!r:.80}, which is no setting of its manifest; "
            "restore the one or the other from a copy"
        )


def sound_samples(samples: Iterable[Record], where: str) -> Iterator[Record]:
    """The labelled images, as long as they are such; `StoreCorrupt` names the first line that holds none."""
    seen: set[str] = set()
    for number, sample in enumerate(samples, start=1):
        fault = _fault(sample) or (f"its id {sample['id']!r:.40} was there before" if sample["id"] in seen else None)
        if fault:
            raise StoreCorrupt(f"{where}, line {number} is damaged: {fault}; restore the file from a copy")
        seen.add(sample["id"])
        yield sample


def _fault(sample: Record) -> str | None:
    try:
        msgspec.convert(sample, _Sample)
    except (msgspec.ValidationError, RecursionError) as error:
        return said(error)
    return None
