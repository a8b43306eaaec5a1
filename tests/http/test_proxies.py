"""Proxies that the environment names."""

import asyncio
import base64

import pytest
from loopback import CERTIFICATE, Server, Tunnel, message, says

from toolkit.errors import BadRequest, TransportError, Unreachable

LOGIN = "Basic " + base64.b64encode(b"ann:p@ss").decode()


@pytest.fixture
def environment(monkeypatch):
    """Sets the variables given, and no others that name a proxy."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)

    def _environment(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return _environment


def test_http_goes_through_the_proxy(ask, environment, secret):
    """With the whole address in the request line, and the proxy's login apart from the service's key."""

    async def talk():
        async with Server(says(message(b"ok"))) as proxy:
            environment(http_proxy=f"http://ann:p%40ss@127.0.0.1:{proxy.port}")
            exchanged = await ask("http://service.example/createTask")
            return exchanged, proxy.requests

    exchanged, (request,) = asyncio.run(talk())

    assert exchanged.response.body == b"ok"
    assert exchanged.connect_s > 0
    assert request.line == f"POST http://service.example/createTask?token={secret} HTTP/1.1"
    assert request.headers["host"] == "service.example"
    assert request.headers["proxy-authorization"] == LOGIN
    assert request.headers["authorization"] == f"Bearer {secret}"


def test_https_goes_through_a_tunnel_that_the_proxy_cannot_look_into(opened, environment, secret):
    """The certificate is the service's own, the key is inside, and the second exchange uses the same tunnel."""

    async def talk():
        async with Server(says(message(b"ok")), tls=True) as server, Tunnel(server.port) as proxy:
            environment(https_proxy=f"http://ann:p%40ss@127.0.0.1:{proxy.port}")
            async with opened(verify=CERTIFICATE) as client:
                headers = {"Authorization": secret}
                both = [await client.exchange("https://service.example/x", b"", headers, 5) for _ in range(2)]
            return both, server.requests, proxy.requests

    (first, second), served, proxied = asyncio.run(talk())

    assert [request.headers["authorization"] for request in served] == [secret, secret]
    assert first.connect_s > 0
    assert second.connect_s == 0
    assert [request.line for request in proxied] == ["CONNECT service.example:443 HTTP/1.1"]
    assert proxied[0].headers["proxy-authorization"] == LOGIN
    assert secret not in str(proxied)


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "502 Bad Gateway"])
def test_a_tunnel_that_is_refused_is_unreachable(ask, environment, status):
    """The service saw nothing; the message names the proxy, without its login."""

    async def talk():
        async with Tunnel(0, status) as proxy:
            environment(https_proxy=f"http://ann:p%40ss@127.0.0.1:{proxy.port}")
            with pytest.raises(Unreachable) as caught:
                await ask("https://service.example")
            return proxy, str(caught.value)

    proxy, text = asyncio.run(talk())

    assert (
        text == f"service.example through the proxy http://127.0.0.1:{proxy.port}: it refuses to connect ({status[:3]})"
    )


def test_a_tunnel_to_a_server_nobody_vouches_for_is_unreachable(opened, environment):
    """And the client is as good as before: the next exchange opens a tunnel of its own."""

    async def talk():
        async with Server(says(message()), tls=True) as server, Tunnel(server.port) as proxy:
            environment(https_proxy=f"http://127.0.0.1:{proxy.port}")
            async with opened(in_flight=1, verify=CERTIFICATE) as client:
                with pytest.raises(Unreachable, match="its certificate is not trusted"):
                    await client.exchange("https://other.example", b"", {}, 5)
                await client.exchange("https://service.example", b"", {}, 5)
            return server.requests

    assert len(asyncio.run(talk())) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_never_reached_through_a_proxy(ask, environment, host):
    """A sandbox on loopback is not the proxy's to see."""
    environment(http_proxy="http://127.0.0.1:1", all_proxy="http://127.0.0.1:1")

    async def talk():
        async with Server(says(message(b"ok")), host=host) as server:
            return (await ask(server)).response.body

    assert asyncio.run(talk()) == b"ok"


@pytest.mark.parametrize("exempt", ["service.invalid", ".invalid", "other,service.invalid:80", "*"])
def test_no_proxy_exempts_hosts(ask, environment, exempt):
    """The proxy would have answered; the host itself does not exist."""

    async def talk():
        async with Server(says(message(b"ok"))) as proxy:
            environment(http_proxy=f"http://127.0.0.1:{proxy.port}", no_proxy=exempt)
            with pytest.raises(TransportError):
                await ask("http://service.invalid", timeout_s=0.5)
            return proxy.requests

    assert asyncio.run(talk()) == []


def test_all_proxy_stands_in_for_the_scheme(ask, environment):
    """Also one written without http://, as many do."""

    async def talk():
        async with Server(says(message(b"ok"))) as proxy:
            environment(all_proxy=f"127.0.0.1:{proxy.port}")
            return (await ask("http://service.example")).response.body

    assert asyncio.run(talk()) == b"ok"


@pytest.mark.parametrize(
    "proxy", ["socks5://127.0.0.1:1080", "https://127.0.0.1:3128", "http://", "http://[::1", "http://h:x"]
)
def test_another_kind_of_proxy_is_refused_and_not_passed_by(ask, environment, proxy):
    """Going there directly might be what the proxy is to prevent."""
    environment(http_proxy=proxy)

    async def talk():
        await ask("http://service.example")

    with pytest.raises(BadRequest, match=r"not http://host:port"):
        asyncio.run(talk())
