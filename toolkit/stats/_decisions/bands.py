"""Accept, review, reject: two thresholds, between which a person looks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from toolkit.errors import SettingError
from toolkit.stats._core.intervals import FloatArray, wilson
from toolkit.stats._core.results import Result, confidence, percent
from toolkit.stats._thresholds.placement import Confidences
from toolkit.stats._thresholds.risk_control import Choice, pick_threshold
from toolkit.stats._thresholds.threshold_curve import ThresholdCurve

if TYPE_CHECKING:
    from toolkit.stats._decisions.policy import Policy, Rules


@dataclass(frozen=True)
class Reviewer:
    """A person, or a team of them, who reads what is not accepted by itself.

    Parameters
    ----------
    cost : float, default 0.0
        What one review costs, in the unit of the utility. At least 0.
    error_rate : float, default 0.0
        Share of the reviewed images that are read wrongly all the same, 0 to 1.
    seconds : float, default 0.0
        Time that one review takes; charged at the utility's `cost_per_second`.
    per_day : float, optional
        How many images can be reviewed in a day; None for no bound. Needs `images_per_day` in `decision_bands`.

    Examples
    --------
    >>> from toolkit.stats import Reviewer
    >>> Reviewer(cost=0.05, error_rate=0.01, per_day=200).per_day
    200
    """

    cost: float = 0.0
    error_rate: float = 0.0
    seconds: float = 0.0
    per_day: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.error_rate <= 1:
            raise SettingError(f"error_rate={self.error_rate!r} must be a share between 0 and 1")
        for name in ("cost", "seconds"):
            if not 0 <= getattr(self, name) < np.inf:
                raise SettingError(f"{name}={getattr(self, name)!r} must be a number >= 0")
        if self.per_day is not None and not self.per_day >= 0:
            raise SettingError(f"per_day={self.per_day!r} must be a number >= 0, or None for no bound")


@dataclass(frozen=True, repr=False)
class DecisionBands(Result):
    """Two thresholds: accepted from `accept_from` on, reviewed from `review_from` on, rejected below.

    Attributes
    ----------
    table : pandas.DataFrame
        Three rows, ``accept``, ``review`` and ``reject``: the ``share`` of all images with its interval, the images
        a day with theirs (missing without `images_per_day`), and how many of those accepted were ``wrong``.
    candidates : pandas.DataFrame
        A row for each `accept_from` that was possible, rising, with the best `review_from` for it: the three shares
        and the ``utility`` an image.
    accept_from, review_from : float
        The thresholds; infinite where nothing is accepted, minus infinity where nothing is rejected.
    utility : float
        Mean utility an image, on the images it was chosen on.
    choice : Choice or None
        What guarantees the risk of those accepted, where `max_risk` was given.
    """

    table: pd.DataFrame
    candidates: pd.DataFrame
    accept_from: float
    review_from: float
    utility: float
    images: int
    name: str
    confidence_level: float
    choice: Choice | None = None

    def explain(self) -> str:
        """The bands in words, with the load of the queue."""
        shares = {row["decision"]: row for row in self.table.to_dict("records")}

        def said(name: str) -> str:
            row = shares[name]
            return f"{percent(row['share'])} ({percent(row['share_low'])} to {percent(row['share_high'])})"

        accepts = f"accept from {self.accept_from:g} on" if np.isfinite(self.accept_from) else "accept nothing"
        if self.review_from == -np.inf:
            reviews = "review all the rest"
        elif self.review_from >= self.accept_from:
            reviews = "review nothing"
        else:
            reviews = f"review from {self.review_from:g} on"
        text = (
            f"{self.name}: {accepts}, {reviews}: of {self.images:,} images {said('accept')} accepted, "
            f"{said('review')} to review, {said('reject')} rejected, at {confidence(self.confidence_level)} confidence each."
        )
        lines = [text]
        load = shares["review"]
        if not np.isnan(load["per_day"]):
            lines.append(
                f"Expected queue: {load['per_day']:,.0f} images a day ({load['per_day_low']:,.0f} to {load['per_day_high']:,.0f})."
            )
        if self.choice is not None:
            lines.append(self.choice.explain())
        return "\n".join(lines)

    def to_policy(self, rules: "Rules | None" = None) -> "Policy":
        """The two thresholds as a policy, to be saved and applied to new answers.

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
        from toolkit.stats._decisions.policy import policy_of_bands

        return policy_of_bands(self, rules)


def decision_bands(
    curve: ThresholdCurve,
    reviewer: Reviewer,
    *,
    images_per_day: float | None = None,
    max_risk: float | None = None,
    confidence_level: float = 0.95,
) -> DecisionBands:
    """Choose from which confidence on to accept, from which on to review, and below which to reject.

    Without `max_risk` both thresholds maximise the utility of `curve`: an accepted image brings
    ``value_correct`` or costs ``cost_wrong``; a reviewed one brings the same with the reviewer's error rate, less
    the cost and time of the review; a rejected one costs ``cost_no_answer``. With `max_risk` the accepted ones keep
    that risk with the guarantee of `pick_threshold`, and the utility decides about the rest.

    Parameters
    ----------
    curve : ThresholdCurve
        Of one engine over its confidences, from `thresholds`; it holds the utility.
    reviewer : Reviewer
        Cost, error rate, time and capacity of a review.
    images_per_day : float, optional
        Images that arrive in a day. Needed with a `reviewer.per_day`, whose share of them is the most that is
        reviewed: those nearest below `accept_from`.
    max_risk : float, optional
        Share of those accepted that may be wrong, 0 to 1.
    confidence_level : float, default 0.95
        Of the intervals of the shares, and of the guarantee.

    Returns
    -------
    DecisionBands

    Raises
    ------
    SettingError
        If a capacity is given without `images_per_day`, or a value is out of its range.

    Examples
    --------
    >>> import pandas as pd
    >>> from toolkit.stats import Reviewer, Utility, decision_bands, thresholds
    >>> outcomes = pd.DataFrame({
    ...     "setting": "a()", "sample": range(6), "confidence": [0.2, 0.5, 0.6, 0.8, 0.9, 1.0],
    ...     "outcome": ["wrong", "wrong", "correct", "correct", "correct", "correct"],
    ... })
    >>> curve = thresholds(outcomes, "a()", utility=Utility(cost_wrong=5))
    >>> bands = decision_bands(curve, Reviewer(cost=0.2), images_per_day=60)
    >>> bands.accept_from
    0.6

    Notes
    -----
    What an image without an answer brings is a question for the reviewer as well: such images lie below every
    confidence, and are reviewed only where all are.
    """
    if max_risk is not None and not 0 < max_risk < 1:
        raise SettingError(f"max_risk={max_risk!r} must lie between 0 and 1")
    if images_per_day is not None and not images_per_day > 0:
        raise SettingError(f"images_per_day={images_per_day!r} must be above 0")
    if reviewer.per_day is not None and images_per_day is None:
        raise SettingError(f"reviewer.per_day={reviewer.per_day:g} bounds a share only with images_per_day=…")
    if not isinstance(curve.placement, Confidences):
        raise SettingError(f"{curve.name}: bands need answers with confidences, from thresholds(outcomes, setting)")
    n = curve.placement.images
    most = (
        n if reviewer.per_day is None or images_per_day is None else int(n * min(1, reviewer.per_day / images_per_day))
    )
    choice = None if max_risk is None else pick_threshold(curve, max_risk, confidence_level)
    candidates = _candidates(curve, reviewer, most)
    if choice is not None:  # the guarantee decides what is accepted; NaN, where there is none, accepts nothing
        allowed = candidates["accept_from"] >= (np.inf if choice.status != "controlled" else choice.threshold)
        candidates = candidates[allowed].reset_index(drop=True)
    best = candidates.iloc[int(candidates["utility"].to_numpy().argmax())] if n else candidates.iloc[-1]
    table = _shares(best, n, images_per_day, confidence_level)
    return DecisionBands(
        table, candidates, float(best["accept_from"]), float(best["review_from"]), float(best["utility"]), n,
        curve.name, confidence_level, choice,
    )  # fmt: skip


def _candidates(curve: ThresholdCurve, reviewer: Reviewer, most: int) -> pd.DataFrame:
    """Every threshold of acceptance, and none, each with the review band that is best for it."""
    utility, n = curve.utility, curve.placement.images
    cuts: FloatArray = np.append(curve.placement.thresholds, np.inf)
    accepted, wrong = (np.append(counts, 0).astype(np.float64) for counts in curve.placement.counts())
    share = max(n, 1)
    of_accepted = utility.value_correct * (accepted - wrong) - utility.cost_wrong * wrong
    a_review = (
        utility.value_correct * (1 - reviewer.error_rate)
        - utility.cost_wrong * reviewer.error_rate
        - reviewer.cost
        - utility.cost_per_second * reviewer.seconds
    )
    worth_reviewing = a_review > -utility.cost_no_answer
    # A review brings the same for every image, so as many are reviewed as may be, those nearest below first.
    reach = np.minimum(accepted + (most if worth_reviewing else 0), n)
    loosest = np.searchsorted(-accepted, -reach, side="left")  # accepted falls along the cuts
    loosest = np.minimum(loosest, np.arange(cuts.size))
    everything = reach >= n
    reviewed = np.where(everything, n, accepted[loosest]) - accepted
    rejected = n - accepted - reviewed
    charged = {"answered": accepted[:1], "always": np.array([float(n)]), "correct": accepted[:1] - wrong[:1]}
    total = (
        of_accepted + a_review * reviewed - utility.cost_no_answer * rejected - utility.price * charged[utility.charge]
    )
    return pd.DataFrame(
        {
            "accept_from": cuts,
            "review_from": np.where(everything & (reviewed > 0), -np.inf, cuts[loosest]),
            "accepted": accepted.astype(np.int64),
            "wrong": wrong.astype(np.int64),
            "reviewed": reviewed.astype(np.int64),
            "rejected": rejected.astype(np.int64),
            "utility": total / share,
        }
    )


def _shares(best: "pd.Series[float]", n: int, images_per_day: float | None, confidence_level: float) -> pd.DataFrame:
    """Share and load of each decision, with intervals."""
    counts = np.array([best["accepted"], best["reviewed"], best["rejected"]], np.float64)
    low, high = wilson(counts, np.full(3, n), confidence_level)
    share = counts / n if n else np.full(3, np.nan)
    per_day = np.nan if images_per_day is None else images_per_day
    return pd.DataFrame(
        {
            "decision": ["accept", "review", "reject"],
            "images": counts.astype(np.int64),
            "wrong": [float(best["wrong"]), np.nan, np.nan],
            "share": share,
            "share_low": low,
            "share_high": high,
            "per_day": share * per_day,
            "per_day_low": low * per_day,
            "per_day_high": high * per_day,
        }
    )
