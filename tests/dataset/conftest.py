"""Small real images and folders for the dataset's tests."""

import pickle
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from toolkit._dataset import Dataset

MakeImage = Callable[..., bytes]
MakeFolder = Callable[..., Path]


def encoded(shade: int = 0, *, format: str = "PNG", size: tuple[int, int] = (12, 8)) -> bytes:
    """A real image of one grey with a bar of another; equal arguments give equal bytes."""
    file = BytesIO()
    picture = Image.new("L", size, shade)
    picture.paste(255 - shade, (size[0] // 2, 0, size[0], size[1] // 2))
    picture.save(file, format)
    return file.getvalue()


@pytest.fixture
def image() -> MakeImage:
    return encoded


@pytest.fixture
def travelled() -> Callable[[Dataset], Dataset]:
    """A dataset as it arrives in another process."""

    def travelled(dataset: Dataset) -> Dataset:
        return pickle.loads(pickle.dumps(dataset))  # noqa: S301 -- what comes out is what went in, a line before

    return travelled


@pytest.fixture
def folder(tmp_path: Path) -> MakeFolder:
    """Makes a folder of images (each of another grey) and text files."""

    def make(*images: str, name: str = "words", **texts: str) -> Path:
        path = tmp_path / name
        path.mkdir(exist_ok=True)
        for shade, image_name in enumerate(images):
            place = path / image_name
            place.parent.mkdir(exist_ok=True, parents=True)
            place.write_bytes(encoded(shade))
        for text_name, text in texts.items():
            (path / text_name.replace("_", ".")).write_text(text, encoding="utf-8")
        return path

    return make
