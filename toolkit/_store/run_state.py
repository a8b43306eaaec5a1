"""What a log says about money and about what is still open: to be collected, unsettled. Pure."""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import Self

import msgspec

from toolkit._store.events import Asked, Balance, Event, Limits, Session, Stopped, Submitted
from toolkit.types import Attempt, Trial


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A request that may have been charged and whose answer never came: lost in a crash, or on the wire."""

    trial: Trial
    at: float
    task_id: str | int | None
    reason: str


@dataclass(slots=True)
class RunState:
    """The state of a run after reading its log in order. How trials ended is in the attempts frame."""

    usage: dict[str, dict[str, float]] = field(default_factory=dict)
    balances: list[Balance] = field(default_factory=list)
    limits: list[Limits] = field(default_factory=list)
    stopped: dict[str, str] = field(default_factory=dict)
    _open: dict[Trial, Unsettled] = field(default_factory=dict)
    _lost: list[Unsettled] = field(default_factory=list)

    def read(self, events: Iterable[Event]) -> None:
        """Take some more events into account."""
        for event in events:
            if isinstance(event, Attempt):
                # Nothing else in an attempt is news here, and most have nothing of it.
                if event.usage or event.unsettled or self._open or self._lost:
                    self._finish(event)
            elif isinstance(event, (Asked, Submitted)):
                trial = event.trial
                self._open[trial] = Unsettled(trial, event.at, event.task_id, "the process ended first")
            elif isinstance(event, Session):
                # Whatever was open when the process before ended will not be heard of again by itself.
                self._lost += self._open.values()
                self._open.clear()
                self.stopped.clear()
            elif isinstance(event, Balance):
                self.balances.append(event)
            elif isinstance(event, Limits):
                self.limits.append(event)
            elif isinstance(event, Stopped):
                self.stopped[event.setting] = event.reason

    def _finish(self, attempt: Attempt) -> None:
        trial = Trial(attempt.setting, attempt.sample, attempt.repeat)
        asked = self._open.pop(trial, None)
        if asked is None:  # nothing new was asked for: a task that was given up was heard of, or is lost once more
            self._found(trial, attempt.task_id)
        if attempt.unsettled:
            at = attempt.started_at if asked is None else asked.at
            reason = attempt.error or "lost in an earlier stage"
            self._lost.append(Unsettled(trial, at, attempt.task_id, reason))
        for name, quantity in (attempt.usage or {}).items():
            used = self.usage.setdefault(trial.setting, {})
            used[name] = used.get(name, 0.0) + quantity

    def _found(self, trial: Trial, task_id: str | int | None) -> None:
        """Strike a task off what was lost. Only its own trial's: a service may call every task the same."""
        if task_id is not None and self._lost:
            self._lost = [lost for lost in self._lost if (lost.trial, lost.task_id) != (trial, task_id)]

    @property
    def unsettled(self) -> list[Unsettled]:
        """What may have been charged without an answer, in the order it was asked."""
        return sorted((*self._lost, *self._open.values()), key=lambda lost: lost.at)

    @property
    def settings(self) -> set[str]:
        """Settings that spent something, may have, or were stopped."""
        return {*self.usage, *self.stopped, *(lost.trial.setting for lost in chain(self._open.values(), self._lost))}

    def to_collect(self, ended: Container[Trial]) -> dict[Trial, str | int]:
        """Tasks that the service was given, by their trials, unless the trial is among those that `ended`."""
        return {
            lost.trial: lost.task_id for lost in self.unsettled if lost.task_id is not None and lost.trial not in ended
        }

    def to_json(self) -> bytes:
        """All of it: what `RunState.of_json` goes on from."""
        opened = list(self._open.values())
        return msgspec.json.encode((self.usage, self.balances, self.limits, self.stopped, opened, self._lost))

    @classmethod
    def of_json(cls, text: bytes) -> Self:
        """A run state as it stood when it was written down; `msgspec.DecodeError` when it was not."""
        usage, balances, limits, stopped, opened, lost = msgspec.json.decode(text, type=_Parts)
        return cls(usage, balances, limits, stopped, {asked.trial: asked for asked in opened}, lost)


_Parts = tuple[
    dict[str, dict[str, float]], list[Balance], list[Limits], dict[str, str], list[Unsettled], list[Unsettled]
]
