"""Does a confidence of 0.9 mean right nine times in ten?

The reliability curve is an isotonic fit (CORP): no bins to choose, and its parts add up to the Brier score. The
binned error (ECE) is there because papers print it, beside the value that a perfect engine would have on as few
images, which is not 0.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from toolkit.errors import SettingError
from toolkit.stats._core.intervals import FloatArray, normal_quantile
from toolkit.stats._core.results import Result, confidence, percent
from toolkit.stats._core.trials import BoolArray, CodeArray, Errors
from toolkit.stats._thresholds.placement import Confidences, read_confidences

BINS = 15
RESAMPLES = 999
GROUPS_DRAWN = 1_000
"""Distinct confidences of the simulated calibrated engine; more make its band no finer."""


@dataclass(frozen=True, repr=False)
class Calibration(Result):
    """`table` is the reliability curve: a row a stretch of confidences with one fitted accuracy.

    ``confidence_low`` to ``confidence_high`` with their mean ``confidence``, ``answers``, ``accuracy`` of these,
    and the band, ``band_low`` to ``band_high``, within which the curve would lie at that confidence if confidence
    were a probability, at `confidence_level`. `brier` is ``miscalibration - discrimination + uncertainty``; `ece` stands beside
    `ece_if_calibrated`, its mean under perfect calibration.
    """

    table: pd.DataFrame
    answers: int
    brier: float
    miscalibration: float
    discrimination: float
    uncertainty: float
    ece: float
    ece_if_calibrated: float
    name: str
    confidence_level: float

    @property
    def note(self) -> str:
        return f"The band holds {confidence(self.confidence_level)} of a calibrated engine's curves, at one confidence at a time."

    def explain(self) -> str:
        if not self.answers:
            return f"{self.name}: no answer has a confidence, so there is nothing to calibrate."
        outside = (self.table["accuracy"] < self.table["band_low"]) | (self.table["accuracy"] > self.table["band_high"])
        share = float(self.table.loc[outside, "answers"].sum() / self.answers)
        return (
            f"{self.name}: {percent(share)} of {self.answers:,} answers have a confidence that is no probability "
            f"(outside the {confidence(self.confidence_level)} band of a calibrated engine); Brier score {self.brier:.4f} = {self.miscalibration:.4f} "
            f"miscalibration - {self.discrimination:.4f} discrimination + {self.uncertainty:.4f} uncertainty; ECE "
            f"{self.ece:.4f}, where a calibrated engine would show {self.ece_if_calibrated:.4f} on as many images."
        )


def calibration(
    outcomes: pd.DataFrame,
    setting: str | None = None,
    *,
    errors: Errors = "exclude",
    confidence_level: float = 0.95,
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> Calibration:
    """Reliability of one engine's confidence in being right, over its answered images; of repeats, the first reading."""
    normal_quantile(confidence_level)
    placement = read_confidences(outcomes, setting, errors)
    confidence, right = placement.confidence, placement.right
    if confidence.size and (confidence[0] < 0 or confidence[-1] > 1):
        raise SettingError(
            f"confidences run from {confidence[0]:g} to {confidence[-1]:g}; only those in [0, 1] can be probabilities"
        )
    name = setting or (str(outcomes["setting"].iloc[0]) if len(outcomes) else "no setting")
    n = confidence.size
    values, counts, hits = _groups(placement)
    if n == 0:
        columns = ["confidence_low", "confidence_high", "confidence", "answers", "accuracy", "band_low", "band_high"]
        nan = float("nan")
        return Calibration(pd.DataFrame(columns=columns), 0, nan, nan, nan, nan, nan, nan, name, confidence_level)
    fitted = isotonic(hits / counts, counts)
    rate = hits.sum() / n

    def score(forecast: FloatArray | float) -> float:
        return float(np.sum(hits * (1 - forecast) ** 2 + (counts - hits) * np.asarray(forecast) ** 2) / n)

    coarse, sizes = _merged(values, counts)
    rng = np.random.default_rng(seed)
    drawn = rng.binomial(sizes.astype(np.int64), coarse, size=(n_resamples, coarse.size)).astype(np.float64)
    curve = _curve(values, counts, hits, fitted)
    return Calibration(
        table=_with_band(curve, coarse, sizes, drawn, confidence_level),
        answers=n,
        brier=score(values),
        miscalibration=score(values) - score(fitted),
        discrimination=score(rate) - score(fitted),
        uncertainty=score(rate),
        ece=ece(confidence, right),
        ece_if_calibrated=float(_binned_error(coarse, sizes, drawn).mean()),
        name=name,
        confidence_level=confidence_level,
    )


def isotonic(values: FloatArray, weights: FloatArray) -> FloatArray:
    """The rising step function nearest to values, which come in the order of confidence."""
    from scipy.optimize import isotonic_regression

    return np.asarray(isotonic_regression(values, weights=weights).x) if values.size else values


def ece(confidence: FloatArray, right: BoolArray, bins: int = BINS) -> float:
    """Expected calibration error over equal-width bins, each without its lower and with its upper edge."""
    if confidence.size == 0:
        return float("nan")
    values, place = np.unique(confidence, return_inverse=True)
    counts = np.bincount(place).astype(np.float64)
    hits = np.bincount(place, right).astype(np.float64)
    return float(_binned_error(values, counts, hits[None], bins)[0])


def calibrated(outcomes: pd.DataFrame, setting: str | None = None, *, folds: int = 5, seed: int = 0) -> pd.DataFrame:
    """The setting's outcomes with ``confidence`` replaced by the accuracy that other images of that confidence had.

    Each image's value comes from an isotonic map that was fitted without it, so the result may be tuned and judged
    like any confidence. Trials without an answer or a confidence keep none. `SettingError` with fewer answers than
    folds.
    """
    placement = read_confidences(outcomes, setting, "exclude")  # also checks what the rows must hold
    rows = outcomes if setting is None else outcomes[(outcomes["setting"] == setting).to_numpy()]
    rows = rows.copy()
    answered = rows["outcome"].isin(["correct", "wrong"]).to_numpy() & rows["confidence"].notna().to_numpy()
    if placement.confidence.size < folds:
        raise SettingError(f"{placement.confidence.size} answers are too few for {folds} folds")
    confidence = rows["confidence"].to_numpy(np.float64, na_value=np.nan)[answered]
    right = (rows["outcome"] == "correct").to_numpy()[answered]
    image = pd.factorize(rows["sample"][answered])[0]
    fold = (np.random.default_rng(seed).permutation(image.max() + 1) % folds)[image]  # repeats stay together
    mapped = np.empty(confidence.size)
    for part in range(folds):
        held = fold == part
        values, place = np.unique(confidence[~held], return_inverse=True)
        counts = np.bincount(place).astype(np.float64)
        mapped[held] = np.interp(confidence[held], values, isotonic(np.bincount(place, right[~held]) / counts, counts))
    all_mapped = np.full(len(rows), np.nan)
    all_mapped[answered] = mapped
    rows["confidence"] = all_mapped
    return rows


def _groups(placement: Confidences) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Distinct confidences, rising, with how many answers have them and how many of these are right."""
    accepted, wrong = placement.counts()
    counts = -np.diff(accepted, append=0).astype(np.float64)
    return placement.thresholds, counts, counts + np.diff(wrong, append=0)


def _binned_error(values: FloatArray, counts: FloatArray, hits: FloatArray, bins: int = BINS) -> FloatArray:
    """ECE of each row of `hits`, which are right answers by distinct confidence."""
    place: CodeArray = np.maximum(np.searchsorted(np.linspace(0, 1, bins + 1), values, side="left") - 1, 0)
    member = np.zeros((values.size, bins))
    member[np.arange(values.size), place] = 1
    gap = np.abs((counts * values) @ member - hits @ member)
    return np.asarray(gap.sum(axis=1) / counts.sum())


def _merged(values: FloatArray, counts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Neighbouring confidences taken together, to at most `GROUPS_DRAWN` of about equal size: mean and size."""
    if values.size <= GROUPS_DRAWN:
        return values, counts
    place = ((np.cumsum(counts) - counts) * GROUPS_DRAWN // counts.sum()).astype(np.intp)
    sizes = np.bincount(place, counts).astype(np.float64)
    kept = sizes > 0
    return (np.bincount(place, counts * values)[kept] / sizes[kept]), sizes[kept]


def _curve(values: FloatArray, counts: FloatArray, hits: FloatArray, fitted: FloatArray) -> pd.DataFrame:
    first = np.flatnonzero(np.diff(fitted, prepend=-1.0) > 1e-12)
    last = np.append(first[1:], values.size) - 1
    answers = np.add.reduceat(counts, first)
    return pd.DataFrame(
        {
            "confidence_low": values[first],
            "confidence_high": values[last],
            "confidence": np.add.reduceat(counts * values, first) / answers,
            "answers": answers.astype(np.int64),
            "accuracy": np.add.reduceat(hits, first) / answers,
        }
    )


def _with_band(
    curve: pd.DataFrame, values: FloatArray, sizes: FloatArray, drawn: FloatArray, confidence_level: float
) -> pd.DataFrame:
    """The curve and where it would lie, were each answer right with the chance that its confidence says."""
    tail = (1 - confidence_level) / 2
    nearest = np.clip(np.searchsorted(values, curve["confidence"].to_numpy()), 0, values.size - 1)
    fits = np.array([isotonic(row / sizes, sizes)[nearest] for row in drawn])
    low, high = np.quantile(fits, (tail, 1 - tail), axis=0)
    return curve.assign(band_low=low, band_high=high)
