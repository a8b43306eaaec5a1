"""Services that refuse, lie, stall, flood, send away or echo: the deadline holds, and the key is written nowhere."""

import asyncio
import contextlib
import gzip
import logging
import pickle
import sys
import threading
import traceback
from dataclasses import replace
from pathlib import Path

import pytest
from bills import new_key, readable

sys.path.append(str(Path(__file__).parents[2] / "http"))  # whose servers say what they are told to

from loopback import Server, closes, drips, floods, message, resets, says, silent

import toolkit as tk
from toolkit.errors import ProviderError

DEADLINE_S = 1.0
SPARE_S = 4.0
"""What this machine may be late by, under load; a deadline that did not hold would never end."""

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
_BOMB = gzip.compress(b"0" * (1 << 24))
_BAD_UTF8 = b'{"errorId":0,"status":"ready","solution":{"text":"\xff\xfe\x80"},"taskId":"1"}'
_SURROGATE = b'{"errorId":0,"status":"ready","solution":{"text":"A7"},"taskId":"1","x":"\xed\xa0\x80"}'


def redirects(elsewhere, status):
    """Sends everybody to another host, by header and by page, with the key in the address."""

    async def answer(writer, request):
        page = b'<meta http-equiv="refresh" content="0;url=%s">' % elsewhere.url.encode()
        writer.write(message(page, f"{status} Elsewhere", Location=f"{elsewhere.url}/createTask"))

    return answer


def echoes(shape):
    """Says back what it was sent, where an account's key is in it."""

    async def answer(writer, request):
        sent = (request.body[:400] + str(request.headers).encode()).replace(b"\\", b"").replace(b'"', b"'")
        if shape == "reason phrase":
            writer.write(
                b"HTTP/1.1 500 " + sent.replace(b"\r", b"").replace(b"\n", b"") + b"\r\nContent-Length: 0\r\n\r\n"
            )
        elif shape == "header":
            writer.write(
                message(
                    b"",
                    "401 No",
                    X_Echo=sent.decode("latin-1"),
                    Set_Cookie=sent.decode("latin-1"),
                    WWW_Authenticate=sent.decode("latin-1"),
                )
            )
        elif shape == "page":
            writer.write(message(b"<pre>" + sent + b"</pre>", "502 Bad Gateway"))
        else:
            writer.write(message(shape.encode() % sent))

    return answer


def behaviours(elsewhere):
    """How a server can behave, by what it is called."""
    return {
        "says nothing": silent,
        "resets": resets,
        "closes": closes,
        "drips its first line": drips(b"HTTP/1.1 200 ", b"O"),
        "drips headers": drips(OK, b"X-Drip: 1\r\n"),
        "drips its body": drips(OK + b"Content-Length: 100000\r\n\r\n", b" "),
        "drips chunks": drips(CHUNKED, b"1\r\n \r\n"),
        "drips hints": drips(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        "floods headers": floods(OK, b"X-Flood: 0123456789\r\n"),
        "floods one header": floods(OK + b"X-Flood: ", b"0123456789"),
        "floods its body": floods(OK + b"\r\n", b"x" * 0x10000),
        "floods chunks": floods(CHUNKED, b"10000\r\n" + b"x" * 0x10000 + b"\r\n"),
        "declares a terabyte": says(OK + b"Content-Length: 1099511627776\r\n\r\n"),
        "sends a gzip bomb": says(message(_BOMB, Content_Encoding="gzip")),
        "sends an undeclared bomb": says(message(_BOMB)),
        "sends bad UTF-8": says(message(_BAD_UTF8)),
        "sends half a character": says(message(_SURROGATE)),
        "sends a NUL in a header": says(OK + b"X: a\x00b\r\nContent-Length: 2\r\n\r\n{}"),
        "sends two lengths": says(OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
        "sends length and chunks": says(
            OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
        ),
        "sends a negative length": says(OK + b"Content-Length: -5\r\n\r\n{}"),
        "sends a bad chunk": says(CHUNKED + b"FFFFFFFFFFFFFFFFF\r\n{}"),
        "folds its headers": says(OK + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}"),
        "speaks HTTP/9.9": says(b"HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\n{}", last=True),
        "speaks SSH": says(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", last=True),
        "upgrades": says(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        "wants a proxy's password": says(message(b"", "407 Proxy", Proxy_Authenticate='Basic realm="x"')),
        **{f"redirects with {status}": redirects(elsewhere, status) for status in (301, 302, 303, 307, 308)},
        **{
            f"echoes in its {where}": echoes(shape)
            for where, shape in {
                "reason phrase": "reason phrase",
                "headers": "header",
                "page": "page",
                "error's words": '{"errorId":1,"errorCode":"ERROR_X","errorDescription":"%s"}',
                "error code": '{"errorId":1,"errorCode":"%s"}',
                "task's id": '{"errorId":1,"errorCode":"ERROR_X","taskId":"%s"}',
                "status": '{"errorId":0,"taskId":"1","status":"%s","solution":{"text":"x"}}',
                "message": '{"error":{"message":"Incorrect API key provided: %s","code":"invalid_api_key"}}',
                "finish reason": '{"choices":[{"message":{"content":null,"refusal":"%s"},"finish_reason":"%s"}]}'.replace(
                    '"finish_reason":"%s"', '"finish_reason":"stop"'
                ),
            }.items()
        },
    }


@contextlib.contextmanager
def in_a_thread(opened):
    """Servers in an event loop of their own, for callers that block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def each(name):
        for server in opened:
            await getattr(server, name)(*([None] * 3 if name == "__aexit__" else []))

    try:
        asyncio.run_coroutine_threadsafe(each("__aenter__"), loop).result()
        yield
    finally:
        asyncio.run_coroutine_threadsafe(each("__aexit__"), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def servers():
    """One server a behaviour, one that vouches for itself, and the one to which all redirects lead."""
    elsewhere = Server(says(message(b'{"errorId":0,"status":"ready","solution":{"text":"stolen"}}')))
    with in_a_thread([elsewhere]):
        hostile = {name: Server(answer) for name, answer in behaviours(elsewhere).items()}
        hostile["has a bad certificate"] = Server(says(message()), tls=True)
        with in_a_thread(hostile.values()):
            yield hostile, elsewhere


def settings_at(hostile, key, services):
    """Each service at each server; an account of its own for every one, so that none stops another."""
    made = []
    for name, server in hostile.items():
        common = {"key": key, "base_url": server.url, "price_per_1000_usd": 1.0}
        made += [
            replace(kind, alias=f"{kind.name} {name}", **common)
            for kind in (tk.CapSolver(), tk.CapMonster(first_poll_s=0.02, poll_every_s=0.02), tk.OpenAICompatible("m"))
            if kind.name in services
        ]
    return made


def pieces(key):
    """Any twelve characters of a key in a row."""
    return {key[start : start + 12] for start in range(len(key) - 11)}


def leaks(key, text):
    """Complaints about pieces of the key in a text."""
    return [f"{piece} in {text[max(0, text.find(piece) - 60) :][:160]!r}" for piece in pieces(key) if piece in text][:1]


@pytest.mark.promise(4, 5, 7, what="hostile servers: a run over all of them, each with every service")
@pytest.mark.parametrize("transport", ["httpx", "fast"])
def test_a_run_against_hostile_servers_ends_in_time_and_keeps_the_key(
    servers, transport, tried, scale, tmp_path, caplog
):
    """A row a trial, none later than the deadline and what an exchange may add; no key in log, folder, repr, page."""
    if transport == "fast":
        pytest.importorskip("aiohttp")
    hostile, elsewhere = servers
    key = new_key()
    settings = settings_at(
        hostile, key, ("capsolver", "openai", "capmonster") if scale(0, 1) else ("capsolver", "openai")
    )
    caplog.set_level(logging.DEBUG)

    run = tk.benchmark(
        readable(scale(1, 3)), settings, store=tmp_path / "run", show=False, transport=transport, deadline_s=DEADLINE_S,
        retry=tk.RetryPolicy(tries=2, base_s=0.01), limits=tk.Limits(in_flight=4),
    )  # fmt: skip

    outcomes, attempts = run.outcomes, run.attempts
    if len(outcomes) != run.planned:
        tried.failures.append(f"{run.planned} trials and {len(outcomes)} outcomes")
    late = (
        attempts["elapsed_s"] - attempts["queue_s"] - attempts["limit_wait_s"] - attempts["client_lag_s"] - DEADLINE_S
    )
    for setting, by in late.groupby(attempts["setting"], observed=True).max().items():
        rows = attempts[attempts["setting"] == setting]
        found = [f"{by:.1f} s late"] if by > SPARE_S else []
        found += [f"it answered {text!r:.80}" for text in rows["text"].dropna()]
        found += leaks(key, str(rows.to_dict()))
        tried.case(found, name=f"{transport}, {setting}")
    tried.notes[f"{transport}: latest, s after the deadline"] = round(float(late.max()), 3)
    run.report(tmp_path / "run" / "report.html")
    shown = f"{run!r} {run._repr_html_()} {settings!r} {run.manifest} {run.spend.to_dict()} {run.unsettled.to_dict()}"
    files = "".join(
        f"{path} {path.read_bytes().decode(errors='replace')}"
        for path in (tmp_path / "run").rglob("*")
        if path.is_file()
    )
    for where, text in {"reprs": shown, "files": files, "logs": caplog.text}.items():
        tried.case(leaks(key, text), name=f"{transport}, {where}")
    tried.case(["the key followed a redirect"] if elsewhere.requests else [], name=f"{transport}, redirects")
    tried.case(["a request went to it"] if hostile["has a bad certificate"].requests else [], name="certificate")
    tried.verdict()


@pytest.mark.promise(5, what="exceptions from hostile servers: words, causes, tracebacks, pickles")
def test_no_exception_holds_the_key(servers, tried, scale, caplog):
    """Of one reading: in its words, in those it came of, in its traceback, and in what travels between processes."""
    hostile, elsewhere = servers
    key, image = new_key(), readable(1)[0]
    caplog.set_level(logging.DEBUG)
    quick = ("echoes", "redirects", "has a bad", "sends bad", "speaks SSH", "resets")
    for setting in settings_at(hostile, key, ("capsolver", "openai")):
        if not scale(0, 1) and not any(word in setting.alias for word in quick):
            continue  # some of the others take their whole deadline, one after the other
        found = ["it answered"]
        try:
            with tk.TaskClient(setting) as client:
                client.read(image, timeout_s=DEADLINE_S)
        except ProviderError as error:
            whole = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
            found = leaks(key, whole + pickle.dumps(error).decode("latin-1"))
        tried.case(found, name=setting.alias)
    tried.case(leaks(key, caplog.text), name="logs")
    tried.case(["the key followed a redirect"] if elsewhere.requests else [], name="redirects")
    tried.verdict()
