"""Which proxy the environment names for an address."""

import ipaddress
from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from toolkit._http.exchange import Target
from toolkit.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy; `login` is ``name:password``."""

    host: str
    port: int
    login: str | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Its address, without the login."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        """What the proxy itself is told, and the service is not."""
        if self.login is None:
            return {}
        return {"proxy-authorization": "Basic " + b64encode(self.login.encode()).decode()}


class Proxies:
    """What HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, or the system's settings, say; read once for each host."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, int], Proxy | None] = {}

    def proxy_for(self, target: Target) -> Proxy | None:
        """The proxy on the way to `target`; none to this machine itself, whatever the environment says.

        `BadRequest` when it is of another kind than ``http://``.
        """
        place = target.scheme, target.host, target.port
        if place not in self._known:
            self._known[place] = _look_up(*place)
        return self._known[place]


def _look_up(scheme: str, host: str, port: int) -> Proxy | None:
    if _is_loopback(host):
        return None
    proxies = getproxies()
    url = proxies.get(scheme) or proxies.get("all")
    if not url or proxy_bypass(f"{host}:{port}"):
        return None
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        named, proxy_port = parts.hostname, parts.port or 80
    except ValueError:
        named = None
    if not named or not named.isascii() or parts.scheme != "http":
        raise BadRequest(
            f"{host}: the environment names a proxy that is not http://host:port; only such a one is spoken to, "
            "which carries https as well"
        )
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
    return Proxy(named, proxy_port, login)


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
