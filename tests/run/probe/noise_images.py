"""Small images of noise that the services take, different ones for each number."""

import io
import random

from PIL import Image

import toolkit as tk
from toolkit._dataset import Dataset


def noise_images(count: int) -> Dataset:
    """A labelled dataset in memory, the same in every process."""

    def png(number: int) -> bytes:
        out = io.BytesIO()
        Image.frombytes("L", (24, 12), random.Random(number).randbytes(288)).save(out, "PNG")
        return out.getvalue()

    samples = (
        tk.Sample.from_bytes(png(number), f"word{number:04d}", id=f"{number:04d}.png") for number in range(count)
    )
    return Dataset.from_samples(samples, name="noise")
