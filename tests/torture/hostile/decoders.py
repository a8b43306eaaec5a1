"""Every decoder of replies, with a real exchange to start from, and what may come of any other."""

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import toolkit as tk
from toolkit.errors import ProviderError
from toolkit.types import Answer, Call, Reply, Sample

KEY = "CAP-0F1E2D3C4B5A69788796A5B4C3D2E1F0"
_IMAGE = Sample.from_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
_MOST_STEPS = 500

_CREATED = b'{"errorId":0,"taskId":407533072}'
_PENDING = b'{"errorId":0,"errorCode":null,"errorDescription":null,"solution":null,"status":"processing"}'
_READY = b'{"errorId":0,"errorCode":null,"status":"ready","solution":{"text":"A7K2 \\u00e9\xc3\xa9","confidence":0.91}}'
_DONE = b'{"errorId":0,"errorCode":"","errorDescription":"","status":"ready","taskId":"6f1c-22","solution":{"answers":["42"]}}'
_COMPLETION = (
    b'{"id":"c-1","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"A7K2",'
    b'"refusal":null},"logprobs":{"content":[{"token":"A7K2","logprob":-0.105,"bytes":[65],"top_logprobs":[]}]},'
    b'"finish_reason":"stop"}],"usage":{"prompt_tokens":100,"completion_tokens":4,"total_tokens":104}}'
)
_REFUSED = b'{"errorId":1,"errorCode":"ERROR_ZERO_BALANCE","errorDescription":"no money \\ud83d\\ude00","taskId":"x"}'
_FAILED = b'{"error":{"message":"slow down","type":"requests","param":null,"code":"rate_limit_exceeded"}}'


@dataclass(frozen=True)
class Decoder:
    """A setting, real exchanges with it, and where the text stands in the last reply of a good one."""

    setting: tk.Provider
    exchanges: tuple[tuple[bytes, ...], ...]
    texts: Callable[[Any], list[object]]


def _solution(said: Any) -> list[object]:
    solution = said.get("solution") or {}
    return [solution.get("text"), *(solution.get("answers") or [])]


DECODERS = {
    "capsolver": Decoder(
        tk.CapSolver("common", key=KEY), ((_READY,), (b'{"errorId":0,"taskId":"6f1c"}', _READY), (_REFUSED,)), _solution
    ),
    "capsolver, several": Decoder(tk.CapSolver("number", key=KEY), ((_DONE,), (_REFUSED,)), _solution),
    "capmonster": Decoder(
        tk.CapMonster("universal", key=KEY), ((_CREATED, _PENDING, _READY), (_CREATED, _REFUSED)), _solution
    ),
    "openai": Decoder(
        tk.OpenAICompatible("m", key=KEY, logprobs=True),
        ((_COMPLETION,), (_FAILED,)),
        lambda said: [choice["message"]["content"] for choice in said["choices"][:1]],
    ),
}


def outcome(setting: tk.Provider, replies: Sequence[Reply]) -> tuple[Answer | ProviderError, Reply]:
    """What a flow makes of these replies, of which the last is repeated, and the one that decided. Anything else is raised."""
    flow, left, decided = setting.flow(_IMAGE), list(replies), replies[0]
    sent: Any = None
    try:
        for _ in range(_MOST_STEPS):
            step = flow.send(sent)
            sent = None
            if isinstance(step, Call):
                sent = decided = left.pop(0) if len(left) > 1 else left[0]
    except StopIteration as stop:
        if type(stop.value) is not Answer:
            raise TypeError(f"a flow returned {stop.value!r}") from None
        return stop.value, decided
    except ProviderError as error:
        return error, decided
    raise AssertionError(f"a flow goes on after {_MOST_STEPS} steps")


def complaints(decoder: Decoder, replies: Sequence[Reply]) -> list[str]:
    """What is wrong with what these replies came to."""
    try:
        given, decided = outcome(decoder.setting, replies)
    except Exception as error:  # noqa: BLE001 -- whatever it is, it is what the test is looking for
        return [f"{type(error).__name__}: {error} from {[reply.body[:200] for reply in replies]}"]
    if isinstance(given, Answer):
        return _about_answer(decoder, given, decided)
    return _about_error(given)


def _about_answer(decoder: Decoder, answer: Answer, reply: Reply) -> list[str]:
    said = strict_json(reply.body)
    found = []
    if said is None:
        found.append(f"an answer from what is no JSON: {reply.body[:200]!r}")
    elif answer.text not in decoder.texts(said):
        found.append(f"{answer.text!r} is not what was said")
    if not 200 <= reply.status < 300:
        found.append(f"an answer under status {reply.status}")
    if answer.confidence is not None and not 0 <= answer.confidence <= 1:
        found.append(f"confidence {answer.confidence}")
    if not all(math.isfinite(quantity) and quantity >= 0 for quantity in answer.usage.values()):
        found.append(f"usage {answer.usage}")
    return found + _unfit("the answer", answer.text)


def _about_error(error: ProviderError) -> list[str]:
    found = []
    for name, text in {"message": str(error), "code": error.code or "", "task id": str(error.task_id or "")}.items():
        most = 2_000 if name == "message" else 110
        if len(text) > most:
            found.append(f"a {name} of {len(text)} characters")
        found += _unfit(name, text)
        if KEY in text:
            found.append(f"the key in the {name}")
    if error.after_s is not None and not (math.isfinite(error.after_s) and error.after_s >= 0):
        found.append(f"a wait of {error.after_s} s")
    return found


def _unfit(what: str, text: str) -> list[str]:
    try:
        text.encode()
    except UnicodeEncodeError:
        return [f"{what} cannot be stored: {text[:80]!r}"]
    return []


# JSON's grammar (RFC 8259), written down a second time: what Python's own parser takes beyond it is not taken here.
_TOKEN = re.compile(
    r'[ \t\n\r]*(?:([{}\[\]:,])|("(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")'
    r"|(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)|(true|false|null))"
)
_NEXT = {
    "value": "v",
    "first": "v]",
    "member": "s}",
    "name": "s",
    "colon": ":",
    "list": ",]",
    "object": ",}",
    "end": "",
}


def strict_json(body: bytes) -> Any:
    """The value of a body that is JSON to the letter, in one of Unicode's encodings; None for anything else."""
    try:
        text = body.decode(json.detect_encoding(body))
        return json.loads(text) if _is_json(text.rstrip(" \t\n\r")) else None
    except (ValueError, RecursionError):
        return None


def _is_json(text: str) -> bool:
    """A machine with a stack, one token at a time."""
    stack, expected, place = [], "value", 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            return False
        place = token.end()
        sign, string = token[1], token[2]
        allowed = _NEXT[expected]
        if sign and sign in "{[" and "v" in allowed:
            stack.append(sign)
            expected = "member" if sign == "{" else "first"
        elif sign and sign in "}]" and sign in allowed:
            stack.pop()
            expected = _after(stack)
        elif sign == "," and "," in allowed:
            expected = "name" if stack[-1] == "{" else "value"
        elif sign == ":" and allowed == ":":
            expected = "value"
        elif string and "s" in allowed:
            expected = "colon"
        elif not sign and "v" in allowed:
            expected = _after(stack)
        else:
            return False
    return expected == "end"


def _after(stack: list[str]) -> str:
    return "end" if not stack else "object" if stack[-1] == "{" else "list"
