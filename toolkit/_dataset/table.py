"""A dataset's rows as columns: what all views of one dataset share."""

import hashlib
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from toolkit._dataset.columns import Tag, Texts, text_length
from toolkit.errors import DatasetError
from toolkit.metrics.charset import charset
from toolkit.types import Attempt, File, Sample, Source

COMPUTED_TAGS = ("length", "charset")
"""Tags that every sample has: computed from its label, unless the dataset brings a tag of that name."""

RESERVED_TAGS = frozenset(Attempt.__struct_fields__) | frozenset(
    {
        *("id", "image", "target", "target_length", "sha256", "dataset", "run", "provider"),
        *("outcome", "correct", "correct_normalised", "answered", "edits", "cer", "ned", "similarity", "score"),
        *("cost_usd", "attempts", "finished_at"),
    }
)
"""Column names of results, which a tag would overwrite when results are joined with their samples."""


class Sources(Protocol):
    """Where the images are, row by row."""

    def __getitem__(self, row: int, /) -> Source: ...

    def take(self, rows: Iterable[int]) -> Self:
        """The sources of these rows, in their order."""
        ...


@dataclass(frozen=True, slots=True)
class FolderImages:
    """Images in files below one folder, by their names."""

    folder: Path
    names: Texts

    def __getitem__(self, row: int) -> File:
        return File(self.folder / str(self.names[row]))

    def take(self, rows: Iterable[int]) -> Self:
        return type(self)(self.folder, self.names.take(rows))


@dataclass(frozen=True, slots=True)
class ListedImages:
    """Images wherever they are, one `Source` a row: bytes in memory, or files from several places."""

    sources: list[Source]

    def __getitem__(self, row: int) -> Source:
        return self.sources[row]

    def take(self, rows: Iterable[int]) -> Self:
        return type(self)([self.sources[int(row)] for row in rows])


@dataclass(frozen=True, slots=True)
class ChainedSources:
    """Images of several places, one place after the other."""

    parts: list[Sources]
    which: "array[int]"
    rows: "array[int]"

    def __getitem__(self, row: int) -> Source:
        return self.parts[self.which[row]][self.rows[row]]

    def take(self, rows: Iterable[int]) -> Self:
        taken = [int(row) for row in rows]
        which, inner = (array(c.typecode, (c[row] for row in taken)) for c in (self.which, self.rows))
        return type(self)(self.parts, which, inner)


SKIPPED_COLUMNS = ["file", "line", "problem", "fix"]

_UNKNOWN, _KNOWN, _UNREADABLE = 0, 1, 2


@dataclass(slots=True)
class Table:
    """Ids, labels, sources and tags of n samples, and the digests of those images that have been hashed."""

    ids: Texts
    targets: Texts
    sources: Sources
    tags: Mapping[str, Tag]
    digests: NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 32), dtype=np.uint8))
    hashed: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, dtype=np.uint8))
    labels_from: str = ""
    """How the labels were found."""
    unlabelled: tuple[str, ...] = ()
    """Images that no row names."""
    skipped: tuple[tuple[str, int, str, str], ...] = ()
    """Rows that could not be used: file, line, problem, fix."""

    def __len__(self) -> int:
        return len(self.ids)

    def sample(self, row: int) -> Sample:
        """The sample of one row; its image is not read."""
        target = self.targets[row]
        return Sample(str(self.ids[row]), self.sources[row], target, self._tags(row, target))

    def _tags(self, row: int, target: str | None) -> dict[str, Any]:
        own = {name: tag[row] for name, tag in self.tags.items()}
        own.setdefault("length", text_length(target))
        own.setdefault("charset", charset(target))
        return own

    def take(self, rows: NDArray[np.int64]) -> "Table":
        """The same for some rows, with nothing kept of the others."""
        tags = {name: tag.take(rows) for name, tag in self.tags.items()}
        taken = replace(
            self,
            ids=self.ids.take(rows),
            targets=self.targets.take(rows),
            sources=self.sources.take(rows),
            tags=tags,
            digests=np.empty((0, 32), dtype=np.uint8),
            hashed=np.empty(0, dtype=np.uint8),
        )
        if len(self.hashed):
            taken.digests, taken.hashed = self.digests[rows], self.hashed[rows]
        return taken

    def digest(self, row: int) -> bytes | None:
        """SHA-256 of one image's bytes, computed on first use; None where the image cannot be read."""
        if not len(self.hashed):
            self.digests = np.zeros((len(self), 32), dtype=np.uint8)
            self.hashed = np.zeros(len(self), dtype=np.uint8)
        if self.hashed[row] == _UNKNOWN:
            self.remember(row, _digest(self.sources[row]))
        return self.digests[row].tobytes() if self.hashed[row] == _KNOWN else None

    def remember(self, row: int, digest: bytes | None) -> None:
        """Keep one image's digest; None says that the image cannot be read."""
        self.hashed[row] = _UNREADABLE if digest is None else _KNOWN
        if digest is not None:
            self.digests[row] = np.frombuffer(digest, dtype=np.uint8)


def _digest(source: Source) -> bytes | None:
    try:
        if isinstance(source, File):
            # in pieces: a file that is no image may be larger than memory
            with source.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").digest()
        return hashlib.sha256(source.read()).digest()
    except (DatasetError, OSError):
        return None
