"""Labelled images: loading, looking at, checking them; making them is `toolkit.dataset.synthesis`."""

from toolkit.dataset.dataset import Dataset
from toolkit.dataset.loading import load_dataset
from toolkit.dataset.table import RESERVED_TAGS

__all__ = ["RESERVED_TAGS", "Dataset", "load_dataset"]
