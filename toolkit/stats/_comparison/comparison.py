"""Which setting is better, by how much, and how surely: always on the same images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, get_args

import numpy as np
import pandas as pd

from toolkit.errors import SettingError
from toolkit.stats._comparison.paired import cochran_q, holm
from toolkit.stats._comparison.paired_metrics import METRICS, Ends, Paired, Tables
from toolkit.stats._core.bootstrap import RESAMPLES
from toolkit.stats._core.intervals import normal_quantile
from toolkit.stats._core.results import Result, confidence, points
from toolkit.stats._core.trials import POLICIES, Errors, Trials


@dataclass(frozen=True, repr=False)
class Comparison(Result):
    """Settings compared two by two on the images that count for both.

    `table` has a row a pair: ``setting`` and ``baseline``, ``images`` they share, the ``value`` of each, their
    ``difference`` with its interval, the p-value alone (``p``) and corrected by Holm for the number of pairs
    (``p_holm``), a ``verdict`` from the latter, and ``images_needed`` to tell a difference of this size (80 %
    power). For shares, ``only_setting`` and ``only_baseline`` count the images that only one got right. With a
    margin, ``margin_verdict`` says what the interval shows about it.

    `overall` tests whether any setting differs at all (Cochran's Q on the images that count for all of them);
    it is empty for other measures than shares, and with repeats.
    """

    table: pd.DataFrame
    metric: str
    confidence_level: float
    policy: str
    margin: float | None = None
    overall: dict[str, float] = field(default_factory=dict)

    def explain(self) -> str:
        if self.table.empty:
            return "Nothing to compare: give outcomes of two settings at least."
        return "\n".join([*map(self._sentence, self.table.to_dict("records")), *self._overall_sentence()])

    @property
    def note(self) -> str:
        return f"Each pair on the images that count for both; {self.policy}."

    def _overall_sentence(self) -> list[str]:
        if not self.overall or not self.overall["images"]:
            return []
        settings, images = self.overall["degrees_of_freedom"] + 1, self.overall["images"]
        told = "differ" if self.overall["p"] <= 1 - self.confidence_level else "cannot be told apart"
        where = f"on the {images:,} images that count for all of them (Cochran's Q, p = {self.overall['p']:.3g})"
        return [f"Taken together, the {settings:.0f} settings {told} {where}."]

    def _sentence(self, row: dict[Any, Any]) -> str:
        name, kind = METRICS[self.metric].words, METRICS[self.metric].kind
        if row["images"] == 0:
            return f"{row['setting']} and {row['baseline']} share no image, so they cannot be compared."
        if np.isnan(row["difference"]):
            return f"{row['setting']} and {row['baseline']} cannot be compared by {name}: part of it is unknown."
        say: Callable[[float], str] = points if kind == "share" else lambda x: "unknown" if np.isnan(x) else f"{x:+.4g}"
        unit = " points" if kind == "share" else ""
        sure = {"better": "better", "worse": "worse", "cannot tell": "not distinguishable"}[row["verdict"]]
        corrected = f" after Holm's correction for {len(self.table)} pairs" if len(self.table) > 1 else ""
        text = (
            f"{row['setting']} against {row['baseline']}: {name} differs by {say(row['difference'])}{unit} "
            f"({confidence(self.confidence_level)} interval {say(row['difference_low'])} to {say(row['difference_high'])}; "
            f"{row['images']:,} shared images; p = {row['p_holm']:.3g}{corrected}): {sure}"
        )
        if row["verdict"] == "cannot tell" and np.isfinite(row["images_needed"]):
            text += f"; a difference of this size takes about {row['images_needed']:,.0f} images to tell"
        if self.margin is not None:
            text += f"; with a margin of {self.margin:g}: {row['margin_verdict']}"
        return text + "."


def compare(
    outcomes: pd.DataFrame,
    baseline: str | None = None,
    *,
    metric: str = "accuracy_all",
    errors: Errors = "exclude",
    confidence_level: float = 0.95,
    margin: float | None = None,
    interval: Ends = "newcombe",
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare every setting with the baseline, or all pairs, image by image.

    `metric` is one of accuracy_all, accuracy_answered, accuracy_normalised, coverage (Newcombe's interval, and
    McNemar's mid-p test or, with repeats, sign flips of the images' means), cer_micro, cer_micro_all, cost_usd
    (image bootstrap and sign flips; where no image's errors differ, the exact interval of how many may),
    latency_p50_s, latency_p95_s (image bootstrap of the ranks).
    `margin`, in the metric's unit, is the difference that would not matter: two one-sided looks at the interval
    then tell "equivalent" and "not worse" from "cannot tell". `interval` may be tango or bonett_price for shares
    of images read once. `seed` fixes the bootstrap.

    `SettingError` for an unknown metric or baseline.
    """
    if metric not in METRICS:
        raise SettingError(f"metric={metric!r} is not one of {', '.join(METRICS)}")
    if margin is not None and margin <= 0:
        raise SettingError(f"margin={margin!r} must be above 0; it is the difference that would not matter")
    if interval not in get_args(Ends):
        raise SettingError(f"interval={interval!r} is not one of {', '.join(get_args(Ends))}")
    if margin is not None and confidence_level <= 0.5:
        raise SettingError(
            f"confidence_level={confidence_level!r} leaves nothing for two one-sided looks; it must be above 0.5"
        )
    normal_quantile(confidence_level)
    trials = Trials.of(outcomes, errors)
    if baseline is not None and baseline not in trials.settings:
        raise SettingError(f"baseline={baseline!r} is not among {', '.join(trials.settings) or 'the outcomes: none'}")
    pairs = _pairs(trials.settings, baseline)
    tables = Tables.of(outcomes, trials, METRICS[metric])
    how: dict[str, Any] = {"n_resamples": n_resamples, "seed": seed, "interval": interval}
    found = tables.compare(pairs, confidence_level=confidence_level, **how)
    looser = tables.compare(pairs, confidence_level=2 * confidence_level - 1, **how) if margin is not None else found
    table = _table(found, looser, trials.settings, pairs, metric, confidence_level, margin)
    return Comparison(table, metric, confidence_level, POLICIES[errors], margin, _overall(tables, len(trials.settings)))


def _pairs(settings: Sequence[str], baseline: str | None) -> list[tuple[int, int]]:
    if baseline is None:
        return [(later, earlier) for earlier, later in combinations(range(len(settings)), 2)]
    reference = settings.index(baseline)
    return [(other, reference) for other in range(len(settings)) if other != reference]


def _table(
    found: Paired,
    looser: Paired,
    settings: Sequence[str],
    pairs: Sequence[tuple[int, int]],
    metric: str,
    confidence_level: float,
    margin: float | None,
) -> pd.DataFrame:
    better = METRICS[metric].better
    table = pd.DataFrame(
        {
            "setting": [settings[i] for i, _ in pairs],
            "baseline": [settings[j] for _, j in pairs],
            **{name: getattr(found, name) for name in Paired._fields if getattr(found, name) is not None},
        }
    )
    p_holm = holm(found.p)
    table.insert(list(table.columns).index("p") + 1, "p_holm", p_holm)
    told = (p_holm <= 1 - confidence_level) & (np.abs(found.difference) > 0)
    table["verdict"] = np.where(told, np.where(better * found.difference > 0, "better", "worse"), "cannot tell")
    if margin is not None:
        # What counts is the side on which the setting is worse; for errors and times that is the upper one.
        worst = looser.difference_low if better > 0 else -looser.difference_high
        best = looser.difference_high if better > 0 else -looser.difference_low
        table["margin_verdict"] = np.select(
            [(worst > -margin) & (best < margin), worst > -margin, best < -margin],
            ["equivalent", "not worse", "worse"],
            "cannot tell",
        )
    table.attrs |= {"metric": metric, "confidence_level": confidence_level}
    return table


def _overall(tables: Tables, settings: int) -> dict[str, float]:
    if settings < 3 or not tables.is_plain_share:
        return {}
    shared = tables.weight.all(axis=0)
    statistic, freedom, p = cochran_q(tables.value[:, shared].T.astype(np.bool_))
    return {"images": int(shared.sum()), "cochran_q": statistic, "degrees_of_freedom": freedom, "p": p}
