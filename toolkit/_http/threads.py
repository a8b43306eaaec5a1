"""Exchanges in threads, over httpx's connection layer: the transport that needs no extra.

An asyncio pool of httpcore looks at all its connections for each of them at every request, and at 200 in flight
reports seconds for a server that takes 100 ms. So each exchange in flight has a thread with connections of its own;
the event loop hands it over and is called back.
"""

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Mapping

from toolkit._http.exchange import Exchanged, headers_for, target_of
from toolkit._http.proxies import Proxies
from toolkit._http.unlogged import leave_out_of_logs
from toolkit._http.worker import Job, Worker
from toolkit.errors import Unreachable

_NAME_LOOKUP_GRACE_S = 0.1
"""The look-up of a name cannot be interrupted; this long after the deadline nobody waits for its thread any more."""

_ENDING_S = 1.0


class ThreadedClient:
    """At most `in_flight` exchanges at a time, each in a thread of its own; more wait for their turn.

    An exchange whose caller was cancelled goes on to its end when it is under way, and its reply is dropped; one
    that was still waiting is never sent.
    """

    def __init__(self, in_flight: int, context: ssl.SSLContext) -> None:
        self._in_flight = in_flight
        self._context = context
        self._proxies = Proxies()
        self._workers: list[Worker] = []
        self._idle: list[Worker] = []
        self._waiting: deque[Job] = deque()
        self._finished: deque[tuple[Worker, Job]] = deque()
        self._loop_knows = False
        self._closed = False
        leave_out_of_logs()

    async def exchange(
        self, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float, method: str = "POST"
    ) -> Exchanged:
        asked_at = time.perf_counter()
        loop = asyncio.get_running_loop()
        target = target_of(url)
        if self._closed:
            raise Unreachable(f"{target.host_port}: the client is closed")
        prepared = headers_for(target, body, headers)
        job = Job(
            target, self._proxies.proxy_for(target), prepared, body, asked_at + timeout_s, loop.create_future(), method
        )
        self._hand_over(job)
        overdue = loop.call_later(timeout_s + _NAME_LOOKUP_GRACE_S, _give_up, job)
        try:
            await job.done
        finally:
            overdue.cancel()
            job.dropped = True
        if job.response is None:
            raise (job.error or Unreachable(f"{target.host_port}: the client was closed")) from None
        lag_s = time.perf_counter() - asked_at - job.connect_s - job.service_s
        return Exchanged(job.response, job.connect_s, job.service_s, max(0.0, lag_s))

    async def close(self) -> None:
        self._closed = True
        for job in self._waiting:
            job.resolve()
        self._waiting.clear()
        await asyncio.gather(*(worker.end(_ENDING_S) for worker in self._workers))
        self._workers.clear()
        self._idle.clear()

    def _hand_over(self, job: Job) -> None:
        if self._idle:
            self._idle.pop().take(job)  # the one that was last in use: its connection is the most likely to be open
        elif len(self._workers) < self._in_flight:
            worker = Worker(self._context, self._finish)
            self._workers.append(worker)
            worker.take(job)
        else:
            self._waiting.append(job)

    def _finish(self, worker: Worker, job: Job) -> None:
        """In the worker's thread: tell the event loop, once for all that end before it looks."""
        self._finished.append((worker, job))
        if not self._loop_knows:
            self._loop_knows = True
            job.done.get_loop().call_soon_threadsafe(self._look)

    def _look(self) -> None:
        self._loop_knows = False  # first: what ends from now on has to tell again
        while self._finished:
            worker, job = self._finished.popleft()
            job.resolve()
            self._go_on(worker)

    def _go_on(self, worker: Worker) -> None:
        while self._waiting:
            following = self._waiting.popleft()
            if not following.dropped:
                worker.take(following)
                return
        self._idle.append(worker)


def _give_up(job: Job) -> None:
    if not job.done.done():
        job.error = job.failure(TimeoutError())
        job.resolve()
