"""Servers on 127.0.0.1 that say, byte for byte, what a test tells them to."""

import asyncio
import contextlib
import socket
import ssl
import struct
from pathlib import Path
from typing import NamedTuple

CERTIFICATE = Path(__file__).with_name("loopback.pem")
"""Of localhost and service.example, not of 127.0.0.1; signed by itself."""


class Request(NamedTuple):
    """One request as it came over the wire."""

    line: str
    headers: dict[str, str]
    body: bytes


async def read_request(reader):
    """The next request of a connection; None when the client has closed it."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    line, *fields = head.strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(line, headers, body)


class Server:
    """Awaits ``answer(writer, request)`` for each request, and closes the connection when that is True.

    `requests` and `connections` say what came; `finished` counts the answers that were written whole.
    """

    def __init__(self, answer, *, tls=False, host=None):
        self.answer = answer
        self.tls = tls
        self.host = "localhost" if tls and host is None else host or "127.0.0.1"
        self.requests = []
        self.connections = 0
        self.finished = 0
        self._tasks = set()

    async def __aenter__(self):
        context = None
        if self.tls:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(CERTIFICATE)
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http{'s' if self.tls else ''}://{self.host}:{self.port}"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader, writer):
        self.connections += 1
        task = asyncio.current_task()
        self._tasks.add(task)
        # The task ends well also when it is cancelled: asyncio would report that as an error of the server.
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            try:
                await self._converse(reader, writer)
            finally:
                await close(writer)
        self._tasks.discard(task)

    async def _converse(self, reader, writer):
        while (request := await read_request(reader)) is not None:
            self.requests.append(request)
            last = await self.answer(writer, request)
            self.finished += 1
            if last:
                break


class Tunnel(Server):
    """A proxy that answers CONNECT with a tunnel to `port` of this machine, or with the `status` of a refusal."""

    def __init__(self, port, status="200 Connected"):
        super().__init__(says(f"HTTP/1.1 {status}\r\n\r\n".encode()))
        self._through = port if status.startswith("200") else None

    async def _converse(self, reader, writer):
        request = await read_request(reader)
        self.requests.append(request)
        await self.answer(writer, request)
        if self._through is None:
            return
        there, away = await asyncio.open_connection("127.0.0.1", self._through)
        try:
            await asyncio.gather(_copy(reader, away), _copy(there, writer))
        finally:
            await close(away)


async def _copy(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def close(writer):
    """Close and wait until it is."""
    writer.close()
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        await writer.wait_closed()


@contextlib.asynccontextmanager
async def accepting(first_words=b""):
    """A port that takes connections, says something at once, and reads nothing. Gives the port."""
    writers = []

    async def greet(_, writer):
        writers.append(writer)
        writer.write(first_words)

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        for writer in writers:
            await close(writer)


def message(body=b"", status="200 OK", **headers):
    """An answer's bytes, with Content-Length unless another is given; `_` in names stands for `-`."""
    fields = {"Content-Length": len(body)} | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields.items() if value is not None)]
    return "\r\n".join([*lines, "", ""]).encode() + body


def says(*pieces, last=False):
    """An answer in the pieces given, each sent on its own; the `last` ends the connection."""

    async def answer(writer, request):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        return last

    return answer


def drips(start, piece):
    """An answer that begins with `start` and then goes on with `piece`, every 20 ms, for ever."""

    async def answer(writer, request):
        writer.write(start)
        while True:
            await writer.drain()
            await asyncio.sleep(0.02)
            writer.write(piece)

    return answer


def floods(start, piece):
    """As `drips`, as fast as it is read."""

    async def answer(writer, request):
        writer.write(start)
        while True:
            writer.write(piece)
            await writer.drain()

    return answer


async def silent(writer, request):
    """No answer, ever."""
    await asyncio.Event().wait()


async def resets(writer, request):
    """The connection ends with a reset instead of an answer."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return True


async def closes(writer, request):
    """The connection is closed instead of an answer."""
    return True
