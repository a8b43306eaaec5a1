"""What a finding is: a table, a sentence, and a readable face in a notebook."""

from abc import ABC, abstractmethod
from typing import Any

import pandas as pd
from markupsafe import Markup

from toolkit.metrics.html_table import Cell, Side, html_table, said, stacked

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
        words = stacked(Markup("<p>{}</p>").format(said(line)) for line in self.explain().splitlines())
        shown = with_ends_below(self._excerpt())
        columns: dict[str, Side] = {
            str(name): "left" if pd.api.types.is_string_dtype(self.table[name]) else "right" for name in shown.columns
        }
        table = html_table(columns, shown.to_numpy(object).tolist(), foot=self._footnote())
        return Markup("<div>{}{}</div>").format(words, table)

    def _excerpt(self) -> pd.DataFrame:
        """The rows that are shown: a long table is for a program to read."""
        return self.table.head(ROWS_SHOWN)

    def _footnote(self) -> str:
        missing = f"{MISSING} stands for what these data do not determine." if self.table.isna().any(axis=None) else ""
        hidden = len(self.table) - len(self._excerpt())
        rest = f"{hidden:,} more rows are in .table." if hidden else ""
        return " ".join(filter(None, (self.note, missing, rest)))


def with_ends_below(table: pd.DataFrame) -> pd.DataFrame:
    """A table as cells to be shown, each figure with its interval small below it instead of in two columns of its own."""
    ends = {name: (f"{name}_low", f"{name}_high") for name in table.columns}
    ends["value"] = ("low", "high") if "low" in table.columns else ends.get("value", ("", ""))
    ends = {name: pair for name, pair in ends.items() if name in table.columns and {*pair} <= {*table.columns}}
    below = {end for pair in ends.values() for end in pair}
    shown = pd.DataFrame(index=table.index)
    for name in table.columns:
        if name not in below:
            pairs = zip(*(table[end].tolist() for end in ends.get(name, ())), strict=True)
            intervals = [_interval(*pair) for pair in pairs] or [""] * len(table)
            cells = [Cell(_text(value), low) for value, low in zip(table[name].tolist(), intervals, strict=True)]
            shown[name] = pd.Series(cells, table.index, dtype=object)
    return shown


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return MISSING if value != value else f"{value:.4g}".replace("inf", "∞")  # noqa: PLR0124 -- NaN
    return f"{value:,}" if isinstance(value, int) else MISSING if value is None or value is pd.NA else str(value)


def _interval(low: Any, high: Any) -> str:
    both = f"[{_text(low)}, {_text(high)}]"
    return "" if both == f"[{MISSING}, {MISSING}]" else both


def percent(share: float, digits: int = 1) -> str:
    """A share as a reader says it: ``93.2 %``; ``unknown`` for NaN."""
    return "unknown" if share != share else f"{100 * share:.{digits}f} %"  # noqa: PLR0124 -- NaN


def points(difference: float, digits: int = 1) -> str:
    """A difference of shares in percentage points, with its sign."""
    return "unknown" if difference != difference else f"{100 * difference:+.{digits}f}"  # noqa: PLR0124 -- NaN


def confidence(confidence_level: float) -> str:
    """A level as ``95 %``, with no more digits than it needs."""
    return f"{100 * confidence_level:g} %"
