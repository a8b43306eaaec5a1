"""One thread and its connections: where the exchanges of `threads` are carried out and timed."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from queue import SimpleQueue
from threading import Thread

import httpcore

from toolkit._http.exchange import KEEP_ALIVE_S, MAX_BODY_BYTES, Response, Target, failure, refuse_unread, too_long
from toolkit._http.proxies import Proxy
from toolkit._http.timed_socket import TimedSocket
from toolkit._http.unlogged import THREAD_PREFIX
from toolkit.errors import ProtocolError, TransportError

_numbers = count(1)
_Route = tuple[str, str, int, Proxy | None]


@dataclass(slots=True, eq=False)
class Job:
    """One exchange on its way through a thread. `done` is resolved in its event loop, when the rest is filled in.

    `dropped` says that nobody waits any more; `deadline` is in seconds of ``perf_counter``.
    """

    target: Target
    proxy: Proxy | None
    headers: Mapping[str, str]
    body: bytes
    deadline: float
    done: asyncio.Future[None]
    method: str = "POST"
    dropped: bool = False
    sent: bool = False
    response: Response | None = None
    error: Exception | None = None
    connect_s: float = 0.0
    service_s: float = 0.0

    def failure(self, reason: BaseException | str) -> TransportError:
        """The error that the caller will see."""
        return failure(self.target, reason, sent=self.sent, via=self.proxy.url if self.proxy else None)

    def resolve(self) -> None:
        """Wake whoever waits, if somebody still does."""
        if not self.done.done():
            self.done.set_result(None)


class Worker:
    """Carries out one job after the other, and calls `finished` in its own thread after each."""

    def __init__(self, context: ssl.SSLContext, finished: "Callable[[Worker, Job], None]") -> None:
        self._context = context
        self._finished = finished
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._wire = TimedSocket()
        self._open: dict[_Route, httpcore.ConnectionInterface] = {}
        self._ended: asyncio.Future[None] | None = None
        # A daemon, since the look-up of a name that hangs must not keep the interpreter from ending.
        self._thread = Thread(target=self._work, name=f"{THREAD_PREFIX}{next(_numbers)}", daemon=True)
        self._thread.start()

    def take(self, job: Job) -> None:
        """Carry this out next."""
        self._jobs.put(job)

    async def end(self, within_s: float) -> None:
        """Cut what is under way and end the thread.

        After `within_s` it is left behind: it looks up a name then, which nothing interrupts, and ends by itself.
        """
        self._ended = asyncio.get_running_loop().create_future()
        self._wire.sever()
        self._jobs.put(None)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended, within_s)
            self._thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if not job.dropped:
                self._carry_out(job)
            try:
                self._finished(self, job)
            except RuntimeError:  # the loop is closed: nobody is left to tell
                break
            del job  # else it, its image and its reply would live as long as the thread is idle
        for connection in self._open.values():
            connection.close()
        if self._ended is not None:
            with suppress(RuntimeError):
                self._ended.get_loop().call_soon_threadsafe(_resolve, self._ended)

    def _carry_out(self, job: Job) -> None:
        target = job.target
        self._wire.begin(job, job.deadline, secure=target.scheme == "https")
        route = target.scheme, target.host, target.port, job.proxy
        connection = None
        try:
            connection = self._connection(route)
            job.response = _converse(connection, job)
            job.connect_s, job.service_s = self._wire.connect_s, self._wire.service_s
            if connection.is_idle():
                self._open[route] = connection
        except ProtocolError as error:
            job.error = error
        except httpcore.ProxyError as error:
            job.error = job.failure(f"it refuses to connect ({str(error)[:3]})")
        except (OSError, httpcore.NetworkError, httpcore.ProtocolError) as error:
            job.error = job.failure(error)
        except Exception as error:  # noqa: BLE001 -- a mistake of ours; raised again where the caller waits
            job.error = error
        if connection is not None and route not in self._open:
            connection.close()

    def _connection(self, route: _Route) -> httpcore.ConnectionInterface:
        connection = self._open.pop(route, None)
        if connection is not None:
            if not connection.has_expired():
                return connection
            connection.close()
        scheme, host, port, proxy = route
        origin = httpcore.Origin(scheme.encode(), host.encode(), port)
        if proxy is None:
            return httpcore.HTTPConnection(
                origin, ssl_context=self._context, keepalive_expiry=KEEP_ALIVE_S, network_backend=self._wire
            )
        return httpcore.HTTPProxy(
            proxy.url,
            proxy_headers=list(proxy.headers.items()),
            ssl_context=self._context,
            keepalive_expiry=KEEP_ALIVE_S,
            network_backend=self._wire,
        ).create_connection(origin)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _converse(connection: httpcore.ConnectionInterface, job: Job) -> Response:
    target = job.target
    request = httpcore.Request(
        job.method.encode(),
        httpcore.URL(scheme=target.scheme, host=target.host, port=target.explicit_port, target=target.path),
        headers=[(name.encode(), value.encode()) for name, value in job.headers.items()],
        content=job.body,
    )
    response = connection.handle_request(request)
    try:
        if not job.sent:  # it lay there since the exchange before, and answers something else or nothing
            raise httpcore.RemoteProtocolError
        headers: dict[str, str] = {}
        for raw_name, raw_value in response.headers:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        refuse_unread(target, headers)
        body = bytearray()
        for piece in response.iter_stream():
            body += piece
            if len(body) > MAX_BODY_BYTES:
                raise too_long(target)
    finally:
        response.close()
    return Response(response.status, bytes(body), headers)
