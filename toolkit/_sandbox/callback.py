"""Telling a client's own address that a task is ready: to this machine and nowhere else."""

import asyncio
import contextlib
import ipaddress
from urllib.parse import urlsplit

PATIENCE_S = 2.0
"""The vendor documents that the receiver has two seconds, and that its reply is ignored."""


def is_loopback(url: object) -> bool:
    """Whether `url` is a plain http address that cannot lead off this machine."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
        port_is_usable = parts.port is None or parts.port > 0
    except ValueError:
        return False
    if parts.scheme != "http" or not parts.hostname or not port_is_usable:
        return False
    if parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        return False


async def notify(url: str, body: bytes) -> None:
    """POST a JSON `body` to a loopback address; whatever comes of it is nobody's concern."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            await _post(url, body)


async def _post(url: str, body: bytes) -> None:
    parts = urlsplit(url)
    # A name may be given another address in the hosts file; the number may not.
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    head = (
        f"POST {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(host, parts.port or 80)
    try:
        writer.write(head.encode("latin-1", "replace") + body)
        await writer.drain()
        await reader.read(1)  # closing before the receiver has answered would look like a fault
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
