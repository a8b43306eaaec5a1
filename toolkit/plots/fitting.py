"""Which figures a run's data can fill."""

from collections.abc import Callable
from typing import Any

import pandas as pd

_NOT_TAGS = frozenset({"stage", "asked"})


def fitting(outcomes: pd.DataFrame) -> list[str]:
    """Names of the figures that these outcomes have something to show in, the most telling first.

    What a figure draws may be a finding of `tk.stats` rather than the outcomes themselves; its docstring says which.
    `probe_plans` is about runs that are still to come and `concurrency` about attempts, so neither is listed.
    """
    return [name for name, fits in _FITS.items() if len(outcomes) and fits(outcomes)]


def _known(outcomes: pd.DataFrame, column: str) -> bool:
    return column in outcomes.columns and bool(outcomes[column].notna().any())


def _answered(outcomes: pd.DataFrame) -> "pd.Series[bool]":
    return outcomes["outcome"].isin(["correct", "wrong"])


def _timed(outcomes: pd.DataFrame) -> bool:
    return _known(outcomes[_answered(outcomes)], "latency_s")


def _confident(outcomes: pd.DataFrame) -> bool:
    """Whether some setting gives different answers different confidences."""
    if "confidence" not in outcomes.columns:
        return False
    answers = outcomes[_answered(outcomes)]
    return bool((answers.groupby("setting", observed=True)["confidence"].nunique() > 1).any())


def _probable(outcomes: pd.DataFrame) -> bool:
    """Whether some setting's confidences may be probabilities."""
    return _confident(outcomes) and bool(outcomes["confidence"].dropna().between(0, 1).all())


def _priced(outcomes: pd.DataFrame) -> bool:
    """Whether some setting's cost is known in all its trials, and is not nought for all of them."""
    if "cost_usd" not in outcomes.columns:
        return False
    cost = outcomes.groupby("setting", observed=True)["cost_usd"].agg(lambda column: column.sum(skipna=False))
    return bool((cost > 0).any())


def _compared(outcomes: pd.DataFrame) -> bool:
    return outcomes["setting"].nunique() > 1


def _misread(outcomes: pd.DataFrame) -> bool:
    return {"target", "text"} <= set(outcomes.columns) and bool((outcomes["outcome"] == "wrong").any())


def _lengths(outcomes: pd.DataFrame) -> bool:
    return "edits" in outcomes.columns and _known(outcomes, "target_length") and outcomes["target_length"].nunique() > 1


def _tagged(outcomes: pd.DataFrame) -> bool:
    from toolkit.frames import OUTCOMES

    known = {column.name for column in OUTCOMES} | _NOT_TAGS
    return any(1 < outcomes[name].nunique() <= 30 for name in outcomes.columns if name not in known)


def _dated(outcomes: pd.DataFrame) -> bool:
    return "started_at" in outcomes.columns and outcomes["started_at"].nunique() > 1


_FITS: dict[str, Callable[[Any], bool]] = {
    "accuracy_cost": _priced,
    "accuracy_latency": _timed,
    "forest": _compared,
    "threshold_curve": _confident,
    "risk_coverage": _confident,
    "utility_curve": _confident,
    "reliability": _probable,
    "confusions": _misread,
    "accuracy_by_length": _lengths,
    "accuracy_by": _tagged,
    "latency_ecdf": _timed,
    "latency_quantiles": _timed,
    "drift": _dated,
}
