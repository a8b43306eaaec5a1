"""A threshold with a guarantee: how loose it may be with wrong answers still rare, for new images too.

The lowest threshold whose observed risk is below the target is not offered: chosen on the data that it is judged
by, it broke its target in most simulated runs. What is offered is tested with exact binomial p-values.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
import pandas as pd

from toolkit.errors import DatasetError, SettingError
from toolkit.stats._core.intervals import clopper_pearson, wilson
from toolkit.stats._core.results import Result, confidence, percent
from toolkit.stats._thresholds.losses import LOSS_WORDS
from toolkit.stats._thresholds.risk_tests import METHODS, Target, mean_loss_bound, spaced
from toolkit.stats._thresholds.threshold_curve import ThresholdCurve

if TYPE_CHECKING:
    from toolkit.stats._decisions.policy import Policy, Rules
    from toolkit.stats._decisions.slices import SlicedChoice, SlicedCurves

Method = Literal["fixed_sequence", "holm", "generalized", "mean"]
"""How a threshold is controlled; `pick_threshold` says what each promises."""

Status = Literal["controlled", "none passed", "too few"]

LAYERS = 5


@dataclass(frozen=True, repr=False)
class Choice(Result):
    """A threshold, and what is promised about it. `threshold` is NaN unless `status` is "controlled".

    Of `images`, it accepts `accepted` with `wrong` among them, which lose `lost` in all (their number, unless the
    curve has another loss); `p` is the p-value that let it pass, and `risk_high` the one-sided bound of its risk by
    itself. `table` lists the candidates tested, `layers` the risk within bands of confidence, which the promise
    assumes not to fall where confidence does.
    """

    table: pd.DataFrame
    layers: pd.DataFrame
    threshold: float
    status: Status
    method: Method
    max_risk: float
    confidence: float
    images: int
    accepted: int = 0
    wrong: int = 0
    lost: float = 0.0
    p: float = float("nan")
    risk_high: float = float("nan")
    images_needed: float = float("nan")
    name: str = field(default="")
    loss: str = "wrong"
    min_coverage: float | None = None

    @property
    def coverage(self) -> float:
        """Share of the images that the threshold accepts."""
        return self.accepted / self.images if self.images else float("nan")

    @property
    def of_all(self) -> bool:
        """Whether what is limited is the mean over all images, not over the accepted ones."""
        return self.method in OF_ALL

    @property
    def risk(self) -> float:
        """What is limited, as seen on these images: a mean loss, or the share that is wrong."""
        trials = self.images if self.of_all else self.accepted
        return self.lost / trials if trials else float("nan")

    def explain(self) -> str:
        target = self._target()
        if self.status == "too few":
            known = np.isfinite(self.images_needed)
            needed = f"about {self.images_needed:,.0f} images" if known else "answers, of which there were none"
            return f"{self.name}: too few images to promise {target}; it takes {needed}, there are {self.images:,}."
        if self.status == "none passed":
            tested = f"{len(self.table)} {'was' if len(self.table) == 1 else 'were'} tested"
            text = f"{self.name}: no threshold can be promised to let through {target}; {tested}."
        else:
            text = self._promise(target)
        if self.method == "fixed_sequence" and _safer_when_looser(self.layers):
            text += "\nLess confident answers seem the safer ones here (see .layers): use method='holm', which allows for it."
        return text

    def _promise(self, target: str) -> str:
        sure = f"with {confidence(self.confidence)} confidence {target}"
        seen = "" if self.loss == "wrong" else f", a {LOSS_WORDS[self.loss]} of {percent(self.risk, 2)}"
        average = f"on average over such choices {target}"
        text = (
            f"{self.name}: from threshold {self.threshold:g} on, {average if self.method == 'mean' else sure}, for new "
            f"images from the same source. Here it accepted {self.accepted:,} of {self.images:,} images "
            f"({percent(self.coverage)}), {self.wrong:,} wrongly{seen}"
        )
        assumed = "; assumes that less confident answers are not the safer ones"
        return text + (assumed if self.method == "fixed_sequence" else "") + "."

    def _target(self) -> str:
        """The promise in words: what is limited, and what else was asked for."""
        if self.loss == "wrong":
            of_what = "and accepted of all images" if self.of_all else "of those accepted"
            text = f"at most {percent(self.max_risk, 2)} wrong {of_what}"
        else:
            of_what = "over all images, nothing lost where none is accepted" if self.of_all else "over those accepted"
            text = f"a {LOSS_WORDS[self.loss]} of at most {percent(self.max_risk, 2)} {of_what}"
        return text + ("" if self.min_coverage is None else f" and at least {percent(self.min_coverage)} accepted")

    def to_policy(self, rules: "Rules | None" = None) -> "Policy":
        """The threshold as a policy, to be saved and applied to new answers.

        Parameters
        ----------
        rules : Rules, optional
            What an accepted answer must be beside sure of itself; the same that were applied to the outcomes before
            the thresholds were chosen.

        Returns
        -------
        Policy

        Raises
        ------
        SettingError
            If there is no threshold to apply.
        """
        from toolkit.stats._decisions.policy import policy_of_choice

        return policy_of_choice(self, rules)


OF_ALL = ("generalized", "mean")
"""The methods that limit a mean over all images, in which an image that is not accepted loses nothing."""


@overload
def pick_threshold(
    curve: ThresholdCurve | pd.DataFrame,
    max_risk: float = ...,
    confidence: float = ...,
    *,
    method: Method = ...,
    min_coverage: float | None = ...,
) -> Choice: ...
@overload
def pick_threshold(
    curve: "SlicedCurves",
    max_risk: float = ...,
    confidence: float = ...,
    *,
    method: Method = ...,
    min_coverage: float | None = ...,
) -> "SlicedChoice": ...
def pick_threshold(
    curve: "ThresholdCurve | SlicedCurves | pd.DataFrame",
    max_risk: float = 0.05,
    confidence: float = 0.90,
    *,
    method: Method = "fixed_sequence",
    min_coverage: float | None = None,
) -> "Choice | SlicedChoice":
    """The loosest threshold that keeps the wrong share within `max_risk` for new images, as far as can be promised.

    `curve` comes from `thresholds`, or is a frame with integer columns images, accepted and wrong, one row a
    threshold. The methods and their promises, over the draw of these images:

    - ``fixed_sequence``: the risk of those accepted exceeds `max_risk` with probability 1 - `confidence` at most.
      Candidates are tested from the strictest on, until one fails; those that accept too few images to be told
      are skipped. Assumes that risk does not fall with confidence.
    - ``holm``: the same promise without that assumption, on ten candidates at most, and with less coverage.
    - ``generalized``: the same for wrong answers accepted among *all* images; no assumption.
    - ``mean``: wrong answers accepted among all images stay within `max_risk` on average over such draws.

    A curve of another `loss` (a frame with the column ``loss``, summed over the accepted) has its mean loss limited
    in place of the wrong share, by p-values that hold for any loss between 0 and 1 (Hoeffding, Bentkus). With
    `min_coverage` the promise is also that at least this share is accepted: a candidate then has the larger of its
    two p-values, and each of the two promises half of the error.

    Curves by slice (``thresholds(…, by="tag")``) give a `SlicedChoice`: a threshold for each slice, each with an even
    part of the error ``1 - confidence``, so that the promise holds for all slices together (Bonferroni), and beside
    them one common threshold with a warning for every slice in which it breaks the target.
    """
    _check(max_risk, confidence, method, min_coverage)
    if not isinstance(curve, (ThresholdCurve, pd.DataFrame)):
        from toolkit.stats._decisions.slices import pick_by_slice

        return pick_by_slice(curve, max_risk, confidence, method=method, min_coverage=min_coverage)
    table = curve.table if isinstance(curve, ThresholdCurve) else curve
    counts = _counts(table)
    target = Target(max_risk, 1 - confidence, "loss" in table.columns, min_coverage)
    tested, chosen = METHODS[method](counts, target)
    images = int(counts["images"].max()) if len(counts) else 0
    shown = tested.rename(columns={"lost": "loss"}) if target.graded else tested.drop(columns="lost")
    found: dict[str, Any] = {"table": shown, "layers": _layers(counts), "method": method, "max_risk": max_risk}
    found |= {"confidence": confidence, "images": images, "min_coverage": min_coverage}
    found["name"] = curve.name if isinstance(curve, ThresholdCurve) else "this provider"
    found["loss"] = curve.loss if isinstance(curve, ThresholdCurve) else "loss" if target.graded else "wrong"
    if chosen is None:
        start = target.start if method not in OF_ALL else 1
        most = int(counts["accepted"].max()) if len(counts) else 0
        needed = float(np.ceil(start * images / most)) if most else float("inf")
        status: Status = "too few" if most < start else "none passed"
        return Choice(**found, threshold=float("nan"), status=status, images_needed=needed)
    picked = {name: tested[name].to_numpy()[chosen] for name in ("threshold", "accepted", "wrong", "lost", "p")}
    found["images"] = int(tested["images"].to_numpy()[chosen])
    return Choice(
        **found,
        threshold=float(picked["threshold"]),
        status="controlled",
        accepted=int(picked["accepted"]),
        wrong=int(picked["wrong"]),
        lost=float(picked["lost"]),
        p=float(picked["p"]),
        risk_high=_bound(float(picked["lost"]), int(picked["accepted"]), confidence, graded=target.graded),
    )


def _check(max_risk: float, confidence: float, method: str, min_coverage: float | None) -> None:
    if not 0 < max_risk < 1 or not 0 < confidence < 1:
        raise SettingError(f"max_risk={max_risk!r} and confidence={confidence!r} must lie between 0 and 1")
    if method not in METHODS:
        raise SettingError(f"method={method!r} is not one of {', '.join(METHODS)}")
    if min_coverage is not None and not 0 < min_coverage < 1:
        raise SettingError(f"min_coverage={min_coverage!r} must lie between 0 and 1, or be None")
    if min_coverage is not None and method == "mean":
        raise SettingError("method='mean' promises an average, which min_coverage cannot join; use 'generalized'")


def _bound(lost: float, accepted: int, confidence: float, *, graded: bool) -> float:
    """The risk that such a sample exceeds with the chance of the promise's error at most."""
    if graded:
        return mean_loss_bound(lost, accepted, 1 - confidence)
    return float(clopper_pearson(lost, accepted, 2 * confidence - 1).high) if confidence > 0.5 else float("nan")


def _counts(table: pd.DataFrame) -> pd.DataFrame:
    """The counts by threshold, strictest first, with whole numbers only, and what the accepted have lost."""
    needed = ["threshold", "images", "accepted", "wrong"]
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise DatasetError(f"the curve has no column {', '.join(missing)}; take it from toolkit.stats.thresholds")
    counts = table[needed].assign(lost=table["loss" if "loss" in table.columns else "wrong"])
    counts = counts.iloc[::-1].reset_index(drop=True)
    if not counts["threshold"].is_monotonic_decreasing:
        counts = counts.sort_values("threshold", ascending=False, ignore_index=True)
    whole = counts[needed[1:]].to_numpy()
    if not np.array_equal(whole, whole.astype(np.int64)):
        raise DatasetError("images, accepted and wrong must be whole numbers: shares cannot be tested exactly")
    lost = counts["lost"].to_numpy(np.float64)
    if not np.all((lost >= 0) & (lost <= counts["accepted"] * (1 + 1e-12))):
        raise DatasetError("loss must be a sum over the accepted of losses between 0 and 1; scale it first")
    return counts


def _layers(counts: pd.DataFrame) -> pd.DataFrame:
    """Risk within bands of confidence, surest first, with Wilson intervals.

    For losses between 0 and 1 these are too wide, if anything: none scatters more than one that is 0 or 1.
    """
    answered = counts[counts["accepted"] > 0]
    edges = spaced(answered, LAYERS + 1).iloc[1:] if len(answered) > LAYERS else answered
    accepted, wrong, lost = (np.diff(edges[name].to_numpy(), prepend=0) for name in ("accepted", "wrong", "lost"))
    held = (accepted > 0) & (lost >= 0) & (lost <= accepted)  # settings asked one by one need not nest
    low, high = wilson(lost[held], accepted[held])
    return pd.DataFrame(
        {
            "from_threshold": edges["threshold"].to_numpy()[held],
            "accepted": accepted[held],
            "wrong": wrong[held],
            "risk": lost[held] / accepted[held],
            "risk_low": low,
            "risk_high": high,
        }
    )


def _safer_when_looser(layers: pd.DataFrame) -> bool:
    low, high = layers["risk_low"].to_numpy(), layers["risk_high"].to_numpy()
    return bool(np.any(high[1:] < np.maximum.accumulate(low)[:-1]))
