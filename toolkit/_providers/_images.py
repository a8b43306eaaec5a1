"""From encoded bytes to pixels, in the same way for every local engine."""

from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from toolkit.errors import BadRequest
from toolkit.types import IMAGE_FORMATS

if TYPE_CHECKING:
    from PIL.Image import Image


def decode(image: bytes) -> "Image":
    """The first frame of an encoded image: upright, 8-bit RGB, what is transparent on white.

    `BadRequest` with the reason when the bytes are no image, end early, or would unfold to more pixels than
    ``PIL.Image.MAX_IMAGE_PIXELS`` allows; the size is looked at before anything is unfolded.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        opened = Image.open(BytesIO(image), formats=_formats())
        _check_size(opened, Image.MAX_IMAGE_PIXELS)
        opened.load()
        ImageOps.exif_transpose(opened, in_place=True)
        return _on_white(_eight_bits(opened))
    except BadRequest:
        raise
    except UnidentifiedImageError:
        beginning = f"{len(image)} bytes, beginning {image[:8]!r}" if image else "0 bytes"
        raise BadRequest(f"not an image in a known format ({beginning})") from None
    except Exception as error:  # on damaged bytes a decoder raises whatever it trips over
        raise BadRequest(f"the image cannot be decoded: {error or type(error).__name__}") from error


def media_type(image: bytes) -> str | None:
    """The type of an image that every service takes, by its first bytes; None for any other."""
    if image[:4] == b"RIFF" and image[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _MEDIA_TYPES.items() if image.startswith(start)), None)


_MEDIA_TYPES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}


def size_in_header(image: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, by the beginning of the file alone; None when that is no image."""
    from PIL import Image

    try:
        return Image.open(BytesIO(image), formats=_formats()).size
    except Exception:  # noqa: BLE001 -- on damaged bytes a decoder raises whatever it trips over
        return None


@cache
def _formats() -> tuple[str, ...]:
    """Pixel formats only: Pillow would start Ghostscript for a document, which a benchmark has no business to do."""
    from PIL import Image

    Image.init()
    return tuple(name for name in IMAGE_FORMATS if name in Image.OPEN)


def _check_size(image: "Image", most: int | None) -> None:
    # Pillow raises at twice the limit and only warns before it; a warning does not keep a worker from dying.
    pixels = image.width * image.height
    if most is not None and pixels > most:
        raise BadRequest(f"{image.width}×{image.height} is {pixels:,} pixels; at most {most:,} are decoded")


def _eight_bits(image: "Image") -> "Image":
    """Wider grey values brought into 0 to 255; converted as they are, all but the darkest would become white."""
    from PIL import Image

    if not image.mode.startswith(("I", "F")):
        return image
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    # Neither mode says which value is white: it is the least of the usual ones that is not exceeded.
    whites = (65535,) if image.mode.startswith("I;16") else (1, 255, 65535) if image.mode == "F" else (255, 65535)
    brightest = float(values.max())
    white = next((white for white in whites if brightest <= white), brightest)
    return Image.fromarray(np.rint(values.clip(0) * (255 / white)).astype(np.uint8))


def _on_white(image: "Image") -> "Image":
    from PIL import Image

    if not image.has_transparency_data:
        return image.convert("RGB")
    paper = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(paper, image.convert("RGBA")).convert("RGB")
