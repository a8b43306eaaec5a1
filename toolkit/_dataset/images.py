"""Looking at an encoded image without trusting it."""

import warnings
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from toolkit.types import IMAGE_FORMATS

FORMATS = tuple(kind for kind in IMAGE_FORMATS if kind != "MPO")
"""What is opened. Pillow knows many more, and some of those run programs or have no bounds."""

KNOWN_SUFFIXES = frozenset(suffix for suffixes in IMAGE_FORMATS.values() for suffix in suffixes)
"""What the names of images end in, for the loader, `validate` and the engines alike."""

MAX_PIXELS = 40_000_000
"""A bitmap beyond this is not unpacked: 160 MB as RGBA, and a label needs a thousandth of it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an image, its particulars, and how to fix it."""

    problem: str
    detail: str
    fix: str


class BadImage(Exception):
    """The image cannot be shown; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"{fault.problem}: {fault.detail}")
        self.fault = fault


def opened(image: bytes) -> Image.Image:
    """The image with only its header read; `BadImage` for no image, or one that would unpack to a huge bitmap."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            picture = Image.open(BytesIO(image), formats=FORMATS)
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise BadImage(_bomb(str(error))) from error
        except Exception as error:
            # a damaged header surfaces as almost any exception, depending on the format
            kinds = ", ".join(FORMATS)
            detail = f"no {kinds} image" if image else "the file is empty"
            raise BadImage(Fault("unreadable image", detail, "replace it, or skip it")) from error
    if picture.width * picture.height > MAX_PIXELS:
        raise BadImage(_bomb(f"{picture.width} × {picture.height} pixels, more than {MAX_PIXELS:,}"))
    return picture


def decoded(image: bytes) -> Image.Image:
    """The image with its pixels (of an animation, the first frame); `BadImage` when they cannot be had."""
    picture = opened(image)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if picture.format == "PNG":
                # `load` stops at the last row it needs; `verify` reads on to the end and compares checksums
                opened(image).verify()
            picture.load()
        except Exception as error:
            # as above: what a damaged body raises depends on the format and on where the damage is
            raise BadImage(_damage(error)) from error
    return picture


def faults(image: bytes, suffix: str) -> list[Fault]:
    """Everything wrong with an image whose name ends in `suffix` (with its dot, or empty where it has none)."""
    try:
        picture = opened(image)
    except BadImage as bad:
        return [bad.fault]
    found = []
    kind = picture.format or ""
    if suffix.lower() in KNOWN_SUFFIXES and suffix.lower() not in IMAGE_FORMATS[kind]:
        right = IMAGE_FORMATS[kind][0]
        found.append(Fault("wrong extension", f"named {suffix}, but is {kind}", f"rename it to end in {right}"))
    if kind != "MPO" and getattr(picture, "is_animated", False):
        found.append(Fault("animated file", f"{kind} with several frames", "save the frame that is meant as PNG"))
    try:
        if _is_blank(decoded(image)) and not found:
            found.append(Fault("blank image", "every pixel has the same colour", "replace it, unless no text is meant"))
    except BadImage as bad:
        found.append(bad.fault)
    return found


def _is_blank(picture: Image.Image) -> bool:
    """Whether nothing can be seen on white, as engines are shown transparent images."""
    if "transparency" in picture.info or picture.mode.endswith(("A", "a")):
        over = picture.convert("RGBA")
        flat = Image.new("RGBA", over.size, "white")
        flat.alpha_composite(over)
        picture = flat.convert("RGB")
    extrema = picture.getextrema()
    bands = [extrema] if isinstance(extrema[0], (int, float)) else extrema
    return all(low == high for low, high in bands)


def suffix_of(image: bytes) -> str:
    """The file extension for an image, with its dot; `BadImage` when it is none."""
    return IMAGE_FORMATS[opened(image).format or ""][0]


def _bomb(detail: str) -> Fault:
    return Fault("decompression bomb", detail, "skip it, or scale it down in a program you trust with it")


def _damage(error: Exception) -> Fault:
    detail = f"{type(error).__name__}: {error}"
    cut = any(word in detail.lower() for word in ("truncated", "end of file", "eof", "not enough image data"))
    return Fault("truncated image" if cut else "unreadable image", detail, "copy the file anew, or skip it")
