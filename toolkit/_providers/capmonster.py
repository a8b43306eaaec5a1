"""CapMonster Cloud's ImageToTextTask: submit, then poll for the answer."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from reprlib import repr as shortened
from typing import Any, ClassVar

from toolkit._providers._checks import check_choice, check_number, check_text, check_whole
from toolkit._providers._replies import STATUSES, Statuses, text_in
from toolkit._providers._tasks import Codes, Exchange, TaskId, TaskService, present
from toolkit._providers.base import ALWAYS_IN_LABEL, NOT_IN_IDENTITY
from toolkit.errors import (
    AuthenticationError,
    BadRequest,
    Blocked,
    DeadlineExceeded,
    InsufficientBalance,
    ProtocolError,
    RateLimited,
    SettingError,
    Unavailable,
    Unsolvable,
)
from toolkit.types import Answer, Flow, Sample, Submitted

_SPELLINGS = {"sdk": ("CapMonsterModule", "Case"), "docs": ("capMonsterModule", "case")}
_RESULT_LIVES_S = 300


@dataclass(frozen=True)
class CapMonster(TaskService):
    """CapMonster Cloud. The key is taken from ``CAPMONSTER_API_KEY``.

    `module` names the model, one of the service's or your own. An answer less sure than `recognizing_threshold`
    (0 to 100, percent) is not given and not charged. `case` says whether capitals matter, `numeric` 1 that there
    are digits only, and `math` that the image holds a sum to be worked out. What is None is left out of the
    request, and so left to the service.

    The answer is asked for after `first_poll_s` seconds and then every `poll_every_s`; the defaults are those of
    the vendor's own clients, while its documents ask for 2 s. At most 120 polls are made, so that a longer step
    waits longer. `spelling` is that of the options' names: as the vendor's clients send them (``sdk``) or as its
    documents now have it (``docs``). `soft_id` is a partner's id.
    """

    name: ClassVar[str] = "capmonster"
    tested_against: ClassVar[str] = "sandbox, vendor SDK"
    key_variable: ClassVar[str] = "CAPMONSTER_API_KEY"
    forgotten: ClassVar[frozenset[str]] = frozenset({"ERROR_NO_SUCH_CAPCHA_ID", "WRONG_CAPTCHA_ID"})
    public_url: ClassVar[str] = "https://api.capmonster.cloud"
    image_bytes: ClassVar[range] = range(100, 50_001)
    pending: ClassVar[frozenset[str]] = frozenset({"processing", "CAPTCHA_NOT_READY", "CAPCHA_NOT_READY"})
    statuses: ClassVar[Statuses] = {**STATUSES, 403: AuthenticationError}
    codes: ClassVar[Codes] = {
        "ERROR_KEY_DOES_NOT_EXIST": AuthenticationError,
        "ERROR_ZERO_BALANCE": InsufficientBalance,
        "ERROR_TOO_BIG_CAPTCHA_FILESIZE": BadRequest,
        "ERROR_ZERO_CAPTCHA_FILESIZE": BadRequest,
        "ERROR_NO_SUCH_CAPCHA_ID": DeadlineExceeded,  # unknown, or past the five minutes that results are kept
        "WRONG_CAPTCHA_ID": DeadlineExceeded,
        "ERROR_CAPTCHA_UNSOLVABLE": Unsolvable,
        "CAPTCHA_NOT_READY": Unavailable,
        "CAPCHA_NOT_READY": Unavailable,
        "ERROR_TOO_MUCH_REQUESTS": RateLimited,  # a poll is repeated more slowly; a new task waits
        "ERROR_NO_SLOT_AVAILABLE": Unavailable,
        "ERROR_SERVICE_NOT_AVAILABLE": Unavailable,
        "ERROR_IP_NOT_ALLOWED": Blocked,
        "ERROR_IP_BANNED": Blocked,
        "ERROR_IP_BLOCKED": Blocked,
        "ERROR_NO_SUCH_METHOD": BadRequest,
        "ERROR_TASK_NOT_SUPPORTED": BadRequest,
        "ERROR_TASK_ABSENT": BadRequest,
        "ERROR_INVALID_TASK": BadRequest,
        # These belong to other kinds of task; here they say that the request was taken for one.
        "ERROR_DOMAIN_NOT_ALLOWED": BadRequest,
        "ERROR_TOKEN_EXPIRED": BadRequest,
        "ERROR_WRONG_USERAGENT": BadRequest,
        "ERROR_RECAPTCHA_*": BadRequest,
        "ERROR_PROXY_*": BadRequest,
    }

    module: str | None = field(default=None, metadata=ALWAYS_IN_LABEL)
    recognizing_threshold: int | None = field(default=None, metadata=ALWAYS_IN_LABEL)
    case: bool | None = None
    numeric: int | None = None
    math: bool | None = None
    first_poll_s: float = 0.35
    poll_every_s: float = 0.2
    spelling: str = "sdk"
    soft_id: int | None = field(default=None, kw_only=True, metadata=NOT_IN_IDENTITY)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_text(self, "module", optional=True)
        if self.recognizing_threshold is not None:
            check_whole(self, "recognizing_threshold", 0, 100)
        check_choice(self, "case", (None, False, True))
        check_choice(self, "numeric", (None, 0, 1))
        check_choice(self, "math", (None, False, True))
        check_number(self, "first_poll_s", 0, _RESULT_LIVES_S)
        check_number(self, "poll_every_s", 0.01, _RESULT_LIVES_S)
        check_choice(self, "spelling", tuple(_SPELLINGS))
        if self.soft_id is not None:
            check_whole(self, "soft_id", 0)
        if self.math and self.module == "captcha_math":
            raise SettingError("CapMonster: module='captcha_math' works sums out by itself; leave math=True away")

    @property
    def poll_pauses_s(self) -> tuple[float, float]:
        return self.first_poll_s, self.poll_every_s

    def flow(self, sample: Sample) -> Flow:
        task_id = yield from self.create(sample)
        yield Submitted(task_id)
        return (yield from self.collect(task_id))

    def request(self, sample: Sample) -> dict[str, Any]:
        module, case = _SPELLINGS[self.spelling]
        task = {
            "type": "ImageToTextTask",
            "body": base64.b64encode(self.accepted(sample)).decode("ascii"),
            module: self.module,
            "recognizingThreshold": self.recognizing_threshold,
            case: self.case,
            "numeric": self.numeric,
            "math": self.math,
        }
        return {"task": present(task), "callbackUrl": self.callback_url, "softId": self.soft_id}

    def answer_in(self, solution: Mapping[str, Any]) -> Answer:
        return Answer(text_in(solution, "text"), None, {"charged": 1})

    def id_in(self, said: Mapping[str, Any]) -> TaskId:
        task_id = said.get("taskId")
        if type(task_id) is not int or task_id <= 0:
            raise ProtocolError(f"taskId is {shortened(task_id)}, not the number of a task")
        return task_id

    def report_incorrect(self, task_id: TaskId) -> Exchange[None]:
        yield from self._ask("/reportIncorrectImageCaptcha", _check_success, taskId=task_id)


def _check_success(said: Mapping[str, Any]) -> None:
    if said.get("status") != "success":
        raise ProtocolError(f"status is {shortened(said.get('status'))}, not success")
