"""Looking at an encoded image without trusting it."""

import warnings
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
"""What is opened. Pillow knows many more, and some of those run programs or have no bounds."""

MAX_PIXELS = 40_000_000
"""A bitmap beyond this is not unpacked: 160 MB as RGBA, and a label needs a thousandth of it."""

_SUFFIXES = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg"),
    "MPO": (".jpg", ".jpeg"),  # a JPEG with a second picture after it, as cameras write them
    "GIF": (".gif",),
    "BMP": (".bmp",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
}
KNOWN_SUFFIXES = frozenset(suffix for suffixes in _SUFFIXES.values() for suffix in suffixes)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an image, its particulars, and what to do about it."""

    problem: str
    detail: str
    cure: str


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
            raise BadImage(Fault("unreadable image", detail, "replace it, or leave it out")) from error
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
    if suffix.lower() in KNOWN_SUFFIXES and suffix.lower() not in _SUFFIXES[kind]:
        right = _SUFFIXES[kind][0]
        found.append(Fault("wrong extension", f"named {suffix}, but is {kind}", f"rename it to end in {right}"))
    if kind != "MPO" and getattr(picture, "is_animated", False):
        found.append(Fault("animated file", f"{kind} with several frames", "save the frame that is meant as PNG"))
    try:
        decoded(image)
    except BadImage as bad:
        found.append(bad.fault)
    return found


def suffix_of(image: bytes) -> str:
    """The file extension for an image, with its dot; `BadImage` when it is none."""
    return _SUFFIXES[opened(image).format or ""][0]


def _bomb(detail: str) -> Fault:
    return Fault("decompression bomb", detail, "leave it out, or scale it down in a program you trust with it")


def _damage(error: Exception) -> Fault:
    detail = f"{type(error).__name__}: {error}"
    cut = any(word in detail.lower() for word in ("truncated", "end of file", "eof", "not enough image data"))
    return Fault("truncated image" if cut else "unreadable image", detail, "copy the file anew, or leave it out")
