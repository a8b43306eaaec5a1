"""Error rates of texts with their intervals: ratios of sums over images, from trials in the order of images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toolkit.metrics import Measures
from toolkit.metrics.measures import per_image_cer
from toolkit.stats._core.bootstrap import bca_ratios, collapse
from toolkit.stats._core.intervals import FloatArray, Interval, clopper_pearson, fieller
from toolkit.stats._core.trials import BoolArray, CodeArray, per_image

NAN = float("nan")
RESAMPLES = 1_999
CELLS_DRAWN = 1_000
"""Where images are alike in fewer ways than this, they are drawn anew; else there are so many that a formula will do."""

RATES = ("cer_micro", "cer_macro", "ned", "cer_micro_all")


@dataclass(frozen=True)
class Texts:
    """Trials, those of an image together; `edits` and `ned` are NaN without an answer, None where the frame lacks them."""

    image: CodeArray
    correct: BoolArray
    answered: BoolArray
    counted: BoolArray
    edits: FloatArray | None
    target_length: NDArray[np.int64] | None
    ned: FloatArray | None


DIGITS = 12
"""Sums of a third, three times, and of one are alike."""


def error_rates(texts: Texts, confidence_level: float, n_resamples: int = RESAMPLES) -> dict[str, float]:
    """The rates of `RATES` by name, with the ends of their intervals as ``x_low`` and ``x_high``.

    NaN where the frame cannot tell. Intervals are of the image bootstrap (BCa). Where no answer has an error the
    bootstrap knows nothing, and the end is the exact one: of the share of images with an error, each of them taken
    to be wrong throughout.
    """
    found = dict.fromkeys(RATES, NAN)
    parts = {name: np.zeros((2, texts.image.size)) for name in RATES}
    if texts.ned is not None:
        parts["ned"] = _of(texts.ned, np.ones(texts.ned.size), texts.answered)
        found["ned"] = _ratio(parts["ned"])
    if texts.edits is not None and texts.target_length is not None:
        edits = np.where(texts.answered, texts.edits, np.nan)
        length = texts.target_length
        rates = per_image_cer(edits, length)
        parts["cer_micro"] = _of(edits, length, texts.answered)
        parts["cer_macro"] = _of(rates, np.ones(rates.size), texts.answered)
        parts["cer_micro_all"] = _of(np.where(texts.answered, edits, length), length, texts.counted)
        measures = Measures(texts.correct[texts.counted], edits[texts.counted], length[texts.counted], edits)
        found["cer_micro"], found["cer_macro"] = measures.cer_micro(), measures.cer_macro()
        found["cer_micro_all"] = measures.cer_micro(unanswered="empty")
    known = [name for name in RATES if not np.isnan(found[name])]
    ends = dict.fromkeys(RATES, Interval(NAN, NAN))
    if known:
        columns = np.column_stack(per_image(texts.image, *np.concatenate([parts[name] for name in known])))
        ends |= dict(zip(known, _intervals(columns, confidence_level, n_resamples), strict=True))
    return {key: value for name in RATES for key, value in _named(name, found[name], ends[name])}


def _of(value: FloatArray, weight: NDArray[np.generic], part: BoolArray) -> FloatArray:
    """What the trials of a part add to the two sums of a ratio; undefined values add to neither."""
    part = part & ~np.isnan(value)
    return np.stack([np.where(part, value, 0.0), np.where(part, weight, 0).astype(np.float64)])


def _intervals(columns: FloatArray, confidence_level: float, n_resamples: int) -> list[Interval]:
    """Of each ratio of two neighbouring columns; one row an image."""
    cells, counts = collapse(np.round(columns, DIGITS))
    pairs = range(0, columns.shape[1], 2)
    drawn = n_resamples > 0 and len(counts) <= CELLS_DRAWN
    if drawn:
        ends = bca_ratios(cells, counts, confidence_level, n_resamples)
    else:
        ends = [fieller(columns[:, k], columns[:, k + 1], confidence_level) for k in pairs]
    found = []
    for k, end in zip(pairs, ends, strict=True):
        if not columns[:, k].any():
            images = int(np.count_nonzero(columns[:, k + 1]))
            end = Interval(0.0, clopper_pearson(0, images, confidence_level).high)  # noqa: PLW2901 -- no error, no spread
        found.append(end)
    return found


def _named(name: str, value: float, ends: Interval) -> list[tuple[str, float]]:
    return [(name, value), (f"{name}_low", float(ends.low)), (f"{name}_high", float(ends.high))]


def _ratio(parts: FloatArray) -> float:
    total = parts.sum(axis=1)
    return float(total[0] / total[1]) if total[1] else NAN
