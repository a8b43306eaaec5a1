"""Which client one gets, and what is refused before anything is opened."""

import ssl
import subprocess
import sys

import pytest

from toolkit._http import open_client
from toolkit.errors import MissingExtra, SettingError

HEAVY = ["httpx", "httpcore", "h11", "aiohttp", "ssl", "asyncio"]


def test_importing_the_package_loads_no_http_library():
    """Those who never call a service do not pay for it."""
    code = f"import sys, toolkit._http; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_auto_takes_threads_until_there_would_be_too_many_of_them():
    """Threads take the truer times; many hundreds in flight are for the fast transport."""
    pytest.importorskip("aiohttp")

    kinds = [type(client).__name__ for client in (open_client(), open_client("auto", 256), open_client("auto", 257))]
    assert kinds == ["ThreadedClient", "ThreadedClient", "FastClient"]
    assert type(open_client("fast")).__name__ == "FastClient"


def test_without_aiohttp_auto_is_threads_and_fast_is_an_extra(monkeypatch):
    """The error names what to install."""
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    monkeypatch.delitem(sys.modules, "toolkit._http.fast", raising=False)

    assert type(open_client("auto", 1000)).__name__ == "ThreadedClient"
    with pytest.raises(MissingExtra, match=r"\[fast\]"):
        open_client("fast")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"transport": "requests"}, "'requests' is unknown; it is one of 'auto', 'httpx', 'fast'"),
        ({"in_flight": 0}, "in_flight=0"),
        ({"verify": False}, "verification is never off"),
        ({"verify": "nowhere.pem"}, "nowhere.pem"),
        ({"verify": __file__}, "no certificates"),
        ({"verify": ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)}, "does not verify"),
    ],
)
def test_what_cannot_be_opened_is_a_setting_error(options, match):
    """Verification cannot be switched off by any of its spellings."""
    with pytest.raises(SettingError, match=match):
        open_client(**options)


def test_a_context_of_the_callers_own_is_used_when_it_verifies():
    """Companies have their own."""
    open_client(verify=ssl.create_default_context())


def test_names_are_those_of_the_package():
    """And a wrong one is an AttributeError."""
    import toolkit._http

    assert dir(toolkit._http) == ["Client", "Exchanged", "ImageDownloads", "open_client"]
    assert all(getattr(toolkit._http, name) for name in dir(toolkit._http))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = toolkit._http.nothing
