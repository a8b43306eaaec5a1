"""Images that the services take, keys of their own, and what a sandbox charged for."""

import io
import random
import secrets

from PIL import Image

import toolkit as tk
from toolkit._dataset import Dataset

QUICK = {"first_poll_s": 0.02, "poll_every_s": 0.02}
"""Poll pauses of CapMonster for tests that do not look at latency."""


def noise(number: int) -> bytes:
    """A PNG of a size that both services take, different for each number."""
    out = io.BytesIO()
    Image.frombytes("L", (24, 12), random.Random(number).randbytes(288)).save(out, "PNG")
    return out.getvalue()


def readable(count: int) -> Dataset:
    """A dataset of `count` images in memory."""
    samples = (tk.Sample.from_bytes(noise(n), f"word{n:04d}", id=f"{n:04d}.png") for n in range(count))
    return Dataset.from_samples(samples, name="noise")


def new_key() -> str:
    """A key like a real one, that nothing else in a run can resemble."""
    return "CAP-" + secrets.token_hex(16).upper()


def charged_to(box, key, service=None):
    """The task ids that a sandbox charged a key for."""
    return [
        entry.task_id
        for entry in box.ledger.entries
        if entry.key == key and entry.charged_usd > 0 and service in (None, entry.service)
    ]
