"""Which figures a run's data can fill, and why not the others."""

from collections.abc import Callable
from typing import Any

import pandas as pd

_NOT_TAGS = frozenset({"stage", "asked"})
_MOST_SLICES = 30
_TELLING = 10_000


def fitting(outcomes: pd.DataFrame) -> list[str]:
    """Names of the figures that these outcomes have something to show in, the most telling first.

    What a figure draws may be a finding of `tk.stats` rather than the outcomes themselves; its docstring says which.
    `probe_plans` is about runs that are still to come and `concurrency` about attempts, so neither is listed.
    """
    return [name for name in _FITS if why_not(name, outcomes) is None]


def why_not(figure: str, outcomes: pd.DataFrame) -> str | None:
    """What a figure would need that these outcomes do not have; None where it fits. KeyError for an unknown name."""
    fits, needs = _FITS[figure]
    if not len(outcomes):
        return "there are no outcomes yet"
    return None if fits(outcomes) else needs


def tags(outcomes: pd.DataFrame) -> list[str]:
    """Columns of the dataset's own that have 2 to 30 values, by which a figure can be sliced."""
    from toolkit.schema import OUTCOMES

    known = {column.name for column in OUTCOMES} | _NOT_TAGS
    return [str(name) for name in outcomes if name not in known and _has_slices(outcomes[name])]


def _has_slices(tag: "pd.Series[Any]") -> bool:
    """Whether a tag has so many values; of one that differs from image to image, the first thousands tell."""
    return tag.iloc[:_TELLING].nunique() <= _MOST_SLICES and 1 < tag.nunique() <= _MOST_SLICES


def confident_settings(outcomes: pd.DataFrame) -> list[str]:
    """Settings that give different answers different confidences, in the order of the frame."""
    if "confidence" not in outcomes.columns:
        return []
    # Two columns and their ends: of millions of rows a copy of all columns, or their different values, take seconds.
    answers = outcomes.loc[_answered(outcomes), ["setting", "confidence"]]
    confidence = answers.groupby("setting", observed=True, sort=False)["confidence"]
    several = (confidence.min() < confidence.max()).fillna(False).astype(bool)  # nullable numbers compare as missing
    return [str(label) for label in several.index[several]]


def _varies(outcomes: pd.DataFrame, column: str) -> bool:
    return (
        column in outcomes.columns
        and bool(outcomes[column].notna().any())
        and bool(outcomes[column].min() < outcomes[column].max())
    )


def _answered(outcomes: pd.DataFrame) -> "pd.Series[bool]":
    return outcomes["outcome"].isin(["correct", "wrong"])


def _timed(outcomes: pd.DataFrame) -> bool:
    return "latency_s" in outcomes.columns and bool((outcomes["latency_s"].notna() & _answered(outcomes)).any())


def _confident(outcomes: pd.DataFrame) -> bool:
    return bool(confident_settings(outcomes))


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
    return "edits" in outcomes.columns and _varies(outcomes, "target_length")


def _tagged(outcomes: pd.DataFrame) -> bool:
    return bool(tags(outcomes))


def _dated(outcomes: pd.DataFrame) -> bool:
    return _varies(outcomes, "started_at")


_NO_CONFIDENCE = "no setting gives different answers different confidences"
_NO_TIME = "no answer has a latency"

_FITS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "accuracy_cost": (_priced, "no setting has a known price above 0 for all its trials"),
    "accuracy_latency": (_timed, _NO_TIME),
    "forest": (_compared, "there is one setting only, and nothing to compare it with"),
    "threshold_curve": (_confident, _NO_CONFIDENCE),
    "risk_coverage": (_confident, _NO_CONFIDENCE),
    "utility_curve": (_confident, _NO_CONFIDENCE),
    "reliability": (_probable, f"{_NO_CONFIDENCE}, or some are outside 0 to 1 and no probabilities"),
    "confusions": (_misread, "no answer is wrong"),
    "accuracy_by_length": (_lengths, "all targets have one length"),
    "accuracy_by": (_tagged, f"no tag of the images has 2 to {_MOST_SLICES} values"),
    "latency_ecdf": (_timed, _NO_TIME),
    "latency_quantiles": (_timed, _NO_TIME),
    "drift": (_dated, "the trials have no times, or one only"),
}
