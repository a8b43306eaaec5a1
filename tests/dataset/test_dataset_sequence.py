"""A dataset as a sequence: its order, its parts, its tables and its identity."""

import hashlib
import json
import pickle
import random
import tracemalloc

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit._dataset import RESERVED_TAGS, Dataset, load_dataset
from toolkit._dataset.columns import Texts
from toolkit.errors import DatasetError
from toolkit.types import Attempt, Sample

FONTS = ("serif", "sans")


@pytest.fixture
def dataset(image):
    """Twenty samples with two tags, one of them missing for one sample."""
    return Dataset.from_samples(
        [
            Sample.from_bytes(image(i), f"w{i:02d}", id=f"s{i}", font=FONTS[i % 2], level=None if i == 3 else i % 4)
            for i in range(20)
        ],
        name="twenty",
    )


def ids(samples):
    return [sample.id for sample in samples]


def test_counts_from_both_ends(dataset):
    """Positions, negative positions and the end behave as a list's do."""
    assert [f"s{i}" for i in range(20)] == ids(dataset)
    assert dataset[-1].id == "s19"
    with pytest.raises(IndexError):
        dataset[20]


@pytest.mark.parametrize(
    "part", [slice(2, 9), slice(None, None, 3), slice(-4, None), slice(None, None, -1), slice(5, 5)]
)
def test_slices_as_a_list(dataset, part):
    """A slice is a dataset of the same samples that a list's slice has, and can be sliced again."""
    assert ids(list(dataset)[part]) == ids(dataset[part])
    assert ids(list(dataset)[part][1:3]) == ids(dataset[part][1:3])


def test_samples_carry_labels_images_and_tags(dataset, image):
    """A sample has its own tags, and its label's length and characters."""
    sample = dataset[3]

    assert ("s3", "w03", image(3)) == (sample.id, sample.target, sample.image)
    assert sample.tags == {"font": "sans", "level": None, "length": 3, "charset": "alphanumeric"}


def test_filter_by_tags_and_predicate(dataset):
    """Tag values, lists of them and a predicate narrow together."""
    expected = [s.id for s in dataset if s.tags["font"] == "sans" and s.tags["level"] in {1, 3}]

    assert expected == ids(dataset.filter(font="sans", level=[1, 3]))
    assert ids(dataset.filter(lambda s: s.target > "w10", font="sans")) == ["s11", "s13", "s15", "s17", "s19"]
    assert ids(dataset.filter(level=None)) == ["s3"]
    assert ids(dataset.filter(length=4)) == []


def test_filter_names_the_tags_there_are(dataset):
    """An unknown tag is an error that lists the known ones."""
    with pytest.raises(DatasetError, match=r"no tag is called 'fonts'; there are font, level, length, charset"):
        dataset.filter(fonts="sans")


def test_sample_is_seeded_and_ordered(dataset):
    """The same seed draws the same distinct samples, in the dataset's order."""
    drawn = ids(dataset.sample(7, seed=5))

    assert drawn == ids(dataset.sample(7, seed=5))
    assert drawn != ids(dataset.sample(7, seed=6))
    assert len(set(drawn)) == 7
    assert drawn == sorted(drawn, key=lambda name: int(name[1:]))
    with pytest.raises(DatasetError, match=r"cannot draw 21 of 20"):
        dataset.sample(21)


def test_split_shares_no_sample_and_loses_none(dataset):
    """The two parts together are the whole."""
    first, second = dataset.split(0.3, seed=1)

    assert (len(first), len(second)) == (6, 14)
    assert set(ids(dataset)) == set(ids(first)) | set(ids(second))
    assert ids(first) == ids(dataset.split(0.3, seed=1)[0])
    with pytest.raises(DatasetError, match=r"leaves a part empty"):
        dataset.split(0.01)


def test_finds_by_id(dataset):
    """Ids are found in the whole and in views, and only there."""
    view = dataset[5:10]

    assert view.find("s7").target == "w07"
    assert "s7" in view
    assert dataset[7] in view
    assert "s4" not in view
    with pytest.raises(DatasetError, match=r"no sample has the id 's4'; ids look like 's5'"):
        view.find("s4")


def test_frame_agrees_with_the_samples(dataset):
    """The frame holds what the samples say, with integers that stay integers beside missing values."""
    view = dataset[2:6]
    frame = view.frame

    assert list(frame) == ["id", "target", "font", "level", "length", "charset"]
    for row, sample in zip(frame.to_dict("records"), view, strict=True):
        seen = {name: None if pd.isna(value) else value for name, value in row.items()}
        assert {"id": sample.id, "target": sample.target, **sample.tags} == seen
    assert frame["level"].dtype == "Int64"
    assert dataset[4:].frame["level"].dtype == "int64"


def test_own_tag_called_length_is_kept(image):
    """A dataset's own `length` is not overwritten by the computed one."""
    dataset = Dataset.from_samples([Sample.from_bytes(image(), "abc", length="short")])

    assert dataset[0].tags["length"] == "short"
    assert list(dataset.frame["length"]) == ["short"]


@pytest.mark.parametrize(
    ("target", "length", "charset"),
    [
        ("0451", 4, "digits"),
        ("abc", 3, "lower"),
        ("ABC", 3, "upper"),
        ("aBc", 3, "letters"),
        ("a1", 2, "alphanumeric"),
        ("two words", 9, "lower"),
        ("$4.20", 5, "ascii"),
        ("cafe\u0301", 4, "unicode"),  # e and its accent are one character after NFC
        ("٣", 1, "unicode"),  # a digit, of another script
        ("", 0, "blank"),
        (None, None, None),
    ],
)
def test_computed_tags(image, target, length, charset):
    """Length counts code points after NFC; charset is the smallest class that holds the label."""
    tags = Dataset.from_samples([Sample.from_bytes(image(), target)])[0].tags

    assert (length, charset) == (tags["length"], tags["charset"])


def test_numbers_and_booleans_that_are_equal_stay_apart(image):
    """True, 1 and 1.0 are three tag values."""
    values = [True, 1, 1.0, None, float("nan")]
    samples = [Sample.from_bytes(image(), "a", id=str(i), v=value) for i, value in enumerate(values)]

    seen = [sample.tags["v"] for sample in Dataset.from_samples(samples)]

    assert seen == [True, 1, 1.0, None, None]
    assert [bool, int, float] == [type(value) for value in seen[:3]]


def test_fingerprint_is_what_its_docstring_says(dataset, image):
    """The fingerprint can be computed by hand from ids, labels and image bytes."""
    lines = [
        json.dumps([f"s{i}", f"w{i:02d}", hashlib.sha256(image(i)).hexdigest()]).encode() + b"\n" for i in range(20)
    ]

    assert hashlib.sha256(b"".join(lines)).hexdigest() == dataset.fingerprint
    assert hashlib.sha256(b"".join(lines[4:8])).hexdigest() == dataset[4:8].fingerprint
    assert [hashlib.sha256(image(i)).hexdigest() for i in range(4, 8)] == list(dataset[4:8].digests())


def test_fingerprint_sees_order_label_and_content_not_tags(image):
    """Each of order, label and image changes it; a tag does not."""

    def fingerprint(*samples):
        return Dataset.from_samples(samples).fingerprint

    a, b = Sample.from_bytes(image(1), "x", id="a"), Sample.from_bytes(image(2), "y", id="b")
    base = fingerprint(a, b)

    assert base != fingerprint(b, a)
    assert base != fingerprint(a, Sample.from_bytes(image(2), "Y", id="b"))
    assert base != fingerprint(a, Sample.from_bytes(image(3), "y", id="b"))
    assert base == fingerprint(a, Sample.from_bytes(image(2), "y", id="b", font="serif"))


def test_unreadable_image_does_not_stop_the_fingerprint(folder):
    """An image that vanished has no digest, and the rest is still identified."""
    path = folder("a.png", "b.png", metadata_csv="file_name,text\na.png,A\nb.png,B\n")
    dataset = load_dataset(path)
    (path / "a.png").unlink()

    digests = list(dataset.digests())

    assert [None, hashlib.sha256((path / "b.png").read_bytes()).hexdigest()] == digests
    with pytest.raises(DatasetError, match=r"a.png: the image cannot be read"):
        dataset[0].loaded()


def test_pickles_with_its_own_rows_only(dataset, travelled):
    """A view arrives whole, and does not bring along the rest."""
    view = dataset.filter(font="sans")[2:4]
    view.find("s5")  # the index of ids is by hashes that another process would not share

    arrived = travelled(view)

    assert list(view) == list(arrived)
    assert view.fingerprint == arrived.fingerprint
    assert len(pickle.dumps(view)) < len(pickle.dumps(dataset))
    assert arrived.find("s5").target == "w05"


def test_reserved_tags_are_refused(image):
    """A tag may not have the name of a result's column."""
    assert set(Attempt.__struct_fields__) <= RESERVED_TAGS
    with pytest.raises(DatasetError, match=r"the tag 'latency_s' has the name of a result's column; rename it"):
        Dataset.from_samples([Sample.from_bytes(image(), "a", latency_s=1)])


def test_a_tag_must_be_a_plain_value(image):
    """A list cannot be grouped by, so it is no tag."""
    with pytest.raises(DatasetError, match=r"sample 0: the tag 'box' holds a list; use text, a number"):
        Dataset.from_samples([Sample.from_bytes(image(), "a", box=[1, 2])])


def test_repr_says_how_many_and_which_tags(dataset):
    """One line tells name, size and tags."""
    assert repr(dataset) == "<Dataset 'twenty': 20 samples; labels from the samples; tags font, level, length, charset>"


def test_labels_take_little_memory(tmp_path, image):
    """A hundred thousand samples stay far under 60 MiB: here a fiftieth of them, in bytes a row."""
    n = 2_000
    (tmp_path / "first.png").write_bytes(image())
    rows = random.Random(1)
    with (tmp_path / "metadata.csv").open("w") as file:
        file.write("file_name,text,font,level\n")
        for i in range(n):
            (tmp_path / f"word_{i:06d}.png").hardlink_to(tmp_path / "first.png")
            file.write(f"word_{i:06d}.png,{rows.getrandbits(40):010x},font{i % 7},{i % 4}\n")
    load_dataset(tmp_path)  # what is imported on first use is no part of the dataset
    tracemalloc.start()
    try:
        dataset = load_dataset(tmp_path)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert n == len(dataset)
    assert held / n < 60 * 2**20 / 100_000 / 2
    assert peak / n < 60 * 2**20 / 100_000


def test_ids_and_targets_without_samples(dataset):
    """Ids and labels come in order, in the whole and in a view."""
    view = dataset[4:8]

    assert [s.id for s in view] == list(view.ids)
    assert [s.target for s in view] == list(view.targets)
    assert dataset.ids[19] == "s19"


@given(st.lists(st.none() | st.text(st.characters(codec=None))))
def test_texts_give_back_what_they_were_given(texts):
    """Any text survives the packed column, also half a surrogate pair; the empty one is not a missing one."""
    column = Texts(texts)

    assert list(column) == texts
    assert list(column[::-1]) == texts[::-1]
