"""What a finding is: a table, a sentence, and a readable face in a notebook."""

from abc import ABC, abstractmethod
from html import escape
from typing import Any

import pandas as pd

ROWS_SHOWN = 30
MISSING = "–"


class Result(ABC):
    """A finding. `table` holds its numbers, `explain` says them in words with their interval and assumption."""

    table: pd.DataFrame

    @abstractmethod
    def explain(self) -> str:
        """The finding in plain words; one sentence for each thing found."""

    @property
    def note(self) -> str:
        """What a reader of the table alone has to know: for what its intervals hold, and what was left out."""
        return ""

    def __repr__(self) -> str:
        table = self._excerpt().to_string(index=False, na_rep=MISSING)
        return "\n\n".join(filter(None, (self.explain(), table, self._footnote())))

    def _repr_html_(self) -> str:
        sentences = "".join(f"<p>{escape(line)}</p>" for line in self.explain().splitlines())
        table = with_ends_below(self._excerpt()).to_html(index=False, border=0, escape=False)
        note = self._footnote()
        small = f'<small style="opacity:.75">{escape(note)}</small>' if note else ""
        return f'<div>{sentences}<div style="overflow-x:auto;white-space:nowrap">{table}</div>{small}</div>'

    def _excerpt(self) -> pd.DataFrame:
        """The rows that are shown: a long table is for a program to read."""
        return self.table.head(ROWS_SHOWN)

    def _footnote(self) -> str:
        missing = f"{MISSING} stands for what these data do not determine." if self.table.isna().any(axis=None) else ""
        hidden = len(self.table) - len(self._excerpt())
        rest = f"{hidden:,} more rows are in .table." if hidden else ""
        return " ".join(filter(None, (self.note, missing, rest)))


def with_ends_below(table: pd.DataFrame) -> pd.DataFrame:
    """A table as HTML cells, each figure with its interval small below it instead of in two columns of its own."""
    ends = {name: (f"{name}_low", f"{name}_high") for name in table.columns}
    ends["value"] = ("low", "high") if "low" in table.columns else ends.get("value", ("", ""))
    ends = {name: pair for name, pair in ends.items() if name in table.columns and {*pair} <= {*table.columns}}
    below = {end for pair in ends.values() for end in pair}
    shown = pd.DataFrame(index=table.index)
    for name in table.columns:
        if name not in below:
            cells = [_cell(value) for value in table[name].tolist()]
            if name in ends:
                pairs = zip(*(table[end].tolist() for end in ends[name]), strict=True)
                cells = [cell + _interval(*pair) for cell, pair in zip(cells, pairs, strict=True)]
            shown[escape(str(name))] = pd.Series(cells, table.index, dtype=object)
    return shown


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return MISSING if value != value else f"{value:.4g}".replace("inf", "∞")  # noqa: PLR0124 -- NaN
    return f"{value:,}" if isinstance(value, int) else escape(str(value))


def _interval(low: Any, high: Any) -> str:
    both = f"[{_cell(low)}, {_cell(high)}]"
    return "" if both == f"[{MISSING}, {MISSING}]" else f'<br><small style="opacity:.75">{both}</small>'


def percent(share: float, digits: int = 1) -> str:
    """A share as a reader says it: ``93.2 %``; ``unknown`` for NaN."""
    return "unknown" if share != share else f"{100 * share:.{digits}f} %"  # noqa: PLR0124 -- NaN


def points(difference: float, digits: int = 1) -> str:
    """A difference of shares in percentage points, with its sign."""
    return "unknown" if difference != difference else f"{100 * difference:+.{digits}f}"  # noqa: PLR0124 -- NaN


def confidence(confidence_level: float) -> str:
    """A level as ``95 %``, with no more digits than it needs."""
    return f"{100 * confidence_level:g} %"
