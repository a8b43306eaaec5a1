"""The threshold that is worth most, the ones that may be, and what the choice is honestly worth."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from toolkit.errors import SettingError
from toolkit.stats._core.bootstrap import RESAMPLES, bca, bootstrap_sums, cells_of
from toolkit.stats._core.intervals import FloatArray, Interval, normal_quantile
from toolkit.stats._core.results import Result, confidence
from toolkit.stats._core.trials import CodeArray
from toolkit.stats._thresholds.placement import Cells, Confidences
from toolkit.stats._thresholds.threshold_curve import ThresholdCurve
from toolkit.stats._thresholds.utility import Utility

POINTS = 70


@dataclass(frozen=True, repr=False)
class BestThreshold(Result):
    """`threshold` is worth most on these images: `apparent` an image, which flatters the choice.

    `value`, with `value_low` and `value_high`, is its worth on images that had no say in it (cross-fitted).
    `stability` is where the choice falls when images are drawn anew; it is no confidence interval. `table` has a
    row a candidate: its utility with an interval for it alone, how far it is `behind` the best, and whether it is
    `near_optimal`: not distinguishable from the best, all candidates considered at once. `never` is the worth of
    accepting nothing. `break_even` is where the best threshold would be if confidence were a probability.
    """

    table: pd.DataFrame
    threshold: float
    apparent: float
    value: float
    value_low: float
    value_high: float
    stability: Interval
    never: float
    break_even: float
    images: int
    confidence_level: float
    name: str

    @property
    def note(self) -> str:
        return (
            f"{confidence(self.confidence_level)} intervals of utility hold for one candidate at a time; near_optimal holds for all "
            "at once."
        )

    @property
    def near_optimal(self) -> FloatArray:
        """The candidates that may be best."""
        return np.asarray(self.table.loc[self.table["near_optimal"], "threshold"], np.float64)

    def explain(self) -> str:
        if self.table.empty:
            return f"{self.name}: nothing was answered, so no threshold is best."
        near = self.near_optimal
        text = (
            f"{self.name}: threshold {self.threshold:g} is worth most on these {self.images:,} images, "
            f"{self.apparent:.4g} an image, and {self.value:.4g} on images that had no say in the choice "
            f"({confidence(self.confidence_level)} interval {self.value_low:.4g} to {self.value_high:.4g}). "
            f"{near.size} of {len(self.table)} candidates, from {near.min():g} to {near.max():g}, cannot be told from it."
        )
        text += (
            f"\nOn images drawn anew the choice would fall between {self.stability.low:g} and {self.stability.high:g} in "
            f"{confidence(self.confidence_level)} of the draws"
        )
        inside = 0 < self.break_even <= 1
        text += f"; were confidence a probability, it would be at {self.break_even:.3g}." if inside else "."
        if self.apparent <= self.never:
            text += f"\nAccepting nothing is worth {self.never:.4g} an image, so no threshold pays."
        return text


def best_threshold(
    curve: ThresholdCurve,
    utility: Utility | None = None,
    *,
    points: int = POINTS,
    folds: int = 5,
    repeats: int = 4,
    confidence_level: float = 0.95,
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> BestThreshold:
    """Choose by utility (the curve's own, unless another is given) and say how sure the choice is.

    At most `points` candidates are compared, evenly spaced in coverage. The bootstrap draws images; the
    cross-fitted value chooses on all but one of `folds` parts, judges on that part, and is repeated with other
    parts.
    """
    normal_quantile(confidence_level)
    if folds < 2:
        raise SettingError(f"folds={folds!r} must be 2 at least: one part chooses, another judges")
    utility = utility or curve.utility
    placement = curve.placement
    candidates = _candidates(curve, points)
    never = float(utility.of(np.zeros(1), np.zeros(1))[0])
    nan = float("nan")
    if candidates.size == 0 or placement.images < folds:
        empty = pd.DataFrame(columns=["threshold", "utility", "utility_low", "utility_high", "behind", "near_optimal"])
        ends = Interval(nan, nan)
        break_even = utility.break_even
        return BestThreshold(
            empty, nan, nan, nan, nan, nan, ends, never, break_even, placement.images, confidence_level, curve.name
        )
    cells = placement.cells(candidates)
    worth = utility.of(cells.right, cells.wrong, np.nan_to_num(curve.seconds[candidates]))
    means = cells.counts @ worth / placement.images
    best = int(np.argmax(means))
    rng = np.random.default_rng(seed)
    draws = bootstrap_sums(worth, cells.counts.astype(np.int64), n_resamples, rng) / placement.images
    table = _table(placement.thresholds[candidates], means, draws, best, confidence_level)
    tail = (1 - confidence_level) / 2
    low, high = np.quantile(placement.thresholds[candidates][np.argmax(draws, axis=1)], (tail, 1 - tail))
    held_out = cross_fitted(cells, worth, folds, repeats, rng)
    value_low, value_high = bca(
        lambda sums: sums[:, 0] / sums[:, 1],
        cells_of(held_out, np.ones(held_out.size)),
        confidence_level,
        n_resamples,
        seed,
    )
    return BestThreshold(
        table,
        _middle_of_plateau(curve, candidates[best]),
        float(means[best]),
        float(held_out.mean()),
        value_low,
        value_high,
        Interval(float(low), float(high)),
        never,
        utility.break_even,
        placement.images,
        confidence_level,
        curve.name,
    )


def cross_fitted(cells: Cells, worth: FloatArray, folds: int, repeats: int, rng: np.random.Generator) -> FloatArray:
    """Worth of each image under thresholds that were chosen without it, averaged over repeated partitions.

    `worth` is cells × candidates.
    """
    n, k = cells.of_image.size, len(worth)
    total = np.zeros(n)
    for _ in range(repeats):
        fold = rng.permutation(n) % folds
        held = np.bincount(fold * k + cells.of_image, minlength=folds * k).reshape(folds, k)
        choice = np.argmax((cells.counts - held) @ worth, axis=1)
        total += worth[cells.of_image, choice[fold]]
    return total / repeats


def near_optimal(means: FloatArray, draws: FloatArray, best: int, confidence_level: float) -> FloatArray:
    """How far behind the best each candidate may be and still be the best one: simultaneous, by the max-t bootstrap."""
    behind = means[best] - means
    wander = draws[:, [best]] - draws - behind
    deviation = wander.std(axis=0)
    moving = deviation > 0
    if not moving.any():
        return np.zeros(means.size)
    most = np.max(np.abs(wander[:, moving]) / deviation[moving], axis=1)
    return np.asarray(np.quantile(most, confidence_level) * deviation)


def _table(
    thresholds: FloatArray, means: FloatArray, draws: FloatArray, best: int, confidence_level: float
) -> pd.DataFrame:
    tail = (1 - confidence_level) / 2
    low, high = np.quantile(draws, (tail, 1 - tail), axis=0)
    behind = means[best] - means
    return pd.DataFrame(
        {
            "threshold": thresholds,
            "utility": means,
            "utility_low": low,
            "utility_high": high,
            "behind": behind,
            "near_optimal": behind <= near_optimal(means, draws, best, confidence_level) + 1e-12,
        }
    )


def _candidates(curve: ThresholdCurve, points: int) -> CodeArray:
    """Places of at most so many thresholds, evenly spaced in how many images they accept."""
    accepted = np.maximum.accumulate(curve.table["accepted"].to_numpy()[::-1])
    if accepted.size <= points:
        return np.arange(accepted.size)
    wanted = np.linspace(accepted[0], accepted[-1], points)
    return np.unique(accepted.size - 1 - np.searchsorted(accepted, wanted))


def _middle_of_plateau(curve: ThresholdCurve, place: int) -> float:
    """An engine's best threshold, away from both confidences between which nothing changes; a service's as it is."""
    thresholds = curve.placement.thresholds
    if not isinstance(curve.placement, Confidences):
        return float(thresholds[place])
    below = thresholds[place - 1] if place > 0 else min(0.0, float(thresholds[0]))
    return float((below + thresholds[place]) / 2)
