"""What is done to an image before it is read."""

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from toolkit._providers._images import decode
from toolkit.errors import BadRequest

if TYPE_CHECKING:
    from PIL.Image import Image

_MOST_PIXELS = 50_000_000


@dataclass(frozen=True)
class Preparation:
    """The steps, in the order of the fields below `scale`; see `Prepared` for what each does."""

    scale: float = 1.0
    grayscale: bool = False
    threshold: str | int | None = None
    denoise: int | None = None
    invert: bool = False
    contrast: bool = False
    pad: int = 0

    def __call__(self, image: bytes) -> bytes:
        """The encoded image with all steps carried out, as a PNG."""
        buffer = BytesIO()
        self.applied(decode(image)).save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()

    def applied(self, image: "Image") -> "Image":
        """The steps on pixels."""
        from PIL import Image, ImageFilter, ImageOps

        if self.grayscale or self.threshold is not None:
            image = image.convert("L")
        if self.denoise is not None:
            image = image.filter(ImageFilter.MedianFilter(self.denoise))
        if self.invert:
            image = ImageOps.invert(image)
        if self.scale != 1:
            size = [max(1, round(side * self.scale)) for side in image.size]
            if size[0] * size[1] > _MOST_PIXELS:
                raise BadRequest(f"{size[0]}×{size[1]} px after scaling is more than {_MOST_PIXELS:,} pixels")
            image = image.resize((size[0], size[1]), Image.Resampling.BICUBIC)
        if self.contrast:
            image = ImageOps.autocontrast(image)
        if self.threshold is not None:
            cut = otsu(np.asarray(image)) if isinstance(self.threshold, str) else self.threshold
            image = image.point([255 * (value > cut) for value in range(256)])
        return ImageOps.expand(image, self.pad, "white") if self.pad else image


def otsu(gray: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> int:
    """The grey value that parts dark from light with the greatest variance between the two (Otsu, 1979)."""
    counts = np.bincount(gray.ravel(), minlength=256).astype(float)
    below = counts.cumsum()
    above = below[-1] - below
    total = (counts * np.arange(256)).cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = below * above * (total / below - (total[-1] - total) / above) ** 2
    return int(np.nan_to_num(apart).argmax())
