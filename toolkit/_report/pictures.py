"""Images of a run's dataset as thumbnails, and the reason where there is none."""

import hashlib
import os
from collections.abc import Mapping
from typing import Any

from toolkit._dataset import Dataset, load_dataset
from toolkit._dataset.html import thumbnail
from toolkit._dataset.images import BadImage
from toolkit.errors import DatasetError, ToolkitError

PathLike = str | os.PathLike[str]


class Pictures:
    """Thumbnails by sample id. Only the very image that was read is shown: its digest is in the run's store."""

    def __init__(self, dataset: Dataset | None, digests: Mapping[str, str | None], missing: str = "") -> None:
        self._dataset = dataset
        self._digests = digests
        self.missing = missing
        """Why there are no images at all; empty where there are."""

        self.unlike = 0
        """How many were asked for and are not what was read."""

    @classmethod
    def of(
        cls, dataset: Dataset | PathLike | None, recorded_path: str | None, samples: list[dict[str, Any]]
    ) -> "Pictures":
        """From a dataset or where it is; else from where it was when the run was made."""
        digests = {sample["id"]: sample.get("sha256") for sample in samples}
        if isinstance(dataset, Dataset):
            return cls(dataset, digests)
        if dataset is not None:
            return cls(load_dataset(dataset), digests)
        if recorded_path is None:
            return cls(None, digests, "the dataset was in memory only; give it as `dataset`")
        try:
            return cls(load_dataset(recorded_path), digests)
        except (ToolkitError, OSError) as error:
            return cls(None, digests, f"{error}; say where it is with `dataset`")

    def of_sample(self, sample: str) -> tuple[str, str]:
        """A ``data:`` URI of the image, or nothing and why."""
        if self._dataset is None:
            return "", "not at hand"
        try:
            image = self._dataset.find(sample).image
            if hashlib.sha256(image).hexdigest() != self._digests.get(sample):
                self.unlike += 1
                return "", "another image than the one that was read"
            return thumbnail(image), ""
        except (DatasetError, BadImage, OSError) as error:
            return "", f"not shown: {error}"
