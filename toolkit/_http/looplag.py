"""How late an event loop runs what is due."""

import asyncio
from dataclasses import dataclass

EVERY_S = 0.01


@dataclass(slots=True, eq=False)
class Watch:
    """One stretch of time and the worst that was seen in it."""

    worst_s: float = 0.0


class LoopLag:
    """Asks the loop to be woken every 10 ms while somebody watches, and notes how late it was.

    A loop that is busy with other work reads a reply late by up to this much, and cannot know it otherwise.
    """

    def __init__(self) -> None:
        self._watches: set[Watch] = set()
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> Watch:
        """Watch from now on."""
        watch = Watch()
        self._watches.add(watch)
        if self._timer is None:
            self._wake_up(asyncio.get_running_loop())
        return watch

    def end(self, watch: Watch) -> float:
        """Seconds of the worst delay since `begin`, also one that still goes on."""
        self._watches.discard(watch)
        overdue_s = asyncio.get_running_loop().time() - self._due
        if not self._watches:
            self.close()
        return max(watch.worst_s, overdue_s, 0.0)

    def close(self) -> None:
        """Ask for no more waking."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake_up(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = loop.time() + EVERY_S
        self._timer = loop.call_at(self._due, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        late_s = loop.time() - self._due
        for watch in self._watches:
            watch.worst_s = max(watch.worst_s, late_s)
        self._wake_up(loop)
