"""Tasks that a service remembers for a while."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from toolkit._sandbox.ledger import Account

Id = TypeVar("Id", str, int)

KEPT_S = 300.0
"""Both vendors document that a result can be fetched for five minutes from the task's creation."""

MOST_POLLS = 120
"""Both vendors document that one task may be asked for so many times."""


@dataclass(slots=True)
class Task(Generic[Id]):
    """One image-to-text task.

    It is `done` when the image was read, and nobody learns that before `ready_at`. A done task without a
    `solution` has failed.
    """

    id: Id
    account: Account
    created_at: float
    ready_at: float
    polls: int = 0
    done: bool = False
    solution: Mapping[str, Any] | None = None

    def finish(self, solution: Mapping[str, Any] | None) -> None:
        self.solution = solution
        self.done = True


class OverPolled(Exception):
    """A task was asked for more often than the service allows."""


class TaskBook(Generic[Id]):
    """The tasks of one service, by id. A task older than five minutes is forgotten."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._tasks: dict[Id, Task[Id]] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def add(self, id: Id, account: Account, delay_s: float) -> Task[Id]:
        """A new task, ready at the earliest `delay_s` seconds from now."""
        self._forget_expired()
        now = self.clock()
        task = self._tasks[id] = Task(id, account, now, now + delay_s)
        return task

    def find(self, id: Id, account: Account) -> Task[Id] | None:
        """The task, or None when it is unknown, expired or another account's."""
        self._forget_expired()
        task = self._tasks.get(id)
        return task if task is not None and task.account is account else None

    def poll(self, id: Id, account: Account) -> Task[Id] | None:
        """The same, counted as one question for the result; `OverPolled` from the 121st on."""
        task = self.find(id, account)
        if task is not None:
            task.polls += 1
            if task.polls > MOST_POLLS:
                raise OverPolled
        return task

    def is_ready(self, task: Task[Id]) -> bool:
        """Whether what came of a task may be known by now."""
        return task.done and self.clock() >= task.ready_at

    def _forget_expired(self) -> None:
        # Insertion order is order of creation, so the expired ones come first.
        limit = self.clock() - KEPT_S
        while self._tasks:
            oldest = next(iter(self._tasks.values()))
            if oldest.created_at > limit:
                break
            del self._tasks[oldest.id]
