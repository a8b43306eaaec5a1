"""Intervals for shares, quantiles and ratios, each two-sided at `confidence_level`. Undefined ends are NaN.

The image is the unit throughout: what is drawn anew when an experiment is repeated is images, not calls.
Repeats of an image tell about that image, so they are summed per image before they come here.
"""

from bisect import bisect_left
from statistics import NormalDist
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from toolkit.errors import SettingError

FloatArray: TypeAlias = NDArray[np.float64]

NO_WEIGHT = 1e-15
"""What the values of one tail weigh together when a Harrell-Davis quantile leaves them out."""


class Interval(NamedTuple):
    """The two ends: numbers, or arrays for several intervals at once."""

    low: Any
    high: Any


def normal_quantile(confidence_level: float) -> float:
    """How many standard deviations a two-sided interval at `confidence_level` reaches: 1.96 at 0.95."""
    if not 0 < confidence_level < 1:
        raise SettingError(f"confidence_level={confidence_level!r} is not between 0 and 1; 0.95 is usual")
    return NormalDist().inv_cdf((1 + confidence_level) / 2)


# ── shares ───────────────────────────────────────────────────────────────────────────────────────────────


def wilson(successes: ArrayLike, trials: ArrayLike, confidence_level: float = 0.95) -> Interval:
    """Score interval of a share, the default: close to its level on average, and never outside [0, 1].

    Counts may be arrays, and need not be whole (see `effective_trials`). NaN where there was no trial.
    """
    k, n = _counts(successes, trials)
    z2 = normal_quantile(confidence_level) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = (k + z2 / 2) / (n + z2)
        reach = np.sqrt(z2 * (k * (n - k) / n + z2 / 4)) / (n + z2)
        # At the two ends the formula meets 0 and 1 exactly, but its floating-point value need not.
        low = np.where(k <= 0, 0.0, centre - reach)
        high = np.where(k >= n, 1.0, centre + reach)
    return _defined(low, high, n)


def clopper_pearson(successes: ArrayLike, trials: ArrayLike, confidence_level: float = 0.95) -> Interval:
    """Exact interval of a share: its coverage is never below `confidence_level`, so it is the one for guarantees."""
    from scipy.special import betaincinv

    normal_quantile(confidence_level)
    k, n = _counts(successes, trials)
    tail = (1 - confidence_level) / 2
    low = np.where(k <= 0, 0.0, betaincinv(np.maximum(k, 0.5), n - k + 1, tail))
    high = np.where(k >= n, 1.0, betaincinv(k + 1, np.maximum(n - k, 0.5), 1 - tail))
    return _defined(low, high, n)


def jeffreys(successes: ArrayLike, trials: ArrayLike, confidence_level: float = 0.95) -> Interval:
    """Bayesian interval of a share under Jeffreys' prior, for small counts; 0 of n begins at 0, n of n ends at 1."""
    from scipy.special import betaincinv

    normal_quantile(confidence_level)
    k, n = _counts(successes, trials)
    tail = (1 - confidence_level) / 2
    low = np.where(k <= 0, 0.0, betaincinv(k + 0.5, n - k + 0.5, tail))
    high = np.where(k >= n, 1.0, betaincinv(k + 0.5, n - k + 0.5, 1 - tail))
    return _defined(low, high, n)


def effective_trials(successes: ArrayLike, trials: ArrayLike, confidence_level: float = 0.95) -> float:
    """How many independent trials the repeats of some images are worth. One entry an image.

    p (1 - p) over the cluster-robust variance of p: the number of images when the repeats of each image agree, and
    more, up to the number of calls, as they scatter. How much they scatter is itself known from the images only,
    so what goes beyond one trial an image is credited as far as Student's t for so many images allows at `confidence_level`.
    With all or none successful nothing is known about the scatter, and the number of images is taken.
    """
    k, n = _counts(successes, trials)
    k, n = k[n > 0], n[n > 0]
    calls = float(n.sum())
    if calls == n.size:
        return calls
    share, images = float(k.sum()) / calls, float(calls**2 / np.sum(n**2))
    if share in (0.0, 1.0) or n.size < 2:
        return images
    variance = float(np.sum((k - share * n) ** 2)) / calls**2
    worth = calls if variance == 0 else min(calls, share * (1 - share) / variance)
    return worth if worth <= images else max(images, worth * _few_images(n.size, confidence_level))


def _few_images(images: int, confidence_level: float) -> float:
    from scipy.special import stdtrit

    normal = normal_quantile(confidence_level) / float(stdtrit(images - 1, (1 + confidence_level) / 2))
    return normal**2 * (images - 1) / images


def clustered_wilson(successes: ArrayLike, trials: ArrayLike, confidence_level: float = 0.95) -> Interval:
    """`wilson` for repeated images: successes and trials of each image, interval of the overall share.

    With one trial an image, or with unanimous repeats, it is the Wilson interval over images.
    """
    k, n = _counts(successes, trials)
    effective, calls = effective_trials(k, n, confidence_level), float(n.sum())
    share = float(k.sum()) / calls if calls else 0.0
    return wilson(share * effective, effective, confidence_level)


# ── quantiles ────────────────────────────────────────────────────────────────────────────────────────────


def harrell_davis(values: ArrayLike, quantile: float) -> float:
    """A quantile as a weighted mean of the sorted values around it, which wanders less than any single one.

    Infinite values stand for times that were cut off: while they carry weight, the plain sample quantile is
    taken instead, which is right as long as it is finite. NaN without values. NaNs must have been left out.
    """
    from scipy.special import betainc, betainccinv, betaincinv

    _check_quantile(quantile)
    values = np.asarray(values, np.float64)
    n = values.size
    if n == 0:
        return float("nan")
    shape = (n + 1) * quantile, (n + 1) * (1 - quantile)
    first = int(betaincinv(*shape, NO_WEIGHT) * n)
    last = min(int(np.ceil(betainccinv(*shape, NO_WEIGHT) * n)), n) - 1
    near = np.sort(np.partition(values, (first, last))[first : last + 1])
    if not np.isfinite(near[-1]):
        return float(near[min(max(int(np.ceil(quantile * n)) - 1, 0), n - 1) - first])
    weights = np.diff(betainc(*shape, np.arange(first, last + 2) / n))
    return float(weights @ near / weights.sum())


def quantile_interval(
    values: ArrayLike, quantile: float, confidence_level: float = 0.95, *, images: NDArray[Any] | None = None
) -> Interval:
    """Exact interval of a quantile between two of the sorted values, whatever their distribution.

    An end is NaN where there are too few values to know it: at 0.95 the median takes 6, p90 36, p95 72 and p99
    368. `images`, one label a value, says which values belong together; the ranks are then spread as if there
    were only as many values as the repeats are worth (see `effective_trials`).
    """
    _check_quantile(quantile)
    tail = (1 - confidence_level) / 2
    normal_quantile(confidence_level)
    ordered = np.sort(np.asarray(values, np.float64))
    n = ordered.size
    worth = (
        n
        if images is None
        else int(_worth_of_repeats(np.asarray(values, np.float64), quantile, images, confidence_level))
    )
    if worth == 0:
        return Interval(float("nan"), float("nan"))
    below = binomial_quantile(tail, worth, quantile)
    above = binomial_quantile(1 - tail, worth, quantile)
    spread = n / worth
    low = ordered[max(int(below * spread) - 1, 0)] if below >= 1 else np.nan
    high = ordered[min(int(np.ceil((above + 1) * spread)), n) - 1] if above < worth else np.nan
    return Interval(float(low), float(high))


def binomial_quantile(probability: float, n: int, p: float) -> int:
    """The least k with P(Bin(n, p) <= k) >= `probability`."""
    from scipy.special import bdtr

    return bisect_left(range(n), True, key=lambda k: bool(bdtr(k, n, p) >= probability))


# ── ratios ───────────────────────────────────────────────────────────────────────────────────────────────


def fieller(numerator: ArrayLike, denominator: ArrayLike, confidence_level: float = 0.95) -> Interval:
    """Interval of sum(numerator) / sum(denominator), both non-negative, one entry an image (Fieller).

    (0, inf) when the denominator cannot be told from zero: the data then bound nothing. NaN with fewer than two
    images or a denominator of zero.
    """
    from scipy.special import stdtrit

    normal_quantile(confidence_level)
    x, y = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    n = x.size
    if n < 2 or not y.any():
        return Interval(float("nan"), float("nan"))
    (sxx, sxy), (_, syy) = np.cov(x, y)
    mean, ratio = float(y.mean()), float(x.sum() / y.sum())
    t = float(stdtrit(n - 1, (1 + confidence_level) / 2))
    g = t**2 * syy / (n * mean**2)
    if g >= 1:
        return Interval(0.0, float("inf"))
    centre = ratio - (g * sxy / syy if syy > 0 else 0.0)
    within = sxx - 2 * ratio * sxy + ratio**2 * syy - g * (sxx - (sxy**2 / syy if syy > 0 else 0.0))
    reach = t / (mean * np.sqrt(n)) * np.sqrt(max(within, 0.0))
    return Interval(float((centre - reach) / (1 - g)), float((centre + reach) / (1 - g)))


def _counts(successes: ArrayLike, trials: ArrayLike) -> tuple[FloatArray, FloatArray]:
    k, n = np.broadcast_arrays(np.asarray(successes, np.float64), np.asarray(trials, np.float64))
    if np.any((k < 0) | (k > n * (1 + 1e-12))):
        raise SettingError("successes must lie between 0 and the number of trials")
    return k, n


def _defined(low: FloatArray, high: FloatArray, n: FloatArray) -> Interval:
    low, high = np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)
    return Interval(low, high) if low.ndim else Interval(float(low), float(high))


def _check_quantile(quantile: float) -> None:
    if not 0 < quantile < 1:
        raise SettingError(f"quantile={quantile!r} is not between 0 and 1; 0.95 is p95")


def _worth_of_repeats(values: FloatArray, quantile: float, images: NDArray[Any], confidence_level: float) -> float:
    """Effective trials of the question whether a value lies below the sample's quantile."""
    _, codes = np.unique(images, return_inverse=True)
    cut = (
        np.partition(values, int(quantile * (values.size - 1)))[int(quantile * (values.size - 1))] if values.size else 0
    )
    return effective_trials(np.bincount(codes, weights=values <= cut), np.bincount(codes), confidence_level)
