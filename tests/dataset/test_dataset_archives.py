"""Formats that hold many images in one file: Parquet, LMDB and tar shards."""

import io
import json
import random
import tarfile
import tracemalloc

import lmdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from toolkit._dataset import load_dataset
from toolkit._dataset.formats.parquet_rows import KEPT_BYTES
from toolkit.errors import DatasetError


def contents(dataset):
    return {sample.id: (sample.target, sample.image) for sample in dataset}


# ── Parquet ──────────────────────────────────────────────────────────────────────────────────────────────────


def write_parquet(path, cells, **options):
    """A table as Hugging Face's `datasets` writes it."""
    struct = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table(
        {
            "image": pa.array(cells, struct),
            "text": [f"t{i}" for i in range(len(cells))],
            "font": pa.array([f"f{i % 2}" for i in range(len(cells))]).dictionary_encode(),
            "box": [[i, i] for i in range(len(cells))],
        }
    )
    pq.write_table(table, path, **options)


def test_parquet_over_files_and_row_groups(tmp_path, image, travelled):
    """Images come from the right file, row group and row, whatever the order they are asked for in."""
    for part, start in enumerate((0, 7)):
        cells = [{"bytes": image(i), "path": f"w{i}.png"} for i in range(start, start + 7)]
        write_parquet(tmp_path / f"train-{part}.parquet", cells, row_group_size=3)

    dataset = load_dataset(tmp_path)

    assert {f"w{i}.png": (f"t{i % 7}", image(i)) for i in range(14)} == contents(dataset)
    assert dataset.tags == ("font", "length", "charset")
    assert image(12) == dataset[12].image
    assert image(1) == dataset[1].image
    assert image(13) == dataset[::-1][0].image
    assert image(12) == travelled(dataset[10:])[2].image


@pytest.mark.parametrize("group_rows", [40, None], ids=["groups that are kept", "a group too large to keep"])
def test_parquet_takes_bounded_memory(tmp_path, group_rows):
    """Images are the same, and what stays in memory is less than the limit, however large groups and file are."""
    blobs = [random.Random(i).randbytes(2**18) for i in range(3 * KEPT_BYTES // 2**18)]
    cells = [{"bytes": blob, "path": None} for blob in blobs]
    write_parquet(tmp_path / "all.parquet", cells, row_group_size=group_rows, compression="none")
    dataset = load_dataset(tmp_path / "all.parquet")
    wanted = [0, 100, 101, 150, 200, 300, len(blobs) - 1]
    del cells
    before = pa.default_memory_pool().bytes_allocated()

    assert [blobs[i] for i in wanted] == [dataset[i].image for i in wanted]
    assert dataset[100].id == "all/100"
    assert pa.default_memory_pool().bytes_allocated() - before < KEPT_BYTES


def test_parquet_paths_beside_the_file(tmp_path, image, folder):
    """An image without bytes is in a file beside the table, never outside its folder."""
    path = folder("a.png")
    write_parquet(path / "t.parquet", [{"bytes": None, "path": name} for name in ("a.png", "b.png", "../c.png")])

    dataset = load_dataset(path, format="parquet")

    assert image(0) == dataset[0].image
    for row, message in ((1, "the image 'b.png' is not in"), (2, "is outside the dataset's folder")):
        with pytest.raises(DatasetError, match=rf"t.parquet row group 0 row {row}: .*{message}"):
            dataset[row].loaded()


def test_parquet_of_plain_bytes_and_own_names(tmp_path, image):
    """A column of bytes does; the columns' names are arguments."""
    table = pa.table({"scan": [image(0), None], "gist": ["A", "B"], "size": [1, 2]})
    pq.write_table(table, tmp_path / "t.parquet")

    dataset = load_dataset(tmp_path / "t.parquet", image="scan", text="gist")

    assert ("A", image(0), 1) == (dataset[0].target, dataset[0].image, dataset[0].tags["size"])
    with pytest.raises(DatasetError, match=r"row 1: the image is null"):
        dataset[1].loaded()


def test_parquet_that_cannot_be_used(tmp_path):
    """A damaged file, a column that holds no images, and files that differ are named."""
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(DatasetError, match=r"bad.parquet: not readable as Parquet"):
        load_dataset(tmp_path / "bad.parquet")
    pq.write_table(pa.table({"image": [1], "text": ["A"]}), tmp_path / "bad.parquet")
    with pytest.raises(DatasetError, match=r"image is 1; write the image's file name"):
        load_dataset(tmp_path / "bad.parquet")
    pq.write_table(pa.table({"image": [b""], "text": ["A"]}), tmp_path / "bad.parquet")
    pq.write_table(pa.table({"image": [b""], "text": ["A"], "more": [1]}), tmp_path / "other.parquet")
    with pytest.raises(DatasetError, match=r"other.parquet: its columns differ from those of .*bad.parquet"):
        load_dataset(tmp_path)


# ── LMDB ─────────────────────────────────────────────────────────────────────────────────────────────────────


def write_lmdb(path, records):
    with lmdb.open(str(path), map_size=2**20) as environment, environment.begin(write=True) as transaction:
        for key, value in records.items():
            transaction.put(key.encode(), value)


def test_lmdb(tmp_path, image, travelled):
    """Samples are counted from 1, and a copy in another process would read them too."""
    records = {"num-samples": b"3"}
    for number in (1, 2, 3):
        records |= {f"image-{number:09d}": image(number), f"label-{number:09d}": f"wörd{number}".encode()}
    write_lmdb(tmp_path / "mjsynth", records)

    dataset = load_dataset(tmp_path / "mjsynth")

    assert {f"{n:09d}": (f"wörd{n}", image(n)) for n in (1, 2, 3)} == contents(dataset)
    assert image(3) == travelled(dataset[2:])[0].image
    assert image(2) == load_dataset(tmp_path / "mjsynth" / "data.mdb")[1].image


def test_lmdb_with_holes(tmp_path, image):
    """A missing image and an unreadable label are rows skipped; a missing label is a missing label."""
    write_lmdb(
        tmp_path / "db",
        {
            "num-samples": b"3",
            "image-000000001": image(1),
            "label-000000002": b"b",
            "image-000000003": image(3),
            "label-000000003": b"\xff",
        },
    )

    dataset = load_dataset(tmp_path / "db", on_error="skip")

    assert {"000000001": (None, image(1))} == contents(dataset)
    assert list(dataset.skipped["line"]) == [2, 3]
    with pytest.raises(DatasetError, match=r"db sample 2: there is no image-000000002; add the image"):
        load_dataset(tmp_path / "db")


def test_lmdb_of_something_else(tmp_path):
    """A database without the agreed keys, or none at all, is named."""
    write_lmdb(tmp_path / "db", {"key": b"value"})
    with pytest.raises(DatasetError, match=r"num-samples is None where a number is needed"):
        load_dataset(tmp_path / "db")
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "data.mdb").write_bytes(b"x" * 100)
    with pytest.raises(DatasetError, match=r"torn: not readable as LMDB"):
        load_dataset(tmp_path / "torn")


# ── tar ──────────────────────────────────────────────────────────────────────────────────────────────────────


def write_tar(path, members, mode="w"):
    with tarfile.open(path, mode) as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def test_tar_shards(tmp_path, image, travelled):
    """Labels from .txt, .json and .cls; members in folders; images read from their places in two shards."""
    fields = {"text": "from json", "font": "serif", "size": 12}
    first = {
        "0001.png": image(1),
        "0001.txt": b"from text\n",
        "0002.json": json.dumps(fields).encode(),
        "0002.png": image(2),
        "sub/0003.jpg": image(3, format="JPEG"),
        "sub/0003.cls": b"7",
    }
    write_tar(tmp_path / "shard-0.tar", first)
    write_tar(tmp_path / "shard-1.tar", {"0004.png": image(4), "0004.json": b'{"font": "sans"}', "0004.txt": b"four"})

    dataset = load_dataset(tmp_path)

    assert {
        "0001.png": ("from text", image(1)),
        "0002.png": ("from json", image(2)),
        "sub/0003.jpg": ("7", image(3, format="JPEG")),
        "0004.png": ("four", image(4)),
    } == contents(dataset)
    assert [s.tags["font"] for s in dataset] == [None, "serif", None, "sans"]
    assert image(4) == travelled(dataset[3:])[0].image


def test_tar_headers_are_not_kept(tmp_path, image):
    """An index takes a few bytes a member, where the headers would take a kilobyte each."""
    n = 1000
    members = {f"{i:04d}.{end}": data for i in range(n) for end, data in (("png", image(1)), ("txt", b"label"))}
    write_tar(tmp_path / "all.tar", members)
    load_dataset(tmp_path / "all.tar")  # what is imported on first use is no part of the dataset

    tracemalloc.start()
    try:
        dataset = load_dataset(tmp_path / "all.tar")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(dataset) == n
    assert peak / n < 500


def test_tar_members_never_reach_the_disk(tmp_path, image):
    """A member that names a way out is an id like another; nothing is unpacked."""
    write_tar(tmp_path / "evil.tar", {"../../escape.png": image(1), "../../escape.txt": b"x"})

    assert {"../../escape.png": ("x", image(1))} == contents(load_dataset(tmp_path / "evil.tar"))
    assert [path.name for path in tmp_path.iterdir()] == ["evil.tar"]


def test_tar_samples_that_are_not_whole(tmp_path, image):
    """A label without image, a label that is no JSON, and a name seen before in another shard are skipped."""
    write_tar(tmp_path / "a.tar", {"1.txt": b"A", "2.png": image(2), "2.json": b"{", "3.png": image(3), "3.txt": b"C"})
    write_tar(tmp_path / "b.tar", {"3.png": image(4), "3.txt": b"D"})

    dataset = load_dataset(tmp_path, on_error="skip")

    assert {"3.png": ("C", image(3))} == contents(dataset)
    assert [(row.file.rpartition("/")[2], row.line) for row in dataset.skipped.itertuples()] == [
        ("a.tar", 1),
        ("a.tar", 2),
        ("b.tar", 1),
    ]
    with pytest.raises(DatasetError, match=r"a.tar member 1: '1' has no image; add one under the same stem"):
        load_dataset(tmp_path)
    (tmp_path / "a.tar").unlink()
    write_tar(tmp_path / "a.tar", {"3.png": image(3)})
    with pytest.raises(DatasetError, match=r"b.tar member 1: '3.png' was there before, in .*a.tar member 1"):
        load_dataset(tmp_path)


def test_tar_that_cannot_be_used(tmp_path, image):
    """A compressed, torn or shortened archive says so."""
    write_tar(tmp_path / "packed.tar", {"1.png": image(1), "1.txt": b"A"}, mode="w:gz")
    with pytest.raises(DatasetError, match=r"packed.tar: not readable as a plain tar archive .* unpack .gz first"):
        load_dataset(tmp_path / "packed.tar")
    write_tar(tmp_path / "whole.tar", {"1.txt": b"A", "1.png": image(1)})
    dataset = load_dataset(tmp_path / "whole.tar")
    (tmp_path / "whole.tar").write_bytes((tmp_path / "whole.tar").read_bytes()[:1600])
    with pytest.raises(DatasetError, match=r"whole.tar: ends within the image at byte 1536"):
        dataset[0].loaded()
