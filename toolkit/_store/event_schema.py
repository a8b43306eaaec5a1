"""What a store's records look like, so that a damaged one is told by its line and not by whatever trips over it.

JSON that can be read may still be damaged: a value of another type, a member that is gone, an event nobody writes.
Events other than ``finished`` are looked at one by one. Those are the many, and are looked at only once their
frame or the run_state could not be made of them, so that a sound log pays nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from toolkit._store.json_lines import Record
from toolkit._store.store import FileStore, Store
from toolkit.errors import StoreCorrupt, ToolkitError

_MOST_INT32 = 2**31 - 1
_MOST_USD = 1e9


def _text(value: object) -> bool:
    return type(value) is str


def _number(value: object) -> bool:
    return type(value) is float or (type(value) is int and abs(value) <= 2**63)


def _prices(value: object) -> bool:
    return type(value) is dict and all(map(_price, value.values()))


def _count(value: object) -> bool:
    return type(value) is int and 0 <= value <= _MOST_INT32


def _truth(value: object) -> bool:
    return type(value) is bool


def _numbers(value: object) -> bool:
    return type(value) is dict and all(map(_number, value.values()))


def _price(value: Any) -> bool:
    return _number(value) and 0 <= value <= _MOST_USD


def _name(value: object) -> bool:
    return type(value) in (str, int)


def _or_none(kind: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or kind(value)


_Shape = Mapping[str, Callable[[object], bool]]
"""Members by name. One that may be None may also be absent; others that are there are nobody's business."""

_TRIAL: _Shape = {"setting": _text, "sample": _text, "repeat": _count}
_SECONDS = ("latency_s", "latency_low_s", "elapsed_s", "queue_s", "limit_wait_s", "connect_s", "service_s")
_EVENTS: Mapping[str, _Shape] = {
    "session": {},
    "asked": {**_TRIAL, "at": _number},
    "submitted": {**_TRIAL, "at": _number, "task_id": _or_none(_name)},
    "balance": {"account": _text, "when": _text, "at": _or_none(_number), "usd": _or_none(_number)},
    "limits": {"account": _text, "at": _or_none(_number), "in_flight": _count, "per_second": _or_none(_number)},
    "stopped": {"setting": _text, "reason": _text},
    "finished": {
        **_TRIAL,
        "attempt": _count,
        "started_at": _number,
        "final": _truth,
        "usage": _or_none(_numbers),
        "confidence": _or_none(_number),
        **dict.fromkeys(("text", "error", "error_message"), _or_none(_text)),
        **dict.fromkeys(("error_code", "task_id"), _or_none(_name)),
        "error_status": _or_none(_count),
        "unsettled": _or_none(_truth),
        **dict.fromkeys((*_SECONDS, "poll_wait_s", "backoff_s", "client_lag_s"), _or_none(_number)),
    },
}
_SAMPLE: _Shape = {"id": _text, "target": _text, "tags": lambda value: type(value) is dict}


def event_fault(record: Mapping[str, Any]) -> str | None:
    """What is wrong with an event of the log; None when it is one."""
    event = record.get("event")
    if type(event) is not str or event not in _EVENTS:
        return f"its event is {event!r:.40}, which is none of {', '.join(_EVENTS)}"
    return _fault(record, _EVENTS[event])


def sound_samples(samples: Iterable[Record], where: str) -> Iterator[Record]:
    """The labelled images, as long as they are such; `StoreCorrupt` names the first line that holds none."""
    seen = set()
    for number, sample in enumerate(samples, start=1):
        fault = _fault(sample, _SAMPLE)
        if fault is None and sample["id"] in seen:
            fault = f"its id {sample['id']!r:.40} was there before"
        if fault:
            raise StoreCorrupt(f"{where}, line {number} is damaged: {fault}; restore the file from a copy")
        seen.add(sample["id"])
        yield sample


@contextmanager
def understood(store: Store, records: Sequence[Record], offset: int) -> Iterator[None]:
    """Around whatever is made of some events that end at `offset`: `StoreCorrupt` names a line that is at fault."""
    for place, record in enumerate(records):
        if record.get("event") != "finished" and (fault := event_fault(record)):
            raise _corrupt(store, offset, len(records) - place, fault)
    try:
        yield
    except ToolkitError:
        raise
    except Exception:
        for place, record in enumerate(records):
            if fault := event_fault(record):
                raise _corrupt(store, offset, len(records) - place, fault) from None
        raise  # a mistake of ours, that no line is to be blamed for


def check_manifest(manifest: Record, where: str) -> Record:
    """The manifest, if it says what a run has to know of itself; `StoreCorrupt` names what is missing or odd."""
    plan = _member(manifest, "plan", where)
    dataset, settings = _member(plan, "dataset", where), _member(plan, "settings", where)
    prices, worst = _member(manifest, "prices_usd", where), _member(manifest, "max_cost_usd", where)
    sound = {
        "created_at": _text(manifest.get("created_at")),
        "plan.repeats": _count(plan.get("repeats")),
        "plan.dataset.name": _text(dataset.get("name")),
        "plan.dataset.samples": type(dataset.get("samples")) is int and dataset["samples"] >= 0,
        "plan.dataset.fingerprint": _text(dataset.get("fingerprint")),
        "plan.settings": all(type(setting) is dict and "account" in setting for setting in settings.values())
        and all(_account(setting["account"]) for setting in settings.values()),
        "prices_usd": prices.keys() >= settings.keys() and all(map(_or_none(_prices), prices.values())),
        "max_cost_usd": worst.keys() >= settings.keys() and all(map(_or_none(_price), worst.values())),
    }
    for name, is_sound in sound.items():
        if not is_sound:
            raise StoreCorrupt(f"{where}: {name} is missing or of another kind; restore the file from a copy")
    return manifest


def check_settings(heard_of: Iterable[str], manifest: Record, where: str) -> None:
    """`StoreCorrupt` when the log speaks of a setting that is not in the plan."""
    if strange := set(heard_of) - manifest["plan"]["settings"].keys():
        raise StoreCorrupt(
            f"{where}: the log has records of {min(strange)!r:.80}, which is no setting of its manifest; "
            "restore the one or the other from a copy"
        )


def _member(holder: Record, name: str, where: str) -> Record:
    value = holder.get(name)
    if not isinstance(value, dict):
        raise StoreCorrupt(f"{where}: {name} is {value!r:.40} where an object is needed; restore the file from a copy")
    return value


def _account(value: object) -> bool:
    return value is None or _text(value) or (type(value) is dict and all(map(_text, value.values())))


def _fault(record: Mapping[str, Any], shape: _Shape) -> str | None:
    for name, fits in shape.items():
        if not fits(record.get(name)):
            return f"its {name} is {record[name]!r:.40}" if name in record else f"it has no {name}"
    return None


def _corrupt(store: Store, offset: int, from_the_end: int, fault: str) -> StoreCorrupt:
    """The error for the record that stands so many from the end of what was read up to `offset`."""
    if isinstance(store, FileStore):
        with store.log.open("rb") as file:
            lines = file.read(offset).removesuffix(b"\n").count(b"\n") + 1
        where = f"{store.log}, line {lines - from_the_end + 1}"
    else:
        where = f"{store!r}, event {offset - from_the_end + 1}"
    return StoreCorrupt(f"{where} is damaged: {fault}; nothing was changed. Restore the line, or take it out")
