"""Servers that refuse, lie, stall or flood: each has its error, and none of them says what was sent."""

import asyncio
import contextlib
import gzip
import socket

import pytest
from loopback import CERTIFICATE, Server, accepting, closes, drips, floods, message, resets, says, silent

from toolkit.errors import BadRequest, ProtocolError, TransportError, Unreachable

OK = b"HTTP/1.1 200 OK\r\n"
CHUNK = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"


def failing(ask, server, **options):
    """The error that one exchange with `server` ends in."""

    async def talk():
        async with contextlib.AsyncExitStack() as stack:
            place = server if isinstance(server, str) else await stack.enter_async_context(server)
            with pytest.raises((TransportError, ProtocolError, BadRequest)) as caught:
                await ask(place, **options)
            return caught.value

    return asyncio.run(talk())


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(resets, id="reset"),
        pytest.param(closes, id="closed"),
        pytest.param(says(OK + b"Content-Le", last=True), id="cut in the headers"),
        pytest.param(says(OK + b"Content-Length: 10\r\n\r\nabc", last=True), id="cut in the body"),
        pytest.param(says(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", last=True), id="cut in a chunk"),
        pytest.param(says(OK + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nab\r\n"), id="a chunk without size"),
        pytest.param(says(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", last=True), id="another protocol"),
        pytest.param(says(b"\x00\x01\x02" * 100, last=True), id="garbage"),
        pytest.param(says(OK + b"Content-Length: many\r\n\r\nabc"), id="a length that is none"),
        pytest.param(says(OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), id="two lengths"),
        pytest.param(says(OK + b"a header without a colon\r\n\r\n"), id="no header"),
        pytest.param(says(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"), id="unasked upgrade"),
        pytest.param(floods(OK, b"X-Flood: 0123456789\r\n"), id="headers without end"),
        pytest.param(floods(OK + b"X-Flood: ", b"0123456789"), id="a header without end"),
        pytest.param(floods(b"", b"HTTP/1.1 200 OK "), id="a first line without end"),
    ],
)
def test_what_fails_after_sending_may_have_been_charged(ask, secret, answer):
    """`TransportError`, unsettled: the service may have seen the request, and it is not sent a second time."""
    server = Server(answer)
    error = failing(ask, server)

    assert (TransportError, False) == (type(error), error.settled)
    assert len(server.requests) == 1
    assert secret not in str(error)
    assert str(error).startswith(f"127.0.0.1:{server.port}: ")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(silent, id="no answer"),
        pytest.param(drips(b"HTTP/1.1 200 ", b"O"), id="dripping first line"),
        pytest.param(drips(OK, b"X-Drip: 1\r\n"), id="dripping headers"),
        pytest.param(drips(OK + b"Content-Length: 100000\r\n\r\n", b"x"), id="dripping body"),
        pytest.param(drips(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"), id="dripping chunks"),
        pytest.param(drips(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"), id="dripping hints"),
    ],
)
def test_the_deadline_is_for_the_whole_exchange(ask, answer):
    """A server that always says a little more does not hold an exchange for longer."""
    error = failing(ask, Server(answer), timeout_s=0.3)

    assert TransportError is type(error)
    assert str(error).endswith("no answer in time")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(says(OK + b"Content-Length: 1048577\r\n\r\n"), id="declared"),
        pytest.param(floods(OK + b"Transfer-Encoding: chunked\r\n\r\n", CHUNK), id="in chunks"),
        pytest.param(floods(OK + b"\r\n", b"x" * 0x10000), id="until closed"),
    ],
)
def test_an_answer_without_measure_is_refused(ask, answer):
    """It is read to the limit and no further."""
    error = failing(ask, Server(answer))

    assert ProtocolError is type(error)
    assert "more than 1,048,576 bytes" in str(error)


def test_an_answer_at_the_limit_is_taken(ask):
    """The limit itself is allowed."""

    async def talk():
        async with Server(says(message(b"x" * (1 << 20)))) as server:
            return len((await ask(server)).response.body)

    assert asyncio.run(talk()) == 1 << 20


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "GZIP, identity"])
def test_a_packed_answer_is_refused_packed(ask, encoding):
    """It was asked for unpacked; what a bomb would unpack to is never made."""
    bomb = gzip.compress(b"0" * (1 << 24))
    error = failing(ask, Server(says(message(bomb, Content_Encoding=encoding))))

    assert ProtocolError is type(error)
    assert "packed" in str(error)


# ── nothing was sent ─────────────────────────────────────────────────────────────────────────────────────


def test_a_refused_connection_is_unreachable(ask, secret):
    """The port of a socket that does not listen."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        error = failing(ask, f"http://127.0.0.1:{bound.getsockname()[1]}")

    assert (Unreachable, True) == (type(error), error.settled)
    assert str(error).endswith(": Connection refused")
    assert secret not in str(error)


def test_a_name_without_address_is_unreachable(ask):
    """Whether the look-up says so or is still at it when the time is up."""
    error = failing(ask, "http://nowhere.invalid", timeout_s=0.5)

    assert Unreachable is type(error)
    assert str(error) in {
        "nowhere.invalid: its name has no address",
        "nowhere.invalid: no connection in time",
    }


@pytest.mark.parametrize(
    ("host", "verify", "reason"),
    [
        pytest.param(
            "localhost", None, "its certificate is not trusted (self-signed certificate)", id="unknown issuer"
        ),
        pytest.param(
            "127.0.0.1", CERTIFICATE, "its certificate is not trusted (IP address mismatch", id="another name"
        ),
    ],
)
def test_a_certificate_that_does_not_verify_is_unreachable(ask, host, verify, reason):
    """Not a byte of the request goes to a server that nobody vouches for."""
    server = Server(says(message()), tls=True, host=host)

    error = failing(ask, server, verify=verify)

    assert type(error) is Unreachable
    assert reason in str(error)
    assert server.requests == []


@pytest.mark.parametrize(
    ("first_words", "reason"),
    [(b"HTTP/1.1 400 Bad Request\r\n\r\n", "TLS failed"), (b"", "no connection in time")],
)
def test_a_handshake_that_fails_or_stalls_is_unreachable(ask, first_words, reason):
    """The deadline holds before anything was sent, too."""

    async def talk():
        async with accepting(first_words) as port:
            with pytest.raises(Unreachable, match=reason):
                await ask(f"https://localhost:{port}", timeout_s=0.3)

    asyncio.run(talk())


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/{}",
        "127.0.0.1/{}",
        "http:///{}",
        "http://127.0.0.1:port/{}",
        "http://[::1/{}",
        "http://{}@127.0.0.1/",
        "http://127.0.0.1/{} and more",
        "http://127.0.0.1/{}é",
        "http://a" + 64 * "b" + ".example/{}",
    ],
)
def test_an_address_that_is_none_is_refused(opened, secret, url):
    """Before anything is opened, and without repeating what may be a key."""

    async def talk():
        async with opened() as client:
            with pytest.raises(BadRequest) as caught:
                await client.exchange(url.format(secret), b"", {}, 5)
            return caught.value

    error = asyncio.run(talk())

    assert secret not in str(error)
    assert not error.retry


@pytest.mark.parametrize("value", ["{}\n", " {}", "{}\r\nX-Injected: 1", "{}é", "{}\x00"])
def test_a_header_that_cannot_travel_is_refused(opened, secret, value):
    """A key read from a file with its line break is the usual one."""

    async def talk():
        async with Server(says(message())) as server, opened() as client:
            with pytest.raises(BadRequest, match="header Authorization holds") as caught:
                await client.exchange(server.url, b"", {"Authorization": value.format(secret)}, 5)
            return server, caught.value

    server, error = asyncio.run(talk())

    assert server.connections == 0
    assert secret not in str(error)


def test_a_header_name_that_cannot_travel_is_refused(opened):
    """Header names come from settings as well."""

    async def talk():
        async with opened() as client:
            with pytest.raises(BadRequest, match="a header's name"):
                await client.exchange("http://127.0.0.1:1", b"", {"X Key": "1"}, 5)

    asyncio.run(talk())


def test_an_early_refusal_is_heard(opened):
    """A server that answers 413 by the headers alone, and closes without reading the image."""

    async def talk():
        told = asyncio.Event()

        async def refuse(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(message(b"too large", "413 Too Large", Connection="close"))
            writer.write_eof()
            await reader.read()
            writer.close()
            await writer.wait_closed()
            told.set()

        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        async with server, opened() as client:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            reply = (await client.exchange(url, b"x" * 1000, {}, 5)).response
            await told.wait()
            return reply

    reply = asyncio.run(talk())

    assert (reply.status, reply.body) == (413, b"too large")
