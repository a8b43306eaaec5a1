"""An account's rate, kept together with the other notebooks of this user that have the same key.

The account's few numbers (when the next request may go, until when to pause, at which pace, when it was last cut)
and the runs that use it stand in a small file that all of them map into memory. Looking costs no system call;
changing takes the file's lock. Where files cannot be locked, each process keeps to itself.
"""

import asyncio
import contextlib
import hashlib
import math
import mmap
import os
import struct
from collections.abc import Iterator
from functools import partial
from io import FileIO
from pathlib import Path

from toolkit._engine.driver import Clock
from toolkit._engine.limits import LONGEST_PAUSE_S, SLACK_S, RateController
from toolkit._providers.base import Account

_NUMBERS = struct.Struct("dddd")  # next_at, resume_at, pace (0: none), cut_at
_MEMBER = struct.Struct("qd")  # a number for who it is, when it was last seen
_MEMBERS = 32
_SIZE = _NUMBERS.size + _MEMBERS * _MEMBER.size
_SEEN_EVERY_S = 1.0
_GONE_AFTER_S = 5.0
_STALE_AFTER_S = 60.0
_SET_BACK_S = 1.0
_BOOKED_S = 0.02  # turns of so long are taken from the file at once: a lock for each would cost more than its request


class Pacing:
    """Lets requests go at the rate that a rate_controller allows."""

    def __init__(
        self, rate_controller: RateController, account: Account, clock: Clock, folder: Path | None = None
    ) -> None:
        self._rate_controller = rate_controller
        self._clock = clock
        self._turn = asyncio.Lock()
        self._shared = _Shared.open(account, folder)
        self._members = 1
        self._booked = 0  # turns that were taken in advance
        self._booked_at = 0.0
        self._booked_under = (0.0, 0.0)
        self._seen_at = float("-inf")
        self._ahead_s = clock.unix() - clock.now()
        if self._shared is not None:
            self._join()

    @property
    def allowed(self) -> int:
        """How many readings this process may have under way: its part of what the account is allowed."""
        return max(1, int(self._rate_controller.allowed) // self._share())

    @property
    def resumes_at(self) -> float:
        """When the last pause ends or ended that a refusal brought, in seconds since 1970; 0 when there was none."""
        return self._rate_controller.resume_at

    async def place(self) -> None:
        """Return when the next request may go. First come, first served."""
        if not self._turn.locked() and self._free():
            return
        async with self._turn:
            while (wait_s := self._wait_s()) > 0:
                await self._clock.sleep(wait_s)

    def let_through(self) -> None:
        """A request was answered and not refused."""
        now = self._clock.unix()
        if self._rate_controller.may_rise(now):
            with self._exchanged():  # which reads first what the others were told
                self._rate_controller.let_through(now, senders=self._members)
        else:
            self._rate_controller.let_through(now)

    def refused(self, sent_at: float, after_s: float | None, *, rate: bool) -> None:
        """A request was refused; the other processes are told by the file."""
        with self._exchanged():
            self._rate_controller.refused(self._clock.unix(), sent_at, after_s, rate=rate, senders=self._members)

    def close(self) -> None:
        """Leave the file."""
        if self._shared is not None:
            self._shared.leave()
            self._shared = None

    def _free(self) -> bool:
        """Whether nothing limits the rate now. A glance, without the lock."""
        now = self._now()
        self._read()
        return self._rate_controller.pace is None and self._rate_controller.wait_s(now) <= 0

    def _wait_s(self) -> float:
        now = self._now()
        rate_controller = self._rate_controller
        if self._booked and self._is_still_booked(now):
            wait_s = max(0.0, self._booked_at - now)
            if not wait_s:
                self._booked -= 1
                self._booked_at = rate_controller.turn(now, self._booked_at)
            return wait_s
        with self._exchanged():
            wait_s = rate_controller.wait_s(now)
            if wait_s <= 0 and rate_controller.pace is not None and self._shared is not None:
                self._booked, self._booked_at = int(_BOOKED_S * rate_controller.pace), rate_controller.next_at
                self._booked_under = rate_controller.resume_at, rate_controller.cut_at
                rate_controller.book(self._booked)
        return wait_s

    def _is_still_booked(self, now: float) -> bool:
        """Drop turns that are past, and all of them when somebody was refused meanwhile: they may be others' by now."""
        self._read()
        rate_controller = self._rate_controller
        if rate_controller.pace is None or self._booked_under != (rate_controller.resume_at, rate_controller.cut_at):
            self._booked = 0
        elif (late_s := now - SLACK_S - self._booked_at) > 0:
            lost = math.ceil(late_s * rate_controller.pace)
            self._booked, self._booked_at = max(0, self._booked - lost), self._booked_at + lost / rate_controller.pace
        return self._booked > 0

    def _now(self) -> float:
        """The time of day. Where somebody has set it back, what was said of the future is forgotten.

        Else a pause of a second would last for as long as the clock was set back.
        """
        now = self._clock.unix()
        before_s, self._ahead_s = self._ahead_s, now - self._clock.now()
        if self._ahead_s < before_s - _SET_BACK_S:
            self._booked = 0
            self._seen_at = float("-inf")
            with self._exchanged():
                self._rate_controller.next_at = self._rate_controller.resume_at = 0.0
        return now

    @contextlib.contextmanager
    def _exchanged(self) -> Iterator[None]:
        """The rate_controller with the file's numbers in it; what it makes of them goes back."""
        if self._shared is None:
            yield
            return
        with self._shared.locked():
            self._read()
            yield
            self._write()

    def _read(self) -> None:
        if self._shared is None:
            return
        rate_controller, now = self._rate_controller, self._clock.unix()
        next_at, resume_at, pace, cut_at = self._shared.numbers()
        # A time too far ahead was written by a clock that has jumped back since.
        rate_controller.next_at = next_at if next_at <= now + LONGEST_PAUSE_S else 0.0
        rate_controller.resume_at = resume_at if resume_at <= now + LONGEST_PAUSE_S else 0.0
        rate_controller.cut_at = min(cut_at, now)
        rate_controller.pace = min(pace, rate_controller.ceiling or pace) if pace else rate_controller.ceiling

    def _write(self) -> None:
        assert self._shared is not None  # noqa: S101 -- looked at by the callers
        rate_controller = self._rate_controller
        self._shared.write(
            rate_controller.next_at, rate_controller.resume_at, rate_controller.pace or 0.0, rate_controller.cut_at
        )

    def _join(self) -> None:
        """Sign for the first time. Where nobody else is, only pauses and what was learned of late still hold."""
        assert self._shared is not None  # noqa: S101 -- looked at by the caller
        now = self._clock.unix()
        with self._shared.locked():
            self._members = self._shared.sign(now)
            self._seen_at = now
            next_at, resume_at, _, cut_at = self._shared.numbers()
            if self._members == 1 and (self._rate_controller.ceiling is not None or cut_at < now - _STALE_AFTER_S):
                self._shared.write(next_at, resume_at, 0.0, cut_at)

    def _share(self) -> int:
        now = self._clock.unix()
        if self._shared is not None and now - self._seen_at >= _SEEN_EVERY_S:
            self._seen_at = now
            with self._shared.locked():
                self._members = self._shared.sign(now)
        return self._members


class _Shared:
    """The file."""

    def __init__(self, file: FileIO) -> None:
        # Not the process id: two runs of one process are two that share.
        self._me = int.from_bytes(os.urandom(7)) + 1
        self._file = file  # not its number: should an interrupt lose it, it closes itself
        self._map = mmap.mmap(file.fileno(), _SIZE)

    @classmethod
    def open(cls, account: Account, folder: Path | None) -> "_Shared | None":
        try:
            import fcntl  # noqa: F401 -- only asked whether it is there

            folder = (
                folder or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "image-to-text-toolkit"
            )
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # A digest, because a key may not stand in a file's name.
            name = hashlib.sha256(f"{account.service}\n{account.base_url}\n{account.key}".encode()).hexdigest()[:24]
            file = FileIO(folder / f"{name}.limits", "a+", opener=partial(os.open, mode=0o600))
            if os.fstat(file.fileno()).st_size != _SIZE:
                file.truncate(_SIZE)
            return cls(file)
        except (ImportError, OSError, RuntimeError):
            return None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        import fcntl

        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def numbers(self) -> tuple[float, float, float, float]:
        next_at, resume_at, pace, cut_at = _NUMBERS.unpack_from(self._map, 0)
        return next_at, resume_at, pace, cut_at

    def write(self, next_at: float, resume_at: float, pace: float, cut_at: float) -> None:
        _NUMBERS.pack_into(self._map, 0, next_at, resume_at, pace, cut_at)

    def sign(self, now: float) -> int:
        """Say that this one is there; gives how many are. AdaptiveSemaphore of those that are gone are taken over."""
        mine, living = None, 0
        for place in range(_MEMBERS):
            who, seen_at = _MEMBER.unpack_from(self._map, self._at(place))
            if who == self._me or not who or abs(now - seen_at) > _GONE_AFTER_S:
                mine = place if mine is None else mine
                _MEMBER.pack_into(self._map, self._at(place), 0, 0.0)
            else:
                living += 1
        if mine is not None:
            _MEMBER.pack_into(self._map, self._at(mine), self._me, now)
        return living + 1

    def leave(self) -> None:
        with self.locked():
            for place in range(_MEMBERS):
                if _MEMBER.unpack_from(self._map, self._at(place))[0] == self._me:
                    _MEMBER.pack_into(self._map, self._at(place), 0, 0.0)
        self._map.close()
        self._file.close()

    @staticmethod
    def _at(place: int) -> int:
        return _NUMBERS.size + place * _MEMBER.size
