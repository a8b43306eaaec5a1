"""Settings asked side by side while they may still be best, and dropped once another one is proven better.

For services whose settings do not nest: an image then has to be asked at each setting, so the ones that are out save
money. Comparisons are bets between pairs on the images that both have read, valid at every look.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from toolkit.errors import SettingError
from toolkit.stats._core.intervals import FloatArray, normal_quantile
from toolkit.stats._core.results import Result, confidence
from toolkit.stats._probing.stopping import log_capital


@dataclass(frozen=True, repr=False)
class Elimination(Result):
    """`left` are the candidates to go on with. `table` has a row a candidate, the best mean first: ``images`` it has
    read, its ``mean`` on them, whether it is ``out`` and by which rival it was ``beaten_by``, and the ``proof`` of
    that, as a share of what is needed.
    """

    table: pd.DataFrame
    status: Literal["decided", "go on"]
    total: int
    confidence_level: float

    @property
    def left(self) -> list[str]:
        """Those not proven worse than another one."""
        return [str(name) for name in self.table.loc[~self.table["out"], "candidate"]]

    def explain(self) -> str:
        seen = f"{int(self.table['images'].max()):,} of {self.total:,} images"
        sure = f"with {confidence(self.confidence_level)} confidence, at whatever moment one stops, the best of the whole set"
        if self.status == "decided":
            return f"{self.left[0]} is, after {seen} and {sure}."
        dropped = len(self.table) - len(self.left)
        return f"Go on with {', '.join(self.left)} ({dropped} dropped): after {seen} and {sure} is among them."


def eliminate(
    utilities: pd.DataFrame, total: int, *, low: float, high: float, confidence_level: float = 0.95
) -> Elimination:
    """Which candidates of a finite set of `total` images can be dropped without a look at the rest.

    `utilities` has a row an image, in the random order in which they came, and a column a candidate: its worth
    there, between `low` and `high`, and missing where it was not asked, as it is not once it is out. With
    probability `confidence_level` the best candidate is never dropped, however often one looks. `SettingError` for values
    outside the bounds.
    """
    normal_quantile(confidence_level)
    values = utilities.to_numpy(np.float64)
    if values.shape[1] < 2 or len(values) > total or len(values) == 0:
        raise SettingError("give one image at least, two candidates at least, and no more images than total")
    if high <= low or np.nanmin(values, initial=low) < low or np.nanmax(values, initial=high) > high:
        raise SettingError(f"all utilities must lie within low={low!r} and high={high!r}")
    names = [str(name) for name in utilities.columns]
    m = len(names)
    capital = _capitals(values, total, high - low)
    needed = np.log(m * (m - 1) / (1 - confidence_level))  # any of the ordered pairs may be the one that errs
    best_rival = np.argmax(capital, axis=0)
    images = np.count_nonzero(~np.isnan(values), axis=0)
    out = capital[best_rival, np.arange(m)] >= needed
    table = pd.DataFrame(
        {
            "candidate": names,
            "images": images,
            "mean": [float(np.nanmean(column)) if n else float("nan") for column, n in zip(values.T, images, strict=True)],
            "out": out,
            "beaten_by": [names[rival] if gone else "" for rival, gone in zip(best_rival.tolist(), out.tolist(), strict=True)],
            "proof": np.clip(capital[best_rival, np.arange(m)] / needed, 0, 1),
        }
    )  # fmt: skip
    table = table.sort_values(["out", "mean"], ascending=[True, False], kind="stable", ignore_index=True)
    return Elimination(table, "decided" if int(np.count_nonzero(~out)) == 1 else "go on", total, confidence_level)


def _capitals(values: FloatArray, total: int, spread: float) -> FloatArray:
    """Log of the most that bets on "row beats column" ever won."""
    m = values.shape[1]
    capital = np.full((m, m), -np.inf)
    for row in range(m):
        for column in range(m):
            if row != column:
                lead = values[:, row] - values[:, column]
                both = lead[~np.isnan(lead)]
                if both.size:
                    capital[row, column] = log_capital(0.5 + both / (2 * spread), total, 0.5)[0]
    return capital
