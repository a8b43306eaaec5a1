"""CapSolver's ImageToTextTask: the answer comes in the same exchange."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from reprlib import repr as shortened
from typing import Any, ClassVar

from toolkit._providers._checks import check_choice, check_number, check_text
from toolkit._providers._replies import STATUSES, Statuses, confidence_in, text_in
from toolkit._providers._tasks import Codes, Exchange, TaskId, TaskService, named_task, present, solution_in
from toolkit._providers.base import ALWAYS_IN_LABEL, NOT_IN_IDENTITY
from toolkit.errors import (
    AuthenticationError,
    BadRequest,
    Blocked,
    DeadlineExceeded,
    InsufficientBalance,
    ProtocolError,
    RateLimited,
    Unavailable,
    Unsolvable,
)
from toolkit.types import Answer, Flow, Sample, Submitted

_SEVERAL_IMAGES = "number"  # the one module with `images` and `answers` in place of `body` and `text`


@dataclass(frozen=True)
class CapSolver(TaskService):
    """CapSolver. The key is taken from ``CAPSOLVER_API_KEY``.

    `module` names the model: ``common``, ``queueit``, ``number`` and whatever the service has added since. An
    answer less sure than `score` (0.8 to 1) is not given and not charged. `case` says whether capitals matter,
    and `website_url` where the image came from. `app_id` is a developer's id. What is None is left out of the
    request, and so left to the service.
    """

    name: ClassVar[str] = "capsolver"
    confidence_is: ClassVar[str] = "the service's own"
    tested_against: ClassVar[str] = "sandbox, vendor SDK"
    key_variable: ClassVar[str] = "CAPSOLVER_API_KEY"
    forgotten: ClassVar[frozenset[str]] = frozenset({"ERROR_TASKID_INVALID"})
    public_url: ClassVar[str] = "https://api.capsolver.com"
    poll_pauses_s: ClassVar[tuple[float, float]] = (3.0, 3.0)  # what the service advises
    pending: ClassVar[frozenset[str]] = frozenset({"idle", "processing"})
    # 403 is in no document; a gateway that shuts an address out answers so.
    statuses: ClassVar[Statuses] = {**STATUSES, 403: Blocked}
    codes: ClassVar[Codes] = {
        "ERROR_SERVICE_UNAVALIABLE": Unavailable,  # as the service spells it
        "ERROR_RATE_LIMIT": RateLimited,
        "ERROR_INVALID_TASK_DATA": BadRequest,
        "ERROR_BAD_REQUEST": BadRequest,
        "ERROR_TASKID_INVALID": DeadlineExceeded,  # unknown, or past the five minutes that results are kept
        "ERROR_TASK_TIMEOUT": DeadlineExceeded,
        "ERROR_SETTLEMENT_FAILED": InsufficientBalance,  # the charge failed: somebody has to look at the account
        "ERROR_KEY_DENIED_ACCESS": AuthenticationError,
        "ERROR_ZERO_BALANCE": InsufficientBalance,
        "ERROR_TASK_NOT_SUPPORTED": BadRequest,
        "ERROR_CAPTCHA_UNSOLVABLE": Unsolvable,
        "ERROR_CAPTCHA_SOLVE_FAILED": Unsolvable,
        "ERROR_UNKNOWN_QUESTION": BadRequest,
        "ERROR_PROXY_BANNED": BadRequest,
        "ERROR_INVALID_IMAGE": BadRequest,
        "ERROR_PARSE_IMAGE_FAIL": BadRequest,
        "ERROR_IP_BANNED": Blocked,
        "ERROR_KEY_TEMP_BLOCKED": Blocked,
    }

    module: str | None = field(default="common", metadata=ALWAYS_IN_LABEL)
    score: float | None = field(default=None, metadata=ALWAYS_IN_LABEL)
    case: bool | None = None
    website_url: str | None = None
    app_id: str | None = field(default=None, kw_only=True, metadata=NOT_IN_IDENTITY)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("module", "website_url", "app_id"):
            check_text(self, name, optional=True)
        check_choice(self, "case", (None, False, True))
        if self.score is not None:
            check_number(self, "score", 0.8, 1)

    def flow(self, sample: Sample) -> Flow:
        given = yield from self._ask("/createTask", self._answer_or_id, **self.request(sample))
        if isinstance(given, Answer):
            return given
        yield Submitted(given)
        return (yield from self.collect(given))

    def request(self, sample: Sample) -> dict[str, Any]:
        image = base64.b64encode(self.accepted(sample)).decode("ascii")
        task = {
            "type": "ImageToTextTask",
            "websiteURL": self.website_url,
            "module": self.module,
            **({"images": [image]} if self.module == _SEVERAL_IMAGES else {"body": image}),
            "score": self.score,
            "case": self.case,
        }
        return {"appId": self.app_id, "task": present(task), "callbackUrl": self.callback_url}

    def answer_in(self, solution: Mapping[str, Any]) -> Answer:
        confidence = confidence_in(solution, "confidence")
        if self.module == _SEVERAL_IMAGES:
            answers = solution.get("answers")
            if not isinstance(answers, list) or len(answers) != 1:
                raise ProtocolError(f"answers is {shortened(answers)}, not a list with one text for the one image")
            solution = {"answers": answers[0]}
            return Answer(text_in(solution, "answers"), confidence, {"charged": 1})
        return Answer(text_in(solution, "text"), confidence, {"charged": 1})

    def id_in(self, said: Mapping[str, Any]) -> TaskId:
        task_id = named_task(said)
        if not isinstance(task_id, str):
            raise ProtocolError(f"taskId is {shortened(said.get('taskId'))}, not the id of a task")
        return task_id

    def feedback(
        self, task_id: TaskId, *, invalid: bool, code: int | None = None, message: str | None = None
    ) -> Exchange[None]:
        """Tell the service whether its answer was wrong, with a reason as number or words."""
        result = present({"invalid": invalid, "code": code, "message": message})
        yield from self._ask("/feedbackTask", lambda _: None, appId=self.app_id, taskId=task_id, result=result)

    def report_incorrect(self, task_id: TaskId) -> Exchange[None]:
        yield from self.feedback(task_id, invalid=True)

    def _answer_or_id(self, said: dict[str, Any]) -> Answer | TaskId:
        # The answer of a task that takes longer has an id and no solution; images are not known to get one.
        if said.get("solution") is None and said.get("status") != "ready":
            return self.id_in(said)
        status = said.get("status")
        if status is not None and status != "ready":
            raise ProtocolError(f"status is {shortened(status)} beside a solution")
        return self.answer_in(solution_in(said))
