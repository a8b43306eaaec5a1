"""The set of characters that a label is written with."""

import re

_CHARSETS = (
    ("digits", re.compile(r"[0-9]+")),
    ("lower", re.compile(r"[a-z]+")),
    ("upper", re.compile(r"[A-Z]+")),
    ("letters", re.compile(r"[A-Za-z]+")),
    ("alphanumeric", re.compile(r"[0-9A-Za-z]+")),
    ("ascii", re.compile(r"[\x21-\x7e]+")),
    ("unicode", re.compile(r".+", re.DOTALL)),
)


def charset(target: str | None) -> str | None:
    """The smallest set of characters that holds a label, blanks aside.

    One of ``digits``, ``lower``, ``upper``, ``letters``, ``alphanumeric``, ``ascii``, ``unicode``, or ``blank``
    for a label without a mark on the page; None where there is no label.
    """
    if target is None:
        return None
    marks = "".join(target.split())
    return next((name for name, pattern in _CHARSETS if pattern.fullmatch(marks)), "blank")
