"""A store that notes what has certainly reached the disk, and what a power cut may leave of the rest."""

import mmap
import random
import struct
from pathlib import Path

from toolkit._store.store import FileStore

_SECTOR_BYTES = 512  # what a disk writes whole
_LENGTH = struct.Struct("q")


class RecordedStore(FileStore):
    """A `FileStore` that notes, outside of its folder, how much of the log each sync made safe.

    The note is a mapped file: it outlives the process, however that ends.
    """

    def __init__(self, path: str | Path, note: str | Path) -> None:
        super().__init__(path)
        self._attempts = Path(path) / "attempts.jsonl"
        Path(note).touch()
        with Path(note).open("r+b") as file:
            file.truncate(_LENGTH.size)
            self._note = mmap.mmap(file.fileno(), _LENGTH.size)

    def sync(self) -> None:
        reached = self._attempts.stat().st_size
        super().sync()
        _LENGTH.pack_into(self._note, 0, reached)


def durable_bytes(note: Path) -> int:
    """How much of the log was safe."""
    return int(_LENGTH.unpack(note.read_bytes())[0]) if note.exists() and note.stat().st_size else 0


def cut_power(log: Path, safe: int, dice: random.Random) -> str:
    """Leave of a log what a power cut may leave: all that was safe, and of the rest what the disk pleased to write.

    Gives what happened to the rest: it may be gone, torn anywhere, or hold sectors of noughts that were never written.
    """
    data = log.read_bytes()
    assert safe <= len(data)
    how = dice.choice(["dropped", "torn", "noughts", "holes"])
    if how == "dropped":
        left = data[:safe]
    else:
        left = data[: dice.randint(safe, len(data))]
        if how == "noughts":
            begin = dice.randint(safe, len(left))
            left = left[:begin] + bytes(len(left) - begin)
        elif how == "holes":
            left = _with_holes(left, safe, dice)
    log.write_bytes(left)
    return how


def _with_holes(data: bytes, safe: int, dice: random.Random) -> bytes:
    pages = bytearray(data)
    for begin in range(safe // _SECTOR_BYTES * _SECTOR_BYTES, len(data), _SECTOR_BYTES):
        if dice.random() < 0.5:
            first, last = max(begin, safe), min(begin + _SECTOR_BYTES, len(data))
            pages[first:last] = bytes(last - first)
    return bytes(pages)
