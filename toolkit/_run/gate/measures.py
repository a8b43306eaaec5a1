"""How much a setting's accuracy or p95 of latency changed, on the same images, and what that says about a limit."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from toolkit.stats import compare, harrell_davis
from toolkit.stats._comparison.paired_quantiles import (
    DrawnDifferences,
    Times,
    differences_of_quantiles,
    on_shared_images,
)
from toolkit.stats._core.intervals import Interval
from toolkit.stats._core.trials import Errors, Trials, latency_seconds

Verdict = Literal["pass", "worse", "cannot tell"]
OLD, NEW = "old", "new"
"""What the two runs' trials of a setting are called in a frame that holds both."""

_P95 = 0.95
_NO_TIME_S = 1e-9  # shorter than any clock tells: keeps the logarithm of a latency finite
_UNKNOWN = Interval(np.nan, np.nan)


@dataclass(frozen=True)
class GateSettings:
    """How surely: `pass_level` and `fail_level` are the confidence of a one-sided gate_settings; both need above 0.5."""

    pass_level: float
    fail_level: float
    errors: Errors
    n_resamples: int
    seed: int


@dataclass(frozen=True)
class Change:
    """One check. `change` is `new` - `old` for a share, `new` / `old` - 1 for a time; the interval is for passing."""

    images: int
    old: float
    new: float
    change: float
    change_low: float
    change_high: float
    limit: float
    verdict: Verdict = "cannot tell"
    images_needed: float = np.nan


def accuracy_change(both: pd.DataFrame, max_drop: float, gate_settings: GateSettings) -> Change:
    """By how much the share of images read right changed."""
    if set(both["setting"]) != {OLD, NEW}:
        return Change(0, np.nan, np.nan, np.nan, *_UNKNOWN, max_drop)
    # A two-sided interval at 2 × level - 1 has ends that hold at `level` each.
    row, sterner = (
        compare(
            both,
            OLD,
            errors=gate_settings.errors,
            confidence_level=2 * confidence_level - 1,
            n_resamples=gate_settings.n_resamples,
            seed=gate_settings.seed,
        ).table.iloc[0]
        for confidence_level in (gate_settings.pass_level, gate_settings.fail_level)
    )
    change, low, high = (float(row[name]) for name in ("difference", "difference_low", "difference_high"))
    verdict = _verdict(kept=low > -max_drop, broken=float(sterner["difference_high"]) < -max_drop)
    images = int(row["images"])
    needed = _images_needed(images, change + max_drop, change - low, verdict)
    return Change(
        images, float(row["value_baseline"]), float(row["value"]), change, low, high, max_drop, verdict, needed
    )


def p95_change(both: pd.DataFrame, max_increase: float, gate_settings: GateSettings) -> Change:
    """By what share the 95th percentile of latency rose; a bootstrap of images gives the interval of the ratio."""
    old, new = on_shared_images(*(_seconds(both, which, gate_settings.errors) for which in (OLD, NEW)))
    images = np.unique(old.image).size
    if not images:
        return Change(0, np.nan, np.nan, np.nan, *_UNKNOWN, max_increase)
    # The logarithm keeps the ranks, and makes the difference of two quantiles a ratio.
    logs = [times._replace(seconds=np.log(np.maximum(times.seconds, _NO_TIME_S))) for times in (new, old)]
    draws = differences_of_quantiles(logs[0], logs[1], _P95, gate_settings.n_resamples, gate_settings.seed)
    (low, high), (sterner, _) = (
        _rise(draws, confidence_level) for confidence_level in (gate_settings.pass_level, gate_settings.fail_level)
    )
    before, after = harrell_davis(old.seconds, _P95), harrell_davis(new.seconds, _P95)
    change = float("nan") if np.isinf(before) else after / max(before, _NO_TIME_S) - 1
    verdict = _verdict(kept=high < max_increase, broken=sterner > max_increase)
    needed = _images_needed(images, max_increase - change, high - change, verdict)
    return Change(images, before, after, change, low, high, max_increase, verdict, needed)


def _seconds(both: pd.DataFrame, which: str, errors: Errors) -> Times:
    """Latencies of one of the runs."""
    trials = Trials.of(both, errors)
    seconds = latency_seconds(both, trials)
    mine = (both["setting"] == which).to_numpy() & ~np.isnan(seconds)
    return Times(seconds[mine], trials.sample[mine])


def _rise(log_ratios: DrawnDifferences, confidence_level: float) -> Interval:
    """The share by which it rose, with ends that hold at `confidence_level` each."""
    low, high = log_ratios.interval(2 * confidence_level - 1)
    return Interval(float(np.expm1(low)), float(np.expm1(high)))


def _verdict(*, kept: bool, broken: bool) -> Verdict:
    return "pass" if kept else "worse" if broken else "cannot tell"


def _images_needed(images: int, distance: float, reach: float, verdict: Verdict) -> float:
    """Images with which an interval reaching so far would end before the limit: its width falls as their root."""
    if verdict != "cannot tell" or not np.isfinite([distance, reach]).all() or distance == 0:
        return float("nan")
    return float(np.ceil(images * max((reach / distance) ** 2, 1.0)))
