"""CapSolver's protocol, as its documentation and its clients have it.

An image task is answered in the exchange that creates it. What the documentation leaves open is a field of
`CapSolverRules` and is called *assumed* there.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from toolkit._sandbox import delays, images
from toolkit._sandbox.backend import Backend, Reading
from toolkit._sandbox.delays import Delay
from toolkit._sandbox.exchange import Meaning, Refused, Request, Response, Service
from toolkit._sandbox.ledger import Account, Report
from toolkit._sandbox.tasks import OverPolled, Task, TaskBook

MEANINGS: Mapping[str, Meaning] = {
    "ERROR_SERVICE_UNAVALIABLE": Meaning(400, "the service is busy, try again later"),  # the vendor's spelling
    "ERROR_RATE_LIMIT": Meaning(400, "more requests than the plan allows"),
    "ERROR_INVALID_TASK_DATA": Meaning(400, "the task's data is invalid"),
    "ERROR_BAD_REQUEST": Meaning(400, "the request is invalid"),
    "ERROR_TASKID_INVALID": Meaning(400, "the task does not exist or has expired"),
    "ERROR_TASK_TIMEOUT": Meaning(400, "the task was not solved within 120 seconds"),
    "ERROR_SETTLEMENT_FAILED": Meaning(400, "the charge failed"),
    "ERROR_KEY_DENIED_ACCESS": Meaning(401, "the key is not accepted"),
    "ERROR_ZERO_BALANCE": Meaning(400, "the account has no credit"),
    "ERROR_TASK_NOT_SUPPORTED": Meaning(400, "this type of task is not supported"),
    "ERROR_CAPTCHA_UNSOLVABLE": Meaning(400, "the image could not be solved"),
    "ERROR_UNKNOWN_QUESTION": Meaning(400, "this question is not supported"),
    "ERROR_PROXY_BANNED": Meaning(400, "the proxy is banned"),
    "ERROR_INVALID_IMAGE": Meaning(400, "the image's size is not acceptable"),
    "ERROR_PARSE_IMAGE_FAIL": Meaning(400, "the image is not decodable"),
    "ERROR_IP_BANNED": Meaning(400, "too many errors from this address"),
    "ERROR_KEY_TEMP_BLOCKED": Meaning(400, "too many errors with this key; it is blocked for some minutes"),
    "ERROR_CAPTCHA_SOLVE_FAILED": Meaning(400, "the image could not be solved"),
}

MOST_IMAGES = 9
SCORES = (0.8, 1.0)
OPTIONS: Mapping[str, tuple[type, ...]] = {
    "module": (str, type(None)),
    "websiteURL": (str, type(None)),
    "case": (bool, type(None)),
    "score": (int, float, type(None)),
    "images": (list, type(None)),
}


@dataclass(frozen=True, slots=True)
class CapSolverRules:
    """How the service behaves where that can differ.

    `strict` refuses what the documentation excludes: a score outside 0.8 to 1, a ``data:`` prefix, line breaks,
    more than 9 images. The others are assumed, for want of a documented behaviour:

    - `confidence`: whether the solution tells it (two secondary sources say so).
    - `below_score`: a result under `score` is documented as not charged and nothing more; it is either refused
      as unsolvable or answered free of charge.
    - `deferred`: the task is answered as ``idle`` and fetched with getTaskResult, as token tasks are. An image
      task is not known to do so, but every client has to be able to.
    - `lower_case`: answers are in lower case unless `case` is asked for, as users report.
    - `max_bytes`: the largest image that is accepted; no limit is documented.
    - `rate_limit_status`: the HTTP status of an answer to too many requests.
    - `over_polled`: the code from the 121st question for one task on.
    - `takes_feedback`: whether feedbackTask accepts an image task.
    """

    strict: bool = True
    confidence: bool = True
    below_score: Literal["unsolvable", "free_answer"] = "unsolvable"
    deferred: bool = False
    lower_case: bool = False
    max_bytes: int | None = None
    rate_limit_status: int = 429
    over_polled: str = "ERROR_TASKID_INVALID"
    takes_feedback: bool = True


class CapSolver(Service):
    """The service itself; one charge per task, however many images the number module is given (assumed)."""

    name: ClassVar[str] = "capsolver"
    meanings = MEANINGS
    bad_key_code = "ERROR_KEY_DENIED_ACCESS"
    overloaded_code = "ERROR_RATE_LIMIT"
    unavailable_code = "ERROR_SERVICE_UNAVALIABLE"
    expired_code = "ERROR_TASKID_INVALID"

    def __init__(self, backend: Backend, delay: Delay, rules: CapSolverRules) -> None:
        super().__init__(backend, delay)
        self.rules = rules
        self.over_polled_code = rules.over_polled
        self.rate_limit_status = rules.rate_limit_status
        self.tasks: TaskBook[str] = TaskBook(backend.clock)
        self.routes = {
            "/createTask": self._create_task,
            "/getTaskResult": self._get_task_result,
            "/getBalance": self._get_balance,
            "/feedbackTask": self._feedback_task,
        }

    def key(self, request: Request) -> str | None:
        if not isinstance(request.document, dict):
            return None
        key = request.document.get("clientKey", request.document.get("ClientKey"))
        return key if isinstance(key, str) else None

    def refusal(self, refused: Refused, request: Request) -> Response:
        meaning = self.meanings.get(refused.code, Meaning(400, refused.code))
        content: dict[str, Any] = {"errorId": 1, "errorCode": refused.code}
        if refused.described:
            content["errorDescription"] = refused.description or meaning.description
        if request.operation in ("createTask", "getTaskResult"):
            content["status"] = "failed"
        task_id = refused.task_id
        if request.operation == "getTaskResult" and isinstance(request.document, dict):
            task_id = request.document.get("taskId")  # the Go client forgets what it asked for
        if task_id is not None:
            content["taskId"] = task_id
        return Response(meaning.status, content)

    def lost(self, request: Request) -> Response:
        refusal = self.refusal(Refused("ERROR_BAD_REQUEST", f"no {request.method} {request.path} here"), request)
        return replace(refusal, status=405 if request.path in self.routes else 404)

    # ── operations ──

    async def _create_task(self, request: Request) -> Response:
        account = self._account(request)
        options = self._options(request.document)
        pictures = self._pictures(options)
        if not self.backend.ledger.hold(account):
            raise Refused("ERROR_ZERO_BALANCE")
        delay_s = delays.draw(self.delay, self.backend.dice)
        id = str(uuid.UUID(int=self.backend.dice.getrandbits(128), version=4))
        task = self.tasks.add(id, account, delay_s if self.rules.deferred else 0.0)
        if self.rules.deferred:
            self.backend.spawn(self._solve(task, options, pictures))
            return Response(200, {**_fine(), "status": "idle", "taskId": id})
        await self._solve(task, options, pictures)
        return self._result(task, request, delay_s)

    async def _get_task_result(self, request: Request) -> Response:
        account = self._account(request)
        id = request.document.get("taskId")
        if not isinstance(id, str):
            raise Refused("ERROR_TASKID_INVALID", "taskId must be a string")
        try:
            task = self.tasks.poll(id, account)
        except OverPolled:
            raise Refused(self.rules.over_polled, "the task was asked for too often") from None
        if task is None:
            raise Refused("ERROR_TASKID_INVALID")
        if not self.tasks.is_ready(task):
            return Response(200, {**_fine(), "status": "processing", "taskId": id})
        return self._result(task, request)

    async def _get_balance(self, request: Request) -> Response:
        account = self._account(request)
        return Response(200, {"errorId": 0, "balance": float(account.balance_usd), "packages": []})

    async def _feedback_task(self, request: Request) -> Response:
        account = self._account(request)
        id, result = request.document.get("taskId"), request.document.get("result")
        if not isinstance(result, dict) or not isinstance(result.get("invalid"), bool):
            raise Refused("ERROR_INVALID_TASK_DATA", "result.invalid must be true or false")
        if not self.rules.takes_feedback:
            raise Refused("ERROR_TASK_NOT_SUPPORTED", "feedback on image tasks is not supported")
        if not isinstance(id, str) or self.tasks.find(id, account) is None:
            raise Refused("ERROR_TASKID_INVALID")
        self.backend.ledger.report(Report(self.name, id, result))
        return Response(200, {**_fine(), "message": "thank you"})

    # ── parts of them ──

    def _account(self, request: Request) -> Account:
        if not isinstance(request.document, dict):
            raise Refused("ERROR_INVALID_TASK_DATA", "request body must be a json raw")
        key = self.key(request)
        account = self.backend.ledger.account(self.name, key)
        if account is None:
            # The live service quotes part of the key in these words, which is why clients must not log them.
            raise Refused("ERROR_KEY_DENIED_ACCESS", f"the key {(key or '')[:12]} is not accepted")
        if account.blocked:
            raise Refused("ERROR_KEY_TEMP_BLOCKED")
        return account

    def _options(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        options = document.get("task")
        if not isinstance(options, dict):
            raise Refused("ERROR_INVALID_TASK_DATA", "missing task")
        if options.get("type") != "ImageToTextTask":
            raise Refused("ERROR_TASK_NOT_SUPPORTED")
        for name, kinds in OPTIONS.items():
            if name in options and type(options[name]) not in kinds:
                raise Refused("ERROR_INVALID_TASK_DATA", f"{name} has the wrong type")
        score = options.get("score")
        if self.rules.strict and score is not None and not SCORES[0] <= score <= SCORES[1]:
            raise Refused("ERROR_INVALID_TASK_DATA", "score must be between 0.8 and 1")
        return options

    def _pictures(self, options: Mapping[str, Any]) -> list[bytes]:
        encoded = options.get("images") if options.get("module") == "number" else None
        if encoded is None:
            if "body" not in options:
                raise Refused("ERROR_INVALID_TASK_DATA", "missing body data")
            encoded = [options["body"]]
        if not encoded or (self.rules.strict and len(encoded) > MOST_IMAGES):
            raise Refused("ERROR_INVALID_TASK_DATA", f"images must hold 1 to {MOST_IMAGES} images")
        try:
            pictures = [images.decode(text, strict=self.rules.strict) for text in encoded]
        except images.NotAnImage as error:
            raise Refused("ERROR_PARSE_IMAGE_FAIL", str(error)) from error
        if self.rules.max_bytes is not None and any(len(picture) > self.rules.max_bytes for picture in pictures):
            raise Refused("ERROR_INVALID_IMAGE", f"an image may have {self.rules.max_bytes} bytes")
        return pictures

    async def _solve(self, task: Task[str], options: Mapping[str, Any], pictures: list[bytes]) -> None:
        reading = await self.backend.read(pictures, options.get("module") or "common")
        outcome = "answered"
        if reading is None:
            outcome = "unsolvable"
        elif reading.confidence < (options.get("score") or 0.0):
            outcome = "below_threshold"
        self.backend.ledger.settle(task.account, task.id, outcome, charge=outcome == "answered")
        if reading is None or (outcome == "below_threshold" and self.rules.below_score == "unsolvable"):
            task.finish(None)
        else:
            task.finish(self._solution(reading, options))

    def _solution(self, reading: Reading, options: Mapping[str, Any]) -> Mapping[str, Any]:
        fold = self.rules.lower_case and not options.get("case")
        texts = [text.lower() if fold else text for text in reading.texts]
        solution: dict[str, Any] = {"answers": texts} if options.get("module") == "number" else {"text": texts[0]}
        if self.rules.confidence:
            solution["confidence"] = reading.confidence
        return solution

    def _result(self, task: Task[str], request: Request, delay_s: float = 0.0) -> Response:
        if task.solution is None:
            refusal = self.refusal(Refused("ERROR_CAPTCHA_UNSOLVABLE", task_id=task.id), request)
            return replace(refusal, delay_s=delay_s)
        content = {**_fine(), "status": "ready", "solution": task.solution, "taskId": task.id}
        return Response(200, content, delay_s=delay_s)


def _fine() -> dict[str, Any]:
    return {"errorId": 0, "errorCode": "", "errorDescription": ""}
