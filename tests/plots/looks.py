"""Whether two drawings look alike: small, blurred, and compared patch by patch.

Another version of matplotlib or of its font library moves letters and lines by a pixel; that must not matter. A line
that is gone, a band of another colour or a legend on the wrong side must. So what is compared is how a drawing looks
from some steps away, reduced to 180 pixels across and blurred. Each patch may find its like up to two of these pixels
aside; the patch that then differs most decides.
"""

from io import BytesIO

import numpy as np
from matplotlib import pyplot as plt
from PIL import Image, ImageFilter

KEPT_PX = 360
"""Width of the drawings that are kept."""

_SEEN_PX = 180
_BLUR_PX = 1.5
_PATCH_PX = 9
_ASIDE_PX = 2

ALIKE = 0.055
"""Distance up to which drawings look alike, of 1 for black against white; see the tests of the measure."""

_SAME_SHAPE = 0.03


def picture_of(ax, dpi=100):
    """The figure of these axes, small; it is closed."""
    file = BytesIO()
    ax.figure.savefig(file, dpi=dpi, format="png")
    plt.close(ax.figure)
    image = Image.open(file).convert("RGB")
    height = round(KEPT_PX * image.height / image.width)
    return image.resize((KEPT_PX, height), Image.Resampling.LANCZOS)


def kept(image):
    """The same in 256 colours, which makes a small file."""
    return image.quantize(256, dither=Image.Dither.NONE)


def distance(one, other):
    """How different the patch is that differs most: 0 for the same, 1 for black against white or another shape."""
    shapes = [image.height / image.width for image in (one, other)]
    if abs(shapes[0] / shapes[1] - 1) > _SAME_SHAPE:
        return 1.0
    return float(_patches(one, other).max())


def difference(one, other):
    """A picture of where they differ: grey where alike, red where not."""
    patches = _patches(one, other)
    worst = Image.fromarray(np.uint8(255 * np.clip(patches / (2 * ALIKE), 0, 1)))
    red = worst.resize(one.size, Image.Resampling.NEAREST)
    nothing = Image.new("L", one.size)
    return Image.blend(other.resize(one.size).convert("RGB"), Image.merge("RGB", (red, nothing, nothing)), 0.4)


def _patches(one, other):
    """Mean difference of each patch, at the best place for it."""
    size = _SEEN_PX, round(_SEEN_PX * one.height / one.width)
    first, second = (
        np.asarray(
            image.convert("RGB").resize(size, Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(_BLUR_PX)), float
        )
        for image in (one, other)
    )
    aside = range(-_ASIDE_PX, _ASIDE_PX + 1)
    places = [np.roll(second, (down, right), (0, 1)) for down in aside for right in aside]
    return np.min([_means(np.abs(first - place).max(axis=2) / 255) for place in places], axis=0)


def _means(apart):
    rows, columns = (length // _PATCH_PX for length in apart.shape)
    whole = apart[: rows * _PATCH_PX, : columns * _PATCH_PX]
    return whole.reshape(rows, _PATCH_PX, columns, _PATCH_PX).mean(axis=(1, 3))
