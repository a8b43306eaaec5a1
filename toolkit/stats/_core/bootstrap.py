"""The image bootstrap without resampling rows.

Images that are alike in all that a statistic looks at are one cell with a count. Drawing n images anew is then
one multinomial draw over cells, which costs the number of cells and not the number of images.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toolkit.stats._core.intervals import FloatArray, Interval, normal_quantile

RESAMPLES = 9_999
CELLS_AT_ONCE = 20_000_000
"""How many weights one block of draws may hold: 160 MB."""


def collapse(columns: FloatArray) -> tuple[FloatArray, NDArray[np.int64]]:
    """The distinct rows of an images × columns table, and how many images are alike in each."""
    # One number a row sorts faster than all its columns do. Should two unlike rows share theirs, all are compared.
    weights = np.random.default_rng(0).random((columns.shape[1],))
    key = np.zeros(len(columns))
    for column, weight in zip(columns.T, weights.tolist(), strict=True):
        key += weight * column
    order = np.argsort(key)
    first = _first_of_a_kind(columns[order])
    if np.any(first[1:] & (key[order][1:] == key[order][:-1])):
        order = np.lexsort(columns.T[::-1])
        first = _first_of_a_kind(columns[order])
    starts = np.flatnonzero(first)
    cells, counts = columns[order[starts]], np.diff(np.append(starts, len(columns)))
    by_columns = np.lexsort(cells.T[::-1])
    return cells[by_columns], counts[by_columns]


def _first_of_a_kind(ordered: FloatArray) -> NDArray[np.bool_]:
    first = np.ones(len(ordered), np.bool_)
    first[1:] = np.any(ordered[1:] != ordered[:-1], axis=1)
    return first


def bootstrap_sums(
    cells: FloatArray, counts: NDArray[np.int64], n_resamples: int, rng: np.random.Generator
) -> FloatArray:
    """Column sums of `n_resamples` draws of as many images as there are; a row a draw."""
    n = int(counts.sum())
    block = max(1, CELLS_AT_ONCE // max(len(counts), 1))
    sums = [
        rng.multinomial(n, counts / n, size=min(block, n_resamples - start)) @ cells
        for start in range(0, n_resamples, block)
    ]
    return np.concatenate(sums) if sums else np.zeros((0, cells.shape[1]))


def percentile(draws: FloatArray, confidence_level: float) -> Interval:
    """The middle `confidence_level` of the draws; NaN when any draw is undefined."""
    tail = (1 - confidence_level) / 2
    low, high = np.quantile(draws, (tail, 1 - tail), method="inverted_cdf") if draws.size else (np.nan, np.nan)
    return Interval(float(low), float(high))


def bca(
    statistic: Callable[[FloatArray], FloatArray],
    columns: FloatArray,
    confidence_level: float = 0.95,
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Bias-corrected and accelerated bootstrap of a function of column sums; one row of `columns` an image.

    `statistic` maps sums (rows × columns) to values (rows). The ends are NaN when the data do not vary, because
    the bootstrap then knows nothing about what other images would show.
    """
    cells, counts = collapse(columns)
    if counts.sum() < 2:
        return Interval(np.nan, np.nan)
    draws = bootstrap_sums(cells, counts, n_resamples, np.random.default_rng(seed))
    return _bca_of_draws(statistic, cells, counts, draws, confidence_level)


def bca_ratios(
    cells: FloatArray,
    counts: NDArray[np.int64],
    confidence_level: float = 0.95,
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Interval]:
    """`bca` of each column's sum over that of the next, for pairs of columns, all on the same draws of images."""
    pairs = range(0, cells.shape[1], 2)
    if counts.sum() < 2:
        return [Interval(np.nan, np.nan) for _ in pairs]
    draws = bootstrap_sums(cells, counts, n_resamples, np.random.default_rng(seed))
    both = [slice(k, k + 2) for k in pairs]
    return [_bca_of_draws(_first_over_second, cells[:, k], counts, draws[:, k], confidence_level) for k in both]


def _first_over_second(sums: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[:, 0] / sums[:, 1])


def _bca_of_draws(
    statistic: Callable[[FloatArray], FloatArray],
    cells: FloatArray,
    counts: NDArray[np.int64],
    sums: FloatArray,
    confidence_level: float,
) -> Interval:
    from scipy.special import ndtr, ndtri

    draws = statistic(sums)
    total = counts @ cells
    point = float(statistic(total[None])[0])
    skipped = statistic(total - cells)  # each image of a cell, left out, gives the same value
    if not (np.isfinite(draws).all() and np.isfinite(skipped).all()):  # a sum of nothing was divided by
        return Interval(np.nan, np.nan)
    pull = np.average(skipped, weights=counts) - skipped
    spread = float(counts @ pull**2)
    if not spread > 0:
        return Interval(np.nan, np.nan)
    acceleration = float(counts @ pull**3) / (6 * spread**1.5)
    noise = 1e-12 * abs(point)  # of sums in another order
    below = (np.mean(draws < point - noise) + np.mean(draws <= point + noise)) / 2  # ties count half, as elsewhere
    bias = float(ndtri(below))
    z = normal_quantile(confidence_level)
    shifted = bias + np.array([-z, z])
    share = ndtr(bias + shifted / (1 - acceleration * shifted))
    if np.isnan(share).any():
        return Interval(np.nan, np.nan)
    low, high = np.quantile(draws, share)
    return Interval(float(low), float(high))


def sign_flip_p(differences: FloatArray, n_resamples: int = RESAMPLES, seed: int = 0) -> float:
    """Two-sided p-value of "the paired differences are as likely the other way round", one difference an image.

    Differences of one size are flipped together, as a binomial number of them. Exact up to simulation, and
    never below 1 / (n_resamples + 1).
    """
    sizes, counts = np.unique(np.abs(differences[differences != 0]), return_counts=True)
    if sizes.size == 0:
        return 1.0
    rng = np.random.default_rng(seed)
    flipped = (2 * rng.binomial(counts, 0.5, size=(n_resamples, sizes.size)) - counts) @ sizes
    found = abs(float(differences.sum()))
    return float((1 + np.count_nonzero(np.abs(flipped) >= found * (1 - 1e-12))) / (n_resamples + 1))


def two_sided_p(draws: FloatArray) -> float:
    """How often the bootstrap falls on the rarer side of zero, twice, and never below what it can resolve."""
    rarer = min(int(np.count_nonzero(draws <= 0)), int(np.count_nonzero(draws >= 0)))
    return min(1.0, 2 * (rarer + 1) / (draws.size + 1))


def cells_of(*columns: NDArray[Any]) -> FloatArray:
    """Columns of equal length side by side, one row an image."""
    return np.column_stack([np.asarray(column, np.float64) for column in columns])
