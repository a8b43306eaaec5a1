r"""Text that a spreadsheet would run: made harmless for CSV files, and brought back from them.

A program that opens a CSV file takes a cell that begins with ``=``, ``+``, ``-`` or ``@`` (also in their full-width
forms), or with a tab or line end before them, for a formula, which may start programs or send cells away; what a
provider read is a stranger's text. The advice of OWASP ("CSV Injection") is to put an apostrophe before it. A
program set to another separator than the comma also splits a cell at that separator, so what stands behind one is
treated alike.
"""

import re

import pandas as pd

_SIGN = "[=+\\-@\uff1d\uff0b\uff0d\uff20]"  # the last four: full-width forms, which some programs take for the same
_BEGIN = r"(?:^|(?<=[,;|\t\r\n]))"
_RISKY = re.compile(rf"{_BEGIN}(?=[ \"']*{_SIGN})|^(?=[ \"']*[\t\r\n])")
_HARMLESS = re.compile(rf"{_BEGIN}'(?=[ \"']*{_SIGN})|^'(?=[ \"']*[\t\r\n])")


def harmless(texts: "pd.Series[str]") -> "pd.Series[str]":
    """The texts with an apostrophe wherever a spreadsheet might begin to read a formula."""
    return texts.str.replace(_RISKY, "'", regex=True)


def original(texts: "pd.Series[str]") -> "pd.Series[str]":
    """What `harmless` was given: every apostrophe that it added is gone, and no other."""
    return texts.str.replace(_HARMLESS, "", regex=True)
