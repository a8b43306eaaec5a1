"""Which transport carries the exchanges."""

import ssl
from os import PathLike, fspath

from toolkit._http.exchange import Client
from toolkit.errors import SettingError, require

TRANSPORTS = ("auto", "httpx", "fast")

_MOST_THREADS = 256


def open_client(
    transport: str = "auto", in_flight: int = 16, verify: ssl.SSLContext | str | PathLike[str] | None = None
) -> Client:
    """A client for one event loop, with nothing open yet; whoever opens it closes it.

    `transport` is ``"httpx"`` (threads, nothing to install), ``"fast"`` (aiohttp; `MissingExtra` without it) or
    ``"auto"``: threads, whose times are the truer ones, up to 256 in flight, and beyond that aiohttp where it is
    installed. `in_flight` is how many exchanges are to go on at once: threads hold more back. TLS is always verified: against the certificates that come with httpx, or those that SSL_CERT_FILE
    or SSL_CERT_DIR name, or those of the file or the context given as `verify`. `SettingError` for anything else.
    """
    if transport not in TRANSPORTS:
        raise SettingError(f"transport={transport!r} is unknown; it is one of {', '.join(map(repr, TRANSPORTS))}")
    if in_flight < 1:
        raise SettingError(f"in_flight={in_flight} lets nothing through; it is at least 1")
    context = _verifying(verify)
    if transport == "fast" or (transport == "auto" and in_flight > _MOST_THREADS and _aiohttp_is_here()):
        require("aiohttp", "transport='fast' is carried by aiohttp", "fast")
        from toolkit._http.fast import FastClient

        return FastClient(context)
    from toolkit._http.threads import ThreadedClient

    return ThreadedClient(in_flight, context)


def _aiohttp_is_here() -> bool:
    try:
        import aiohttp  # noqa: F401
    except ImportError:
        return False
    return True


def _verifying(verify: ssl.SSLContext | str | PathLike[str] | None) -> ssl.SSLContext:
    if verify is None:
        import httpx

        return httpx.create_ssl_context()
    if isinstance(verify, ssl.SSLContext):
        if verify.verify_mode != ssl.CERT_REQUIRED or not verify.check_hostname:
            raise SettingError("verify= is a context that does not verify; keys never go to a server nobody checked")
        return verify
    try:
        return ssl.create_default_context(cafile=fspath(verify))
    except TypeError:
        raise SettingError(f"verify={verify!r}: give a file of certificates; verification is never off") from None
    except OSError as error:  # also SSLError
        raise SettingError(f"verify={fspath(verify)!r}: no certificates can be read there ({error})") from None
