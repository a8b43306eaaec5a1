"""Labelled images: loading, looking at, checking and making them."""

from toolkit.dataset.dataset import Dataset
from toolkit.dataset.loading import load_dataset
from toolkit.dataset.synthesis import synthesize
from toolkit.dataset.table import RESERVED_TAGS

__all__ = ["RESERVED_TAGS", "Dataset", "load_dataset", "synthesize"]
