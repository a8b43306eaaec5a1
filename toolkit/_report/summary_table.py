"""How a summary is put before people: the same few columns as text on a terminal and as HTML in a notebook."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from toolkit.metrics.html_table import Cell, Side, html_table
from toolkit.plots.naming import short_labels

_SHARES = {
    "accuracy": "accuracy_all",
    "of answers": "accuracy_answered",
    "normalised": "accuracy_normalised",
}
_MISSING = "–"
_LATE_SHARE = 0.05
_RESAMPLES = 1_999


def leaderboard(summary: pd.DataFrame) -> pd.DataFrame:
    """A summary for reading: best accuracy first, every figure as text with its 95 % interval.

    Accuracy counts images without an answer as not correct; `of answers` leaves them out; `normalised` forgives
    case, width and spacing. A dash stands for a figure that these data do not determine.
    """
    ranked = summary.sort_values("accuracy_all", ascending=False, kind="stable", na_position="last")
    keys = list(summary.columns[: summary.columns.get_loc("images")])
    rows = [
        {
            **{key: str(row[key]) for key in keys},
            "images": f"{row['images']:,}",
            **{name: _share(row, column) for name, column in _SHARES.items()},
            "CER": _number(row["cer_micro"], ".3f"),
            "p50 ms": _milliseconds(row, "latency_p50_s"),
            "p95 ms": _milliseconds(row, "latency_p95_s"),
            "errors": f"{row['errors']:,}",
            "cost USD": _number(row["cost_usd"], ".4f"),
        }
        for row in ranked.to_dict("records")
    ]
    return pd.DataFrame(rows)


def caution(summary: pd.DataFrame) -> str | None:
    """A sentence for those settings whose latencies should not be ranked, or None."""
    late = summary.loc[summary["lagged"] > _LATE_SHARE, "setting"].unique().tolist()
    if not late:
        return None
    return (
        f"This machine itself ran late by more than 10 ms in over {_LATE_SHARE:.0%} of the answers of "
        f"{', '.join(late)}: do not rank by latency, or measure again with fewer in flight."
    )


def ties(outcomes: pd.DataFrame) -> str | None:
    """A sentence on which ranks these images do not tell apart, or None where there is one setting at most."""
    from toolkit.stats import tie_groups

    if outcomes["setting"].nunique() < 2:
        return None
    return tie_groups(outcomes, n_resamples=_RESAMPLES).explain()


def as_text(table: pd.DataFrame, width: int | None = None) -> str:
    """A table for a terminal of so many columns; what does not fit goes below."""
    return "Nothing was read yet." if table.empty else table.to_string(index=False, line_width=width)


def as_html(table: pd.DataFrame, title: str, facts: Mapping[str, str]) -> str:
    """A table for a notebook, an interval small below its figure, which keeps the table within a notebook's width."""
    columns: dict[str, Side] = {str(name): "left" if name == "setting" else "right" for name in table.columns}
    short = short_labels(map(str, table["setting"])) if "setting" in table else {}
    rows = [
        [Cell(short[str(value)]) if name == "setting" else _cell(str(value)) for name, value in row.items()]
        for row in table.to_dict("records")
    ]
    return html_table(columns, rows, title=title, foot=" · ".join(f"{name} {value}" for name, value in facts.items()))


def _cell(value: str) -> Cell:
    figure, bracket, interval = value.partition(" [")
    return Cell(figure, f"[{interval}" if bracket else "")


def _share(row: Mapping[Any, Any], column: str) -> str:
    """``91.2 % [88.1, 93.6]``."""
    if math.isnan(row[column]):
        return _MISSING
    low, high = row[f"{column}_low"], row[f"{column}_high"]
    return f"{row[column]:.1%} [{100 * low:.1f}, {100 * high:.1f}]".replace("%", " %", 1)


def _milliseconds(row: Mapping[Any, Any], column: str) -> str:
    """``4.1 [4.0, 4.3]``; an end that too few images leave open is an infinity."""
    if math.isnan(row[column]):
        return _MISSING
    low, high = (1000 * row[f"{column}_{end}"] for end in ("low", "high"))
    digits = ".1f" if 1000 * row[column] < 100 else ".0f"
    return f"{1000 * row[column]:{digits}} [{_number(low, digits, '0')}, {_number(high, digits, '∞')}]"


def _number(value: float, digits: str, missing: str = _MISSING) -> str:
    return missing if math.isnan(value) else f"{value:{digits}}"
