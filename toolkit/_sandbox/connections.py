"""The open sockets of the sandbox, so that one can be cut and none is left behind."""

import asyncio
import os
import socket
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

Ends = tuple[int, int]
"""A connection's port here and at its far end; both ends are on this machine, so that this names it."""

_RESET_ON_CLOSE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Corked:
    """A transport that can hold back what is written, so that an answer's head and body leave in one piece.

    A server writes them one after the other, and on loopback the system call is most of the work of an answer.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._held: list[bytes] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if self._held is None:
            self._transport.write(data)
        else:
            self._held.append(data)

    def hold(self) -> None:
        """Keep what is written from now on."""
        self._held = self._held or []

    def let_go(self) -> None:
        """Send what was kept, and from now on everything at once."""
        held, self._held = self._held, None
        if held:
            self._transport.write(b"".join(held))

    def close(self) -> None:
        self.let_go()  # a server may close with its last word, and that is still to be said
        self._transport.close()


class Open(Protocol):
    """A connection that is open."""

    transport: Corked
    heard_at: float


class Connections:
    """Knows every open connection by its two ports, and when something last came in on it."""

    def __init__(self) -> None:
        self._open: dict[Ends, Open] = {}

    def watched(self, protocol: type[asyncio.Protocol]) -> type[asyncio.Protocol]:
        """The same HTTP protocol, whose connections are known here while they are open."""
        connections = self._open

        class Watched(protocol):  # type: ignore[valid-type, misc]  # a class made from an argument
            heard_at = 0.0

            def connection_made(self, transport: asyncio.Transport) -> None:
                self.transport = Corked(transport)
                self.ends = transport.get_extra_info("sockname")[1], transport.get_extra_info("peername")[1]
                connections[self.ends] = self
                super().connection_made(self.transport)

            def data_received(self, data: bytes) -> None:
                # Before anything is parsed: with many requests at a time, the application gets to see one late.
                self.heard_at = time.monotonic()
                super().data_received(data)

            def connection_lost(self, error: Exception | None) -> None:
                connections.pop(self.ends, None)
                super().connection_lost(error)

        return Watched

    def heard_at(self, scope: Mapping[str, Any]) -> float:
        """When the last bytes came in on the connection of an ASGI scope, by the monotonic clock."""
        connection = self._of(scope)
        return time.monotonic() if connection is None else connection.heard_at

    @contextmanager
    def in_one_piece(self, scope: Mapping[str, Any]) -> Iterator[None]:
        """What is written to the connection of an ASGI scope meanwhile leaves together at the end."""
        connection = self._of(scope)
        if connection is None:
            yield
            return
        connection.transport.hold()
        try:
            yield
        finally:
            connection.transport.let_go()

    def reset(self, scope: Mapping[str, Any]) -> None:
        """Cut the connection of an ASGI scope so that the far end sees a reset, not an orderly end."""
        connection = self._of(scope)
        if connection is not None:
            raw = connection.transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            connection.transport.abort()

    def close(self, scope: Mapping[str, Any]) -> None:
        """End the connection of an ASGI scope once what was written to it is out."""
        connection = self._of(scope)
        if connection is not None:
            connection.transport.close()

    def abort_all(self) -> None:
        """Drop every connection at once."""
        for connection in tuple(self._open.values()):
            connection.transport.abort()

    def _of(self, scope: Mapping[str, Any]) -> Open | None:
        return self._open.get((scope["server"][1], scope["client"][1]))
