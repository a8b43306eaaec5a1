"""Asking settings in turn while unsure: what recorded answers say it would have given.

Recorded answers stand in for live ones as long as a provider answers the same whoever was asked before; a stage
that failed is passed over, as a live cascade passes it over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Literal

import numpy as np
import pandas as pd

from toolkit.errors import DatasetError, SettingError
from toolkit.stats._cascades.aligned import Aligned
from toolkit.stats._core.bootstrap import bca, cells_of
from toolkit.stats._core.intervals import FloatArray
from toolkit.stats._core.results import Result, confidence
from toolkit.stats._core.trials import BoolArray, CodeArray, Errors
from toolkit.stats._thresholds.utility import Utility

AGREES: Literal["agrees"] = "agrees"
Least = float | Literal["agrees"] | None
"""When an answer is taken: from a confidence on, when an earlier stage gave the same text, or always."""

Stage = tuple[str, Least]
"""A setting, and when its answer is taken."""

Candidate = tuple[tuple[int, int], ...]
"""A cascade by number: each stage's setting, and the place of its threshold among those tried."""

THRESHOLDS = 10
FAILURES: Errors = "miss"
"""A cascade whose last stage failed gave no answer: in the search as in the check of what was run live."""
_AGREES = -1
"""The place of "agrees" among a setting's thresholds."""


def cascade_label(stages: Sequence[Stage]) -> str:
    """How a cascade is written: ``a >=0.9 > b``, ``a if agreed > b if agreed``."""
    return " > ".join(
        name if least is None else f"{name} if agreed" if least == AGREES else f"{name} >={least:g}"
        for name, least in stages
    )


def replay_cascade(outcomes: pd.DataFrame, stages: Sequence[Stage | str], *, label: str | None = None) -> pd.DataFrame:
    """The outcomes a cascade would have had on the images that all its stages read, as an outcomes frame.

    Each image has the row of the stage that answered, under the cascade's `label`; ``stage`` and ``asked`` say
    which and how many were asked, and ``cost_usd``, ``latency_s`` and ``elapsed_s`` add up those of all asked.
    A stage's answer is taken if its confidence reaches the stage's threshold, if an earlier stage gave the same text
    where the stage says "agrees", or if the stage has no threshold; that holds for the last stage too, so that an image nobody is sure about has no answer. It is an error if the last stage failed. Of
    repeats, the first.
    """
    plan: list[Stage] = [(stage, None) if isinstance(stage, str) else stage for stage in stages]
    if not plan:
        raise SettingError("a cascade takes one stage at least")
    aligned = Aligned.of(outcomes)
    place = [_place(aligned.settings, name) for name, _ in plan]
    aligned = aligned.take(np.all(aligned.row[place] >= 0, axis=0))
    sure = aligned.numbers("confidence")
    texts = aligned.texts() if any(least == AGREES for _, least in plan) else None
    accepted = np.array([_taken(aligned.answered, sure, texts, place[:k], i, plan[k][1]) for k, i in enumerate(place)])
    taken = np.asarray(accepted.any(axis=0))
    stage = np.where(taken, np.argmax(accepted, axis=0), len(plan) - 1)
    images = np.arange(stage.size)
    found = aligned.outcomes.iloc[aligned.row[place][stage, images]].reset_index(drop=True)
    found["setting"] = label or cascade_label(plan)
    failed = aligned.error[place][stage, images]
    verdict = found["outcome"].astype("str").to_numpy(dtype=object)
    found["outcome"] = np.where(taken, verdict, np.where(failed, "error", "no_answer"))
    for name in {"text", "confidence", "edits", "ned"} & set(found.columns):
        found[name] = found[name].where(taken)
    if "correct_normalised" in found:
        found["correct_normalised"] = found["correct_normalised"].to_numpy(np.bool_) & taken
    for name in [name for name in ("cost_usd", "latency_s", "elapsed_s") if name in found]:
        found[name] = np.cumsum(_spent(aligned, name)[place], axis=0)[stage, images]
    return found.assign(stage=[plan[k][0] for k in stage.tolist()], asked=stage + 1)


def _taken(
    answered: BoolArray, sure: FloatArray, texts: CodeArray | None, earlier: Sequence[int], i: int, least: Least
) -> BoolArray:
    """Whether a stage's answer is taken, image by image, where it comes to its turn."""
    if least is None:
        return np.asarray(answered[i])
    if least == AGREES and texts is not None:
        same = (texts[list(earlier)] == texts[i]).any(axis=0)
        return np.asarray(answered[i] & same)
    return np.asarray(answered[i] & (sure[i] >= least))


def _spent(aligned: Aligned, name: str) -> FloatArray:
    """What asking costs, also without an answer: a refusal's time is that of its whole trial."""
    spent = aligned.numbers(name)
    return np.where(np.isnan(spent), aligned.numbers("elapsed_s"), spent) if name == "latency_s" else spent


def _place(settings: Sequence[str], name: str) -> int:
    if name not in settings:
        raise SettingError(f"no setting {name!r}; the outcomes hold {', '.join(settings)}")
    return settings.index(name)


# ── search ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, repr=False)
class CascadeSearch(Result):
    """The best cascade found, and what finding it is honestly worth.

    `best` lists its stages; `apparent` is its utility an image on the data that chose it, `value` (with its
    interval) that of choosing on other images, and `single_value` that of choosing the best single setting on
    other images. `table` lists the best candidates by apparent utility with what each does. `utility` is what they
    were judged by.
    """

    table: pd.DataFrame
    best: list[Stage]
    apparent: float
    value: float
    value_low: float
    value_high: float
    single_value: float
    images: int
    tried: int
    confidence_level: float
    utility: Utility

    def explain(self) -> str:
        return (
            f"{cascade_label(self.best)} is the best of {self.tried:,} candidates on {self.images:,} images: worth "
            f"{self.apparent:.4g} an image there, and {self.value:.4g} on images that had no say in the choice "
            f"({confidence(self.confidence_level)} interval {self.value_low:.4g} to {self.value_high:.4g}); the best single "
            f"setting, chosen likewise, is worth {self.single_value:.4g}."
        )


@dataclass(frozen=True)
class _Stages:
    """Worth of each setting's outcome and price of asking it, settings × images; acceptance by threshold."""

    settings: list[str]
    gain: FloatArray
    spent: FloatArray
    accepted: list[BoolArray]
    thresholds: list[list[float | None]]
    texts: CodeArray | None
    no_answer: float

    def worth(self, stages: Sequence[tuple[int, int]]) -> FloatArray:
        """Utility of each image under stages of (setting, place of its threshold)."""
        if stages[0][1] == _AGREES:
            return self._worth_of_agreement([setting for setting, _ in stages])
        last, _ = stages[-1]
        worth = self.gain[last] - self.spent[last]
        for setting, threshold in reversed(stages[:-1]):
            worth = np.where(self.accepted[setting][threshold], self.gain[setting], worth) - self.spent[setting]
        return np.asarray(worth)

    def _worth_of_agreement(self, settings: Sequence[int]) -> FloatArray:
        """Utility of taking the first text that two of the settings give, asked in turn."""
        assert self.texts is not None  # noqa: S101 -- else no such candidate is made
        worth = np.full(self.gain.shape[1], self.no_answer)
        open_ = np.ones(worth.size, np.bool_)
        for number, setting in enumerate(settings):
            worth[open_] -= self.spent[setting][open_]
            same = open_ & (self.texts[list(settings[:number])] == self.texts[setting]).any(axis=0)
            same &= self.texts[setting] >= 0
            worth[same] += self.gain[setting][same] - self.no_answer
            open_ &= ~same
        return worth

    def named(self, stages: Sequence[tuple[int, int]]) -> list[Stage]:
        if stages[0][1] == _AGREES:
            return [(self.settings[i], AGREES) for i, _ in stages]
        cut = [(self.settings[i], self.thresholds[i][t]) for i, t in stages[:-1]]
        return [*cut, (self.settings[stages[-1][0]], None)]


def search_cascades(
    outcomes: pd.DataFrame,
    utility: Utility,
    *,
    thresholds: int = THRESHOLDS,
    third_stage: bool = True,
    folds: int = 5,
    repeats: int = 4,
    confidence_level: float = 0.95,
    top: int = 10,
    seed: int = 0,
) -> CascadeSearch:
    """Try every single setting and every ordered pair at several thresholds of the first, then a third stage.

    Where the outcomes have the column ``text``, pairs that must agree are tried too, also with a third setting that
    breaks ties.

    `utility` must be in the unit of ``cost_usd``, whose recorded values are the price of asking (none where the
    column lacks); its own `price` is not used. Thresholds are quantiles of the first setting's confidence. The
    third stage is added greedily to the best pair. Choosing is repeated inside each part of the cross-fit.
    """
    aligned = Aligned.of(outcomes, FAILURES)
    aligned = aligned.take(np.all(aligned.row >= 0, axis=0))
    n = aligned.row.shape[1]
    if n < folds or folds < 2:
        raise DatasetError(f"{n} images that all settings read are too few for {folds} parts")
    stages = _stages(aligned, utility, thresholds)
    k = len(aligned.settings)
    pairs = [((i, t), (j, 0)) for i, j in permutations(range(k), 2) for t in range(len(stages.thresholds[i]))]
    agreeing = [] if stages.texts is None else _agreeing(k, third=third_stage)
    candidates: list[Candidate] = [*(((i, 0),) for i in range(k)), *pairs, *agreeing]
    rng = np.random.default_rng(seed)
    fold = np.array([rng.permutation(n) % folds for _ in range(repeats)])
    sums = np.empty((len(candidates), repeats, folds))
    for c, candidate in enumerate(candidates):
        worth = stages.worth(candidate)
        for r in range(repeats):
            sums[c, r] = np.bincount(fold[r], worth, folds)
    total = sums[:, 0].sum(axis=1)
    held, single = np.zeros(n), np.zeros(n)
    for r in range(repeats):
        for part in range(folds):
            rest = total - sums[:, r, part]
            kept = fold[r] == part
            chosen = _with_third(stages, candidates, rest, ~kept, third_stage=third_stage)
            held[kept] += stages.worth(chosen)[kept] / repeats
            single[kept] += stages.worth(candidates[int(np.argmax(rest[:k]))])[kept] / repeats
    best = _with_third(stages, candidates, total, np.ones(n, np.bool_), third_stage=third_stage)
    low, high = bca(lambda s: s[:, 0] / s[:, 1], cells_of(held, np.ones(n)), confidence_level, seed=seed)
    ranked = [best, *(candidates[c] for c in np.argsort(-total, kind="stable") if candidates[c] != best)][:top]
    table = pd.DataFrame([_described(outcomes, stages, candidate) for candidate in ranked])
    apparent = float(stages.worth(best).mean())
    pair = candidates[int(np.argmax(total))]
    tried = len(candidates) + (len(_thirds(stages, pair)) if third_stage else 0)
    values = float(held.mean()), low, high, float(single.mean())
    return CascadeSearch(table, stages.named(best), apparent, *values, n, tried, confidence_level, utility)


def _stages(aligned: Aligned, utility: Utility, thresholds: int) -> _Stages:
    cost = aligned.numbers("cost_usd", missing=np.nan if "cost_usd" in aligned.outcomes.columns else 0.0)
    unknown = np.isnan(cost).any(axis=1)
    if unknown.any():
        raise DatasetError(
            f"{aligned.settings[int(np.argmax(unknown))]} has no known cost; give it a price, or drop it"
        )
    seconds = _spent(aligned, "latency_s") if utility.cost_per_second else np.zeros(cost.shape)
    if np.isnan(seconds).any():
        raise DatasetError("cost_per_second needs latency_s or elapsed_s of every trial")
    wrong = aligned.answered & ~aligned.correct
    gain = (
        utility.value_correct * aligned.correct
        - utility.cost_wrong * wrong
        - utility.cost_no_answer * ~aligned.answered
    )
    sure, accepted, cuts = aligned.numbers("confidence"), [], []
    for i in range(len(aligned.settings)):
        known = sure[i][aligned.answered[i] & ~np.isnan(sure[i])]
        grid: list[float] = []
        if known.size:
            cut = np.quantile(known, np.arange(1, thresholds) / thresholds, method="lower")
            grid = sorted(set(cut.tolist()))
        cuts.append([None, *grid])
        accepted.append(np.array([aligned.answered[i], *(aligned.answered[i] & (sure[i] >= t) for t in grid)]))
    spent = cost + utility.cost_per_second * seconds
    texts = aligned.texts() if "text" in aligned.outcomes.columns else None
    return _Stages(aligned.settings, gain.astype(np.float64), spent, accepted, cuts, texts, -utility.cost_no_answer)


def _agreeing(settings: int, *, third: bool) -> list[Candidate]:
    """Pairs that must agree, and those with a third that breaks ties; a pair's order changes neither answer nor cost."""
    pairs: list[Candidate] = [((i, _AGREES), (j, _AGREES)) for i, j in combinations(range(settings), 2)]
    thirds = [(*pair, (k, _AGREES)) for pair in pairs for k in range(settings) if k not in (pair[0][0], pair[1][0])]
    return [*pairs, *(thirds if third else [])]


def _with_third(
    stages: _Stages,
    candidates: Sequence[Candidate],
    total: FloatArray,
    images: BoolArray,
    *,
    third_stage: bool,
) -> Candidate:
    """The best candidate on some images, with a third stage if that is worth more there."""
    best = candidates[int(np.argmax(total))]
    if not third_stage:
        return best
    choices = [best, *_thirds(stages, best)]
    worths = [float(stages.worth(choice)[images].sum()) for choice in choices]
    return choices[int(np.argmax(worths))]


def _thirds(stages: _Stages, best: Candidate) -> list[Candidate]:
    if len(best) != 2 or best[0][1] == _AGREES:
        return []
    first, (second, _) = best
    others = [i for i in range(len(stages.settings)) if i not in (first[0], second)]
    return [(first, (second, t), (i, 0)) for t in range(len(stages.thresholds[second])) for i in others]


def _described(outcomes: pd.DataFrame, stages: _Stages, candidate: Candidate) -> dict[str, object]:
    named = stages.named(candidate)
    replay = replay_cascade(outcomes, named)
    answered = replay["outcome"].isin(["correct", "wrong"])
    correct = int((replay["outcome"] == "correct").sum())
    asked: CodeArray = replay["asked"].to_numpy()
    return {
        "cascade": cascade_label(named),
        "utility": float(stages.worth(candidate).mean()),
        "coverage": float(answered.mean()),
        "accuracy_answered": correct / int(answered.sum()) if answered.any() else float("nan"),
        "accuracy_all": correct / len(replay),
        "cost_usd": float(replay["cost_usd"].mean()) if "cost_usd" in replay else float("nan"),
        "asked": float(asked.mean()),
    }
