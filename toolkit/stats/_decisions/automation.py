"""From an accuracy target to what can be automated under it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from toolkit.errors import DatasetError, SettingError
from toolkit.stats._core.results import Result, confidence, percent
from toolkit.stats._core.trials import Errors, codes, only_setting, require_columns
from toolkit.stats._thresholds.risk_control import Choice, pick_threshold
from toolkit.stats._thresholds.threshold_curve import ThresholdCurve, thresholds

TARGETS = (0.95, 0.97, 0.99, 0.995)


@dataclass(frozen=True, repr=False)
class Automation(Result):
    """For each setting and accuracy target, the share of images that needs nobody to look.

    Attributes
    ----------
    table : pandas.DataFrame
        A row a setting and target: ``threshold`` (missing where the target cannot be guaranteed), ``coverage`` seen
        and ``coverage_guaranteed`` (the straight-through rate that holds for new images together with the target),
        ``images_needed`` to guarantee the target with a coverage like the one seen (missing where it is
        guaranteed), ``cost_per_1000_usd`` images read (missing without prices), ``status``.
    confidence_level : float
        That of the target and the coverage together.
    """

    table: pd.DataFrame
    confidence_level: float

    @property
    def note(self) -> str:
        return f"Target and guaranteed coverage hold together with {confidence(self.confidence_level)} confidence, for each row by itself."

    def explain(self) -> str:
        """For each target the setting that automates most."""
        if self.table.empty:
            return "No setting gives confidences, so nothing can be automated by them."
        lines = []
        for target, rows in self.table.groupby("target", sort=True):
            kept = rows[rows["status"] == "controlled"]
            if kept.empty:
                needed = rows["images_needed"].min()
                more = f"; about {needed:,.0f} images would do" if np.isfinite(needed) else ""
                lines.append(f"{percent(float(target), 1)} right: no setting can guarantee it with these images{more}.")  # type: ignore[arg-type]
                continue
            best = kept.iloc[int(kept["coverage_guaranteed"].to_numpy().argmax())]
            lines.append(
                f"{percent(float(target), 1)} right: {best['setting']} from threshold {best['threshold']:g} on, "  # type: ignore[arg-type]
                f"for at least {percent(best['coverage_guaranteed'])} of new images ({percent(best['coverage'])} here)."
            )
        return "\n".join(lines)


def automation_table(
    outcomes: pd.DataFrame,
    targets: Iterable[float] = TARGETS,
    settings: Sequence[str] | None = None,
    *,
    confidence_level: float = 0.90,
    errors: Errors = "miss",
) -> Automation:
    """How much each setting automates at each accuracy target, with a guarantee.

    Parameters
    ----------
    outcomes : pandas.DataFrame
        Outcomes of a run, with ``confidence``.
    targets : iterable of float, default (0.95, 0.97, 0.99, 0.995)
        Shares of the accepted answers that must be right, each between 0 and 1.
    settings : sequence of str, optional
        Labels of settings; all that give confidences by default.
    confidence_level : float, default 0.90
        How often, over such sets of images, target and coverage of a row both hold.
    errors : {"miss", "exclude"}, default "miss"
        Readings that failed automate nothing ("miss"), or are left out.

    Returns
    -------
    Automation
        Its `table` has a row a setting and target.

    Raises
    ------
    SettingError
        If a target is not between 0 and 1, or a setting is unknown.
    DatasetError
        If no setting gives confidences.

    Examples
    --------
    >>> import pandas as pd
    >>> from toolkit.stats import automation_table
    >>> outcomes = pd.DataFrame({
    ...     "setting": "a()", "sample": range(400), "confidence": [i / 400 for i in range(400)],
    ...     "outcome": ["wrong"] * 40 + ["correct"] * 360,
    ... })
    >>> bool(automation_table(outcomes, [0.95]).table["coverage_guaranteed"][0] > 0.7)
    True

    Notes
    -----
    The error budget is halved: one half for the risk (a fixed sequence of exact binomial tests, see
    `pick_threshold`), one for the coverage, whose lower bound holds at every threshold at once (the inequality of
    Dvoretzky, Kiefer and Wolfowitz with the constant of Massart, 1990), because the threshold is chosen on the same
    images.
    """
    wanted = sorted(set(targets))
    if not wanted or not all(0 < target < 1 for target in wanted):
        raise SettingError(f"targets={list(wanted)} must be shares between 0 and 1, such as 0.99")
    require_columns(outcomes, "setting", "sample", "outcome", "confidence")
    half = 1 - (1 - confidence_level) / 2
    rows: list[dict[str, Any]] = []
    for label in _with_confidences(outcomes) if settings is None else settings:
        mine = only_setting(outcomes, label)
        curve = thresholds(mine, label, errors=errors)
        cost = 1000 * float(mine["cost_usd"].mean(skipna=False)) if "cost_usd" in mine.columns and len(mine) else np.nan
        rows += [
            {
                "setting": label,
                "target": target,
                **_row(pick_threshold(curve, 1 - target, half), curve, half),
                "cost_per_1000_usd": cost,
            }
            for target in wanted
        ]
    return Automation(pd.DataFrame(rows), confidence_level)


def _with_confidences(outcomes: pd.DataFrame) -> list[str]:
    code, labels = codes(outcomes["setting"])
    known = np.bincount(code, outcomes["confidence"].notna().to_numpy(), len(labels)) > 0
    found = [str(label) for label, gives in zip(labels, known, strict=True) if gives]
    if not found:
        raise DatasetError("no setting of these outcomes gives a confidence, so there is no threshold to choose")
    return found


def _row(choice: Choice, curve: ThresholdCurve, level: float) -> dict[str, Any]:
    images = curve.placement.images
    controlled = choice.status == "controlled"
    # One bound for every threshold at once, as the threshold is chosen on the images that it is judged by.
    reach = np.sqrt(np.log(1 / (1 - level)) / (2 * images)) if images else np.nan
    return {
        "images": images,
        "threshold": choice.threshold,
        "coverage": choice.coverage if controlled else 0.0,
        "coverage_guaranteed": max(0.0, choice.coverage - reach) if controlled else 0.0,
        "wrong": choice.wrong,
        "images_needed": np.nan if controlled else choice.images_needed,
        "status": choice.status,
    }
