"""Images of known text, drawn here, so that what an engine should read is known without asking it."""

from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image, ImageDraw, ImageFont


def drawn(text: str, *, size: tuple[int, int] = (200, 50), font_px: int = 28) -> Image.Image:
    """Black text on white, its first line 10 px from the left and 8 px from the top."""
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).text((10, 8), text, fill="black", font=ImageFont.load_default(font_px))
    return image


def encoded(image: Image.Image, format: str = "PNG", **how) -> bytes:
    """The image as a file of that format holds it."""
    buffer = BytesIO()
    image.save(buffer, format, **how)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def draw() -> Callable[..., Image.Image]:
    return drawn


@pytest.fixture(scope="session")
def encode() -> Callable[..., bytes]:
    return encoded


@pytest.fixture(scope="session")
def text_png() -> Callable[..., bytes]:
    """A drawn text as the bytes of a PNG."""
    return lambda text, **how: encoded(drawn(text, **how))
