"""What can go wrong on the way, on demand.

A `Fault` is one mishap. A schedule says which requests it befalls: `script` names them one by one, `at_rate` draws
them with a seed. A sandbox takes any number of schedules and asks them in turn::

    from toolkit._sandbox import Sandbox, faults

    second_task_is_lost = faults.script([None, faults.cut("after")], on="createTask", service="capmonster")
    bad_day = faults.at_rate(0.05, faults.server_error(503), faults.rate_limited(after_s=1), seed=7)
    Sandbox(reader, faults=[second_task_is_lost, bad_day])
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from toolkit._sandbox.capmonster import CapMonster
from toolkit._sandbox.capsolver import CapSolver
from toolkit._sandbox.delays import Delay, draw
from toolkit._sandbox.exchange import Refused, Request, Response, Service
from toolkit._sandbox.openai import OpenAI
from toolkit.errors import SettingError

_HTML = b"<!DOCTYPE html><html><head><title>502</title></head><body><h1>Bad gateway</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Fault:
    """One mishap. `instead` answers without the service ever seeing the request; `after` spoils the answer to a
    request that was carried out, and perhaps charged.
    """

    name: str
    instead: Callable[[Service, Request], Response] | None = None
    after: Callable[[Response], Response] | None = None


# ── the mishaps ──────────────────────────────────────────────────────────────────────────────────────────


def rate_limited(after_s: float | None = None, *, status: int = 429) -> Fault:
    """Too many requests, in the service's own words, with a ``Retry-After`` header when `after_s` is given."""
    headers = () if after_s is None else ((b"retry-after", f"{after_s:g}".encode()),)

    def answer(service: Service, request: Request) -> Response:
        refusal = service.refusal(Refused(service.overloaded_code), request)
        return replace(refusal, status=status, headers=headers)

    return Fault("rate_limited" if after_s is None else "rate_limited_retry_after", instead=answer)


def server_error(status: int = 503, *, body: Literal["json", "html", "empty"] = "json") -> Fault:
    """A 5xx, with the service's own JSON, with a proxy's HTML, or with nothing."""

    def answer(service: Service, request: Request) -> Response:
        if body == "json":
            return replace(service.refusal(Refused(service.unavailable_code), request), status=status)
        return Response(status, _HTML if body == "html" else b"", content_type=b"text/html")

    return Fault(f"server_error_{status}_{body}", instead=answer)


def error_code(code: str, *, described: bool = True, status: int | None = None) -> Fault:
    """The service's answer with this error code, known to it or not; `described` False leaves its words out."""

    def answer(service: Service, request: Request) -> Response:
        refusal = service.refusal(Refused(code, described=described), request)
        return refusal if status is None else replace(refusal, status=status)

    return Fault(code if described else f"{code}_undescribed", instead=answer)


def cut(when: Literal["before", "after", "mid_body"]) -> Fault:
    """The connection is reset before the request was carried out, after it was, or closed amid the answer."""
    if when == "before":
        return Fault("cut_before", instead=lambda _service, _request: Response(0, b"", cut="unanswered"))
    if when == "after":
        return Fault("cut_after", after=lambda response: replace(response, cut="unanswered"))
    return Fault("cut_mid_body", after=lambda response: replace(response, cut="mid_body"))


def truncated() -> Fault:
    """Half of the JSON, in an HTTP answer that is whole."""
    return Fault("truncated", after=lambda response: replace(response, content=_first_half(response)))


def not_json(body: bytes = _HTML, *, status: int = 200) -> Fault:
    """Something else than JSON where JSON is due."""
    return Fault(
        "not_json", after=lambda response: replace(response, status=status, content=body, content_type=b"text/html")
    )


def missing(member: str) -> Fault:
    """The answer without one member, such as ``taskId`` or ``solution.text``; an answer that has none is left alone."""
    return Fault(
        f"missing_{member}", after=lambda response: _edited(response, member, lambda parent, name: parent.pop(name))
    )


def replaced(member: str, value: Any) -> Fault:
    """The answer with one member of another value, usually of another type; an answer that has none is left alone."""
    return Fault(
        f"replaced_{member}",
        after=lambda response: _edited(response, member, lambda parent, name: parent.__setitem__(name, value)),
    )


def delayed(delay: Delay, *, seed: int = 0) -> Fault:
    """The answer comes later by seconds or a distribution of them."""
    dice = random.Random(seed)
    return Fault("delayed", after=lambda response: replace(response, delay_s=response.delay_s + draw(delay, dice)))


def slow_drip(over_s: float) -> Fault:
    """The answer's body comes bit by bit, over so many seconds."""
    return Fault("slow_drip", after=lambda response: replace(response, drip_s=over_s))


def expired() -> Fault:
    """The service has forgotten the task."""
    return Fault("expired", instead=_coded(lambda service: service.expired_code))


def over_polled() -> Fault:
    """The task was asked for too often."""
    return Fault("over_polled", instead=_coded(lambda service: service.over_polled_code))


# ── whom they befall ─────────────────────────────────────────────────────────────────────────────────────


class Schedule(Protocol):
    """Says what befalls a request; asked once for each, in order of arrival, on the server's thread."""

    def pick(self, service: str, operation: str) -> Fault | None:
        """The fault for this request, or None."""
        ...


def schedules(given: Iterable[Schedule]) -> tuple[Schedule, ...]:
    """The schedules as a sandbox keeps them; `SettingError` for what is none, such as a fault by itself."""
    kept = tuple(given)
    for schedule in kept:
        if not hasattr(schedule, "pick"):
            raise SettingError(
                f"{schedule!r} does not say which requests it befalls; give faults.script([…]) or faults.at_rate(…)"
            )
    return kept


class _Addressed:
    """The part that all schedules share: which service and which operation they are about."""

    def __init__(self, service: str | None, on: str | None) -> None:
        self.service = service
        self.on = on

    def concerns(self, service: str, operation: str) -> bool:
        return self.service in (None, service) and self.on in (None, operation)


class _Script(_Addressed):
    def __init__(self, faults: Sequence[Fault | None], service: str | None, on: str | None) -> None:
        super().__init__(service, on)
        self._left = iter(tuple(faults))

    def pick(self, service: str, operation: str) -> Fault | None:
        return next(self._left, None) if self.concerns(service, operation) else None


class _Rate(_Addressed):
    def __init__(self, rate: float, faults: Sequence[Fault], seed: int, service: str | None, on: str | None) -> None:
        super().__init__(service, on)
        self._rate = rate
        self._faults = faults
        self._dice = random.Random(seed)

    def pick(self, service: str, operation: str) -> Fault | None:
        if not self.concerns(service, operation) or self._dice.random() >= self._rate:
            return None
        return self._dice.choice(self._faults)


def script(faults: Sequence[Fault | None], *, service: str | None = None, on: str | None = None) -> Schedule:
    """The n-th request gets the n-th entry, None for nothing, and those after the last get nothing.

    Only requests to `service` and `on` an operation are counted, such as ``createTask``; None means any.
    """
    return _Script(faults, service, on)


def at_rate(rate: float, *faults: Fault, seed: int = 0, service: str | None = None, on: str | None = None) -> Schedule:
    """Each request meets, with probability `rate`, one of the `faults`, all equally likely.

    The draw depends on the seed and on the order of arrival of the requests it is about, and on nothing else.
    """
    if not 0 <= rate <= 1:
        raise SettingError(f"a rate of faults is from 0 to 1, not {rate}")
    if not faults:
        raise SettingError("at_rate() needs at least one fault, such as faults.server_error(503)")
    return _Rate(rate, faults, seed, service, on)


# ── all of them ──────────────────────────────────────────────────────────────────────────────────────────

_PROTOCOLS: Mapping[str, type[Service]] = {protocol.name: protocol for protocol in (CapSolver, CapMonster, OpenAI)}

_MEMBERS: Mapping[str, Sequence[tuple[str, Any]]] = {
    "capsolver": (("errorId", "0"), ("status", 3), ("solution", []), ("solution.text", 17), ("taskId", 5)),
    "capmonster": (("errorId", "0"), ("status", 3), ("solution", []), ("solution.text", 17), ("taskId", "none")),
    "openai": (("choices", {}), ("usage", 3), ("choices.0.message", "text"), ("choices.0.message.content", 17)),
}
"""The members that a client reads, with a value of a type that it does not expect."""


def catalogue(service: str) -> dict[str, Fault]:
    """One fault of every kind that a service can show, by name: each error code, status, cut and spoilt member.

    `service` is ``capsolver``, ``capmonster`` or ``openai``.
    """
    if service not in _PROTOCOLS:
        raise SettingError(f"there is no service {service!r} in the sandbox; it has {', '.join(_PROTOCOLS)}")
    protocol = _PROTOCOLS[service]
    faults = [
        rate_limited(),
        rate_limited(after_s=0.05),
        *(server_error(status) for status in (500, 502, 503, 504)),
        server_error(502, body="html"),
        server_error(500, body="empty"),
        cut("before"),
        cut("after"),
        cut("mid_body"),
        truncated(),
        not_json(),
        delayed(0.05),
        slow_drip(0.05),
        *([expired(), over_polled()] if protocol.expired_code else []),
        *(error_code(code) for code in protocol.meanings),
        error_code("ERROR_NEVER_HEARD_OF"),
        error_code(protocol.bad_key_code, described=False),
        *(missing(member) for member, _ in _MEMBERS[service]),
        *(replaced(member, value) for member, value in _MEMBERS[service]),
    ]
    return {fault.name: fault for fault in faults}


def passing() -> tuple[Fault, ...]:
    """What befalls any service on a bad day and is over with the next request: no answer, half of one, or a 5xx."""
    return (
        rate_limited(),
        rate_limited(after_s=0.2),
        server_error(503),
        server_error(502, body="html"),
        cut("before"),
        cut("after"),
        cut("mid_body"),
        truncated(),
        not_json(),
    )


# ── how an answer is spoilt ──────────────────────────────────────────────────────────────────────────────


def _coded(code_of: Callable[[Service], str | None]) -> Callable[[Service, Request], Response]:
    def answer(service: Service, request: Request) -> Response:
        code = code_of(service)
        if code is None:
            return Response(404, b"", content_type=b"text/plain")
        return service.refusal(Refused(code), request)

    return answer


def _first_half(response: Response) -> bytes:
    body = response.body()
    return body[: len(body) // 2]


def _edited(response: Response, member: str, edit: Callable[[Any, Any], object]) -> Response:
    """A copy of the answer whose `member`, a path of names and list positions, was given to `edit`."""
    if isinstance(response.content, bytes):
        return response
    content = _copied(response.content)
    *above, last = (int(name) if name.isdigit() else name for name in member.split("."))
    parent = content
    for name in above:
        if not _has(parent, name):
            return response
        parent = parent[name]
    if not _has(parent, last):
        return response
    edit(parent, last)
    return replace(response, content=content)


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(member) for name, member in value.items()}
    return [_copied(member) for member in value] if isinstance(value, list) else value


def _has(parent: Any, name: str | int) -> bool:
    if isinstance(name, int):
        return isinstance(parent, list) and name < len(parent)
    return isinstance(parent, dict) and name in parent
