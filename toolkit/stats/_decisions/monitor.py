"""A policy at work: does its target still hold, how many answers to check, and has something changed?"""

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from toolkit.errors import SettingError
from toolkit.stats._core.intervals import FloatArray
from toolkit.stats._core.results import Result, confidence, percent
from toolkit.stats._core.trials import BoolArray
from toolkit.stats._decisions.policy import Policy
from toolkit.stats._probing.stopping import interval_so_far
from toolkit.stats._thresholds.placement import first_readings

State = Literal["holds", "broken", "cannot tell yet"]
_ALL = "all"
_MOST_MORE = 10_000_000
_ENOUGH = 1e100
"""Capital beyond this proves no more, and might overflow."""
_JUMP = 0.01
"""Share of its capital that each bet passes on to the others at each step, so that a late change is met with money."""


@dataclass(frozen=True, repr=False)
class Monitor(Result):
    """Whether the accepted answers keep their target, at whatever moment one looks.

    Attributes
    ----------
    table : pandas.DataFrame
        A row a slice (one row "all" without slices): accepted answers ``checked``, ``wrong`` among them, ``risk``
        with an interval that holds however often one looks, ``status`` and how many ``more`` checks may tell.
    status : {"holds", "broken", "cannot tell yet"}
        "broken" if any slice is, "holds" if all do.
    """

    table: pd.DataFrame
    status: State
    max_risk: float
    confidence_level: float

    def explain(self) -> str:
        """The state in words, a line a slice."""
        lines = []
        for row in self.table.to_dict("records"):
            where = "" if row["slice"] == _ALL and len(self.table) == 1 else f"{row['slice']}: "
            seen = f"{row['wrong']:,} of {row['checked']:,} accepted answers checked were wrong"
            ends = f"risk between {percent(row['risk_low'])} and {percent(row['risk_high'])}, {percent(self.max_risk, 2)} allowed"
            verdict = {"holds": "Holds", "broken": "Broken", "cannot tell yet": "Cannot tell yet"}[row["status"]]
            more = f"; about {row['more']:,.0f} more would tell" if np.isfinite(row["more"]) else ""
            lines.append(f"{where}{verdict}: {seen}; {ends}{more}.")
        lines.append(f"At {confidence(self.confidence_level)} confidence for all looks and slices together.")
        return "\n".join(lines)


def monitor(
    policy: Policy, checked: pd.DataFrame, *, max_risk: float | None = None, confidence_level: float = 0.95
) -> Monitor:
    """Hold a policy to its target on the accepted answers that were checked so far.

    Parameters
    ----------
    policy : Policy
        What decides; its guarantee names the target, unless `max_risk` does.
    checked : pandas.DataFrame
        Outcomes of new images whose truth is known, in any order: ``setting``, ``sample``, ``outcome``, ``text``,
        ``confidence`` and the policy's tag. Rows that the policy does not accept are passed over, so checking a
        random share of the accepted answers is enough.
    max_risk : float, optional
        Share of those accepted that may be wrong.
    confidence_level : float, default 0.95
        Holds for all looks together, however many, and for all slices together.

    Returns
    -------
    Monitor

    Raises
    ------
    SettingError
        If neither the policy nor `max_risk` says what is allowed.

    Examples
    --------
    >>> import pandas as pd
    >>> from toolkit.stats import Cuts, Policy, monitor
    >>> policy = Policy("a()", Cuts(0.5), guarantee={"max_risk": 0.1})
    >>> checked = pd.DataFrame({
    ...     "setting": "a()", "sample": range(200), "confidence": 0.9, "text": "x", "outcome": "correct",
    ... })
    >>> monitor(policy, checked).status
    'holds'

    Notes
    -----
    The interval is a confidence sequence from a mixture of bets, uniform over the risk (Robbins, 1970): it holds at
    every look at once. The answers checked must be a random draw of those accepted.
    """
    allowed = policy.guarantee.get("max_risk") if max_risk is None else max_risk
    if allowed is None or not 0 < allowed < 1:
        raise SettingError("the policy guarantees no risk: give max_risk=…, a share between 0 and 1")
    mine = checked[checked["setting"] == policy.setting]
    mine, trials = first_readings(mine, "exclude")
    accepted = (policy.decide_frame(checked).reindex(mine.index) == "accept").to_numpy() & trials.answered
    groups: dict[Any, BoolArray] = {}
    if policy.by is None:
        groups[_ALL] = accepted
    else:
        values = mine[policy.by].astype(str).to_numpy()
        groups = {value: accepted & (values == value) for value in policy.slices}
    each = 1 - (1 - confidence_level) / max(len(groups), 1)
    rows = []
    for value, rows_of in groups.items():
        n, wrong = int(rows_of.sum()), int((rows_of & ~trials.correct).sum())
        low, high = interval_so_far(wrong, n, confidence_level=each)
        status = _state(low, high, allowed)
        rows.append(
            {
                "slice": value, "checked": n, "wrong": wrong, "risk": wrong / n if n else np.nan,
                "risk_low": low, "risk_high": high, "status": status, "more": _more(n, wrong, allowed, each, status),
            }
        )  # fmt: skip
    found = {row["status"] for row in rows}
    state: State = "broken" if "broken" in found else "holds" if found == {"holds"} else "cannot tell yet"
    return Monitor(pd.DataFrame(rows), state, allowed, confidence_level)


def _state(low: float, high: float, allowed: float) -> State:
    return "broken" if low > allowed else "holds" if high <= allowed else "cannot tell yet"


def _more(n: int, wrong: int, allowed: float, level: float, status: State) -> float:
    """About how many more checks would tell, were the risk what it seems; missing where it is known or unknowable."""
    if status != "cannot tell yet":
        return np.nan
    rate = wrong / n if n else 0.0
    if rate == allowed:
        return np.nan

    def told(total: int) -> bool:
        return (
            _state(*interval_so_far(round(total * rate), total, confidence_level=level), allowed) != "cannot tell yet"
        )

    found = bisect_left(range(_MOST_MORE), True, lo=max(n, 1), key=told)
    return float(found - n) if found < _MOST_MORE else np.nan


def checks_per_day(margin: float, days: float, *, expected_risk: float = 0.01, confidence_level: float = 0.95) -> int:
    """How many accepted answers to check a day, to know the risk to within a margin after some days.

    Parameters
    ----------
    margin : float
        Half the width of the interval that is wanted, a share above 0, such as 0.01.
    days : float
        When it is wanted, above 0.
    expected_risk : float, default 0.01
        Share of the accepted answers that are expected to be wrong, 0 to 1.
    confidence_level : float, default 0.95
        Of the interval, which may be looked at every day.

    Returns
    -------
    int

    Raises
    ------
    SettingError
        If a value is out of its range.

    Examples
    --------
    >>> from toolkit.stats import checks_per_day
    >>> checks_per_day(0.02, days=30) < checks_per_day(0.01, days=30)
    True
    """
    if not 0 < margin < 0.5 or not days > 0 or not 0 <= expected_risk <= 1:
        raise SettingError(
            f"margin={margin!r} must lie between 0 and 0.5, days={days!r} above 0, expected_risk={expected_risk!r} between 0 and 1"
        )

    def narrow(n: int) -> bool:
        low, high = interval_so_far(round(n * expected_risk), n, confidence_level=confidence_level)
        return bool(high - low <= 2 * margin)

    return int(np.ceil(bisect_left(range(_MOST_MORE), True, lo=1, key=narrow) / days))


@dataclass(frozen=True, repr=False)
class ShiftAlarm(Result):
    """Whether new confidences still look like those that a threshold was chosen on.

    Attributes
    ----------
    table : pandas.DataFrame
        A row: new answers ``seen``, the ``evidence`` against "nothing changed" and what is ``needed`` of it, and
        after how many answers the alarm was raised (``raised_after``, missing if it was not).
    status : {"no sign of a shift", "shifted"}
    """

    table: pd.DataFrame
    status: Literal["no sign of a shift", "shifted"]
    confidence_level: float

    def explain(self) -> str:
        """The state in words, with the rate of false alarms."""
        row = self.table.iloc[0]
        false = percent(1 - self.confidence_level, 2)
        if self.status == "shifted":
            return (
                f"Shifted: after {row['raised_after']:,.0f} new answers their confidences no longer look like the earlier ones "
                f"(false alarm in {false} of such series at most). Check some answers; the threshold may no longer hold."
            )
        return f"No sign of a shift in {row['seen']:,.0f} new confidences; false alarms ever: {false} at most."


def shift_alarm(reference: ArrayLike, new: ArrayLike, *, confidence_level: float = 0.99, seed: int = 0) -> ShiftAlarm:
    """Raise an alarm when new confidences differ from those a policy was made with; needs no labels.

    Parameters
    ----------
    reference : array-like of float, shape (m,)
        Confidences of the images that the threshold was chosen on. Missing ones are left out.
    new : array-like of float, shape (n,)
        Confidences of new answers, in the order in which they came.
    confidence_level : float, default 0.99
        While nothing changes, an alarm is ever raised with probability ``1 - confidence_level`` at most, however
        long one looks.
    seed : int, default 0
        Breaks ties between equal confidences.

    Returns
    -------
    ShiftAlarm

    Raises
    ------
    SettingError
        If there is no reference, or `confidence_level` is not between 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> from toolkit.stats import shift_alarm
    >>> rng = np.random.default_rng(0)
    >>> shift_alarm(rng.beta(8, 2, 500), rng.beta(2, 2, 200)).status
    'shifted'

    Notes
    -----
    A conformal test martingale: each new value is ranked among all earlier ones, which gives independent uniform
    numbers while nothing changes, and bets are placed against that ("simple jumper", Vovk et al., 2021), half on the
    ranks and half on their distance from the middle. The evidence is the capital won, and 1 / (1 - level) of it is
    needed (Ville's inequality).
    """
    if not 0 < confidence_level < 1:
        raise SettingError(f"confidence_level={confidence_level!r} is not between 0 and 1; 0.99 is usual")
    before, after = (np.asarray(values, np.float64) for values in (reference, new))
    before, after = before[~np.isnan(before)], after[~np.isnan(after)]
    if before.size == 0:
        raise SettingError("there are no reference confidences to compare with")
    p = _ranks(before, after, np.random.default_rng(seed))
    capital = (_capital(p) + _capital(np.abs(2 * p - 1))) / 2
    needed = 1 / (1 - confidence_level)
    raised = np.flatnonzero(capital >= needed)
    row = {
        "seen": after.size,
        "evidence": float(capital.max(initial=1.0)),
        "needed": needed,
        "raised_after": float(raised[0] + 1) if raised.size else np.nan,
    }
    return ShiftAlarm(pd.DataFrame([row]), "shifted" if raised.size else "no sign of a shift", confidence_level)


def _ranks(before: FloatArray, after: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The rank of each new value among all before it and itself, as a share; ties are broken at random."""
    known = sorted(before.tolist())
    shares = np.empty(after.size)
    for place, (value, chance) in enumerate(zip(after.tolist(), rng.random(after.size).tolist(), strict=True)):
        first = bisect_left(known, value)
        equal = bisect_right(known, value) - first + 1  # with itself
        shares[place] = (first + chance * equal) / (len(known) + 1)
        insort(known, value)
    return shares


def _capital(p: FloatArray) -> FloatArray:
    """What the simple jumper holds after each uniform number, from a capital of 1."""
    slopes = np.array([-1.0, 0.0, 1.0])
    held = np.full(3, 1 / 3)
    total = np.empty(p.size)
    for place, share in enumerate(p.tolist()):
        held = (1 - _JUMP) * held + _JUMP * held.sum() / 3
        held = np.minimum(held * (1 + slopes * (share - 0.5)), _ENOUGH)
        total[place] = held.sum()
    return total
