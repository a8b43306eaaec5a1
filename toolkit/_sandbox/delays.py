"""How long a sandboxed service takes: seconds, or a distribution of seconds drawn with the sandbox's seed."""

import math
import random
from collections.abc import Callable

from toolkit.errors import SettingError

Distribution = Callable[[random.Random], float]
Delay = float | Distribution

_P95_STANDARD_NORMAL = 1.6448536269514722


def uniform(low_s: float, high_s: float) -> Distribution:
    """Every duration between `low_s` and `high_s` seconds alike."""
    if not 0 <= low_s <= high_s:
        raise SettingError(
            f"uniform({low_s}, {high_s}): a delay runs from a lower to a higher number of seconds, from 0"
        )
    return lambda dice: dice.uniform(low_s, high_s)


def lognormal(median_s: float, p95_s: float) -> Distribution:
    """The usual shape of service times: half under `median_s`, one in twenty over `p95_s` seconds."""
    if not 0 < median_s <= p95_s:
        raise SettingError(
            f"lognormal({median_s}, {p95_s}): the 95th percentile is at least the median, both above 0 s"
        )
    spread = math.log(p95_s / median_s) / _P95_STANDARD_NORMAL
    return lambda dice: dice.lognormvariate(math.log(median_s), spread)


def draw(delay: Delay, dice: random.Random) -> float:
    """One duration in seconds."""
    return delay(dice) if callable(delay) else delay
