"""Formats with a label file beside the images, and labels in file names."""

import json

import pytest

from toolkit._dataset import load_dataset
from toolkit.errors import DatasetError


def labels(dataset):
    return {sample.id: sample.target for sample in dataset}


def test_metadata_csv(folder):
    """File names, labels as written, and further columns as tags, numbers among them."""
    text = 'file_name,text,font,level,code\na.png,007,serif,2,007\nsub/b.png,"x, ""y""",,10,012\nc.png,,sans,3,010\n'
    path = folder("a.png", "sub/b.png", "c.png", metadata_csv=text)

    dataset = load_dataset(path)

    assert labels(dataset) == {"a.png": "007", "sub/b.png": 'x, "y"', "c.png": None}
    assert (path / "sub/b.png").read_bytes() == dataset[1].image
    assert [s.tags["font"] for s in dataset] == ["serif", None, "sans"]
    assert [s.tags["level"] for s in dataset] == [2, 10, 3]
    assert [s.tags["code"] for s in dataset] == ["007", "012", "010"]  # a leading zero says that it is no number
    assert dataset.name == "words"


@pytest.mark.parametrize("words", ["NA", "null", "None", "nan", "1e5", "two  ", "#N/A", "=1+1", "日本語"])
def test_labels_are_never_interpreted(folder, words):
    """What a spreadsheet would make a number, a date or nothing of stays as it is."""
    path = folder("a.png", metadata_csv=f"file_name,text\na.png,{words}\n")

    assert words == load_dataset(path)[0].target


def test_metadata_jsonl(folder):
    """One object a line; null is no label, "" is an empty one, and fields may be missing."""
    rows = [
        {"file_name": "a.png", "text": "A", "level": 1},
        {"file_name": "b.png", "text": None, "bold": True},
        {"file_name": "c.png", "text": ""},
        {"file_name": "d.png", "level": 4},
    ]
    path = folder("a.png", "b.png", "c.png", "d.png", metadata_jsonl="\n".join(map(json.dumps, rows)) + "\n\n")

    dataset = load_dataset(path)

    assert labels(dataset) == {"a.png": "A", "b.png": None, "c.png": "", "d.png": None}
    assert [s.tags["level"] for s in dataset] == [1, None, None, 4]
    assert [s.tags["bold"] for s in dataset] == [None, True, None, None]


@pytest.mark.parametrize(
    "text",
    [
        "filename,words\na.png,A\n",
        "\ufefffile_name,text\r\na.png,A\r\n",  # as Windows writes it
        "file;label\na.png;A\n",
        "image\ttext\na.png\tA\n",
        "text,path\n\nA,a.png",
    ],
)
def test_labels_csv_in_its_usual_shapes(folder, text):
    """Usual column names and separators are known, in any order."""
    assert labels(load_dataset(folder("a.png", labels_csv=text))) == {"a.png": "A"}


def test_unusual_columns_are_named_by_arguments(folder):
    """`image` and `text` name the columns; `tags` says which others to keep."""
    text = "scan,gist,font,outcome\na.png,A,serif,x\n"
    path = folder("a.png", labels_csv=text)

    dataset = load_dataset(path, image="scan", text="gist", tags=["font"])

    assert labels(dataset) == {"a.png": "A"}
    assert dataset.tags == ("font", "length", "charset")
    with pytest.raises(DatasetError, match=r"labels.csv.*say text='gist': a.png → 'A'; text='outcome': a.png → 'x'"):
        load_dataset(path)
    with pytest.raises(DatasetError, match=r"no column is called 'picture'; there are scan"):
        load_dataset(path, image="picture")


def test_icdar(folder):
    """Quotes, commas, escaped quotes, a byte order mark and bare labels, as the challenges have them."""
    text = '\ufeffword_1.png, "Tiredness"\r\nword_2.png, "kills, \\"A\\""\nword_3.png,bare text\nword_4.png, "\\""\n\n'
    path = folder("word_1.png", "word_2.png", "word_3.png", "word_4.png", gt_txt=text)

    expected = {"word_1.png": "Tiredness", "word_2.png": 'kills, "A"', "word_3.png": "bare text", "word_4.png": '"'}
    assert expected == labels(load_dataset(path))
    assert expected == labels(load_dataset(path / "gt.txt"))


def test_trdg(folder):
    """All after the first blank is the label, with its commas and blanks."""
    path = folder("0.jpg", "1.jpg", labels_txt="0.jpg two words\n1.jpg a, b  \n")

    assert labels(load_dataset(path)) == {"0.jpg": "two words", "1.jpg": "a, b  "}
    assert labels(load_dataset(path / "labels.txt")) == {"0.jpg": "two words", "1.jpg": "a, b  "}


def test_labels_in_file_names(folder):
    """The label is the name, less an underscore and number at its end."""
    path = folder("abc123.png", "abc123_17.png", "x_y.png", "Hi.there.jpg", "notes.txt", ".hidden.png")

    expected = {"Hi.there.jpg": "Hi.there", "abc123.png": "abc123", "abc123_17.png": "abc123", "x_y.png": "x_y"}
    assert expected == labels(load_dataset(path))


def test_file_names_replaces_the_rule(folder):
    """The group `text` is the label; other groups become tags."""
    path = folder("serif-3-abc.png", "sans-12-de.png")

    dataset = load_dataset(path, names=r"(?P<font>[a-z]+)-(?P<size>\d+)-(?P<text>.+)")

    assert labels(dataset) == {"serif-3-abc.png": "abc", "sans-12-de.png": "de"}
    assert [(s.tags["font"], s.tags["size"]) for s in dataset] == [("sans", 12), ("serif", 3)]


def test_the_fix_in_a_message_works(folder):
    """Names that can be read in several ways are shown with the template of each, and each template reads so."""
    path = folder("ab_cd.png", "ef_gh.png", "ij_kl.png", name="pairs")

    with pytest.raises(DatasetError, match=r"names can be read in several ways") as caught:
        load_dataset(path)

    for template, expected in (("{text}_{_}", "ab"), ("{_}_{text}", "cd"), ("{text}", "ab_cd")):
        assert f"names={template!r}: 'ab_cd' → {expected!r}" in str(caught.value)
        assert load_dataset(path, names=template)[0].target == expected


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(?P<text>", "is not a regular expression"),
        ("[a-z]+", r"does not say which part is the label"),
        (r"\d(?P<text>.)", "does not fit"),
    ],
)
def test_unusable_file_names(folder, pattern, message):
    """A pattern that cannot give a label says why."""
    with pytest.raises(DatasetError, match=message):
        load_dataset(folder("abc.png"), names=pattern)
