"""Lines of JSON: writing one for each event, and reading them by blocks, torn and damaged ones too."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from toolkit.errors import StoreCorrupt, StoreError

BLOCK_BYTES = 4 << 20
"""A block of lines is parsed in one call: large enough to be quick, small enough to be dropped."""

Record = dict[str, Any]


def whole_lines(path: Path, offset: int = 0) -> Iterator[tuple[bytes, int]]:
    """Blocks of whole lines, each with the offset after it; an incomplete last line is left out.

    A last line that lacks only its newline is whole: its offset then lies one byte beyond the file.
    """
    with opened(path) as file:
        file.seek(offset)
        rest = b""
        while data := file.read(BLOCK_BYTES):
            whole, newline, rest = (rest + data).rpartition(b"\n")
            if newline:
                offset += len(whole) + 1
                yield whole + newline, offset
        if is_object(rest):
            yield rest + b"\n", offset + len(rest) + 1


def read_lines(path: Path, offset: int = 0) -> Iterator[tuple[list[Record], int]]:
    """Blocks of parsed lines, each with the offset after it."""
    for lines, end in whole_lines(path, offset):
        yield parse(path, lines.removesuffix(b"\n"), end - len(lines)), end


def opened(path: Path) -> BinaryIO:
    """A file to read from; `StoreError` says why it cannot be."""
    try:
        return path.open("rb")
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error


def parse(path: Path, whole: bytes, offset: int) -> list[Record]:
    """The objects in whole lines of a file that begin at `offset`; `StoreCorrupt` names a line that is none."""
    lines = whole.split(b"\n")
    try:
        records: list[Record] = _decoder.decode_lines(whole)
    except (msgspec.MsgspecError, ValueError, RecursionError):  # also half a surrogate pair, which JSON may escape
        records = [json.loads(line) for line in lines] if all(map(is_object, lines)) else []
    if len(records) == len(lines) and all(lines):
        return records
    sound = next(number for number, line in enumerate(lines) if not is_object(line))
    raise damaged(path, offset + sum(len(line) + 1 for line in lines[:sound]), "it is no JSON object")


def damaged(path: Path, offset: int, reason: str) -> StoreCorrupt:
    """The error for the line of a file that begins at `offset`."""
    with path.open("rb") as file:
        number = file.read(offset).count(b"\n") + 1
    return StoreCorrupt(
        f"{path}, line {number} is damaged: {reason}; nothing was changed. Restore the line, or take it out"
    )


def is_object(line: bytes) -> bool:
    """Whether a line is one whole JSON object; no part of one ever is."""
    try:
        return isinstance(json.loads(line.decode()), dict)  # decoded here: `loads` would guess other encodings
    except (ValueError, RecursionError):
        return False


def _plain(value: Any) -> Any:
    """A user's tag as JSON: numpy scalars by their Python value, anything else by its text."""
    return value.item() if hasattr(value, "item") else str(value)


COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain)  # made once, not for each line
INDENTED = json.JSONEncoder(ensure_ascii=False, indent=2, default=_plain)


def line_of(record: Mapping[str, Any]) -> bytes:
    """A record as a line."""
    try:
        return _encoder.encode(record) + b"\n"
    except (UnicodeEncodeError, TypeError, ValueError):  # half a surrogate pair, names that are no text
        return json_of(record, COMPACT) + b"\n"


_decoder = msgspec.json.Decoder(Record)
_encoder = msgspec.json.Encoder(enc_hook=_plain)  # several times quicker, in a thread that the event loop waits for


def json_of(value: Mapping[str, Any], encoder: json.JSONEncoder) -> bytes:
    """A value as JSON, `COMPACT` or `INDENTED`."""
    # Half a surrogate pair, as in a file name that is no UTF-8, has no encoding; its escape is JSON all the same.
    return encoder.encode(value).encode(errors="backslashreplace")
