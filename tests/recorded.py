"""Runs written by hand into a store: exactly the answers, times and failures that a test needs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from doubles import digest, picture

import toolkit as tk
from toolkit._store.store import MemoryStore, Store

BEGAN = 1_790_000_000.0


@dataclass(frozen=True)
class Reading:
    """What came of one trial; with an `error` it has no text."""

    text: str | None = None
    latency_s: float = 0.1
    confidence: float | None = None
    error: str | None = None
    message: str = ""
    charged: float = 0.0


def images(targets, **tags) -> list[dict[str, Any]]:
    """What a store keeps of images that say `targets`; a tag is a list of values."""
    return [
        {
            "id": f"{number:06d}.png",
            "target": target,
            "tags": {name: values[number] for name, values in tags.items()},
            "sha256": digest(picture(number)),
        }
        for number, target in enumerate(targets)
    ]


def recorded(
    samples: list[dict[str, Any]],
    readings: dict[str, list[Reading | None]],
    *,
    store: Store | None = None,
    prices: dict[str, dict[str, float] | None] | None = None,
    dataset: str = "pictures",
    versions: dict[str, str] | None = None,
    extra: tuple[dict[str, Any], ...] = (),
    dataset_path: str | None = None,
) -> tk.Run:
    """A run with a reading for each setting and image, in that order; None for one still to come."""
    store = store or MemoryStore()
    settings = {
        label: {
            "provider": label.partition("(")[0],
            "account": "service at 127.0.0.1" if label in (prices or {}) else None,
            "parameters": {},
            "versions": versions or {},
        }
        for label in readings
    }
    store.open(
        {
            "schema": 1,
            "created_at": "2026-09-21T12:00:00+00:00",
            "plan": {
                "dataset": {"name": dataset, "samples": len(samples), "fingerprint": digest(repr(samples).encode())},
                "settings": settings,
                "repeats": 1,
                "seed": 0,
            },
            "dataset_path": dataset_path,
            "prices_usd": {label: {} for label in readings} | (prices or {}),
            "max_cost_usd": {label: _worst((prices or {}).get(label, {})) for label in readings},
            "machine": {"system": "test", "processor": "x86_64", "cores": 2, "python": "3.11", "drives": None},
            "packages": {"image-to-text-toolkit": tk.__version__, "numpy": np.__version__},
        },
        samples,
    )
    at = BEGAN
    for place, sample in enumerate(samples):
        for label, column in readings.items():
            reading = column[place]
            if reading is not None:
                at += reading.latency_s
                store.append(_record(label, sample["id"], reading, at))
    for record in extra:
        store.append(record)
    store.close()
    return tk.open_run(store)


def _worst(prices: dict[str, float] | None) -> float | None:
    return None if prices is None else sum(prices.values())


def _record(label: str, sample: str, reading: Reading, at: float) -> dict[str, Any]:
    record: dict[str, Any] = {
        "event": "finished",
        "setting": label,
        "sample": sample,
        "repeat": 0,
        "attempt": 1,
        "final": True,
        "started_at": at - reading.latency_s,
        "elapsed_s": reading.latency_s,
    }
    if reading.error is not None:
        return record | {"error": reading.error, "error_message": reading.message, "unsettled": False}
    answer = {"text": reading.text, "confidence": reading.confidence, "latency_s": reading.latency_s}
    return record | answer | {"usage": {"charged": reading.charged} if reading.charged else {}}


HOSTILE = (
    "<script>window.ran = 1</script>",
    "</script><script>window.ran = 1</script>",
    "<img src=x onerror='window.ran = 1'>",
    '"><svg onload="window.ran = 1">',
    "' onmouseover='window.ran = 1' x='",
    "<iframe src='http://192.0.2.1/'></iframe><link rel=stylesheet href=http://192.0.2.1/a.css>",
    "\u202egnp.exe\u202c \x00\x1b[31m\u2028",
    "]]><!--",
    "javascript:window.ran=1",
    "&lt;b&gt; &amp;",
    "{{constructor.constructor('window.ran = 1')()}}",
    "x" * 5_000,
)
"""Texts that a page must show and not obey."""


def hostile_run(repeats=12, **how) -> tk.Run:
    """A run in which every name and text is a stranger's: labels, answers, ids, tags, reasons, the dataset's name."""
    targets = list(HOSTILE) * repeats
    samples = [
        sample | {"id": f"{sample['target'][:60]}{number}"}
        for number, sample in enumerate(images(targets, font=["<b>serif</b>", "\u202eno-bidi"] * (len(targets) // 2)))
    ]
    rng = np.random.default_rng(0)
    confident = [
        Reading(
            target if rng.random() < 0.6 else HOSTILE[n % 12], 0.1 + n / 1000, float(rng.uniform(0.2, 1)), charged=1.0
        )
        for n, target in enumerate(targets)
    ]
    failing = [
        Reading(error="transport", message=HOSTILE[n % 12]) if n % 4 == 0 else Reading(HOSTILE[(n + 1) % 12], 0.3)
        for n in range(len(targets))
    ]
    stopped = {"event": "stopped", "setting": "b(<script>)", "reason": HOSTILE[0]}
    return recorded(
        samples,
        {f"a(x={HOSTILE[2]!r})": confident, "b(<script>)": failing},
        prices={f"a(x={HOSTILE[2]!r})": {"charged": 0.001}},
        dataset=HOSTILE[1],
        versions={HOSTILE[3]: HOSTILE[0]},
        extra=(stopped,),
        **how,
    )
