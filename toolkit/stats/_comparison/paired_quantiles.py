"""How much two settings' quantiles of time differ, on the same images, however many repeats there are."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from toolkit.stats._core.bootstrap import bootstrap_sums, cells_of, collapse, percentile, two_sided_p
from toolkit.stats._core.intervals import FloatArray, Interval
from toolkit.stats._core.trials import CodeArray


class Times(NamedTuple):
    """One entry a trial: how long it took, and the image it read."""

    seconds: FloatArray
    image: CodeArray


def on_shared_images(first: Times, second: Times) -> tuple[Times, Times]:
    """The trials of both whose image the other has read too."""
    shared = np.intersect1d(first.image, second.image)
    kept = [np.isin(times.image, shared) for times in (first, second)]
    pair = [Times(t.seconds[k], t.image[k]) for t, k in zip((first, second), kept, strict=True)]
    return pair[0], pair[1]


@dataclass(frozen=True)
class DrawnDifferences:
    """Bootstrap draws of the difference of a quantile between two settings, on `images` images.

    A draw in which both quantiles lie beyond the last known time may be anything: it is NaN, and counts against
    whatever is claimed. So few images may there be that the times do not bound the quantile at all.
    """

    differences: FloatArray
    quantile: float
    images: int

    def bounded(self, confidence_level: float) -> bool:
        """Whether the sorted times bound both quantiles at this level, as an exact interval needs (72 images for p95)."""
        return self._least_p <= (1 - confidence_level) * (1 + 1e-9)

    def interval(self, confidence_level: float) -> Interval:
        """The middle of the draws; open where the times do not bound the quantiles."""
        if not self.bounded(confidence_level):
            return Interval(-np.inf, np.inf)
        unknown = np.isnan(self.differences)
        low = percentile(np.where(unknown, -np.inf, self.differences), confidence_level).low
        high = percentile(np.where(unknown, np.inf, self.differences), confidence_level).high
        return Interval(low, high)

    @property
    def p(self) -> float:
        """Two-sided p-value of "no difference"; never below what so few images could show."""
        unknown = np.isnan(self.differences)
        below = two_sided_p(np.where(unknown, -1.0, self.differences))
        above = two_sided_p(np.where(unknown, 1.0, self.differences))
        return min(1.0, max(below, above, self._least_p))

    @property
    def _least_p(self) -> float:
        """The chance, doubled, that all of the images lie on one side of the quantile."""
        return float(2 * max(self.quantile, 1 - self.quantile) ** self.images)


def differences_of_quantiles(
    first: Times, second: Times, quantile: float, n_resamples: int, seed: int
) -> DrawnDifferences:
    """Draw the difference of a quantile, images drawn anew for both at once.

    What a new draw of images changes about a quantile is how many times fall below it. So the draws are of those
    counts, in which images are alike but for a few numbers, and each shifts the rank at which the sorted times
    are read. For one setting this gives the order-statistic interval, which percentiles of resampled quantiles
    undercut in the tails. A rank beyond the last time is infinite: that end is not known. Equal times are ordered at
    random, because as many of them lie below the quantile as its rank says, not all or none.
    """
    images = np.unique(first.image)
    rng = np.random.default_rng(seed)
    columns, means, ordered = [], [], []
    for times in (first, second):
        place = np.searchsorted(images, times.image)
        counts = np.bincount(place, minlength=images.size)
        n = times.seconds.size
        order = np.lexsort((rng.random(n), times.seconds))
        is_below = np.zeros(n)
        is_below[order[: _rank(quantile, n) + 1]] = 1
        below = np.bincount(place, is_below, images.size)
        columns += [below, counts]
        means.append(below.sum() / counts.sum())
        ordered.append(np.concatenate([[-np.inf], times.seconds[order], [np.inf]]))
    cells, alike = collapse(cells_of(*columns))
    sums = bootstrap_sums(cells, alike, n_resamples, rng)
    drawn = []
    for k, times in enumerate((first, second)):
        shift = sums[:, 2 * k] / sums[:, 2 * k + 1] - means[k]
        rank = np.ceil((quantile - shift) * times.seconds.size - 1e-9).astype(np.int64)
        drawn.append(ordered[k][np.clip(rank, 0, times.seconds.size + 1)])
    with np.errstate(invalid="ignore"):
        return DrawnDifferences(np.asarray(drawn[0] - drawn[1]), quantile, images.size)


def _rank(quantile: float, n: int) -> int:
    return max(int(np.ceil(quantile * n)) - 1, 0)
