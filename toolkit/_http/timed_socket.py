"""Sockets with one deadline and one clock, under httpcore.

httpcore counts a time-out anew for each read, so that a server which drips a byte a second is never late. Here all
waiting ends at the exchange's deadline. The times taken are those of the system calls, not of the parsing around.
"""

import errno
import math
import select
import socket
import ssl
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Protocol

import httpcore

_NOT_YET = BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError


class Sending(Protocol):
    """Whoever has to know that something went out, even while this thread hangs."""

    sent: bool


class TimedSocket(httpcore.NetworkBackend):
    """One thread's way to the network. `begin` starts an exchange, and its times with it."""

    def __init__(self) -> None:
        self._exchange: Sending | None = None
        self._deadline = 0.0
        self._secure = False
        self._severed = False
        self._socket: socket.socket | None = None
        self._opening_at: float | None = None
        self._sent_at = 0.0
        self._received_at = 0.0

    def begin(self, exchange: Sending, deadline: float, *, secure: bool) -> None:
        """Start an exchange that ends at `deadline` of ``perf_counter``; `secure` ones are sent over TLS only.

        `exchange.sent` is set before its first byte goes out.
        """
        self._exchange = exchange
        self._deadline = deadline
        self._secure = secure
        self._opening_at = None

    @property
    def connect_s(self) -> float:
        """From the look-up of the name to the first byte of the request; 0 on a connection that was open."""
        return 0.0 if self._opening_at is None else self._sent_at - self._opening_at

    @property
    def service_s(self) -> float:
        """From the first byte of the request to the last of the answer."""
        return self._received_at - self._sent_at

    def remaining_s(self) -> float:
        """Seconds to the deadline, more than none; `TimeoutError` at it, `ConnectionAbortedError` once severed."""
        if self._severed:
            raise ConnectionAbortedError(errno.ECONNABORTED, "")
        left = self._deadline - time.perf_counter()
        if left <= 0:
            raise TimeoutError
        return left

    def sever(self) -> None:
        """End, from another thread, whatever this one waits for; it can be used no more."""
        self._severed = True  # first, so that a socket which the thread opens right now is not waited for either
        if self._socket is not None:
            with suppress(OSError):  # closed already, or never connected
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 -- httpcore's signature; the deadline stands for it
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        self._opening_at = time.perf_counter()
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        failed: OSError = TimeoutError()
        for i, (family, kind, protocol, _, address) in enumerate(addresses):
            sock = self._socket = socket.socket(family, kind, protocol)
            try:
                # An address that does not answer must leave time for the next: broken IPv6 is common.
                sock.settimeout(self.remaining_s() / (len(addresses) - i))
                sock.connect(address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:
                sock.close()
                failed = error
            else:
                return _Stream(self, sock)
        raise failed

    def sending(self, *, over_tls: bool) -> None:
        """Take the time of the first byte. What goes to a proxy before TLS is not yet the request."""
        if self._exchange is not None and not self._exchange.sent and over_tls >= self._secure:
            self._exchange.sent = True
            self._sent_at = time.perf_counter()

    def received(self) -> None:
        """Take the time of the latest piece of the answer."""
        self._received_at = time.perf_counter()

    def adopt(self, sock: socket.socket) -> None:
        """Make `sock` the one to sever."""
        self._socket = sock


class _Stream(httpcore.NetworkStream):
    """A connected socket. What is written is kept until the answer is read, and goes out in one piece.

    The socket never blocks, and is waited for here: a time-out of its own would cost three system calls more in each
    exchange, at each of which two hundred threads hand the interpreter from one to the other.
    """

    def __init__(self, wire: TimedSocket, sock: socket.socket) -> None:
        self._wire = wire
        self._socket = sock
        self._socket.setblocking(False)
        self._unsent: list[bytes] = []

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 -- httpcore's signature
        if buffer:
            self._unsent.append(buffer)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 -- httpcore's signature
        if self._unsent:
            self._send()
            self._wait(to_write=False)
        while True:
            try:
                data = self._socket.recv(max_bytes)
            except _NOT_YET as reason:
                self._wait(to_write=isinstance(reason, ssl.SSLWantWriteError))  # TLS may have to, in order to read
            else:
                self._wire.received()
                return data

    def _send(self) -> None:
        message = memoryview(b"".join(self._unsent))
        self._unsent.clear()
        self._wire.remaining_s()  # nothing goes out when it is too late
        self._wire.sending(over_tls=isinstance(self._socket, ssl.SSLSocket))
        # A server may refuse a request by its first bytes and close: its answer is there to be read all the same.
        with suppress(BrokenPipeError, ConnectionResetError):
            while message:
                try:
                    message = message[self._socket.send(message) :]
                except _NOT_YET as reason:
                    self._wait(to_write=not isinstance(reason, ssl.SSLWantReadError))

    def _wait(self, *, to_write: bool) -> None:
        """Return when the socket can be read or written; `TimeoutError` at the exchange's deadline."""
        left_s = self._wire.remaining_s()
        if sys.platform == "win32":  # has no poll, and a select without a limit on what it waits for
            reading, writing = ([], [self._socket]) if to_write else ([self._socket], [])
            ready = any(select.select(reading, writing, [], left_s))
        else:
            waiting = select.poll()
            waiting.register(self._socket, select.POLLOUT if to_write else select.POLLIN)
            ready = bool(waiting.poll(math.ceil(1000 * left_s)))
        if not ready:
            raise TimeoutError

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 -- httpcore's signature
    ) -> httpcore.NetworkStream:
        try:
            self._socket.settimeout(self._wire.remaining_s())
            secured = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except BaseException:
            self._socket.close()
            raise
        self._wire.adopt(secured)
        return _Stream(self._wire, secured)

    def close(self) -> None:
        self._socket.close()

    def get_extra_info(self, info: str) -> Any:
        if info == "ssl_object":
            return self._socket if isinstance(self._socket, ssl.SSLSocket) else None
        if info == "is_readable":  # between exchanges: the server has closed, or says what nobody asked for
            return self._is_readable()
        return None

    def _is_readable(self) -> bool:
        try:
            socket.socket.recv(self._socket, 1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True
