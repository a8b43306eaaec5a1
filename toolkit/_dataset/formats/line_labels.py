"""One label a line: ICDAR word recognition (``gt.txt``: ``word_1.png, "text"``) and TRDG (``labels.txt``:
``name.jpg text``).
"""

import re
from itertools import islice
from pathlib import Path

from toolkit._dataset.dataset import Dataset
from toolkit._dataset.folder import IMAGE_SUFFIXES
from toolkit._dataset.formats.base import FolderIntake, Format, Options, numbered_lines

_ICDAR = re.compile(r'(?P<name>[^,"]+?)\s*,\s*(?:"(?P<quoted>.*)"|(?P<bare>[^"].*))\s*')
_ICDAR_ESCAPE = re.compile(r'\\(["\\])')


def _load_icdar(path: Path, options: Options) -> Dataset:
    file = path / "gt.txt" if path.is_dir() else path
    intake = FolderIntake(file, file.parent, options)
    for number, line in numbered_lines(file):
        if not line.strip():
            continue
        match = _ICDAR.fullmatch(line.rstrip("\r\n"))
        if match is None:
            intake.refuse(number, f"{line.strip()!r:.60} is no image and label", 'write word_1.png, "text"')
        elif match["quoted"] is not None:
            intake.accept(number, match["name"], _ICDAR_ESCAPE.sub(r"\1", match["quoted"]))
        else:
            intake.accept(number, match["name"], match["bare"].rstrip())
    return intake.dataset()


def _load_trdg(path: Path, options: Options) -> Dataset:
    file = path / "labels.txt" if path.is_dir() else path
    intake = FolderIntake(file, file.parent, options)
    for number, line in numbered_lines(file):
        if not line.strip():
            continue
        name, blank, text = line.rstrip("\r\n").partition(" ")
        if blank:
            intake.accept(number, name, text)
        else:
            intake.refuse(number, f"{name!r:.60} has no label after it", "write name.jpg text")
    return intake.dataset()


def _matches_icdar(path: Path) -> bool:
    return (path / "gt.txt").is_file() if path.is_dir() else path.suffix == ".txt" and _looks_like_icdar(path)


def _matches_trdg(path: Path) -> bool:
    if path.is_dir():
        return (path / "labels.txt").is_file()
    return path.suffix == ".txt" and path.is_file() and not _looks_like_icdar(path)


def _looks_like_icdar(path: Path) -> bool:
    """Whether the first lines hold a comma right after an image's name."""
    lines = [line.strip() for _, line in islice(numbered_lines(path), 20) if line.strip()]
    return bool(lines) and all(Path(line.partition(",")[0].rstrip()).suffix.lower() in IMAGE_SUFFIXES for line in lines)


ICDAR = Format("icdar", _matches_icdar, _load_icdar)
TRDG = Format("trdg", _matches_trdg, _load_trdg)
