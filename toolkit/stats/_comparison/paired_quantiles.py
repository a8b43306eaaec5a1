"""How much two settings' quantiles of time differ, on the same images, however many repeats there are."""

from typing import NamedTuple

import numpy as np

from toolkit.stats._core.bootstrap import bootstrap_sums, cells_of, collapse
from toolkit.stats._core.intervals import FloatArray
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


def quantile_difference_draws(first: Times, second: Times, quantile: float, n_resamples: int, seed: int) -> FloatArray:
    """Bootstrap draws of the difference of a quantile, images drawn anew for both at once.

    What a new draw of images changes about a quantile is how many times fall below it. So the draws are of those
    counts, in which images are alike but for a few numbers, and each shifts the rank at which the sorted times
    are read. For one setting this gives the order-statistic interval, which percentiles of resampled quantiles
    undercut in the tails. A rank beyond the last time is infinite: that end is not known.
    """
    images = np.unique(first.image)
    columns, means = [], []
    for times in (first, second):
        place = np.searchsorted(images, times.image)
        counts = np.bincount(place, minlength=images.size)
        cut = np.partition(times.seconds, _rank(quantile, times.seconds.size))[_rank(quantile, times.seconds.size)]
        below = np.bincount(place, times.seconds <= cut, images.size)
        columns += [below, counts]
        means.append(below.sum() / counts.sum())
    cells, alike = collapse(cells_of(*columns))
    sums = bootstrap_sums(cells, alike, n_resamples, np.random.default_rng(seed))
    drawn = []
    for k, times in enumerate((first, second)):
        shift = sums[:, 2 * k] / sums[:, 2 * k + 1] - means[k]
        rank = np.ceil((quantile - shift) * times.seconds.size - 1e-9).astype(np.int64)
        ordered = np.concatenate([[-np.inf], np.sort(times.seconds), [np.inf]])
        drawn.append(ordered[np.clip(rank, 0, times.seconds.size + 1)])
    with np.errstate(invalid="ignore"):
        return np.asarray(drawn[0] - drawn[1])


def _rank(quantile: float, n: int) -> int:
    return max(int(np.ceil(quantile * n)) - 1, 0)
