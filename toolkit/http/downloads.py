"""Images behind links."""

import ipaddress
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import httpx

from toolkit.errors import DatasetError

MAX_REDIRECTS = 5
_BINARY_TYPES = frozenset({"", "application/octet-stream", "binary/octet-stream"})


class ImageDownloads:
    """A client for images behind http(s) links, for use from several threads.

    Each reply is bounded in bytes and in time. Links to addresses that are not public are refused unless
    `allow_private`, because a link may come from someone else's file and would be followed from inside this network.
    """

    def __init__(self, *, max_bytes: int, timeout_s: float, allow_private: bool) -> None:
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._allow_private = allow_private
        # Asking for plain bytes keeps a small reply from unpacking to a huge one.
        headers = {"Accept": "image/*", "Accept-Encoding": "identity"}
        self._client = httpx.Client(timeout=timeout_s, headers=headers, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, link: str) -> bytes:
        """The bytes behind a link; `DatasetError` with the reason when they cannot be had or are no image."""
        deadline = time.monotonic() + self._timeout_s
        with _translated():
            self._permit(httpx.URL(link))  # before the client takes a link without a host for a path of its own
            request = self._client.build_request("GET", link)
            for _ in range(MAX_REDIRECTS + 1):
                self._permit(request.url)
                response = self._client.send(request, stream=True)
                try:
                    if response.next_request is None:
                        return self._body(response, deadline)
                    request = response.next_request
                finally:
                    response.close()
        raise DatasetError(f"more than {MAX_REDIRECTS} redirects")

    def _permit(self, url: httpx.URL) -> None:
        if url.scheme not in {"http", "https"} or not url.host:
            raise DatasetError(f"not an http or https link (its scheme is {url.scheme!r}, its host {url.host!r})")
        if self._allow_private:
            return
        try:
            found = socket.getaddrinfo(url.host, url.port or url.scheme, type=socket.SOCK_STREAM)
        except OSError:
            return  # behind a proxy names are resolved there; without one the connection fails with its own reason
        for *_, address in found:
            if not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_global:
                raise DatasetError(f"{url.host} is not a public address; pass allow_private=True if it is yours")

    def _body(self, response: httpx.Response, deadline: float) -> bytes:
        if response.status_code != httpx.codes.OK:
            raise DatasetError(f"answered HTTP {response.status_code}")
        content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if not content_type.startswith("image/") and content_type not in _BINARY_TYPES:
            raise DatasetError(f"answered {content_type} instead of an image")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise DatasetError("answered with a packed body, which was not asked for")
        declared = response.headers.get("Content-Length", "")
        if declared.isdigit() and int(declared) > self._max_bytes:
            raise DatasetError(f"has {int(declared):,} bytes, more than max_bytes={self._max_bytes:,}")
        body = bytearray()
        for piece in response.iter_raw():
            body += piece
            if len(body) > self._max_bytes:
                raise DatasetError(f"has more than max_bytes={self._max_bytes:,} bytes")
            if time.monotonic() > deadline:
                raise DatasetError(f"took longer than timeout_s={self._timeout_s:g}")
        return bytes(body)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException as error:
        raise DatasetError(f"no answer in time ({type(error).__name__})") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise DatasetError(f"{type(error).__name__}: {error}") from error
