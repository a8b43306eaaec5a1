"""What `load_dataset` was told beside the path, and what a reader of labels finds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

NOTHING_TO_READ = "nothing to read"


@dataclass(frozen=True)
class Options:
    """What `load_dataset` was told beside the path."""

    on_error: str = "raise"
    tags: Sequence[str] | None = None
    image: str | None = None
    text: str | None = None
    names: str | None = None
    image_root: str | None = None
    encoding: str | None = None
    empty: str | None = None


class Row(NamedTuple):
    """One row of a source of labels: a label and tags for an image, or what is wrong with it and how to fix that."""

    line: int
    image: str
    label: object = None
    tags: Mapping[str, Any] = {}
    problem: tuple[str, str] | None = None


@dataclass
class Reading:
    """One way of reading labels that were found: a table, files beside the images, or the images' names."""

    kind: str
    words: str
    """How the labels are found, as `Dataset.labels_from` says it."""
    argument: str
    """What a person writes to choose this reading."""
    where: str
    """The file, for messages."""
    rows: Callable[[], Iterator[Row]]
    unit: str = "line"
    numbers_from_text: bool = False
    doubt: str | None = None
    """Why this may be something other than labels; such a reading is never taken unless it is asked for."""
    split: str | None = None
    certain: bool = False
    """Whether the file and its columns are called as those of labels are."""
    pairs: dict[str, Any] = field(default_factory=dict)
    """Image → label, as far as it had to be looked at."""

    def labels(self) -> dict[str, Any]:
        """Every image with its label; kept, because readings are compared."""
        if not self.pairs:
            self.pairs = {row.image: row.label for row in self.rows() if row.problem is None}
        return self.pairs


@dataclass
class Unused:
    """A file that might hold labels and gives none."""

    name: str
    why: str
    plausible: bool
    """Whether it may well be the label file, so that labels from elsewhere need a word of the caller."""
    error: Exception | None = None
