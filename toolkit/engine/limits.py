"""How much may be asked of an account at once and per second. Pure: time is handed in."""

from collections import deque
from dataclasses import dataclass, field

from toolkit.errors import SettingError

LONGEST_PAUSE_S = 3600.0
"""No pause is longer, whatever a service asks for: after an hour one request is due to find out."""

_MARGIN = 0.98  # of a declared rate: clocks differ, and a window that is counted elsewhere may close a moment late
_SLACK_S = 0.01  # a request that comes late lets the next come sooner by so much; with the margin, no window overflows
_PAUSE_S = 1.0  # after a refusal that does not say how long
_FIRST_IN_FLIGHT = 64  # before any answer, where no rate was declared

# How a rate is learned from a refusal, and tried upwards again.
_CAUTION = 0.97  # of what was let through
_WINDOW_S = 1.0  # over which services count, as far as they say
_TELLING = 5  # fewer requests say little about a rate
_SHORTEST_S = 0.05
_LEAST_PER_S = 0.2  # a service that refuses everything shall not put off the end of a run for ever
_CALM_S = 15.0  # without a refusal before it is tried upwards; doubled by each refusal
_LONGEST_CALM_S = 240.0
_GROWTH_PER_S = 0.02
_DOUBT_S = 2.0  # the same two for a rate that was learned from little
_RETURN_PER_S = 0.2


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
    Both recover while nothing is refused, up to what `limits` declare: soon to what was not the matter, slowly to
    where it was refused. A run with many in flight begins with a part of them, and has all after some answers.

    `next_at`, `resume_at`, `pace` and `cut_at` belong to the account and may be shared between processes.
    """

    limits: Limits
    allowed: float = 0.0
    pace: float | None = None
    next_at: float = 0.0
    resume_at: float = 0.0
    cut_at: float = 0.0
    _sent: deque[float] = field(default_factory=lambda: deque(maxlen=10_000))
    _gaining: bool = True
    _in_doubt_below: float = 0.0
    _refusals: int = 0
    _grown_at: float = 0.0

    def __post_init__(self) -> None:
        self.pace = self.ceiling
        self.allowed = float(self.limits.in_flight if self.pace else min(self.limits.in_flight, _FIRST_IN_FLIGHT))

    @property
    def ceiling(self) -> float | None:
        """The highest pace, requests per second; None when no rate was declared."""
        return None if self.limits.per_second is None else _MARGIN * self.limits.per_second

    def wait_s(self, now: float) -> float:
        """Seconds until the next request may go; at nought it is taken to go now."""
        wait = max(self.resume_at, self.next_at) - now
        if wait > 0:
            return wait
        if self.pace is not None:
            self.next_at = max(self.next_at, now - _SLACK_S) + 1 / self.pace
        self._sent.append(now)
        return 0.0

    def let_through(self, now: float) -> None:
        """A request was answered and not refused."""
        self.allowed = min(float(self.limits.in_flight), self.allowed + (1.0 if self._gaining else 0.5 / self.allowed))
        if self.pace is None:
            return
        in_doubt = self.pace < self._in_doubt_below
        calm_s = _DOUBT_S if in_doubt else min(_LONGEST_CALM_S, _CALM_S * 2.0 ** (self._refusals - 1))
        since = max(self._grown_at, self.cut_at + calm_s)
        if now > since:
            self.pace *= 1 + (_RETURN_PER_S if in_doubt else _GROWTH_PER_S) * min(1.0, now - since)
            self.pace = self.pace if self.ceiling is None else min(self.pace, self.ceiling)
            self._grown_at = now

    def refused(self, now: float, sent_at: float, after_s: float | None, *, rate: bool, senders: int = 1) -> None:
        """A request that was sent at `sent_at` was refused: for its rate, or because the service is busy.

        `senders` is how many processes send for the account, each about as much as this one.
        """
        self.resume_at = max(self.resume_at, now + min(LONGEST_PAUSE_S, _PAUSE_S if after_s is None else after_s))
        if sent_at <= self.cut_at:
            return  # it was under way when the others were refused: the same refusal
        self._gaining = rate and self._slow_down(sent_at, senders)
        self.allowed = max(1.0, self.allowed / 2)
        self.cut_at = now
        self._sent.clear()

    def _slow_down(self, sent_at: float, senders: int) -> bool:
        """Set the pace by what was sent in the last second, if that is enough to learn from."""
        of_late = [at for at in self._sent if at > sent_at - _WINDOW_S]
        # What was sent before the refused request was let through, or will be: services refuse in order.
        before = senders * max(0, sum(at <= sent_at for at in of_late) - 1)
        if self.pace is None and before < _TELLING and self.allowed > 1:
            return False  # fewer in flight may do
        tried_s = max(_SHORTEST_S, sent_at - of_late[0]) if of_late else _WINDOW_S
        tried = senders * max(1, len(of_late)) / min(tried_s, _WINDOW_S) if self.pace is None else self.pace
        learned = max(_CAUTION * before / _WINDOW_S, _LEAST_PER_S if self.pace is None else self.pace / 2)
        self.pace = min(tried, learned)
        # A second's sending shows the rate that is allowed. After less, the refusal may have been a stray one.
        self._in_doubt_below = 0.9 * tried
        self._refusals += 1
        return True
