"""A threshold with a promise while its images still come in and cost money: test by bets, and stop when it is settled.

A p-value is for one look. The capital of bets against a claim may be looked at after every image: while the claim is
true it reaches 1 / delta with probability delta at most, whenever one stops.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from toolkit.errors import SettingError
from toolkit.stats._core.intervals import FloatArray
from toolkit.stats._core.results import Result, confidence, percent
from toolkit.stats._core.trials import BoolArray, require_columns
from toolkit.stats._thresholds.risk_tests import needed_to_start

PILOT = 300
"""Images after which the first setting to test is fixed. Moved later, by what is seen, it would break the promise."""


@dataclass(frozen=True, repr=False)
class ControlSoFar(Result):
    """`threshold` is the loosest setting whose risk is proven to be within `max_risk`, NaN while none is.

    `status` is "stop" once more images cannot change that but by much patience: the next setting is shown to be
    too risky, or there is none. `table` has a row a setting, strictest first: ``accepted`` and ``wrong`` so far, the
    ``proof`` that it is safe and the ``disproof``, each as a share of what is needed, and its ``standing``.
    """

    table: pd.DataFrame
    threshold: float
    status: Literal["stop", "go on"]
    seen: int
    total: int
    max_risk: float
    confidence: float

    def explain(self) -> str:
        share = f"after {self.seen:,} of {self.total:,} images"
        sure = f"with {confidence(self.confidence)} confidence, at whatever moment one stops"
        next_one = self.table.loc[self.table["standing"].isin(["open", "too risky"]), "threshold"]
        if np.isfinite(self.threshold):
            text = (
                f"from threshold {self.threshold:g} on at most {percent(self.max_risk, 2)} of the accepted are wrong, "
                f"{sure}; assumes that less confident answers are not the safer ones"
            )
        else:
            text = f"no threshold is proven to let through at most {percent(self.max_risk, 2)} wrong"
        if self.status == "go on":
            waiting = f"{next_one.iloc[0]:g} is not settled yet" if len(next_one) else "the pilot is not over"
            return f"Go on: {share} {text}; {waiting}."
        reason = "all images are seen" if self.seen == self.total else "no setting is left to prove"
        if self.table["standing"].eq("too risky").any():
            reason = f"{next_one.iloc[0]:g} is too risky"
        return f"Stop: {share} {text}; {reason}."


def control_so_far(
    placed: pd.DataFrame,
    settings: Sequence[float],
    total: int,
    *,
    max_risk: float = 0.05,
    confidence: float = 0.90,
    pilot: int = PILOT,
) -> ControlSoFar:
    """What is proven about the risk of a service's settings by the images placed so far, of `total` to come.

    `placed` has a row an image in the random order in which they came: ``place``, how many of the rising `settings`
    accept it, and ``outcome`` (see `placed_images`). Settings are tested from the strictest on that will accept
    enough, as far as the first `pilot` images tell; each is passed once it is proven. The promise is about new
    images of the same source. Where the risk is near the target this saves nothing, and it proves less than
    `pick_threshold` on the whole set.

    `SettingError` where a place lies outside the settings, or more images came than there are.
    """
    require_columns(placed, "place", "outcome")
    if not 0 < max_risk < 1 or not 0 < confidence < 1:
        raise SettingError(f"max_risk={max_risk!r} and confidence={confidence!r} must lie between 0 and 1")
    cuts = np.asarray(settings, np.float64)
    place = placed["place"].to_numpy(np.intp)
    if cuts.size == 0 or np.any(np.diff(cuts) <= 0):
        raise SettingError("settings must be one at least, rising")
    if len(placed) > total or np.any((place < 0) | (place > cuts.size)):
        raise SettingError(f"give at most total={total} images, each placed between 0 and {cuts.size}")
    strict_first = np.arange(cuts.size)[::-1]
    accepted = place[:, None] > strict_first
    wrong = accepted & (placed["outcome"] == "wrong").to_numpy(np.bool_)[:, None]
    safe, risky = log_capitals(accepted, wrong, max_risk)
    needed = -np.log(1 - confidence)
    started = len(placed) >= min(pilot, total)
    enough = accepted[:pilot].sum(axis=0) * total / max(min(pilot, len(placed)), 1)
    tested = started & (enough >= needed_to_start(max_risk, 1 - confidence))
    standing = _standing(tested, safe >= needed, risky >= needed)
    table = pd.DataFrame(
        {
            "threshold": cuts[strict_first],
            "accepted": accepted.sum(axis=0),
            "wrong": wrong.sum(axis=0),
            "proof": np.clip(safe / needed, 0, 1),
            "disproof": np.clip(risky / needed, 0, 1),
            "standing": standing,
        }
    )
    proven = table.loc[table["standing"] == "proven", "threshold"]
    settled = started and "open" not in standing
    status: Literal["stop", "go on"] = "stop" if settled or len(placed) == total else "go on"
    threshold = float(proven.iloc[-1]) if len(proven) else float("nan")
    return ControlSoFar(table, threshold, status, len(placed), total, max_risk, confidence)


def log_capitals(accepted: BoolArray, wrong: BoolArray, max_risk: float) -> tuple[FloatArray, FloatArray]:
    """Log of the most that bets ever won, a column each: against "the risk is above `max_risk`", and "within it".

    Each answer is bet on at the odds of the wrong share before it, shrunken towards the target, and never beyond it
    to the side on which a bet could win while its claim is true.
    """
    seen, failed = (np.asarray(np.cumsum(x, axis=0) - x, np.float64) for x in (accepted, wrong))
    found = []
    for start, within in ((0.5, True), (1.0, False)):
        share = (failed + start) / (seen + 1 / max_risk)
        share = np.minimum(share, max_risk) if within else np.maximum(share, max_risk)
        growth = np.where(wrong, np.log(share / max_risk), np.log1p(-share) - np.log1p(-max_risk))
        won = np.cumsum(np.where(accepted, growth, 0.0), axis=0)
        found.append(np.maximum(won.max(axis=0, initial=0.0), 0.0))
    return found[0], found[1]


def _standing(tested: BoolArray, safe: BoolArray, risky: BoolArray) -> list[str]:
    """Each setting's standing, strictest first: nothing is tested before the one before it is proven."""
    standing, going = [], True
    for test, proven, disproven in zip(tested.tolist(), safe.tolist(), risky.tolist(), strict=True):
        if not test:
            standing.append("accepts too few")
        elif not going:
            standing.append("not tested")
        else:
            standing.append("proven" if proven else "too risky" if disproven else "open")
            going = proven
    return standing
