"""The rate limit that a sandboxed service declares."""

import math
from collections import deque


class SlidingWindow:
    """At most `per_s` requests in any one second; under one a second, one in any `1 / per_s` seconds.

    A refused request does not count against the limit. `now` is in seconds, of any clock that does not step back.
    """

    def __init__(self, per_s: float) -> None:
        self._most = max(1, math.floor(per_s))
        self._window_s = self._most / per_s
        self._taken: deque[float] = deque()

    def take(self, now: float) -> float:
        """Seconds until there is room: 0 when this request has just taken its place."""
        while self._taken and now - self._taken[0] >= self._window_s:
            self._taken.popleft()
        if len(self._taken) < self._most:
            self._taken.append(now)
            return 0.0
        return self._taken[0] + self._window_s - now
