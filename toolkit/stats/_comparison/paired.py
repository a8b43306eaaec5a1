"""Two readers on the same images: what the four counts of a 2 × 2 table say.

`b` counts the images that only the first reads right, `c` those that only the second does, out of `n`. The
images on which both agree tell nothing about which is better, and much about how sure one may be.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from toolkit.stats._core.intervals import FloatArray, Interval, clustered_wilson, normal_quantile, wilson


def mcnemar(b: ArrayLike, c: ArrayLike, *, exact: bool = False) -> FloatArray:
    """Two-sided p-values of "both are right equally often": mid-p, or exact, which is always larger.

    1 where no image tells them apart.
    """
    from scipy.special import bdtr, gammaln

    b, c = np.asarray(b, np.float64), np.asarray(c, np.float64)
    m, fewer = b + c, np.minimum(b, c)
    at = np.exp(gammaln(m + 1) - gammaln(fewer + 1) - gammaln(m - fewer + 1) - m * np.log(2))
    upto = bdtr(fewer, m.astype(np.int64), 0.5)
    if exact:
        return np.asarray(np.minimum(2 * upto, 1.0))
    return np.asarray(np.where(m == 0, 1.0, np.where(b == c, 1 - at / 2, np.minimum(2 * upto - at, 1.0))))


def newcombe(
    both: ArrayLike, b: ArrayLike, c: ArrayLike, neither: ArrayLike, confidence_level: float = 0.95
) -> Interval:
    """Interval of the difference (b - c) / n by squaring and adding the Wilson limits; within [-1, 1]."""
    both, b, c, neither = (np.asarray(count, np.float64) for count in (both, b, c, neither))
    n = both + b + c + neither
    with np.errstate(invalid="ignore", divide="ignore"):
        first, second = (both + b) / n, (both + c) / n
        product = (both + b) * (c + neither) * (both + c) * (b + neither)
        limits = wilson(both + b, n, confidence_level), wilson(both + c, n, confidence_level)
        return _square_and_add((first, second), limits, (both * neither - b * c) / n**2, np.sqrt(product) / n**2, n)


def newcombe_of_repeats(
    first: tuple[FloatArray, FloatArray], second: tuple[FloatArray, FloatArray], confidence_level: float = 0.95
) -> Interval:
    """Newcombe's interval for images read several times: right readings and readings of each image, for both readers.

    The Wilson limits are those of repeated images, and the correlation is that of the images' means. With unanimous
    repeats it is `newcombe` of one reading each.
    """
    means = [right / readings for right, readings in (first, second)]
    n = means[0].size
    if n == 0:
        return Interval(np.nan, np.nan)
    shares = tuple(np.asarray(right.sum() / readings.sum()) for right, readings in (first, second))
    limits = clustered_wilson(*first, confidence_level), clustered_wilson(*second, confidence_level)
    covariance = np.asarray(np.mean(means[0] * means[1]) - means[0].mean() * means[1].mean())
    spread = np.asarray(np.std(means[0]) * np.std(means[1]))
    low, high = _square_and_add((shares[0], shares[1]), limits, covariance, spread, np.asarray(float(n)))
    # Unequal repeats weigh calls in the shares, images in the difference: what is centred is the latter.
    shift = float(means[0].mean() - means[1].mean() - (shares[0] - shares[1]))
    return Interval(max(float(low) + shift, -1.0), min(float(high) + shift, 1.0))


def _square_and_add(
    shares: tuple[FloatArray, FloatArray],
    limits: tuple[Interval, Interval],
    covariance: FloatArray,
    spread: FloatArray,
    n: FloatArray,
) -> Interval:
    (first, second), ((low1, high1), (low2, high2)) = shares, limits
    # The correlation is corrected for continuity, and only where the readers agree more than by chance.
    leaning = np.where(covariance > 0, np.maximum(covariance - 0.5 / n, 0.0), covariance)
    psi = np.where(spread > 0, leaning / np.where(spread > 0, spread, 1), 0.0)
    low = first - second - _joined(first - low1, high2 - second, psi)
    high = first - second + _joined(second - low2, high1 - first, psi)
    return Interval(low, high)


def _joined(down: FloatArray, up: FloatArray, psi: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(np.maximum(down**2 - 2 * psi * down * up + up**2, 0.0)))


def bonett_price(b: ArrayLike, c: ArrayLike, n: ArrayLike, confidence_level: float = 0.95) -> Interval:
    """Interval of (b - c) / n from adding one image to each discordant count; simple, good for small n."""
    b, c, n = (np.asarray(count, np.float64) for count in (b, c, n))
    p, q = (b + 1) / (n + 2), (c + 1) / (n + 2)
    reach = normal_quantile(confidence_level) * np.sqrt((p + q - (p - q) ** 2) / (n + 2))
    return Interval(np.maximum(p - q - reach, -1.0), np.minimum(p - q + reach, 1.0))


def tango(b: float, c: float, n: float, confidence_level: float = 0.95) -> Interval:
    """Interval of (b - c) / n by inverting the score test: the differences that the data do not contradict."""
    from scipy.optimize import brentq

    if n == 0:
        return Interval(np.nan, np.nan)
    z, found = normal_quantile(confidence_level), (b - c) / n

    def excess(difference: float, side: int) -> float:
        # Positive while the score test rejects this difference.
        return float(side * (b - c - n * difference) - z * np.sqrt(_score_variance(b, c, n, difference)))

    # Next to the estimate the test never rejects; at it, without discordant images, it is nought over nought.
    near, edge = 1e-9, 1 - 1e-12
    below, above = max(found - near, -edge), min(found + near, edge)
    low = -1.0 if excess(-edge, 1) <= 0 else float(brentq(excess, -edge, below, args=(1,)))
    high = 1.0 if excess(edge, -1) <= 0 else float(brentq(excess, above, edge, args=(-1,)))
    return Interval(low, high)


def _score_variance(b: float, c: float, n: float, difference: float) -> float:
    """Variance of b - c when its mean is n times `difference`, the rest of the table at its likeliest."""
    linear = -b - c + (2 * n - b + c) * difference
    constant = -c * difference * (1 - difference)
    only_second = (np.sqrt(max(linear**2 - 8 * n * constant, 0.0)) - linear) / (4 * n)
    return float(max(n * (2 * only_second + difference * (1 - difference)), 0.0))


def holm(p: ArrayLike) -> FloatArray:
    """Adjusted p-values: each may be held against the level as it stands, whatever the number of comparisons.

    NaN (nothing was compared) stays NaN and is not one of the family.
    """
    p = np.asarray(p, np.float64)
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    factors = np.arange(known.size, 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(factors * p[order]), 1.0)
    return adjusted


def cochran_q(right: NDArray[np.bool_]) -> tuple[float, int, float]:
    """Whether several readers differ at all: statistic, degrees of freedom and p, from images × readers.

    NaN and p = 1 where no image tells any two of them apart.
    """
    from scipy.special import chdtrc

    k = right.shape[1]
    readers, images = right.sum(axis=0, dtype=np.float64), right.sum(axis=1, dtype=np.float64)
    within = float(np.sum(images * (k - images)))
    if within == 0:
        return float("nan"), k - 1, 1.0
    statistic = k * (k - 1) * float(np.sum((readers - readers.mean()) ** 2)) / within
    return statistic, k - 1, float(chdtrc(k - 1, statistic))
