"""Freely licensed fonts that are on every machine with this toolkit, because matplotlib brings them."""

from functools import cache
from pathlib import Path

from PIL import ImageFont

from toolkit.errors import DatasetError


def font_file(font: str) -> Path:
    """The file of a font named as matplotlib names it ("DejaVuSans-Bold"), or of a user's own by its path."""
    own = Path(font).expanduser()
    if own.suffix:
        if not own.is_file():
            raise DatasetError(f"fonts: there is no font file {str(own)!r}")
        return own
    from matplotlib import get_data_path

    shipped = Path(get_data_path()) / "fonts" / "ttf" / f"{font}.ttf"
    if not shipped.is_file():
        raise DatasetError(f"fonts: {font!r} is neither a font of matplotlib nor a path to a .ttf or .otf file")
    return shipped


@cache
def loaded_font(file: Path, size_px: int) -> ImageFont.FreeTypeFont:
    """A font at a size; `DatasetError` when the file is none."""
    try:
        # the basic layout is in every build of Pillow, so that spacing is the same everywhere
        return ImageFont.truetype(file, size_px, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise DatasetError(f"{file}: not readable as a font ({error})") from error
