"""Stored answers scored again under other ideas of what is the same text: which ranks hang on the choice?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from toolkit.errors import SettingError
from toolkit.metrics import RELAXED, STRICT, Normaliser, exact
from toolkit.stats._core.intervals import clustered_wilson
from toolkit.stats._core.results import Result, percent
from toolkit.stats._core.trials import Errors, Trials, per_image, require_columns

NORMALISERS = (
    STRICT,
    Normaliser(whitespace="strip"),
    Normaliser(whitespace="delete"),
    Normaliser(casefold=True),
    Normaliser(nfkc=True),
    RELAXED,
)


@dataclass(frozen=True, repr=False)
class Rescored(Result):
    """`table` has a row a setting and normaliser: ``accuracy_all`` with its interval, its ``rank``, and by how many
    places that is above the rank under the first normaliser (``rises``).
    """

    table: pd.DataFrame
    normalisers: list[str]

    @property
    def by_normaliser(self) -> pd.DataFrame:
        """Accuracies side by side: a row a setting, a column a normaliser."""
        wide = self.table.pivot_table(index="setting", columns="normaliser", values="accuracy_all", sort=False)
        return wide[self.normalisers]

    def explain(self) -> str:
        first = self.normalisers[0]
        moved = self.table[self.table["rises"] > 0]
        if moved.empty:
            return f"The order of the settings is the same under all {len(self.normalisers)} normalisers."
        lines = []
        for normaliser, rows in moved.groupby("normaliser", sort=False):
            risen = "; ".join(
                f"{row['setting']} rises from {row['rank'] + row['rises']} to {row['rank']} ({percent(row['accuracy_all'])})"
                for row in rows.to_dict("records")
            )
            lines.append(f"Under {normaliser} instead of {first}: {risen}.")
        return "\n".join(lines)


def rescore(
    outcomes: pd.DataFrame,
    normalisers: Sequence[Normaliser] = NORMALISERS,
    *,
    errors: Errors = "exclude",
    confidence_level: float = 0.95,
) -> Rescored:
    """Score the same answers under several normalisers. Equal accuracies share the better rank."""
    require_columns(outcomes, "target", "text")
    names = [normaliser.name for normaliser in normalisers]
    if not names or len(set(names)) != len(names):
        raise SettingError("give one normaliser at least, and each once")
    trials = Trials.of(outcomes, errors)
    parts = []
    for normaliser in normalisers:
        right = exact(outcomes["target"], outcomes["text"], normaliser) & trials.answered
        rows = []
        for code, setting in enumerate(trials.settings):
            mine = (trials.setting == code) & trials.counted
            successes, counted = per_image(trials.sample[mine], right[mine], trials.counted[mine])
            share = successes.sum() / counted.sum() if counted.size else float("nan")
            rows.append((setting, normaliser.name, share, *clustered_wilson(successes, counted, confidence_level)))
        columns = ["setting", "normaliser", "accuracy_all", "accuracy_all_low", "accuracy_all_high"]
        part = pd.DataFrame(rows, columns=columns)
        part["rank"] = part["accuracy_all"].rank(ascending=False, method="min").fillna(len(part)).astype(np.int64)
        parts.append(part)
    for part in parts:
        part["rises"] = parts[0]["rank"] - part["rank"]
    return Rescored(pd.concat(parts, ignore_index=True), names)
