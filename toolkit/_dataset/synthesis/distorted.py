"""Single characters turned, bent and crowded, under dots and arcs, drawn by the `captcha` library."""

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from random import Random
from threading import Lock
from types import ModuleType
from typing import Any

from PIL import Image, ImageFilter, ImageOps

from toolkit._dataset.synthesis.fonts import loaded_font
from toolkit.errors import require

HEIGHT_PX = 64
SIZES_PX = (36, 40, 44)
COLOURS = 16

BUILTIN_FONT = "DroidSansMono"
"""The name of the font that comes with the library."""

_drawing = Lock()  # the library's random source is a global of its module


@dataclass(frozen=True)
class Distortion:
    """How one level treats the characters and the picture."""

    turn_deg: int  # at most, either way
    warp: float  # share of a character's size by which its corners move, at most
    overlap: float  # share of a character's width by which the next may cover it, at most
    dots: int
    arcs: int


LEVELS = (
    Distortion(turn_deg=6, warp=0.0, overlap=0.0, dots=0, arcs=0),
    Distortion(turn_deg=14, warp=0.12, overlap=0.1, dots=15, arcs=1),
    Distortion(turn_deg=20, warp=0.18, overlap=0.16, dots=35, arcs=2),
    Distortion(turn_deg=26, warp=0.24, overlap=0.22, dots=60, arcs=3),
)


class _Secrets:
    """The functions of `secrets` that the library calls, drawn from a seeded source."""

    def __init__(self, random: Random) -> None:
        self.randbelow = random.randrange
        self.randbits = random.getrandbits
        self.choice = random.choice


def library() -> ModuleType:
    """The captcha library's drawing module; `MissingExtra` where it is not installed."""
    require("captcha.image", "distorted images", "synthesize")
    return _own_copy()


@cache
def _own_copy() -> ModuleType:
    """A copy of `captcha.image` of our own: seeding the one that others import would make theirs predictable."""
    spec = find_spec("captcha.image")
    if spec is None or spec.loader is None:
        raise ImportError("captcha.image")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def builtin_font() -> Path:
    """The file of `BUILTIN_FONT`."""
    return Path(library().DEFAULT_FONTS[0])


def draw_distorted(text: str, font: Path, level: int, random: Random) -> Image.Image:
    """Coloured characters on light ground, in 16 colours, 64 pixels high."""
    distortion = LEVELS[level]
    ground = (random.randint(225, 255), random.randint(225, 255), random.randint(225, 255))
    ink = _ink(random)
    width = round(loaded_font(font, SIZES_PX[1]).getlength(text))
    with _drawing:
        drawing: Any = library()
        drawing.secrets, drawing.random = _Secrets(random), random
        artist = drawing.ImageCaptcha(width, HEIGHT_PX, fonts=[str(font)], font_sizes=SIZES_PX)
        artist.character_rotate = (-distortion.turn_deg, distortion.turn_deg)
        artist.character_warp_dx = artist.character_warp_dy = (distortion.warp / 2, distortion.warp)
        artist.word_offset_dx = distortion.overlap
        artist.word_space_probability = 1.0  # no blanks: they would be in the picture and not in the label
        line: Image.Image = artist.create_captcha_image(text, ink, ground)
        # the library begins at the left edge; an engine should not fail for want of a margin
        picture = ImageOps.expand(line, (random.randint(8, 16), 0, random.randint(4, 12), 0), ground)
        artist.create_noise_dots(picture, ink, width=2, number=distortion.dots)
        for _ in range(distortion.arcs):
            artist.create_noise_curve(picture, ink)
    return picture.filter(ImageFilter.SMOOTH).quantize(COLOURS, dither=Image.Dither.NONE)


def _ink(random: Random) -> tuple[int, int, int]:
    """A colour of middling lightness: the library makes darker ink more transparent, and lighter ink is no ink."""
    while True:
        red, green, blue = (random.randint(30, 170) for _ in range(3))
        if 90 <= 0.299 * red + 0.587 * green + 0.114 * blue <= 125:
            return red, green, blue
