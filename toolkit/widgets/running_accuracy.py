"""How right each setting was so far, read on from a run's log without reading any of it twice."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from toolkit._store.log_reader import LogReader
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
    _log: LogReader = field(init=False)

    def __post_init__(self) -> None:
        self.right = dict.fromkeys(self.settings, 0)
        self.seen = dict.fromkeys(self.settings, 0)
        self._log = LogReader(self.store)

    def read_on(self) -> None:
        """Take into account what was appended since the last look."""
        for attempts in self._log.news():
            self._count(attempts[_counts(attempts)])

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

    def _count(self, attempts: pd.DataFrame) -> None:
        targets = self.targets.reindex(attempts["sample"])
        right = exact(targets, attempts["text"], STRICT)
        for setting, is_right in zip(attempts["setting"], right.tolist(), strict=True):
            self.seen[setting] += 1
            self.right[setting] += is_right


def _counts(attempts: pd.DataFrame) -> "pd.Series[bool]":
    """Which of them end the first reading of an image, and not in an error."""
    told = attempts["error"].isna() | attempts["error"].isin([NO_ANSWER])
    return attempts["final"] & (attempts["repeat"] == 0) & told
