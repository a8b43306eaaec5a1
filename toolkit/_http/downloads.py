"""Images behind links."""

import ipaddress
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self
from urllib.request import getproxies, proxy_bypass

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
            url = httpx.URL(link)
            for _ in range(MAX_REDIRECTS + 1):
                response = self._answer(url)
                try:
                    if not response.has_redirect_location:
                        return self._body(response, deadline)
                    url = url.join(response.headers["Location"])
                finally:
                    response.close()
        raise DatasetError(f"more than {MAX_REDIRECTS} redirects")

    def _answer(self, url: httpx.URL) -> httpx.Response:
        """The beginning of the answer, from the first of the permitted addresses that can be reached."""
        *others, last = self._permitted(url)
        for address in others:
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return self._client.send(self._request(url, address), stream=True)
        return self._client.send(self._request(url, last), stream=True)

    def _request(self, url: httpx.URL, address: str | None) -> httpx.Request:
        if address is None:
            return self._client.build_request("GET", url)
        # Asked for by the address that was looked at: the name might stand for another one the next time.
        return self._client.build_request(
            "GET",
            url.copy_with(host=address),
            headers={"Host": url.netloc.decode("ascii")},
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
        )

    def _permitted(self, url: httpx.URL) -> list[str | None]:
        """The addresses behind a link, if all of them may be asked; None where the client is to look for itself."""
        if url.scheme not in {"http", "https"} or not url.host:
            raise DatasetError(f"not an http or https link (its scheme is {url.scheme!r}, its host {url.host!r})")
        if self._allow_private:
            return [None]
        try:
            found = socket.getaddrinfo(url.host, url.port or url.scheme, type=socket.SOCK_STREAM)
        except OSError:
            return [None]  # behind a proxy names are resolved there; without one the connection fails with its reason
        addresses = [str(address[0]) for *_, address in found]
        for address in addresses:
            if not ipaddress.ip_address(address.partition("%")[0]).is_global:
                raise DatasetError(f"{url.host} is not a public address; pass allow_private=True if it is yours")
        return [None] if _goes_by_proxy(url) else [*addresses]

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


def _goes_by_proxy(url: httpx.URL) -> bool:
    proxies = getproxies()
    return bool(proxies.get(url.scheme) or proxies.get("all")) and not proxy_bypass(url.host)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException as error:
        raise DatasetError(f"no answer in time ({type(error).__name__})") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise DatasetError(f"{type(error).__name__}: {error}") from error
