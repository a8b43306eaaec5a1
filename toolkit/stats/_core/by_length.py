"""Where in a text errors are: by its length, and by the place of the character."""

import numpy as np
import pandas as pd

from toolkit.errors import DatasetError
from toolkit.stats._core.character_errors import edit_operations
from toolkit.stats._core.intervals import wilson
from toolkit.stats._core.setting_summary import summary
from toolkit.stats._core.trials import Errors, only_setting, require_columns


def accuracy_by_length(
    outcomes: pd.DataFrame, *, errors: Errors = "exclude", confidence_level: float = 0.95
) -> pd.DataFrame:
    """Exact match by length of the target, beside what independent characters would give: one row a setting and length.

    ``if_independent`` is (1 - CER)^length with the setting's own CER over all lengths. Accuracy above it says that
    errors come together in few images; below it, that long texts are harder than their characters.
    """
    require_columns(outcomes, "target_length", "edits")
    table = summary(outcomes, by="target_length", errors=errors, confidence_level=confidence_level)
    overall = summary(outcomes, errors=errors, confidence_level=confidence_level).set_index("setting")["cer_micro_all"]
    kept = ["setting", "target_length", "images", "trials", "correct"]
    kept += ["accuracy_all", "accuracy_all_low", "accuracy_all_high", "cer_micro_all"]
    error = table["setting"].map(overall).to_numpy(np.float64)
    independent = np.clip(1 - error, 0, 1) ** table["target_length"].to_numpy(np.float64)
    return table[kept].assign(if_independent=independent)


def error_by_position(
    outcomes: pd.DataFrame, setting: str | None = None, *, confidence_level: float = 0.95
) -> pd.DataFrame:
    """Share of answers whose character at each place of the target is wrong or missing; for labels of one length.

    Positions count from 0 and from the end (-1). One optimal alignment. `DatasetError` when targets differ in length.
    """
    require_columns(outcomes, "target", "text")
    rows = outcomes if setting is None else only_setting(outcomes, setting)
    rows = rows[rows["text"].notna()]
    lengths = rows["target"].str.len()
    if lengths.nunique() > 1:
        raise DatasetError(
            f"targets have {lengths.min()} to {lengths.max()} characters; places compare only within one length, "
            "so filter by target_length first"
        )
    length = int(lengths.iloc[0]) if len(rows) else 0
    wrong = np.zeros(length, np.int64)
    for target, text in zip(rows["target"].tolist(), rows["text"].tolist(), strict=True):
        if target != text:
            for operation, place, _ in edit_operations(target, text):
                if operation != "insert":
                    wrong[place] += 1
    low, high = wilson(wrong, np.full(length, len(rows)), confidence_level)
    positions = np.arange(length)
    return pd.DataFrame(
        {
            "position": positions,
            "from_end": positions - length,
            "answers": len(rows),
            "wrong": wrong,
            "share": wrong / max(len(rows), 1),
            "share_low": low,
            "share_high": high,
        }
    )
