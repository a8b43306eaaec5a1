"""What counts as the same text: Unicode forms, white space, case, and a user's own rules, in a fixed order."""

import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from toolkit.errors import DatasetError, SettingError

if TYPE_CHECKING:
    import pandas as pd

Texts: TypeAlias = "Sequence[str | None] | pd.Series[Any] | NDArray[Any]"
"""A column of texts; None, NaN and pandas' NA stand for "no answer"."""

Whitespace = Literal["keep", "strip", "collapse", "delete"]

# Stands between texts that are normalised in one piece. It composes with no character, has no case and is not
# white space, so that no step reaches across it.
_BETWEEN = "\0"

LONG = 100_000
"""Characters from which on a table of all that exist is filled faster than a set of those that occur."""

# Format characters that are drawn: they enclose or precede the digits or word that follow.
_VISIBLE_FORMAT = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")


@dataclass(frozen=True, slots=True)
class Normaliser:
    """The differences between two texts that are not to count. Steps run in the order of the parameters.

    Line ends of all kinds count as one, and NFC comes first, always: an accent typed in one piece or in two is one
    character. NFC or NFKC runs once more after
    `casefold`, because removing and folding leave marks to be composed again.

    Parameters
    ----------
    nfkc : bool, default False
        Fold compatibility forms too, which changes content: superscript 2 becomes 2, the ligature fi two letters.
    invisible : bool, default False
        Remove zero-width, format and control characters.
    whitespace : {"keep", "strip", "collapse", "delete"}, default "keep"
        Keep white space, strip it at both ends, also collapse it to single blanks inside, or delete it.
    casefold : bool, default False
        Compare without case (ß equals ss).
    replace : tuple of pairs of str, default ()
        Texts to substitute, in turn.
    alphabet : str or None, default None
        Drop every character that is not in it.

    Raises
    ------
    SettingError
        For an unknown `whitespace` or an empty text to replace.

    References
    ----------
    Unicode Standard Annex #15, Unicode Normalization Forms.

    Examples
    --------
    >>> from toolkit.metrics import Normaliser
    >>> Normaliser(whitespace="delete", casefold=True)("A 7k")
    'a7k'
    """

    nfkc: bool = False
    invisible: bool = False
    whitespace: Whitespace = "keep"
    casefold: bool = False
    replace: tuple[tuple[str, str], ...] = ()
    alphabet: str | None = None

    def __post_init__(self) -> None:
        if self.whitespace not in ("keep", "strip", "collapse", "delete"):
            raise SettingError(f"whitespace={self.whitespace!r} is not one of keep, strip, collapse, delete")
        if any(old in ("", _BETWEEN) for old, _ in self.replace):
            raise SettingError("replace has a pair whose first text is empty; drop it, an empty text is everywhere")

    @property
    def name(self) -> str:
        """The steps in order, such as ``nfkc+invisible+collapse+casefold``: what a result is stored with."""
        pairs = ", ".join(f"{old!r}: {new!r}" for old, new in self.replace)
        steps = (
            "nfkc" if self.nfkc else "nfc",
            "invisible" if self.invisible else "",
            self.whitespace if self.whitespace != "keep" else "",
            "casefold" if self.casefold else "",
            f"replace({pairs})" if pairs else "",
            f"alphabet({self.alphabet!r})" if self.alphabet is not None else "",
        )
        return "+".join(filter(None, steps))

    def __str__(self) -> str:
        return self.name

    def __call__(self, text: str) -> str:
        """The normal form of one text."""
        return self._normal(text, between="")

    def apply(self, texts: Texts) -> list[str | None]:
        """The normal forms of a column, None where there is no text. `DatasetError` for what is not text."""
        given, joined = _listed(texts)
        if joined.count(_BETWEEN) != max(len(given) - 1, 0):  # a text contains the separator itself
            return [None if text is None else self(text) for text in given]
        normal = self._normal(joined, between=_BETWEEN)
        if normal is joined:
            return given
        parts: list[str | None] = list(normal.split(_BETWEEN))
        return (
            [None if text is None else part for text, part in zip(given, parts, strict=True)]
            if None in given
            else parts
        )

    def _normal(self, text: str, *, between: str) -> str:
        """The normal form of one text, or of several with `between` between them."""
        form: Literal["NFKC", "NFC"] = "NFKC" if self.nfkc else "NFC"
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        composed = text.isascii()  # what is ASCII has one form only, and stays ASCII in all steps
        if not composed:
            text = unicodedata.normalize(form, text)
        if self.invisible:
            text = _without_invisible(text, between)
        if self.whitespace != "keep" and text.split(None, 1) != [text]:
            text = _tidied(text, self.whitespace, between)
        if self.casefold:
            text = text.casefold()
        if not composed and (self.invisible or self.casefold):
            text = unicodedata.normalize(form, text)
        for old, new in self.replace:
            text = text.replace(old, new)
        if self.alphabet is not None:
            text = re.sub(f"[^{re.escape(self.alphabet + between)}]", "", text) if self.alphabet + between else ""
        return text


STRICT = Normaliser()
"""Every character counts."""

RELAXED = Normaliser(nfkc=True, invisible=True, whitespace="collapse", casefold=True)
"""Neither case nor spacing counts, nor how a character is encoded."""


def _listed(texts: Texts) -> tuple[list[str | None], str]:
    """A column as a list of str or None, and all of it in one piece.

    One long text is worked on at the speed of C where a million short ones would run at the interpreter's.
    """
    values: list[Any] = texts.tolist() if hasattr(texts, "tolist") else list(texts)
    try:
        return values, _BETWEEN.join(values)
    except TypeError:
        if not set(map(type, values)) <= {str, NoneType}:
            values = [_text_or_none(value, row) for row, value in enumerate(values)]
        return values, _BETWEEN.join([value or "" for value in values])


def _text_or_none(value: object, row: int) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if type(value).__name__ == "NAType" or (isinstance(value, float) and value != value):  # noqa: PLR0124 -- NaN
        return None
    raise DatasetError(f"row {row}: {value!r} is no text; read the column with dtype=str, so that 007 stays 007")


def _is_invisible(character: str) -> bool:
    category = unicodedata.category(character)
    if category == "Cc":
        return not character.isspace()  # tabs and line breaks are for the white-space step to decide on
    return (category == "Cf" and character not in _VISIBLE_FORMAT) or "\ufe00" <= character <= "\ufe0f"


_ASCII_INVISIBLE = {code: None for code in range(128) if _is_invisible(chr(code))}


def _without_invisible(text: str, keep: str) -> str:
    removed = _ASCII_INVISIBLE if text.isascii() else {ord(c): None for c in _characters(text) if _is_invisible(c)}
    if keep:
        removed = {code: None for code in removed if code != ord(keep)}
    return text.translate(removed) if removed else text


def _tidied(text: str, whitespace: Whitespace, between: str) -> str:
    """One text, or several with `between` between them, which are each stripped at their own ends."""
    if whitespace == "strip":
        return between.join([part.strip() for part in text.split(between)]) if between else text.strip()
    if not between:
        return (" " if whitespace == "collapse" else "").join(text.split())
    for character in _characters(text):
        if character.isspace() and (character != " " or whitespace == "delete"):
            text = text.replace(character, " " if whitespace == "collapse" else "")
    while "  " in text:
        text = text.replace("  ", " ")
    return text.replace(f" {between}", between).replace(f"{between} ", between).strip(" ")


def _characters(text: str) -> Iterable[str]:
    """The distinct characters of a text."""
    if len(text) < LONG:
        return set(text)
    seen = np.zeros(sys.maxunicode + 1, np.bool_)
    seen[np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)] = True
    return map(chr, np.flatnonzero(seen).tolist())
