"""Tests that a threshold's risk is within a target: each gives the candidates it tested and the loosest that passed.

Candidates come as a frame of counts, strictest first: threshold, images, accepted, wrong.
"""

from bisect import bisect_left

import numpy as np
import pandas as pd

from toolkit.stats.intervals import FloatArray, binomial_quantile
from toolkit.stats.paired import holm
from toolkit.stats.trials import BoolArray, CodeArray

ERRORS_AT_START = 2
"""Wrong answers that the first test survives. With none allowed, one unlucky image ends the search at its start."""

CANDIDATES = 30
HOLM_CANDIDATES = 10

Tested = tuple[pd.DataFrame, int | None]
"""The candidates with their p-values and whether they passed, and the place of the loosest that did."""


def needed_to_start(max_risk: float, delta: float, allowed: int = ERRORS_AT_START) -> int:
    """Fewest accepted images of which `allowed` wrong ones still pass: 105 for 5 % at 90 % confidence."""
    from scipy.special import bdtr

    plenty = int((allowed + 1 - 10 * np.log(delta)) * 10 / max_risk)
    return bisect_left(range(plenty), True, lo=allowed, key=lambda n: bool(bdtr(allowed, n, max_risk) <= delta))


def fixed_sequence(counts: pd.DataFrame, max_risk: float, delta: float) -> Tested:
    start = needed_to_start(max_risk, delta)
    tested = spaced(counts[counts["accepted"] >= start], CANDIDATES)
    tested["p"] = risk_p(tested["wrong"].to_numpy(), tested["accepted"].to_numpy(), max_risk)
    tested["passed"] = np.logical_and.accumulate(tested["p"].to_numpy() <= delta)
    failed = np.flatnonzero(~tested["passed"].to_numpy())
    tested = tested.iloc[: failed[0] + 1] if failed.size else tested  # nothing is tested after the first failure
    return tested, _last(tested)


def holm_sequence(counts: pd.DataFrame, max_risk: float, delta: float) -> Tested:
    start = needed_to_start(max_risk, delta)
    tested = spaced(counts[counts["accepted"] >= start], HOLM_CANDIDATES)
    tested["p"] = holm(risk_p(tested["wrong"].to_numpy(), tested["accepted"].to_numpy(), max_risk))
    tested["passed"] = tested["p"] <= delta
    return tested, _last(tested)


def generalized(counts: pd.DataFrame, max_risk: float, delta: float) -> Tested:
    # All candidates have the same denominator, so one number of wrong answers separates those that pass.
    images = int(counts["images"].max()) if len(counts) else 0
    allowed = binomial_quantile(delta, images, max_risk)
    allowed -= risk_p(np.array([allowed]), np.array([images]), max_risk)[0] > delta
    tested = _around_the_last(counts, counts["wrong"].to_numpy() <= allowed)
    tested["p"] = risk_p(tested["wrong"].to_numpy(), tested["images"].to_numpy(), max_risk)
    return tested, _last(tested)


def mean(counts: pd.DataFrame, max_risk: float, delta: float) -> Tested:  # noqa: ARG001 -- one call for all methods
    bound = (counts["wrong"].to_numpy() + 1) / (counts["images"].to_numpy() + 1)
    tested = _around_the_last(counts, bound <= max_risk)
    tested["p"] = np.nan
    return tested, _last(tested)


def _around_the_last(counts: pd.DataFrame, passes: BoolArray) -> pd.DataFrame:
    """Some candidates, with the loosest that passes and the one after it: enough to see where the line is."""
    passed = np.logical_and.accumulate(passes)
    turn = int(np.count_nonzero(passed))
    kept = set(spaced(counts, CANDIDATES).index) | {turn - 1, turn}
    places = [place for place in sorted(kept) if 0 <= place < len(counts)]
    return counts.iloc[places].assign(passed=passed[places])


METHODS = {"fixed_sequence": fixed_sequence, "holm": holm_sequence, "generalized": generalized, "mean": mean}


def risk_p(wrong: CodeArray, trials: CodeArray, max_risk: float) -> FloatArray:
    """Exact p-values of "the risk is above `max_risk`", from counts; 1 where nothing was accepted."""
    from scipy.special import bdtr

    return np.asarray(np.where(trials == 0, 1.0, bdtr(wrong.astype(np.float64), np.maximum(trials, 1), max_risk)))


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
