"""A threshold held against new outcomes: is its target still kept?"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from toolkit.errors import SettingError
from toolkit.stats.intervals import clopper_pearson
from toolkit.stats.results import Result, confidence, percent
from toolkit.stats.risk_control import Choice
from toolkit.stats.threshold_curve import thresholds
from toolkit.stats.trials import Errors


@dataclass(frozen=True, repr=False)
class Check(Result):
    """Whether a threshold keeps its target on new images. `p` is that of "the risk is within the target"."""

    table: pd.DataFrame
    status: Literal["holds", "broken", "nothing accepted"]
    p: float
    max_risk: float
    level: float

    def explain(self) -> str:
        row = self.table.iloc[0]
        if self.status == "nothing accepted":
            return f"Threshold {row['threshold']:g} accepted none of {row['images']:,.0f} new images; nothing is known."
        seen = (
            f"threshold {row['threshold']:g} accepted {row['accepted']:,.0f} of {row['images']:,.0f} new images, "
            f"{percent(row['risk'])} of them wrongly ({confidence(self.level)} interval {percent(row['risk_low'])} to "
            f"{percent(row['risk_high'])})"
        )
        if self.status == "broken":
            return f"Broken: {seen}, more than {percent(self.max_risk)} allows (p = {self.p:.2g})."
        return f"No sign that the target is broken: {seen}; {percent(self.max_risk)} is allowed (p = {self.p:.2g})."


def check(
    threshold: Choice | float,
    outcomes: pd.DataFrame,
    setting: str | None = None,
    *,
    max_risk: float | None = None,
    level: float = 0.95,
    errors: Errors = "exclude",
) -> Check:
    """Hold a threshold against new outcomes of the setting: an exact one-sided test that its risk is in the target.

    "holds" means no evidence against it, which few images always give: read the interval. A choice made for
    wrong answers among all images is held against all images.
    """
    cut = threshold.threshold if isinstance(threshold, Choice) else float(threshold)
    target = threshold.max_risk if isinstance(threshold, Choice) and max_risk is None else max_risk
    if target is None or not np.isfinite(cut):
        raise SettingError("give a controlled choice, or a threshold and max_risk=…")
    table = thresholds(outcomes, setting, errors=errors).table
    reached = table[table["threshold"] >= cut]
    images = int(table["images"].iloc[0]) if len(table) else 0
    accepted, wrong = (int(reached[name].iloc[0]) if len(reached) else 0 for name in ("accepted", "wrong"))
    of_all = isinstance(threshold, Choice) and threshold.method in ("generalized", "mean")
    trials = images if of_all else accepted
    low, high = clopper_pearson(wrong, trials, level)
    p = _p_within(wrong, trials, target)
    row = {"threshold": cut, "images": images, "accepted": accepted, "wrong": wrong}
    row |= {"risk": wrong / trials if trials else float("nan"), "risk_low": low, "risk_high": high, "p": p}
    status: Literal["holds", "broken", "nothing accepted"] = "holds" if p > 1 - level else "broken"
    return Check(pd.DataFrame([row]), status if trials else "nothing accepted", p, target, level)


def _p_within(wrong: int, trials: int, max_risk: float) -> float:
    from scipy.special import bdtrc

    return float(bdtrc(wrong - 1, trials, max_risk)) if wrong > 0 else 1.0
