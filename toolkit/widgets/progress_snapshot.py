"""Where a run stands at one moment, and how that is put before people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
from markupsafe import Markup

from toolkit.metrics.html_table import Side, html_table
from toolkit.metrics.markup import visible
from toolkit.metrics.words import duration
from toolkit.stats._core.results import percent

State = Literal["running", "stopping", "stopped", "finished"]


@dataclass(frozen=True)
class ProgressSnapshot:
    """One look at a run. `accuracy` is the table of `RunningAccuracy`; `unpriced` are settings whose cost nobody knows.

    `priced` says that some setting has a price: only then, or with a budget, is there money to tell of.
    """

    state: State
    planned: int
    left: int
    per_second: float
    seconds: float
    no_answer: int
    errors: Mapping[str, int]
    stopped: Mapping[str, str]
    spent_usd: float
    reserved_usd: float
    budget_usd: float | None
    unpriced: tuple[str, ...]
    accuracy: pd.DataFrame
    priced: bool = True

    @property
    def share_done(self) -> float:
        """From 0 to 1; a plan without trials is done."""
        return 1 - self.left / self.planned if self.planned else 1.0

    def as_html(self) -> str:
        """Counts, money, what went wrong, and accuracy so far."""
        lines = [f'<div class="toolkit-trials">{visible(self.trials, 500)}</div>']
        if self.money:
            lines.append(f'<div class="toolkit-money">{visible(self.money, 500)}</div>')
        if self.errors:
            kinds = ", ".join(f"{count:,} {kind}" for kind, count in self.errors.items())
            lines.append(f'<div class="toolkit-errors"><strong>errors</strong>: {visible(kinds, 500)}</div>')
        lines += [
            f'<div class="toolkit-errors"><strong>{visible(setting)} was stopped</strong>: {visible(reason, 500)}</div>'
            for setting, reason in self.stopped.items()
        ]
        if self.state == "stopped" and self.left:
            lines.append(f"<div>{self.left:,} trials are left; the same call with the same store resumes.</div>")
        lines.append(self._accuracy_html())
        return "".join(lines)

    @property
    def trials(self) -> str:
        """How many, how fast, and how long it will take or took."""
        parts = [f"{_STATE_WORDS[self.state]}{self.planned - self.left:,} of {self.planned:,} trials"]
        if self.per_second:
            parts.append(f"{self.per_second:,.{0 if self.per_second >= 10 else 1}f} per second")
            going = self.state in ("running", "stopping") and self.left
            parts.append(f"{duration(self.left / self.per_second)} left" if going else f"took {duration(self.seconds)}")
        if self.no_answer:
            parts.append(f"{self.no_answer:,} without an answer")
        return " · ".join(parts)

    @property
    def money(self) -> str:
        """What was spent, of what, in words; none where everything is free and no budget was set."""
        if not (self.priced or self.unpriced or self.spent_usd or self.reserved_usd) and self.budget_usd is None:
            return ""
        text = f"{self.spent_usd:.4f} USD spent"
        if self.budget_usd is not None:
            share = f" ({percent(self.spent_usd / self.budget_usd)})" if self.budget_usd > 0 else ""
            text += f" of {self.budget_usd:.4f}{share}"
        if self.reserved_usd > 0:
            text += f", up to {self.reserved_usd:.4f} more under way"
        if self.unpriced:
            text += f"; without a price, and not counted: {', '.join(self.unpriced)}"
        return text

    def _accuracy_html(self) -> str:
        rows = [
            [row["setting"], f"{row['images']:,}", _share(row), _bar(row)] for row in self.accuracy.to_dict("records")
        ]
        columns: dict[str, Side] = {
            "setting": "left",
            "images": "right",
            "accuracy so far": "right",
            "0 – 100 %": "left",
        }
        note = (
            "first reading of each image, errors left out; 95 % intervals that hold however often one looks, "
            "wider than those of the summary"
        )
        return html_table(columns, rows, foot=note)


_STATE_WORDS = {"running": "", "stopping": "Stopping: ", "stopped": "Ended early: ", "finished": "Finished: "}


def _share(row: Mapping[Any, Any]) -> str:
    if not row["images"]:
        return "–"
    low, high = 100 * row["accuracy_low"], 100 * row["accuracy_high"]
    return f"{percent(row['accuracy'])} [{low:.1f}, {high:.1f}]"


def _bar(row: Mapping[Any, Any]) -> str:
    """The interval and the share as marks on a line from 0 to 1; the numbers stand beside it."""
    if not row["images"]:
        return ""
    low, share, high = (100 * row[name] for name in ("accuracy_low", "accuracy", "accuracy_high"))
    return Markup(
        '<span aria-hidden="true" style="display:inline-block;position:relative;width:140px;height:10px;'
        'vertical-align:middle;border-bottom:1px solid rgba(128,128,128,.5)">'
        '<span style="position:absolute;left:{:.2f}%;width:{:.2f}%;top:3px;height:4px;'
        'border-radius:2px;background:#56B4E9"></span>'
        '<span style="position:absolute;left:calc({:.2f}% - 1px);width:3px;top:0;height:10px;'
        'background:#0072B2"></span></span>'
    ).format(low, max(high - low, 1), share)
