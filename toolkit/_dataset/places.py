"""Where a dataset's files lie: a folder, or a zip or tar archive. Each is listed once, and nothing is unpacked to disk."""

import os
import tarfile
import threading
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol, Self

from toolkit._dataset.columns import Texts
from toolkit._dataset.images import KNOWN_SUFFIXES
from toolkit._dataset.table import FolderImages, ListedImages, Sources
from toolkit.errors import DatasetError
from toolkit.types import InMemory, Source

MAX_LABEL_FILE_BYTES = 1_000_000_000
MAX_UNPACKED_BYTES = 2_000_000_000
"""A compressed tar can only be read from its beginning, so its images are kept in memory, up to this."""

_JUNK = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini", "lock.mdb"})


class Place(Protocol):
    """Files by their paths relative to `root`, with ``/`` between the parts."""

    root: Path
    images: list[str]
    files: list[str]
    outside: frozenset[str]
    """Links that lead out of the folder: they are never followed."""

    def read(self, name: str) -> bytes:
        """One file's content; `DatasetError` when it cannot be had."""
        ...

    def sources(self, names: Texts) -> Sources:
        """The images of these names."""
        ...


def is_image(name: str) -> bool:
    """Whether a file's name ends as an image's does."""
    return os.path.splitext(name)[1].lower() in KNOWN_SUFFIXES  # noqa: PTH122 -- a Path each would take most of the time


class FolderPlace:
    """A folder and all that is below it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.images: list[str] = []
        self.files: list[str] = []
        outside: set[str] = set()
        real_root = os.path.join(os.path.realpath(root), "")  # noqa: PTH118 -- strings are several times faster here
        folders = [""]
        while folders:
            below = folders.pop()
            with _scanned(root / below) as entries:
                for entry in entries:
                    name = below + entry.name
                    if entry.name.startswith(".") or entry.name in _JUNK:
                        continue
                    if entry.is_symlink() and not os.path.realpath(entry.path).startswith(real_root):
                        outside.add(name)
                    elif entry.is_dir(follow_symlinks=False):
                        folders.append(name + "/")
                    elif entry.is_file():
                        (self.images if is_image(name) else self.files).append(name)
        self.images.sort()
        self.files.sort()
        self.outside = frozenset(outside)

    def read(self, name: str) -> bytes:
        path = self.root / name
        try:
            if path.stat().st_size > MAX_LABEL_FILE_BYTES:
                raise DatasetError(f"{path}: has more than {MAX_LABEL_FILE_BYTES:,} bytes; split it")
            return path.read_bytes()
        except OSError as error:
            raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error

    def sources(self, names: Texts) -> Sources:
        return FolderImages(self.root, names)


@contextmanager
def _scanned(folder: Path) -> "Iterator[Iterator[os.DirEntry[str]]]":
    try:
        with os.scandir(folder) as entries:
            yield entries
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be listed ({error.strerror})") from error


class ArchivePlace:
    """The members of a zip or tar archive."""

    outside: frozenset[str] = frozenset()

    def __init__(self, archive: Path) -> None:
        self.root = archive
        self._contents: dict[str, bytes] = {}
        self._zip = zipfile.is_zipfile(archive)
        names = list(self._zip_names() if self._zip else self._tar_names())
        kept = sorted(name for name in names if not any(p.startswith(".") or p in _JUNK for p in name.split("/")))
        self.images = [name for name in kept if is_image(name)]
        self.files = [name for name in kept if not is_image(name)]

    def read(self, name: str) -> bytes:
        return ZipMember(self.root, name).read() if self._zip else self._contents[name]

    def sources(self, names: Texts) -> Sources:
        return ZipImages(self.root, names) if self._zip else ListedImages([InMemory(self.read(str(n))) for n in names])

    def _zip_names(self) -> Iterator[str]:
        with _sound_zip(self.root), zipfile.ZipFile(self.root) as archive:
            for member in archive.infolist():
                if member.flag_bits & 1:
                    raise DatasetError(f"{self.root}: {member.filename!r} is encrypted; unpack the archive first")
                if not member.is_dir():
                    yield member.filename

    def _tar_names(self) -> Iterator[str]:
        size = 0
        try:
            with tarfile.open(self.root, "r:*") as archive:
                for member in archive:
                    if not member.isreg():
                        continue
                    size += member.size
                    if size > MAX_UNPACKED_BYTES:
                        raise DatasetError(
                            f"{self.root}: holds more than {MAX_UNPACKED_BYTES:,} bytes; unpack the archive first"
                        )
                    name = str(PurePosixPath(member.name))
                    file = archive.extractfile(member)
                    self._contents[name] = file.read() if file else b""
                    yield name
        except (tarfile.TarError, OSError, EOFError) as error:
            raise DatasetError(
                f"{self.root}: not readable as a tar archive ({error}); copy the archive anew"
            ) from error
        except Exception as error:  # zlib and lzma have exceptions of their own
            if isinstance(error, DatasetError):
                raise
            raise DatasetError(
                f"{self.root}: not readable as a tar archive ({error}); copy the archive anew"
            ) from error


_open_zips: dict[tuple[int, Path], zipfile.ZipFile] = {}
_open_zips_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class ZipMember:
    """An image in a zip archive."""

    archive: Path
    name: str

    def read(self) -> bytes:
        with _open_zips_lock, _sound_zip(self.archive):
            key = (os.getpid(), self.archive)
            if key not in _open_zips:
                # into memory handles would pile up; the list of members is what takes long to read
                _open_zips[key] = zipfile.ZipFile(self.archive)
                while len(_open_zips) > 4:
                    _open_zips.pop(next(iter(_open_zips))).close()
            return _open_zips[key].read(self.name)


@dataclass(frozen=True, slots=True)
class ZipImages:
    """Images in one zip archive, by their names."""

    archive: Path
    names: Texts

    def __getitem__(self, row: int) -> Source:
        return ZipMember(self.archive, str(self.names[row]))

    def take(self, rows: Iterable[int]) -> Self:
        return type(self)(self.archive, self.names.take(rows))


@contextmanager
def _sound_zip(archive: Path) -> Iterator[None]:
    """An archive that is damaged is a matter of the dataset."""
    try:
        yield
    except DatasetError:
        raise
    except (zipfile.BadZipFile, OSError, KeyError, EOFError, NotImplementedError, RuntimeError) as error:
        raise DatasetError(f"{archive}: not readable as a zip archive ({error}); copy the archive anew") from error
    except Exception as error:  # zlib and lzma have exceptions of their own
        raise DatasetError(f"{archive}: not readable as a zip archive ({error}); copy the archive anew") from error
