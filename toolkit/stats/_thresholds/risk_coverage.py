"""How well confidence sorts right answers from wrong ones, in one number, whatever the threshold.

All areas are over the answered images, surest first; equal confidences enter together. `augrc` is the one to
read: the mean share of undetected errors over all coverages, at most one half. `aurc` is what papers print, in
two conventions that differ on small data.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from toolkit.stats._core.intervals import FloatArray, normal_quantile
from toolkit.stats._core.results import Result, confidence
from toolkit.stats._core.trials import Errors
from toolkit.stats._thresholds.placement import Confidences, read_confidences

MEANINGS = {
    "augrc": "mean share of images accepted and wrong, over all coverages (generalized risk)",
    "eaugrc": "augrc beyond that of a perfect order",
    "aurc": "mean share wrong of those accepted, over all coverages (trapezoid)",
    "eaurc": "aurc beyond that of a perfect order, in the limit of many images",
    "aurc_mean": "mean share wrong of the surest 1, 2, … n answers (plug-in)",
    "eaurc_mean": "aurc_mean beyond that of a perfect order",
    "auroc": "chance that a right answer is surer than a wrong one",
}
RESAMPLES = 999
GROUPS_DRAWN = 256
"""Confidence groups of the bootstrap: finer ones change the areas by less than their interval's last digit."""


@dataclass(frozen=True, repr=False)
class Areas(Result):
    """One row a measure: ``measure``, ``value`` with its ``low`` and ``high`` end, and its ``meaning``."""

    table: pd.DataFrame
    answers: int
    confidence_level: float
    name: str

    def __getitem__(self, measure: str) -> float:
        """The value of one measure."""
        return float(self.table.set_index("measure")["value"][measure])

    def explain(self) -> str:
        if not self.answers:
            return f"{self.name}: no answers, so confidence sorts nothing."
        row = self.table.iloc[0]
        return (
            f"{self.name}: over all coverages {row['value']:.4f} of the images are accepted and wrong on average "
            f"(augrc; {confidence(self.confidence_level)} interval {row['low']:.4f} to {row['high']:.4f}; {self.answers:,} "
            f"answers); a right answer is surer than a wrong one with a chance of {self['auroc']:.3f}."
        )


def risk_coverage_areas(
    outcomes: pd.DataFrame,
    setting: str | None = None,
    *,
    errors: Errors = "exclude",
    confidence_level: float = 0.95,
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> Areas:
    """Areas under the risk-coverage curves of an engine, with image-bootstrap intervals; NaN below two answers."""
    normal_quantile(confidence_level)
    placement = read_confidences(outcomes, setting, errors)
    right, wrong = _groups(placement)
    n = placement.confidence.size
    found = areas_of(right, wrong)
    low, high = _intervals(right, wrong, confidence_level, n_resamples, seed) if n > 1 else ({}, {})
    rows = [
        (name, float(found[name]), low.get(name, np.nan), high.get(name, np.nan), meaning)
        for name, meaning in MEANINGS.items()
    ]
    table = pd.DataFrame(rows, columns=["measure", "value", "low", "high", "meaning"])
    return Areas(
        table, n, confidence_level, setting or (str(outcomes["setting"].iloc[0]) if len(outcomes) else "no setting")
    )


def areas_of(right: FloatArray, wrong: FloatArray) -> dict[str, FloatArray]:
    """The areas from right and wrong answers in each group of equal confidence, surest first, on the last axis."""
    from scipy.special import digamma

    k, e = np.cumsum(right + wrong, axis=-1), np.cumsum(wrong, axis=-1)
    nothing = np.full(right.shape[:-1], np.nan)
    if right.shape[-1] == 0:
        return dict.fromkeys(MEANINGS, nothing)
    n, m = k[..., -1], e[..., -1]
    k0, e0 = k - (right + wrong), e - wrong
    with np.errstate(invalid="ignore", divide="ignore"):
        r = m / n
        risk = e / k
        first = np.take_along_axis(risk, np.argmax(k > 0, axis=-1)[..., None], axis=-1)
        risk = np.where(k > 0, risk, first)
        before = np.concatenate([first, risk[..., :-1]], axis=-1)
        aurc = np.sum((k - k0) * (risk + before) / 2, axis=-1) / n
        augrc = np.sum((k - k0) * (e + e0) / 2, axis=-1) / n**2
        # Inside a group errors are spread evenly: the sum of e(k) / k over its ranks has a closed form in
        # harmonic numbers.
        slope = np.where(k > k0, (e - e0) / (k - k0), 0.0)
        harmonic = digamma(k + 1) - digamma(k0 + 1)
        aurc_mean = np.sum(slope * (k - k0) + (e0 - slope * k0) * harmonic, axis=-1) / n
        limit = np.where(r < 1, r + (1 - r) * np.log1p(-np.minimum(r, 1 - 1e-16)), 1.0)
        least = (m - (n - m) * (digamma(n + 1) - digamma(n - m + 1))) / n
        above = np.cumsum(right, axis=-1) - right
        auroc = np.sum(wrong * (above + right / 2), axis=-1) / (m * (n - m))
    return {
        "augrc": augrc,
        "eaugrc": augrc - r**2 / 2,
        "aurc": aurc,
        "eaurc": aurc - limit,
        "aurc_mean": aurc_mean,
        "eaurc_mean": aurc_mean - least,
        "auroc": auroc,
    }


def _groups(placement: Confidences) -> tuple[FloatArray, FloatArray]:
    accepted, wrong = placement.counts()
    each = np.diff(accepted[::-1], prepend=0).astype(np.float64)
    wrong_each = np.diff(wrong[::-1], prepend=0).astype(np.float64)
    return each - wrong_each, wrong_each


def _intervals(
    right: FloatArray, wrong: FloatArray, confidence_level: float, n_resamples: int, seed: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Percentiles of the image bootstrap, drawn over at most so many groups and set around the exact value."""
    total = right + wrong
    place = np.minimum((np.cumsum(total) - total) * GROUPS_DRAWN // total.sum(), GROUPS_DRAWN - 1).astype(np.intp)
    merged = (
        [np.bincount(place, x, GROUPS_DRAWN) for x in (right, wrong)] if right.size > GROUPS_DRAWN else [right, wrong]
    )
    cells = np.concatenate(merged)
    draws = (
        np.random.default_rng(seed).multinomial(int(cells.sum()), cells / cells.sum(), n_resamples).astype(np.float64)
    )
    drawn = areas_of(draws[:, : merged[0].size], draws[:, merged[0].size :])
    exact, coarse = areas_of(right, wrong), areas_of(*merged)
    tail = (1 - confidence_level) / 2
    ends = {name: np.quantile(drawn[name], (tail, 1 - tail)) + exact[name] - coarse[name] for name in MEANINGS}
    return {name: float(end[0]) for name, end in ends.items()}, {name: float(end[1]) for name, end in ends.items()}
