"""`Dataset.validate`: what is wrong with a dataset's images and labels, one row a problem."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit._dataset.dataset import Dataset
from toolkit._dataset.images import Fault, faults
from toolkit.errors import DatasetError
from toolkit.types import File, Sample

COLUMNS = ["sample", "problem", "detail", "cure"]

MAX_READ_BYTES = 100_000_000
"""A file beyond this is no image of a line of text, and is not read into memory."""


def validate(dataset: Dataset, max_bytes: int | None) -> pd.DataFrame:
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
    rows = [(sample, fault.problem, fault.detail, fault.cure) for _, sample, fault in found]
    return pd.DataFrame(rows, columns=COLUMNS, dtype="str")


def _label_faults(sample: Sample) -> Iterator[Fault]:
    if sample.target is None:
        yield Fault("missing label", "there is no target", "write its label, or leave it out")
    elif not sample.target.strip():
        yield Fault("empty label", f"the target is {sample.target!r}", "write its label, or leave it out")


def _read(sample: Sample) -> bytes | Fault:
    try:
        size = sample.source.path.stat().st_size if isinstance(sample.source, File) else 0
        if size > MAX_READ_BYTES:
            return _too_large(size, MAX_READ_BYTES)
        return sample.image
    except (DatasetError, OSError) as error:
        return Fault("unreadable image", str(error), "make the file readable, or leave it out")


def _too_large(size: int, limit: int) -> Fault:
    return Fault("too many bytes", f"{size:,} bytes, more than {limit:,}", "scale it down or compress it more")


def _suffix(sample: Sample) -> str:
    name = sample.source.path.name if isinstance(sample.source, File) else sample.id
    return Path(name).suffix


def _contradictions(
    dataset: Dataset, digests: NDArray[np.uint8], readable: NDArray[np.int64]
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
                yield position, sample.id, Fault("contradicting labels", detail, "keep the one that is right")
