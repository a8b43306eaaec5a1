"""The server under the sandbox: uvicorn on sockets of this machine, in a thread that ends when it is told to."""

import asyncio
import os
import socket
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from toolkit._sandbox.app import SandboxApp
from toolkit.errors import MissingExtra, SettingError, ToolkitError

if TYPE_CHECKING:
    import uvicorn

HOST = "127.0.0.1"

_START_POLL_S = 0.002
_IDLE_S = 75
"""An idle connection is kept so long: more than clients keep theirs, so that it is they who close."""


def bind(ports: Mapping[str, int]) -> dict[str, socket.socket]:
    """A socket on this machine for each service; port 0 is any free one. `SettingError` when one is taken."""
    sockets: dict[str, socket.socket] = {}
    for service, port in ports.items():
        # asyncio turns Nagle's algorithm off only where a socket names its protocol, and 40 ms hang on that.
        listener = sockets[service] = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if os.name == "posix":  # elsewhere the option lets two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except (OSError, OverflowError) as error:
            for opened in sockets.values():
                opened.close()
            raise SettingError(
                f"port {port} for {service} cannot be had on {HOST} ({error}); give another, or 0 for a free one"
            ) from error
    return sockets


class ServerThread:
    """Serves an application on sockets from its construction until `stop`."""

    def __init__(self, app: SandboxApp, sockets: list[socket.socket]) -> None:
        self.app = app
        self._server = _server(app)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._serve, args=(sockets,), name="sandbox", daemon=True)
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise ToolkitError("the sandbox's server did not start; the traceback above says why")
            time.sleep(_START_POLL_S)

    def stop(self) -> None:
        """Reset all connections, close the sockets, and return when the thread is gone."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._hang_up)
        self._thread.join()

    def _serve(self, sockets: list[socket.socket]) -> None:
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            runner.run(self._server.serve(sockets=sockets))

    def _hang_up(self) -> None:
        # First the application, so that no connection that comes in meanwhile is kept waiting for an answer.
        self.app.is_closing = True
        self.app.connections.abort_all()
        self._server.should_exit = self._server.force_exit = True


def _server(app: SandboxApp) -> "uvicorn.Server":
    try:
        import uvicorn
        from uvicorn.protocols.http.auto import AutoHTTPProtocol
    except ImportError as error:
        raise MissingExtra("a sandbox needs uvicorn", "sandbox") from error
    config = uvicorn.Config(
        app,
        http=app.connections.watched(AutoHTTPProtocol),
        loop="none",  # the thread makes its own; uvicorn's way would set one for the whole process
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="critical",  # it takes connections that we cut for errors
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=_IDLE_S,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)
