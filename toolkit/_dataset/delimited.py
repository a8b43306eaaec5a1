"""Text tables: their encoding, their separator, their quotes, their rows."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from toolkit.errors import DatasetError

SEPARATORS = (",", "\t", ";", "|", " ", ":")
SEPARATOR_WORDS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar", " ": "blank", ":": "colon"}
_LINE_END = re.compile(r"\r\n|\n|\r")
_SEP_LINE = re.compile(r"sep=(.)\r?\n?")


class Quoted(str):
    """A cell that stood in quotes: its blanks count, and it may be empty on purpose."""

    __slots__ = ()


@dataclass(frozen=True)
class Text:
    """A decoded label file."""

    name: str
    text: str
    encoding: str
    first_line: int = 1
    separator: str | None = None
    """What Excel's ``sep=`` line says."""


def decoded(data: bytes, name: str, encoding: str | None = None) -> Text:
    """The text of a label file: UTF-8 or UTF-16, else cp1252 where it can be that; `DatasetError` with the line."""
    text, used = _decoded(data, name, encoding)
    if match := _SEP_LINE.match(text):
        return Text(name, text[match.end() :], used, 2, match[1])
    return Text(name, text, used)


def _decoded(data: bytes, name: str, encoding: str | None) -> tuple[str, str]:
    if encoding is not None:
        try:
            return data.decode(encoding).removeprefix("\ufeff"), encoding
        except LookupError as error:
            raise DatasetError(f"encoding={encoding!r} is not known; for example 'utf-8' or 'cp1252'") from error
        except UnicodeError as error:
            raise DatasetError(f"{name}: is not {encoding} ({error}); name another with encoding=…") from error
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _strict(data, "utf-16", name), "utf-16"
    if zeros := data[:2000].count(0):
        half = len(data[:2000]) // 2
        if zeros > half // 2:
            kind = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
            return _strict(data, kind, name), kind
    try:
        return data.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        column = error.start - data.rfind(b"\n", 0, error.start)
        where = f"{name} line {line}: byte 0x{byte:02x} at position {column} is not UTF-8"
        text = _western(data)
        if text is None:
            fix = "save the file as UTF-8, or name its encoding, as in encoding='gb18030'"
            raise DatasetError(f"{where}; {fix}") from error
        return text, "cp1252"


def _strict(data: bytes, encoding: str, name: str) -> str:
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{name}: is not {encoding.upper()} ({error}); save the file as UTF-8") from error


def _western(data: bytes) -> str | None:
    """The text as cp1252, if it looks like it: single letters with accents among plain ones, not runs of them."""
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        return None
    runs = re.findall(r"[^\x00-\x7f]+", text)
    single = sum(len(run) == 1 for run in runs)
    return text if single >= 0.7 * len(runs) else None


_BLOCK = 1 << 14


def lines(text: str) -> Iterator[str]:
    """The lines of a text with any of the three line ends, without them."""
    place, end = 0, len(text)
    while place < end:  # in blocks, because a list of all lines outweighs the text
        stop = text.find("\n", place + _BLOCK)
        block = text[place:] if stop < 0 else text[place:stop]
        place = end if stop < 0 else stop + 1
        found = block.split("\n") if "\r" not in block else _LINE_END.split(block.removesuffix("\r"))
        if place >= end and not found[-1]:
            found.pop()
        yield from found


@dataclass(frozen=True)
class Shape:
    """How the rows of a text table are to be cut."""

    separator: str
    loose: bool = False
    """Two columns whose second is all the rest of a line; quotes are part of it unless they enclose all of it."""
    escapes: bool = False
    """Labels stand in quotes with a backslash before a quote within, as ICDAR writes them."""
    literal: bool = False
    """Quotes are characters like others."""
    image_last: bool = False
    """The label comes first."""


UNREADABLE = ["\0"]
"""Stands for a row whose quotes cannot be read."""


def cells(text: Text, shape: Shape) -> Iterator[tuple[int, list[str]]]:
    """Each row's cells with the line it begins on; lines without anything are passed over."""
    if shape.loose or shape.literal or '"' not in text.text:
        yield from _by_line(text, shape)
    else:
        yield from _quoted(text, shape.separator)


def _by_line(text: Text, shape: Shape) -> Iterator[tuple[int, list[str]]]:
    separator = shape.separator
    loose, blank = shape.loose, shape.separator == " "
    for number, line in enumerate(lines(text.text), start=text.first_line):
        if not line.strip():
            continue
        if loose and shape.image_last:
            label, found, name = line.rpartition(separator)
            yield number, [_loose(label.rstrip(" \t"), shape), name.strip()] if found else [line.strip()]
        elif loose:
            name, found, rest = line.strip(" ").partition(separator) if blank else line.partition(separator)
            if blank and found:  # blanks at the end belong to the label
                rest = line.lstrip(" ").partition(separator)[2]
            yield number, [name.strip(), _loose(rest.lstrip(" \t"), shape)] if found else [line.strip()]
        elif blank:
            yield number, line.split()
        else:
            row = line.split(separator)
            if " " in line:
                row = [c.strip(" ") for c in row[:-1]] + [row[-1].lstrip(" ")]
            yield number, row


_ESCAPE = re.compile(r'\\(["\\])')


def _loose(cell: str, shape: Shape) -> str:
    if shape.literal:
        return cell
    inner = cell.rstrip(" \t")
    if len(inner) > 1 and inner[0] == inner[-1] == '"':
        body = inner[1:-1]
        if shape.escapes:
            return Quoted(body.replace('""', '"') if '""' in body else _ESCAPE.sub(r"\1", body))
        if '"' not in body.replace('""', ""):
            return Quoted(body.replace('""', '"'))
    return cell


def _quoted(text: Text, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Rows by the rules of CSV (RFC 4180), telling quoted cells from bare ones."""
    s = re.escape(separator)
    pattern = re.compile(rf'[ ]*"((?:[^"]|"")*)"[ ]*(?={s}|[\r\n]|\Z)|([^\r\n{s}"]*)(?={s}|[\r\n]|\Z)')
    content, place, line, end = text.text, 0, text.first_line, len(text.text)
    while place < end:
        row: list[str] = []
        begins = line
        while (match := pattern.match(content, place)) is not None:
            if match[1] is not None:
                row.append(Quoted(match[1].replace('""', '"')))
                line += len(_LINE_END.findall(match[1]))
            else:
                row.append(match[2])
            place = match.end()
            if place >= end or content[place] != separator:
                break
            place += 1
        if match is None:  # read on at the next line
            row = UNREADABLE
            found = _LINE_END.search(content, place)
            place = found.start() if found else end
        place += 2 if content.startswith("\r\n", place) else 1
        line += 1
        if len(row) > 1 or row[0].strip():
            last = len(row) - 1
            yield (
                begins,
                [
                    c if isinstance(c, Quoted) else c.lstrip(" ") if i == last else c.strip(" ")
                    for i, c in enumerate(row)
                ],
            )
