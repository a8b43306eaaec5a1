"""The threshold curve: what accepting only the surer answers costs in coverage and brings in accuracy."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

import numpy as np
import pandas as pd

from toolkit.errors import SettingError
from toolkit.stats._core.intervals import FloatArray, normal_quantile, wilson
from toolkit.stats._core.results import ROWS_SHOWN, Result, confidence, percent
from toolkit.stats._core.trials import Errors
from toolkit.stats._thresholds.losses import Loss, check_loss, loss_by_confidence, loss_by_setting
from toolkit.stats._thresholds.placement import Grid, Placement, read_confidences, read_grid
from toolkit.stats._thresholds.utility import Utility

if TYPE_CHECKING:
    from toolkit.stats._decisions.slices import SlicedCurves

NAN = float("nan")
POINTWISE = "hold for one threshold at a time, not for all at once"


@dataclass(frozen=True, repr=False)
class ThresholdCurve(Result):
    """One row a threshold, rising. `table` has, of all `images`:

    - ``accepted``, and of these ``correct`` and ``wrong``
    - ``coverage``, the share accepted; ``accuracy_answered``, right of those accepted; ``accuracy_all``, right of
      all; each with the ends of its interval, which hold for one threshold at a time, not for all at once
    - ``recall_correct``, of the right answers that the loosest threshold accepts, those that this one does
    - ``risk``, wrong of those accepted; ``generalized_risk``, accepted and wrong of all, with its interval
    - ``loss`` and ``mean_loss`` of those accepted, where another loss than "wrong" was asked for
    - ``cost_usd`` in all, ``cost_per_correct_usd`` with its interval, ``utility`` an image

    A share of nothing accepted is NaN. `name` is the setting, or the provider and the parameter it was asked at.
    `violations` counts images that a service rejected at a looser setting than one that accepted them.
    """

    table: pd.DataFrame
    placement: Placement
    name: str
    confidence_level: float
    utility: Utility
    seconds: FloatArray
    violations: int = 0
    loss: Loss = "wrong"

    @property
    def note(self) -> str:
        return f"{confidence(self.confidence_level)} intervals; they {POINTWISE}."

    def _excerpt(self) -> pd.DataFrame:
        """Thresholds from the loosest to the strictest, evenly spaced among all."""
        kept = np.unique(np.linspace(0, max(len(self.table) - 1, 0), ROWS_SHOWN).astype(np.intp))
        return self.table.iloc[kept[: len(self.table)]]

    def explain(self) -> str:
        if self.table.empty:
            return f"{self.name}: nothing was answered, so there is no threshold."
        loose = self.table.iloc[0]
        strict = self.table[self.table["accepted"] >= max(1, 0.5 * loose["accepted"])].iloc[-1]
        text = (
            f"{self.name}: of {self.placement.images:,} images {percent(loose['coverage'])} are answered, "
            f"{percent(loose['accuracy_answered'])} of these rightly; from threshold {strict['threshold']:g} on "
            f"{percent(strict['coverage'])} are, {percent(strict['accuracy_answered'])} rightly."
        )
        if self.violations:
            text += (
                f"\n{self.violations:,} images were rejected at a looser setting than one that accepted them: "
                "this service does not decide by its threshold alone."
            )
        return text


@overload
def thresholds(
    outcomes: pd.DataFrame,
    setting: str | None = ...,
    *,
    provider: str | None = ...,
    over: str | None = ...,
    by: None = ...,
    utility: Utility | None = ...,
    errors: Errors = ...,
    confidence_level: float = ...,
    loss: Loss = ...,
) -> ThresholdCurve: ...
@overload
def thresholds(
    outcomes: pd.DataFrame,
    setting: str | None = ...,
    *,
    by: str,
    utility: Utility | None = ...,
    errors: Errors = ...,
    confidence_level: float = ...,
    loss: Loss = ...,
) -> "SlicedCurves": ...
def thresholds(
    outcomes: pd.DataFrame,
    setting: str | None = None,
    *,
    provider: str | None = None,
    over: str | None = None,
    by: str | None = None,
    utility: Utility | None = None,
    errors: Errors = "exclude",
    confidence_level: float = 0.95,
    loss: Loss = "wrong",
) -> "ThresholdCurve | SlicedCurves":
    """The curve of one engine over its confidences, or of a provider over a parameter of its settings.

    With `setting` every confidence that occurs is a threshold, and accepts the answers that reach it. With
    `provider` and `over`, as in ``provider="capsolver", over="score"``, the settings that differ in that parameter
    only are the thresholds, on the images that count at all of them. Of repeated images the first reading is used.
    `utility` says what outcomes are worth; without it, a right answer is 1. `loss` "cer" or "ned" adds how far off
    the accepted answers are (see `losses.Loss`), for `pick_threshold` to limit.

    With `by`, the name of a column such as a tag, there is a curve for each of its values: see `SlicedCurves`, and
    `pick_threshold`, which then shares its error budget between them.

    `DatasetError` without confidences; `SettingError` when it is not clear whose curve is meant.
    """
    normal_quantile(confidence_level)
    if (provider is None) != (over is None) or (provider is not None and setting is not None):
        raise SettingError("give setting=… for an engine, or provider=… and over=… for a service's own threshold")
    check_loss(loss)
    if by is not None:
        if provider is not None:
            raise SettingError("by=… slices the curve of a setting; filter the outcomes for a provider's own threshold")
        from toolkit.stats._decisions.slices import sliced_thresholds

        return sliced_thresholds(
            outcomes, setting, by, utility=utility, errors=errors, confidence_level=confidence_level, loss=loss
        )
    utility = utility or Utility()
    if provider is not None and over is not None:
        grid, about = read_grid(outcomes, provider, over, errors)
        seconds = np.array([_mean_known(column) for column in about["latency_s"]])
        table = _table(grid, confidence_level, utility, seconds)
        _add_recorded_costs(table, grid, np.stack(about["cost_usd"].tolist(), axis=1))
        if loss != "wrong":
            _add_loss(table, loss_by_setting(outcomes, about["setting"], errors, loss))
        return ThresholdCurve(
            table, grid, f"{provider} over {over}", confidence_level, utility, seconds, grid.violations, loss
        )
    placement = read_confidences(outcomes, setting, errors)
    # An engine takes its time before it knows how sure it is, so no threshold saves any.
    seconds = np.zeros(placement.thresholds.size)
    name = setting if setting is not None else str(outcomes["setting"].iloc[0]) if len(outcomes) else "no setting"
    table = _table(placement, confidence_level, utility, seconds)
    if loss != "wrong":
        _add_loss(table, loss_by_confidence(outcomes, setting, placement.thresholds, errors, loss))
    return ThresholdCurve(table, placement, name, confidence_level, utility, seconds, loss=loss)


def _table(placement: Placement, confidence_level: float, utility: Utility, seconds: FloatArray) -> pd.DataFrame:
    n = placement.images
    accepted, wrong = placement.counts()
    correct = accepted - wrong
    columns: dict[str, object] = {
        "threshold": placement.thresholds,
        "images": np.full(accepted.size, n),
        "accepted": accepted,
        "correct": correct,
        "wrong": wrong,
    }
    with np.errstate(invalid="ignore", divide="ignore"):
        for name, k, of in (
            ("coverage", accepted, n),
            ("accuracy_answered", correct, accepted),
            ("accuracy_all", correct, n),
            ("generalized_risk", wrong, n),
        ):
            low, high = wilson(k, of, confidence_level)
            columns |= {name: k / of, f"{name}_low": low, f"{name}_high": high}
        columns["recall_correct"] = correct / correct[:1] if correct.size and correct[0] else np.full(correct.size, NAN)
        columns["risk"] = wrong / accepted
        right_share, wrong_share = correct / n, wrong / n
        spent = utility.spent(right_share, wrong_share)
        columns["cost_usd"] = spent * n
        columns["cost_per_correct_usd"] = np.where(correct > 0, spent / right_share, np.nan)
        share = {"answered": "accuracy_answered", "always": "accuracy_all", "correct": None}[utility.charge]
        for end, other in (("low", "high"), ("high", "low")):
            bound = 1.0 if share is None else columns[f"{share}_{other}"]
            columns[f"cost_per_correct_usd_{end}"] = np.where(correct > 0, utility.price / np.asarray(bound), np.nan)
    waited = np.nan_to_num(seconds) if utility.cost_per_second == 0 else seconds
    columns["utility"] = utility.of(right_share, wrong_share, waited)
    table = pd.DataFrame(columns, copy=False)
    table.attrs |= {"confidence_level": confidence_level, "intervals": POINTWISE}
    return table


def _add_loss(table: pd.DataFrame, lost: FloatArray) -> None:
    place = list(table.columns).index("risk") + 1
    with np.errstate(invalid="ignore", divide="ignore"):
        table.insert(place, "mean_loss", lost / table["accepted"].to_numpy())
    table.insert(place, "loss", lost)


def _add_recorded_costs(table: pd.DataFrame, grid: Grid, cost: FloatArray) -> None:
    """Replace the charge rule's money by what was charged, where every trial's cost is known."""
    if np.isnan(cost).any():
        return
    table["cost_usd"] = cost.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        table["cost_per_correct_usd"] = np.where(table["correct"] > 0, cost.sum(axis=0) / table["correct"], np.nan)
        price = float(cost.max(initial=0.0))
        one_price = bool(np.all((cost == 0) | (cost == price)))
        # Constant prices bound the money by bounding the right share of what was paid; others are left open.
        paid = (cost > 0) & one_price
        bought, right = paid.sum(axis=0), (paid & grid.accepted & grid.right).sum(axis=0)
        low, high = wilson(right, bought, table.attrs["confidence_level"])
        known = (right == table["correct"]).to_numpy() & (right > 0)
        table["cost_per_correct_usd_low"] = np.where(known, price / high, np.nan)
        table["cost_per_correct_usd_high"] = np.where(known, price / low, np.nan)


def _mean_known(column: FloatArray) -> float:
    known = column[~np.isnan(column)]
    return float(known.mean()) if known.size else NAN
