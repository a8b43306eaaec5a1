"""What bad input gets: an error with file, line and cure, or a row left out and counted."""

import pytest

from toolkit._dataset import load_dataset
from toolkit._dataset.formats.base import numbered_lines
from toolkit.errors import DatasetError

HEADER = "file_name,text\na.png,A\n"

BAD_ROWS = {
    "missing image": ("b.png,B", r"the image 'b.png' is not in .*words; add the image or remove the row"),
    "label with a line break": (
        'c.png,"two\nlines"',
        r"the label 'two\\nlines' holds a line break; write it as a single",
    ),
    "id seen before": ("a.png,AA", r"'a.png' was there before, in line 2; keep one of them"),
    "too many fields": ("c.png,x,y", r"3 fields where the header has 2; put double quotes around a label"),
    "no name": (",x", r"no image is named; write the image's file name"),
    "a folder": ("sub,x", r"'sub' is not a file; name an image file"),
    "parent folder": ("../words/c.png,x", r"'../words/c.png' is outside the dataset's folder"),
    "absolute path": ("/etc/passwd,x", r"'/etc/passwd' is outside the dataset's folder"),
    "windows drive": (r"C:\c.png,x", r"is outside the dataset's folder"),
    "symlink out": ("out.png,x", r"'out.png' is outside the dataset's folder .* copy it into the folder"),
    "symlinked folder out": ("outside/far.png,x", r"'outside/far.png' is outside the dataset's folder"),
}


@pytest.fixture
def words(folder):
    """A folder with two images, a folder, and two ways out."""
    folder("far.png", name="elsewhere")
    path = folder("a.png", "c.png", "sub/d.png")
    (path / "out.png").symlink_to(path.parent / "elsewhere" / "far.png")
    (path / "outside").symlink_to(path.parent / "elsewhere")
    (path / "inside.png").symlink_to(path / "c.png")
    return path


@pytest.mark.parametrize(("row", "message"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_raises_with_file_line_and_cure(words, row, message):
    """The first bad row ends loading, named by file and line, with what to do."""
    (words / "metadata.csv").write_text(HEADER + row + "\n")

    with pytest.raises(DatasetError, match=r"metadata.csv line 3: .*" + message) as caught:
        load_dataset(words)

    assert 'leave such rows out with on_error="skip"' in str(caught.value)


def test_bad_rows_are_left_out_and_counted(words):
    """With skip all good rows load, and each bad one is listed with its line and reason."""
    rows = [row for row, _ in BAD_ROWS.values()]
    (words / "metadata.csv").write_text(HEADER + "\n".join([*rows, "inside.png,I", "sub/d.png,D"]) + "\n")

    dataset = load_dataset(words, on_error="skip")

    assert {s.id: s.target for s in dataset} == {"a.png": "A", "inside.png": "I", "sub/d.png": "D"}
    assert len(BAD_ROWS) == len(dataset.skipped)
    assert {str(words / "metadata.csv")} == set(dataset.skipped["file"])
    # the label with a line break takes two lines, so that those after it stand one further down
    assert {3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14} == set(dataset.skipped["line"])
    assert dataset.skipped["problem"].str.len().gt(0).all()
    assert dataset.skipped["cure"].str.len().gt(0).all()


def test_bad_json_lines_are_left_out_too(words):
    """A line that is no JSON costs that line, not the rest."""
    lines = [
        "{",
        "[]",
        '{"file_name": "a.png", "text": "A"}',
        '{"file_name": "a.png"',
        '{"file_name": "c.png", "text": 1}',
    ]
    (words / "metadata.jsonl").write_text("\n".join(lines))

    dataset = load_dataset(words, on_error="skip")

    assert [(s.id, s.target) for s in dataset] == [("a.png", "A")]
    assert list(dataset.skipped["line"]) == [1, 2, 4, 5]


def test_nothing_left_is_an_error(words):
    """A dataset of no row is none, and the first reason is given."""
    (words / "metadata.csv").write_text("file_name,text\nx.png,X\ny.png,Y\n")

    with pytest.raises(DatasetError, match=r"all 2 rows were left out, the first because the image 'x.png' is not in"):
        load_dataset(words, on_error="skip")
    (words / "metadata.csv").write_text("file_name,text\n")
    with pytest.raises(DatasetError, match=r"metadata.csv: it holds no row; add at least one"):
        load_dataset(words)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("metadata.csv", b"", "line 1: no header; begin with file_name,text"),
        ("metadata.csv", b"file_name,text,text\n", "line 1: the column 'text' is there twice"),
        ("metadata.csv", b"file_name,caption\n", "line 1: no text column among file_name, caption; call it 'text'"),
        ("metadata.csv", b'file_name,text\na.png,"A\n', "line 2: not readable as CSV .* never closed"),
        ("metadata.csv", "file_name,text\na.png,é\n".encode("latin-1"), "line 2: byte 0xe9 at position 7 is not UTF-8"),
        ("metadata.csv", b"file_name,text,outcome\na.png,A,x\n", "the tag 'outcome' has the name of a result's column"),
        ("metadata.jsonl", b'{"file_name": "a.png", "text": "A"\n', "line 1: not JSON .* one JSON object a line"),
        ("metadata.jsonl", b'["a.png"]\n', "line 1: no JSON object; write"),
        (
            "metadata.jsonl",
            b'{"file_name": "a.png", "text": 7}\n',
            "line 1: the label is int 7 instead of text; put the",
        ),
        ("metadata.jsonl", b'{"file_name": 1, "text": "A"}\n', "line 1: file_name is 1; write the image's file name"),
        ("gt.txt", b"a.png\n", "line 1: 'a.png' is no image and label; write word_1.png"),
        ("labels.txt", b"a.png\n", "line 1: 'a.png' has no label after it; write name.jpg text"),
    ],
)
def test_a_damaged_label_file_says_where(words, name, content, message):
    """What cannot be read is named by file and line."""
    (words / name).write_bytes(content)

    with pytest.raises(DatasetError, match=f"{name}.*{message}"):
        load_dataset(words)


def test_a_label_file_that_cannot_be_opened(words):
    """What the system says of a file is passed on with its name."""
    with pytest.raises(DatasetError, match=r"words: cannot be read .Is a directory"):
        list(numbered_lines(words))


def test_wrong_on_error(words):
    """A misspelt choice is told the two there are."""
    (words / "metadata.csv").write_text(HEADER)

    with pytest.raises(DatasetError, match='on_error=\'ignore\' is neither "raise" nor "skip"'):
        load_dataset(words, on_error="ignore")
