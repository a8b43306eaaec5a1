"""Printed lines as a scanner or a screenshot gives them, the worse the higher the level."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from toolkit._dataset.synthesis.fonts import loaded_font

SIZES_PX = range(18, 37)
GREYS = 16  # four bits a pixel keep noise cheap to store and are finer than the noise


@dataclass(frozen=True)
class Wear:
    """How one level treats a line of text."""

    tilt_deg: float  # at most, either way
    em_px: int  # resolution that is left, before scaling back to the font's size
    blur_px: float
    contrast: float  # of black on white
    noise: float  # grey levels of 255, at most, either way
    specks: int  # a thousand pixels


LEVELS = (
    Wear(tilt_deg=0.0, em_px=100, blur_px=0.0, contrast=1.0, noise=0, specks=0),
    Wear(tilt_deg=1.5, em_px=18, blur_px=0.3, contrast=0.8, noise=30, specks=0),
    Wear(tilt_deg=3.0, em_px=14, blur_px=0.5, contrast=0.6, noise=50, specks=3),
    Wear(tilt_deg=4.5, em_px=11, blur_px=0.6, contrast=0.5, noise=70, specks=6),
)


def draw_printed(text: str, font: Path, level: int, random: Random) -> Image.Image:
    """One line of text, dark on light, in 16 greys."""
    wear = LEVELS[level]
    size_px = random.choice(SIZES_PX)
    face = loaded_font(font, size_px)
    left, top, right, bottom = map(round, face.getbbox(text))
    margin = random.randint(5, 12)
    picture = Image.new("L", (right - left + 2 * margin, bottom - top + 2 * margin), 255)
    ImageDraw.Draw(picture).text((margin - left, margin - top), text, font=face, fill=0)
    tilt = random.uniform(-wear.tilt_deg, wear.tilt_deg)
    picture = picture.rotate(tilt, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    size = picture.size
    coarseness = min(1.0, wear.em_px / size_px)
    small = (round(size[0] * coarseness), round(size[1] * coarseness))
    picture = picture.resize(small, Image.Resampling.BOX).resize(size, Image.Resampling.BILINEAR)
    if wear.blur_px:
        picture = picture.filter(ImageFilter.GaussianBlur(wear.blur_px))
    return _on_paper(picture, wear, random)


def _on_paper(picture: Image.Image, wear: Wear, random: Random) -> Image.Image:
    """Ink faded onto paper, with grain and specks."""
    ink = 1 - np.asarray(picture, dtype=np.float64) / 255
    paper = random.uniform(225, 255) if wear.noise else 255.0
    grey = paper - ink * paper * wear.contrast
    # Python's own generator, because its bytes for a seed are the same in every version
    grain = np.frombuffer(random.randbytes(2 * grey.size), dtype=np.uint8).reshape(2, *grey.shape)
    grey += (grain.astype(np.float64).sum(axis=0) / 255 - 1) * wear.noise
    for _ in range(wear.specks * grey.size // 1000):
        grey[random.randrange(grey.shape[0]), random.randrange(grey.shape[1])] = random.choice((60, 250))
    steps = np.clip(grey, 0, 255) * (GREYS - 1) / 255
    indexed = Image.fromarray(np.rint(steps).astype(np.uint8), "L")
    indexed = Image.frombytes("P", indexed.size, indexed.tobytes())
    indexed.putpalette([level * 255 // (GREYS - 1) for level in range(GREYS) for _ in range(3)])
    return indexed
