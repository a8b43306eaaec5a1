"""An account's rate, kept together with the other notebooks of this user that have the same key.

The account's few numbers (when the next request may go, until when to pause, at which pace) and the processes that
use it stand in a small file that all of them map into memory. Looking costs no system call; changing takes the
file's lock. Where files cannot be locked, each process keeps to itself.
"""

import asyncio
import contextlib
import hashlib
import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path

from toolkit.engine.drive import Clock
from toolkit.engine.limits import Governor
from toolkit.providers.base import Account

_NUMBERS = struct.Struct("ddd")  # next_at, resume_at, pace (0: none)
_MEMBER = struct.Struct("qd")  # process id, when it was last seen
_MEMBERS = 32
_SIZE = _NUMBERS.size + _MEMBERS * _MEMBER.size
_SEEN_EVERY_S = 1.0
_GONE_AFTER_S = 5.0
_LONGEST_WAIT_S = 600.0  # services lock accounts out for ten minutes; a longer wait is a clock that jumped


class Pacing:
    """Lets requests go at the rate that a governor allows."""

    def __init__(self, governor: Governor, account: Account, clock: Clock, folder: Path | None = None) -> None:
        self._governor = governor
        self._clock = clock
        self._turn = asyncio.Lock()
        self._shared = _Shared.open(account, folder)
        self._members = 1
        self._seen_at = float("-inf")

    @property
    def allowed(self) -> int:
        """How many readings this process may have under way: its part of what the account is allowed."""
        return max(1, int(self._governor.allowed) // self._share())

    async def place(self) -> None:
        """Return when the next request may go. First come, first served."""
        if not self._turn.locked() and self._free():
            return
        async with self._turn:
            while (wait_s := self._wait_s()) > 0:
                await self._clock.sleep(wait_s)

    def let_through(self) -> None:
        """A request was answered and not refused."""
        self._governor.let_through(self._clock.unix())

    def refused(self, sent_at: float, after_s: float | None, *, rate: bool) -> None:
        """A request was refused; the other processes are told by the file."""
        with self._exchanged():
            self._governor.refused(self._clock.unix(), sent_at, after_s, rate=rate)

    def close(self) -> None:
        """Leave the file."""
        if self._shared is not None:
            self._shared.leave()
            self._shared = None

    def _free(self) -> bool:
        """Whether nothing limits the rate now. A glance, without the lock."""
        if self._shared is not None:
            self._governor.next_at, self._governor.resume_at, pace = self._shared.numbers()
            self._governor.pace = pace or self._governor.pace
        return self._governor.pace is None and self._governor.wait_s(self._clock.unix()) <= 0

    def _wait_s(self) -> float:
        with self._exchanged():
            return self._governor.wait_s(self._clock.unix())

    @contextlib.contextmanager
    def _exchanged(self) -> Iterator[None]:
        """The governor with the file's numbers in it; what it makes of them goes back."""
        if self._shared is None:
            yield
            return
        governor, now = self._governor, self._clock.unix()
        with self._shared.locked():
            next_at, resume_at, pace = self._shared.numbers()
            governor.next_at = next_at if next_at - now < _LONGEST_WAIT_S else now
            governor.resume_at = resume_at if resume_at - now < _LONGEST_WAIT_S else now
            if pace and (governor.pace is None or pace < governor.pace):
                governor.pace = pace
            yield
            self._shared.write(governor.next_at, governor.resume_at, governor.pace or 0.0)

    def _share(self) -> int:
        now = self._clock.unix()
        if self._shared is not None and now - self._seen_at >= _SEEN_EVERY_S:
            self._seen_at = now
            with self._shared.locked():
                self._members = self._shared.sign(now)
        return self._members


class _Shared:
    """The file."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._map = mmap.mmap(fd, _SIZE)

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
            fd = os.open(folder / f"{name}.account", os.O_RDWR | os.O_CREAT, 0o600)
            if os.fstat(fd).st_size != _SIZE:
                os.ftruncate(fd, _SIZE)
            return cls(fd)
        except (ImportError, OSError, RuntimeError):
            return None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        import fcntl

        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def numbers(self) -> tuple[float, float, float]:
        next_at, resume_at, pace = _NUMBERS.unpack_from(self._map, 0)
        return next_at, resume_at, pace

    def write(self, next_at: float, resume_at: float, pace: float) -> None:
        _NUMBERS.pack_into(self._map, 0, next_at, resume_at, pace)

    def sign(self, now: float) -> int:
        """Say that this process is there; gives how many are. Places of those that are gone are taken over."""
        mine, living = None, 0
        for place in range(_MEMBERS):
            pid, seen_at = _MEMBER.unpack_from(self._map, self._at(place))
            if pid == os.getpid() or (pid and now - seen_at > _GONE_AFTER_S) or (not pid and mine is None):
                mine = place if mine is None else mine
                _MEMBER.pack_into(self._map, self._at(place), 0, 0.0)
            elif pid:
                living += 1
        if mine is not None:
            _MEMBER.pack_into(self._map, self._at(mine), os.getpid(), now)
        if not living and mine is not None and self._stale(now):
            self.write(0.0, 0.0, 0.0)  # nobody else is here: what was learned by others long ago is forgotten
        return living + 1

    def _stale(self, now: float) -> bool:
        next_at, resume_at, _ = self.numbers()
        return max(next_at, resume_at) < now - 60.0

    def leave(self) -> None:
        with self.locked():
            for place in range(_MEMBERS):
                if _MEMBER.unpack_from(self._map, self._at(place))[0] == os.getpid():
                    _MEMBER.pack_into(self._map, self._at(place), 0, 0.0)
        self._map.close()
        os.close(self._fd)

    @staticmethod
    def _at(place: int) -> int:
        return _NUMBERS.size + place * _MEMBER.size
