"""What a step `Call` becomes on the wire: every form of body, over both transports, read back by other readers."""

import asyncio
import json
from email import message_from_bytes
from email.policy import HTTP
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from loopback import Server, says

from toolkit._engine.calls import SingleCallExecutor
from toolkit._providers.base import Account
from toolkit.errors import ProtocolError
from toolkit.types import Call

KEY = "key-1f9a77c204"
AT = 1_800_000_000.0


def request(call, base_url="https://service.example/v1"):
    return call.request(base_url, AT)


def parts_of(body, content_type):
    """The parts of a multipart body, as the standard library's mail reader sees them."""
    mail = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body, policy=HTTP)
    return [(part.get_param("name", header="content-disposition"), part) for part in mail.iter_parts()]


def test_json_is_what_it_was():
    """Compact, in UTF-8."""
    sent = request(Call("/read", {"text": "naïve"}))

    assert (sent.method, sent.url) == ("POST", "https://service.example/v1/read")
    assert sent.body == '{"text":"naïve"}'.encode()
    assert sent.headers == {"content-type": "application/json"}


def test_a_form_is_read_back():
    """Also where names and values hold what has a meaning in a form."""
    form = {"language": "eng", "image": "data:image/png;base64,a+b/c==", "a&b": "x=1 2"}
    sent = request(Call("/read", form=form))

    assert dict(parse_qsl(sent.body.decode(), strict_parsing=True)) == form
    assert sent.headers["content-type"] == "application/x-www-form-urlencoded"


def test_parts_are_read_back():
    """Texts, bytes and files, with bytes that look like the end of a part."""
    image = b"\x89PNG\r\n--boundary\r\n\x00\xff"
    sent = request(Call("/ocr", multipart={"file": ('a"b.png', image, "image/png"), "language": "en", "raw": b"\x01"}))

    (first, file), (second, language), (third, raw) = parts_of(sent.body, sent.headers["content-type"])
    assert (first, second, third) == ("file", "language", "raw")
    assert file.get_content_type() == "image/png"
    assert file.get_payload(decode=True) == image
    assert file.get_filename() == "a%22b.png"
    assert language.get_payload(decode=True) == b"en"
    assert raw.get_payload(decode=True) == b"\x01"


def test_equal_calls_have_equal_bytes():
    """So that a recorded request can be compared."""
    call = Call("/ocr", multipart={"file": ("a.png", b"1", "image/png")})

    assert request(call) == request(call)


def test_bytes_go_out_as_they_are():
    """With the content type that was given for them, or none."""
    assert request(Call("/read", body=b"\x00\x01", content_type="application/octet-stream")).body == b"\x00\x01"
    assert request(Call("/read", body=b"\x00")).headers == {}
    assert request(Call("/read", method="GET")).body == b""


def test_a_query_is_appended():
    """Behind one that the address has already."""
    sent = request(Call("/read?version=2", query={"features": "read", "language": "pt BR"}, method="GET"))

    assert sent.method == "GET"
    assert parse_qs(urlsplit(sent.url).query) == {"version": ["2"], "features": ["read"], "language": ["pt BR"]}


def test_one_body_at_most():
    """Two would be one too many to choose from."""
    with pytest.raises(ValueError, match="at most one of json, form, multipart and body"):
        request(Call("/read", {"a": 1}, form={"a": "1"}))
    with pytest.raises(ValueError, match="method must be"):
        request(Call("/read", method="DELETE"))


def test_a_signature_is_made_of_what_goes_out():
    """It sees the whole address, the body and the time, and adds its headers."""
    seen = []

    def sign(outgoing):
        seen.append(outgoing)
        return {"authorization": "signed"}

    sent = request(Call("/read", body=b"exact", query={"a": "1"}, sign=sign))

    assert sent.headers["authorization"] == "signed"
    assert seen == [("POST", "https://service.example/v1/read?a=1", {}, b"exact", AT)]


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://elsewhere.example/result/1",
        "http://service.example/result/1",
        "https://service.example:8443/result/1",
        "https://service.example.elsewhere.example/result/1",
    ],
)
def test_an_address_on_another_host_is_not_followed(elsewhere):
    """The key would travel there; nor does its query get into the message."""
    with pytest.raises(ProtocolError, match="another host") as refused:
        request(Call(f"{elsewhere}?token={KEY}", method="GET", headers={"x-key": KEY}))

    assert KEY not in str(refused.value)


def test_an_address_on_the_same_host_is_followed():
    """Services hand out the place of a result as a whole address."""
    place = "https://service.example:443/results/7?version=2"

    assert request(Call(place, method="GET")).url == place


def test_what_travels_in_a_call_is_not_in_its_repr():
    """Keys travel in bodies, headers and queries."""
    shown = repr(
        [
            Call("/read", {"key": KEY}),
            Call("/read", form={"key": KEY}, headers={"x-key": KEY}, query={"key": KEY}),
            Call("/read", multipart={"key": KEY}),
            Call("/read", body=KEY.encode()),
        ]
    )

    assert KEY not in shown


def carried_out(opened, answer, *calls):
    """The outcomes of the calls, and what the server saw."""

    async def together():
        async with Server(answer) as server, opened() as client:
            executor = SingleCallExecutor(Account("service", server.url, KEY), client)
            return [await executor.call(call, 5) for call in calls], server.requests

    return asyncio.run(together())


def test_every_form_goes_over_the_wire(opened):
    """As it was made, with the method and the length that belong to it."""
    calls = [
        Call("/json", {"a": 1}),
        Call("/form", form={"a": "1"}),
        Call("/parts", multipart={"a": ("x.png", b"\x00" * 100, "image/png")}),
        Call("/bytes", body=b"\x00\x01", content_type="image/png"),
        Call("/poll", method="GET", query={"id": "7"}),
    ]
    outcomes, requests = carried_out(opened, says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), *calls)

    assert [outcome.reply.status for outcome in outcomes] == [200] * 5
    assert [seen.line for seen in requests] == [
        "POST /json HTTP/1.1",
        "POST /form HTTP/1.1",
        "POST /parts HTTP/1.1",
        "POST /bytes HTTP/1.1",
        "GET /poll?id=7 HTTP/1.1",
    ]
    assert json.loads(requests[0].body) == {"a": 1}
    assert [seen.body for seen in requests] == [request(call).body for call in calls]
    assert requests[3].headers["content-type"] == "image/png"
    assert "content-type" not in requests[4].headers


def test_a_key_in_a_query_reaches_no_error(opened):
    """Whether nothing came back, or an address elsewhere was handed out."""

    async def hangs_up(writer, _):
        writer.close()
        return True

    outcomes, _ = carried_out(
        opened,
        hangs_up,
        Call("/read", form={"key": KEY}, query={"key": KEY}),
        Call(f"https://{KEY}.example/x", query={"key": KEY}, method="GET"),
    )

    assert [outcome.reply for outcome in outcomes] == [None, None]
    assert KEY not in "".join(f"{outcome.error!r} {outcome.error.__cause__!r}" for outcome in outcomes)
