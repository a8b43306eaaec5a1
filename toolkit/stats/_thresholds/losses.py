"""How wrong an accepted answer is, on a scale from 0 to 1, where right or wrong is too coarse."""

from typing import Any, Literal

import numpy as np
import pandas as pd

from toolkit.errors import SettingError
from toolkit.stats._core.intervals import FloatArray
from toolkit.stats._core.trials import Errors, only_setting, require_columns
from toolkit.stats._thresholds.placement import first_readings

Loss = Literal["wrong", "cer", "ned"]
"""What an accepted answer loses: 1 if it is wrong; its character error rate, 1 at most; its distance over the longer text."""

LOSS_WORDS = {
    "wrong": "share wrong",
    "cer": "mean character error rate (an image's counts as 1 at most)",
    "ned": "mean edit distance over the longer text",
    "loss": "mean loss",
}


def check_loss(loss: str) -> None:
    """`SettingError` for a loss that does not exist."""
    if loss not in ("wrong", "cer", "ned"):
        raise SettingError(f"loss={loss!r} is not one of wrong, cer, ned")


def losses(outcomes: pd.DataFrame, loss: Loss) -> FloatArray:
    """The loss of each row's answer, within [0, 1]; NaN where there is no answer.

    An empty target has an error rate of 0 if its answer is empty, else 1. `DatasetError` without the columns.
    """
    answered = outcomes["outcome"].isin(["correct", "wrong"]).to_numpy(np.bool_)
    if loss == "wrong":
        found = (outcomes["outcome"] == "wrong").to_numpy(np.float64)
    elif loss == "ned":
        require_columns(outcomes, "ned")
        found = outcomes["ned"].to_numpy(np.float64, na_value=np.nan)
    else:
        require_columns(outcomes, "edits", "target_length")
        edits = outcomes["edits"].to_numpy(np.float64, na_value=np.nan)
        length = outcomes["target_length"].to_numpy(np.float64, na_value=np.nan)
        found = np.minimum(edits / np.maximum(length, 1.0), 1.0)
    return np.asarray(np.where(answered, found, np.nan))


def loss_by_confidence(
    outcomes: pd.DataFrame, setting: str | None, thresholds: FloatArray, errors: Errors, loss: Loss
) -> FloatArray:
    """Sum of the losses of the answers that each threshold accepts; of repeats, the first reading."""
    rows, _ = first_readings(only_setting(outcomes, setting), errors)
    confidence = rows["confidence"].to_numpy(np.float64, na_value=np.nan)
    lost = losses(rows, loss)
    usable = ~np.isnan(confidence) & ~np.isnan(lost)
    place = np.searchsorted(thresholds, confidence[usable])
    at = np.bincount(place, lost[usable], thresholds.size)
    return np.asarray(np.cumsum(at[::-1])[::-1])


def loss_by_setting(outcomes: pd.DataFrame, settings: "pd.Series[Any]", errors: Errors, loss: Loss) -> FloatArray:
    """Sum of the losses of each setting's answers on the images that count at all of them."""
    labels = [str(label) for label in settings]
    rows, trials = first_readings(outcomes[outcomes["setting"].isin(labels)], errors)
    shared = np.bincount(trials.sample, trials.counted, len(trials.samples)) == len(labels)
    lost = np.where(trials.answered & shared[trials.sample], losses(rows, loss), 0.0)
    by_setting = dict(zip(trials.settings, np.bincount(trials.setting, lost, len(trials.settings)), strict=True))
    return np.array([by_setting[label] for label in labels])
