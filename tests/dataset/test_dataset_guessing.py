"""Which format a path holds, and what is said when that is open."""

import pytest

from toolkit._dataset import load_dataset
from toolkit._dataset.loading import FORMATS
from toolkit.errors import DatasetError


def test_two_label_files_ask_which(folder):
    """Where two formats fit, both are named, and naming one settles it."""
    path = folder("a.png", metadata_csv="file_name,text\na.png,meta\n", gt_txt='a.png, "truth"\n')

    with pytest.raises(DatasetError, match=r"may be metadata.csv or icdar; say which with format='metadata.csv'"):
        load_dataset(path)

    assert load_dataset(path, format="metadata.csv")[0].target == "meta"
    assert load_dataset(path, format="icdar")[0].target == "truth"
    assert load_dataset(path, format="file-names")[0].target == "a"
    assert load_dataset(path / "metadata.csv")[0].target == "meta"


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


def test_folder_of_datasets(folder):
    """A folder one too high is pointed further down."""
    path = folder("train/a.png", "test/b.png")

    with pytest.raises(DatasetError, match=r"no labels and no images directly in it; did you mean .*words/test\?"):
        load_dataset(path)


def test_path_that_is_not_there(tmp_path):
    """A wrong path says from where it was looked for."""
    with pytest.raises(DatasetError, match=r"none: there is no such file or folder \(looked from "):
        load_dataset(tmp_path / "none")


def test_unknown_kind_of_file(folder):
    """A single image is no dataset."""
    with pytest.raises(DatasetError, match=r"a.png: not a kind of file that is known; say format="):
        load_dataset(folder("a.png") / "a.png")


def test_unknown_or_wrong_format(folder):
    """A format that is unknown, or is not what is there, is an error of its own."""
    path = folder("a.png")

    with pytest.raises(DatasetError, match=f"format='coco' is not known; there are {', '.join(FORMATS)}"):
        load_dataset(path, format="coco")
    with pytest.raises(DatasetError, match=r"holds nothing of the format 'icdar'"):
        load_dataset(path, format="icdar")


def test_an_argument_the_format_cannot_use(folder):
    """An argument without a meaning is refused, not passed over."""
    path = folder("a.png", gt_txt='a.png, "A"\n')

    with pytest.raises(DatasetError, match=r"text='words' means nothing to the format 'icdar'"):
        load_dataset(path, text="words")
    with pytest.raises(DatasetError, match=r"name_pattern='x' means nothing to the format 'icdar'"):
        load_dataset(path, format="icdar", name_pattern="x")
