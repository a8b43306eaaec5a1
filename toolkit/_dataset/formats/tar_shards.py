"""Tar shards by the WebDataset convention: members that share a stem are one sample, as ``0001.png`` and
``0001.txt`` (or ``.json``, or ``.cls``). Nothing is unpacked: each image is read from its place in the archive.
"""

import json
import tarfile
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Self

from toolkit._dataset.columns_found import TEXT_COLUMNS
from toolkit._dataset.image_names import split_of_file
from toolkit._dataset.images import KNOWN_SUFFIXES
from toolkit._dataset.intake import Intake
from toolkit._dataset.options import Options
from toolkit._dataset.table import Table
from toolkit.errors import DatasetError
from toolkit.types import Source

MAX_LABEL_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class TarMember:
    """An image at a place in an archive, in bytes from its beginning."""

    archive: Path
    offset: int
    size: int

    def read(self) -> bytes:
        try:
            with self.archive.open("rb") as file:
                file.seek(self.offset)
                data = file.read(self.size)
        except OSError as error:
            raise DatasetError(f"{self.archive}: cannot be read ({error.strerror})") from error
        if len(data) < self.size:
            raise DatasetError(f"{self.archive}: ends within the image at byte {self.offset}; copy the archive anew")
        return data


class TarImages:
    """Images in archives: 20 bytes a row."""

    def __init__(self, archives: list[Path]) -> None:
        self.archives = archives
        self._which, self._offsets, self._sizes = array("i"), array("Q"), array("Q")

    def add(self, which: int, offset: int, size: int) -> None:
        self._which.append(which)
        self._offsets.append(offset)
        self._sizes.append(size)

    def __getitem__(self, row: int) -> Source:
        return TarMember(self.archives[self._which[row]], self._offsets[row], self._sizes[row])

    def take(self, rows: Iterable[int]) -> Self:
        taken = type(self)(self.archives)
        for row in map(int, rows):
            taken.add(self._which[row], self._offsets[row], self._sizes[row])
        return taken


@dataclass(frozen=True, slots=True)
class _Part:
    """One member: its sample's key, its suffix, and where its content is."""

    number: int
    key: str
    suffix: str
    content: TarMember


LABEL_SUFFIXES = (".txt", ".gt.txt", ".json", ".cls")


def is_shard(archive: Path) -> bool:
    """Whether an archive's first samples are a member with an image and one with its label."""
    for key, group in groupby(islice(_parts(archive), 20), key=lambda part: part.key):
        suffixes = {part.suffix for part in group}
        if key and suffixes & KNOWN_SUFFIXES and suffixes & set(LABEL_SUFFIXES):
            return True
    return False


def load_tar(root: Path, names: list[str], options: Options) -> Table:
    """Images and labels in tar shards below `root`, one after the other; of splits, with a tag ``split``."""
    archives = [root / name for name in names]
    splits = [split_of_file(name) for name in names]
    tell = len(set(splits)) > 1 and None not in splits
    intake = Intake(options.on_error, only_tags=options.tags, empty=options.empty)
    images = TarImages(archives)
    for which, archive in enumerate(archives):
        intake.reading(archive, "member")
        for key, group in groupby(_parts(archive), key=lambda part: part.key):
            parts = list(group)
            image = next((part for part in parts if part.suffix in KNOWN_SUFFIXES), None)
            if image is None:
                intake.refuse(parts[0].number, f"{key!r} has no image", "add one under the same stem")
                continue
            try:
                target, tags = _label(parts, options.text)
            except (ValueError, RecursionError) as error:
                intake.refuse(parts[0].number, f"the label of {key!r} is not readable ({error})", "write UTF-8 or JSON")
                continue
            if tell:
                tags.setdefault("split", splits[which])
            name = key + image.suffix if not tell else f"{splits[which]}/{key}{image.suffix}"
            if intake.accept(image.number, name, target, tags):
                images.add(which, image.content.offset, image.content.size)
    return intake.table(images, name=str(root), labels_from="members beside each image in the archive")


def _parts(archive: Path) -> Iterator[_Part]:
    """The regular members in their order, from the headers alone."""
    try:
        with tarfile.open(archive, "r:") as tar:
            for number, member in enumerate(tar, start=1):
                # tarfile would keep every header, a kilobyte each
                tar.members = []  # type: ignore[attr-defined]
                folder, _, base = member.name.rpartition("/")
                stem, _, suffix = base.partition(".")  # the convention: the key ends at the first dot
                if member.isreg() and stem:
                    key = f"{folder}/{stem}" if folder else stem
                    yield _Part(number, key, f".{suffix.lower()}", TarMember(archive, member.offset_data, member.size))
    except (tarfile.TarError, OSError) as error:
        raise DatasetError(
            f"{archive}: not readable as a plain tar archive ({error}); unpack .gz first, or copy the archive anew"
        ) from error


def _label(parts: list[_Part], text: str | None) -> tuple[str | None, dict[str, Any]]:
    """The label from .txt, else from a field of .json, else from .cls; the other fields of .json are tags."""
    contents = {part.suffix: _content(part) for part in parts if part.suffix in LABEL_SUFFIXES}
    fields: Any = json.loads(contents.get(".json", "{}"))
    if not isinstance(fields, dict):
        raise ValueError("the .json is no object")  # noqa: TRY004 -- the caller's one word for an unreadable label
    field = text or next((name for name in TEXT_COLUMNS if name in fields), None)
    target = fields.pop(field, None) if field else None
    texts = [contents[suffix] for suffix in (".gt.txt", ".txt") if suffix in contents]
    plain = texts[0] if texts else contents.get(".cls") if target is None else None
    if plain is not None:
        target = plain.removesuffix("\n").removesuffix("\r")
    return target, fields


def _content(part: _Part) -> str:
    if part.content.size > MAX_LABEL_BYTES:
        raise ValueError(f"it has {part.content.size} bytes")
    return part.content.read().decode("utf-8-sig")
