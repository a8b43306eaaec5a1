"""How much may be asked of an account at once and per second. Pure: time is handed in."""

from collections import deque
from dataclasses import dataclass, field

from toolkit.errors import SettingError

_MARGIN = 0.98  # of a declared rate: clocks differ, and a window that is counted elsewhere may close a moment late
_CAUTION = 0.95  # of a rate that was learned by being refused
_PAUSE_S = 1.0  # after a refusal that does not say how long
_CALM_S = 5.0  # without a refusal before a learned rate is tried upwards
_GROWTH_PER_S = 0.01


@dataclass(frozen=True)
class Limits:
    """What an account allows, as far as you know.

    `in_flight` readings at a time; `per_second` requests, or None when nobody said: then the rate is learned from
    the service's refusals. Both hold for all settings of the account together, and for all notebooks of this user.
    """

    in_flight: int = 16
    per_second: float | None = None

    def __post_init__(self) -> None:
        if self.in_flight < 1:
            raise SettingError(f"in_flight={self.in_flight}: at least one reading has to be under way")
        if self.per_second is not None and not self.per_second > 0:
            raise SettingError(f"per_second={self.per_second} is no rate; give requests per second, or None")


@dataclass(slots=True)
class Governor:
    """Adapts to what a service lets through.

    A refusal halves the readings in flight, once for all those refused together, and stops sending for as long as
    the service asks. If it was the rate that was refused, sending goes on at the rate that was let through before.
    Both recover slowly while nothing is refused, up to what `limits` declare.
    """

    limits: Limits
    allowed: float = 0.0
    pace: float | None = None
    next_at: float = 0.0
    resume_at: float = 0.0
    history: deque[tuple[float, int, float | None]] = field(default_factory=lambda: deque(maxlen=10_000))
    _cut_at: float = float("-inf")
    _counting_since: float | None = None
    _let_through: int = 0
    _grown_at: float = 0.0

    def __post_init__(self) -> None:
        self.allowed = float(self.limits.in_flight)
        self.pace = self._ceiling

    @property
    def _ceiling(self) -> float | None:
        return None if self.limits.per_second is None else _MARGIN * self.limits.per_second

    def wait_s(self, now: float) -> float:
        """Seconds until the next request may go; at nought it is taken to go now."""
        wait = max(self.resume_at, self.next_at) - now
        if wait > 0:
            return wait
        if self._counting_since is None:
            self._counting_since = now
        if self.pace is not None:
            self.next_at = now + 1 / self.pace
        return 0.0

    def let_through(self, now: float) -> None:
        """A request was answered and not refused."""
        self._let_through += 1
        self.allowed = min(float(self.limits.in_flight), self.allowed + 0.5 / self.allowed)
        if self.pace is not None and now - self._cut_at > _CALM_S:
            elapsed = min(1.0, now - max(self._grown_at, self._cut_at + _CALM_S))
            self.pace *= 1 + _GROWTH_PER_S * max(0.0, elapsed)
            if self._ceiling is not None:
                self.pace = min(self.pace, self._ceiling)
            self._grown_at = now

    def refused(self, now: float, sent_at: float, after_s: float | None, *, rate: bool) -> None:
        """A request that was sent at `sent_at` was refused: for its rate, or because the service is busy."""
        self.resume_at = max(self.resume_at, now + (_PAUSE_S if after_s is None else after_s))
        if sent_at <= self._cut_at:
            return  # it was under way when the others were refused: the same refusal
        self.allowed = max(1.0, self.allowed / 2)
        if rate and self._let_through:
            counted_s = max(1.0, now - (now if self._counting_since is None else self._counting_since))
            learned = _CAUTION * self._let_through / counted_s
            self.pace = learned if self.pace is None else min(self.pace, learned)
        self._cut_at = now
        self._counting_since, self._let_through = None, 0
        self.history.append((now, int(self.allowed), self.pace))
