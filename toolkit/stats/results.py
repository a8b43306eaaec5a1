"""What a finding is: a table, a sentence, and a readable face in a notebook."""

from abc import ABC, abstractmethod
from html import escape

import pandas as pd

ROWS_SHOWN = 30


class Result(ABC):
    """A finding. `table` holds its numbers, `explain` says them in words with their interval and assumption."""

    table: pd.DataFrame

    @abstractmethod
    def explain(self) -> str:
        """The finding in plain words; one sentence for each thing found."""

    def __repr__(self) -> str:
        return f"{self.explain()}\n\n{self.table.to_string(index=False, max_rows=ROWS_SHOWN)}"

    def _repr_html_(self) -> str:
        sentences = "".join(f"<p>{escape(line)}</p>" for line in self.explain().splitlines())
        table = self.table.to_html(
            index=False, border=0, max_rows=ROWS_SHOWN, na_rep="–", float_format=lambda x: f"{x:.4g}"
        )
        return f"<div>{sentences}{table}</div>"


def percent(share: float, digits: int = 1) -> str:
    """A share as a reader says it: ``93.2 %``; ``unknown`` for NaN."""
    return "unknown" if share != share else f"{100 * share:.{digits}f} %"  # noqa: PLR0124 -- NaN


def points(difference: float, digits: int = 1) -> str:
    """A difference of shares in percentage points, with its sign."""
    return "unknown" if difference != difference else f"{100 * difference:+.{digits}f}"  # noqa: PLR0124 -- NaN


def confidence(level: float) -> str:
    """A level as ``95 %``, with no more digits than it needs."""
    return f"{100 * level:g} %"
