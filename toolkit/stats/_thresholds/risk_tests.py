"""Tests that a threshold's risk is within a target: each gives the candidates it tested and the loosest that passed.

Candidates come as a frame of counts, strictest first: threshold, images, accepted, and `lost`, the sum over the
accepted of what each loses. That is how many are wrong, and is tested exactly, unless losses lie between 0 and 1.
"""

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from toolkit.stats._comparison.paired import holm
from toolkit.stats._core.intervals import FloatArray
from toolkit.stats._core.trials import BoolArray

LOST_AT_START = 2
"""What the first test survives, in wrong answers. With none allowed, one unlucky image ends the search at its start."""

CANDIDATES = 30
HOLM_CANDIDATES = 10
FLOAT_NOISE = 1e-9
"""A sum of losses this little above a whole number is that number: one loss more would be counted for nothing."""

Tested = tuple[pd.DataFrame, int | None]
"""The candidates with their p-values and whether they passed, and the place of the loosest that did."""


@dataclass(frozen=True)
class Target:
    """What is to be promised, and the chance `delta` that the promise may break.

    `graded` says that losses lie between 0 and 1. With `min_coverage` a threshold can miss in two ways, too loose
    for the risk or too strict for the coverage, so each has half of the chance.
    """

    max_risk: float
    delta: float
    graded: bool = False
    min_coverage: float | None = None

    @property
    def each(self) -> float:
        """The chance that one of the promises may break."""
        return self.delta if self.min_coverage is None else self.delta / 2

    @property
    def start(self) -> int:
        """Fewest accepted images with which a search may begin."""
        return needed_to_start(self.max_risk, self.each, graded=self.graded)

    def risk_p(self, lost: ArrayLike, trials: ArrayLike) -> FloatArray:
        """p-values of "the mean loss is above `max_risk`"."""
        return (hoeffding_bentkus_p if self.graded else risk_p)(lost, trials, self.max_risk)

    def coverage_p(self, counts: pd.DataFrame) -> FloatArray:
        """p-values of "the coverage is below `min_coverage`", none smaller than that of a looser candidate.

        Tested from the loosest candidate on, they need no correction for their number.
        """
        if self.min_coverage is None:
            return np.zeros(len(counts))
        p = coverage_p(counts["accepted"].to_numpy(), counts["images"].to_numpy(), self.min_coverage)
        return np.asarray(np.maximum.accumulate(p[::-1])[::-1])


def needed_to_start(max_risk: float, delta: float, lost: int = LOST_AT_START, *, graded: bool = False) -> int:
    """Fewest accepted images of which `lost` wrong ones still pass: 105 for 5 % at 90 % confidence."""
    test = hoeffding_bentkus_p if graded else risk_p
    plenty = int((lost + 1 - 10 * np.log(delta)) * 10 / max_risk)
    return bisect_left(range(plenty), True, lo=lost, key=lambda n: bool(test(lost, n, max_risk) <= delta))


def fixed_sequence(counts: pd.DataFrame, target: Target) -> Tested:
    tested = spaced(_eligible(counts, target), CANDIDATES)
    tested["p"] = np.maximum(target.risk_p(tested["lost"], tested["accepted"]), tested["p"])
    tested["passed"] = np.logical_and.accumulate(tested["p"].to_numpy() <= target.each)
    failed = np.flatnonzero(~tested["passed"].to_numpy())
    tested = tested.iloc[: failed[0] + 1] if failed.size else tested  # nothing is tested after the first failure
    return tested, _last(tested)


def holm_sequence(counts: pd.DataFrame, target: Target) -> Tested:
    tested = spaced(_eligible(counts, target), HOLM_CANDIDATES)
    tested["p"] = np.maximum(holm(target.risk_p(tested["lost"], tested["accepted"])), tested["p"])
    tested["passed"] = tested["p"] <= target.each
    return tested, _last(tested)


def generalized(counts: pd.DataFrame, target: Target) -> Tested:
    # Each candidate has its own denominator: of a service asked setting by setting, not all read the same images.
    within = target.risk_p(counts["lost"].to_numpy(np.float64), counts["images"].to_numpy()) <= target.each
    p_coverage = target.coverage_p(counts)
    tested = _around_the_last(counts.assign(p=p_coverage), within, p_coverage <= target.each)
    tested["p"] = np.maximum(target.risk_p(tested["lost"], tested["images"]), tested["p"])
    return tested, _last(tested)


def mean(counts: pd.DataFrame, target: Target) -> Tested:
    bound = (counts["lost"].to_numpy() + 1) / (counts["images"].to_numpy() + 1)
    tested = _around_the_last(counts, bound <= target.max_risk, np.ones(len(counts), np.bool_))
    tested["p"] = np.nan
    return tested, _last(tested)


def _eligible(counts: pd.DataFrame, target: Target) -> pd.DataFrame:
    """Candidates that accept enough to be tested and cover enough, with the p-value of the latter.

    This looks at which images are accepted and never at which answers are right, so it leaves the tests of risk
    as they are.
    """
    p = target.coverage_p(counts)
    return counts.assign(p=p)[(counts["accepted"].to_numpy() >= target.start) & (p <= target.each)]


def _around_the_last(counts: pd.DataFrame, within: BoolArray, covers: BoolArray) -> pd.DataFrame:
    """Some candidates, with the loosest that passes and the one after it: enough to see where the line is."""
    held = np.logical_and.accumulate(within)
    turn = int(np.count_nonzero(held))
    kept = set(spaced(counts, CANDIDATES).index) | {turn - 1, turn}
    places = [place for place in sorted(kept) if 0 <= place < len(counts)]
    return counts.iloc[places].assign(passed=(held & covers)[places])


METHODS = {"fixed_sequence": fixed_sequence, "holm": holm_sequence, "generalized": generalized, "mean": mean}


def risk_p(wrong: ArrayLike, trials: ArrayLike, max_risk: float) -> FloatArray:
    """Exact p-values of "the risk is above `max_risk`", from counts; 1 where nothing was accepted."""
    from scipy.special import bdtr

    k, n = np.asarray(wrong, np.float64), np.asarray(trials)
    return np.asarray(np.where(n == 0, 1.0, bdtr(k, np.maximum(n, 1), max_risk)))


def hoeffding_bentkus_p(lost: ArrayLike, trials: ArrayLike, max_risk: float) -> FloatArray:
    """p-values of "the mean loss is above `max_risk`" for losses in [0, 1] (Hoeffding, Bentkus), from their sums.

    The smaller of two bounds, valid whatever the losses' distribution; 1 where nothing was accepted. For losses of
    0 and 1 only, `risk_p` is exact and smaller.
    """
    from scipy.special import bdtr, rel_entr

    s, n = np.asarray(lost, np.float64), np.asarray(trials)
    some = np.maximum(n, 1)
    r = np.minimum(s / some, max_risk)
    hoeffding = np.exp(-some * (rel_entr(r, max_risk) + rel_entr(1 - r, 1 - max_risk)))
    bentkus = np.e * bdtr(np.maximum(np.ceil(s - FLOAT_NOISE), 0.0), some, max_risk)
    return np.asarray(np.where(n == 0, 1.0, np.minimum(hoeffding, bentkus)))


def mean_loss_bound(lost: float, trials: int, delta: float) -> float:
    """The mean loss that is exceeded with a chance of `delta` at most: where the p-value of `lost` is `delta`."""
    from scipy.optimize import brentq

    if trials == 0 or lost >= trials:
        return 1.0
    return float(brentq(lambda risk: float(hoeffding_bentkus_p(lost, trials, risk)) - delta, lost / trials, 1 - 1e-12))


def coverage_p(accepted: ArrayLike, images: ArrayLike, min_coverage: float) -> FloatArray:
    """Exact p-values of "a smaller share than `min_coverage` is accepted"."""
    from scipy.special import bdtrc

    k, n = np.asarray(accepted, np.float64), np.asarray(images)
    return np.asarray(np.where(k <= 0, 1.0, bdtrc(np.maximum(k - 1, 0), np.maximum(n, 1), min_coverage)))


def _last(tested: pd.DataFrame) -> int | None:
    passed = np.flatnonzero(tested["passed"].to_numpy(np.bool_))
    return int(passed[-1]) if passed.size else None


def spaced(counts: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most so many candidates, evenly spaced in how many images they accept.

    Chosen without a look at which answers are right, as the test requires. Fewer, farther tests lose less to
    chance than one after every image.
    """
    if len(counts) <= most:
        return counts.copy()
    # A service asked setting by setting may accept a few less at a looser one.
    accepted = np.maximum.accumulate(counts["accepted"].to_numpy())
    wanted = np.linspace(accepted[0], accepted[-1], most)
    places = np.unique(np.searchsorted(accepted, wanted))
    return counts.iloc[places].copy()
