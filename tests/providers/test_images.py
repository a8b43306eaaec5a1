"""Whatever a file holds, every engine sees the same pixels: 8-bit RGB, upright, on white; or hears why not."""

import struct
import warnings
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from toolkit._providers._images import decode
from toolkit.errors import BadRequest


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB")).astype(int)


def same(left: Image.Image, right: Image.Image, *, within: float = 0.0) -> bool:
    """Whether two images have one size and differ by at most `within` grey levels a pixel on average."""
    return left.size == right.size and np.abs(pixels(left) - pixels(right)).mean() <= within


# ── kinds of pixels ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("mode", "format", "within"),
    [
        ("1", "PNG", 5),  # its greys become a pattern of dots
        ("L", "PNG", 0),
        ("LA", "PNG", 0),
        ("P", "PNG", 2),
        ("RGB", "PNG", 0),
        ("RGBA", "PNG", 0),
        ("RGB", "JPEG", 3),
        ("CMYK", "JPEG", 3),
        ("CMYK", "TIFF", 1),
        ("RGBA", "WEBP", 8),
        ("P", "GIF", 2),
        ("RGB", "BMP", 0),
        ("L", "PPM", 0),
    ],
)
def test_every_kind_of_pixel_becomes_rgb(draw, encode, mode, format, within):
    """A text looks the same however its pixels were stored."""
    original = draw("Hello 42")

    read = decode(encode(original.convert(mode), format))

    assert read.mode == "RGB"
    assert same(read, original, within=within)


@pytest.mark.parametrize(
    ("dtype", "white", "format"),
    [
        (np.uint16, 65535, "PNG"),
        (np.uint16, 65535, "TIFF"),
        (np.int32, 255, "TIFF"),
        (np.int32, 65535, "TIFF"),
        (np.int32, 1_000_000, "TIFF"),
        (np.float32, 1.0, "TIFF"),
        (np.float32, 255.0, "TIFF"),
    ],
)
def test_wide_grey_values_are_scaled(draw, encode, dtype, white, format):
    """Grey in 16 bits or more is not clipped to a white page."""
    original = draw("Hello 42").convert("L")
    wide = Image.fromarray((np.asarray(original, dtype=float) / 255 * white).astype(dtype))

    assert same(decode(encode(wide, format)), original, within=0.5)


def test_a_dark_wide_image_stays_dark(encode):
    """In 16 bits white is known, so an image of middle grey is not stretched to white."""
    grey = Image.fromarray(np.full((20, 30), 32768, np.uint16))

    assert np.asarray(decode(encode(grey))).tolist() == np.full((20, 30, 3), 128).tolist()


def test_what_is_transparent_is_paper(draw, encode):
    """Black text on nothing is black text on white, not black on black."""
    original = draw("Hello 42")
    ink = Image.new("RGBA", original.size, (0, 0, 0, 0))
    ink.putalpha(Image.eval(original.convert("L"), lambda grey: 255 - grey))

    assert same(decode(encode(ink)), original)


def test_a_transparent_colour_of_a_palette_is_paper(encode):
    """Transparency also hides in a palette, where no mode tells of it."""
    image = Image.new("P", (4, 4), 0)
    image.putpalette([10, 20, 30, 200, 0, 0])
    image.putpixel((1, 2), 1)

    read = decode(encode(image, transparency=0))

    assert read.getpixel((0, 0)) == (255, 255, 255)
    assert read.getpixel((1, 2)) == (200, 0, 0)


# ── what surrounds the pixels ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("orientation", "stored_as"),
    [(1, None), (3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_90), (8, Image.Transpose.ROTATE_270)],
)
def test_a_photograph_is_turned_upright(draw, encode, orientation, stored_as):
    """A camera stores its picture as the sensor lay, and beside it how to turn it."""
    upright = draw("Hello 42")
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = upright if stored_as is None else upright.transpose(stored_as)

    assert same(decode(encode(stored, "PNG", exif=exif)), upright)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning", "ignore:Tag data:UserWarning")  # Pillow's remarks
@pytest.mark.parametrize(
    "exif",
    [
        b"",
        b"garbage!",
        b"MM\0*\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x63\0\0\0",
        b"II*\0\x08\0\0\0\x01\0\x12\x01\x05\0\xff\xff\xff\xff\x08\0\0\0",
    ],
    ids=["empty", "no header", "far offset", "orientation 99", "endless orientation"],
)
def test_damaged_exif_does_not_cost_the_image(draw, encode, exif):
    """Every viewer shows such a file, so it is read as it lies."""
    original = draw("Hello 42")
    jpeg = encode(original, "JPEG", quality=95)
    damaged = b"Exif\0\0" + exif
    segment = b"\xff\xe1" + struct.pack(">H", len(damaged) + 2) + damaged

    assert same(decode(jpeg[:2] + segment + jpeg[2:]), original, within=3)


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_frame_of_several_counts(draw, encode, format):
    """An animation is read by what it shows first."""
    first, second = draw("first"), draw("second")

    assert same(decode(encode(first, format, save_all=True, append_images=[second])), first, within=8)


# ── what is no image ─────────────────────────────────────────────────────────────────────────────────────


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_claiming(width: int, height: int) -> bytes:
    """A PNG of a hundred bytes that says it is that large."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(b"\0" * 100)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [10_000, 50_000])
def test_a_decompression_bomb_is_refused_by_its_size(side):
    """A small file that unfolds to gigabytes is turned away before it does, also where Pillow would only warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with pytest.raises(BadRequest, match="pixels"):
            decode(png_claiming(side, side))


def test_a_bomb_is_refused_where_warnings_are_errors():
    """Pillow's warning, made an error by the user, is the same refusal."""
    with pytest.raises(BadRequest, match="pixels"):
        decode(png_claiming(10_000, 10_000))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not an image",
        b"<html><body>502 Bad Gateway</body></html>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9",
    ],
    ids=["empty", "text", "html", "a program"],
)
def test_other_files_are_refused(data):
    """An error page saved as an image, or a document that would have to be run, says so."""
    with pytest.raises(BadRequest, match=r"not an image in a known format \(\d+ bytes"):
        decode(data)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_half_a_file_is_refused(draw, encode, format):
    """A download that broke off is no image, not a half grey one."""
    whole = encode(draw("Hello 42"), format)

    with pytest.raises(BadRequest):
        decode(whole[: len(whole) // 2])


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's remarks on what it could still make of the bytes
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_bytes_give_an_image_or_a_refusal(draw, encode, data):
    """Nothing that a decoder trips over leaves as an error of its own."""
    whole = bytearray(encode(draw("ab", size=(40, 30)), data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF"]))))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))

    with suppress(BadRequest):
        assert decode(bytes(whole)).mode == "RGB"
