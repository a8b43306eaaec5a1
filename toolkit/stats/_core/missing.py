"""Why a figure is missing: what is undefined is never 0 or 1, and a reader should not have to guess the reason."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from toolkit.errors import DatasetError
from toolkit.stats._core.intervals import quantile_interval

_QUANTILES = {"latency_p50_s": 0.5, "latency_p95_s": 0.95}
_ERROR_RATES = ("cer_micro", "cer_macro", "ned", "cer_micro_all")


def why_missing(table: pd.DataFrame) -> pd.DataFrame:
    """The missing figures of a summary or of a threshold curve's table, one row each, with the reason in words.

    Columns: those that name the table's rows (setting and slice, or threshold), ``figure``, ``reason``. An end of
    an interval is listed where its figure is known and the end is not. `DatasetError` for another table.
    """
    if {"setting", "images", "answered"} <= set(table.columns):
        keys = list(table.columns[: table.columns.get_loc("images")])
        reason = _of_summary
    elif {"threshold", "accepted"} <= set(table.columns):
        keys, reason = ["threshold"], _of_curve
    else:
        raise DatasetError("why_missing takes the frame of toolkit.stats.summary or the table of thresholds")
    confidence_level = float(table.attrs.get("confidence_level", 0.95))
    figures = [name for name in table.columns if name not in keys]
    rows = [
        (*(row[key] for key in keys), name, reason(row, name, confidence_level))
        for row in table.to_dict("records")
        for name in _missing(row, figures)
    ]
    return pd.DataFrame(rows, columns=[*keys, "figure", "reason"])


def _missing(row: dict[Any, Any], figures: list[str]) -> Iterator[str]:
    for name in figures:
        value = row[name]
        if isinstance(value, float) and np.isnan(value):
            figure = name.removesuffix("_low").removesuffix("_high")
            known = figure == name or not np.isnan(row.get(figure, np.nan))
            if known:
                yield name


def _of_summary(row: dict[Any, Any], name: str, confidence_level: float) -> str:
    figure = name.removesuffix("_low").removesuffix("_high")
    if figure.startswith("cost"):
        return _of_cost(row, figure, name)
    if figure == "flip_rate":
        return "no image was read twice"
    if row["answered"] == 0 and figure not in ("accuracy_all", "accuracy_normalised", "coverage", "availability"):
        return "nothing was answered"
    if row["trials"] == row["errors"]:
        return "every trial ended in an error" if row["trials"] else "there are no trials"
    if figure in _QUANTILES:
        if np.isnan(row[figure]):
            return "the outcomes have no latency_s"
        least = answers_needed(_QUANTILES[figure], confidence_level)
        return f"fewer than {least} answers leave this end unknown, whatever the distribution"
    if figure in _ERROR_RATES:
        if name != figure:
            return "the images do not vary, so they do not tell what others would show"
        return "the outcomes have no edits and target_length (or ned), or all targets are empty"
    if figure == "lagged":
        return "the outcomes have no client_lag_s"
    return "the outcomes lack the column that this is made of"


def _of_cost(row: dict[Any, Any], figure: str, name: str) -> str:
    if row.get("cost_unknown", 0):
        return f"the cost of {row['cost_unknown']:,.0f} trials is unknown"
    if figure == "cost_per_correct_usd" and row["correct"] == 0:
        return "nothing was read right"
    return "there are no trials" if name == figure else "too few images to bound the price"


def _of_curve(row: dict[Any, Any], name: str, confidence_level: float) -> str:  # noqa: ARG001 -- one call for both tables
    if row["accepted"] == 0:
        return "nothing is accepted at this threshold"
    if name.startswith("cost_per_correct_usd"):
        if row.get("correct", 0) == 0:
            return "nothing that is accepted is right"
        return "prices differ from call to call, so the right share does not bound them"
    if name == "recall_correct":
        return "nothing is right at any threshold"
    if name == "utility":
        return "the latency at this setting is unknown"
    return "the outcomes lack the column that this is made of"


def answers_needed(quantile: float, confidence_level: float = 0.95) -> int:
    """Fewest values that bound a quantile on both sides: 6 for the median, 72 for p95 at 95 %."""
    n = 1
    while np.isnan(quantile_interval(np.arange(n, dtype=np.float64), quantile, confidence_level)).any():
        n += 1
    return n
