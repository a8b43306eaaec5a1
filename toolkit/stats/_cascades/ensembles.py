"""What several settings know together: agreement, what any of them reads, and what none does."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from toolkit.errors import SettingError
from toolkit.metrics import STRICT, Normaliser
from toolkit.stats._cascades.aligned import Aligned
from toolkit.stats._core.intervals import wilson
from toolkit.stats._core.results import Result, percent
from toolkit.stats._core.trials import CodeArray, Errors, require_columns

NAN = float("nan")


@dataclass(frozen=True, repr=False)
class Agreement(Result):
    """Pairs of settings on the images that count for both, one row a pair.

    ``oracle`` is the share that at least one reads right, ``both_right`` and ``double_fault`` that both and
    neither do. ``phi`` and ``kappa`` tell how far their rightness goes together: 0 for independent readers, 1 for
    the same one twice. ``agree`` is the share of images on which they give the same text; taken only then, the
    answer is right in ``accuracy_agreed`` (with its interval): agreement is a confidence for those who give none. It
    costs asking both, ``cost_usd`` an image; NaN where that is not known.

    `order` adds settings one at a time, each time the one that brings the most images nobody had right. `fleiss`
    is the agreement of all settings' texts beyond chance.
    """

    table: pd.DataFrame
    order: pd.DataFrame
    fleiss: float
    all_right: float
    images: int

    @property
    def oracle(self) -> float:
        """Share of images that at least one setting reads right."""
        return float(self.order["oracle"].iloc[-1])

    def explain(self) -> str:
        first = self.order.iloc[0]
        text = (
            f"Of {self.images:,} images that count for all {len(self.order)} settings, {percent(self.oracle)} are read "
            f"right by one at least, {percent(self.all_right)} by all; the best alone ({first['setting']}) reads "
            f"{percent(first['oracle'])}."
        )
        known = self.table.dropna(subset=["accuracy_agreed"])
        if len(known):
            best = known.sort_values(["accuracy_agreed", "agree"]).iloc[-1]
            text += (
                f"\nWhen {best['setting']} and {best['other']} say the same, on {percent(best['agree'])} of the images, "
                f"it is right in {percent(best['accuracy_agreed'])} of them ({percent(best['accuracy_agreed_low'])} to "
                f"{percent(best['accuracy_agreed_high'])})."
            )
        return text


def agreement(
    outcomes: pd.DataFrame,
    *,
    normaliser: Normaliser = STRICT,
    errors: Errors = "exclude",
    confidence_level: float = 0.95,
) -> Agreement:
    """How the settings' answers go together. Texts are the same if equal under `normaliser`; of repeats, the first."""
    require_columns(outcomes, "text")
    aligned = Aligned.of(outcomes, errors)
    if len(aligned.settings) < 2:
        raise SettingError(f"agreement takes two settings at least; the outcomes hold {', '.join(aligned.settings)}")
    texts, cost = aligned.texts(normaliser), aligned.numbers("cost_usd")
    pairs = [(i, j) for i in range(len(aligned.settings)) for j in range(i)]
    table = pd.DataFrame([_pair(aligned, texts, i, j, confidence_level) for i, j in pairs])
    both = [aligned.counted[i] & aligned.counted[j] for i, j in pairs]
    table["cost_usd"] = [
        float((cost[i] + cost[j])[shared].mean()) if shared.any() else NAN
        for (i, j), shared in zip(pairs, both, strict=True)
    ]
    shared = np.all(aligned.counted, axis=0)
    common = aligned.take(shared)
    images = int(shared.sum())
    return Agreement(
        table,
        _order(common),
        fleiss_kappa(texts[:, shared & aligned.answered.all(axis=0)]),
        float(common.correct.all(axis=0).mean()) if images else NAN,
        images,
    )


def _pair(aligned: Aligned, texts: CodeArray, i: int, j: int, confidence_level: float) -> dict[str, object]:
    both = aligned.counted[i] & aligned.counted[j]
    first, second = aligned.correct[i, both], aligned.correct[j, both]
    n = int(both.sum())
    right, wrong = int((first & second).sum()), int((~first & ~second).sum())
    p, q = (float(x.mean()) if n else NAN for x in (first, second))
    same = (texts[i, both] == texts[j, both]) & (texts[i, both] >= 0)
    agreed = int(same.sum())
    low, high = wilson(int((same & first).sum()), agreed, confidence_level)
    by_chance = p * q + (1 - p) * (1 - q)
    return {
        "setting": aligned.settings[i],
        "other": aligned.settings[j],
        "images": n,
        "oracle": 1 - _share(wrong, n),
        "both_right": _share(right, n),
        "double_fault": _share(wrong, n),
        "phi": _share(_share(right, n) - p * q, float(np.sqrt(p * (1 - p) * q * (1 - q)))),
        "kappa": _share(_share(right + wrong, n) - by_chance, 1 - by_chance),
        "agree": _share(agreed, n),
        "accuracy_agreed": _share(int((same & first).sum()), agreed),
        "accuracy_agreed_low": low,
        "accuracy_agreed_high": high,
    }


def _order(common: Aligned) -> pd.DataFrame:
    """Settings by what they add to those before, the most first."""
    images = common.correct.shape[1]
    known = np.zeros(images, np.bool_)
    left, rows, before = list(range(len(common.settings))), [], 0.0
    while left:
        gains = [int(np.count_nonzero(common.correct[i] & ~known)) for i in left]
        chosen = left.pop(int(np.argmax(gains)))
        known |= common.correct[chosen]
        oracle = _share(int(known.sum()), images)
        rows.append((common.settings[chosen], oracle, oracle - before))
        before = oracle
    return pd.DataFrame(rows, columns=["setting", "oracle", "gain"])


def fleiss_kappa(codes: CodeArray) -> float:
    """Agreement of several readers' texts beyond chance, from readers × images codes; NaN if all say one thing."""
    readers, images = codes.shape
    if images == 0 or readers < 2:
        return NAN
    ordered = np.sort(codes, axis=0)
    # Pairs of readers who agree, image by image: each is a run of equal codes in the sorted column.
    agreeing = sum((ordered[k:] == ordered[: readers - k]).sum() for k in range(1, readers))
    observed = float(agreeing) / (images * readers * (readers - 1) / 2)
    share = np.unique(codes, return_counts=True)[1] / codes.size
    chance = float(share @ share)
    return _share(observed - chance, 1 - chance)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else NAN
