"""What a log says about trials and money: finished, to be collected, unsettled. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Self

from toolkit.errors import ProviderError
from toolkit.types import Trial

Record = Mapping[str, Any]


def _kinds(error: type[ProviderError]) -> Iterator[type[ProviderError]]:
    yield error
    for narrower in error.__subclasses__():
        yield from _kinds(narrower)


_FATAL = frozenset(error.kind for error in _kinds(ProviderError) if error.fatal)
_NO_ANSWER = "unsolvable"


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A request that may have been charged and whose answer never came: lost in a crash, or on the wire."""

    trial: Trial
    at: float
    task_id: str | int | None
    reason: str


@dataclass(slots=True)
class RunState:
    """The state of a run after reading its log in order.

    `keep_finished` says whether to remember how each trial ended, which for a million of them takes its time and room.
    """

    keep_finished: bool = True
    finished: dict[Trial, str | None] = field(default_factory=dict)
    usage: dict[str, dict[str, float]] = field(default_factory=dict)
    balances: list[Record] = field(default_factory=list)
    limits: list[Record] = field(default_factory=list)
    stopped: dict[str, str] = field(default_factory=dict)
    _open: dict[Trial, Unsettled] = field(default_factory=dict)
    _lost: list[Unsettled] = field(default_factory=list)

    def read(self, records: Iterable[Record]) -> None:
        """Take some more events into account."""
        for record in records:
            event = record["event"]
            if event == "finished":
                self._finish(record)
            elif event in ("asked", "submitted"):
                trial = _trial(record)
                self._open[trial] = Unsettled(trial, record["at"], record.get("task_id"), "the process ended first")
            elif event == "session":
                # Whatever was open when the process before ended will not be heard of again by itself.
                self._lost += self._open.values()
                self._open.clear()
                self.stopped.clear()
            elif event == "balance":
                self.balances.append(record)
            elif event == "limits":
                self.limits.append(record)
            elif event == "stopped":
                self.stopped[record["setting"]] = record["reason"]

    def _finish(self, record: Record) -> None:
        if not (self.keep_finished or self._open or self._lost or "usage" in record or "unsettled" in record):
            return  # nothing in it is for the run_state, as in all records of local engines
        trial = _trial(record)
        asked = self._open.pop(trial, None)
        task_id = record.get("task_id")
        if asked is None:  # nothing new was asked for: a task that was given up was heard of, or is lost once more
            self._found(trial, task_id)
        if record.get("unsettled"):
            at = record["started_at"] if asked is None else asked.at
            reason = record.get("error") or "lost in an earlier stage"
            self._lost.append(Unsettled(trial, at, task_id, reason))
        if self.keep_finished and record["final"]:
            self.finished[trial] = record.get("error")
        for name, quantity in (record.get("usage") or {}).items():
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

    def done(self, *, retry_errors: bool) -> Iterator[Trial]:
        """Trials that need no further asking.

        After an error that stopped the account they do, because the cause is outside the trial.
        """
        for trial, error in self.finished.items():
            if error is None or (error not in _FATAL and (error == _NO_ANSWER or not retry_errors)):
                yield trial

    @property
    def state(self) -> Record:
        """All of it but how trials ended, as JSON: what `RunState.of_state` goes on from."""
        return {
            "usage": self.usage,
            "balances": self.balances,
            "limits": self.limits,
            "stopped": self.stopped,
            "open": [_as_row(asked) for asked in self._open.values()],
            "lost": [_as_row(lost) for lost in self._lost],
        }

    @classmethod
    def of_state(cls, state: Record) -> Self:
        """The run state as it stood when it was written down, not keeping how trials end."""
        run_state = cls(keep_finished=False)
        # Copies: what is read from now on is not to show in the state.
        run_state.usage = {setting: dict(used) for setting, used in state["usage"].items()}
        run_state.balances, run_state.limits = list(state["balances"]), list(state["limits"])
        run_state.stopped = dict(state["stopped"])
        run_state._open = {asked.trial: asked for asked in map(_of_row, state["open"])}
        run_state._lost = [_of_row(row) for row in state["lost"]]
        return run_state

    @property
    def clear(self) -> bool:
        """Whether nothing is open or lost, so that an attempt without usage is no news."""
        return not (self._open or self._lost)

    def to_collect(self) -> dict[Trial, str | int]:
        """Tasks that the service was given and that have no outcome: to be asked for by their ids.

        A trial that ended because its account was stopped has none: the service may have worked on.
        """
        return {
            lost.trial: lost.task_id
            for lost in self.unsettled
            if lost.task_id is not None and (lost.trial not in self.finished or self.finished[lost.trial] in _FATAL)
        }


def _trial(record: Record) -> Trial:
    return Trial(record["setting"], record["sample"], record["repeat"])


def _as_row(asked: Unsettled) -> list[Any]:
    return [*asked.trial, asked.at, asked.task_id, asked.reason]


def _of_row(row: Sequence[Any]) -> Unsettled:
    setting, sample, repeat, at, task_id, reason = row
    return Unsettled(Trial(setting, sample, repeat), at, task_id, reason)
