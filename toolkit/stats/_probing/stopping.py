"""Looking at results while they come in, and stopping when enough is known.

An ordinary interval is for one look. Looked at after every image, and stopped when it pleases, it is wrong far more
often than it says. What is here holds at every look, whatever makes one stop. Images must come in an order drawn at
random, as a run's do: the order of files is not random.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from toolkit.errors import SettingError
from toolkit.stats._core.intervals import FloatArray, Interval, normal_quantile
from toolkit.stats._core.results import Result, confidence

MOST_STAKED = 0.5
"""Share of the capital that a bet may lose at once; staking all would risk never recovering."""


def interval_so_far(right: int, seen: int, *, total: int | None = None, confidence_level: float = 0.95) -> Interval:
    """Interval of a share after `seen` images of which `right` were right, valid at every look.

    With `total` it is about that finite set, of which the images are drawn without replacement, and shrinks to a
    point when all are seen; without, it is about the source of the images.
    """
    normal_quantile(confidence_level)
    if not 0 <= right <= seen or (total is not None and seen > total):
        raise SettingError(f"right={right}, seen={seen}, total={total}: each may not exceed the next")
    return (
        _of_a_source(right, seen, 1 - confidence_level)
        if total is None
        else _of_a_set(right, seen, total, 1 - confidence_level)
    )


def _of_a_set(right: int, seen: int, total: int, alpha: float) -> Interval:
    """All counts that a uniform prior's posterior has not sunk below alpha times its start."""
    from scipy.special import betaln, gammaln

    if total == 0:
        return Interval(float("nan"), float("nan"))
    left = total - seen
    more = np.arange(left + 1)  # right ones among those not seen
    choose = gammaln(left + 1) - gammaln(more + 1) - gammaln(left - more + 1)
    posterior = choose + betaln(more + 1 + right, left - more + 1 + seen - right) - betaln(1 + right, 1 + seen - right)
    possible = right + more[posterior > np.log(alpha) - np.log(total + 1)]
    return Interval(float(possible[0] / total), float(possible[-1] / total))


def _of_a_source(right: int, seen: int, alpha: float) -> Interval:
    """All shares against which a mixture of bets, uniform over the share, has not won 1 / alpha times its stake."""
    from scipy.optimize import brentq
    from scipy.special import betaln, xlog1py, xlogy

    if seen == 0:
        return Interval(0.0, 1.0)
    mixture, found = betaln(1 + right, 1 + seen - right), right / seen

    def won(share: float) -> float:
        return float(mixture - xlogy(right, share) - xlog1py(seen - right, -share) + np.log(alpha))

    low = 0.0 if right == 0 else float(brentq(won, 1e-300, found))
    high = 1.0 if right == seen else float(brentq(won, found, 1 - 1e-16))
    return Interval(low, high)


@dataclass(frozen=True, repr=False)
class Stopping(Result):
    """`leader` is the candidate ahead so far. `status` is "stop" once it is proven, for every rival, that choosing
    the leader loses at most `eps` an image on the whole set against it. `table` has a row a rival: how far it is
    ``behind``, the ``proof`` gathered, as a share of what is needed, and whether that is ``settled``.
    """

    table: pd.DataFrame
    leader: str
    status: Literal["stop", "go on"]
    seen: int
    total: int
    eps: float
    confidence_level: float

    def explain(self) -> str:
        share = f"{self.seen:,} of {self.total:,} images"
        if self.status == "stop":
            return (
                f"Stop: after {share}, {self.leader} is within {self.eps:g} an image of the best on the whole set, with "
                f"{confidence(self.confidence_level)} confidence at whatever moment one stops."
            )
        open_rivals = self.table.loc[~self.table["settled"], "rival"].tolist()
        return f"Go on: after {share}, {self.leader} leads, and is not yet settled against {', '.join(open_rivals)}."


def can_stop(
    utilities: pd.DataFrame, total: int, *, eps: float, low: float, high: float, confidence_level: float = 0.95
) -> Stopping:
    """Whether the best candidate of a finite set is known well enough to stop paying for images.

    `utilities` has a row an image, in the random order in which they came, and a column a candidate (a threshold,
    a setting); every image has a value for every candidate, between `low` and `high`. `total` is the size of the
    whole set, `eps` the loss an image that does not matter. `SettingError` for values outside the bounds.
    """
    normal_quantile(confidence_level)
    values = utilities.to_numpy(np.float64)
    if values.shape[1] < 2 or len(values) > total or len(values) == 0:
        raise SettingError("give one image at least, two candidates at least, and no more images than total")
    if eps <= 0 or np.isnan(values).any() or values.min() < low or values.max() > high:
        raise SettingError(f"eps={eps!r} must be above 0, and all utilities within low={low!r} and high={high!r}")
    m = values.shape[1]
    means = values.mean(axis=0)
    leader = int(np.argmax(means))
    rivals = [j for j in range(m) if j != leader]
    # The claim "the leader is at most eps worse" is that the mean of this is above the middle of [0, 1].
    spread = high - low
    advantage = (values[:, [leader]] - values[:, rivals] + eps) / (2 * (spread + eps)) + 0.5
    capital = log_capital(advantage, total, 0.5)
    needed = np.log(m * (m - 1) / (1 - confidence_level))  # any of the m (m - 1) claims may be the one that is needed
    table = pd.DataFrame(
        {
            "rival": [str(utilities.columns[j]) for j in rivals],
            "behind": means[leader] - means[rivals],
            "proof": np.clip(capital / needed, 0, 1),
            "settled": capital >= needed,
        }
    )
    status: Literal["stop", "go on"] = "stop" if table["settled"].all() else "go on"
    return Stopping(table, str(utilities.columns[leader]), status, len(values), total, eps, confidence_level)


def log_capital(values: ArrayLike, total: int, claim: float) -> FloatArray:
    """Log of the most that bets against "the mean of all `total` values is at most `claim`" ever won, column by column.

    Values lie in [0, 1] and are drawn without replacement; 1 / alpha is won with probability alpha at most while
    the claim is true. Stakes follow the mean and scatter of what was drawn before, never of what comes.
    """
    x = np.asarray(values, np.float64)
    x = x[:, None] if x.ndim == 1 else x
    seen = np.arange(len(x))[:, None]
    before = np.cumsum(x, axis=0) - x
    # What the rest would average, were the claim just true.
    fair = (total * claim - before) / (total - seen)
    mean = (0.5 + before) / (1 + seen)
    scatter = (0.25 + np.cumsum((x - mean) ** 2, axis=0) - (x - mean) ** 2) / (1 + seen)
    with np.errstate(divide="ignore", invalid="ignore"):
        stake = np.clip((mean - fair) / (scatter + (mean - fair) ** 2), 0, MOST_STAKED / np.maximum(fair, 1e-12))
        growth = np.log1p(stake * (x - fair))
    # Where the rest could not average enough any more, nothing is staked; where the values drawn already exceed
    # what the claim allows the whole set, it is disproven for good.
    growth = np.where(before + x > total * claim, np.inf, np.where(fair > 1, 0.0, growth))
    return np.asarray(np.max(np.cumsum(growth, axis=0), axis=0))
