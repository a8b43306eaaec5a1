"""Exchanges over aiohttp: the extra `fast`, at two thirds of the processor time of threads.

All of it happens in the event loop, so the loop's own lateness is in the times; it is watched and handed on.
"""

import asyncio
import io
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from types import SimpleNamespace

import aiohttp
from yarl import URL

from toolkit._http.exchange import (
    KEEP_ALIVE_S,
    MAX_BODY_BYTES,
    Exchanged,
    Response,
    Target,
    failure,
    headers_for,
    refuse_unread,
    target_of,
    too_long,
)
from toolkit._http.looplag import LoopLag
from toolkit._http.proxies import Proxies, Proxy
from toolkit.errors import TransportError, Unreachable

_LARGE_BYTES = 1 << 20
_AUTOMATIC_HEADERS = ("Accept", "Content-Type")
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=None)  # one deadline stands around all of it


@dataclass(slots=True, eq=False)
class _Connection:
    """When the connection of one request began to be opened, if at all, and when it was open."""

    opening_at: float | None = None
    open_at: float | None = None

    def failure(self, target: Target, proxy: Proxy | None, error: BaseException) -> TransportError:
        """The error as callers see it: with an open connection, something may have been sent."""
        reason: BaseException | str = error
        if isinstance(error, aiohttp.ClientHttpProxyError):
            reason = f"it refuses to connect ({error.status})"
        elif isinstance(error, aiohttp.ClientConnectorCertificateError):
            reason = error.certificate_error
        elif isinstance(error, aiohttp.ClientConnectorError):
            reason = error.os_error
        return failure(target, reason, sent=self.open_at is not None, via=proxy.url if proxy else None)


class FastClient:
    """As many exchanges at a time as are asked for, all in the caller's event loop. A cancelled one is cut."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._session: aiohttp.ClientSession | None = None
        self._proxies = Proxies()
        self._lag = LoopLag()
        self._closed = False

    async def exchange(
        self, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float, method: str = "POST"
    ) -> Exchanged:
        target = target_of(url)
        if self._closed:
            raise Unreachable(f"{target.host_port}: the client is closed")
        if self._session is None:
            self._session = _session(self._context)  # only here, since it belongs to the running loop
        prepared = headers_for(target, body, headers)
        proxy = self._proxies.proxy_for(target)
        connection = _Connection()
        watch = self._lag.begin()
        try:
            async with asyncio.timeout(timeout_s):
                reply = await _send(self._session, target, proxy, method, body, prepared, connection)
            done_at = perf_counter()
        except (aiohttp.ClientError, OSError) as error:
            raise connection.failure(target, proxy, error) from None
        finally:
            lag_s = self._lag.end(watch)
        open_at = connection.open_at or done_at
        connect_s = open_at - (connection.opening_at or open_at)
        return Exchanged(reply, connect_s, done_at - open_at, lag_s)

    async def close(self) -> None:
        self._closed = True
        if self._session is not None:
            await self._session.close()


async def _send(
    session: aiohttp.ClientSession,
    target: Target,
    proxy: Proxy | None,
    method: str,
    body: bytes,
    headers: Mapping[str, str],
    connection: _Connection,
) -> Response:
    async with session.request(
        method,
        URL(f"{target.scheme}://{target.host_port}{target.path}", encoded=True),
        data=io.BytesIO(body) if len(body) > _LARGE_BYTES else body,  # aiohttp writes a file in pieces
        headers={**headers, **proxy.headers} if proxy and target.scheme == "http" else headers,
        allow_redirects=False,
        proxy=proxy.url if proxy else None,
        proxy_headers=proxy.headers if proxy else None,  # goes with CONNECT alone
        trace_request_ctx=connection,
    ) as response:
        if response.status < 200:
            raise aiohttp.ClientPayloadError  # a switch of protocol that nobody asked for
        received: dict[str, str] = {}
        for name, value in response.headers.items():
            key = name.lower()
            received[key] = f"{received[key]}, {value}" if key in received else value
        refuse_unread(target, received)
        content = bytearray()
        async for piece in response.content.iter_any():
            content += piece
            if len(content) > MAX_BODY_BYTES:
                raise too_long(target)
        return Response(response.status, bytes(content), received)


def _session(context: ssl.SSLContext) -> aiohttp.ClientSession:
    trace = aiohttp.TraceConfig()
    trace.on_connection_create_start.append(_opening)
    trace.on_connection_create_end.append(_open)
    trace.on_connection_reuseconn.append(_open)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=context, keepalive_timeout=KEEP_ALIVE_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=_NO_TIMEOUT,
        auto_decompress=False,
        skip_auto_headers=_AUTOMATIC_HEADERS,
        trust_env=False,  # it would also send logins from ~/.netrc; proxies are looked up by ourselves
        trace_configs=[trace],
    )


async def _opening(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    context.trace_request_ctx.opening_at = perf_counter()


async def _open(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    context.trace_request_ctx.open_at = perf_counter()
