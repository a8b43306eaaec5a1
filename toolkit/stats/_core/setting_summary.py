"""One row a setting, or a setting and slice: how right, how often, how fast, at what price, how surely."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.errors import DatasetError
from toolkit.schema import LAGGED_S
from toolkit.stats._core.error_rates import RESAMPLES, Texts, error_rates
from toolkit.stats._core.intervals import (
    FloatArray,
    Interval,
    clustered_wilson,
    fieller,
    harrell_davis,
    normal_quantile,
    quantile_interval,
)
from toolkit.stats._core.trials import (
    POLICIES,
    BoolArray,
    CodeArray,
    Errors,
    Trials,
    latency_seconds,
    per_image,
    truths,
)

NAN = float("nan")


def summary(
    outcomes: pd.DataFrame,
    by: str | Sequence[str] | None = None,
    errors: Errors = "exclude",
    confidence_level: float = 0.95,
    *,
    n_resamples: int = RESAMPLES,
) -> pd.DataFrame:
    """All figures of each setting, one row a setting, or a setting and each combination of the `by` columns.

    Columns, where ``x_low`` and ``x_high`` are the ends of the interval of x at `confidence_level`:

    - counts: ``images``, ``trials``, and of these ``answered``, ``correct``, ``wrong``, ``no_answer``, ``errors``
    - ``accuracy_all``, right of all images, and ``accuracy_answered``, right of those answered;
      ``accuracy_normalised``, right but for case, width and spacing, of all images
    - ``coverage``, the share answered, and ``availability``, the share that did not end in an error
    - ``cer_micro``, ``cer_macro``, ``ned``: of answers; ``cer_micro_all`` scores no answer as an empty one; their
      intervals are of the image bootstrap with `n_resamples` draws (0: Fieller's formula), and where there is no error
      at all, the exact one that takes any image with an error to be wrong throughout
    - ``empty_targets``: images whose target is empty, which have insertions but no length
    - ``fabrication_rate``: of images whose target is empty on purpose, the share for which text was given
    - ``flip_rate``: how often two readings of one image differ in being right; missing without repeats
    - ``latency_p50_s``, ``latency_p95_s``: of answers; a trial that ran out of time took longer than any answer
    - ``lagged``, the share of answers during which this machine itself ran late by more than 10 ms: where it is more
      than a few per cent, latencies say as much about the machine as about the provider and should not be ranked
    - ``cost_usd``, missing if that of any trial is (``cost_unknown`` counts them), ``cost_per_correct_usd``

    What is undefined is NaN: a share of nothing, a p95 bound from fewer than 72 images, a price per right answer
    without any. The image is the unit of every interval: repeats of an image narrow it only as far as they
    scatter. ``frame.attrs`` holds the policy about errors in words.
    """
    normal_quantile(confidence_level)
    trials = Trials.of(outcomes, errors)
    names = [by] if isinstance(by, str) else list(by or ())
    group, labels = _groups(outcomes, trials, names)
    rows = [_figures(part, confidence_level, n_resamples) for part in _parts(outcomes, trials, group, len(labels))]
    columns = list(_figures(_Part.empty(), confidence_level, n_resamples)) if not rows else None
    frame = pd.concat([labels, pd.DataFrame(rows, columns=columns)], axis="columns")
    frame.attrs |= {"confidence_level": confidence_level, "errors": errors, "policy": POLICIES[errors], "unit": "image"}
    return frame


@dataclass(frozen=True)
class _Part:
    """The trials of one setting and slice, sorted by image; None for a column that the frame does not have."""

    image: CodeArray
    correct: BoolArray
    answered: BoolArray
    error: BoolArray
    counted: BoolArray
    normalised: BoolArray | None
    edits: FloatArray | None
    target_length: NDArray[np.int64] | None
    ned: FloatArray | None
    latency_s: FloatArray | None
    client_lag_s: FloatArray | None
    cost_usd: FloatArray | None
    blank: BoolArray | None

    @classmethod
    def empty(cls) -> "_Part":
        none = np.zeros(0, np.bool_)
        return cls(np.zeros(0, np.intp), none, none, none, none, *([None] * 8))

    @property
    def repeated(self) -> bool:
        return bool(np.any(self.image[1:] == self.image[:-1]))

    def of_images(self, *columns: NDArray[Any]) -> list[FloatArray]:
        """Sums over the trials of each image."""
        return per_image(self.image, *columns) if self.repeated else [column.astype(np.float64) for column in columns]


def _groups(outcomes: pd.DataFrame, trials: Trials, by: Sequence[str]) -> tuple[CodeArray, pd.DataFrame]:
    """Each trial's row in the result, and the label columns of those rows: settings in order, slices sorted."""
    group = trials.setting
    values: dict[str, Any] = {"setting": pd.Index(trials.settings, dtype="str")}
    sizes = [len(trials.settings)]
    for name in by:
        column = _slice_column(outcomes, name)
        code, unique = pd.factorize(column, sort=True, use_na_sentinel=False)
        group = group * len(unique) + code
        values[name], sizes = unique, [*sizes, len(unique)]
    present, group = np.unique(group, return_inverse=True) if by else (np.arange(len(trials.settings)), group)
    places = np.unravel_index(present, sizes) if len(present) else [np.zeros(0, np.intp)] * len(sizes)
    labels = {name: index.take(place) for (name, index), place in zip(values.items(), places, strict=True)}
    return group, pd.DataFrame(labels)


def _slice_column(outcomes: pd.DataFrame, name: str) -> "pd.Series[Any]":
    if name in outcomes.columns:
        return outcomes[name]
    if name == "length" and "target_length" in outcomes.columns:
        return outcomes["target_length"]
    if name == "charset" and "target" in outcomes.columns:
        from toolkit.metrics.charset import charset

        targets = outcomes["target"]
        of_target = {target: charset(target) for target in targets.dropna().unique().tolist()}
        return targets.map(of_target)
    raise DatasetError(f"by={name!r}: no such column; the outcomes have {', '.join(map(str, outcomes.columns))}")


def _parts(outcomes: pd.DataFrame, trials: Trials, group: CodeArray, n_groups: int) -> Iterator[_Part]:
    order = np.argsort(group * len(trials.samples) + trials.sample, kind="stable")
    ends = np.cumsum(np.bincount(group, minlength=n_groups))
    columns = {
        "image": trials.sample,
        "correct": trials.correct,
        "answered": trials.answered,
        "error": trials.error,
        "counted": trials.counted,
        "normalised": _column(outcomes, "correct_normalised", bool),
        "edits": _column(outcomes, "edits", float),
        "target_length": _column(outcomes, "target_length", int),
        "ned": _column(outcomes, "ned", float),
        "latency_s": latency_seconds(outcomes, trials) if "latency_s" in outcomes.columns else None,
        "client_lag_s": _column(outcomes, "client_lag_s", float),
        "cost_usd": _column(outcomes, "cost_usd", float),
        "blank": _blank(outcomes),
    }
    ordered: dict[str, Any] = {name: None if column is None else column[order] for name, column in columns.items()}
    for start, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=False):
        rows: dict[str, Any] = {name: None if column is None else column[start:end] for name, column in ordered.items()}
        yield _Part(**rows)


def _blank(outcomes: pd.DataFrame) -> BoolArray | None:
    """The trials of images without text: their target is empty."""
    lengths = _column(outcomes, "target_length", int)
    return None if lengths is None else lengths == 0


def _column(outcomes: pd.DataFrame, name: str, kind: type) -> NDArray[Any] | None:
    if name not in outcomes.columns:
        return None
    if kind is float:
        return outcomes[name].to_numpy(np.float64, na_value=np.nan)
    if kind is bool:
        return truths(outcomes[name])
    return outcomes[name].fillna(0).to_numpy(np.int64)


# ── the figures of one part ──────────────────────────────────────────────────────────────────────────────


def _figures(part: _Part, confidence_level: float, n_resamples: int) -> dict[str, float]:
    text = _text(part, confidence_level, n_resamples)
    return {
        **_counts(part),
        **_shares(part, confidence_level),
        **text,
        **_latency(part, confidence_level),
        **_cost(part, confidence_level),
    }


def _counts(part: _Part) -> dict[str, float]:
    correct, answered, errors = (int(column.sum()) for column in (part.correct, part.answered, part.error))
    trials = part.image.size
    return {
        "images": int(np.count_nonzero(np.diff(part.image))) + (trials > 0),
        "trials": trials,
        "answered": answered,
        "correct": correct,
        "wrong": answered - correct,
        "no_answer": trials - answered - errors,
        "errors": errors,
    }


def _shares(part: _Part, confidence_level: float) -> dict[str, float]:
    normalised = part.normalised if part.normalised is not None else np.zeros(part.image.size, np.bool_)
    correct, answered, counted, relaxed = part.of_images(
        part.correct, part.answered, part.counted, normalised & part.answered
    )
    figures: dict[str, float] = {}
    for name, successes, trials in (
        ("accuracy_all", correct, counted),
        ("accuracy_answered", correct, answered),
        ("accuracy_normalised", relaxed, counted if part.normalised is not None else counted * 0),
        ("coverage", answered, counted),
    ):
        figures |= _with_ends(
            name, _ratio(successes.sum(), trials.sum()), _share_interval(successes, trials, confidence_level)
        )
    figures |= _fabrication(part, confidence_level)
    figures["availability"] = 1 - _ratio(part.error.sum(), part.image.size)
    pairs = (counted * (counted - 1)).sum()
    figures["flip_rate"] = _ratio(2 * (correct * (counted - correct)).sum(), pairs)
    return figures


def _fabrication(part: _Part, confidence_level: float) -> dict[str, float]:
    """The share of images without text for which text was given."""
    if part.blank is None:
        return _with_ends("fabrication_rate", NAN, Interval(NAN, NAN))
    given, asked = part.of_images(part.blank & part.answered & ~part.correct, part.blank & part.counted)
    ends = _share_interval(given, asked, confidence_level)
    return _with_ends("fabrication_rate", _ratio(given.sum(), asked.sum()), ends)


def _share_interval(successes: FloatArray, trials: FloatArray, confidence_level: float) -> Interval:
    return clustered_wilson(np.where(trials > 0, successes, 0), trials, confidence_level)


def _text(part: _Part, confidence_level: float, n_resamples: int) -> dict[str, float]:
    texts = Texts(
        part.image, part.correct, part.answered, part.counted, part.edits, part.target_length, part.ned
    )  # fmt: skip
    figures = error_rates(texts, confidence_level, n_resamples) | {"empty_targets": NAN}
    if part.target_length is not None:
        first = np.diff(part.image, prepend=-1) != 0
        figures["empty_targets"] = float(np.count_nonzero(part.target_length[first] == 0))
    return figures


def _latency(part: _Part, confidence_level: float) -> dict[str, float]:
    times = np.full(part.image.size, np.nan) if part.latency_s is None else part.latency_s
    known = ~np.isnan(times)
    times, images = times[known], part.image[known] if part.repeated else None
    figures: dict[str, float] = {}
    for name, quantile in (("latency_p50_s", 0.5), ("latency_p95_s", 0.95)):
        ends = quantile_interval(times, quantile, confidence_level, images=images)
        figures |= _with_ends(name, harrell_davis(times, quantile), ends)
    late = np.zeros(0) if part.client_lag_s is None else part.client_lag_s[part.answered]
    figures["lagged"] = _ratio(np.count_nonzero(late > LAGGED_S), late.size)
    return figures


def _cost(part: _Part, confidence_level: float) -> dict[str, float]:
    figures = {"cost_usd": NAN, "cost_unknown": float(part.image.size)}
    if part.cost_usd is None or np.isnan(part.cost_usd).any():
        if part.cost_usd is not None:
            figures["cost_unknown"] = float(np.isnan(part.cost_usd).sum())
        return figures | _with_ends("cost_per_correct_usd", NAN, Interval(NAN, NAN))
    total = float(part.cost_usd.sum()) if part.image.size else NAN
    figures |= {"cost_usd": total, "cost_unknown": 0.0}
    per_correct = _ratio(total, part.correct.sum())
    return figures | _with_ends(
        "cost_per_correct_usd", per_correct, _cost_interval(part, part.cost_usd, confidence_level)
    )


def _cost_interval(part: _Part, cost: FloatArray, confidence_level: float) -> Interval:
    """Interval of the cost of a right answer: that of the right share of what was paid, where one price was paid."""
    if not part.correct.any():
        return Interval(NAN, NAN)
    paid = cost > 0
    price = float(cost.max())
    if price == 0:
        return Interval(0.0, 0.0)
    if np.all(cost[paid] == price) and not np.any(part.correct & ~paid):
        correct, bought = part.of_images(part.correct, paid)
        low, high = _share_interval(correct, bought, confidence_level)
        return Interval(price / high, price / low if low > 0 else float("inf"))
    spent, correct = part.of_images(cost, part.correct)
    return fieller(spent, correct, confidence_level)


def _with_ends(name: str, value: float, ends: Interval) -> dict[str, float]:
    return {name: value, f"{name}_low": ends.low, f"{name}_high": ends.high}


def _ratio(numerator: Any, denominator: Any) -> float:
    return float(numerator) / float(denominator) if denominator else NAN
