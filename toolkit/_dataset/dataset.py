"""`Dataset`: labelled images, in order, none of them in memory."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Self, cast, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit._dataset.columns import count, text_length
from toolkit._dataset.table import COMPUTED_TAGS, Table
from toolkit.errors import DatasetError
from toolkit.metrics.charset import charset
from toolkit.types import Sample

SKIPPED_COLUMNS = ["file", "line", "problem", "cure"]


class Dataset(Sequence[Sample]):
    """Labelled images with tags: a sequence of `Sample`, built one at a time as they are asked for.

    Labels and tags are in memory as compact columns; an image is read when its sample's `image` is looked at,
    and is not kept. Slices, filters and samples are views: they share the columns and cost a row number each.
    The order is the order of the label file, or of the file names where there is none.

    Make one with `tk.load_dataset(path)`, `Dataset.from_frame(df)`, `Dataset.from_links(links)` or
    `Dataset.from_samples(samples)`.
    """

    def __init__(
        self,
        table: Table,
        *,
        name: str,
        path: Path | None = None,
        skipped: pd.DataFrame | None = None,
        rows: NDArray[np.int64] | None = None,
    ) -> None:
        self._table = table
        self._rows = rows
        self.name = name
        self.path = path
        self.skipped = pd.DataFrame(columns=SKIPPED_COLUMNS) if skipped is None else skipped
        """Rows of the label file that could not be used: `file`, `line`, `problem`, `cure`; empty unless skipped."""

    # ── where they come from ─────────────────────────────────────────────────────────────────────────────

    @classmethod
    def from_samples(cls, samples: Iterable[Sample], *, name: str = "samples") -> "Dataset":
        """A dataset of samples made by hand; their sources and tags are kept as they are."""
        from toolkit._dataset.from_memory import from_samples

        return from_samples(samples, name=name)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        image: str | None = None,
        text: str | None = None,
        id: str | None = None,
        tags: Sequence[str] | None = None,
        name: str = "frame",
        on_error: str = "raise",
    ) -> "Dataset":
        """One sample a row of a DataFrame.

        `image` names the column of encoded images (bytes), paths, or mappings with ``bytes`` and ``path``;
        `text` the column of labels; `id` the column of unique names (default: the path, else the frame's index).
        All other columns become tags, or only those listed in `tags`. With ``on_error="skip"`` unusable rows are
        left out and counted in `skipped`; otherwise the first is a `DatasetError`.
        """
        from toolkit._dataset.from_memory import from_frame

        return from_frame(frame, image=image, text=text, id=id, tags=tags, name=name, on_error=on_error)

    @classmethod
    def from_links(
        cls,
        links: pd.DataFrame | Mapping[str, str | None] | Iterable[tuple[str, str | None]],
        *,
        cache: str | PathLike[str] | None = None,
        max_bytes: int = 10_000_000,
        timeout_s: float = 30.0,
        allow_private: bool = False,
        name: str = "links",
        on_error: str = "raise",
    ) -> "Dataset":
        """Images behind http(s) links, downloaded once into `cache` and read from there ever after.

        `links` are (link, label) pairs, a mapping of them, or a frame with columns ``url`` and ``text`` whose
        further columns become tags. A reply that is larger than `max_bytes`, is no image, takes longer than
        `timeout_s` in all or comes from an address that is not public (unless `allow_private`) is a `DatasetError`
        that lists each link with its reason; with ``on_error="skip"`` those links are left out and counted in
        `skipped`.
        """
        from toolkit._dataset.links import from_links

        return from_links(
            links,
            cache=cache,
            max_bytes=max_bytes,
            timeout_s=timeout_s,
            allow_private=allow_private,
            name=name,
            on_error=on_error,
        )

    # ── a sequence ───────────────────────────────────────────────────────────────────────────────────────

    def __len__(self) -> int:
        return len(self._table) if self._rows is None else len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Sample | Self:
        if isinstance(index, slice):
            return self._view(self._row_numbers[index])
        position = range(len(self))[index]  # raises the IndexError of a sequence, and counts from the end
        return self._table.sample(position if self._rows is None else int(self._rows[position]))

    def __iter__(self) -> Iterator[Sample]:
        for row in range(len(self._table)) if self._rows is None else map(int, self._rows):
            yield self._table.sample(row)

    def __contains__(self, value: object) -> bool:
        id = value.id if isinstance(value, Sample) else value
        return isinstance(id, str) and self._position(id) is not None

    def find(self, id: str) -> Sample:
        """The sample of that id; `DatasetError` when there is none."""
        position = self._position(id)
        if position is None:
            raise DatasetError(f"{self.name}: no sample has the id {id!r}; ids look like {self[0].id!r}")
        return self[position]

    # ── parts of it ──────────────────────────────────────────────────────────────────────────────────────

    def filter(self, predicate: Callable[[Sample], bool] | None = None, **tags: Any) -> Self:
        """The samples for which `predicate` holds and whose tags have the given values.

        ``dataset.filter(font="DejaVuSans", length=[4, 5])``: a list, tuple, set or range says "one of".
        `DatasetError` for an unknown tag.
        """
        keep = np.ones(len(self), dtype=bool)
        for tag, wanted in tags.items():
            choices = list(wanted) if isinstance(wanted, (list, tuple, set, frozenset, range)) else [wanted]
            column = self.tag(tag)
            keep &= (column.isin(choices) | (column.isna() if None in choices else False)).to_numpy(dtype=bool)
        if predicate is not None:
            for position in np.flatnonzero(keep):
                keep[position] = bool(predicate(self[int(position)]))
        return self._view(self._row_numbers[keep])

    def sample(self, n: int, seed: int = 0) -> Self:
        """`n` samples drawn without replacement, in the dataset's order; the same ones for the same seed."""
        if not 0 < n <= len(self):
            raise DatasetError(f"{self.name}: cannot draw {n} of {len(self)} samples; give n from 1 to {len(self)}")
        drawn = np.random.default_rng(seed).choice(len(self), size=n, replace=False)
        return self._view(self._row_numbers[np.sort(drawn)])

    def split(self, fraction: float, seed: int = 0) -> tuple[Self, Self]:
        """Two parts that share no sample: `fraction` of them drawn at random, and the rest, each in order.

        `DatasetError` when a part would be empty.
        """
        n = round(fraction * len(self))
        if not 0 < n < len(self):
            raise DatasetError(
                f"{self.name}: fraction={fraction} of {len(self)} samples leaves a part empty; give one between 0 and 1"
            )
        drawn = np.zeros(len(self), dtype=bool)
        drawn[np.random.default_rng(seed).choice(len(self), size=n, replace=False)] = True
        return self._view(self._row_numbers[drawn]), self._view(self._row_numbers[~drawn])

    def prepare(self, max_bytes: int | None = None, format: str | None = None) -> Self:
        """The same samples with images re-encoded as ``png`` or ``jpeg``, and within `max_bytes`, each when it is read.

        An image that is as asked already stays as it is. What was done is part of the dataset's name and, through
        the new bytes, of its fingerprint, so that results on prepared images are not mixed with others.
        """
        from toolkit._dataset.preparation import Preparation, PreparedImages

        preparation = Preparation(max_bytes, format)
        table = self._table if self._rows is None else self._table.take(self._rows)
        sources = PreparedImages(table.sources, preparation)
        prepared = Table(table.ids, table.targets, sources, table.tags)
        name = f"{self.name} ({preparation})"
        return type(self)(prepared, name=name, path=self.path, skipped=self.skipped)

    def save(self, folder: str | PathLike[str]) -> Path:
        """Copy images, labels and tags into a new folder, from which `tk.load_dataset` reads them again."""
        from toolkit._dataset.saving import save

        return save(self, Path(folder))

    # ── tables ───────────────────────────────────────────────────────────────────────────────────────────

    @property
    def tags(self) -> tuple[str, ...]:
        """Names of the tags that every sample has: the dataset's own, then the computed ones."""
        return *self._table.tags, *(name for name in COMPUTED_TAGS if name not in self._table.tags)

    def tag(self, name: str) -> pd.Series:
        """One tag's values in order; `DatasetError` for an unknown name."""
        if name in self._table.tags:
            return self._table.tags[name].series(slice(None) if self._rows is None else self._rows)
        if name == "length":
            lengths = pd.Series([text_length(target) for target in self._targets()], dtype="Int64")
            return lengths if lengths.hasnans else lengths.astype("int64")
        if name == "charset":
            return pd.Series([charset(target) for target in self._targets()], dtype="str")
        raise DatasetError(f"{self.name}: no tag is called {name!r}; there are {', '.join(self.tags)}")

    @property
    def frame(self) -> pd.DataFrame:
        """A new DataFrame with one row a sample: `id`, `target` and each tag. No image is read."""
        labels = {
            "id": pd.Series([self._table.ids[row] for row in self._row_iterator()], dtype="str"),
            "target": pd.Series(list(self._targets()), dtype="str"),
        }
        return pd.DataFrame(labels | {name: self.tag(name) for name in self.tags})

    @property
    def ids(self) -> Sequence[str]:
        """Ids in order, decoded one at a time."""
        return cast("Sequence[str]", self._table.ids if self._rows is None else self._table.ids.take(self._rows))

    @property
    def targets(self) -> Sequence[str | None]:
        """Labels in order, decoded one at a time; None where there is no label."""
        return self._table.targets if self._rows is None else self._table.targets.take(self._rows)

    def validate(self, max_bytes: int | None = None) -> pd.DataFrame:
        """Look at every image and label: one row a problem, with `sample`, `problem`, `detail` and `cure`.

        Found are: images that cannot be read, are cut short, would unpack to a huge bitmap, are animated, have an
        extension of another format or more than `max_bytes` bytes; labels that are missing or empty; and equal
        images with different labels. Images are decoded one at a time, and never one that is too large.
        """
        from toolkit._dataset.validation import validate

        return validate(self, max_bytes)

    # ── identity ─────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over id, label and image content of each sample, in order: what a result was measured on.

        What is hashed is a line of JSON a sample: ``[id, target, SHA-256 of the image's bytes]``. Reads every image
        once, on first use. Tags are not in it: naming a slice anew changes no measurement.
        """
        whole = hashlib.sha256()
        for row in self._row_iterator():
            digest = self._table.digest(row)
            entry = [self._table.ids[row], self._table.targets[row], digest.hex() if digest else None]
            whole.update(json.dumps(entry).encode() + b"\n")
        return whole.hexdigest()

    def digests(self) -> Iterator[str | None]:
        """SHA-256 of each image's bytes in hexadecimal, in order; None where the image cannot be read.

        Computed on first use and kept, 32 bytes an image.
        """
        for row in self._row_iterator():
            digest = self._table.digest(row)
            yield digest.hex() if digest else None

    # ── how it shows ─────────────────────────────────────────────────────────────────────────────────────

    def __repr__(self) -> str:
        skipped = f", {len(self.skipped)} left out" if len(self.skipped) else ""
        return f"<Dataset {self.name!r}: {count(len(self), 'sample')}{skipped}; tags {', '.join(self.tags)}>"

    def _repr_html_(self) -> str:
        from toolkit._dataset.html import dataset_html

        return dataset_html(self)

    def __getstate__(self) -> dict[str, Any]:
        # A view travels with its own rows only, or ten samples would carry a million labels to a worker.
        state = {name: value for name, value in self.__dict__.items() if name != "_id_index"}
        if self._rows is not None:
            state["_table"], state["_rows"] = self._table.take(self._rows), None
        return state

    # ── rows ─────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _row_numbers(self) -> NDArray[np.int64]:
        return np.arange(len(self._table)) if self._rows is None else self._rows

    def _row_iterator(self) -> Iterator[int]:
        return iter(range(len(self._table))) if self._rows is None else map(int, self._rows)

    def _targets(self) -> Iterator[str | None]:
        return (self._table.targets[row] for row in self._row_iterator())

    def _view(self, rows: NDArray[np.int64]) -> Self:
        return type(self)(self._table, name=self.name, path=self.path, skipped=self.skipped, rows=rows)

    @cached_property
    def _id_index(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        # sorted hashes with their positions: 16 bytes an id, where a dict of strings takes a hundred and more
        hashes = np.fromiter((hash(self._table.ids[row]) for row in self._row_iterator()), np.int64, len(self))
        order = np.argsort(hashes, kind="stable")
        return hashes[order], order

    def _position(self, id: str) -> int | None:
        hashes, order = self._id_index
        first, last = np.searchsorted(hashes, hash(id), side="left"), np.searchsorted(hashes, hash(id), side="right")
        for position in map(int, order[first:last]):
            if self._table.ids[position if self._rows is None else int(self._rows[position])] == id:
                return position
        return None
