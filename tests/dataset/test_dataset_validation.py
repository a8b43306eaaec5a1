"""`validate()`: each kind of problem is found, named and told how to fix."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image

from toolkit._dataset import Dataset, load_dataset
from toolkit._dataset.images import MAX_PIXELS
from toolkit.types import Sample


def problems(dataset, **arguments):
    """(sample, problem) in order, once each is seen to come with its detail and fix."""
    frame = dataset.validate(**arguments)
    assert list(frame) == ["sample", "problem", "detail", "fix"]
    assert frame["detail"].str.len().gt(0).all()
    assert frame["fix"].str.len().gt(0).all()
    return list(frame[["sample", "problem"]].itertuples(index=False, name=None))


def only(image, target="x", id="image"):
    return Dataset.from_samples([Sample.from_bytes(image, target, id=id)])


def png_of(width, height, rows=b""):
    """A PNG whose header says width × height, whatever pixels follow."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def animation(format):
    file = BytesIO()
    frames = [Image.new("L", (20, 10), shade) for shade in (0, 255)]
    frames[0].save(file, format, save_all=True, append_images=frames[1:])
    return file.getvalue()


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
def test_whole_images_have_no_problem(image, format):
    """Every format that is read passes when it is whole and rightly named."""
    assert problems(only(image(7, format=format), id=f"a.{format.lower()}"), max_bytes=10_000) == []


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_cut_images_are_found(format, share):
    """An image that lost its end is found, in whichever format."""
    file = BytesIO()
    Image.effect_noise((60, 40), 90).save(file, format)
    cut = file.getvalue()[: int(len(file.getvalue()) * share)]

    [(_, problem)] = problems(only(cut))

    assert problem in {"truncated image", "unreadable image"}


def test_a_png_that_lost_its_last_bytes_is_truncated(image):
    """Even where all rows are there, a file without its end is told from a whole one."""
    assert problems(only(image(3)[:-12])) == [("image", "truncated image")]


def test_a_flipped_bit_is_found(image):
    """A PNG checks its content, and so does validation."""
    damaged = bytearray(image(3))
    damaged[45] ^= 1

    assert problems(only(bytes(damaged))) == [("image", "unreadable image")]


@pytest.mark.parametrize(
    "junk",
    [b"", b"GIF89a", b"P9 2 1 255 ab", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%!PS-Adobe-3.0 EPSF-3.0\n"],
)
def test_what_is_no_image_is_unreadable(junk):
    """Nothing but the six known formats is opened, of the many that Pillow could."""
    assert problems(only(junk)) == [("image", "unreadable image")]


@pytest.mark.parametrize("size", [(100_000, 100_000), (MAX_PIXELS // 1000 + 1, 1000)])
def test_a_bomb_is_named_and_not_unpacked(size):
    """A header of too many pixels is enough to know; were it decoded, the missing rows would be the problem."""
    assert problems(only(png_of(*size))) == [("image", "decompression bomb")]
    # the same file at a bearable size is decoded, and found cut short
    assert problems(only(png_of(100, 100))) == [("image", "truncated image")]


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_animations_are_found(format):
    """A file of several frames does not say which one is meant."""
    assert problems(only(animation(format))) == [("image", "animated file")]


def test_extension_of_another_format(image, folder):
    """The content decides what a file is; both spellings of one extension are right."""
    path = folder("a.png", metadata_csv="file_name,text\na.jpg,A\nb.JPEG,B\nc.png,C\nd,D\n")
    (path / "a.jpg").write_bytes(image(1))
    (path / "b.JPEG").write_bytes(image(2, format="JPEG"))
    (path / "c.png").write_bytes(image(3, format="GIF"))
    (path / "d").write_bytes(image(4))

    dataset = load_dataset(path)

    assert problems(dataset) == [("a.jpg", "wrong extension"), ("c.png", "wrong extension")]
    assert list(dataset.validate()["detail"]) == ["named .jpg, but is PNG", "named .png, but is GIF"]
    assert list(dataset.validate()["fix"]) == ["rename it to end in .png", "rename it to end in .gif"]


def test_size_in_bytes(image):
    """The limit itself is allowed."""
    size = len(image())

    assert problems(only(image()), max_bytes=size) == []
    assert problems(only(image()), max_bytes=size - 1) == [("image", "too many bytes")]


def test_labels_missing_or_empty(image):
    """No label and a label of blanks are two things."""
    samples = [Sample.from_bytes(image(i), target, id=str(i)) for i, target in enumerate([None, "", " ", "x"])]

    expected = [("0", "missing label"), ("1", "empty label"), ("2", "empty label")]
    assert expected == problems(Dataset.from_samples(samples))


def test_equal_images_with_different_labels(image):
    """Each of them is listed with one that contradicts it; equal ones with equal labels are not."""
    shades_and_labels = [(1, "a"), (2, "b"), (1, "a"), (3, "c"), (1, "A"), (3, "c")]
    dataset = Dataset.from_samples(
        [Sample.from_bytes(image(shade), label, id=f"s{i}") for i, (shade, label) in enumerate(shades_and_labels)]
    )

    frame = dataset.validate()

    assert problems(dataset) == [
        ("s0", "contradicting labels"),
        ("s2", "contradicting labels"),
        ("s4", "contradicting labels"),
    ]
    assert frame["detail"][0] == (
        "the same image is labelled 'a' here and 'A' as 's4', which differ only in case or Unicode form"
    )
    assert "is labelled 'A' here and 'a' as 's0'" in frame["detail"][2]
    assert problems(dataset[1:4]) == []


def test_a_corrupt_image_in_the_middle_hides_no_other(folder, image):
    """All problems of all samples come, in the dataset's order, also after a file that is gone."""
    path = folder(
        "a.png",
        "b.png",
        "c.png",
        "d.png",
        metadata_csv="file_name,text\n"
        + "".join(f"{name}.png,{label}\n" for name, label in zip("abcd", ["A", "B", "", "D"], strict=True)),
    )
    dataset = load_dataset(path)
    (path / "a.png").unlink()
    (path / "b.png").write_bytes(image(1)[:30])

    assert problems(dataset) == [
        ("a.png", "unreadable image"),
        ("b.png", "unreadable image"),
        ("c.png", "missing label"),
    ]


def test_a_huge_file_is_not_read(tmp_path):
    """A file beyond all sense is listed by its size alone."""
    (tmp_path / "metadata.csv").write_text("file_name,text\nhuge.png,A\n")
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(10**12)  # sparse: a terabyte that takes no room, and could not be read

    assert problems(load_dataset(tmp_path)) == [("huge.png", "too many bytes")]
