"""Datasets from a DataFrame and from samples."""

import numpy as np
import pandas as pd
import pytest

from toolkit._dataset import Dataset
from toolkit.errors import DatasetError
from toolkit.types import Sample


def test_frame_of_bytes_paths_and_structs(image, folder):
    """Each cell may hold the image or say where it is; other columns are tags in Python's own types."""
    path = folder("a.png") / "a.png"
    frame = pd.DataFrame(
        {
            "image": [image(1), path, {"bytes": image(2), "path": None}, {"bytes": None, "path": str(path)}],
            "text": ["A", "B", None, "D"],
            "level": np.array([1, 2, 3, 4], dtype=np.int16),
            "font": pd.Categorical(["serif", None, "sans", "sans"]),
        },
        index=["w", "x", "y", "z"],
    )
    frame["id"] = ["1", "2", "3", "4"]

    dataset = Dataset.from_frame(frame, id="id")

    assert [image(1), image(0), image(2), image(0)] == [s.image for s in dataset]
    assert [s.target for s in dataset] == ["A", "B", None, "D"]
    assert [s.id for s in dataset] == ["1", "2", "3", "4"]
    assert [s.tags["level"] for s in dataset] == [1, 2, 3, 4]
    assert {int} == {type(s.tags["level"]) for s in dataset}
    assert [s.tags["font"] for s in dataset] == ["serif", None, "sans", "sans"]


def test_ids_without_a_column(image, folder):
    """An image in a file is called by its path from the folder of all, one in memory by the frame's index."""
    path = folder("a.png") / "a.png"

    dataset = Dataset.from_frame(pd.DataFrame({"image": [str(path), image(1)], "text": ["A", "B"]}, index=[10, 11]))

    assert [s.id for s in dataset] == ["a.png", "11"]


def test_bad_rows_of_a_frame(image, tmp_path):
    """What is no image or no label is named by its row, or skipped."""
    frame = pd.DataFrame(
        {"image": [image(1), str(tmp_path / "no.png"), None, 3.5, image(2)], "text": ["A", "B", "C", "D", 7]}
    )

    with pytest.raises(DatasetError, match=r"frame row 1: there is no image file '.*no.png'; give encoded bytes"):
        Dataset.from_frame(frame)
    dataset = Dataset.from_frame(frame, on_error="skip")

    assert [s.id for s in dataset] == ["0"]
    assert list(dataset.skipped["line"]) == [1, 2, 3, 4]
    assert list(dataset.skipped["problem"][1:]) == [
        "the image is NoneType None",
        "the image is float 3.5",
        "the label is int 7 instead of text",
    ]


def test_frame_without_the_columns(image):
    """Missing columns are named, and so is what is no frame."""
    with pytest.raises(DatasetError, match=r"frame: no text column among image; call it 'text' or name it with text="):
        Dataset.from_frame(pd.DataFrame({"image": [image()]}))
    with pytest.raises(DatasetError, match=r"no column is called 'key'; there are image, text"):
        Dataset.from_frame(pd.DataFrame({"image": [image()], "text": ["A"]}), id="key")
    with pytest.raises(DatasetError, match=r"takes a pandas DataFrame, not list"):
        Dataset.from_frame([image()])


def test_samples_with_one_id(image):
    """Ids are unique in a dataset made by hand, too."""
    with pytest.raises(DatasetError, match=r"samples sample 1: 'image' was there before, in sample 0"):
        Dataset.from_samples([Sample.from_bytes(image(), "a"), Sample.from_bytes(image(), "b")])
    with pytest.raises(DatasetError, match=r"samples: it holds no row"):
        Dataset.from_samples([])
