"""What goes over the wire and what comes back, the same over both transports."""

import asyncio
import contextlib
import logging

import pytest
from loopback import Server, message, resets, says

from toolkit.errors import Unreachable


def test_the_reply_is_status_body_and_lower_case_headers(ask):
    """Headers that come twice are joined, as HTTP allows."""

    async def talk():
        answer = says(message(b'{"errorId":0}', "418 Teapot", X_Request_Id="7", Vary="a\r\nVary: b"))
        async with Server(answer) as server:
            return (await ask(server)).response

    reply = asyncio.run(talk())

    assert (reply.status, reply.body) == (418, b'{"errorId":0}')
    assert dict(reply.headers) == {"content-length": "13", "x-request-id": "7", "vary": "a, b"}


def test_the_request_holds_what_was_given_and_what_the_message_needs(ask, secret):
    """No other header: what a library adds by itself would differ between the transports."""

    async def talk():
        async with Server(says(message())) as server:
            await ask(server, "/v1/chat%20x")
            return server

    server = asyncio.run(talk())

    (request,) = server.requests
    assert f"POST /v1/chat%20x?token={secret} HTTP/1.1" == request.line
    assert b'{"clientKey": "%s"}' % secret.encode() == request.body
    assert {
        "host": f"127.0.0.1:{server.port}",
        "content-type": "application/json",
        "authorization": f"Bearer {secret}",
        "content-length": str(len(request.body)),
        "accept-encoding": "identity",
        "user-agent": "image-to-text-toolkit",
    } == request.headers


@pytest.mark.parametrize("size", [0, 1, 70_000, (1 << 20) + 1])
def test_a_body_of_any_size_arrives_whole(opened, size):
    """Also an empty one, and one beyond what libraries take for small."""

    async def talk():
        async with Server(says(message(b"ok"))) as server, opened() as client:
            await client.exchange(server.url, b"x" * size, {}, 5)
            return server.requests

    (request,) = asyncio.run(talk())

    assert (str(size), b"x" * size) == (request.headers["content-length"], request.body)


def test_callers_cannot_change_the_headers_that_make_the_message(opened):
    """Neither the length nor the wish for an unpacked answer."""

    async def talk():
        async with Server(says(message(b"ok"))) as server, opened() as client:
            theirs = {"Accept-Encoding": "gzip", "Content-Length": "1", "Transfer-Encoding": "chunked", "Host": "x"}
            await client.exchange(server.url, b"body", theirs, 5)
            return server

    server = asyncio.run(talk())

    (request,) = server.requests
    assert request.body == b"body"
    assert "transfer-encoding" not in request.headers
    assert ("identity", "4", f"127.0.0.1:{server.port}") == tuple(
        request.headers[name] for name in ("accept-encoding", "content-length", "host")
    )


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(says(b"HTTP/1.1 200 OK\r\nContent-", b"Length: 6\r\n\r\nabc", b"def"), id="in pieces"),
        pytest.param(
            says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", b"3\r\ndef\r\n0\r\n\r\n"),
            id="chunked",
        ),
        pytest.param(says(b"HTTP/1.0 200 OK\r\n\r\nabc", b"def", last=True), id="until closed"),
        pytest.param(
            says(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\n\r\n", message(b"abcdef")), id="after 1xx"
        ),
        pytest.param(says(message(b"abcdef", Content_Encoding="identity")), id="encoded as it is"),
    ],
)
def test_an_answer_is_read_to_its_end(ask, answer):
    """However it is framed."""

    async def talk():
        async with Server(answer) as server:
            return (await ask(server)).response

    assert asyncio.run(talk()).body == b"abcdef"


@pytest.mark.parametrize("status", [301, 302, 307, 308, 401, 407, 429, 500, 503])
def test_every_status_is_a_reply(ask, status):
    """A redirect is not followed and nothing is asked again: a request may cost money."""

    async def talk():
        headers = {"Location": "/elsewhere", "WWW_Authenticate": 'Basic realm="x"', "Retry_After": "0"}
        async with Server(says(message(b"no", f"{status} x", **headers))) as server:
            return (await ask(server)).response, server.requests

    reply, requests = asyncio.run(talk())

    assert (status, "0") == (reply.status, reply.headers["retry-after"])
    assert len(requests) == 1


def test_cookies_are_not_kept(opened):
    """A session would tie calls together that a benchmark keeps apart."""

    async def talk():
        async with Server(says(message(Set_Cookie="id=1; Path=/"))) as server, opened() as client:
            for _ in range(2):
                await client.exchange(server.url, b"", {}, 5)
            return server.requests

    assert ["cookie" in request.headers for request in asyncio.run(talk())] == [False, False]


def test_an_open_connection_is_used_again(opened):
    """The first exchange pays for connecting, the second does not, and neither's service time holds it."""

    async def talk():
        async with Server(says(message(b"ok")), tls=True) as server, opened() as client:
            return server, [await client.exchange(server.url, b"", {}, 5) for _ in range(3)]

    server, (first, *others) = asyncio.run(talk())

    assert server.connections == 1
    assert first.connect_s > 0
    assert [exchanged.connect_s for exchanged in others] == [0.0, 0.0]
    assert all(exchanged.service_s > 0 and exchanged.lag_s >= 0 for exchanged in [first, *others])


async def answers_and_resets(writer, request):
    """Answers, and cuts the connection off a little later."""
    writer.write(message(b"ok"))
    await writer.drain()
    await asyncio.sleep(0.02)
    return await resets(writer, request)


@pytest.mark.parametrize(
    ("answer", "tls"),
    [
        pytest.param(says(message(b"ok"), last=True), False, id="closed"),
        pytest.param(says(message(b"ok"), last=True), True, id="closed, TLS"),
        pytest.param(answers_and_resets, False, id="reset"),
    ],
)
def test_a_connection_that_is_used_up_is_opened_anew(opened, answer, tls):
    """What a server does to it between two exchanges is no error."""

    async def talk():
        async with Server(answer, tls=tls) as server, opened() as client:
            replies = []
            for _ in range(3):
                replies.append((await client.exchange(server.url, b"", {}, 5)).response.body)
                await asyncio.sleep(0.05)
            return server, replies

    server, replies = asyncio.run(talk())

    assert (server.connections, len(server.requests), replies) == (3, 3, [b"ok"] * 3)


@pytest.mark.parametrize("unasked", [message(b"unasked"), message(b"unasked")[:-3]])
def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next(opened, unasked):
    """Who reads an image by another image's answer measures nonsense. The next exchange is its own, or is not sent."""

    async def answer(writer, request):
        writer.write(message(request.body) + unasked)

    async def talk():
        replies = []
        async with Server(answer) as server, opened() as client:
            for i in range(4):
                with contextlib.suppress(Unreachable):
                    replies.append((await client.exchange(server.url, b"%d" % i, {}, 5)).response.body)
            return [request.body for request in server.requests], replies

    sent, replies = asyncio.run(talk())

    assert replies == sent
    assert len(replies) >= 2


def test_exchanges_go_on_at_once_up_to_the_limit(opened):
    """Sixteen that all wait for the last to arrive get their answers."""
    arrived = 0
    all_there = asyncio.Event()

    async def together(writer, request):
        nonlocal arrived
        arrived += 1
        if arrived == 16:
            all_there.set()
        await all_there.wait()
        writer.write(message(request.body))

    async def talk():
        async with Server(together) as server, opened(in_flight=16) as client:
            exchanges = [client.exchange(server.url, b"%d" % i, {}, 5) for i in range(16)]
            return [exchanged.response.body for exchanged in await asyncio.gather(*exchanges)]

    assert [b"%d" % i for i in range(16)] == asyncio.run(talk())


def test_nothing_is_logged_that_was_sent(ask, caplog, secret):
    """At DEBUG the libraries speak; neither key, nor query, nor body is in what they say."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpcore", "httpx", "aiohttp", "asyncio"):
        caplog.set_level(logging.DEBUG, name)

    async def talk():
        async with Server(says(message(b"ok"))) as server:
            await ask(server)

    asyncio.run(talk())

    assert [record.getMessage() for record in caplog.records if secret in record.getMessage()] == []
    assert [record.name for record in caplog.records if record.levelno >= logging.INFO] == []
