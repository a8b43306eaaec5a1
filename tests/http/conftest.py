"""Each test of an exchange runs over both transports."""

import contextlib

import pytest
from loopback import CERTIFICATE

from toolkit._http import open_client

SECRET = "sk-9f8e7d6c5b4a"  # noqa: S105 -- of nobody


@pytest.fixture(params=["httpx", "fast"])
def transport(request):
    """The name of a transport."""
    if request.param == "fast":
        pytest.importorskip("aiohttp")
    return request.param


@pytest.fixture
def opened(transport):
    """Opens a client of the transport, and closes it."""

    @contextlib.asynccontextmanager
    async def _opened(in_flight=4, verify=CERTIFICATE):
        client = open_client(transport, in_flight, verify)
        try:
            yield client
        finally:
            await client.close()

    return _opened


@pytest.fixture
def ask(opened):
    """One exchange, with a secret wherever one can travel."""

    async def _ask(server, path="/createTask", timeout_s=5.0, **options):
        url = server if isinstance(server, str) else server.url + path
        async with opened(**options) as client:
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {SECRET}"}
            body = b'{"clientKey": "%s"}' % SECRET.encode()
            return await client.exchange(f"{url}?token={SECRET}", body, headers, timeout_s)

    return _ask


@pytest.fixture
def secret():
    """What must not be seen anywhere but on the wire."""
    return SECRET
