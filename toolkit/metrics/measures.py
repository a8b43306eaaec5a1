"""Edit distance and what is made of it: exact match, character error rate, normalised distance.

CER (micro) is the sum of edit distances over the sum of target lengths: every character weighs the same. CER
(macro) is the mean of each image's own rate: every image weighs the same. NED is distance over the longer of
the two texts, within [0, 1]. CER may exceed 1, because an answer can be longer than its target.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import ne
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from toolkit.errors import DatasetError, SettingError
from toolkit.metrics.normaliser import STRICT, Normaliser, Texts

FloatArray = NDArray[np.float64]

Unanswered = Literal["leave_out", "empty"]
"""What an image without an answer does to an error rate: it is left out, or scored as an empty answer."""


@dataclass(frozen=True, slots=True)
class Measures:
    """Four columns about n pairs of target and answer, in their order.

    `exact` (bool) is False where there is no answer; `edits` and `ned` (float) are NaN there. Lengths and
    edits are in code points of the normalised texts.
    """

    exact: NDArray[np.bool_]
    edits: FloatArray
    target_length: NDArray[np.int64]
    ned: FloatArray

    def cer_micro(self, unanswered: Unanswered = "leave_out") -> float:
        """Sum of edits over sum of target lengths.

        Empty targets add what was inserted for them and no length. NaN when there is no pair, or when all
        targets are empty and something was inserted; 0 when all targets are empty and so are their answers.
        """
        edits, lengths = self._counted(unanswered)
        if edits.size == 0:
            return float("nan")
        total = edits.sum()
        return float(total / lengths.sum()) if lengths.any() else (float("nan") if total else 0.0)

    def cer_macro(self, unanswered: Unanswered = "leave_out") -> float:
        """Mean of the rate of each image. An empty target has rate 0 if its answer is empty, else none."""
        rates = per_image_cer(*self._counted(unanswered))
        defined = rates[~np.isnan(rates)]
        return float(defined.mean()) if defined.size else float("nan")

    def _counted(self, unanswered: Unanswered) -> tuple[FloatArray, NDArray[np.int64]]:
        if unanswered not in ("leave_out", "empty"):
            raise SettingError(f"unanswered={unanswered!r} is neither 'leave_out' nor 'empty'")
        missing = np.isnan(self.edits)
        if unanswered == "empty":
            return np.where(missing, self.target_length, self.edits), self.target_length
        return self.edits[~missing], self.target_length[~missing]


def measure(targets: Texts, answers: Texts, normaliser: Normaliser = STRICT) -> Measures:
    """Everything about n pairs in one pass; equal texts cost next to nothing.

    `DatasetError` when the columns differ in length or a target is missing: without a target there is nothing
    to be wrong about, and such rows have to be left out by whoever knows why they are there.
    """
    wanted, given = _paired(targets, answers, normaliser)
    n = len(wanted)
    differs = np.fromiter(map(ne, wanted, given), np.bool_, n)
    lengths = np.fromiter(map(len, wanted), np.int64, n)
    rows = np.flatnonzero(differs)
    target = [wanted[i] for i in rows.tolist()]
    answer = [given[i] for i in rows.tolist()]
    unanswered = np.fromiter((text is None for text in answer), np.bool_, rows.size)
    texts = [text or "" for text in answer]
    distance = np.fromiter(map(Levenshtein.distance, target, texts), np.float64, rows.size)
    distance[unanswered] = np.nan
    edits, ned = np.zeros(n), np.zeros(n)
    edits[rows] = distance
    ned[rows] = distance / np.maximum(1, np.maximum(lengths[rows], np.fromiter(map(len, texts), np.int64, rows.size)))
    return Measures(~differs, edits, lengths, ned)


def exact(targets: Texts, answers: Texts, normaliser: Normaliser = STRICT) -> NDArray[np.bool_]:
    """Which answers are right; no answer is not."""
    wanted, given = _paired(targets, answers, normaliser)
    return ~np.fromiter(map(ne, wanted, given), np.bool_, len(wanted))


def edits(targets: Texts, answers: Texts, normaliser: Normaliser = STRICT) -> FloatArray:
    """Levenshtein distances in characters, NaN for no answer."""
    return measure(targets, answers, normaliser).edits


def ned(targets: Texts, answers: Texts, normaliser: Normaliser = STRICT) -> FloatArray:
    """Distances over the longer text, within [0, 1]; 0 for two empty texts, NaN for no answer."""
    return measure(targets, answers, normaliser).ned


def cer_micro(
    targets: Texts, answers: Texts, normaliser: Normaliser = STRICT, *, unanswered: Unanswered = "leave_out"
) -> float:
    """Character error rate over all characters; see `Measures.cer_micro`."""
    return measure(targets, answers, normaliser).cer_micro(unanswered)


def cer_macro(
    targets: Texts, answers: Texts, normaliser: Normaliser = STRICT, *, unanswered: Unanswered = "leave_out"
) -> float:
    """Character error rate averaged over images; see `Measures.cer_macro`."""
    return measure(targets, answers, normaliser).cer_macro(unanswered)


def per_image_cer(edits: FloatArray, target_length: NDArray[np.int64]) -> FloatArray:
    """Edits over target length, image by image; an empty target gives 0 for no edits and NaN for any."""
    rates = edits / np.maximum(target_length, 1)
    rates[(target_length == 0) & (edits != 0)] = np.nan
    return rates


def _paired(targets: Texts, answers: Texts, normaliser: Normaliser) -> tuple[list[str], Sequence[str | None]]:
    wanted, given = normaliser.apply(targets), normaliser.apply(answers)
    if len(wanted) != len(given):
        raise DatasetError(f"{len(wanted)} targets and {len(given)} answers; give one answer, or None, for each target")
    if None in wanted:
        raise DatasetError(f"row {wanted.index(None)}: the target is missing; leave rows without a target out")
    return wanted, given  # type: ignore[return-value]
