"""What a leaderboard does not show: which of its ranks these images cannot tell apart."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from toolkit.stats._comparison.comparison import compare
from toolkit.stats._comparison.paired_metrics import METRICS
from toolkit.stats._core.bootstrap import RESAMPLES
from toolkit.stats._core.results import Result
from toolkit.stats._core.trials import Errors


@dataclass(frozen=True, repr=False)
class TieGroups(Result):
    """Settings best first, with the `groups` of neighbours that the images do not tell apart.

    `table` has ``setting``, its ``value``, the ``groups`` it belongs to as letters (two settings without a common
    letter differ), and whether it is told to be ``behind_best``, the one on top.
    """

    table: pd.DataFrame
    groups: list[list[str]]
    metric: str
    images: int
    strangers: tuple[tuple[str, str], ...] = ()

    def explain(self) -> str:
        if len(self.table) < 2:
            return "One setting has no rank to share."
        if self.strangers:
            one, other = self.strangers[0]
            more = f", nor do {len(self.strangers) - 1:,} other pairs" if len(self.strangers) > 1 else ""
            return f"{one} and {other} share no image{more}: settings are ranked only on images that both read."
        subject = f"By {METRICS[self.metric].words}, these {self.images:,} images"
        together = [_listed(group) for group in self.groups if len(group) > 1]
        if not together:
            return f"{subject} tell {'both' if len(self.table) == 2 else f'all {len(self.table)}'} settings apart."
        text = f"{subject} do not tell {' apart, nor '.join(together)} apart."
        behind = self.table.loc[self.table["behind_best"], "setting"].tolist()
        return text + (f" {self.table['setting'].iloc[0]} is ahead of {_listed(behind)}." if behind else "")


def tie_groups(
    outcomes: pd.DataFrame,
    *,
    metric: str = "accuracy_all",
    errors: Errors = "exclude",
    confidence_level: float = 0.95,
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> TieGroups:
    """Group settings by all paired comparisons, corrected for their number: ranks within a group may be chance."""
    found = compare(
        outcomes, metric=metric, errors=errors, confidence_level=confidence_level, n_resamples=n_resamples, seed=seed
    ).table
    value = pd.concat([found.set_index("setting")["value"], found.set_index("baseline")["value_baseline"]])
    images = int(found["images"].min()) if len(found) else 0
    # Each pair was compared on the images that both read; a mean over different images would rank by their difficulty.
    wins = (found["verdict"] == "better").astype(int) - (found["verdict"] == "worse").astype(int)
    ahead = pd.concat([wins.set_axis(found["setting"]), -wins.set_axis(found["baseline"])]).groupby(level=0).sum()
    mean = value.groupby(level=0).mean()
    order = pd.DataFrame({"ahead": ahead, "value": METRICS[metric].better * mean}).sort_values(
        ["ahead", "value"], ascending=False, kind="stable"
    )
    mean = mean.reindex(order.index)
    names = [str(name) for name in mean.index] if len(found) else [str(s) for s in outcomes["setting"].unique()]
    strangers = [
        (str(a), str(b)) for a, b in found.loc[found["images"] == 0, ["setting", "baseline"]].itertuples(index=False)
    ]
    place = {name: i for i, name in enumerate(names)}
    apart = np.zeros((len(names), len(names)), np.bool_)
    behind = apart.copy()  # row: the better setting of a pair; column: the one that is behind it
    for setting, baseline, verdict in zip(found["setting"], found["baseline"], found["verdict"], strict=True):
        i, j = place[setting], place[baseline]
        apart[i, j] = apart[j, i] = verdict != "cannot tell"
        behind[j, i], behind[i, j] = verdict == "worse", verdict == "better"
    runs = _runs(apart)
    letters = [" ".join(_letter(k) for k, run in enumerate(runs) if i in run) for i in range(len(names))]
    table = pd.DataFrame(
        {
            "setting": names,
            "value": mean.to_numpy() if len(found) else np.nan,
            "groups": letters,
            "behind_best": behind[0] if names else [],
        }
    )
    return TieGroups(table, [[names[i] for i in run] for run in runs], metric, images, tuple(strangers))


def _runs(apart: np.ndarray) -> list[range]:
    """The longest runs of neighbouring ranks of which no two are told apart."""
    runs: list[range] = []
    for start in range(len(apart)):
        end = start + 1
        while end < len(apart) and not apart[start:end, end].any():
            end += 1
        if not runs or end > runs[-1].stop:
            runs.append(range(start, end))
    return runs


def _letter(k: int) -> str:
    return chr(ord("a") + k % 26) * (1 + k // 26)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
