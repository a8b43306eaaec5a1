"""Where each image falls on an axis of thresholds: accepted down to which one, and right or wrong.

Two kinds of data lead to the same curve. An engine gives every answer with a confidence, and any threshold can
be tried afterwards. A service is asked at several settings of its own threshold, and answers or not.
"""

import re
from ast import literal_eval
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from toolkit.errors import DatasetError, SettingError
from toolkit.stats._core.intervals import FloatArray
from toolkit.stats._core.trials import BoolArray, CodeArray, Errors, Trials, only_setting, require_columns


@dataclass(frozen=True)
class Cells:
    """Images that fall alike at every threshold: cells × thresholds, and the cell of each image.

    `right` and `wrong` are 1 where an image of the cell is accepted with a right or a wrong answer.
    """

    right: FloatArray
    wrong: FloatArray
    of_image: CodeArray

    @property
    def counts(self) -> CodeArray:
        """How many images each cell holds."""
        return np.bincount(self.of_image, minlength=len(self.right)).astype(np.intp)


class Placement(Protocol):
    """Images on a threshold axis."""

    @property
    def images(self) -> int:
        """How many there are."""
        ...

    @property
    def thresholds(self) -> FloatArray:
        """The candidates, rising."""
        ...

    def counts(self) -> tuple[CodeArray, CodeArray]:
        """How many images each candidate accepts, and how many of these are wrong."""
        ...

    def cells(self, candidates: CodeArray) -> Cells:
        """The images as cells over some of the candidates."""
        ...


@dataclass(frozen=True)
class Confidences:
    """An engine's answers: accepted at a threshold when the confidence reaches it.

    Images without an answer, or whose answer has no confidence, are in `images` only: no threshold accepts them.
    """

    images: int
    confidence: FloatArray
    right: BoolArray

    def __post_init__(self) -> None:
        order = np.argsort(self.confidence)
        object.__setattr__(self, "confidence", self.confidence[order])
        object.__setattr__(self, "right", self.right[order])

    @property
    def thresholds(self) -> FloatArray:
        """The confidences that occur; equal ones enter together."""
        return self.confidence[self._first()]

    def counts(self) -> tuple[CodeArray, CodeArray]:
        wrong = np.cumsum(~self.right[::-1])[::-1]
        first = self._first()
        return (self.confidence.size - first).astype(np.intp), wrong[first].astype(np.intp)

    def cells(self, candidates: CodeArray) -> Cells:
        cuts = self.thresholds[candidates]
        m = cuts.size
        accepting = np.searchsorted(cuts, self.confidence, side="right")
        below = np.arange(m) < np.arange(m + 1)[:, None]  # a cell is accepted by the lowest 0, 1, … m candidates
        nothing = np.zeros((m + 1, m))
        right = np.concatenate([nothing, below]).astype(np.float64)
        wrong = np.concatenate([below, nothing]).astype(np.float64)
        of_image = np.zeros(self.images, np.intp)
        of_image[: self.confidence.size] = accepting + (m + 1) * self.right
        return Cells(right, wrong, of_image)

    def _first(self) -> CodeArray:
        """Where, among the sorted confidences, each distinct one begins."""
        new = np.ones(self.confidence.size, np.bool_)
        new[1:] = self.confidence[1:] != self.confidence[:-1]
        return np.flatnonzero(new)


@dataclass(frozen=True)
class Grid:
    """A service asked at each setting of its threshold: images × settings of accepted and right answers."""

    thresholds: FloatArray
    accepted: BoolArray
    right: BoolArray

    @property
    def images(self) -> int:
        return len(self.accepted)

    @property
    def violations(self) -> int:
        """Images that a setting rejected though a stricter one accepted them: signs of chance in the service."""
        later = np.logical_or.accumulate(self.accepted[:, ::-1], axis=1)[:, ::-1]
        return int(np.any(later & ~self.accepted, axis=1).sum())

    def counts(self) -> tuple[CodeArray, CodeArray]:
        return self.accepted.sum(axis=0), (self.accepted & ~self.right).sum(axis=0)

    def cells(self, candidates: CodeArray) -> Cells:
        accepted, right = self.accepted[:, candidates], self.right[:, candidates]
        both = np.hstack([right, accepted & ~right])
        packed = np.packbits(both, axis=1)  # one short key an image, which sorts as fast as a number
        keys = np.ascontiguousarray(packed).view(np.dtype((np.void, packed.shape[1]))).ravel()
        _, first, of_image = np.unique(keys, return_index=True, return_inverse=True)
        patterns = both[first].astype(np.float64)
        return Cells(patterns[:, : candidates.size], patterns[:, candidates.size :], of_image)


def read_confidences(outcomes: pd.DataFrame, setting: str | None, errors: Errors) -> Confidences:
    """One engine's answers from its outcomes; of repeated images, the first reading."""
    require_columns(outcomes, "setting", "sample", "outcome", "confidence")
    rows, trials = first_readings(only_setting(outcomes, setting), errors)
    confidence = rows["confidence"].to_numpy(np.float64, na_value=np.nan)
    usable = trials.answered & ~np.isnan(confidence)
    if trials.answered.any() and not usable.any():
        raise DatasetError(f"{trials.settings[0]} gives no confidence, so there is no threshold to choose")
    return Confidences(int(trials.counted.sum()), confidence[usable], trials.correct[usable])


def read_grid(outcomes: pd.DataFrame, provider: str, over: str, errors: Errors) -> tuple[Grid, pd.DataFrame]:
    """The answers of a provider's settings that differ in `over` only, on the images that count at all of them.

    Also gives one row a setting: its label, its images, seconds and cost, in the order of the thresholds.
    """
    require_columns(outcomes, "setting", "sample", "outcome")
    labels = settings_over([str(label) for label in outcomes["setting"].unique()], provider, over)
    rows, trials = first_readings(outcomes[outcomes["setting"].isin(list(labels))], errors)
    value = np.array([labels[label] for label in trials.settings])
    place = np.argsort(np.argsort(value))[trials.setting]
    shape = len(trials.samples), value.size
    counted, accepted, right = (np.zeros(shape, np.bool_) for _ in range(3))
    counted[trials.sample, place] = trials.counted
    accepted[trials.sample, place] = trials.answered
    right[trials.sample, place] = trials.correct
    shared = counted.all(axis=1)
    if not shared.any():
        raise DatasetError(f"no image counts at all {value.size} settings of {over}; the curve needs shared images")
    about = pd.DataFrame({"setting": [trials.settings[i] for i in np.argsort(value)]})
    for name in ("latency_s", "cost_usd"):
        table = np.full(shape, np.nan)
        if name in rows.columns:
            table[trials.sample, place] = rows[name].to_numpy(np.float64, na_value=np.nan)
        about[name] = list(table[shared].T)
    return Grid(np.sort(value).astype(np.float64), accepted[shared], right[shared]), about


def first_readings(outcomes: pd.DataFrame, errors: Errors) -> tuple[pd.DataFrame, Trials]:
    """The rows of the first repeat. Exact tests count images, and a second reading is not a second image."""
    if "repeat" in outcomes.columns:
        repeat = outcomes["repeat"].to_numpy()
        if repeat.size and repeat.max() > repeat.min():
            outcomes = outcomes[repeat == repeat.min()]
    trials = Trials.of(outcomes, errors)
    times_read = np.bincount(trials.setting * len(trials.samples) + trials.sample, minlength=1)
    if times_read.max() > 1:
        setting, sample = divmod(int(times_read.argmax()), len(trials.samples))
        raise DatasetError(
            f"{trials.settings[setting]} read {trials.samples[sample]} {times_read.max()} times; "
            "number the readings in a column named repeat"
        )
    return outcomes, trials


def settings_over(labels: list[str], provider: str, over: str) -> dict[str, float]:
    """Value of `over` by label, for the labels that are `provider` but for that parameter."""
    pattern = re.compile(rf"(?<=[(\s]){re.escape(over)}=([^,)]+)(?:,\s*)?")
    by_rest: dict[str, dict[str, float]] = {}
    for label in labels:
        match = pattern.search(label)
        if match is None or label.partition("(")[0] != provider.partition("(")[0]:
            continue
        if match[1] == "None":  # asked at the service's own default, whose place on the axis nobody knows
            continue
        rest = pattern.sub("", label).replace(", )", ")")
        by_rest.setdefault(rest, {})[label] = _number(match[1], label, over)
    if "(" in provider:
        by_rest = {rest: values for rest, values in by_rest.items() if rest == provider}
    if len(by_rest) > 1:
        raise SettingError(
            f"settings of {provider} differ in more than {over}; say provider={' or '.join(map(repr, by_rest))}"
        )
    if not by_rest:
        raise SettingError(f"no setting of {provider!r} with {over}=…; the outcomes hold {', '.join(labels)}")
    return next(iter(by_rest.values()))


def _number(text: str, label: str, over: str) -> float:
    try:
        value: Any = literal_eval(text)
        return float(value)
    except (ValueError, SyntaxError, TypeError) as error:
        raise SettingError(f"{label}: {over} is not a number, so it orders no thresholds") from error
