"""Outcomes as arrays: what every statistic reads first, and the one place that says which trials count.

An outcomes frame has a row a trial. It may come straight from a run, with categories and all columns, or from a
CSV file that somebody cut down; the columns that a statistic needs are asked for by name, the others may lack.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.errors import DatasetError, SettingError
from toolkit.schema import VERDICTS

Errors = Literal["exclude", "miss"]
"""What trials that ended in an error are: left out of every share and reported as availability, or no answers."""

BoolArray = NDArray[np.bool_]
CodeArray = NDArray[np.intp]


POLICIES = {
    "exclude": "trials that ended in an error are left out of all shares and reported as availability",
    "miss": "trials that ended in an error count as images without an answer",
}


@dataclass(frozen=True)
class Trials:
    """n trials as columns. `setting` and `sample` are codes into `settings` and `samples`.

    `counted` says which trials are in the denominators under the policy about errors.
    """

    setting: CodeArray
    settings: list[str]
    sample: CodeArray
    samples: "pd.Index[Any]"
    correct: BoolArray
    answered: BoolArray
    error: BoolArray
    counted: BoolArray

    @classmethod
    def of(cls, outcomes: pd.DataFrame, errors: Errors = "exclude") -> "Trials":
        """Read a frame with setting, sample and outcome; `DatasetError` names what is missing or unknown."""
        if errors not in POLICIES:
            raise SettingError(f"errors={errors!r} is neither 'exclude' nor 'miss'")
        require_columns(outcomes, "setting", "sample", "outcome")
        setting, settings = codes(outcomes["setting"])
        sample, samples = codes(outcomes["sample"])
        verdict, verdicts = codes(outcomes["outcome"])
        unknown = [name for name in verdicts if name not in VERDICTS]
        if unknown:
            raise DatasetError(f"outcome has the value {unknown[0]!r}; it is one of {', '.join(VERDICTS)}")
        is_verdict = {name: np.asarray(verdicts == name)[verdict] for name in VERDICTS}
        error = is_verdict["error"]
        return cls(
            setting,
            [str(label) for label in settings],
            sample,
            samples,
            is_verdict["correct"],
            is_verdict["correct"] | is_verdict["wrong"],
            error,
            ~error if errors == "exclude" else np.ones(error.size, np.bool_),
        )


def require_columns(frame: pd.DataFrame, *names: str) -> None:
    """`DatasetError` naming the columns that are not there."""
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise DatasetError(f"the frame has no column {', '.join(missing)}; it has {', '.join(map(str, frame.columns))}")


def codes(column: "pd.Series[Any]") -> tuple[CodeArray, "pd.Index[Any]"]:
    """Each row's place in the list of values that occur: in the order of categories, else of first appearance."""
    if column.isna().any():
        row = int(np.flatnonzero(column.isna().to_numpy())[0])
        raise DatasetError(f"column {column.name}: row {row} is missing; every trial needs one")
    if isinstance(column.dtype, pd.CategoricalDtype):
        by_category = column.cat.codes.to_numpy().astype(np.intp)
        used = np.flatnonzero(np.bincount(by_category, minlength=len(column.cat.categories)))
        place = np.zeros(len(column.cat.categories), np.intp)
        place[used] = np.arange(used.size)
        return place[by_category], column.cat.categories[used]
    places, values = pd.factorize(column)
    return places.astype(np.intp), pd.Index(values)


_TRUTHS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}


def truths(column: "pd.Series[Any]") -> BoolArray:
    """A column of true and false, also as the text of a CSV file; missing is false. `DatasetError` for anything else."""
    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_numeric_dtype(column.dtype):
        return np.asarray(column.fillna(False).to_numpy(), np.bool_)
    known = column.dropna()
    said = known.astype(str).str.strip().str.lower()
    unknown = known[~said.isin(list(_TRUTHS))]
    if len(unknown):
        raise DatasetError(f"column {column.name}: {unknown.iloc[0]!r} must be true or false")
    found = np.zeros(len(column), np.bool_)
    found[column.notna().to_numpy()] = said.map(_TRUTHS).to_numpy(np.bool_)
    return found


TIMED_OUT = "deadline_exceeded"
"""The kind of error of a reading that ran out of time."""


def latency_seconds(outcomes: pd.DataFrame, trials: Trials) -> NDArray[np.float64]:
    """How long each trial took, by the one rule that every statistic of latency follows.

    An answer took its latency; a reading that ran out of time took longer than any answer (infinite); other failures,
    and readings without an answer, tell nothing about it (NaN).
    """
    require_columns(outcomes, "latency_s")
    seconds = np.where(trials.answered, outcomes["latency_s"].to_numpy(np.float64, na_value=np.nan), np.nan)
    return np.where(timed_out(outcomes, trials), np.inf, seconds)


def timed_out(outcomes: pd.DataFrame, trials: Trials) -> BoolArray:
    """Which trials ran out of time."""
    if "error" not in outcomes.columns:
        return np.zeros(trials.error.size, np.bool_)
    kind = outcomes["error"].astype(object).to_numpy()
    return np.asarray(trials.error & (kind == TIMED_OUT))


def per_image(image: CodeArray, *columns: NDArray[Any]) -> list[NDArray[np.float64]]:
    """Sums of each column over the trials of an image, one entry an image that occurs."""
    present = np.flatnonzero(np.bincount(image))
    place = np.zeros(present[-1] + 1 if present.size else 0, np.intp)
    place[present] = np.arange(present.size)
    image = place[image]
    return [np.bincount(image, column, present.size).astype(np.float64, copy=False) for column in columns]


def only_setting(outcomes: pd.DataFrame, setting: str | None) -> pd.DataFrame:
    """The rows of one setting; without a name the frame must hold one only. `SettingError` lists those it has."""
    require_columns(outcomes, "setting")
    code, labels = codes(outcomes["setting"])
    present = [str(label) for label in labels]
    if setting is None:
        if len(present) != 1:
            raise SettingError(f"say which setting: the outcomes hold {', '.join(present) or 'none'}")
        return outcomes
    if setting not in present:
        raise SettingError(f"no setting {setting!r}; the outcomes hold {', '.join(present) or 'none'}")
    return outcomes if len(present) == 1 else outcomes[code == present.index(setting)]
