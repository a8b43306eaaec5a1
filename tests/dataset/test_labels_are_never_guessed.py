"""Labels are read right, or asked for: shapes of each kind, shapes that must be refused, and random ones."""

import csv
import io
import json
import re
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from toolkit._dataset import load_dataset
from toolkit.errors import DatasetError

WORDS = ["7x2k", "m4pq", "h9wd", "Tz83", "kR5n", "v2cb"]


def targets(path, **options):
    return [sample.target for sample in load_dataset(path, **options)]


def named(path, names):
    """Empty files of these names: which label a name gives is decided without looking at the image."""
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(b"")
    return path


@pytest.mark.parametrize(
    "name",
    [
        "{word}_{n}.png",
        "{n:05d}-{word}.png",
        "captcha_{word}.png",
        "{word} (1).png",
        "{word}__blue_{n:04d}.png",
        "{word}_num{n}.png",
        "{word}_20240{n}01_12000{n}.jpg",
        "{word}_9f3c{n}a7b2d5.png",
        "3f2a9c1{n}_{word}.png",
    ],
)
def test_what_names_share_is_no_part_of_the_label(tmp_path, name):
    """Counters, hashes, times, copies and words that all names have are left away."""
    named(tmp_path, [name.format(word=word, n=n) for n, word in enumerate(WORDS, 1)])

    assert sorted(WORDS) == sorted(targets(tmp_path))


@pytest.mark.parametrize(
    "names",
    [
        ["1.png", "2.png", "4.png", "5.png"],
        ["00012.png", "00345.png", "00777.png", "00901.png", "00030.png"],
        ["IMG_1234.jpg", "IMG_1240.jpg", "IMG_2001.jpg"],
        ["Screenshot 2024-01-01 at 10.00.00.png", "Screenshot 2024-01-02 at 11.00.00.png"],
        ["Cage1.jpg", "Cage2.jpg", "Cage3.jpg", "demo1.png", "demo2.png", "logo.png"],
        ["AB-123.png", "CD-407.png", "EF-001.png"],
        ["ab_cd.png", "ef_gh.png", "ij_kl.png"],
        ["serif_0412.png", "sans_9917.png", "mono_3350.png"],
        ["15a.png", "1_2_0.png", "1_2_8.png", "image_7.png"],
        ["cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png"],
    ],
)
def test_names_that_allow_no_single_reading_are_asked_about(tmp_path, names):
    """Each is refused, with an argument that can be typed."""
    with pytest.raises(DatasetError, match=r"names='"):
        load_dataset(named(tmp_path, names))


def test_a_folder_of_classes_names_the_argument_that_makes_the_folder_the_label(tmp_path):
    """The template in the message gives the folders' names."""
    named(tmp_path, ["cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png"])

    with pytest.raises(DatasetError, match=r"names='\{text\}/\{_\}' \(cat/1.png → 'cat'"):
        load_dataset(tmp_path)
    assert targets(tmp_path, names="{text}/{_}") == ["cat", "cat", "dog", "dog"]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("Labels.CSV", 'sep=;\nImage Name;Captcha Text\na.png;"x;y"\nb.png;B\n'),
        ("val.tsv", "path\ttranscription\na.png\tx;y\nb.png\tB\n"),
        ("rec_gt_val.txt", "a.png\tx;y\nb.png\tB\n"),
        ("gt.txt", "a.png|x;y\nb.png|B\n"),
        ("labels.txt", "a.png: x;y\nb.png: B\n"),
        ("captions.jsonl", '{"img": "a.png", "caption": "x;y"}\n{"img": "b.png", "caption": "B"}\n'),
        ("annotations.json", '{"data": [["a.png", "x;y"], ["b.png", "B"]]}'),
        ("anything.csv", "x;y,a.png\nB,b.png\n"),
    ],
)
def test_tables_of_any_usual_name_and_separator(tmp_path, file, text):
    """The column whose values are images and the one that is text are found."""
    named(tmp_path, ["a.png", "b.png"])
    (tmp_path / file).write_text(text)

    assert targets(tmp_path) == ["x;y", "B"]


def test_cp1252_is_said_and_other_encodings_are_asked_for(tmp_path):
    """Single accents are western; runs of bytes are something else, until it is named."""
    named(tmp_path, ["a.png"])
    (tmp_path / "labels.csv").write_bytes("filename,label\na.png,café\n".encode("cp1252"))
    dataset = load_dataset(tmp_path)
    assert (dataset[0].target, "cp1252" in dataset.labels_from) == ("café", True)

    (tmp_path / "labels.csv").write_bytes("filename,label\na.png,验证码\n".encode("gb18030"))
    with pytest.raises(DatasetError, match=r"name its encoding"):
        load_dataset(tmp_path)
    assert targets(tmp_path, encoding="gb18030") == ["验证码"]


def test_an_engines_answers_are_not_taken_for_labels(tmp_path):
    """A table that may be predictions is named, and taken only when it is pointed at."""
    named(tmp_path, ["1.png", "2.png"])
    (tmp_path / "predictions.csv").write_text("image,text\n1.png,A\n2.png,B\n")

    with pytest.raises(DatasetError, match=r"point at predictions.csv if it holds the labels \(1.png → 'A'"):
        load_dataset(tmp_path)
    assert targets(tmp_path / "predictions.csv") == ["A", "B"]


def test_a_test_image_that_is_missing_is_not_the_train_image_of_that_name(tmp_path):
    """A path to another split is no path to this one."""
    named(tmp_path, ["train/1.png", "train/2.png"])
    (tmp_path / "labels.csv").write_text("filename,label\ntrain/1.png,A\ntest/2.png,B\n")

    with pytest.raises(DatasetError, match=r"line 3: the image 'test/2.png' is not in"):
        load_dataset(tmp_path)


def test_sidecars_that_are_boxes_or_lists_are_no_labels(tmp_path):
    """Places of objects and lists of words are not the text of an image."""
    named(tmp_path, ["1.png", "2.png"])
    for content in ("0 0.5 0.5 0.1 0.2\n", '["two", "words"]'):
        for stem in "12":
            (tmp_path / f"{stem}.txt").write_text(content)
        with pytest.raises(DatasetError, match=r"the labels are not known"):
            load_dataset(tmp_path)


def test_an_empty_label_on_purpose(tmp_path):
    """Quoted it is a label; bare it is missing, unless the caller says what it means."""
    named(tmp_path, ["1.png", "2.png"])
    (tmp_path / "labels.csv").write_text('filename,label\n1.png,""\n2.png,\n')

    assert targets(tmp_path) == ["", None]
    assert targets(tmp_path, empty="nothing to read") == ["", ""]
    with pytest.raises(DatasetError, match=r"empty='none' must be 'nothing to read'"):
        load_dataset(tmp_path, empty="none")


def test_damaged_containers_are_errors_of_the_dataset(tmp_path):
    """What is no archive is said in our words."""
    for name in ("x.zip", "x.tar.gz", "x.tgz"):
        (tmp_path / name).write_bytes(b"PK\x03\x04 no more")
        with pytest.raises(DatasetError, match=rf"{name}: not readable as"):
            load_dataset(tmp_path / name)


def test_a_table_within_a_zip(tmp_path):
    """An archive is read as a folder is, and junk within it is nothing."""
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("set/labels.csv", "filename,label\nimages/1.png,A\n")
        archive.writestr("set/images/1.png", b"picture")
        archive.writestr("__MACOSX/set/images/._1.png", b"junk")

    dataset = load_dataset(tmp_path / "set.zip")

    assert [(s.id, s.target, s.image) for s in dataset] == [("set/images/1.png", "A", b"picture")]


def test_ids_and_fingerprints_do_not_depend_on_where_the_folder_lies(tmp_path):
    """The same folder at two places is the same dataset."""
    fingerprints = set()
    for place in ("here", "far/away"):
        path = named(tmp_path / place, [f"images/{word}_0.png" for word in WORDS])
        fingerprints.add(load_dataset(path).fingerprint)

    assert len(fingerprints) == 1


# ── random labels, schemes and tables ────────────────────────────────────────────────────────────────────────

LABELS = st.lists(
    st.text("abcdefgHKMPQ0123456789-._ ", min_size=1, max_size=8).filter(lambda t: t == t.strip(" .") != ""),
    min_size=3,
    max_size=8,
    unique_by=str.casefold,
)
SCHEMES = st.sampled_from(
    [
        "{label}",
        "{label}_{n}",
        "{label}-{n}",
        "{n:04d}_{label}",
        "{label}_{time}",
        "{label}_{hash}",
        "{hash}",
        "{n}",
        "word_{n:03d}_{label}",
        "{n}_{label}_{time}",
        "IMG_{n:04d}",
    ]
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(LABELS, SCHEMES, st.integers(0, 3))
def test_random_names_give_the_labels_or_are_refused(labels, scheme, first):
    """Whatever the labels and the scheme, loading never gives other labels."""
    assume(not any("_" in label for label in labels) or scheme == "{label}")
    # `name_17` beside `name` is a copy of it: that is the documented reading of such names
    assume(not any(re.fullmatch(re.escape(one) + r"[_.-]\d+", other) for one in labels for other in labels))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        for n, label in enumerate(labels, first):
            name = scheme.format(label=label, n=n, time=1539936857 + 37 * n, hash=f"{7919**9 * (n + 1):032x}")
            (path / f"{name}.png").write_bytes(b"")
        assume(len(list(path.iterdir())) == len(labels))
        try:
            found = [sample.target for sample in load_dataset(path)]
        except DatasetError:
            return
    assert sorted(labels) == sorted(found)


TABLE_LABELS = st.lists(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=10).filter(
        lambda t: t == t.strip() and t.isprintable()
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    TABLE_LABELS,
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from([("filename", "label"), ("Image Name", "TEXT"), None]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["labels.csv", "train.txt", "gt.tsv"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_random_tables_give_the_labels_or_are_refused(labels, separator, header, quoting, name, encoding, end):
    """Whatever a CSV writer makes of random labels, reading gives them back or asks."""
    names = [f"p{n}.png" for n in range(len(labels))]
    written = io.StringIO()
    writer = csv.writer(written, delimiter=separator, quoting=quoting, lineterminator=end)
    if header:
        writer.writerow(header)
    writer.writerows(zip(names, labels, strict=True))
    # a text file is read literally where not all of it stands in quotes: a quote within is then the writer's word
    assume(quoting == csv.QUOTE_ALL or not (name.endswith(".txt") and '"' in written.getvalue()))
    with tempfile.TemporaryDirectory() as folder:
        path = named(Path(folder), names)
        (path / name).write_bytes(written.getvalue().encode(encoding))
        try:
            found = [sample.target for sample in load_dataset(path)]
        except DatasetError:
            return
    assert labels == found


@settings(max_examples=50, deadline=None, derandomize=True)
@given(TABLE_LABELS)
def test_random_json_gives_the_labels(labels):
    """JSON says what it says."""
    with tempfile.TemporaryDirectory() as folder:
        path = named(Path(folder), [f"p{n}.png" for n in range(len(labels))])
        (path / "labels.json").write_text(json.dumps({f"p{n}.png": label for n, label in enumerate(labels)}))
        assert labels == targets(path)
