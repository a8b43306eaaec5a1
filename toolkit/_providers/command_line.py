"""Any program that reads an image and prints its text."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from toolkit._providers._checks import check_choice, check_number
from toolkit._providers._images import decode
from toolkit._providers.base import ALWAYS_IN_LABEL, LocalProvider
from toolkit.errors import EngineFailure, SettingError, Unsolvable
from toolkit.types import Answer

_SUFFIXES = {"PNG": ".png", "JPEG": ".jpg", "BMP": ".bmp", "TIFF": ".tif", "PPM": ".ppm"}
_VERSION_WITHIN_S = 10.0
_LONGEST_VERSION = 200


@dataclass(frozen=True)
class CommandLine(LocalProvider):
    """A program that is started for each image and prints the text on its standard output.

    Parameters
    ----------
    command : sequence of str
        Program and arguments; no shell is involved. ``{image}`` stands for a file with the image; without it the
        image is written to the program's standard input.
    image_format : {"PNG", "JPEG", "BMP", "TIFF", "PPM"}, default "PNG"
        What the image is converted to before.
    timeout_s : float, default 60
        Seconds after which the program is stopped and the reading has failed.
    version_option : str, default "--version"
        The argument at which the program says its version, the first line of which goes into the manifest.

    Notes
    -----
    There is no confidence. Starting the program and converting the image are part of the latency.

    Examples
    --------
    >>> CommandLine(["gocr", "-i", "{image}"], image_format="PPM").label
    "command_line(command=('gocr', '-i', '{image}'), image_format='PPM')"
    """

    name: ClassVar[str] = "command_line"
    tested_against: ClassVar[str] = "gocr, ocrad"

    command: Sequence[str] = field(metadata=ALWAYS_IN_LABEL)
    image_format: str = "PNG"
    timeout_s: float = 60.0
    version_option: str = "--version"

    def __post_init__(self) -> None:
        whole = not isinstance(self.command, str) and all(isinstance(word, str) for word in self.command)
        if not whole or not self.command:
            raise SettingError(
                f"CommandLine: command must be a list such as ['ocr', '{{image}}'], got {self.command!r}"
            )
        object.__setattr__(self, "command", tuple(self.command))
        check_choice(self, "image_format", tuple(_SUFFIXES))
        check_number(self, "timeout_s", 0.1, 3600)

    def read(self, image: bytes) -> Answer:
        buffer = BytesIO()
        decode(image).save(buffer, self.image_format)
        if not any("{image}" in word for word in self.command):
            return self._answer(self.command, buffer.getvalue())
        with TemporaryDirectory(prefix="toolkit-") as folder:
            file = Path(folder, "image").with_suffix(_SUFFIXES[self.image_format])
            file.write_bytes(buffer.getvalue())
            return self._answer([word.replace("{image}", str(file)) for word in self.command], None)

    def versions(self) -> dict[str, str]:
        program = shutil.which(self.command[0])
        if program is None:
            raise SettingError(
                f"{self.label}: no program {self.command[0]!r} on the PATH; install it, or give its path"
            )
        try:
            done = self._run([program, self.version_option], None, _VERSION_WITHIN_S)
        except EngineFailure:
            return {self.command[0]: "unknown"}
        lines = (done.stdout or done.stderr).decode(errors="replace").strip().splitlines()
        return {self.command[0]: lines[0][:_LONGEST_VERSION] if lines else "unknown"}

    def _answer(self, command: Sequence[str], given: bytes | None) -> Answer:
        done = self._run(command, given, self.timeout_s)
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip() or "it says nothing"
            raise EngineFailure(f"{command[0]} ended with {done.returncode}: {said[-500:]}")
        text = done.stdout.decode(errors="replace").strip("\r\n\f")
        if not text.strip():
            raise Unsolvable(f"{command[0]} printed no text")
        return Answer(text)

    def _run(
        self, command: Sequence[str], given: bytes | None, within_s: float
    ) -> "subprocess.CompletedProcess[bytes]":
        try:
            return subprocess.run(  # noqa: S603 -- the user's own program; no shell
                command, input=given or b"", capture_output=True, timeout=within_s, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise EngineFailure(f"{command[0]} took more than {within_s:g} s") from error
        except OSError as error:
            raise EngineFailure(f"{command[0]} cannot be started: {error.strerror}") from error
