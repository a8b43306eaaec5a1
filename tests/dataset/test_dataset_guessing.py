"""Which format a path holds, and what is said when that is open."""

import pytest

from toolkit._dataset import load_dataset
from toolkit._dataset.loading import FORMATS
from toolkit.errors import DatasetError


def test_two_label_files_that_differ_ask_which(folder):
    """Where two files say different things, both are shown with examples, and pointing at one settles it."""
    path = folder("a.png", metadata_csv="file_name,text\na.png,meta\n", gt_txt='a.png, "truth"\n')

    with pytest.raises(DatasetError, match=r"two ways that differ.*a.png → 'truth'.*a.png → 'meta'"):
        load_dataset(path)

    assert load_dataset(path, format="file-names")[0].target == "a"
    assert load_dataset(path / "metadata.csv")[0].target == "meta"
    assert load_dataset(path / "gt.txt")[0].target == "truth"


def test_two_label_files_that_agree_are_one(folder):
    """The same labels twice are no question."""
    path = folder("a.png", metadata_csv="file_name,text\na.png,A\n", gt_txt="a.png, A\n")

    assert [(s.id, s.target) for s in load_dataset(path)] == [("a.png", "A")]


def test_label_files_go_before_file_names(folder):
    """Images beside a label file are not taken for labels."""
    assert load_dataset(folder("other.png", labels_csv="file,label\nother.png,A\n"))[0].target == "A"


def test_any_csv_or_jsonl_may_be_named_itself(folder):
    """A label file of another name is loaded by its path."""
    path = folder("a.png", train_csv="file_name,text\na.png,A\n", test_jsonl='{"file_name": "a.png", "text": "B"}\n')

    assert load_dataset(path / "train.csv")[0].target == "A"
    assert load_dataset(str(path / "test.jsonl"))[0].target == "B"


def test_empty_folder(folder):
    """An empty folder is told what a dataset needs."""
    with pytest.raises(DatasetError, match=r"no labels and no images in it; it needs images and, say, a metadata.csv"):
        load_dataset(folder())


def test_folder_of_splits(folder):
    """Folders of splits are one dataset with a tag, and names that are equal in two of them are two samples."""
    path = folder("train/a7.png", "test/b3.png", "test/a7.png")

    dataset = load_dataset(path)

    assert {(s.id, s.target, s.tags["split"]) for s in dataset} == {
        ("train/a7.png", "a7", "train"),
        ("test/b3.png", "b3", "test"),
        ("test/a7.png", "a7", "test"),
    }


def test_path_that_is_not_there(tmp_path):
    """A wrong path says from where it was looked for."""
    with pytest.raises(DatasetError, match=r"none: there is no such file or folder \(looked from "):
        load_dataset(tmp_path / "none")


def test_unknown_kind_of_file(folder):
    """A single image is no dataset."""
    with pytest.raises(DatasetError, match=r"a.png: not a kind of file that is known; give a folder"):
        load_dataset(folder("a.png") / "a.png")


def test_unknown_or_wrong_format(folder):
    """A format that is unknown, or is not what is there, is an error of its own."""
    path = folder("a.png")

    with pytest.raises(DatasetError, match=f"format='coco' is not known; there are {', '.join(FORMATS)}"):
        load_dataset(path, format="coco")
    with pytest.raises(DatasetError, match=r"holds nothing of the format 'lmdb'"):
        load_dataset(path, format="lmdb")
    with pytest.raises(DatasetError, match=r"holds no table of labels"):
        load_dataset(path, format="table")
    with pytest.raises(DatasetError, match=r"has no text file beside each image"):
        load_dataset(path, format="sidecars")


def test_arguments_without_a_meaning(folder):
    """A column that is not there, and a template for a label file, are refused."""
    path = folder("a.png", gt_txt='a.png, "A"\n')

    with pytest.raises(DatasetError, match=r"no column is called 'words'; there are column 1, column 2"):
        load_dataset(path, text="words")
    with pytest.raises(DatasetError, match=r"names='{text}' means nothing to a label file"):
        load_dataset(path / "gt.txt", names="{text}")
