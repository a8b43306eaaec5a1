"""Does a service decide by its threshold alone? And what to do with its curve when it does not."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from toolkit.errors import DatasetError, SettingError
from toolkit.stats._core.bootstrap import bootstrap_sums, collapse
from toolkit.stats._core.intervals import FloatArray, clopper_pearson
from toolkit.stats._core.results import Result, confidence, percent
from toolkit.stats._core.trials import require_columns
from toolkit.stats._thresholds.placement import settings_over

WARN_ABOVE = 0.03
INDEPENDENT_ABOVE = 0.05


@dataclass(frozen=True, repr=False)
class DeterminismAudit(Result):
    """What asking again showed. `decision` is "nested" (place images by bisection or descent), "warn" (do so, and say
    that chance may be at work), or "independent" (ask each setting of different images and smooth the curve).
    """

    table: pd.DataFrame
    decision: Literal["nested", "warn", "independent"]
    confidence_level: float

    def explain(self) -> str:
        row = self.table.iloc[0]
        advice = {
            "nested": "images can be placed by nested calls",
            "warn": "images can be placed by nested calls, but chance cannot be ruled out: repeat on more images",
            "independent": "each setting has to be asked of images of its own, and the curve smoothed",
        }
        changed = f"; {row['text_changes']:.0f} gave another text" if row["text_changes"] else ""
        return (
            f"{row['flips']:.0f} of {row['repeated']:.0f} images changed between rejected and accepted when asked again "
            f"({percent(row['share'])}, with {confidence(self.confidence_level)} confidence at most {percent(row['share_high'])})"
            f"{changed}: {advice[self.decision]}."
        )


def audit_determinism(
    flips: int, repeated: int, *, text_changes: int = 0, confidence_level: float = 0.95
) -> DeterminismAudit:
    """Judge a service by the images whose decisive calls were repeated: how many flipped, how many changed text.

    An upper bound above 3 % warns, which takes 100 images without a flip to avoid; more than 5 % observed, of
    flips or of changed texts, rules nested calls out.
    """
    if not 0 <= flips <= repeated or not 0 <= text_changes <= repeated or repeated == 0:
        raise SettingError(f"flips={flips} and text_changes={text_changes} must lie within repeated={repeated} > 0")
    worst = max(flips, text_changes)
    high = float(clopper_pearson(flips, repeated, 2 * confidence_level - 1).high)
    decision: Literal["nested", "warn", "independent"] = "nested"
    if worst / repeated > INDEPENDENT_ABOVE:
        decision = "independent"
    elif clopper_pearson(worst, repeated, 2 * confidence_level - 1).high > WARN_ABOVE:
        decision = "warn"
    row = {"repeated": repeated, "flips": flips, "share": flips / repeated, "share_high": high}
    return DeterminismAudit(pd.DataFrame([row | {"text_changes": text_changes}]), decision, confidence_level)


def audit_repeats(outcomes: pd.DataFrame, *, confidence_level: float = 0.95) -> DeterminismAudit | None:
    """Judge a service by calls that were made twice: rows of ``repeat`` 1 against those of 0; None without any.

    An image flips when one of its calls is answered once and rejected once. Calls that failed tell nothing.
    """
    require_columns(outcomes, "setting", "sample", "repeat", "outcome", "text")
    heard = outcomes[outcomes["outcome"] != "error"]
    twice = heard[heard["repeat"] == 1].merge(
        heard[heard["repeat"] == 0], on=["setting", "sample"], suffixes=("", "_first")
    )
    if twice.empty:
        return None
    answered, before = twice["text"].notna(), twice["text_first"].notna()
    changed = answered & before & (twice["text"] != twice["text_first"])
    images = pd.DataFrame({"flipped": answered != before, "changed": changed}).groupby(twice["sample"]).any()
    flips, changes = (int(images[name].sum()) for name in ("flipped", "changed"))
    return audit_determinism(flips, len(images), text_changes=changes, confidence_level=confidence_level)


# ── the curve of a service that does not decide alike twice ──────────────────────────────────────────────


def monotone_curve(table: pd.DataFrame) -> pd.DataFrame:
    """A curve whose settings were asked of different images, made to fall as thresholds rise.

    Takes threshold, images, accepted and wrong; gives ``coverage`` and ``generalized_risk`` by weighted isotonic
    regression, which keeps their order, and ``risk`` as their ratio (NaN where nothing is accepted). Risk itself
    need not be monotone and is never smoothed.
    """
    require_columns(table, "threshold", "images", "accepted", "wrong")
    ordered = table.sort_values("threshold", ignore_index=True)
    counts = ordered[["images", "accepted", "wrong"]].to_numpy(np.float64)
    if len(ordered) == 0 or (counts[:, 0] <= 0).any():
        raise SettingError("every setting needs images; leave out those that were not asked")
    return ordered.assign(**dict(zip(_SMOOTH, _smooth(*counts.T), strict=True)))


_SMOOTH = ("coverage", "generalized_risk", "risk")


def _smooth(images: FloatArray, accepted: FloatArray, wrong: FloatArray) -> FloatArray:
    """The three curves of `_SMOOTH`, one row each; NaN at settings without images."""
    from scipy.optimize import isotonic_regression

    asked = images > 0
    curves = np.full((3, images.size), np.nan)
    for row, counts in enumerate((accepted, wrong)):
        shares, weights = counts[asked] / images[asked], images[asked]
        curves[row, asked] = isotonic_regression(shares, weights=weights, increasing=False).x
    with np.errstate(invalid="ignore", divide="ignore"):
        curves[2] = np.where(curves[0] > 0, curves[1] / curves[0], np.nan)
    return curves


@dataclass(frozen=True, repr=False)
class SmoothedCurve(Result):
    """The curve of a service asked at settings drawn at random. `table` has a row a setting, rising: ``threshold``,
    how many ``images`` were asked there, ``accepted`` and ``wrong`` of these, and the smoothed ``coverage``,
    ``generalized_risk`` and ``risk``, each with the ends of its interval: of the image bootstrap of the smoothed
    curve, and for one setting at a time.
    """

    table: pd.DataFrame
    name: str
    images: int
    confidence_level: float

    def explain(self) -> str:
        loose, strict = self.table.iloc[0], self.table.iloc[-1]
        calls = int(self.table["images"].sum())
        return (
            f"{self.name}: {self.images:,} images, {calls:,} calls at settings drawn at random; "
            f"{_with_ends(loose, 'coverage')} are answered at {loose['threshold']:g} and "
            f"{_with_ends(strict, 'coverage')} at {strict['threshold']:g} ({confidence(self.confidence_level)} intervals of the "
            "curve smoothed to fall)."
        )


def smoothed_curve(
    outcomes: pd.DataFrame,
    provider: str,
    over: str,
    *,
    confidence_level: float = 0.95,
    n_resamples: int = 999,
    seed: int = 0,
) -> SmoothedCurve:
    """The curve of a provider whose settings, which differ in `over` only, were asked of images drawn at random.

    An image may have been asked several times, at one setting or another: it is drawn as a whole by the bootstrap.
    Failed calls are left out. `DatasetError` where a setting was asked of no image.
    """
    require_columns(outcomes, "setting", "sample", "outcome")
    labels = settings_over([str(label) for label in outcomes["setting"].unique()], provider, over)
    rows = outcomes[outcomes["setting"].isin(list(labels)) & (outcomes["outcome"] != "error")]
    cuts = np.sort(np.array(list(labels.values()), np.float64))
    place = np.searchsorted(cuts, rows["setting"].astype("str").map(labels).to_numpy(np.float64))
    image = pd.factorize(rows["sample"])[0]
    n, m = (int(image.max()) + 1 if image.size else 0), cuts.size
    asked, accepted, wrong = (np.zeros((n, m)) for _ in range(3))
    np.add.at(asked, (image, place), 1.0)
    np.add.at(accepted, (image, place), rows["outcome"].isin(["correct", "wrong"]))
    np.add.at(wrong, (image, place), rows["outcome"] == "wrong")
    if n == 0 or (asked.sum(axis=0) == 0).any():
        missing = cuts if n == 0 else cuts[asked.sum(axis=0) == 0]
        raise DatasetError(f"no image was read at {over}={missing[0]:g}; ask more of them, or in more passes")
    columns = np.hstack([asked, accepted, wrong])
    counts = columns.sum(axis=0).reshape(3, m)
    drawn = bootstrap_sums(*collapse(columns), n_resamples, np.random.default_rng(seed))
    draws = np.array([_smooth(*sums.reshape(3, m)) for sums in drawn])
    table = pd.DataFrame(
        {"threshold": cuts} | dict(zip(("images", "accepted", "wrong"), counts.astype(int), strict=True))
    )
    tail = (1 - confidence_level) / 2
    for row, (name, curve) in enumerate(zip(_SMOOTH, _smooth(*counts), strict=True)):
        table[name] = curve
        table[f"{name}_low"], table[f"{name}_high"] = _ends(draws[:, row], tail)
    return SmoothedCurve(table, f"{provider} over {over}", n, confidence_level)


def _ends(draws: FloatArray, tail: float) -> FloatArray:
    """The ends of the middle draws, column by column; NaN where some draws are undefined."""
    known = ~np.isnan(draws).any(axis=0)
    ends = np.full((2, draws.shape[1]), np.nan)
    ends[:, known] = np.quantile(draws[:, known], (tail, 1 - tail), axis=0)
    return ends


def _with_ends(row: "pd.Series[float]", name: str) -> str:
    return f"{percent(row[name])} ({percent(row[f'{name}_low'])} to {percent(row[f'{name}_high'])})"
