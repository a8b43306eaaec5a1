"""`Dataset.validate`: what is wrong with a dataset's images and labels, one row a problem."""

import hashlib
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit._dataset.images import Fault, faults
from toolkit.errors import DatasetError
from toolkit.types import File, Sample

COLUMNS = ["sample", "problem", "detail", "fix"]

_LOOK_ALIKE = frozenset({"LATIN", "CYRILLIC", "GREEK"})
_NOT_NAMED = Fault("no label", "no row of the label file names this image", "add a row, or move the image away")

MAX_READ_BYTES = 100_000_000
"""A file beyond this is no image of a line of text, and is not read into memory."""


def validate(dataset: Sequence[Sample], max_bytes: int | None, unlabelled: Sequence[str] = ()) -> pd.DataFrame:
    """See `Dataset.validate`. Holds one image and 32 bytes a sample."""
    digests = np.zeros((len(dataset), 32), dtype=np.uint8)
    readable = np.zeros(len(dataset), dtype=bool)
    found: list[tuple[int, str, Fault]] = []
    for position, sample in enumerate(dataset):
        found += ((position, sample.id, fault) for fault in _label_faults(sample))
        image = _read(sample)
        if isinstance(image, Fault):
            found.append((position, sample.id, image))
            continue
        digests[position] = np.frombuffer(hashlib.sha256(image).digest(), dtype=np.uint8)
        readable[position] = True
        found += ((position, sample.id, fault) for fault in faults(image, _suffix(sample)))
        if max_bytes is not None and len(image) > max_bytes:
            found.append((position, sample.id, _too_large(len(image), max_bytes)))
    found += _contradictions(dataset, digests, np.flatnonzero(readable))
    found.sort(key=lambda entry: entry[0])
    found += ((len(dataset), image, _NOT_NAMED) for image in unlabelled)
    rows = [(sample, fault.problem, fault.detail, fault.fix) for _, sample, fault in found]
    return pd.DataFrame(rows, columns=COLUMNS, dtype="str")


def _label_faults(sample: Sample) -> Iterator[Fault]:
    if sample.target is None:
        yield Fault("missing label", "there is no target", "write its label, or skip it")
        return
    if not sample.target.strip():
        detail = f"the target is {sample.target!r}, so that only an answer without text is correct"
        yield Fault("empty label", detail, "write its label, unless the image holds no text")
    elif sample.target != sample.target.strip():
        yield Fault("blanks at the edge", f"the target is {sample.target!r}", "remove them, unless they are meant")
    yield from _unusual_characters(sample.target)


def _unusual_characters(label: str) -> Iterator[Fault]:
    """Characters that no engine would give, or that look like others."""
    if label.isascii() and label.isprintable():
        return
    if hidden := sorted(
        {c for c in label if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cn") and c not in "\n\r\u200c\u200d"}
    ):
        shown = ", ".join(f"U+{ord(c):04X}" for c in hidden)
        yield Fault("control characters", f"the target {label!r} holds {shown}", "remove them, unless they are meant")
    if label != unicodedata.normalize("NFC", label):
        yield Fault(
            "unusual Unicode form", f"the target {label!r} is not in NFC, the form engines give", "write it in NFC"
        )
    alphabets = {
        name for c in label if c.isalpha() and (name := unicodedata.name(c, "").partition(" ")[0]) in _LOOK_ALIKE
    }
    if len(alphabets) > 1:
        listed = " and ".join(sorted(a.capitalize() for a in alphabets))
        yield Fault(
            "mixed alphabets",
            f"the target {label!r} has {listed} letters, which look alike",
            "write it in one alphabet",
        )


def _read(sample: Sample) -> bytes | Fault:
    try:
        size = sample.source.path.stat().st_size if isinstance(sample.source, File) else 0
        if size > MAX_READ_BYTES:
            return _too_large(size, MAX_READ_BYTES)
        return sample.image
    except (DatasetError, OSError) as error:
        return Fault("unreadable image", str(error), "make the file readable, or skip it")


def _too_large(size: int, limit: int) -> Fault:
    return Fault("too many bytes", f"{size:,} bytes, more than {limit:,}", "scale it down or compress it more")


def _suffix(sample: Sample) -> str:
    name = sample.source.path.name if isinstance(sample.source, File) else sample.id
    return Path(name).suffix


def _contradictions(
    dataset: Sequence[Sample], digests: NDArray[np.uint8], readable: NDArray[np.int64]
) -> Iterator[tuple[int, str, Fault]]:
    """Equal images whose labels differ: no answer could be right for both."""
    keys = digests[readable].view(np.uint64)  # four numbers an image, compared together
    order = readable[np.lexsort(keys.T)]
    ordered = digests[order]
    ends = np.flatnonzero((ordered[1:] != ordered[:-1]).any(axis=1)) + 1
    for group in np.split(order, ends):
        if len(group) < 2:
            continue
        samples = [dataset[position] for position in sorted(map(int, group))]
        for position, sample in zip(sorted(map(int, group)), samples, strict=True):
            other = next((other for other in samples if other.target != sample.target), None)
            if other is not None:
                detail = f"the same image is labelled {sample.target!r} here and {other.target!r} as {other.id!r}"
                if _same_but_form(sample.target, other.target):
                    detail += ", which differ only in case or Unicode form"
                yield position, sample.id, Fault("contradicting labels", detail, "keep the one that is right")


def _same_but_form(a: str | None, b: str | None) -> bool:
    return unicodedata.normalize("NFKC", a or "").casefold() == unicodedata.normalize("NFKC", b or "").casefold()
