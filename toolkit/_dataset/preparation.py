"""Images re-encoded to fit a service's limits, each as it is read."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from toolkit._dataset.images import BadImage, decoded, opened
from toolkit._dataset.table import Sources
from toolkit.errors import DatasetError, SettingError
from toolkit.types import Source

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("png", "jpeg")
_QUALITIES = (95, 85, 75, 60, 45)
_SCALES = (1.0, 0.85, 0.7, 0.55, 0.4, 0.3)
_SMALLEST_SIDE_PX = 8


@dataclass(frozen=True)
class Preparation:
    """What is done to each image: brought into `format` (png, jpeg, or None for as it is), then within `max_bytes`.

    An image that already is as asked stays as it is, byte for byte. One that is too large loses first what the eye
    misses least: colours of a PNG or quality of a JPEG, then size.
    """

    max_bytes: int | None = None
    format: str | None = None

    def __post_init__(self) -> None:
        if self.max_bytes is None and self.format is None:
            raise SettingError("prepare() has nothing to do; give max_bytes=… or format=…")
        if self.max_bytes is not None and self.max_bytes < 1:
            raise SettingError(f"max_bytes={self.max_bytes} holds no image")
        if self.format not in (None, *FORMATS):
            raise SettingError(f"format={self.format!r} is not one of {', '.join(FORMATS)}")

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in vars(self).items() if value is not None)

    def applied(self, image: bytes) -> bytes:
        """The prepared image; `DatasetError` when it cannot be decoded or made to fit."""
        try:
            kind = (opened(image).format or "").lower()
            if self._fits(image) and self.format in (None, kind):
                return image
            picture = decoded(image)
        except BadImage as error:
            raise DatasetError(f"cannot be prepared: {error}") from error
        for encoded in _encodings(picture, self.format or (kind if kind in FORMATS else "png")):
            if self._fits(encoded):
                return encoded
        raise DatasetError(f"cannot be made to fit {self.max_bytes:,} bytes and stay legible; raise max_bytes")

    def _fits(self, image: bytes) -> bool:
        return self.max_bytes is None or len(image) <= self.max_bytes


@dataclass(frozen=True, slots=True)
class Prepared:
    """An image that is prepared when it is read."""

    source: Source
    preparation: Preparation

    def read(self) -> bytes:
        try:
            return self.preparation.applied(self.source.read())
        except DatasetError as error:
            raise DatasetError(f"{self.source}: {error}") from error


@dataclass(frozen=True, slots=True)
class PreparedImages:
    """A dataset's images, each prepared when it is read."""

    sources: Sources
    preparation: Preparation

    def __getitem__(self, row: int) -> Prepared:
        return Prepared(self.sources[row], self.preparation)

    def take(self, rows: Iterable[int]) -> Self:
        return type(self)(self.sources.take(rows), self.preparation)


def _encodings(picture: "Image", kind: str) -> Iterator[bytes]:
    """The picture in smaller and smaller encodings."""
    from PIL.Image import Resampling

    flat = _flattened(picture) if kind == "jpeg" else picture
    for scale in _SCALES:
        size = tuple(max(1, round(scale * side)) for side in flat.size)
        if min(size) < min(_SMALLEST_SIDE_PX, *flat.size):
            return
        scaled = flat if scale == 1 else flat.resize((size[0], size[1]), Resampling.LANCZOS)
        if kind == "jpeg":
            yield from (_saved(scaled, "JPEG", quality=quality, optimize=True) for quality in _QUALITIES)
        else:
            yield _saved(scaled, "PNG", optimize=True)
            yield from (_saved(_flattened(scaled).quantize(colours), "PNG", optimize=True) for colours in (256, 16))


def _flattened(picture: "Image") -> "Image":
    """On white, without transparency, in grey or colour."""
    from PIL import Image

    if picture.mode in ("L", "RGB"):
        return picture
    over = picture.convert("RGBA")
    flat = Image.new("RGBA", over.size, "white")
    flat.alpha_composite(over)
    return flat.convert("RGB")


def _saved(picture: "Image", kind: str, **options: int) -> bytes:
    if picture.mode not in ("1", "L", "LA", "P", "RGB", "RGBA"):
        picture = picture.convert("RGB")
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()
