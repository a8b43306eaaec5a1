"""Whether to ask again after a failure, and when. Pure."""

import random
from dataclasses import dataclass

from toolkit.errors import ProviderError


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential back-off with full jitter, bounded in tries and in time.

    `tries` counts the first; `base_s` is the longest wait before the second, doubled for each further one up to
    `longest_s`; no wait begins that would end later than `total_s` after the trial's start. A service that says
    how long to wait is obeyed.
    """

    tries: int = 4
    base_s: float = 0.5
    longest_s: float = 30.0
    total_s: float = 120.0

    def wait_s(self, error: ProviderError, tried: int, elapsed_s: float, jitter: random.Random) -> float | None:
        """Seconds until the next try, or None when this error ends the trial."""
        if not error.retry or tried >= self.tries:
            return None
        ceiling = min(self.longest_s, self.base_s * 2 ** (tried - 1))
        wait = jitter.uniform(0.0, ceiling) if error.after_s is None else error.after_s
        return wait if elapsed_s + wait <= self.total_s else None
