"""A cascade that was run live, held against what recorded answers promised of it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from toolkit.errors import DatasetError
from toolkit.stats._cascades.cascades import FAILURES, CascadeSearch, cascade_label
from toolkit.stats._core.bootstrap import bca, cells_of
from toolkit.stats._core.intervals import FloatArray
from toolkit.stats._core.results import Result, confidence
from toolkit.stats._core.trials import Trials, only_setting, per_image, require_columns


@dataclass(frozen=True, repr=False)
class CascadeCheck(Result):
    """`table` has the utility an image ``estimated`` from recorded answers, that found ``live``, and their
    ``difference`` (live less estimated), each with its interval. `kept` says that the difference may be chance.
    """

    table: pd.DataFrame
    setting: str
    images: int
    kept: bool
    confidence_level: float

    def explain(self) -> str:
        estimated, live, difference = (row for _, row in self.table.iterrows())
        verdict = (
            "The two agree as far as these images can tell."
            if self.kept
            else f"Live it is worth {'less' if difference['utility'] < 0 else 'more'} than was estimated: the images, "
            "or the services, are not what they were."
        )
        return (
            f"{self.setting}: worth {_with_ends(live)} an image live, on {self.images:,} images; estimated were "
            f"{_with_ends(estimated)}. The difference is {_with_ends(difference)} "
            f"({confidence(self.confidence_level)} intervals).\n{verdict}"
        )


def check_cascade(
    found: CascadeSearch, outcomes: pd.DataFrame, setting: str | None = None, *, seed: int = 0
) -> CascadeCheck:
    """Hold the outcomes of a cascade that was run against the cross-fitted value of its search.

    `setting` is the label under which it ran, by default the cascade's own. The images must be others than those of
    the search. Utility is that of the search, less what was spent. The two intervals are combined as those of
    independent samples are: each side of the difference from the sides of the parts that can move it there.
    `DatasetError` where the cost of a trial is unknown.
    """
    label = cascade_label(found.best) if setting is None else setting
    rows = only_setting(outcomes, label)
    trials, utility = Trials.of(rows, FAILURES), found.utility
    spent = rows["cost_usd"].to_numpy(np.float64, na_value=np.nan) if "cost_usd" in rows else np.zeros(len(rows))
    if np.isnan(spent[trials.counted]).any():
        raise DatasetError(f"{label} has trials without a known cost; give each stage a price")
    wrong = trials.answered & ~trials.correct
    worth = utility.value_correct * trials.correct - utility.cost_wrong * wrong
    worth = worth - utility.cost_no_answer * ~trials.answered - spent
    if utility.cost_per_second:
        worth = worth - utility.cost_per_second * _seconds(rows)
    total, counts = per_image(trials.sample[trials.counted], worth[trials.counted], np.ones(int(trials.counted.sum())))
    if len(total) < 2:
        raise DatasetError(f"{label} was run on too few images to be checked")
    confidence_level = found.confidence_level
    live = float(total.sum() / counts.sum())
    low, high = bca(lambda sums: sums[:, 0] / sums[:, 1], cells_of(total, counts), confidence_level, seed=seed)
    difference = live - found.value
    down = np.hypot(live - low, found.value_high - found.value)
    up = np.hypot(high - live, found.value - found.value_low)
    table = pd.DataFrame(
        [
            ("estimated", found.value, found.value_low, found.value_high),
            ("live", live, low, high),
            ("difference", difference, difference - down, difference + up),
        ],
        columns=["figure", "utility", "utility_low", "utility_high"],
    )
    kept = not (difference - down > 0 or difference + up < 0)  # also where nothing varies and no end is known
    return CascadeCheck(table, label, len(total), kept, confidence_level)


def _seconds(rows: pd.DataFrame) -> FloatArray:
    """Latency of an answer, the whole trial's time where there is none."""
    require_columns(rows, "latency_s", "elapsed_s")
    elapsed = rows["elapsed_s"].to_numpy(np.float64, na_value=np.nan)
    latency = rows["latency_s"].to_numpy(np.float64, na_value=np.nan)
    return np.where(np.isnan(latency), elapsed, latency)


def _with_ends(row: "pd.Series[float]") -> str:
    low, high = row["utility_low"], row["utility_high"]
    ends = "no interval, as nothing varies" if np.isnan(low) else f"{low:.4g} to {high:.4g}"
    return f"{row['utility']:.4g} ({ends})"
