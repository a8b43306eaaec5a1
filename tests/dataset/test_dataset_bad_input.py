"""What bad input gets: an error with file, line and fix, or a row skipped and counted."""

import pytest

from toolkit._dataset import load_dataset
from toolkit.errors import DatasetError

HEADER = "file_name,text\na.png,A\n"

BAD_ROWS = {
    "missing image": ("b.png,B", r"the image 'b.png' is not in .*words; add the image or remove the row"),
    "id seen before": ("a.png,AA", r"'a.png' was there before, in line 2; keep one of them"),
    "no name": (",x", r"no image is named; write the image's file name"),
    "a folder": ("sub,x", r"'sub' is not a file; name an image file"),
    "absolute path": ("/etc/passwd,x", r"'/etc/passwd' is outside the dataset's folder"),
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
def test_a_bad_row_raises_with_file_line_and_fix(words, row, message):
    """The first bad row ends loading, named by file and line, with what to do."""
    (words / "metadata.csv").write_text(HEADER + row + "\n")

    with pytest.raises(DatasetError, match=r"metadata.csv line 3: .*" + message) as caught:
        load_dataset(words)

    assert 'skip such rows with on_error="skip"' in str(caught.value)


def test_bad_rows_are_left_out_and_counted(words):
    """With skip all good rows load, and each bad one is listed with its line and reason."""
    rows = [row for row, _ in BAD_ROWS.values()]
    (words / "metadata.csv").write_text(HEADER + "\n".join([*rows, "inside.png,I", "sub/d.png,D"]) + "\n")

    dataset = load_dataset(words, on_error="skip")

    assert {s.id: s.target for s in dataset} == {"a.png": "A", "inside.png": "I", "sub/d.png": "D"}
    assert len(BAD_ROWS) == len(dataset.skipped)
    assert {str(words / "metadata.csv")} == set(dataset.skipped["file"])
    assert set(range(3, 3 + len(BAD_ROWS))) == set(dataset.skipped["line"])
    assert dataset.skipped["problem"].str.len().gt(0).all()
    assert dataset.skipped["fix"].str.len().gt(0).all()


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

    with pytest.raises(DatasetError, match=r"all 2 rows were skipped, the first because the image 'x.png' is not in"):
        load_dataset(words, on_error="skip")
    (words / "metadata.csv").write_text("file_name,text\n")
    with pytest.raises(DatasetError, match=r"metadata.csv: it holds no row; add at least one"):
        load_dataset(words)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("metadata.csv", b"", "line 1: no header; begin with file_name,text"),
        ("metadata.csv", b"file_name,text,text\n", "line 1: the column 'text' is there twice"),
        ("metadata.csv", b"file_name,remark\n", "line 1: .*; name the columns with image=… and text=…"),
        (
            "metadata.csv",
            b'file_name,text\na.png,"A\n',
            "line 2: not readable as CSV, for a double quote is never closed",
        ),
        (
            "metadata.csv",
            "file_name,text\na.png,中文\n".encode("gb18030"),
            "line 2: byte 0xd6 at position 7 is not UTF-8",
        ),
        ("metadata.csv", b"file_name,text,font\na.png,A\n", "line 2: 2 fields where the header has 3"),
        ("metadata.csv", b"file_name,text,font\na.png,A,b,x\n", "line 2: 4 fields .* put double quotes around a label"),
        ("metadata.jsonl", b'{"file_name": "a.png", "text": "A"\n', "line 1: not JSON .* one JSON object a line"),
        ("metadata.jsonl", b'["a.png"]\n', "line 1: no JSON object; write"),
        (
            "metadata.jsonl",
            b'{"file_name": "a.png", "text": 7}\n',
            "line 1: the label is int 7 instead of text; put the",
        ),
        (
            "metadata.jsonl",
            b'{"file_name": 1, "text": "A"}\n',
            "line 1: (file_name is 1; write the image's file name|.*names images of this folder)",
        ),
        ("labels.json", b'{"a.png": "A",\n"c.png"}', "line 2: not JSON .*; correct it there"),
        ("gt.txt", b"a.png\n", "line 1: 'a.png' has no label after it"),
        ("labels.xlsx", b"PK no workbook", "not readable as an Excel workbook"),
    ],
)
def test_a_damaged_label_file_says_where(words, name, content, message):
    """What cannot be read is named by file and line."""
    (words / name).write_bytes(content)

    with pytest.raises(DatasetError, match=f"{name}.*{message}"):
        load_dataset(words / name)


def test_a_damaged_label_file_is_not_passed_over_for_file_names(words):
    """Names that could be labels do not stand in for a label file that cannot be used; saying names= chooses them."""
    for content in (b"", b"file_name,remark\n"):
        (words / "metadata.csv").write_bytes(content)
        with pytest.raises(DatasetError, match=r"metadata.csv may hold labels, but .* say names='{text}'"):
            load_dataset(words)

    assert {"a", "c", "d", "inside"} == {s.target for s in load_dataset(words, names="{text}")}


def test_a_tag_with_the_name_of_a_result_is_renamed(words):
    """A column that would overwrite a result's becomes another tag, with a warning."""
    (words / "metadata.csv").write_text("file_name,text,outcome\na.png,A,x\n")

    with pytest.warns(UserWarning, match=r"the column 'outcome' .* becomes the tag 'own_outcome'"):
        dataset = load_dataset(words)

    assert dataset[0].tags["own_outcome"] == "x"


def test_bad_quotes_cost_their_row_only(words):
    """With skip, reading goes on at the next line."""
    (words / "metadata.csv").write_text('file_name,text,font\na.png,"A" x,f\nc.png,C,f\n')

    dataset = load_dataset(words, on_error="skip")

    assert [(s.id, s.target) for s in dataset] == [("c.png", "C")]
    assert list(dataset.skipped["line"]) == [2]


def test_wrong_on_error(words):
    """A misspelt choice is told the two there are."""
    (words / "metadata.csv").write_text(HEADER)

    with pytest.raises(DatasetError, match='on_error=\'ignore\' is neither "raise" nor "skip"'):
        load_dataset(words, on_error="ignore")
