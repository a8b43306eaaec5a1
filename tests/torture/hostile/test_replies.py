"""Every decoder of replies, whatever it is handed: an answer that was said, or an error with a name."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from time import thread_time

import pytest
from decoders import DECODERS, complaints, strict_json
from hypothesis import HealthCheck, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from thoroughness import SEED, WHOLE

from toolkit.testing.hostile import REPLIES
from toolkit.types import Reply

MOST_CPU_S = 5.0
"""For a reply of up to 1 MiB, which takes a few hundredths: only what is not bounded at all is beyond it."""

_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True)
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(
        ["", "ready", "processing", "idle", "ERROR_IP_BANNED", 0, 1, -1, 10**30, 1e308, "\ud800", "x" * 3000]
    )
)
VALUES = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner))
STATUSES = st.sampled_from([200] * 12 + [201, 204, 301, 400, 401, 402, 403, 404, 429, 500, 503, 529])
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "content-type", "location"]),
    st.sampled_from(["7", "-1", "1e999", "nan", "", "Wed, 21 Oct 2015 07:28:00 GMT", "x" * 500, "application/json"]),
    max_size=2,
)


def paths(value, before=()):
    """Where each member of a JSON value stands, the whole included."""
    yield before
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in inner:
        yield from paths(member, (*before, name))


@st.composite
def remade(draw, body):
    """A real reply with some of its members replaced, left out, renamed or moved."""
    value = json.loads(body)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(paths(value))))
        new = draw(VALUES)
        if not path:
            value = new if draw(st.integers(0, 9)) == 0 else value
            continue
        holder = value
        for name in path[:-1]:
            holder = holder[name]
        how = draw(st.sampled_from(["replace", "replace", "drop", "rename", "wrap"]))
        old = holder[path[-1]]
        if how == "drop" or (how == "rename" and isinstance(holder, dict)):
            del holder[path[-1]]
            if how == "rename":
                holder[draw(st.text(max_size=6))] = old
        else:
            holder[path[-1]] = [old] if how == "wrap" else new
    return json.dumps(value, ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass")


@st.composite
def damaged(draw, body):
    """A real reply with some of its bytes flipped, lost, added, repeated, or in another encoding."""
    data = bytearray(body)
    for _ in range(draw(st.integers(1, 4))):
        at, length = draw(st.integers(0, max(0, len(data) - 1))), draw(st.integers(1, 12))
        how = draw(st.sampled_from(["flip", "flip", "lose", "add", "repeat", "cut"]))
        if how == "flip" and data:
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif how == "lose":
            del data[at : at + length]
        elif how == "add":
            odd = [
                b"\x00",
                b"\xed\xa0\x80",
                b"\xff\xfe",
                b"NaN",
                b"[" * 2000,
                b'"',
                b"\\u",
                b"9" * 5000,
                b"\xef\xbb\xbf",
            ]
            data[at:at] = draw(st.binary(max_size=8) | st.sampled_from(odd))
        elif how == "repeat":
            data[at:at] = data[at : at + length]
        else:
            del data[at:]
    encoding = draw(st.sampled_from([None] * 8 + ["utf-16", "utf-16-be", "utf-32", "utf-7", "latin-1"]))
    return bytes(data) if encoding is None else data.decode(errors="replace").encode(encoding, "replace")


@st.composite
def exchanges(draw, decoder):
    """Replies to one flow, of which at least one is not as it was."""
    bodies = draw(st.sampled_from(decoder.exchanges))
    odd = draw(st.integers(0, len(bodies) - 1))
    return [
        Reply(draw(STATUSES), draw(remade(body) | damaged(body)), draw(HEADERS)) if n == odd else Reply(200, body)
        for n, body in enumerate(bodies)
    ]


def thoroughly(examples):
    """The same examples in each `make test`, and others by seed."""
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=not WHOLE,
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.promise(7, what="replies with odd members, damaged bytes, other encodings, under any status")
@pytest.mark.parametrize("name", DECODERS)
def test_any_reply_is_an_answer_that_was_said_or_an_error_with_a_name(name, tried, scale):
    """Never another exception, never an answer from what is no JSON, and nothing in words that could not be stored."""
    decoder, longest_s = DECODERS[name], 0.0

    @thoroughly(scale(150, 10_000))
    @seeded(SEED)
    @given(exchanges(decoder))
    def fuzz(replies):
        nonlocal longest_s
        began = thread_time()
        found = complaints(decoder, replies)
        took_s = thread_time() - began
        longest_s = max(longest_s, took_s)
        if took_s > MOST_CPU_S:
            found.append(f"it took {took_s:.1f} s of processor time")
        tried.case(found, name=name)
        assert not found

    fuzz()
    tried.notes[f"{name}: longest, ms of CPU"] = round(1000 * longest_s, 1)
    tried.verdict()


def long_bodies():
    """Bodies at the limit of what is read, each of another kind."""
    most = 1 << 20
    return {
        "lists": b"[" * most,
        "lists, closed": b"[" * (most // 2) + b"]" * (most // 2),
        "digits": b'{"errorId":' + b"9" * (most - 12) + b"}",
        "members": b"{%s}" % b",".join(b'"%d":0' % n for n in range(90_000)),
        "one name again and again": b"{%s}" % b",".join([b'"errorId":0'] * 80_000),
        "escapes": b'{"errorId":1,"errorCode":"%s"}' % (b"\\u0000" * 170_000),
        "halves": b'{"errorId":1,"errorDescription":"%s"}' % (b"\\ud800" * 170_000),
        "objects": b'{"a":' * 170_000,
        "spaces": b" " * most,
        "no end of a text": b'{"errorId":"' + b"\\" * (most - 12),
    }


@pytest.mark.promise(4, 7, what="replies of 1 MiB that are hard to parse")
@pytest.mark.parametrize("name", DECODERS)
def test_a_long_reply_is_dealt_with_soon(name, tried):
    """In a time that grows with its length, and with an error as short as any."""
    for what, body in long_bodies().items():
        began = thread_time()
        found = complaints(DECODERS[name], [Reply(200, body)])
        if thread_time() - began > MOST_CPU_S:
            found.append("it takes too long")
        tried.case(found, name=f"{name}, {what}")
    for what, reply in REPLIES.items():
        tried.case(complaints(DECODERS[name], [reply]), name=f"{name}, {what}")
    tried.verdict()


@pytest.mark.promise(7, what="reply decoders and log reader under a coverage-guided fuzzer")
@pytest.mark.parametrize("target", [*DECODERS, "log"])
def test_no_input_that_reaches_new_code_breaks_it(target, tried, scale, tmp_path):
    """Inputs are chosen by the branches they reach; in `make test` only those that each search begins with are tried."""
    runs = scale(0, 3_000 if target == "log" else 100_000)
    if runs and importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed: no coverage-guided fuzzing")
    harness = Path(__file__).with_name("guided.py")
    ended = subprocess.run(
        [sys.executable, harness, target, str(runs), str(SEED + 1), tmp_path],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(harness.parent)},
        timeout=1_200,
    )
    done = re.search(r"Done (\d+) (?:runs|seeds)", ended.stdout + ended.stderr)
    tried.cases += int(done[1]) if done else 1
    if ended.returncode or not done:
        tried.failures.append(f"{target}: {(ended.stdout + ended.stderr)[-2000:]}")
    tried.verdict()


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a":[1,-2.5e3,true,null,"\\u00e9"]}', {"a": [1, -2500.0, True, None, "é"]}),
        (b" [ ] ", []),
        (b"NaN", None),
        (b"[1,]", None),
        (b'{"a" 1}', None),
        (b"01", None),
        (b'"\t"', None),
        (b"\xed\xa0\x80", None),
        (b"[}", None),
        (b"1 2", None),
    ],
)
def test_the_second_grammar_is_json(body, value):
    """What is compared with has to be right itself."""
    assert strict_json(body) == value
