"""The ASGI application: which service a request is for, what befalls it, and how its answer is delivered."""

import asyncio
import json
import logging
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any

from toolkit._sandbox.connections import Connections
from toolkit._sandbox.exchange import Refused, Request, Response, Service
from toolkit._sandbox.faults import Fault, Schedule
from toolkit._sandbox.ledger import Traffic
from toolkit._sandbox.limits import SlidingWindow

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

DRIPS = 20

logger = logging.getLogger(__name__)


class SandboxApp:
    """Answers each port as the service that lives there.

    `requests_per_s` limits each account of a service that is named in it. `faults` may be replaced at any time.
    """

    def __init__(
        self,
        services: Mapping[int, Service],
        traffic: Traffic,
        *,
        requests_per_s: Mapping[str, float],
        says_when: bool,
        faults: Sequence[Schedule],
    ) -> None:
        self.services = services
        self.connections = Connections()
        self.traffic = traffic
        self.faults = faults
        self.is_closing = False
        self._requests_per_s = requests_per_s
        self._says_when = says_when
        self._windows: dict[tuple[str, str | None], SlidingWindow] = {}
        self._in_flight: Counter[str] = Counter()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if self.is_closing:
            self.connections.reset(scope)
            await _hung_up(receive)
            return
        service = self.services[scope["server"][1]]
        self._in_flight[service.name] += 1
        self.traffic.peak_in_flight[service.name] = max(
            self.traffic.peak_in_flight[service.name], self._in_flight[service.name]
        )
        try:
            request = await _request(scope, receive)
            if request is None:
                return
            arrived = self.connections.heard_at(scope)
            response = await self._answer(service, request)
            status = 0 if response.cut == "unanswered" else response.status
            self.traffic.answers[service.name, request.operation, status] += 1
            await self._deliver(response, arrived, scope, receive, send)
        finally:
            self._in_flight[service.name] -= 1

    async def _answer(self, service: Service, request: Request) -> Response:
        try:
            return self._too_fast(service, request) or await self._with_fault(service, request)
        except Exception:
            # What comes here is a mistake in the sandbox itself; its user should hear of it on both ends.
            logger.exception("the sandbox failed to answer %s", request.path)
            return Response(500, b"the sandbox failed; its log says why", content_type=b"text/plain")

    def _too_fast(self, service: Service, request: Request) -> Response | None:
        per_s = self._requests_per_s.get(service.name)
        if per_s is None:
            return None
        account = service.name, service.key(request)
        window = self._windows.get(account)
        if window is None:
            window = self._windows[account] = SlidingWindow(per_s)
        wait_s = window.take(time.monotonic())
        if not wait_s:
            return None
        refusal = service.refusal(Refused(service.overloaded_code), request)
        when = ((b"retry-after", b"%d" % math.ceil(wait_s)),) if self._says_when else ()
        return Response(service.rate_limit_status, refusal.content, headers=when)

    async def _with_fault(self, service: Service, request: Request) -> Response:
        fault = self._fault(service.name, request.operation)
        if fault is None:
            return await service.respond(request)
        self.traffic.faults[service.name, fault.name] += 1
        if fault.instead is not None:
            return fault.instead(service, request)
        response = await service.respond(request)
        return response if fault.after is None else fault.after(response)

    def _fault(self, service: str, operation: str) -> Fault | None:
        for schedule in self.faults:
            fault = schedule.pick(service, operation)
            if fault is not None:
                return fault
        return None

    async def _deliver(
        self, response: Response, arrived: float, scope: Mapping[str, Any], receive: Receive, send: Send
    ) -> None:
        body = response.body()
        # Counted from the request's arrival, so that the sandbox's own work is not added to the delay.
        if response.delay_s:
            await asyncio.sleep(arrived + response.delay_s - time.monotonic())
        if response.cut == "unanswered":
            self.connections.reset(scope)
            await _hung_up(receive)
            return
        head = {
            "type": "http.response.start",
            "status": response.status,
            "headers": [
                (b"content-type", response.content_type),
                (b"content-length", b"%d" % len(body)),
                *response.headers,
            ],
        }
        if not response.cut and not response.drip_s:
            with self.connections.in_one_piece(scope):
                await send(head)
                await send({"type": "http.response.body", "body": body})
            return
        await send(head)
        if response.cut == "mid_body":
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            self.connections.close(scope)
            await _hung_up(receive)
            return
        await send({"type": "http.response.body", "body": await _drip(body, response.drip_s, send)})


async def _request(scope: Mapping[str, Any], receive: Receive) -> Request | None:
    """The whole request, or None when the client was gone before it had sent it."""
    parts: list[bytes] = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    try:
        document = json.loads(b"".join(parts))
    except ValueError:
        document = None
    return Request(scope["method"], scope["path"], dict(scope["headers"]), document)


async def _drip(body: bytes, over_s: float, send: Send) -> bytes:
    """Send all but the last bit of the body bit by bit; returns that bit."""
    size = max(1, -(-len(body) // DRIPS))
    bits = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
    for bit in bits[:-1]:
        await send({"type": "http.response.body", "body": bit, "more_body": True})
        await asyncio.sleep(over_s / len(bits))
    return bits[-1]


async def _hung_up(receive: Receive) -> None:
    # The server takes an application that returns before its answer is out for a broken one.
    while (await receive())["type"] != "http.disconnect":
        pass
