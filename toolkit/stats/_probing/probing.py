"""In what order to ask a service for one image at several settings of its own threshold.

Acceptance is nested: an image that is accepted at a strict setting is accepted at all looser ones. So each image
is somewhere on the axis of settings, accepted at the `j` lowest of them, and a call tells whether it is at or above
one place. Rejected calls are free where the service charges for answers only; then asking from the strictest
setting down finds every image's place for one paid call at most. A tree trades free calls against paid ones.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.errors import SettingError
from toolkit.stats._core.intervals import FloatArray
from toolkit.stats._core.results import Result

Strategy = Literal["descending", "tree", "bisection", "ascending", "grid"]

Choose = Callable[[int, int], int]
"""From the fewest and the most of the lowest settings that may accept an image to the one to ask, counted from 1."""

CALL_COST = 0.1
MAX_CALLS = 8


@dataclass(frozen=True, repr=False)
class ProbePlan(Result):
    """A way to place images among `settings`, which rise in strictness.

    `next_setting` says what to ask while an image may still be accepted at `low` to `high` of the lowest settings;
    the image is placed when the two are equal. `table` has a row for each place: how likely it is thought to be,
    and the calls, paid and in all, that finding it takes. ``grid`` asks at every setting, whatever the answers.
    """

    table: pd.DataFrame
    settings: tuple[float, ...]
    strategy: Strategy
    choose: Choose

    def next_setting(self, low: int, high: int) -> float:
        """The setting to ask next; `SettingError` for an image that is already placed."""
        if not 0 <= low < high <= len(self.settings):
            raise SettingError(f"an image between {low} and {high} of {len(self.settings)} settings needs no call")
        return self.settings[self.choose(low, high) - 1]

    def after(self, low: int, high: int, *, accepted: bool) -> tuple[int, int]:
        """The places that remain once `next_setting` was answered."""
        asked = self.choose(low, high)
        return (asked, high) if accepted else (low, asked - 1)

    @property
    def paid_per_image(self) -> float:
        """Expected paid calls an image."""
        return float(self.table["chance"].to_numpy() @ self.table["paid"].to_numpy())

    @property
    def calls_per_image(self) -> float:
        """Expected calls an image."""
        return float(self.table["chance"].to_numpy() @ self.table["calls"].to_numpy())

    def explain(self) -> str:
        return (
            f"{self.strategy}: {self.paid_per_image:.2f} paid and {self.calls_per_image:.1f} calls an image expected "
            f"over {len(self.settings)} settings, at worst {self.table['paid'].max()} paid and "
            f"{self.table['calls'].max()} calls; assumes that an image accepted at one setting is accepted below."
        )


def probe_plan(
    settings: Sequence[float],
    strategy: Strategy = "tree",
    *,
    placed: Sequence[int] | None = None,
    call_cost: float = CALL_COST,
    max_calls: int | None = MAX_CALLS,
) -> ProbePlan:
    """Plan the calls that place an image among `settings`.

    `placed` counts the images found so far at each place, 0 to the number of settings; a flat prior is added, so
    that planning again as images come in turns what was learnt into fewer calls. `call_cost` is what a call costs
    in load and time, as a share of the price of a paid one. The tree never takes more than `max_calls` calls;
    `SettingError` when that cannot tell so many settings apart, or when settings do not rise.
    """
    levels = tuple(float(setting) for setting in settings)
    m = len(levels)
    if m == 0 or any(b <= a for a, b in pairwise(levels)):
        raise SettingError(f"settings={list(settings)} must rise from the loosest to the strictest")
    counts = np.zeros(m + 1) if placed is None else np.asarray(placed, np.float64)
    if counts.shape != (m + 1,):
        raise SettingError(f"placed has {counts.size} counts; {m} settings leave {m + 1} places")
    chance = (counts + 1) / (counts + 1).sum()
    if strategy not in _CHOOSE and strategy != "tree":
        raise SettingError(f"strategy={strategy!r} is not one of tree, {', '.join(_CHOOSE)}")
    choose = _tree(chance, call_cost, max_calls) if strategy == "tree" else _CHOOSE[strategy]
    cost = [(j, m) if strategy == "grid" else _walk(choose, m, j) for j in range(m + 1)]
    table = pd.DataFrame(cost, columns=["paid", "calls"])
    table.insert(0, "accepted_up_to", [float("nan"), *levels])
    table.insert(1, "chance", chance)
    return ProbePlan(table, levels, strategy, choose)


def compare_probe_plans(
    settings: Sequence[float],
    *,
    images: int,
    price: float,
    placed: Sequence[int] | None = None,
    call_cost: float = CALL_COST,
    max_calls: int | None = MAX_CALLS,
    seconds_per_call: float = float("nan"),
) -> pd.DataFrame:
    """What each strategy is expected to take for so many images, one row each, before anything is sent.

    Paid and free calls, money expected and at worst, and seconds one call after another.
    """
    rows = []
    for strategy in ("tree", *_CHOOSE):
        plan = probe_plan(settings, strategy, placed=placed, call_cost=call_cost, max_calls=max_calls)  # type: ignore[arg-type]
        rows.append(
            {
                "strategy": strategy,
                "paid_per_image": plan.paid_per_image,
                "calls_per_image": plan.calls_per_image,
                "paid_calls": plan.paid_per_image * images,
                "free_calls": (plan.calls_per_image - plan.paid_per_image) * images,
                "cost_usd": plan.paid_per_image * images * price,
                "cost_usd_at_worst": int(plan.table["paid"].max()) * images * price,
                "calls_at_worst": int(plan.table["calls"].max()) * images,
                "seconds": plan.calls_per_image * images * seconds_per_call,
            }
        )
    return pd.DataFrame(rows)


_CHOOSE: dict[str, Choose] = {
    "descending": lambda low, high: high,  # noqa: ARG005 -- one signature for all
    "bisection": lambda low, high: (low + high + 1) // 2,
    "ascending": lambda low, high: low + 1,  # noqa: ARG005
    "grid": lambda low, high: low + 1,  # noqa: ARG005
}


def _walk(choose: Choose, m: int, place: int) -> tuple[int, int]:
    """Paid calls and calls that it takes to find an image at a place."""
    low, high, paid, calls = 0, m, 0, 0
    while low < high:
        asked = choose(low, high)
        calls += 1
        if place >= asked:
            low, paid = asked, paid + 1
        else:
            high = asked - 1
    return paid, calls


def _tree(chance: FloatArray, call_cost: float, max_calls: int | None) -> Choose:
    """The cheapest decision tree, by dynamic programming over intervals of places and calls left.

    cost(low, high) = call_cost P(low..high) + min over s of P(s..high) + cost(low, s - 1) + cost(s, high), where
    the two parts have a call less left.
    """
    m = chance.size - 1
    depth = m if max_calls is None else min(max_calls, m)
    if 2**depth < m + 1:
        raise SettingError(
            f"{depth} calls tell {2**depth} places apart, not {m + 1}; allow more, or ask at fewer settings"
        )
    below = np.concatenate([[0.0], np.cumsum(chance)])  # below[k] = P(place < k)
    cost = np.full((m + 1, m + 1), np.inf)
    np.fill_diagonal(cost, 0.0)
    # With m calls every interval can be searched to its end, so calls left do not matter and one round is enough.
    tables = []
    for _ in range(depth if depth < m else 1):
        parts = cost.copy() if depth < m else cost
        table = np.zeros((m + 1, m + 1), np.intp)
        for width in range(1, m + 1):
            for low in range(m + 1 - width):
                high = low + width
                s = np.arange(low + 1, high + 1)
                total = (below[high + 1] - below[s]) + parts[s, high] + parts[low, s - 1]
                table[low, high] = s[np.argmin(total)]
                cost[low, high] = total.min() + call_cost * (below[high + 1] - below[low])
        tables.append(table)
    planned = _followed(tables, m)

    def choose(low: int, high: int) -> int:
        if (low, high) not in planned:
            raise SettingError(
                f"this tree never leaves an image between {low} and {high}; finish images with the plan they began with"
            )
        return planned[low, high]

    return choose


def _followed(tables: Sequence[NDArray[np.intp]], m: int) -> dict[tuple[int, int], int]:
    """What to ask at each interval that the tree can reach, with the calls that are left there."""
    planned = {}
    reached = [(0, m, len(tables))]
    while reached:
        low, high, left = reached.pop()
        if low < high:
            s = int(tables[left - 1][low, high])
            planned[low, high] = s
            fewer = left - 1 if len(tables) > 1 else left
            reached += [(low, s - 1, fewer), (s, high, fewer)]
    return planned
