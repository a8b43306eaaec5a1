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
    """Four columns about n pairs of target and answer, in their order; lengths are in code points after normalising.

    Attributes
    ----------
    exact : array of bool, shape (n,)
        Whether the answer is its target; False without an answer.
    edits : array of float, shape (n,)
        Levenshtein distance in characters; NaN without an answer.
    target_length : array of int, shape (n,)
        Characters of the target.
    ned : array of float, shape (n,)
        Distance over the longer of the two texts, from 0 to 1; NaN without an answer.

    Examples
    --------
    >>> from toolkit.metrics import measure
    >>> measure(["A7K2", "XY"], ["A7K", None]).exact
    array([False, False])
    """

    exact: NDArray[np.bool_]
    edits: FloatArray
    target_length: NDArray[np.int64]
    ned: FloatArray

    def cer_micro(self, unanswered: Unanswered = "leave_out") -> float:
        """Sum of edits over sum of target lengths: every character weighs the same.

        Parameters
        ----------
        unanswered : {"leave_out", "empty"}, default "leave_out"
            Whether an image without an answer is left out or counts as an empty answer.

        Returns
        -------
        float
            Errors per character, from 0 up; it may exceed 1. Empty targets add what was inserted for them and no
            length. NaN when there is no pair, or when all targets are empty and something was inserted; 0 when all
            targets are empty and so are their answers.

        Examples
        --------
        >>> from toolkit.metrics import measure
        >>> measure(["A7K2", "XY"], ["A7K", "XY"]).cer_micro()
        0.16666666666666666
        """
        edits, lengths = self._counted(unanswered)
        if edits.size == 0:
            return float("nan")
        total = edits.sum()
        return float(total / lengths.sum()) if lengths.any() else (float("nan") if total else 0.0)

    def cer_macro(self, unanswered: Unanswered = "leave_out") -> float:
        """Mean over images of edits over target length: every image weighs the same.

        Parameters
        ----------
        unanswered : {"leave_out", "empty"}, default "leave_out"
            Whether an image without an answer is left out or counts as an empty answer.

        Returns
        -------
        float
            Errors per character, from 0 up. An empty target has rate 0 if its answer is empty, else it has none and
            is left out; NaN when no image has a rate.

        Examples
        --------
        >>> from toolkit.metrics import measure
        >>> measure(["A7K2", "XY"], ["A7K", "XY"]).cer_macro()
        0.125
        """
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
    """Compare n answers with their targets in one pass; equal texts cost next to nothing.

    Parameters
    ----------
    targets : sequence, array or Series of str
        What the images say; every one has to be there.
    answers : sequence, array or Series of str or None
        What was read, in the same order and as many; None, NaN and NA stand for "no answer".
    normaliser : Normaliser, default `STRICT`
        Which differences between two texts do not count.

    Returns
    -------
    Measures
        Columns exact, edits, target_length and ned, one value for each pair.

    Raises
    ------
    DatasetError
        When the columns differ in length or a target is missing. Without a target there is nothing to be wrong about.

    Examples
    --------
    >>> from toolkit.metrics import measure
    >>> measure(["A7K2", "XY"], ["A7K", None]).edits
    array([ 1., nan])
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
    """Say which answers are equal to their targets.

    Parameters
    ----------
    targets : sequence, array or Series of str
        What the images say; every one has to be there.
    answers : sequence, array or Series of str or None
        What was read, in the same order and as many; None, NaN and NA stand for "no answer".
    normaliser : Normaliser, default `STRICT`
        Which differences between two texts do not count.

    Returns
    -------
    array of bool, shape (n,)
        False without an answer.

    Raises
    ------
    DatasetError
        When the columns differ in length or a target is missing.

    Examples
    --------
    >>> from toolkit.metrics import RELAXED, exact
    >>> exact(["A7K2", "XY"], ["a7k2", None], RELAXED)
    array([ True, False])
    """
    wanted, given = _paired(targets, answers, normaliser)
    return ~np.fromiter(map(ne, wanted, given), np.bool_, len(wanted))


def edits(targets: Texts, answers: Texts, normaliser: Normaliser = STRICT) -> FloatArray:
    """Count the characters to insert, delete or replace that lead from each answer to its target.

    Parameters
    ----------
    targets : sequence, array or Series of str
        What the images say; every one has to be there.
    answers : sequence, array or Series of str or None
        What was read, in the same order and as many; None, NaN and NA stand for "no answer".
    normaliser : Normaliser, default `STRICT`
        Which differences between two texts do not count.

    Returns
    -------
    array of float, shape (n,)
        Levenshtein distances in code points; NaN without an answer.

    Raises
    ------
    DatasetError
        When the columns differ in length or a target is missing.

    References
    ----------
    Levenshtein, V. I. (1966). Binary codes capable of correcting deletions, insertions and reversals.

    Examples
    --------
    >>> from toolkit.metrics import edits
    >>> edits(["A7K2", "XY"], ["A7", "XY"])
    array([2., 0.])
    """
    return measure(targets, answers, normaliser).edits


def ned(targets: Texts, answers: Texts, normaliser: Normaliser = STRICT) -> FloatArray:
    """Give each edit distance over the length of the longer text.

    Parameters
    ----------
    targets : sequence, array or Series of str
        What the images say; every one has to be there.
    answers : sequence, array or Series of str or None
        What was read, in the same order and as many; None, NaN and NA stand for "no answer".
    normaliser : Normaliser, default `STRICT`
        Which differences between two texts do not count.

    Returns
    -------
    array of float, shape (n,)
        From 0 to 1; 0 for two empty texts, NaN without an answer.

    Raises
    ------
    DatasetError
        When the columns differ in length or a target is missing.

    Examples
    --------
    >>> from toolkit.metrics import ned
    >>> ned(["A7K2", ""], ["A7", ""])
    array([0.5, 0. ])
    """
    return measure(targets, answers, normaliser).ned


def cer_micro(
    targets: Texts, answers: Texts, normaliser: Normaliser = STRICT, *, unanswered: Unanswered = "leave_out"
) -> float:
    """Give the character error rate over all characters; see `Measures.cer_micro`.

    Parameters
    ----------
    targets : sequence, array or Series of str
        What the images say; every one has to be there.
    answers : sequence, array or Series of str or None
        What was read, in the same order and as many; None, NaN and NA stand for "no answer".
    normaliser : Normaliser, default `STRICT`
        Which differences between two texts do not count.
    unanswered : {"leave_out", "empty"}, default "leave_out"
        Whether an image without an answer is left out or counts as an empty answer.

    Returns
    -------
    float
        Errors per character of the targets, from 0 up.

    Raises
    ------
    DatasetError
        When the columns differ in length or a target is missing.

    Examples
    --------
    >>> from toolkit.metrics import cer_micro
    >>> cer_micro(["A7K2", "XY"], ["A7K", None], unanswered="empty")
    0.5
    """
    return measure(targets, answers, normaliser).cer_micro(unanswered)


def cer_macro(
    targets: Texts, answers: Texts, normaliser: Normaliser = STRICT, *, unanswered: Unanswered = "leave_out"
) -> float:
    """Give the character error rate averaged over images; see `Measures.cer_macro`.

    Parameters
    ----------
    targets : sequence, array or Series of str
        What the images say; every one has to be there.
    answers : sequence, array or Series of str or None
        What was read, in the same order and as many; None, NaN and NA stand for "no answer".
    normaliser : Normaliser, default `STRICT`
        Which differences between two texts do not count.
    unanswered : {"leave_out", "empty"}, default "leave_out"
        Whether an image without an answer is left out or counts as an empty answer.

    Returns
    -------
    float
        Errors per character of the targets, from 0 up.

    Raises
    ------
    DatasetError
        When the columns differ in length or a target is missing.

    Examples
    --------
    >>> from toolkit.metrics import cer_macro
    >>> cer_macro(["A7K2", "XY"], ["A7K", None])
    0.25
    """
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
