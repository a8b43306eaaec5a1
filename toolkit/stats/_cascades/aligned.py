"""Several settings on the same images, as settings × images tables."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.errors import DatasetError
from toolkit.metrics import STRICT, Normaliser
from toolkit.stats._core.intervals import FloatArray
from toolkit.stats._core.trials import BoolArray, CodeArray, Errors
from toolkit.stats._thresholds.placement import first_readings


@dataclass(frozen=True)
class Aligned:
    """`row` is each trial's place in `outcomes`, by setting and image; -1 where the setting did not read the image."""

    outcomes: pd.DataFrame
    settings: list[str]
    samples: "pd.Index[Any]"
    row: CodeArray
    correct: BoolArray
    answered: BoolArray
    error: BoolArray
    counted: BoolArray

    @classmethod
    def of(cls, outcomes: pd.DataFrame, errors: Errors = "exclude") -> "Aligned":
        """Of repeats, the first reading. `DatasetError` without outcomes."""
        outcomes, trials = first_readings(outcomes, errors)
        if not trials.settings:
            raise DatasetError("there are no outcomes")
        shape = len(trials.settings), len(trials.samples)
        row = np.full(shape, -1, np.intp)
        row[trials.setting, trials.sample] = np.arange(len(outcomes))
        there = row >= 0
        tables = (there & column[row] for column in (trials.correct, trials.answered, trials.error, trials.counted))
        return cls(outcomes, trials.settings, trials.samples, row, *tables)

    def take(self, images: BoolArray | np.bool_) -> "Aligned":
        """The same settings on some of the images."""
        return replace(
            self,
            samples=self.samples[np.asarray(images, np.bool_)],
            row=self.row[:, images],
            correct=self.correct[:, images],
            answered=self.answered[:, images],
            error=self.error[:, images],
            counted=self.counted[:, images],
        )

    def numbers(self, name: str, missing: float = np.nan) -> FloatArray:
        """A column as settings × images; `missing` where there is no trial, no value, or no such column."""
        if name not in self.outcomes.columns:
            return np.full(self.row.shape, missing)
        values = self.outcomes[name].to_numpy(np.float64, na_value=np.nan)[self.row]
        return np.where((self.row < 0) | np.isnan(values), missing, values)

    def texts(self, normaliser: Normaliser = STRICT) -> CodeArray:
        """Which answers are the same: equal codes for texts equal under the normaliser, -1 for no answer."""
        code: NDArray[Any] = pd.factorize(np.array(normaliser.apply(self.outcomes["text"]), dtype=object))[0]
        return np.where(self.answered, code[self.row], -1).astype(np.intp)
