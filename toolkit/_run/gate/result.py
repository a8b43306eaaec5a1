"""`Gate`: what was found about a new run, check by check, in words and as a status."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from toolkit._run.gate.measures import Verdict
from toolkit.stats._core.results import Result, confidence, percent, points

EXIT_STATUS: dict[Verdict, int] = {"pass": 0, "worse": 1, "cannot tell": 3}
"""What ``toolkit compare`` ends with; 2 is a call that cannot be carried out."""


@dataclass(frozen=True, repr=False)
class Gate(Result):
    """What was asked of a new run, check by check.

    `table` has a row a setting and ``measure`` ("accuracy_all" or "latency_p95_s"): the ``images`` both runs read,
    the value of each (``old``, ``new``), the ``change`` with its interval (a difference of shares; for latency the
    share by which it rose), the ``limit`` it was held to, a ``verdict`` and, where they cannot tell,
    ``images_needed``: about how many images like these would, if the change stayed what it is.

    A check is "pass" when the whole interval keeps the limit and "worse" when all of it is beyond; otherwise these
    images "cannot tell". To pass, every check has to, which needs no correction. To fail, one is enough, so there the
    error is shared among the checks (Bonferroni). Nothing can be told of the settings in `gone`, which only the old
    run has.
    """

    table: pd.DataFrame
    confidence_level: float
    notes: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Of the checks together: "worse" if any is, else "cannot tell" if any cannot or a setting is gone, else "pass"."""
        found = {*self.table["verdict"], *(["cannot tell"] if self.gone else [])}
        return "worse" if "worse" in found else "cannot tell" if "cannot tell" in found else "pass"

    @property
    def passed(self) -> bool:
        """Whether every limit is surely kept."""
        return self.verdict == "pass"

    @property
    def exit_status(self) -> int:
        """0 for "pass", 1 for "worse", 3 for "cannot tell"."""
        return EXIT_STATUS[self.verdict]

    def explain(self) -> str:
        counts = self.table["verdict"].value_counts()
        listed = ", ".join(f"{counts[verdict]} {verdict}" for verdict in EXIT_STATUS if verdict in counts)
        head = f"{self.verdict.upper()}: of {len(self.table)} check{'s' * (len(self.table) > 1)}, {listed}."
        if self.gone:
            head += f" Nothing can be told of {', '.join(self.gone)}: the new run has no such setting."
        return "\n".join([head, *map(self._sentence, self.table.to_dict("records")), *self.notes])

    def _sentence(self, row: Mapping[Any, Any]) -> str:
        name = row["setting"] if row["setting"] == row["new_setting"] else f"{row['setting']} → {row['new_setting']}"
        if row["measure"] == "accuracy_all":
            seen = f"accuracy {percent(row['old'])} → {percent(row['new'])}, {points(row['change'])} points"
            ends = f"{points(row['change_low'])} to {points(row['change_high'])}"
            amount = f"more than {100 * row['limit']:g} point{'s' * (row['limit'] != 0.01)}"
            fell, fallen = "dropped by", "dropped by"
        else:
            seen = f"p95 of latency {_ms(row['old'])} → {_ms(row['new'])}, {_change(row['change'])}"
            ends = f"{_change(row['change_low'])} to {_change(row['change_high'])}"
            amount = f"more than {100 * row['limit']:g} %"
            fell, fallen = "rose by", "risen by"
        says = {
            "pass": f"has not {fallen} {amount}",
            "worse": f"has {fallen} {amount}",
            "cannot tell": f"these images cannot tell whether it {fell} {amount}",
        }[row["verdict"]]
        if np.isfinite(row["images_needed"]):
            says += f"; about {row['images_needed']:,.0f} images like these would"
        sure = confidence(2 * self.confidence_level - 1)
        return f"{name}: {seen} ({sure} interval {ends}; {row['images']:,} shared images): {says}."


def _ms(seconds: float) -> str:
    return "unknown" if np.isnan(seconds) else f"{1000 * seconds:,.4g} ms" if np.isfinite(seconds) else "not in time"


def _change(share: float) -> str:
    return "unknown" if np.isnan(share) else f"{100 * share:+.1f} %" if np.isfinite(share) else f"{share:+.0f}"
