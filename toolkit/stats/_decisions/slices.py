"""Thresholds by slice: where one common threshold would break its target in some slice, and what each slice needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from toolkit.errors import DatasetError, SettingError
from toolkit.stats._core.intervals import clopper_pearson
from toolkit.stats._core.results import Result, confidence, percent
from toolkit.stats._core.trials import Errors, only_setting, require_columns
from toolkit.stats._thresholds.losses import Loss
from toolkit.stats._thresholds.risk_control import Choice, Method, pick_threshold
from toolkit.stats._thresholds.threshold_curve import POINTWISE, ThresholdCurve, thresholds
from toolkit.stats._thresholds.utility import Utility

if TYPE_CHECKING:
    from toolkit.stats._decisions.policy import Policy, Rules

MOST_SLICES = 100
"""More are no slices but identifiers, and would share the error budget until nothing passes."""


@dataclass(frozen=True, repr=False)
class SlicedCurves(Result):
    """Threshold curves of one setting, one for each value of a column of the outcomes.

    Attributes
    ----------
    curves : dict
        The curve of each slice, by the value of the column.
    by : str
        The column that slices.
    name : str
        The setting.
    pool : callable
        Makes the curve of all images together, `pooled`.
    """

    curves: Mapping[Any, ThresholdCurve]
    by: str
    name: str
    pool: Callable[[], ThresholdCurve] = field(compare=False)

    @cached_property
    def table(self) -> pd.DataFrame:  # type: ignore[override]  # joined when it is looked at: a million rows take half a second
        """The rows of all curves, with the column that slices them first."""
        rows = [curve.table.assign(**{self.by: value}) for value, curve in self.curves.items()]
        return pd.concat([part[[self.by, *part.columns[:-1]]] for part in rows], ignore_index=True)

    @cached_property
    def pooled(self) -> ThresholdCurve:
        """The curve of all images together."""
        return self.pool()

    @property
    def note(self) -> str:
        return f"Intervals {POINTWISE}."

    def explain(self) -> str:
        """The loosest threshold of each slice in words: how much is answered and how much of it is right."""
        lines = [f"{self.name} by {self.by}, at the loosest threshold:"]
        for value, curve in self.curves.items():
            if curve.table.empty:
                lines.append(f"{value}: {curve.placement.images:,} images, nothing answered.")
                continue
            row = curve.table.iloc[0]
            lines.append(
                f"{value}: {curve.placement.images:,} images, {percent(row['coverage'])} answered, "
                f"{percent(row['risk'])} of these wrong "
                f"({confidence(curve.confidence_level)} interval {percent(1 - row['accuracy_answered_high'])} to "
                f"{percent(1 - row['accuracy_answered_low'])})."
            )
        return "\n".join(lines)


@dataclass(frozen=True, repr=False)
class SlicedChoice(Result):
    """A threshold for each slice, which keep their target all together, beside one common threshold.

    Attributes
    ----------
    table : pandas.DataFrame
        A row a slice: ``images``, ``status``, ``threshold``, ``accepted``, ``wrong``, ``coverage``; what the common
        threshold does there (``common_accepted``, ``common_wrong``, ``common_risk`` with its interval,
        ``common_coverage`` and ``common_breaks``), and ``gives_up``, the coverage that the slice's own threshold
        gives up against the common one (negative where it accepts more).
    choices : dict
        The choice of each slice, by the value of the column.
    common : Choice
        One threshold for all images together.
    by, max_risk, confidence_level : str, float, float
        What was asked for. The error budget ``1 - confidence_level`` is divided evenly between the slices.
    """

    table: pd.DataFrame
    choices: Mapping[Any, Choice]
    common: Choice
    by: str
    max_risk: float
    confidence_level: float

    @property
    def note(self) -> str:
        level = confidence(1 - (1 - self.confidence_level) / max(len(self.choices), 1))
        return f"Each slice is tested at {level}, so that all hold together at {confidence(self.confidence_level)}."

    @property
    def broken(self) -> list[Any]:
        """Slices in which the common threshold breaks the target, by an interval that allows for their number."""
        return [value for value, breaks in zip(self.choices, self.table["common_breaks"], strict=True) if breaks]

    def explain(self) -> str:
        """Which slices have a guaranteed threshold, and where the common one breaks the target."""
        controlled = [value for value, choice in self.choices.items() if choice.status == "controlled"]
        target = f"at most {percent(self.max_risk, 2)} wrong of those accepted"
        lines = [
            f"{self.common.name} by {self.by}: with {confidence(self.confidence_level)} confidence {target} in every one of "
            f"the {len(controlled)} of {len(self.choices)} slices that have a threshold, all together."
            if controlled
            else f"{self.common.name} by {self.by}: no slice has a threshold that guarantees {target}."
        ]
        for row in self.table.itertuples():
            value = getattr(row, "slice")  # noqa: B009 -- `slice` is a builtin to type checkers
            lines.append(
                f"{value}: from threshold {row.threshold:g} on, {row.accepted:,} of {row.images:,} images accepted, {row.wrong:,} wrongly."
                if row.status == "controlled"
                else f"{value}: {self.choices[value].status}; nothing is accepted of its {row.images:,} images."
            )
        lines += [
            f"Warning: the common threshold {self.common.threshold:g} breaks the target for {value}: {row['common_wrong']:,.0f} of "
            f"{row['common_accepted']:,.0f} accepted are wrong ({percent(row['common_risk'])}, interval "
            f"{percent(row['common_risk_low'])} to {percent(row['common_risk_high'])})."
            for value, row in zip(self.choices, self.table.to_dict("records"), strict=True)
            if row["common_breaks"]
        ]
        return "\n".join(lines)

    def to_policy(self, rules: "Rules | None" = None) -> "Policy":
        """The thresholds of all slices as a policy, to be saved and applied to new answers.

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
        from toolkit.stats._decisions.policy import policy_of_slices

        return policy_of_slices(self, rules)


def sliced_thresholds(
    outcomes: pd.DataFrame,
    setting: str | None,
    by: str,
    *,
    utility: Utility | None,
    errors: Errors,
    confidence_level: float,
    loss: Loss,
) -> SlicedCurves:
    """See `thresholds`, of which this is the part with `by`."""
    require_columns(outcomes, by)
    mine = only_setting(outcomes, setting)
    needed = ("setting", "sample", "repeat", "outcome", "confidence", "edits", "target_length", "ned", "cost_usd", by)
    mine = mine[[name for name in dict.fromkeys(needed) if name in mine.columns]]
    if mine[by].isna().any():
        missing = int(mine[by].isna().sum())
        raise DatasetError(f"column {by}: {missing:,} rows have no value; leave them out, or give them a value")
    groups = list(mine.groupby(by, observed=True, sort=True))
    if not 1 <= len(groups) <= MOST_SLICES:
        raise SettingError(f"by={by!r} has {len(groups):,} values; slices need between 1 and {MOST_SLICES}")

    def curve(rows: pd.DataFrame) -> ThresholdCurve:
        return thresholds(rows, setting, utility=utility, errors=errors, confidence_level=confidence_level, loss=loss)

    curves = {value: curve(rows) for value, rows in groups}
    return SlicedCurves(curves, by, next(iter(curves.values())).name, lambda: curve(mine))


def pick_by_slice(
    curves: SlicedCurves, max_risk: float, confidence_level: float, *, method: Method, min_coverage: float | None
) -> SlicedChoice:
    """See `pick_threshold`, of which this is the part for sliced curves."""
    k = len(curves.curves)
    each = 1 - (1 - confidence_level) / k
    choices = {
        value: pick_threshold(curve, max_risk, each, method=method, min_coverage=min_coverage)
        for value, curve in curves.curves.items()
    }
    common = pick_threshold(curves.pooled, max_risk, confidence_level, method=method, min_coverage=min_coverage)
    rows = [_row(value, choice, curves.curves[value], common, each) for value, choice in choices.items()]
    return SlicedChoice(pd.DataFrame(rows), choices, common, curves.by, max_risk, confidence_level)


def _row(value: Any, choice: Choice, curve: ThresholdCurve, common: Choice, each: float) -> dict[str, Any]:
    """One slice under its own threshold and under the common one."""
    images = curve.placement.images
    reached = curve.table[curve.table["threshold"] >= common.threshold]  # nothing where there is no common threshold
    accepted, wrong = (int(reached[name].iloc[0]) if len(reached) else 0 for name in ("accepted", "wrong"))
    low, high = clopper_pearson(wrong, accepted, each)
    common_coverage = accepted / images if images else np.nan
    return {
        "slice": value,
        "images": images,
        "status": choice.status,
        "threshold": choice.threshold,
        "accepted": choice.accepted,
        "wrong": choice.wrong,
        "coverage": choice.coverage,
        "common_accepted": accepted,
        "common_wrong": wrong,
        "common_risk": wrong / accepted if accepted else np.nan,
        "common_risk_low": low,
        "common_risk_high": high,
        "common_coverage": common_coverage,
        "common_breaks": bool(accepted and low > choice.max_risk),
        "gives_up": common_coverage - choice.coverage,
    }
