"""Providers and datasets for tests: real ones, small, that do exactly what a test needs of them.

They live in a module of their own because worker processes import them by name.
"""

import hashlib
import json
import os
import random
import signal
import struct
import threading
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from toolkit._dataset import Dataset
from toolkit._providers.base import LocalProvider
from toolkit.errors import ProviderError, RateLimited, Unsolvable
from toolkit.types import Answer, Sample

# ── images and datasets ──────────────────────────────────────────────────────────────────────────────────


def picture(number: int) -> bytes:
    """A valid grey PNG of 32 × 8 pixels that no other number gives."""
    row = b"\0" + number.to_bytes(4, "big") * 8
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 32, 8, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(row * 8)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def digest(image: bytes) -> str:
    """The image's SHA-256 in hexadecimal."""
    return hashlib.sha256(image).hexdigest()


def label(number: int) -> str:
    """What the picture of that number says."""
    return f"word{number:04d}"


def pictures(count: int, *, name: str = "pictures") -> Dataset:
    """A dataset of `count` pictures in memory, tagged by whether their number is even."""
    return Dataset.from_samples(
        (
            Sample.from_bytes(
                picture(number), label(number), id=f"{number:06d}.png", parity=("even", "odd")[number % 2]
            )
            for number in range(count)
        ),
        name=name,
    )


def picture_folder(folder: Path, count: int) -> Path:
    """The same pictures as files, with a metadata.csv beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = ["file_name,text,parity"]
    for number in range(count):
        (folder / f"{number:06d}.png").write_bytes(picture(number))
        rows.append(f"{number:06d}.png,{label(number)},{('even', 'odd')[number % 2]}")
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def answer_key(path: Path, dataset: Iterable[Sample]) -> str:
    """Write what an `Oracle` is to answer, and give the file's name."""
    path.write_text(json.dumps({digest(sample.image): sample.target for sample in dataset}), encoding="utf-8")
    return str(path)


# ── providers ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Oracle(LocalProvider):
    """Knows the text of every image in its answer key, and errs for a share of them, always the same ones.

    `wrong` of its answers lack their first letter, `silent` of the images get no answer, `refused` are failures
    that a second try would overcome. `pause_s` is how long a reading takes.
    """

    name: ClassVar[str] = "oracle"

    key: str
    wrong: float = 0.0
    silent: float = 0.0
    pause_s: float = 0.0
    seed: int = 0

    def load(self) -> dict[str, str]:
        known: dict[str, str] = json.loads(Path(self.key).read_text(encoding="utf-8"))
        return known

    def read(self, image: bytes) -> Answer:
        if self.pause_s:
            time.sleep(self.pause_s)
        code = digest(image)
        chance = random.Random(f"{self.seed} {code}").random()
        text: str = self.engine[code]
        if chance < self.silent:
            raise Unsolvable("the oracle keeps silent", code="SILENT")
        if chance < self.silent + self.wrong:
            return Answer(text[1:], 0.25)
        return Answer(text, 0.75)


@dataclass(frozen=True)
class Echo(LocalProvider):
    """Answers with the image's digest; the quickest provider there is."""

    name: ClassVar[str] = "echo"

    tag: str = ""

    def read(self, image: bytes) -> Answer:
        return Answer(digest(image)[:8] + self.tag, 0.5)


@dataclass(frozen=True)
class Deadly(LocalProvider):
    """Ends its own process when it sees the culprit: by a signal, or with an exit status."""

    name: ClassVar[str] = "deadly"

    culprit: str = ""
    how: str = "signal"

    def read(self, image: bytes) -> Answer:
        if digest(image) == self.culprit:
            if self.how == "signal":
                os.kill(os.getpid(), signal.SIGKILL)
            os._exit(3)
        return Answer("alive")


@dataclass(frozen=True)
class Sleepy(LocalProvider):
    """Takes `seconds` over the culprit and no time over any other image."""

    name: ClassVar[str] = "sleepy"

    culprit: str = ""
    seconds: float = 3600.0

    def read(self, image: bytes) -> Answer:
        if digest(image) == self.culprit:
            time.sleep(self.seconds)
        return Answer("awake")


@dataclass(frozen=True)
class SlowToLoad(LocalProvider):
    """Needs `seconds` until it is ready, and no time for a reading."""

    name: ClassVar[str] = "slow_to_load"

    seconds: float = 1.0

    def load(self) -> None:
        time.sleep(self.seconds)

    def read(self, image: bytes) -> Answer:
        return Answer("ready")


@dataclass(frozen=True)
class Limited(LocalProvider):
    """Refuses every image as often as `refusals` says, then reads it: a service short of room."""

    name: ClassVar[str] = "limited"

    refusals: int = 1
    after_s: float | None = None

    def load(self) -> dict[str, int]:
        return {}

    def read(self, image: bytes) -> Answer:
        seen: dict[str, int] = self.engine
        code = digest(image)
        seen[code] = seen.get(code, 0) + 1
        if seen[code] <= self.refusals:
            raise RateLimited("not so fast", code="BUSY", status=429, after_s=self.after_s)
        return Answer("at last")


class Unprintable(Exception):
    """An exception that fails when it is looked at."""

    def __str__(self) -> str:
        raise RuntimeError("I have no words")


class Particular(ProviderError):
    """A provider's error that cannot be made again from its message: it does not survive a trip between processes."""

    kind = "particular"

    def __init__(self, one: int, *, two: int) -> None:
        super().__init__(f"{one} and {two}")


RAISED: dict[str, BaseException] = {
    "ValueError": ValueError("something of its own"),
    "no words": ValueError(),
    "StopIteration": StopIteration("early"),
    "SystemExit": SystemExit(7),
    "KeyboardInterrupt": KeyboardInterrupt(),
    "GeneratorExit": GeneratorExit(),
    "MemoryError": MemoryError(),
    "RecursionError": RecursionError("too deep"),
    "unprintable": Unprintable(),
    "half a character": ValueError("broken \udcff text"),
    "odd particulars": Unsolvable("odd", code=17, status="many", task_id=[1]),  # type: ignore[arg-type]
    "odd constructor": Particular(1, two=2),
}
"""What a provider's `read` may raise, by a name for it."""

RETURNED: dict[str, Any] = {
    "nothing": None,
    "bare text": "text",
    "text is bytes": Answer(b"text"),  # type: ignore[arg-type]
    "text is missing": Answer(None),  # type: ignore[arg-type]
    "half a character": Answer("broken \udcff text"),
    "confidence is a word": Answer("text", "high"),  # type: ignore[arg-type]
    "confidence is 90": Answer("text", 90),
    "confidence is not a number": Answer("text", float("nan")),
    "usage is a word": Answer("text", usage="much"),  # type: ignore[arg-type]
    "usage holds a word": Answer("text", usage={"charged": "twice"}),  # type: ignore[dict-item]
    "usage holds no number": Answer("text", usage={"charged": float("nan")}),
    "what cannot travel": Answer(threading.Lock()),  # type: ignore[arg-type]
}
"""What a provider's `read` may return that is no answer, by a name for it."""


@dataclass(frozen=True)
class Rubbish(LocalProvider):
    """Reads well, but for the culprit: there it raises or returns what its parameters name."""

    name: ClassVar[str] = "rubbish"

    raises: str | None = None
    returns: str | None = None
    culprit: str | None = None

    def read(self, image: bytes) -> Answer:
        if self.culprit is None or digest(image) == self.culprit:
            if self.raises is not None:
                raise RAISED[self.raises]
            if self.returns is not None:
                rubbish: Answer = RETURNED[self.returns]
                return rubbish
        return Answer("fine", 1.0)


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────


class HandClock:
    """Goes forward by what is slept or told, and never by itself."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> float:
        return self.seconds

    def unix(self) -> float:
        return 1_700_000_000.0 + self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
