"""Latencies as the figures read them: those of answers, time-outs as longer than any, polled ones with both ends."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.stats._core.intervals import harrell_davis, quantile_interval
from toolkit.stats._core.trials import Trials, latency_seconds, require_columns

QUANTILES = (0.5, 0.9, 0.95, 0.99)

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Latencies:
    """Seconds of one setting's answers, rising; infinite for trials that ran out of time.

    An answer that was polled for was ready between `low` and `high`; else both are the same. `low` rises by itself,
    so the two are sorted each for itself, not answer by answer. `images` belongs to `high`.
    """

    setting: str
    high: FloatArray
    low: FloatArray
    images: NDArray[Any]

    @property
    def polled(self) -> bool:
        """Whether any answer's time is known to an interval only."""
        return bool(np.any(self.low < self.high))


def latencies(outcomes: pd.DataFrame) -> Iterator[Latencies]:
    """The latencies of each setting that has any finite one."""
    require_columns(outcomes, "setting", "sample", "outcome", "latency_s")
    trials = Trials.of(outcomes)
    high = latency_seconds(outcomes, trials)
    low = high
    if "latency_low_s" in outcomes.columns:
        given = outcomes["latency_low_s"].to_numpy(np.float64, na_value=np.nan)
        low = np.where(np.isnan(given) | np.isinf(high), high, np.fmin(given, high))
    for code, label in enumerate(trials.settings):
        mine = np.flatnonzero((trials.setting == code) & ~np.isnan(high))
        if np.isfinite(high[mine]).any():
            order = mine[np.argsort(high[mine], kind="stable")]
            yield Latencies(label, high[order], np.sort(low[mine]), trials.sample[order])


def latency_table(
    outcomes: pd.DataFrame, quantiles: Sequence[float] = QUANTILES, confidence_level: float = 0.95
) -> pd.DataFrame:
    """Quantiles of latency, one row a setting and quantile, with exact order-statistic intervals.

    Columns: setting, quantile, answers (with those out of time), latency_s (Harrell-Davis; infinite beyond the
    share that ended in time) with its ends (NaN where there are too few answers to know them), and polled_low_s,
    the same quantile had every polled answer been ready at the last poll that did not find it.
    """
    rows = []
    for one in latencies(outcomes):
        repeated = len(np.unique(one.images)) < one.images.size
        for quantile in quantiles:
            ends = quantile_interval(one.high, quantile, confidence_level, images=one.images if repeated else None)
            row = {"setting": one.setting, "quantile": quantile, "answers": one.high.size}
            row |= {"latency_s": harrell_davis(one.high, quantile), "latency_s_low": ends.low}
            row |= {"latency_s_high": ends.high, "polled_low_s": harrell_davis(one.low, quantile)}
            rows.append(row)
    columns = ["setting", "quantile", "answers", "latency_s", "latency_s_low", "latency_s_high", "polled_low_s"]
    table = pd.DataFrame(rows, columns=columns)
    return table.astype({"setting": "str", "answers": "int64"} | dict.fromkeys(["quantile", *columns[3:]], float))
