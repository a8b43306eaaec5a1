"""Flows driven by hand: each call is given the next reply of a list, and what comes out is kept."""

import json
from dataclasses import dataclass, field
from typing import Any

from toolkit.errors import ProviderError
from toolkit.types import Call, Reply, Sample

SAMPLE = Sample.from_bytes(bytes(range(250)))
"""An image for providers that do not look into it."""


@dataclass
class Driven:
    """What a flow did and what it came to."""

    steps: list[Any] = field(default_factory=list)
    value: Any = None
    error: ProviderError | None = None

    @property
    def calls(self) -> list[Call]:
        return [step for step in self.steps if isinstance(step, Call)]


def reply(body: Any, status: int = 200, **headers: str) -> Reply:
    """A JSON reply, or one with a body of bytes; an underscore in a header's name stands for a hyphen."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, data, {name.replace("_", "-"): value for name, value in headers.items()})


def drive(flow: Any, *outcomes: Any) -> Driven:
    """Run a flow to its end. An outcome is a `Reply`, an error that came of the call, or the reply's JSON."""
    driven, left = Driven(), list(outcomes)
    try:
        step = next(flow)
        while True:
            driven.steps.append(step)
            gained = None
            if isinstance(step, Call):
                gained = left.pop(0)  # an IndexError here is a call that nobody expected
                gained = gained if isinstance(gained, Reply | ProviderError) else reply(gained)
            step = flow.throw(gained) if isinstance(gained, ProviderError) else flow.send(gained)
    except StopIteration as stop:
        assert left == []
        driven.value = stop.value
    except ProviderError as error:
        driven.error = error
    return driven


NOT_THE_DIALECT: dict[str, Reply] = {
    "HTML": reply(b"<html><body>Just a moment</body></html>", content_type="text/html"),
    "nothing": reply(b""),
    "cut JSON": reply(b'{"errorId":0,"status":"ready","solution":{"text":"an'),
    "a list": reply(b"[]"),
    "null": reply(b"null"),
    "deep lists": reply(b"[" * 100_000),
    "NaN": reply(b'{"errorId": NaN}'),
    "5,000 digits": reply(b'{"errorId": ' + b"1" * 5000 + b"}"),
    "no text encoding": reply(b"\x80\xff\xfe"),
    "no errorId": reply({"status": "ready", "solution": {"text": "answer"}, "taskId": 1}),
    "null errorId": reply({"errorId": None, "status": "ready", "solution": {"text": "answer"}, "taskId": 1}),
    "errorId is a text": reply({"errorId": "0", "status": "ready", "solution": {"text": "answer"}, "taskId": 1}),
    "errorId is false": reply({"errorId": False, "status": "ready", "solution": {"text": "answer"}, "taskId": 1}),
    "a status of 422 without errorId": reply({"solution": {"text": "answer"}}, 422),
    "a redirection": reply(b"", 302, location="/elsewhere"),
}
"""Replies that are no answer in the createTask dialect, by what they are."""
