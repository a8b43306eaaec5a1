"""What a threshold does, is worth and costs, and the call that says so again. No widget is needed for any of it."""

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from toolkit.metrics.markup import table, visible
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
        # Which threshold is safe does not depend on what answers are worth.
        return pick_threshold(self.of(subject, Utility()), max_risk=max_risk, confidence=confidence)


def at(curve: ThresholdCurve, threshold: float) -> "pd.Series[Any]":
    """The row of a curve that holds when answers at least this sure are accepted."""
    place = int(np.searchsorted(curve.table["threshold"].to_numpy(), threshold))
    return curve.table.iloc[min(place, len(curve.table) - 1)]


def most_worth(curve: ThresholdCurve) -> "pd.Series[Any]":
    """The row that is worth most on these images, which flatters it; `tk.stats.best_threshold` says how sure it is."""
    return curve.table.iloc[int(np.nanargmax(curve.table["utility"].to_numpy()))]


def as_code(setup: Setup, opening: str) -> str:
    """Python that finds the numbers of a state again, in a variable `row` and a variable `choice`."""
    defaults = asdict(Utility())
    given = {name: value for name, value in asdict(setup.utility).items() if value != defaults[name]}
    worth = ", ".join(f"{name}={value!r}" for name, value in given.items())
    whose = ", ".join(f"{name}={value!r}" for name, value in setup.subject.arguments.items())
    return "\n".join(
        (
            "import toolkit as tk",
            "",
            opening,
            f"utility = tk.stats.Utility({worth})",
            f"curve = tk.stats.thresholds(outcomes, {whose}, utility=utility)",
            f'row = curve.table[curve.table["threshold"] >= {setup.threshold!r}].iloc[0]',
            f"choice = tk.stats.pick_threshold(curve, max_risk={setup.max_risk!r}, confidence={setup.confidence!r})",
        )
    )


def findings_html(setup: Setup, curve: ThresholdCurve, choice: Choice) -> str:
    """A row for the chosen threshold, the one worth most, and the one with a promise; and the promise in words."""
    rows = [("chosen", at(curve, setup.threshold), setup.threshold)]
    best = most_worth(curve)
    rows.append(("worth most on these images", best, float(best["threshold"])))
    if choice.status == "controlled":
        target = f"at most {percent(setup.max_risk)} wrong, {in_percent(setup.confidence)} sure"
        rows.append((target, at(curve, choice.threshold), choice.threshold))
    columns = {
        "": "left", "threshold": "right", "coverage": "right", "right of answers": "right", "right of all": "right",
        "worth an image": "right", "cost USD": "right", "USD per right answer": "right",
    }  # fmt: skip
    cells = [[visible(words), f"{threshold:.4g}", *_figures(row)] for words, row, threshold in rows]
    promise = "".join(f"<p>{visible(line, 1000)}</p>" for line in choice.explain().splitlines())
    return f'<div class="toolkit-scroll">{table(columns, cells)}</div><div class="toolkit-note">{promise}</div>'


def _figures(row: "pd.Series[Any]") -> list[str]:
    return [
        _share(row, "coverage"),
        _share(row, "accuracy_answered"),
        _share(row, "accuracy_all"),
        f"{row['utility']:.4g}",
        _usd(row["cost_usd"]),
        _usd(row["cost_per_correct_usd"]),
    ]


def _share(row: "pd.Series[Any]", column: str) -> str:
    if np.isnan(row[column]):
        return "–"
    low, high = 100 * row[f"{column}_low"], 100 * row[f"{column}_high"]
    return f"{percent(row[column])}<br><small>[{low:.1f}, {high:.1f}]</small>"


def _usd(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.4g}"
