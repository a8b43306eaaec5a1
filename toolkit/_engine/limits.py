"""How much may be asked of an account at once and per second. Pure: time is handed in."""

from dataclasses import dataclass, field

from toolkit._engine.rate_limiter import InFlight, Pace
from toolkit.errors import SettingError

LONGEST_PAUSE_S = 3600.0
"""No pause is longer, whatever a service asks for: after an hour one request is due to find out."""

_MARGIN = 0.98  # of a declared rate: clocks differ, and a window that is counted elsewhere may close a moment late
SLACK_S = 0.01  # a request that comes late lets the next come sooner by so much; with the margin, no window overflows
_PAUSE_S = 1.0  # after a refusal that does not say how long


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
        if self.per_second is not None and not 0 < self.per_second < float("inf"):
            raise SettingError(f"per_second={self.per_second} is no rate; give requests per second, or None")


@dataclass(slots=True)
class RateController:
    """Adapts to what a service lets through.

    A refusal halves the readings in flight, once for all those that were under way, and stops sending for as long as
    the service asks. If it was the rate that was refused, sending goes on at the rate that was let through before.
    Both recover while nothing is refused, up to what `limits` declare. A run with many in flight begins with a part
    of them, and has all after some answers. A single refusal now and then only pauses: for as long as the service
    asks, else for a second if it was for the rate.

    `next_at`, `resume_at`, `pace` and `cut_at` belong to the account and may be shared between processes.
    """

    limits: Limits
    next_at: float = 0.0
    resume_at: float = 0.0
    cut_at: float = 0.0
    _in_flight: InFlight = field(init=False)
    _pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        self._pace = Pace(self.ceiling)
        self._in_flight = InFlight(self.limits.in_flight, all_at_once=self.ceiling is not None)

    @property
    def allowed(self) -> float:
        """How many readings may be under way."""
        return self._in_flight.allowed

    @property
    def pace(self) -> float | None:
        """Requests per second; None while nothing limits them."""
        return self._pace.per_second

    @pace.setter
    def pace(self, per_second: float | None) -> None:
        self._pace.per_second = per_second

    @property
    def ceiling(self) -> float | None:
        """The highest pace; None when no rate was declared."""
        return None if self.limits.per_second is None else _MARGIN * self.limits.per_second

    def wait_s(self, now: float) -> float:
        """Seconds until the next request may go; at nought it is taken to go now."""
        wait = max(self.resume_at, self.next_at) - now
        if wait > 0:
            return wait
        self.next_at = self.turn(now, self.next_at)
        return 0.0

    def turn(self, now: float, due_at: float) -> float:
        """Take a turn that was due before now; when the next one is."""
        self._pace.sent(now)
        return due_at if self.pace is None else max(due_at, now - SLACK_S) + 1 / self.pace

    def book(self, turns: int) -> None:
        """Set some turns aside, which are taken one by one."""
        if self.pace is not None:
            self.next_at += turns / self.pace

    def let_through(self, now: float, *, senders: int = 1) -> None:
        """A request was answered and not refused; `senders` as in `refused`."""
        self._in_flight.let_through(now)
        self._pace.let_through(now)
        if self._pace.may_rise(now):
            self._pace.rise(now, self.resume_at, senders)

    def may_rise(self, now: float) -> bool:
        """Whether the next that is let through changes the pace."""
        return self._pace.may_rise(now)

    def refused(self, now: float, sent_at: float, after_s: float | None, *, rate: bool, senders: int = 1) -> None:
        """A request that was sent at `sent_at` was refused: for its rate, or because the service is busy.

        `senders` is how many processes send for the account, each about as much as this one.
        """
        same = sent_at <= self.cut_at  # it was under way when the others were refused
        stray = not same and (self._pace.stray(now, sent_at, senders) if rate else self._in_flight.stray())
        if after_s is None:
            after_s = 0.0 if stray and not rate else _PAUSE_S
        self.resume_at = max(self.resume_at, now + min(LONGEST_PAUSE_S, after_s))
        if not (same or stray):
            slower = rate and self._pace.slow_down(now, sent_at, senders, few=self.allowed <= 1)
            self._in_flight.halve(now, too_many=not slower)
            self.cut_at = now
