"""A threshold held against new outcomes: is its target still kept?"""

from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
import pandas as pd

from toolkit.errors import SettingError
from toolkit.stats._core.intervals import Interval, clopper_pearson, normal_quantile, wilson
from toolkit.stats._core.results import Result, confidence, percent
from toolkit.stats._core.trials import Errors
from toolkit.stats._thresholds.losses import LOSS_WORDS, Loss
from toolkit.stats._thresholds.risk_control import Choice
from toolkit.stats._thresholds.risk_tests import hoeffding_bentkus_p, mean_loss_bound
from toolkit.stats._thresholds.threshold_curve import thresholds

Kept = Literal["holds", "broken", "nothing accepted"]


@dataclass(frozen=True, repr=False)
class Check(Result):
    """Whether a threshold keeps its target on new images. `p` is that of "all that was promised is kept"."""

    table: pd.DataFrame
    status: Kept
    p: float
    max_risk: float
    confidence_level: float
    loss: str = "wrong"
    min_coverage: float | None = None

    def explain(self) -> str:
        row = self.table.iloc[0]
        if self.status == "nothing accepted":
            return f"Threshold {row['threshold']:g} accepted none of {row['images']:,.0f} new images; nothing is known."
        ends = (
            f"({confidence(self.confidence_level)} interval {percent(row['risk_low'])} to {percent(row['risk_high'])})"
        )
        what = f"{percent(row['risk'])} of them wrongly {ends}"
        if self.loss != "wrong":
            what = f"with a {LOSS_WORDS[self.loss]} of {percent(row['risk'])} {ends}"
        seen = (
            f"threshold {row['threshold']:g} accepted {row['accepted']:,.0f} of {row['images']:,.0f} new images, {what}"
        )
        allowed = percent(self.max_risk)
        if self.min_coverage is not None:
            allowed += f" of {percent(self.min_coverage)} at least"
        if self.status == "broken":
            return f"Broken: {seen}, where {allowed} is allowed (p = {self.p:.2g})."
        return f"No sign that the target is broken: {seen}; {allowed} is allowed (p = {self.p:.2g})."


def check_threshold(
    threshold: Choice | float,
    outcomes: pd.DataFrame,
    setting: str | None = None,
    *,
    provider: str | None = None,
    over: str | None = None,
    max_risk: float | None = None,
    confidence_level: float = 0.95,
    errors: Errors = "exclude",
) -> Check:
    """Hold a threshold against new outcomes: an exact one-sided test that the risk is within the target.

    Say `setting`, or `provider` and `over`, as for `thresholds`. Of a service's settings, the loosest that is not
    looser than the threshold is judged. "holds" means no evidence against it, which few images always give: read the
    interval. A choice is held to what it promised: its loss, wrong answers among all images if it was made for
    those, and its coverage, if it promised one.
    """
    normal_quantile(confidence_level)
    choice = threshold if isinstance(threshold, Choice) else None
    cut = choice.threshold if choice else float(threshold)  # type: ignore[arg-type]
    target = choice.max_risk if choice and max_risk is None else max_risk
    if target is None or not np.isfinite(cut):
        raise SettingError("give a controlled choice, or a threshold and max_risk=…")
    loss = _loss_of(choice)
    curve = thresholds(outcomes, setting, provider=provider, over=over, errors=errors, loss=loss)
    reached = curve.table[curve.table["threshold"] >= cut]
    images = curve.placement.images
    accepted, wrong = (int(reached[name].iloc[0]) if len(reached) else 0 for name in ("accepted", "wrong"))
    lost = float(reached["loss"].iloc[0]) if loss != "wrong" and len(reached) else float(wrong)
    trials = images if choice and choice.of_all else accepted
    p = _p_within(lost, trials, target, graded=loss != "wrong")
    low, high = _risk_interval(lost, trials, confidence_level, graded=loss != "wrong")
    covered = wilson(accepted, images, confidence_level)
    row = {"threshold": cut, "images": images, "accepted": accepted, "wrong": wrong}
    row |= {"risk": lost / trials if trials else float("nan"), "risk_low": low, "risk_high": high}
    row |= {"coverage": accepted / images if images else float("nan")}
    row |= {"coverage_low": covered.low, "coverage_high": covered.high}
    min_coverage = choice.min_coverage if choice else None
    if min_coverage is not None:  # two promises may be broken, so the smaller p-value counts twice
        p = min(1.0, 2 * min(p, _p_covers(accepted, images, min_coverage)))
    status: Kept = "holds" if p > 1 - confidence_level else "broken"
    known = trials > 0 or (min_coverage is not None and images > 0)
    table = pd.DataFrame([row | {"p": p}])
    return Check(table, status if known else "nothing accepted", p, target, confidence_level, loss, min_coverage)


def _loss_of(choice: Choice | None) -> Loss:
    if choice is None or choice.loss == "wrong":
        return "wrong"
    if choice.loss in ("cer", "ned"):
        return cast("Loss", choice.loss)
    raise SettingError("the choice comes from a frame whose loss has no name; pick it from thresholds(…, loss=…)")


def _p_within(lost: float, trials: int, max_risk: float, *, graded: bool) -> float:
    from scipy.special import bdtrc

    if graded:  # what is kept of each image is bounded like what is lost of it
        return float(hoeffding_bentkus_p(trials - lost, trials, 1 - max_risk))
    return float(bdtrc(lost - 1, trials, max_risk)) if lost > 0 else 1.0


def _p_covers(accepted: int, images: int, min_coverage: float) -> float:
    from scipy.special import bdtr

    return float(bdtr(accepted, images, min_coverage))


def _risk_interval(lost: float, trials: int, confidence_level: float, *, graded: bool) -> Interval:
    if not graded or trials == 0:
        return clopper_pearson(lost, trials, confidence_level)
    tail = (1 - confidence_level) / 2
    return Interval(1 - mean_loss_bound(trials - lost, trials, tail), mean_loss_bound(lost, trials, tail))
