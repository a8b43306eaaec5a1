"""The createTask dialect, which CapSolver and CapMonster Cloud share.

Every call posts a JSON object with the account's ``clientKey``; every answer is one with ``errorId``, nought for
success. A failure has an ``errorCode``, and the codes are each service's own.
"""

from abc import abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from reprlib import repr as shortened
from typing import Any, ClassVar, TypeVar

from toolkit._providers._checks import check_text
from toolkit._providers._replies import Statuses, by_status, json_object, number_in, words_in
from toolkit._providers.base import NOT_IN_IDENTITY, ServiceProvider
from toolkit.errors import (
    DeadlineExceeded,
    ProtocolError,
    ProviderError,
    RateLimited,
    TransportError,
    Unavailable,
    Unsolvable,
)
from toolkit.types import Answer, Call, Flow, Reply, Sample, Step, Wait

T = TypeVar("T")
Exchange = Generator[Step, Any, T]
Codes = Mapping[str, type[ProviderError]]
TaskId = str | int

_LONGEST_NAME = 100

SLOWER_POLLS_S = 2.0
"""Pause between polls once one was refused for its rate: what the vendors' documents ask for."""

POLLS_PER_TASK = 120
"""After so many getTaskResult calls for one task, both services may lock the account."""


@dataclass(frozen=True)
class TaskService(ServiceProvider):
    """What the two services have in common. A subclass says what a task is, and what its solution.

    `callback_url` is an address to which the service posts the result as well.
    """

    codes: ClassVar[Codes]
    """Error class of each ``errorCode``; a name may end in ``*``."""
    statuses: ClassVar[Statuses]
    pending: ClassVar[frozenset[str]]
    """Words, as status or error code, for a task that has no result yet."""

    callback_url: str | None = field(default=None, kw_only=True, metadata=NOT_IN_IDENTITY)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_text(self, "callback_url", optional=True)

    @property
    @abstractmethod
    def poll_pauses_s(self) -> tuple[float, float]:
        """Seconds before the first poll, and between polls."""

    @abstractmethod
    def request(self, sample: Sample) -> dict[str, Any]:
        """The createTask members for an image, apart from the key; `BadRequest` when it would be refused."""

    @abstractmethod
    def answer_in(self, solution: Mapping[str, Any]) -> Answer:
        """The answer that a solution holds; `ProtocolError` when it holds none."""

    def answer_of(self, said: Mapping[str, Any]) -> Answer:
        """The answer in a whole reply, for services that put more than the solution into it."""
        return self.answer_in(solution_in(said))

    @abstractmethod
    def id_in(self, said: Mapping[str, Any]) -> TaskId:
        """The task's id in a createTask answer; `ProtocolError` when there is none."""

    @abstractmethod
    def report_incorrect(self, task_id: TaskId) -> Exchange[None]:
        """Tell the service that its answer was wrong."""

    def create(self, sample: Sample) -> Exchange[TaskId]:
        """Submit an image, which will be charged, and give the id under which its answer is to be had."""
        return (yield from self._ask("/createTask", self.id_in, **self.request(sample)))

    def peek(self, task_id: TaskId) -> Exchange[Answer | None]:
        """Ask for a task's answer once; None while there is none yet."""
        try:
            return (yield from self._ask("/getTaskResult", self._result_in, taskId=task_id))
        except Unavailable as error:
            if error.code in self.pending:
                return None
            raise

    def collect(self, task_id: TaskId) -> Flow:
        """Poll until the answer is there.

        A poll that fails for a passing reason is repeated and never leads to a new task, which would be paid
        again; what leaves here is therefore nothing that a policy would retry.
        """
        pause_s, every_s = self.poll_pauses_s
        pending, last = True, None
        for _ in range(POLLS_PER_TASK):
            with about(task_id):  # a deadline may fall into a pause
                yield Wait(pause_s, pending)
            pause_s = every_s
            try:
                answer = yield from self.peek(task_id)
            except (TransportError, RateLimited, Unavailable, ProtocolError) as error:
                if isinstance(error, ProtocolError) and not error.unreadable:
                    raise
                pending, last = False, error
                if isinstance(error, RateLimited):  # this task is asked for too often: more slowly from now on
                    every_s = max(every_s, SLOWER_POLLS_S)
                pause_s = max(every_s, error.after_s or 0.0)
            else:
                if answer is not None:
                    return answer
                pending = True
        why = "" if last is None else f"; of the failed ones the last said: {last}"
        raise DeadlineExceeded(f"no answer in {POLLS_PER_TASK} polls{why}", task_id=task_id)

    def balance(self) -> Exchange[float | None]:
        """Read the account's money in USD."""
        return (yield from self._ask("/getBalance", lambda said: number_in(said, "balance")))

    def _ask(self, path: str, read: Callable[[dict[str, Any]], T], **members: Any) -> Exchange[T]:
        """One exchange, and what `read` makes of a success. Every error that leaves knows its task and status."""
        task_id, status = members.get("taskId"), None
        try:
            reply: Reply = yield Call(path, {"clientKey": self.account.key, **present(members)})
            status = reply.status
            said = self._success(reply)
            task_id = task_id or named_task(said)
            return read(said)
        except ProviderError as error:
            error.task_id = task_id if error.task_id is None else error.task_id
            error.status = status if error.status is None else error.status
            raise

    def _success(self, reply: Reply) -> dict[str, Any]:
        said = json_object(reply)
        if said is None:
            raise by_status(reply, self.statuses, "the body is no JSON object")
        error_id = said.get("errorId")
        if type(error_id) is not int:
            raise by_status(reply, self.statuses, "the body has no errorId")
        if error_id != 0:  # never "is 1": the dialect's other speakers count further
            raise self._refusal(said, reply)
        if not 200 <= reply.status < 300:
            raise by_status(reply, self.statuses, "though errorId says success")
        return said

    def _refusal(self, said: Mapping[str, Any], reply: Reply) -> ProviderError:
        code = words_in(said, "errorCode", _LONGEST_NAME)
        kind = self._kind(code) or self.statuses.get(reply.status, ProtocolError)
        # CapSolver leaves the description out of some errors.
        words = filter(None, (code, words_in(said, "errorDescription")))
        return kind(
            ": ".join(words) or "refused without a reason",
            code=code,
            status=reply.status,
            task_id=named_task(said),
            after_s=reply.after_s,
        )

    def _kind(self, code: str | None) -> type[ProviderError] | None:
        return next((kind for name, kind in self.codes.items() if code is not None and fnmatchcase(code, name)), None)

    def _result_in(self, said: dict[str, Any]) -> Answer | None:
        status = said.get("status")
        if isinstance(status, str) and status in self.pending:
            return None
        if status == "failed":
            raise Unsolvable(words_in(said, "errorDescription") or "the service says that the task failed")
        if status != "ready":
            raise ProtocolError(f"status is {shortened(status)}, which no document mentions")
        return self.answer_of(said)


@contextmanager
def about(task_id: TaskId) -> Iterator[None]:
    """Errors raised meanwhile know the task, so that it can be asked for again."""
    try:
        yield
    except ProviderError as error:
        error.task_id = task_id if error.task_id is None else error.task_id
        raise


def solution_in(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """The solution's members; `ProtocolError` when there are none."""
    solution = said.get("solution")
    if not isinstance(solution, dict):
        raise ProtocolError(f"solution is {shortened(solution)}, not an object")
    return solution


def named_task(said: Mapping[str, Any]) -> TaskId | None:
    """The id that an answer mentions; a failure has nought, or none. What no service would call a task is none."""
    task_id = said.get("taskId")
    if type(task_id) is str:
        return task_id if task_id and words_in(said, "taskId", _LONGEST_NAME) == task_id else None
    return task_id if type(task_id) is int and task_id else None


def present(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members that were given a value: an absent option is left to the service."""
    return {name: value for name, value in members.items() if value is not None}
