"""One HTTP exchange as the sandbox sees it, and what a service has to be able to do with it."""

import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from toolkit._sandbox.backend import Backend
from toolkit._sandbox.delays import Delay


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent. `document` is the body read as JSON, or None where it is none.

    `operation` is the last part of the path (``createTask``), by which faults and counts are addressed.
    """

    method: str
    path: str
    headers: Mapping[bytes, bytes]
    document: Any

    @property
    def operation(self) -> str:
        return self.path.rstrip("/").rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Response:
    """What goes back, and how it is delivered.

    `content` is a JSON value, or bytes that are sent as they are. The first byte leaves no sooner than
    `delay_s` after the request arrived. `cut` resets the connection instead of answering, or closes it when
    half of the body is out; `drip_s` spreads the body over so many seconds.
    """

    status: int
    content: Any
    headers: tuple[tuple[bytes, bytes], ...] = ()
    content_type: bytes = b"application/json"
    delay_s: float = 0.0
    cut: Literal["", "unanswered", "mid_body"] = ""
    drip_s: float = 0.0

    def body(self) -> bytes:
        if isinstance(self.content, bytes):
            return self.content
        return _as_json(self.content).encode()


_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Refused(Exception):
    """A service's way of saying no: the code it would use, and its usual words unless there are better ones.

    `task_id` is the task that failed, where there was one. `described` False leaves the words out altogether.
    """

    def __init__(
        self, code: str, description: str | None = None, *, task_id: Any = None, described: bool = True
    ) -> None:
        super().__init__(code, description)
        self.code = code
        self.description = description
        self.task_id = task_id
        self.described = described


@dataclass(frozen=True, slots=True)
class Meaning:
    """An error code's HTTP status and its usual words."""

    status: int
    description: str


Answering = Callable[[Request], Awaitable[Response]]


class Service(ABC):
    """One protocol: which paths there are, how each is answered, and how each error looks on the wire.

    The codes name how this service says what every service has a way of saying, so that a fault can ask for it;
    None where the protocol remembers no tasks and has no such answer.
    """

    name: ClassVar[str]
    base_path: ClassVar[str] = ""
    meanings: ClassVar[Mapping[str, Meaning]]
    bad_key_code: ClassVar[str]
    overloaded_code: ClassVar[str]
    unavailable_code: ClassVar[str]
    expired_code: ClassVar[str | None] = None
    over_polled_code: str | None = None
    rate_limit_status: int = 429

    routes: Mapping[str, Answering]
    """The answering method of each path."""

    def __init__(self, backend: Backend, delay: Delay) -> None:
        self.backend = backend
        self.delay = delay

    @abstractmethod
    def key(self, request: Request) -> str | None:
        """The account's key in a request, or None where there is none to be found."""

    @abstractmethod
    def refusal(self, refused: Refused, request: Request) -> Response:
        """The error answer of this service to a request."""

    @abstractmethod
    def lost(self, request: Request) -> Response:
        """The answer to a path or a method that this service does not have."""

    async def respond(self, request: Request) -> Response:
        """The answer to a request, whatever it holds."""
        answer = self.routes.get(request.path)
        if answer is None or request.method != "POST":
            return self.lost(request)
        try:
            return await answer(request)
        except Refused as refused:
            return self.refusal(refused, request)
