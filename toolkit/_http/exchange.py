"""One HTTP exchange: what goes in, what comes out, what can go wrong. Two transports carry it out.

`threads` (asked for as ``"httpx"``) needs nothing beyond httpx: one thread and one connection for each exchange in
flight, over httpx's own connection layer, httpcore. `fast` is aiohttp, an extra. Both verify TLS, follow no
redirect, keep no cookie, repeat nothing, log nothing, and hold the same limits, so that they differ in speed alone.

Measured on two shared cores against a server that takes 100 ms (tests/benchmarks/test_http_speed.py):

=========  ====================================  ====================================
in flight  threads: per s, CPU ms, p50/p95 ms    fast: per s, CPU ms, p50/p95 ms
=========  ====================================  ====================================
16         153, 0.45, 101/102                    153, 0.32, 103/105
50         472, 0.34, 101/103                    469, 0.21, 104/109
64         602, 0.39, 101/104                    601, 0.22, 103/110
200        1780, 0.24, 101/105                   1660, 0.18, 107/126
=========  ====================================  ====================================

An event loop takes replies that arrive together one after the other, and that is in its times; a thread takes its
own time. Threads are therefore the truer clock, and aiohttp the one that leaves more of the processor free.
"""

import os
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol
from urllib.parse import urlsplit

from toolkit.errors import BadRequest, ProtocolError, TransportError, Unreachable

MAX_BODY_BYTES = 1 << 20
"""A longer answer is refused: those of the services have a few hundred bytes."""

KEEP_ALIVE_S = 4.0
"""How long an idle connection is used again: a little less than the 5 s after which common servers cut theirs, since
a request on its way to a connection that is being cut may or may not have been charged."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t -~]*")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer, whatever its status; `body` is at most `MAX_BODY_BYTES` long."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A reply and where its seconds went.

    `connect_s` is opening a connection with TCP and TLS, 0 on one that was open. `service_s` runs from the first
    byte of the request handed over to the last byte of the answer. `lag_s` is how late this process was: in threads
    all the rest of the call, from asking to having the answer, which is no part of `service_s`; on the fast
    transport the most that the event loop ran late meanwhile, which `service_s` may contain.
    """

    response: Response
    connect_s: float
    service_s: float
    lag_s: float


class Client(Protocol):
    """Whatever carries out exchanges for one event loop."""

    async def exchange(
        self, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float, method: str = "POST"
    ) -> Exchanged:
        """Send `body` to `url` and read the answer, all within `timeout_s` seconds from now.

        `Unreachable` when no connection came about, so that nothing was sent; `TransportError` when something may
        have been; `ProtocolError` for an answer that is too long or packed; `BadRequest` for an address or a header
        that HTTP cannot carry. No message holds the path, the query, a header or the body: keys travel in them.
        """
        ...

    async def close(self) -> None:
        """Cut what is open and end all threads. Exchanges still under way end with `TransportError`."""
        ...


# ── what goes out ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart; `path` holds the query as well, `host` no brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def explicit_port(self) -> int | None:
        """The port, where it is not the scheme's own."""
        return None if self.port == _PORTS[self.scheme] else self.port

    @property
    def host_port(self) -> str:
        """As in the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.explicit_port is None else f"{host}:{self.port}"


@lru_cache(maxsize=256)
def target_of(url: str) -> Target:
    """The address in parts; `BadRequest` when it is no plain http or https address."""
    try:
        parts = urlsplit(url)
        scheme, port = parts.scheme, parts.port
        host = (parts.hostname or "").encode("ascii" if ":" in url.partition("[")[2] else "idna").decode()
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    except ValueError:  # also UnicodeError, from a host that is none; its message would repeat the address
        raise BadRequest("the address is not a valid URL; see base_url") from None
    if scheme not in _PORTS or not host:
        raise BadRequest(f"the address has to begin with http:// or https:// and a host, not {scheme or 'nothing'}://")
    if parts.username or parts.password:
        raise BadRequest(f"{host}: a name or password in base_url is not sent; give the key as key=…")
    if not re.fullmatch(r"[!-~]+", path):
        raise BadRequest(f"{host}: the path holds a space or a letter beyond ASCII; percent-encode it")
    return Target(scheme, host, port or _PORTS[scheme], path)


def headers_for(target: Target, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
    """What is sent, names in lower case: the caller's headers and those that make the message.

    The answer is asked for unpacked, so that a small one cannot unpack to a huge one. `BadRequest` for a name or a
    value that HTTP cannot carry, such as a key with its line break.
    """
    sent = {"user-agent": "image-to-text-toolkit"}
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise BadRequest("a header's name holds a character that HTTP does not allow")
        if not _VALUE.fullmatch(value) or value != value.strip():
            raise BadRequest(
                f"header {name} holds a line break, a space at its end or a letter beyond ASCII; "
                "was the key copied with something around it?"
            )
        sent[name.lower()] = value
    sent["host"] = target.host_port
    sent["accept-encoding"] = "identity"
    sent["content-length"] = str(len(body))
    sent.pop("transfer-encoding", None)
    return sent


# ── what comes back ──────────────────────────────────────────────────────────────────────────────────────


def refuse_unread(target: Target, headers: Mapping[str, str]) -> None:
    """`ProtocolError` when an answer's headers, names in lower case, already say that it cannot be taken."""
    packed = headers.get("content-encoding", "identity").strip().lower()
    if packed not in {"", "identity"}:
        raise ProtocolError(f"{target.host_port}: the answer came packed, which was not asked for")
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MAX_BODY_BYTES:
        raise too_long(target)


def too_long(target: Target) -> ProtocolError:
    """The error for an answer over the limit."""
    return ProtocolError(f"{target.host_port}: the answer has more than {MAX_BODY_BYTES:,} bytes")


def failure(target: Target, reason: BaseException | str, *, sent: bool, via: str | None = None) -> TransportError:
    """A library's error, or a reason of our own, as the error that a caller sees; `via` is the proxy's address.

    Whether something may have been `sent` decides the class: only when nothing was, nothing can have been charged.
    """
    kind = TransportError if sent else Unreachable
    place = f"{target.host_port} through the proxy {via}" if via else target.host_port
    return kind(f"{place}: {reason if isinstance(reason, str) else _in_words(reason, sent)}")


def _in_words(error: BaseException, sent: bool) -> str:
    # Only texts of our own and of the operating system: a library's message may quote what was sent or answered.
    match error:
        case TimeoutError():
            return "no answer in time" if sent else "no connection in time"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({error.verify_message})"
        case ssl.SSLError():
            return f"TLS failed ({error.reason or 'no reason given'})"
        case socket.gaierror():
            return "its name has no address"
        case OSError(errno=int(number)):
            return os.strerror(number)
        case _:
            return "the answer was cut off or breaks the rules of HTTP" if sent else "no connection"
