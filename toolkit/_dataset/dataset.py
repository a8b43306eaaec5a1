"""`Dataset`: labelled images, in order, none of them in memory."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Self, cast, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit._dataset.columns import count, text_length
from toolkit._dataset.table import COMPUTED_TAGS, SKIPPED_COLUMNS, Table
from toolkit.errors import DatasetError
from toolkit.metrics.charset import charset
from toolkit.types import Sample


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
        self.skipped = pd.DataFrame(table.skipped, columns=SKIPPED_COLUMNS) if skipped is None else skipped
        """Rows that could not be used: `file`, `line`, `problem`, `fix`; empty unless ``on_error="skip"``."""

    @property
    def labels_from(self) -> str:
        """How the labels were found, such as ``labels.csv, columns filename and label``."""
        return self._table.labels_from

    @property
    def unlabelled(self) -> tuple[str, ...]:
        """Images in the folder that no row of the label file names."""
        return self._table.unlabelled

    # ── where they come from ─────────────────────────────────────────────────────────────────────────────

    @classmethod
    def from_samples(cls, samples: Iterable[Sample], *, name: str = "samples", on_error: str = "raise") -> "Dataset":
        """Make a dataset of samples; their sources, labels and tags are kept as they are.

        Parameters
        ----------
        samples : iterable of Sample
            The samples, with ids that differ.
        name : str, default "samples"
            What the dataset is called in tables and manifests.
        on_error : {"raise", "skip"}, default "raise"
            Whether the first unusable sample ends loading, or is counted in `skipped`.

        Returns
        -------
        Dataset

        Raises
        ------
        DatasetError
            Where two samples share an id, a tag has the name of a result's column, or nothing is left.

        Examples
        --------
        >>> import toolkit as tk
        >>> tk.Dataset.from_samples([tk.Sample.from_bytes(b"", "7x2k", id="a")]).targets[0]
        '7x2k'
        """
        from toolkit._dataset.from_memory import from_samples

        return cls(from_samples(samples, name=name, on_error=on_error), name=name)

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
        """Make a dataset with one sample for each row of a DataFrame.

        Parameters
        ----------
        frame : pandas.DataFrame
            One row an image.
        image : str, optional
            Column of encoded images (bytes), paths, or mappings with ``bytes`` and ``path``; default: the usual names.
        text : str, optional
            Column of labels; default: the usual names.
        id : str, optional
            Column of unique names; default: paths from the deepest folder that holds all images, else the index.
        tags : sequence of str, optional
            Columns that become tags; default: all others.
        name : str, default "frame"
            What the dataset is called in tables and manifests.
        on_error : {"raise", "skip"}, default "raise"
            Whether the first unusable row ends loading, or is counted in `skipped`.

        Returns
        -------
        Dataset

        Raises
        ------
        DatasetError
            For a column that is not there, or a row that cannot be used.

        Examples
        --------
        >>> import pandas as pd, toolkit as tk
        >>> tk.Dataset.from_frame(pd.DataFrame({"image": [b""], "text": ["7x2k"]})).targets[0]
        '7x2k'
        """
        from toolkit._dataset.from_memory import from_frame

        table = from_frame(frame, image=image, text=text, id=id, tags=tags, name=name, on_error=on_error)
        return cls(table, name=name)

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
        """Make a dataset of images behind http(s) links, downloaded once and then read from a cache.

        Parameters
        ----------
        links : pandas.DataFrame, mapping or iterable of (str, str or None)
            Pairs of link and label, a mapping of them, or a frame with columns ``url`` and ``text``, whose further
            columns become tags.
        cache : path, optional
            Folder of the downloaded images; default: one below the user's cache folder.
        max_bytes : int, default 10_000_000
            Size in bytes beyond which a reply is refused.
        timeout_s : float, default 30.0
            Seconds that one download may take in all.
        allow_private : bool, default False
            Whether addresses that are not public are allowed.
        name : str, default "links"
            What the dataset is called in tables and manifests.
        on_error : {"raise", "skip"}, default "raise"
            Whether a failed link ends loading, or is counted in `skipped`.

        Returns
        -------
        Dataset

        Raises
        ------
        DatasetError
            Lists each link that gave no image, with its reason.

        Examples
        --------
        >>> import toolkit as tk
        >>> tk.Dataset.from_links({"https://example.org/a.png": "7x2k"})  # doctest: +SKIP
        <Dataset 'links': 1 sample; labels from links, given with their labels; tags length, charset>
        """
        from toolkit._dataset.links import from_links

        table, folder = from_links(
            links,
            cache=cache,
            max_bytes=max_bytes,
            timeout_s=timeout_s,
            allow_private=allow_private,
            name=name,
            on_error=on_error,
        )
        return cls(table, name=name, path=folder)

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
        prepared = replace(
            table, sources=sources, digests=np.empty((0, 32), dtype=np.uint8), hashed=np.empty(0, dtype=np.uint8)
        )
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
        """Look at every image and label: one row a problem, with `sample`, `problem`, `detail` and `fix`.

        Found are: images that cannot be read, are cut short, would unpack to a huge bitmap, are animated, have an
        extension of another format or more than `max_bytes` bytes; labels that are missing or empty; and equal
        images with different labels. Images are decoded one at a time, and never one that is too large.
        """
        from toolkit._dataset.validation import validate

        return validate(self, max_bytes, self.unlabelled if self._rows is None else ())

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
        skipped = f", {len(self.skipped)} skipped" if len(self.skipped) else ""
        size = f"{count(len(self), 'sample')}{skipped}"
        return f"<Dataset {self.name!r}: {size}; labels from {self.labels_from}; tags {', '.join(self.tags)}>"

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
