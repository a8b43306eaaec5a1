"""Does a service decide by its threshold alone? And what to do with its curve when it does not."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from toolkit.errors import SettingError
from toolkit.stats.intervals import clopper_pearson
from toolkit.stats.results import Result, confidence, percent
from toolkit.stats.trials import require_columns

WARN_ABOVE = 0.03
INDEPENDENT_ABOVE = 0.05


@dataclass(frozen=True, repr=False)
class DeterminismAudit(Result):
    """What asking again showed. `decision` is "nested" (place images by bisection or descent), "warn" (do so, and say
    that chance may be at work), or "independent" (ask each setting of different images and smooth the curve).
    """

    table: pd.DataFrame
    decision: Literal["nested", "warn", "independent"]
    level: float

    def explain(self) -> str:
        row = self.table.iloc[0]
        advice = {
            "nested": "images can be placed by nested calls",
            "warn": "images can be placed by nested calls, but chance cannot be ruled out: repeat on more images",
            "independent": "each setting has to be asked of images of its own, and the curve smoothed",
        }
        return (
            f"{row['flips']:.0f} of {row['repeated']:.0f} images changed between rejected and accepted when asked again "
            f"({percent(row['share'])}, with {confidence(self.level)} confidence at most {percent(row['share_high'])}): "
            f"{advice[self.decision]}."
        )


def audit_determinism(flips: int, repeated: int, *, text_changes: int = 0, level: float = 0.95) -> DeterminismAudit:
    """Judge a service by the images whose decisive calls were repeated: how many flipped, how many changed text.

    An upper bound above 3 % warns, which takes 100 images without a flip to avoid; more than 5 % observed, of
    flips or of changed texts, rules nested calls out.
    """
    if not 0 <= flips <= repeated or not 0 <= text_changes <= repeated or repeated == 0:
        raise SettingError(f"flips={flips} and text_changes={text_changes} must lie within repeated={repeated} > 0")
    worst = max(flips, text_changes)
    high = float(clopper_pearson(flips, repeated, 2 * level - 1).high)
    decision: Literal["nested", "warn", "independent"] = "nested"
    if worst / repeated > INDEPENDENT_ABOVE:
        decision = "independent"
    elif clopper_pearson(worst, repeated, 2 * level - 1).high > WARN_ABOVE:
        decision = "warn"
    row = {"repeated": repeated, "flips": flips, "share": flips / repeated, "share_high": high}
    return DeterminismAudit(pd.DataFrame([row | {"text_changes": text_changes}]), decision, level)


def smoothed(table: pd.DataFrame) -> pd.DataFrame:
    """A curve whose settings were asked of different images, made to fall as thresholds rise.

    Takes threshold, images, accepted and wrong; gives ``coverage`` and ``generalized_risk`` by weighted isotonic
    regression, which keeps their order, and ``risk`` as their ratio (NaN where nothing is accepted). Risk itself
    need not be monotone and is never smoothed.
    """
    from scipy.optimize import isotonic_regression

    require_columns(table, "threshold", "images", "accepted", "wrong")
    ordered = table.sort_values("threshold", ignore_index=True)
    weights = ordered["images"].to_numpy(np.float64)
    if len(ordered) == 0 or (weights <= 0).any():
        raise SettingError("every setting needs images; leave out those that were not asked")

    def falling(counts: "pd.Series[int]") -> np.ndarray:
        return np.asarray(isotonic_regression(counts / weights, weights=weights, increasing=False).x)

    coverage, wrong = falling(ordered["accepted"]), falling(ordered["wrong"])
    with np.errstate(invalid="ignore", divide="ignore"):
        risk = np.where(coverage > 0, wrong / coverage, np.nan)
    return ordered.assign(coverage=coverage, generalized_risk=wrong, risk=risk)
