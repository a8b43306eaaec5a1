"""How right each setting was so far, read on from a run's log without reading any of it twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from toolkit._store.store import Store
from toolkit.metrics import STRICT, exact
from toolkit.stats import interval_so_far

NO_ANSWER = "unsolvable"


@dataclass
class RunningAccuracy:
    """Counts of the first reading of each image, by setting. Errors are left out, as in `run.summary()`."""

    store: Store
    settings: Sequence[str]
    targets: "pd.Series[str]"
    right: dict[str, int] = field(init=False)
    seen: dict[str, int] = field(init=False)
    _read_to: int = 0

    def __post_init__(self) -> None:
        self.right = dict.fromkeys(self.settings, 0)
        self.seen = dict.fromkeys(self.settings, 0)

    def read_on(self) -> None:
        """Take into account what was appended since the last look."""
        for records, offset in self.store.blocks(self._read_to):
            self._count([record for record in records if _counts(record)])
            self._read_to = offset

    def table(self) -> pd.DataFrame:
        """One row a setting: ``images`` seen, ``accuracy`` and its ends.

        The interval holds however often one looks, and whatever makes one stop; it is wider than that of a summary,
        which is for one look when all is done. Missing before the first image.
        """
        rows = []
        for setting, seen in self.seen.items():
            low, high = interval_so_far(self.right[setting], seen)
            share = self.right[setting] / seen if seen else float("nan")
            rows.append((setting, seen, share, low if seen else share, high if seen else share))
        return pd.DataFrame(rows, columns=["setting", "images", "accuracy", "accuracy_low", "accuracy_high"])

    def _count(self, records: list[Mapping[str, Any]]) -> None:
        targets = self.targets.reindex([record["sample"] for record in records]).tolist()
        right = exact(targets, [record.get("text") for record in records], STRICT)
        for record, is_right in zip(records, right.tolist(), strict=True):
            self.seen[record["setting"]] += 1
            self.right[record["setting"]] += is_right


def _counts(record: Mapping[str, Any]) -> bool:
    """Whether it ends the first reading of an image, and not in an error."""
    return (
        record["event"] == "finished"
        and record["final"]
        and record["repeat"] == 0
        and record.get("error") in (None, NO_ANSWER)
    )
