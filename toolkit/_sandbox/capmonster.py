"""CapMonster Cloud's protocol, as its documentation and its clients have it.

A task is created, then asked for until it is ready. What the documentation leaves open is a field of
`CapMonsterRules` and is called *assumed* there.
"""

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from toolkit._sandbox import capmonster_options, delays, images
from toolkit._sandbox.backend import Backend
from toolkit._sandbox.callback import is_loopback, notify
from toolkit._sandbox.capmonster_options import Options
from toolkit._sandbox.delays import Delay
from toolkit._sandbox.exchange import Meaning, Refused, Request, Response, Service
from toolkit._sandbox.ledger import Account, Report
from toolkit._sandbox.tasks import OverPolled, Task, TaskBook

MEANINGS: Mapping[str, Meaning] = {
    code: Meaning(200, description)
    for code, description in {
        "ERROR_KEY_DOES_NOT_EXIST": "the key does not exist",
        "ERROR_ZERO_BALANCE": "the account has no credit",
        "ERROR_TOO_BIG_CAPTCHA_FILESIZE": "the image has more than 50 KB",
        "ERROR_ZERO_CAPTCHA_FILESIZE": "the image has less than 100 bytes",
        "ERROR_NO_SUCH_CAPCHA_ID": "the task is unknown or has expired",
        "WRONG_CAPTCHA_ID": "the task's id is wrong",
        "ERROR_CAPTCHA_UNSOLVABLE": "the image could not be solved",
        "CAPTCHA_NOT_READY": "the task is not ready",
        "ERROR_TOO_MUCH_REQUESTS": "the task was asked for too often",
        "ERROR_NO_SLOT_AVAILABLE": "no slot is free, try again later",
        "ERROR_IP_NOT_ALLOWED": "this address is not allowed",
        "ERROR_IP_BANNED": "this address is banned",
        "ERROR_IP_BLOCKED": "this address is blocked",
        "ERROR_NO_SUCH_METHOD": "there is no such method",
        "ERROR_TASK_NOT_SUPPORTED": "this type of task is not supported",
        "ERROR_TASK_ABSENT": "the task is missing",
        "ERROR_INVALID_TASK": "the task is invalid",
        "ERROR_SERVICE_NOT_AVAILABLE": "the service is not available",
        "ERROR_DOMAIN_NOT_ALLOWED": "the domain is not allowed",
        "ERROR_TOKEN_EXPIRED": "the token has expired",
        "ERROR_WRONG_USERAGENT": "the user agent is wrong",
    }.items()
}

RECORDED_STATUS: Mapping[str, int] = {
    "ERROR_ZERO_BALANCE": 402,
    "ERROR_KEY_DOES_NOT_EXIST": 403,
    "ERROR_IP_NOT_ALLOWED": 403,
    "ERROR_IP_BANNED": 403,
    "ERROR_IP_BLOCKED": 403,
}

LEAST_BYTES, MOST_BYTES = 100, 50_000


@dataclass(frozen=True, slots=True)
class CapMonsterRules:
    """How the service behaves where that can differ.

    `strict` refuses what the documentation excludes: `numeric` other than 0 and 1, a threshold outside 0 to 100,
    a ``data:`` prefix, line breaks, `math` together with the module ``captcha_math``. The others are assumed, for
    want of a documented behaviour:

    - `errors`: whether errors come with HTTP status 200, or an empty account with 402 and a bad key or a banned
      address with 403, as users have recorded.
    - `equal_passes`: whether a confidence equal to the threshold passes.
    - `lower_case`: answers are in lower case unless `case` is asked for.
    - `rate_limit_status`: the HTTP status of an answer to too many requests.
    """

    strict: bool = True
    errors: Literal["200", "402/403"] = "200"
    equal_passes: bool = True
    lower_case: bool = False
    rate_limit_status: int = 429


class CapMonster(Service):
    """The service itself. Options in the task win over options in the key (assumed)."""

    name: ClassVar[str] = "capmonster"
    meanings = MEANINGS
    bad_key_code = "ERROR_KEY_DOES_NOT_EXIST"
    overloaded_code = "ERROR_NO_SLOT_AVAILABLE"
    unavailable_code = "ERROR_SERVICE_NOT_AVAILABLE"
    expired_code = "ERROR_NO_SUCH_CAPCHA_ID"
    over_polled_code = "ERROR_TOO_MUCH_REQUESTS"

    def __init__(self, backend: Backend, delay: Delay, rules: CapMonsterRules) -> None:
        super().__init__(backend, delay)
        self.rules = rules
        self.rate_limit_status = rules.rate_limit_status
        self.tasks: TaskBook[int] = TaskBook(backend.clock)
        self._ids = itertools.count(backend.dice.randrange(100_000_000, 400_000_000))
        self.routes = {
            "/createTask": self._create_task,
            "/getTaskResult": self._get_task_result,
            "/getBalance": self._get_balance,
            "/reportIncorrectImageCaptcha": self._report_image,
            "/reportIncorrectTokenCaptcha": self._report_token,
            "/reportIncorrectRecaptcha": self._report_token,
        }

    def key(self, request: Request) -> str | None:
        if not isinstance(request.document, dict):
            return None
        key = request.document.get("clientKey", request.document.get("ClientKey"))
        return key.partition("__")[0] if isinstance(key, str) else None

    def refusal(self, refused: Refused, request: Request) -> Response:
        return self._refusal(refused, request.operation)

    def _refusal(self, refused: Refused, operation: str) -> Response:
        meaning = self.meanings.get(refused.code, Meaning(200, refused.code))
        content: dict[str, Any] = {"errorId": 1, "errorCode": refused.code}
        if refused.described and not operation.startswith("reportIncorrect"):
            content["errorDescription"] = refused.description or meaning.description
        if operation == "createTask":
            content["taskId"] = 0
        return Response(self._status(refused.code, meaning), content)

    def _status(self, code: str, meaning: Meaning) -> int:
        if self.rules.errors == "402/403":
            return RECORDED_STATUS.get(code, meaning.status)
        return meaning.status

    def lost(self, request: Request) -> Response:
        return self._refusal(Refused("ERROR_NO_SUCH_METHOD", f"no {request.method} {request.path} here"), "")

    # ── operations ──

    async def _create_task(self, request: Request) -> Response:
        account = self._account(request)
        options, image = self._task(request.document)
        callback = request.document.get("callbackUrl")
        if callback is not None and not is_loopback(callback):
            raise Refused("ERROR_INVALID_TASK", "callbackUrl: a sandbox posts to http:// on a loopback address only")
        if not self.backend.ledger.hold(account):
            raise Refused("ERROR_ZERO_BALANCE")
        delay_s = delays.draw(self.delay, self.backend.dice)
        task = self.tasks.add(next(self._ids), account, delay_s)
        work = self._solve(task, options, image, callback)
        if self.backend.is_instant(options.module):
            await work
        else:
            self.backend.spawn(work)
        return Response(200, {"errorId": 0, "taskId": task.id})

    async def _get_task_result(self, request: Request) -> Response:
        account = self._account(request)
        try:
            task = self.tasks.poll(_task_id(request.document), account)
        except OverPolled:
            raise Refused(self.over_polled_code) from None
        if task is None:
            raise Refused("ERROR_NO_SUCH_CAPCHA_ID")
        if not self.tasks.is_ready(task):
            return Response(200, {"errorCode": None, "errorDescription": None, "errorId": 0, "status": "processing"})
        return self._result(task)

    async def _get_balance(self, request: Request) -> Response:
        return Response(200, {"errorId": 0, "balance": float(self._account(request).balance_usd)})

    async def _report_image(self, request: Request) -> Response:
        account = self._account(request)
        id = _task_id(request.document)
        if self.tasks.find(id, account) is None:
            raise Refused("ERROR_NO_SUCH_CAPCHA_ID")
        self.backend.ledger.report(Report(self.name, id))
        return Response(200, {"errorId": 0, "status": "success"})

    async def _report_token(self, request: Request) -> Response:
        self._account(request)
        raise Refused("ERROR_NO_SUCH_CAPCHA_ID")  # there are no token tasks here, so it can be none of them

    # ── parts of them ──

    def _account(self, request: Request) -> Account:
        if not isinstance(request.document, dict):
            raise Refused("ERROR_TASK_ABSENT", "the request's body must be a JSON object")
        account = self.backend.ledger.account(self.name, self.key(request))
        if account is None:
            raise Refused("ERROR_KEY_DOES_NOT_EXIST")
        if account.blocked:
            raise Refused("ERROR_IP_BANNED")
        return account

    def _task(self, document: Mapping[str, Any]) -> tuple[Options, bytes]:
        task = document.get("task")
        if not isinstance(task, dict):
            raise Refused("ERROR_TASK_ABSENT")
        if task.get("type") != "ImageToTextTask":
            raise Refused("ERROR_TASK_NOT_SUPPORTED")
        key = document.get("clientKey", document.get("ClientKey"))
        try:
            options = capmonster_options.read(task, key, strict=self.rules.strict)
            image = images.decode(task.get("body"), strict=self.rules.strict)
        except capmonster_options.InvalidOption as error:
            raise Refused("ERROR_INVALID_TASK", str(error)) from error
        except images.NotAnImage as error:
            raise Refused("ERROR_INVALID_TASK", f"body: {error}") from error
        if len(image) < LEAST_BYTES:
            raise Refused("ERROR_ZERO_CAPTCHA_FILESIZE")
        if len(image) > MOST_BYTES:
            raise Refused("ERROR_TOO_BIG_CAPTCHA_FILESIZE")
        return options, image

    async def _solve(self, task: Task[int], options: Options, image: bytes, callback: str | None) -> None:
        reading = await self.backend.read([image], options.module)
        text = None if reading is None else capmonster_options.apply(options, reading.texts[0])
        outcome = "answered"
        if reading is None or text is None:
            outcome = "unsolvable"
        elif not self._passes(reading.confidence, options.threshold):
            outcome, text = "below_threshold", None
        if text is not None and self.rules.lower_case and not options.case:
            text = text.lower()
        self.backend.ledger.settle(task.account, task.id, outcome, charge=text is not None)
        task.finish(None if text is None else {"text": text})
        if callback is not None:
            self.backend.spawn(self._call_back(callback, task))

    def _passes(self, confidence: float, threshold: int | None) -> bool:
        if threshold is None:
            return True
        least = threshold / 100
        return confidence > least or (self.rules.equal_passes and confidence == least)

    async def _call_back(self, url: str, task: Task[int]) -> None:
        await asyncio.sleep(max(0.0, task.ready_at - self.backend.clock()))
        await notify(url, self._result(task).body())

    def _result(self, task: Task[int]) -> Response:
        if task.solution is None:
            return self._refusal(Refused("ERROR_CAPTCHA_UNSOLVABLE"), "getTaskResult")
        return Response(200, {"errorId": 0, "status": "ready", "solution": task.solution})


def _task_id(document: Mapping[str, Any]) -> int:
    id = document.get("taskId")
    if type(id) is int:
        return id
    if isinstance(id, str) and id.isascii() and id.isdigit():
        return int(id)  # clients written for a sister service send the number as text
    raise Refused("WRONG_CAPTCHA_ID")
