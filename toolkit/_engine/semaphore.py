"""AdaptiveSemaphore for readings: as many as are allowed just now."""

import asyncio
from collections import deque
from collections.abc import Callable


class AdaptiveSemaphore:
    """First come, first served. `allowed` says how many there are, and may change its mind."""

    def __init__(self, allowed: Callable[[], int]) -> None:
        self._allowed = allowed
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._open_to_all = False

    async def enter(self) -> None:
        """Return with a place."""
        if not self._waiting and self._is_free():
            self._taken += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._let_in()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was given a place in the same moment
                self.leave()
            raise

    def leave(self) -> None:
        """Give a place back."""
        self._taken -= 1
        self._let_in()

    def let_all_in(self) -> None:
        """Nobody is to wait any more, now or later: there is nothing left to wait for."""
        self._open_to_all = True
        self._let_in()

    def _is_free(self) -> bool:
        return self._open_to_all or self._taken < self._allowed()

    def _let_in(self) -> None:
        while self._waiting and self._is_free():
            turn = self._waiting.popleft()
            if not turn.done():  # else it was cancelled
                self._taken += 1
                turn.set_result(None)
