"""Any figure of merit along a threshold curve, such as F-beta, with its interval."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from toolkit.errors import SettingError
from toolkit.stats._core.bootstrap import bootstrap_sums
from toolkit.stats._core.intervals import FloatArray, normal_quantile
from toolkit.stats._core.results import Result, confidence
from toolkit.stats._thresholds.threshold_curve import POINTWISE, ThresholdCurve

Metric = Callable[[FloatArray, FloatArray, FloatArray], FloatArray]
"""From accepted right ones, accepted wrong ones and all images that could be right, to a figure; arrays of one shape."""

POINTS = 70


@dataclass(frozen=True, repr=False)
class MetricCurve(Result):
    """A figure of merit by threshold.

    Attributes
    ----------
    table : pandas.DataFrame
        A row a threshold, rising: ``threshold``, ``value`` with its interval.
    best : float
        The threshold with the largest value on these images; the loosest of them if several have it.
    """

    table: pd.DataFrame
    best: float
    name: str
    metric: str
    confidence_level: float

    @property
    def note(self) -> str:
        return f"{confidence(self.confidence_level)} intervals; they {POINTWISE}."

    def explain(self) -> str:
        """Where the figure is largest, in words."""
        known = self.table.dropna(subset=["value"])
        if known.empty:
            return f"{self.name}: {self.metric} is not known at any threshold."
        row = known.iloc[int(known["value"].to_numpy().argmax())]
        return (
            f"{self.name}: {self.metric} is largest at threshold {row['threshold']:g}, with {row['value']:.4g} "
            f"({row['value_low']:.4g} to {row['value_high']:.4g}); chosen on the images it is computed on."
        )


def f_beta(beta: float = 1.0) -> Metric:
    """The F measure for `metric_along`: precision and recall of the accepted right answers.

    Parameters
    ----------
    beta : float, default 1.0
        How many times as much recall counts as precision, above 0.

    Returns
    -------
    callable

    Examples
    --------
    >>> import numpy as np
    >>> from toolkit.stats import f_beta
    >>> f_beta()(np.array([8.0]), np.array([2.0]), np.array([10.0])).tolist()
    [0.8]

    Notes
    -----
    (1 + b²) TP / ((1 + b²) TP + b² FN + FP) (van Rijsbergen, 1979), where TP are right answers accepted, FP wrong
    answers accepted, and FN right answers not accepted.
    """
    if not 0 < beta < np.inf:
        raise SettingError(f"beta={beta!r} must be above 0")
    weight = beta**2

    def value(right: FloatArray, wrong: FloatArray, all_right: FloatArray) -> FloatArray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((1 + weight) * right / (right + wrong + weight * all_right))

    value.__name__ = f"F{beta:g}"
    return value


def metric_along(
    curve: ThresholdCurve,
    metric: Metric | None = None,
    *,
    confidence_level: float = 0.95,
    n_resamples: int = 999,
    seed: int = 0,
) -> MetricCurve:
    """A figure of merit at each threshold of a curve.

    Parameters
    ----------
    curve : ThresholdCurve
        From `thresholds`.
    metric : callable, optional
        Takes three arrays of one shape (right answers accepted, wrong answers accepted, right answers in all) and
        gives one; `f_beta` makes the F measures. F1 by default.
    confidence_level : float, default 0.95
        Of the intervals, for one threshold at a time.
    n_resamples : int, default 999
        Draws of the bootstrap of images.
    seed : int, default 0
        Of the bootstrap.

    Returns
    -------
    MetricCurve
        At most 70 thresholds, evenly spaced among those of the curve.

    Examples
    --------
    >>> import pandas as pd
    >>> from toolkit.stats import metric_along, thresholds
    >>> outcomes = pd.DataFrame({
    ...     "setting": "a()", "sample": range(4), "confidence": [0.1, 0.4, 0.6, 0.9],
    ...     "outcome": ["wrong", "wrong", "correct", "correct"],
    ... })
    >>> metric_along(thresholds(outcomes)).best
    0.6

    Notes
    -----
    Intervals are percentiles of a bootstrap of images (Efron, 1979).
    """
    normal_quantile(confidence_level)
    metric = f_beta() if metric is None else metric
    cuts = curve.placement.thresholds
    name = getattr(metric, "__name__", "the metric")
    if not cuts.size:
        empty = pd.DataFrame(columns=["threshold", "value", "value_low", "value_high"], dtype=float)
        return MetricCurve(empty, float("nan"), curve.name, name, confidence_level)
    chosen = np.unique(np.linspace(0, cuts.size - 1, min(POINTS, cuts.size)).astype(np.intp))
    chosen = np.unique(np.append(0, chosen))  # the loosest says how many could be right
    cells = curve.placement.cells(chosen)
    held = cells.counts > 0
    columns = np.hstack([cells.right, cells.wrong])[held]
    counts = cells.counts[held]

    def values(sums: FloatArray) -> FloatArray:
        right, wrong = sums[:, : chosen.size], sums[:, chosen.size :]
        found = np.asarray(metric(right, wrong, np.broadcast_to(right[:, :1], right.shape)), np.float64)
        if found.shape != right.shape:
            raise SettingError(
                f"{name} must give an array of the shape of its arguments, {right.shape}, got {found.shape}"
            )
        return found

    value = values((counts @ columns)[None])[0]
    draws = values(bootstrap_sums(columns, counts.astype(np.int64), n_resamples, np.random.default_rng(seed)))
    tail = (1 - confidence_level) / 2
    low, high = (np.quantile(draws, share, axis=0) for share in (tail, 1 - tail))
    low, high = np.minimum(low, value), np.maximum(high, value)
    table = pd.DataFrame({"threshold": cuts[chosen], "value": value, "value_low": low, "value_high": high})
    best = float(cuts[chosen][int(np.nanargmax(value))]) if np.isfinite(value).any() else float("nan")
    return MetricCurve(table, best, curve.name, name, confidence_level)
