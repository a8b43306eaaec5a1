"""`read`: one image, one answer, without a run."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from toolkit.engine.drive import Tally, drive
from toolkit.engine.local import Here
from toolkit.providers.base import Provider
from toolkit.types import Answer, Sample


def read(provider: Provider, image: Sample | bytes | str | os.PathLike[str]) -> Answer:
    """What one provider reads in one image: a path, encoded bytes, or a sample.

    Raises the `ProviderError` that a run would have recorded. Nothing is stored and nothing is tried twice.
    """
    if isinstance(image, bytes):
        image = Sample.from_bytes(image)
    elif not isinstance(image, Sample):
        image = Sample.from_file(Path(image))
    tally = try_once(provider, image)
    if tally.error is not None:
        raise tally.error
    assert tally.answer is not None  # noqa: S101 -- a tally has the one or the other
    return tally.answer


def try_once(provider: Provider, sample: Sample) -> Tally:
    """One drive through a provider's flow, with its times."""
    # In a thread of its own: a notebook's thread has a running loop already.
    with ThreadPoolExecutor(1, thread_name_prefix="toolkit-read") as thread:
        return thread.submit(lambda: asyncio.run(drive(provider.flow, sample.loaded(), Here()))).result()
