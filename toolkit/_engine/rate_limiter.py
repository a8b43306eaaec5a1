"""How many readings in flight, and which pace, a service lets through: learned from what it refuses. Pure.

Both are lowered by a refusal, return soon to what was not the matter, and try more than was refused only after a
calm. A single refusal of what was let through for long changes neither: services refuse a request now and then for
reasons of their own, and would bring a long run to a crawl. The next one near it counts.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

_CALM_S = 15.0  # without a refusal before more is tried; doubled by each refusal
_LONGEST_CALM_S = 240.0
_GROWTH_PER_S = 0.02
_STEP_S = 0.1  # the others that share a pace are told of each step
_BEYOND = 1.05  # of what was refused: where so much is let through later, the refusals were about something else

_FIRST_IN_FLIGHT = 64  # before any answer, where no rate was declared
_ROUND = 20  # so many answers, or as many as are in flight, show that so many in flight are let through
_FINE = 0.9  # of as many in flight as were refused

_CAUTION = 0.97  # of the pace that was let through
_WINDOW_S = 1.0  # over which services count, as far as they say
_TELLING = 5  # fewer requests say little about a rate
_SHORTEST_S = 0.05
_LEAST_PER_S = 0.2  # a service that refuses everything shall not put off the end of a run for ever
_FAR = 1.5
_STEADY_S = 3.0  # so much of a pace shows that it is let through
_DOUBT_S = 2.0  # the calm and the growth of a pace that was learned from little
_RETURN_PER_S = 0.2


@dataclass(slots=True)
class _Calm:
    """When more may be tried: after a time without refusals, which each of them makes longer."""

    refusals: int = 0
    refused_at: float = 0.0
    refused: float = 0.0  # what was
    _grown_at: float = 0.0

    def broken(self, now: float, refused: float) -> None:
        self.refusals += 1
        self.refused_at, self.refused = now, refused

    def is_over(self, now: float, *, in_doubt: bool = False) -> bool:
        """Whether it was long enough, and the last step too."""
        return now >= self._since(in_doubt) + _STEP_S

    def growth(self, now: float, *, in_doubt: bool = False) -> float:
        """By what to multiply when it is over."""
        since, self._grown_at = self._since(in_doubt), now
        return 1 + (_RETURN_PER_S if in_doubt else _GROWTH_PER_S) * min(1.0, now - since)

    def _since(self, in_doubt: bool) -> float:
        doublings = min(max(0, self.refusals - 1), 10)
        calm_s = _DOUBT_S if in_doubt else min(_LONGEST_CALM_S, _CALM_S * 2**doublings)
        return max(self._grown_at, self.refused_at + calm_s)

    def grown(self, to: float) -> None:
        if to > _BEYOND * self.refused:
            self.refusals = 0

    def doubted(self) -> None:
        """Not every refusal is about what is tried: be a little bolder."""
        self.refusals = max(0, self.refusals - 1)


@dataclass(slots=True)
class InFlight:
    """How many readings may be under way, up to `most`; with `all_at_once`, all of them from the first on."""

    most: int
    all_at_once: bool = False
    allowed: float = field(init=False)
    _fine: float = float("inf")  # up to here it was not too many
    _let_through: int = 0  # since the last refusal
    _since_halved: int = 0
    _calm: _Calm = field(default_factory=_Calm)

    def __post_init__(self) -> None:
        self.allowed = float(self.most if self.all_at_once else min(self.most, _FIRST_IN_FLIGHT))

    def let_through(self, now: float) -> None:
        """One more answer; up to what was fine, each brings one more."""
        self._let_through += 1
        self._since_halved += 1
        if self.allowed == self.most:
            return
        if self.allowed < self._fine:
            self.allowed = min(self.allowed + 1.0, self._fine)
        elif self._calm.is_over(now):
            self.allowed *= self._calm.growth(now)
            self._calm.grown(self.allowed)
        self.allowed = min(float(self.most), self.allowed)

    def stray(self) -> bool:
        """One was refused: whether that says nothing, because as many were let through since the last one."""
        enough = self._let_through >= max(_ROUND, self.allowed)
        self._let_through = 0
        if enough:
            self._calm.doubted()
        return enough

    def halve(self, now: float, *, too_many: bool) -> None:
        """Half of them; if it was not for their number, only until some are answered.

        Where nothing was let through since the last time, a service is out of order, which has no more to do with
        their number: all are back soon after it is.
        """
        if not too_many:
            self._fine = float("inf")
        elif self._since_halved or not self._calm.refusals:
            self._fine = _FINE * self.allowed
            self._calm.broken(now, self.allowed)
        self.allowed = max(1.0, self.allowed / 2)
        self._since_halved = 0


@dataclass(slots=True)
class Pace:
    """Requests per second, at most `ceiling` where a rate was declared; None while nothing limits them.

    `per_second` belongs to the account: another process may have changed it since the last look.
    """

    ceiling: float | None
    per_second: float | None = field(init=False)
    _calm: _Calm = field(default_factory=_Calm)
    _in_doubt_below: float = 0.0
    _held: float = 0.0  # the pace at which a refusal was taken for a stray one
    _known: float | None = field(init=False)
    _since: float | None = None  # when this pace began to be let through
    _let_through: int = 0  # requests since then
    _since_refused: int = 0
    _sent: deque[float] = field(default_factory=lambda: deque(maxlen=10_000))

    def __post_init__(self) -> None:
        self.per_second = self._known = self.ceiling

    def sent(self, now: float) -> None:
        """A request goes now."""
        self._sent.append(now)

    def let_through(self, now: float) -> None:
        """A request was answered and not refused."""
        self._look(now)
        self._let_through += 1
        self._since_refused += 1

    def may_rise(self, now: float) -> bool:
        """Whether it is time to try more."""
        if self.per_second is None or self.per_second == self.ceiling:
            return False
        return self._calm.is_over(now, in_doubt=self.per_second < self._in_doubt_below)

    def rise(self, now: float, resumed_at: float, senders: int) -> None:
        """Try a little more, or without a limit where it limits nothing; the last pause ended at `resumed_at`."""
        assert self.per_second is not None  # noqa: S101 -- it may rise
        faster = self.per_second * self._calm.growth(now, in_doubt=self.per_second < self._in_doubt_below)
        self._calm.grown(faster)
        settled = now - resumed_at > 2 * _WINDOW_S
        free = self.ceiling is None and settled and self._idle(faster / senders, now)
        self._set(None if free else min(faster, self.ceiling or faster), now)

    def stray(self, now: float, sent_at: float, senders: int) -> bool:
        """One was refused: whether that says nothing about the pace, because it was let through for seconds."""
        self._look(now)
        assert self._since is not None  # noqa: S101 -- it was looked at
        steady_s = sent_at - self._since
        if steady_s < _STEADY_S or senders * self._let_through < _STEADY_S * (self.per_second or 0.0):
            return False
        self._calm.doubted()
        self._since_refused = 0
        # Where nothing limited it, it has to be far above what was sent before nothing does again.
        self._held = self.per_second or _FAR * _rate(self._of_late(sent_at), sent_at, senders)
        self._since, self._let_through = now, 0
        return True

    def slow_down(self, now: float, sent_at: float, senders: int, *, few: bool) -> bool:
        """Set the pace by what was sent in the last second; False where that is too little to learn from.

        `few` says that as few are in flight as can be, so that it has to be enough.
        """
        of_late = self._of_late(sent_at)
        # What was sent before the refused request was let through, or will be: services refuse in order.
        before = senders * max(0, sum(at <= sent_at for at in of_late) - 1)
        out_of_order = before == 0 and self._since_refused == 0
        self._since_refused = 0
        if out_of_order:  # it refuses everything, which says nothing about a rate
            return self.per_second is not None
        if self.per_second is None and before < _TELLING and not few:
            return False
        tried = _rate(of_late, sent_at, senders) if self.per_second is None else self.per_second
        half = 0.0 if self.per_second is None else self.per_second / 2
        learned = max(_CAUTION * before / _WINDOW_S, half, _LEAST_PER_S)
        # A second's sending shows the rate that is allowed. After less, the refusal may have been a stray one. Nor do
        # two near each other contradict what was let through for long; the third does.
        self._in_doubt_below, self._held = max(0.9 * tried, self._held), 0.0
        self._set(min(tried, learned), now)
        self._calm.broken(now, tried)
        self._sent.clear()
        return True

    def _of_late(self, sent_at: float) -> list[float]:
        return [at for at in self._sent if at > sent_at - _WINDOW_S]

    def _idle(self, pace: float, now: float) -> bool:
        """Whether a pace limits nothing: far fewer were sent in the last second, and are not held up by it."""
        few = int(pace / _FAR)
        return len(self._sent) > few and now - self._sent[-few - 1] > _WINDOW_S

    def _set(self, per_second: float | None, now: float) -> None:
        self.per_second = self._known = per_second
        self._since, self._let_through = now, 0

    def _look(self, now: float) -> None:
        """Note when a pace began; it fell without us where another process was refused."""
        if self._since is None or self.per_second != self._known:
            self._since, self._let_through = now, 0
        if self.per_second is not None and (self._known is None or self.per_second < self._known):
            self._calm.refused_at = now
        self._known = self.per_second


def _rate(of_late: Sequence[float], sent_at: float, senders: int) -> float:
    tried_s = max(_SHORTEST_S, sent_at - of_late[0]) if of_late else _WINDOW_S
    return senders * max(1, len(of_late)) / min(tried_s, _WINDOW_S)
