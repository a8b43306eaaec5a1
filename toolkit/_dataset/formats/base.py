"""What a format is, and how its text files are read."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from toolkit._dataset.columns import Texts
from toolkit._dataset.dataset import Dataset
from toolkit._dataset.folder import Folder
from toolkit._dataset.intake import Intake
from toolkit._dataset.table import FolderImages
from toolkit.errors import DatasetError


@dataclass(frozen=True)
class Options:
    """What `load_dataset` was told beside the path."""

    on_error: str = "raise"
    tags: Collection[str] | None = None
    image: str | None = None
    text: str | None = None
    name_pattern: str | None = None


@dataclass(frozen=True)
class Format:
    """A way of keeping labelled images.

    `matches` tells whether a file or folder looks like it, without reading more than a few lines; `load` reads
    it; `options` are the arguments of `load_dataset`, beside those for all, that mean something to it.
    """

    name: str
    matches: Callable[[Path], bool]
    load: Callable[[Path, Options], Dataset]
    options: frozenset[str] = frozenset()


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """A text file's lines from 1, with their ends; `DatasetError` with the line where it is not UTF-8.

    A byte order mark at the start is dropped: Windows programs write one.
    """
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise DatasetError(
            f"{path} line {number}: byte 0x{byte:02x} at position {error.start + 1} is not UTF-8; save the file as UTF-8"
        ) from error
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error


def files_of(path: Path, suffix: str) -> list[Path]:
    """The file itself, or the files with this suffix directly in the folder, sorted by name."""
    return sorted(path.glob(f"*{suffix}")) if path.is_dir() else [path]


class FolderIntake:
    """Takes in rows of a label file whose images lie in the same folder; the id is the image's name."""

    def __init__(
        self, label_file: Path, folder: Path, options: Options, *, unit: str = "line", numbers_from_text: bool = False
    ) -> None:
        self._intake = Intake(options.on_error, only_tags=options.tags, numbers_from_text=numbers_from_text)
        self._intake.reading(label_file, unit)
        self._folder = Folder(folder)
        self._names = Texts()
        self.refuse = self._intake.refuse

    def accept(self, line: int, name: str, target: object, tags: dict[str, object] | None = None) -> None:
        """Take in one image by its name, relative to the folder."""
        if objection := self._folder.objection(name):
            self.refuse(line, *objection)
        elif self._intake.accept(line, name, target, tags):
            self._names.append(name)

    def dataset(self) -> Dataset:
        """The dataset of all rows taken in."""
        folder = self._folder.path
        return self._intake.dataset(FolderImages(folder, self._names), name=folder.resolve().name, path=folder)
