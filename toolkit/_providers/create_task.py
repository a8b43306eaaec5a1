"""Services that speak the createTask dialect and are no one's special case; a new one is ten lines."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from toolkit._providers._checks import check_choice, check_number, check_text, check_whole
from toolkit._providers._images import size_in_header
from toolkit._providers._one_call import NothingRead
from toolkit._providers._replies import STATUSES, Statuses, number_in, text_in
from toolkit._providers._tasks import Codes, Exchange, TaskId, TaskService, present, solution_in
from toolkit._providers.base import ALWAYS_IN_LABEL, NOT_IN_LABEL
from toolkit.errors import (
    AuthenticationError,
    BadRequest,
    Blocked,
    DeadlineExceeded,
    InsufficientBalance,
    ProtocolError,
    ProviderError,
    SettingError,
    Unavailable,
    Unsolvable,
)
from toolkit.types import Answer, Flow, Sample, Submitted

_LONGEST_PAUSE_S = 300.0


@dataclass(frozen=True)
class CreateTaskService(TaskService):
    """Any service that takes images by ``createTask`` and answers by ``getTaskResult``.

    A new service is a subclass with a name, an address and what is special about it. Its errors, if they are those of
    the dialect, its polling, its balance and the resuming of its tasks are there already.

    Parameters
    ----------
    options : mapping, optional
        Further members of the task, as the service names them, such as ``{"numeric": 1}``. They stand in the manifest
        and not in the label: settings that differ in them need an `alias`.
    first_poll_s, poll_every_s : float
        Seconds before the answer is first asked for, and between further asks. The latency is known to this step only.
    price_per_1000_usd : float, optional
        The most that you pay for a thousand answers. Where the service tells the cost of each (`tells_cost`), that is
        what is counted, and this bounds it beforehand.

    Attributes
    ----------
    task_type : str
        The member ``type`` of the task.
    tells_cost : bool
        Whether a result has a ``cost`` in USD.
    unsolvable_is_charged : bool
        Whether an image that nobody could read is paid for all the same.
    image_bytes, image_px : range or None
        Bytes of an image, and pixels of each side, that the service takes.
    top_level : tuple of str
        Options that stand beside the task and not in it.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from typing import ClassVar
    >>> import toolkit as tk
    >>> @dataclass(frozen=True)
    ... class MadeUp(tk.CreateTaskService):
    ...     name: ClassVar[str] = "madeup"
    ...     key_variable: ClassVar[str] = "MADEUP_API_KEY"
    ...     public_url: ClassVar[str] = "https://api.madeup.example"
    ...     image_bytes: ClassVar[range] = range(100, 200_001)
    >>> tk.testing.check_provider(
    ...     MadeUp(),
    ...     replies=[
    ...         {"errorId": 0, "taskId": 7},
    ...         {"errorId": 0, "status": "processing"},
    ...         {"errorId": 0, "status": "ready", "solution": {"text": "A7K2"}},
    ...     ],
    ... )
    """

    task_type: ClassVar[str] = "ImageToTextTask"
    tells_cost: ClassVar[bool] = False
    unsolvable_is_charged: ClassVar[bool] = False
    image_px: ClassVar[range | None] = None
    top_level: ClassVar[tuple[str, ...]] = ()
    pending: ClassVar[frozenset[str]] = frozenset({"processing", "CAPTCHA_NOT_READY"})
    statuses: ClassVar[Statuses] = {**STATUSES, 403: AuthenticationError}
    codes: ClassVar[Codes] = {
        "ERROR_KEY_DOES_NOT_EXIST": AuthenticationError,
        "ERROR_NO_SLOT_AVAILABLE": Unavailable,
        "ERROR_ZERO_CAPTCHA_FILESIZE": BadRequest,
        "ERROR_TOO_BIG_CAPTCHA_FILESIZE": BadRequest,
        "ERROR_ZERO_BALANCE": InsufficientBalance,
        "ERROR_IP_NOT_ALLOWED": Blocked,
        "ERROR_IP_BLOCKED*": Blocked,
        "ERROR_IP_BANNED": Blocked,
        "ERROR_ACCOUNT_SUSPENDED": Blocked,
        "ERROR_CAPTCHA_UNSOLVABLE": Unsolvable,
        "ERROR_BAD_DUPLICATES": Unsolvable,
        "ERROR_NO_SUCH_METHOD": BadRequest,
        "ERROR_IMAGE_TYPE_NOT_SUPPORTED": BadRequest,
        "ERROR_NO_SUCH_CAPCHA_ID": DeadlineExceeded,
        "WRONG_CAPTCHA_ID": DeadlineExceeded,
        "ERROR_TASK_ABSENT": BadRequest,
        "ERROR_TASK_NOT_SUPPORTED": BadRequest,
        "ERROR_INCORRECT_SESSION_DATA": BadRequest,
        "ERROR_PROXY_*": BadRequest,
        "ERROR_RECAPTCHA_*": BadRequest,
        "CAPTCHA_NOT_READY": Unavailable,
    }

    options: Any = field(default=None, metadata=NOT_IN_LABEL)
    first_poll_s: float = field(default=3.0, kw_only=True)
    poll_every_s: float = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.options is not None and not isinstance(self.options, str):
            try:
                object.__setattr__(self, "options", json.dumps(dict(self.options), ensure_ascii=False, sort_keys=True))
            except (TypeError, ValueError) as error:
                raise SettingError(
                    f"{type(self).__name__}: options must be a mapping that JSON can hold: {error}"
                ) from error
        check_number(self, "first_poll_s", 0, _LONGEST_PAUSE_S)
        check_number(self, "poll_every_s", 0.01, _LONGEST_PAUSE_S)

    @property
    def poll_pauses_s(self) -> tuple[float, float]:
        return self.first_poll_s, self.poll_every_s

    @property
    def prices(self) -> Mapping[str, float] | None:
        """One USD for each USD that the service says an answer cost, or the price of an answer."""
        return {"usd": 1.0} if self.tells_cost else super().prices

    @property
    def max_cost_usd(self) -> float | None:
        """What `price_per_1000_usd` says; None without it."""
        return None if self.price_per_1000_usd is None else self.price_per_1000_usd / 1000

    def refuses(self, image: bytes) -> str | None:
        reason = super().refuses(image)
        if reason is not None or self.image_px is None:
            return reason
        size = size_in_header(image)
        if size is None:
            return "not an image in a known format"
        if all(side in self.image_px for side in size):
            return None
        least, most = self.image_px.start, self.image_px.stop - 1
        return f"{size[0]}×{size[1]} px; {type(self).__name__} takes sides of {least} to {most} px; see tk.Prepared(…, scale=)"

    def task_options(self) -> dict[str, Any]:
        """Members of the task beside its type and image; those that are None are left out."""
        return {}

    def request(self, sample: Sample) -> dict[str, Any]:
        given = {**present(self.task_options()), **json.loads(self.options or "{}")}
        beside = {name: given.pop(name) for name in self.top_level if name in given}
        body = base64.b64encode(self.accepted(sample)).decode("ascii")
        return {"task": {"type": self.task_type, "body": body, **given}, **beside, "callbackUrl": self.callback_url}

    def flow(self, sample: Sample) -> Flow:
        given = yield from self._ask("/createTask", self._answer_or_id, **self.request(sample))
        if isinstance(given, Answer):
            return given
        yield Submitted(given)
        return (yield from self.collect(given))

    def _answer_or_id(self, said: dict[str, Any]) -> Answer | TaskId:
        """Some services answer in the same exchange."""
        return self.answer_of(said) if said.get("status") == "ready" else self.id_in(said)

    def id_in(self, said: Mapping[str, Any]) -> TaskId:
        task_id: TaskId = said.get("taskId")  # type: ignore[assignment]  # looked at below
        if type(task_id) not in (int, str) or not task_id or len(str(task_id)) > 100 or not str(task_id).isprintable():
            raise ProtocolError(f"taskId is {task_id!r:.100}, not an id")
        return task_id

    def answer_in(self, solution: Mapping[str, Any]) -> Answer:
        return Answer(text_in(solution, "text"), None, {"charged": 1})

    def answer_of(self, said: Mapping[str, Any]) -> Answer:
        """The answer in a whole reply, with what it cost where the service tells."""
        answer = self.answer_in(solution_in(said))
        return (
            Answer(answer.text, answer.confidence, {**answer.usage, "usd": self._cost(said)})
            if self.tells_cost
            else answer
        )

    def _cost(self, said: Mapping[str, Any]) -> float:
        told = said.get("cost")
        if isinstance(told, str):  # Anti-Captcha and 2Captcha write the number as a text
            try:
                told = float(told)
            except ValueError:
                told = None
        if told is None and self.max_cost_usd is not None:
            return self.max_cost_usd
        return number_in({"cost": told}, "cost", 0, 1000)

    def report_incorrect(self, task_id: TaskId) -> Exchange[None]:
        yield from self._ask("/reportIncorrectImageCaptcha", lambda _: None, taskId=task_id)

    def _kind(self, code: str | None) -> type[ProviderError] | None:
        kind = super()._kind(code)
        return NothingRead if kind is Unsolvable and self.unsolvable_is_charged else kind


@dataclass(frozen=True)
class _Workers(CreateTaskService):
    """What the services have in common whose images are read by people."""

    tells_cost: ClassVar[bool] = True

    phrase: bool | None = None
    case: bool | None = None
    numeric: int | None = None
    math: bool | None = None
    min_length: int | None = None
    max_length: int | None = None
    comment: str | None = None
    language_pool: str | None = None
    digits: ClassVar[tuple[int, ...]] = (0, 1, 2)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("phrase", "case", "math"):
            check_choice(self, name, (None, False, True))
        check_choice(self, "numeric", (None, *self.digits))
        for name in ("min_length", "max_length"):
            if getattr(self, name) is not None:
                check_whole(self, name, 0, 100)
        check_text(self, "comment", optional=True)
        check_choice(self, "language_pool", (None, "en", "rn"))

    def task_options(self) -> dict[str, Any]:
        return {
            "phrase": self.phrase,
            "case": self.case,
            "numeric": self.numeric,
            "math": self.math,
            "minLength": self.min_length,
            "maxLength": self.max_length,
            "comment": self.comment,
            "languagePool": self.language_pool,
        }


@dataclass(frozen=True)
class AntiCaptcha(_Workers):
    """Anti-Captcha (anti-captcha.com), whose images are read by people. The key is taken from ``ANTICAPTCHA_API_KEY``.

    What is None is left out of the request, and so left to the service.

    Parameters
    ----------
    phrase : bool, optional
        Whether the text has several words.
    case : bool, optional
        Whether capitals matter.
    numeric : {0, 1, 2}, optional
        Anything, digits only, no digits.
    math : bool, optional
        Whether the image holds a sum to be worked out.
    min_length, max_length : int, optional
        Of the text, in characters.
    comment : str, optional
        A note for the worker.
    language_pool : {"en", "rn"}, optional
        Who reads: English or Russian speakers.

    Notes
    -----
    There is no confidence. Each reply tells its cost, which is what is counted. An image that nobody could read is charged. A result is kept
    for 60 s, so a task that was left over by a crash is mostly lost, and charged.

    References
    ----------
    anti-captcha.com, ImageToTextTask, and the errors of its API (read 2026-11).

    Examples
    --------
    >>> AntiCaptcha(numeric=1, min_length=4).label
    'anticaptcha(numeric=1, min_length=4)'
    """

    name: ClassVar[str] = "anticaptcha"
    charged_by: ClassVar[str] = "told cost"
    tested_against: ClassVar[str] = "documented replies"
    key_variable: ClassVar[str] = "ANTICAPTCHA_API_KEY"
    public_url: ClassVar[str] = "https://api.anti-captcha.com"
    unsolvable_is_charged: ClassVar[bool] = True
    image_bytes: ClassVar[range] = range(100, 500_001)


@dataclass(frozen=True)
class TwoCaptcha(_Workers):
    """2Captcha (2captcha.com, rucaptcha.com), whose images are read by people. The key is taken from ``TWOCAPTCHA_API_KEY``.

    What is None is left out of the request, and so left to the service.

    Parameters
    ----------
    phrase, case, math, min_length, max_length, comment, language_pool : optional
        As in `AntiCaptcha`.
    numeric : {0, 1, 2, 3, 4}, optional
        Anything, digits, letters, digits or letters, digits and letters.

    Notes
    -----
    There is no confidence. Each reply tells its cost, which is what is counted. An image that nobody could read is not
    charged. The service asks for 5 s between polls. RuCaptcha is ``base_url="https://api.rucaptcha.com"``.

    References
    ----------
    2captcha.com/api-docs, ImageToTextTask and error codes (read 2026-11). One page allows sides of 600 px and another
    1000 px; the larger is taken.

    Examples
    --------
    >>> TwoCaptcha(case=True).label
    'twocaptcha(case=True)'
    """

    name: ClassVar[str] = "twocaptcha"
    charged_by: ClassVar[str] = "told cost"
    tested_against: ClassVar[str] = "documented replies"
    key_variable: ClassVar[str] = "TWOCAPTCHA_API_KEY"
    public_url: ClassVar[str] = "https://api.2captcha.com"
    image_bytes: ClassVar[range] = range(100, 100_001)
    image_px: ClassVar[range] = range(1, 1001)
    digits: ClassVar[tuple[int, ...]] = (0, 1, 2, 3, 4)
    top_level: ClassVar[tuple[str, ...]] = ("languagePool",)

    first_poll_s: float = field(default=5.0, kw_only=True)
    poll_every_s: float = field(default=5.0, kw_only=True)


@dataclass(frozen=True)
class YesCaptcha(CreateTaskService):
    """YesCaptcha (yescaptcha.com), read by models. The key is taken from ``YESCAPTCHA_API_KEY``.

    Parameters
    ----------
    task : {"ImageToTextTaskMuggle", "ImageToTextTaskM1"}
        The model. The first answers at once, the second is polled.

    Notes
    -----
    There is no confidence. The service counts in points: `price_per_1000_usd` is what you pay for the points of a thousand
    answers. Its balance is in points and so not read. Whether failures cost points is not documented.

    References
    ----------
    yescaptcha.com, ImageToTextTaskMuggle and ImageToTextTaskM1 (read 2026-11).

    Examples
    --------
    >>> YesCaptcha().label
    "yescaptcha(task='ImageToTextTaskMuggle')"
    """

    name: ClassVar[str] = "yescaptcha"
    tested_against: ClassVar[str] = "documented replies"
    key_variable: ClassVar[str] = "YESCAPTCHA_API_KEY"
    public_url: ClassVar[str] = "https://api.yescaptcha.com"

    task: str = field(default="ImageToTextTaskMuggle", metadata=ALWAYS_IN_LABEL)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice(self, "task", ("ImageToTextTaskMuggle", "ImageToTextTaskM1"))

    def task_options(self) -> dict[str, Any]:
        return {"type": self.task}

    def balance(self) -> Exchange[float | None]:
        """None: the service counts in points."""
        yield from ()
        return None
