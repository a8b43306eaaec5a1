"""Images re-encoded to fit a service's limits."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import toolkit as tk
from toolkit.errors import DatasetError, SettingError
from toolkit.types import Sample


def noise(size: tuple[int, int] = (120, 40), mode: str = "RGB") -> bytes:
    """A picture that no encoding makes small."""
    channels = {"RGB": 3, "RGBA": 4}[mode]
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], channels), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels, mode).save(buffer, "PNG")
    return buffer.getvalue()


def dataset(*images: bytes) -> tk.Dataset:
    return tk.Dataset.from_samples(
        [Sample.from_bytes(image, "x", id=str(number)) for number, image in enumerate(images)], name="pictures"
    )


@pytest.mark.parametrize("form", ["png", "jpeg", None])
@pytest.mark.parametrize("most", [8000, 2000, 900])
def test_prepared_images_fit_and_can_be_decoded(form: str | None, most: int) -> None:
    """Every prepared image has at most the bytes asked for, the format asked for, and is a whole picture."""
    prepared = dataset(noise(), noise((60, 60), "RGBA")).prepare(max_bytes=most, format=form)

    for sample in prepared:
        picture = Image.open(io.BytesIO(sample.image))
        picture.load()

        assert len(sample.image) <= most
        assert picture.format == (form or "png").upper()


def test_image_that_is_as_asked_stays_byte_for_byte() -> None:
    """Nothing is encoded anew without need, since that would change what is measured."""
    image = noise()

    assert image == dataset(image).prepare(max_bytes=len(image), format="png")[0].image


def test_transparency_becomes_white_in_a_jpeg() -> None:
    """What was see-through is paper, not ink."""
    buffer = io.BytesIO()
    Image.new("RGBA", (32, 32), (0, 0, 0, 0)).save(buffer, "PNG")

    prepared = Image.open(io.BytesIO(dataset(buffer.getvalue()).prepare(format="jpeg")[0].image))

    assert prepared.getpixel((16, 16)) == (255, 255, 255)


def test_preparation_is_recorded_where_results_are_recognised_by(tmp_path: Path) -> None:
    """Name and fingerprint differ from the original's, so that results on both are not pooled."""
    original = dataset(noise())
    prepared = original.prepare(max_bytes=900)

    assert prepared.name == "pictures (max_bytes=900)"
    assert original.fingerprint != prepared.fingerprint
    assert prepared.fingerprint == original.prepare(max_bytes=900).fingerprint


def test_parts_of_a_prepared_dataset_are_prepared() -> None:
    """A slice or a draw of a prepared dataset keeps what was asked for."""
    prepared = dataset(noise(), noise((80, 80)), noise((50, 50))).prepare(max_bytes=3000)

    assert max(len(sample.image) for part in (prepared[1:], prepared.sample(2)) for sample in part) <= 3000


def test_image_that_cannot_be_made_to_fit_is_named() -> None:
    """A bound below any legible picture says so, with the sample's place and the fix."""
    with pytest.raises(DatasetError, match=r"cannot be made to fit 40 bytes .*; raise max_bytes"):
        dataset(noise()).prepare(max_bytes=40)[0].image  # noqa: B018 -- the look is what prepares


def test_damaged_image_is_a_dataset_error() -> None:
    """What cannot be decoded cannot be prepared, and the reason is kept."""
    with pytest.raises(DatasetError, match="cannot be prepared"):
        dataset(noise()[:200]).prepare(max_bytes=100)[0].image  # noqa: B018


@pytest.mark.parametrize(
    ("options", "message"),
    [({}, "nothing to do"), ({"max_bytes": 0}, "holds no image"), ({"format": "tiff"}, "not one of png, jpeg")],
)
def test_preparation_that_makes_no_sense_is_refused(options: dict[str, object], message: str) -> None:
    """Options are checked before any image is read."""
    with pytest.raises(SettingError, match=message):
        dataset(noise()).prepare(**options)
