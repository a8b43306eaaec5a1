"""The open sockets of the sandbox, so that one can be cut and none is left behind."""

import asyncio
import socket
import struct
from collections.abc import Mapping
from typing import Any

Ends = tuple[int, int]
"""A connection's port here and at its far end; both ends are on this machine, so that this names it."""

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Connections:
    """Knows every connection by its two ports."""

    def __init__(self) -> None:
        self._open: dict[Ends, asyncio.Transport] = {}

    def __len__(self) -> int:
        return len(self._open)

    def watched(self, protocol: type[asyncio.Protocol]) -> type[asyncio.Protocol]:
        """The same HTTP protocol, whose connections are known here while they are open."""
        connections = self._open

        class Watched(protocol):  # type: ignore[valid-type, misc]  # a class made from an argument
            def connection_made(self, transport: asyncio.Transport) -> None:
                self.ends = transport.get_extra_info("sockname")[1], transport.get_extra_info("peername")[1]
                connections[self.ends] = transport
                super().connection_made(transport)

            def connection_lost(self, error: Exception | None) -> None:
                connections.pop(self.ends, None)
                super().connection_lost(error)

        return Watched

    def reset(self, scope: Mapping[str, Any]) -> None:
        """Cut the connection of an ASGI scope so that the far end sees a reset, not an orderly end."""
        transport = self._of(scope)
        if transport is not None:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            transport.abort()

    def close(self, scope: Mapping[str, Any]) -> None:
        """End the connection of an ASGI scope once what was written to it is out."""
        transport = self._of(scope)
        if transport is not None:
            transport.close()

    def abort_all(self) -> None:
        """Drop every connection at once."""
        for transport in tuple(self._open.values()):
            transport.abort()

    def _of(self, scope: Mapping[str, Any]) -> asyncio.Transport | None:
        return self._open.get((scope["server"][1], scope["client"][1]))
