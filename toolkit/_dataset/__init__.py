"""Labelled images: loading, looking at, checking them; making them is `toolkit._dataset.synthesis`."""

from toolkit._dataset.dataset import Dataset
from toolkit._dataset.loading import load_dataset
from toolkit._dataset.table import RESERVED_TAGS

__all__ = ["RESERVED_TAGS", "Dataset", "load_dataset"]
