"""What a threshold does, its utility and cost, and the code that computes them. No widget is needed for any of it."""

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from toolkit.metrics.html_table import Cell, Side, html_table
from toolkit.metrics.markup import visible
from toolkit.stats import Choice, ThresholdCurve, Utility, pick_threshold, thresholds
from toolkit.stats._core.results import confidence as in_percent
from toolkit.stats._core.results import percent
from toolkit.widgets.subjects import Subject


@dataclass(frozen=True)
class Setup:
    """Everything that a tuner's controls say."""

    subject: Subject
    threshold: float
    utility: Utility
    max_risk: float = 0.05
    confidence: float = 0.90


class Curves:
    """Threshold curves of some outcomes under the utilities that were asked for; the latest are kept."""

    def __init__(self, outcomes: pd.DataFrame) -> None:
        self._outcomes = outcomes
        self._of_setting: dict[str, pd.DataFrame] = {}
        self.of = lru_cache(maxsize=4)(self._of)
        self.choice = lru_cache(maxsize=32)(self._choice)

    def _of(self, subject: Subject, utility: Utility) -> ThresholdCurve:
        if subject.setting is None:
            return thresholds(self._outcomes, provider=subject.provider, over=subject.over, utility=utility)
        if subject.setting not in self._of_setting:
            # A slider asks for the same rows again and again, and most of the time went into telling names apart.
            mine = self._outcomes[self._outcomes["setting"] == subject.setting]
            self._of_setting[subject.setting] = mine.assign(sample=pd.factorize(mine["sample"])[0])
        return thresholds(self._of_setting[subject.setting], subject.setting, utility=utility)

    def _choice(self, subject: Subject, max_risk: float, confidence: float) -> Choice:
        # Which threshold is safe does not depend on the utility.
        return pick_threshold(self.of(subject, Utility()), max_risk=max_risk, confidence=confidence)


def at(curve: ThresholdCurve, threshold: float) -> "pd.Series[Any]":
    """The row of a curve that holds when answers with at least this confidence are accepted."""
    place = int(np.searchsorted(curve.table["threshold"].to_numpy(), threshold))
    return curve.table.iloc[min(place, len(curve.table) - 1)]


def highest_utility(curve: ThresholdCurve) -> "pd.Series[Any]":
    """The row with the highest utility on these images, which favours it; `tk.stats.best_threshold` gives an interval."""
    return curve.table.iloc[int(np.nanargmax(curve.table["utility"].to_numpy()))]


def as_code(setup: Setup, opening: str) -> str:
    """Python that finds the numbers of a state again, in a variable `row` and a variable `choice`."""
    defaults = asdict(Utility())
    given = {name: value for name, value in asdict(setup.utility).items() if value != defaults[name]}
    weights = ", ".join(f"{name}={value!r}" for name, value in given.items())
    whose = ", ".join(f"{name}={value!r}" for name, value in setup.subject.arguments.items())
    return "\n".join(
        (
            "import toolkit as tk",
            "",
            opening,
            f"utility = tk.stats.Utility({weights})",
            f"curve = tk.stats.thresholds(outcomes, {whose}, utility=utility)",
            f'row = curve.table[curve.table["threshold"] >= {setup.threshold!r}].iloc[0]',
            f"choice = tk.stats.pick_threshold(curve, max_risk={setup.max_risk!r}, confidence={setup.confidence!r})",
        )
    )


def findings_html(setup: Setup, curve: ThresholdCurve, choice: Choice) -> str:
    """A row for the chosen threshold, the one with the highest utility, and the risk-controlled one; and its guarantee in words."""
    rows = [("chosen", at(curve, setup.threshold), setup.threshold)]
    best = highest_utility(curve)
    rows.append(("highest utility on these images", best, float(best["threshold"])))
    if choice.status == "controlled":
        target = f"at most {percent(setup.max_risk)} wrong, {in_percent(setup.confidence)} confidence level"
        rows.append((target, at(curve, choice.threshold), choice.threshold))
    columns: dict[str, Side] = {
        "": "left", "threshold": "right", "coverage": "right", "accuracy of answers": "right", "accuracy of all": "right",
        "utility per image": "right", "cost USD": "right", "USD per correct answer": "right",
    }  # fmt: skip
    cells = [[words, f"{threshold:.4g}", *_figures(row)] for words, row, threshold in rows]
    guarantee = "".join(f"<p>{visible(line, 1000)}</p>" for line in choice.explain().splitlines())
    return f'{html_table(columns, cells)}<div class="toolkit-note">{guarantee}</div>'


def _figures(row: "pd.Series[Any]") -> list[str | Cell]:
    return [
        _share(row, "coverage"),
        _share(row, "accuracy_answered"),
        _share(row, "accuracy_all"),
        f"{row['utility']:.4g}",
        _usd(row["cost_usd"]),
        _usd(row["cost_per_correct_usd"]),
    ]


def _share(row: "pd.Series[Any]", column: str) -> str | Cell:
    if np.isnan(row[column]):
        return "–"
    low, high = 100 * row[f"{column}_low"], 100 * row[f"{column}_high"]
    return Cell(percent(row[column]), f"[{low:.1f}, {high:.1f}]")


def _usd(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.4g}"
