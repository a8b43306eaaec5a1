"""Which characters are taken for which, and which errors are only matters of look-alikes or of case.

Distance is unique, alignment is not: "ab" read as "ba" is two substitutions, or one deletion and one insertion.
Counts by character belong to one optimal alignment, that of rapidfuzz's editops.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd
from rapidfuzz.distance import Levenshtein

from toolkit.metrics import STRICT, Normaliser, exact
from toolkit.stats._core.intervals import Interval, clustered_wilson, wilson
from toolkit.stats._core.results import Result, confidence, percent
from toolkit.stats._core.trials import BoolArray, Trials, only_setting, per_image, require_columns

INSERTED, MISSING = "inserted", "missing"
MIN_SUPPORT = 5

LOOK_ALIKES = (
    *(("rn", "m"), ("vv", "w"), ("cl", "d")),
    *((other, "0") for other in "OoQDОо"),
    *((other, "1") for other in "lIi|"),
    *(("S", "5"), ("s", "5"), ("B", "8"), ("В", "8"), ("Z", "2"), ("z", "2"), ("G", "6"), ("b", "6")),
    *(("g", "9"), ("q", "9"), ("C", "c"), ("P", "p"), ("U", "u"), ("V", "v"), ("W", "w"), ("X", "x"), ("K", "k")),
    *zip("АЕКМНРСТХаеосрух", "AEkMHpcTxaeocpyx", strict=True),  # Cyrillic
)
"""Pairs that are hard to tell apart in most fonts: what is replaced, and by what."""


@dataclass(frozen=True, repr=False)
class Confusions(Result):
    """One row a confusion, most frequent first.

    ``target`` is the character that stands in the image, or "inserted" where none does; ``answer`` what was read
    for it, or "missing". ``count`` says how often, ``support`` how often the character occurs in the answered
    images, ``share`` is their ratio with its Wilson interval at `confidence_level`. Inserted characters have no support. `support` lists
    all characters that occur.
    """

    table: pd.DataFrame
    support: "pd.Series[int]"
    name: str
    answers: int
    confidence_level: float

    @property
    def note(self) -> str:
        return f"{confidence(self.confidence_level)} intervals of shares; counts belong to one optimal alignment of each pair."

    def matrix(self, min_support: int = MIN_SUPPORT) -> pd.DataFrame:
        """Counts, a row a target character and a column an answered one, right ones on the diagonal."""
        rows = [str(character) for character, n in self.support.items() if n >= min_support]
        answered = set(self.table["answer"]) - {MISSING}
        columns = [*sorted({*rows, *answered}), MISSING]
        counts = self.table.pivot_table(index="target", columns="answer", values="count", fill_value=0, aggfunc="sum")
        counts = counts.reindex(index=[*rows, INSERTED], columns=columns, fill_value=0)
        wrong = counts.sum(axis="columns")
        for character in rows:
            counts.loc[character, character] = self.support[character] - wrong[character]
        return counts.astype(np.int64)

    def explain(self) -> str:
        if self.table.empty:
            return f"{self.name}: no character of {self.answers:,} answers was read wrongly."
        row = self.table.iloc[0]
        often = ""
        if not np.isnan(row["share"]):
            ends = f"{confidence(self.confidence_level)} interval {percent(row['share_low'])} to {percent(row['share_high'])}"
            often = f", {percent(row['share'])} of the {row['support']:,.0f} it occurs ({ends})"
        what = f"{row['target']!r} read as {row['answer']!r}"
        if row["target"] == INSERTED:
            what = f"{row['answer']!r} where there is nothing"
        elif row["answer"] == MISSING:
            what = f"{row['target']!r} left out"
        times = "once" if row["count"] == 1 else f"{row['count']:,} times"
        return (
            f"{self.name}: the commonest error in {self.answers:,} answers is {what}, {times}{often} "
            "(one optimal alignment)."
        )


def confusions(
    outcomes: pd.DataFrame,
    setting: str | None = None,
    *,
    normaliser: Normaliser = STRICT,
    confidence_level: float = 0.95,
) -> Confusions:
    """Character confusions of one setting's answers; with `setting` None, of all there are."""
    require_columns(outcomes, "target", "text")
    rows = outcomes if setting is None else only_setting(outcomes, setting)
    rows = rows[rows["text"].notna()]
    targets = [text or "" for text in normaliser.apply(rows["target"])]
    answers = [text or "" for text in normaliser.apply(rows["text"])]
    counts = _count_edits((t, a) for t, a in zip(targets, answers, strict=True) if t != a)
    points, occurrences = np.unique(
        np.frombuffer("".join(targets).encode("utf-32-le", "surrogatepass"), np.uint32), return_counts=True
    )
    support = pd.Series(occurrences, [chr(point) for point in points])
    table = pd.DataFrame(
        [(*pair, n) for pair, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))],
        columns=["target", "answer", "count"],
    )
    table["support"] = table["target"].map(support).astype(np.float64)
    table["share"] = table["count"] / table["support"]
    table["share_low"], table["share_high"] = wilson(table["count"], table["support"], confidence_level)
    return Confusions(table, support, setting or "all settings", len(rows), confidence_level)


def edit_operations(target: str, answer: str) -> list[tuple[str, int, int]]:
    """One shortest way from target to answer: replace, delete or insert, with the places in both."""
    return cast("list[tuple[str, int, int]]", Levenshtein.editops(target, answer).as_list())


def _count_edits(pairs: Iterable[tuple[str, str]]) -> Counter[tuple[str, str]]:
    replaced: list[tuple[str, str]] = []
    for target, answer in pairs:
        for operation, i, j in edit_operations(target, answer):
            if operation == "replace":
                replaced.append((target[i], answer[j]))
            elif operation == "delete":
                replaced.append((target[i], MISSING))
            else:
                replaced.append((INSERTED, answer[j]))
    return Counter(replaced)


# ── errors of one kind ───────────────────────────────────────────────────────────────────────────────────


def look_alikes(
    outcomes: pd.DataFrame, pairs: Iterable[tuple[str, str]] = LOOK_ALIKES, *, confidence_level: float = 0.95
) -> pd.DataFrame:
    """Of each setting's wrong answers, the share that is wrong by look-alikes only (0 for O, 1 for l, rn for m).

    A diagnosis, no score: such an answer is as wrong as any other to whoever uses it. One row a setting.
    """
    require_columns(outcomes, "target", "text")
    folded = Normaliser(replace=tuple(pairs))
    trials = Trials.of(outcomes)
    wrong = trials.answered & ~trials.correct
    only = np.zeros(wrong.size, np.bool_)
    rows = outcomes[wrong]
    only[wrong] = exact(rows["target"], rows["text"], folded)
    return _share_by_setting(trials, only, wrong, "wrong", "look_alikes", confidence_level)


def lower_case(outcomes: pd.DataFrame, *, confidence_level: float = 0.95) -> pd.DataFrame:
    """Of each setting's answers to targets with a capital letter, the share without any: one row a setting.

    A high share tells that the provider does not keep case, or was not asked to.
    """
    require_columns(outcomes, "target", "text")
    trials = Trials.of(outcomes)
    targets, texts = outcomes["target"].tolist(), outcomes["text"].tolist()
    answered = trials.answered.tolist()
    capital = np.fromiter(
        (given and target.lower() != target for target, given in zip(targets, answered, strict=True)),
        np.bool_,
        len(targets),
    )
    lowered = capital.copy()
    lowered[capital] = [texts[i].islower() for i in np.flatnonzero(capital).tolist()]
    return _share_by_setting(trials, lowered, capital, "with_capitals", "lower_case", confidence_level)


def _share_by_setting(
    trials: Trials, part: BoolArray, whole: BoolArray, whole_name: str, name: str, confidence_level: float
) -> pd.DataFrame:
    rows = []
    for code, label in enumerate(trials.settings):
        mine = whole & (trials.setting == code)
        ends = Interval(float("nan"), float("nan"))
        if mine.any():
            of_image = per_image(trials.sample[mine], part[mine], whole[mine])
            ends = clustered_wilson(of_image[0], of_image[1], confidence_level)
        k, n = int(part[mine].sum()), int(mine.sum())
        rows.append((label, n, k, k / n if n else float("nan"), *ends))
    return pd.DataFrame(rows, columns=["setting", whole_name, name, "share", "share_low", "share_high"])
