"""What can be compared image by image, and how: settings × images tables of values, taken two rows at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.stats._comparison.paired import bonett_price, mcnemar, newcombe, newcombe_of_repeats, tango
from toolkit.stats._comparison.paired_quantiles import Times, differences_of_quantiles, on_shared_images
from toolkit.stats._comparison.sample_size import images_needed, images_needed_for_mean
from toolkit.stats._core.bootstrap import bca, cells_of, sign_flip_p
from toolkit.stats._core.intervals import FloatArray, Interval, clopper_pearson, harrell_davis
from toolkit.stats._core.trials import Trials, latency_seconds, require_columns, truths

NAN = float("nan")

Ends = Literal["newcombe", "tango", "bonett_price"]
"""Intervals of a difference of two shares on the same images; all keep their level, Newcombe's is closed and usual."""


@dataclass(frozen=True)
class Metric:
    """`kind` decides the method, `better` is +1 where more is better, `counts` says which trials take part."""

    words: str
    kind: Literal["share", "ratio", "mean", "quantile"]
    better: int
    counts: Literal["counted", "answered"]
    column: str | None = None
    quantile: float = 0.5


METRICS = {
    "accuracy_all": Metric("the share of images read right", "share", 1, "counted"),
    "accuracy_answered": Metric("the share of answers that are right", "share", 1, "answered"),
    "accuracy_normalised": Metric(
        "the share of images read right but for case, width and spacing", "share", 1, "counted", "correct_normalised"
    ),
    "coverage": Metric("the share of images answered", "share", 1, "counted"),
    "cer_micro": Metric("the character error rate of answers", "ratio", -1, "answered", "edits"),
    "cer_micro_all": Metric("the character error rate of all images", "ratio", -1, "counted", "edits"),
    "cost_usd": Metric("the mean cost of an image in USD", "mean", -1, "counted", "cost_usd"),
    "latency_p50_s": Metric("the median latency in seconds", "quantile", -1, "answered", "latency_s", 0.5),
    "latency_p95_s": Metric("the 95th percentile of latency in seconds", "quantile", -1, "answered", "latency_s", 0.95),
}


class Paired(NamedTuple):
    """Columns about pairs of settings, one entry a pair; None for what does not apply."""

    images: NDArray[np.int64]
    value: FloatArray
    value_baseline: FloatArray
    difference: FloatArray
    difference_low: FloatArray
    difference_high: FloatArray
    only_setting: NDArray[np.int64] | None
    only_baseline: NDArray[np.int64] | None
    p: FloatArray
    images_needed: FloatArray


class _Row(NamedTuple):
    images: int
    value: float
    value_baseline: float
    difference: float
    ends: Interval
    p: float
    images_needed: float


@dataclass(frozen=True)
class Tables:
    """Settings × images: `value` sums a metric over the trials of an image that count, `weight` counts them.

    `length` is what an image weighs: its target's length for error rates, else 1. Quantiles keep their trials
    instead: `times` holds each setting's latencies and the image of each.
    """

    metric: Metric
    value: FloatArray
    weight: FloatArray
    length: FloatArray
    times: list[Times]

    @classmethod
    def of(cls, outcomes: pd.DataFrame, trials: Trials, metric: Metric) -> "Tables":
        if metric.kind == "quantile":
            nothing = np.zeros((0, 0))
            return cls(metric, nothing, nothing, np.zeros(0), _times(outcomes, trials))
        part = trials.answered if metric.counts == "answered" else trials.counted
        shape = len(trials.settings), len(trials.samples)
        place = (trials.setting * shape[1] + trials.sample)[part]
        value, weight = (
            np.bincount(place, column, shape[0] * shape[1]).astype(np.float64).reshape(shape)
            for column in (_values(outcomes, trials, metric)[part], np.ones(np.count_nonzero(part)))
        )
        length = np.ones(shape[1])
        if metric.kind == "ratio":
            length[trials.sample] = outcomes["target_length"].to_numpy(np.float64)
        return cls(metric, value, weight, length, [])

    @property
    def is_plain_share(self) -> bool:
        """Whether each setting read each image once at most, so that an image is right or wrong and nothing between."""
        return self.metric.kind == "share" and bool(self.weight.max(initial=0) <= 1)

    def compare(
        self,
        pairs: Sequence[tuple[int, int]],
        *,
        confidence_level: float,
        n_resamples: int,
        seed: int,
        interval: Ends = "newcombe",
    ) -> Paired:
        """Every pair's figures, each on the images that count for both; `interval` is that of plain shares."""
        if self.is_plain_share:
            return self._by_counts(pairs, confidence_level, interval)
        by_image = self._by_quantile if self.metric.kind == "quantile" else self._by_mean
        rows = [by_image(i, j, confidence_level, n_resamples, seed) for i, j in pairs]
        columns = {name: np.array([getattr(row, name) for row in rows]) for name in _Row._fields}
        low, high = np.array(columns.pop("ends"), np.float64).reshape(-1, 2).T
        return Paired(**columns, difference_low=low, difference_high=high, only_setting=None, only_baseline=None)

    def _by_counts(self, pairs: Sequence[tuple[int, int]], confidence_level: float, interval: Ends) -> Paired:
        """All 2 × 2 tables at once: the counts of every pair are the entries of two matrix products."""
        first, second = np.array(pairs, np.intp).reshape(-1, 2).T
        # Half the bytes, and whole numbers up to 2**24 stay exact in them.
        short = self.value.shape[1] < 2**24
        right, there = (x.astype(np.float32) if short else x for x in (self.value, self.weight))
        both = (right @ right.T)[first, second].astype(np.float64)
        mine = (right @ there.T).astype(np.float64)  # right in the row's setting, of the images that both count
        n = (there @ there.T)[first, second].astype(np.float64)
        only_first, only_second = mine[first, second] - both, mine[second, first] - both
        with np.errstate(invalid="ignore", divide="ignore"):
            value, value_baseline = mine[first, second] / n, mine[second, first] / n
            needed = images_needed(value - value_baseline, (only_first + only_second) / n)
            low, high = _ends(interval, both, only_first, only_second, n, confidence_level)
        return Paired(
            images=n.astype(np.int64),
            value=value,
            value_baseline=value_baseline,
            difference=value - value_baseline,
            difference_low=low,
            difference_high=high,
            only_setting=only_first.astype(np.int64),
            only_baseline=only_second.astype(np.int64),
            p=np.where(n > 0, mcnemar(only_first, only_second), np.nan),
            images_needed=needed,
        )

    def _by_mean(self, i: int, j: int, confidence_level: float, n_resamples: int, seed: int) -> _Row:
        """Sum of the images' means over the sum of their lengths, tested by sign flips."""
        shared = (self.weight[i] > 0) & (self.weight[j] > 0)
        first, second = (self.value[row, shared] / self.weight[row, shared] for row in (i, j))
        length, d = self.length[shared], first - second
        total = float(length.sum())
        if total == 0 or np.isnan(d).any():  # nothing shared, or a value of which part is unknown
            return _Row(d.size, NAN, NAN, NAN, Interval(NAN, NAN), NAN, NAN)
        difference = float(d.sum()) / total
        if self.metric.kind == "share":
            mine, theirs = ((self.value[row, shared], self.weight[row, shared]) for row in (i, j))
            ends = newcombe_of_repeats(mine, theirs, confidence_level)
        elif self.metric.kind == "ratio" and not d.any():
            # The bootstrap knows nothing of images that differ where none does. Exactly known is how many may: each
            # of them taken to be read rightly by one and wrongly throughout by the other.
            most = float(clopper_pearson(0, d.size, confidence_level).high)
            ends = Interval(-most, most)
        else:
            ends = bca(lambda sums: sums[:, 0] / sums[:, 1], cells_of(d, length), confidence_level, n_resamples, seed)
        spread = float(np.std(d - difference * length)) * d.size / total
        return _Row(
            d.size,
            float(first.sum()) / total,
            float(second.sum()) / total,
            difference,
            ends,
            sign_flip_p(d, n_resamples, seed),
            images_needed_for_mean(difference, spread),
        )

    def _by_quantile(self, i: int, j: int, confidence_level: float, n_resamples: int, seed: int) -> _Row:
        quantile = self.metric.quantile
        first, second = on_shared_images(self.times[i], self.times[j])
        images = np.unique(first.image).size
        if images == 0:
            return _Row(0, NAN, NAN, NAN, Interval(NAN, NAN), NAN, NAN)
        draws = differences_of_quantiles(first, second, quantile, n_resamples, seed)
        value, value_baseline = harrell_davis(first.seconds, quantile), harrell_davis(second.seconds, quantile)
        difference = NAN if np.isinf(value) and np.isinf(value_baseline) else value - value_baseline
        known = np.isfinite(draws.differences).all() and draws.bounded(confidence_level)
        scatter = float(np.std(draws.differences)) * images**0.5 if known else NAN
        return _Row(
            images,
            value,
            value_baseline,
            difference,
            draws.interval(confidence_level),
            draws.p,
            images_needed_for_mean(difference, scatter) if scatter == scatter else NAN,  # noqa: PLR0124 -- NaN
        )


def _ends(
    interval: Ends, both: FloatArray, b: FloatArray, c: FloatArray, n: FloatArray, confidence_level: float
) -> Interval:
    if interval == "newcombe":
        return newcombe(both, b, c, n - both - b - c, confidence_level)
    if interval == "bonett_price":
        low, high = bonett_price(b, c, n, confidence_level)
        return Interval(np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan))
    ends = [tango(float(i), float(j), float(k), confidence_level) for i, j, k in zip(b, c, n, strict=True)]
    return Interval(np.array([end.low for end in ends]), np.array([end.high for end in ends]))


def _values(outcomes: pd.DataFrame, trials: Trials, metric: Metric) -> FloatArray:
    """One number a trial, of which the metric is a mean."""
    if metric.column is None:
        return (trials.answered if metric is METRICS["coverage"] else trials.correct).astype(np.float64)
    require_columns(outcomes, metric.column, *(["target_length"] if metric.kind == "ratio" else []))
    if metric.kind == "share":
        return np.where(trials.answered, truths(outcomes[metric.column]), 0.0)
    values = outcomes[metric.column].to_numpy(np.float64, na_value=np.nan)
    if metric.kind == "ratio":  # no answer is as far off as an empty one
        return np.where(trials.answered, values, outcomes["target_length"].to_numpy(np.float64))
    return values


def _times(outcomes: pd.DataFrame, trials: Trials) -> list[Times]:
    seconds = latency_seconds(outcomes, trials)
    known = ~np.isnan(seconds)
    rows = [known & (trials.setting == code) for code in range(len(trials.settings))]
    return [Times(seconds[row], trials.sample[row]) for row in rows]
