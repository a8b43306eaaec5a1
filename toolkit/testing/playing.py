"""A flow played through by hand: replies from a script, computations done here, no clock and no socket."""

import json
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from toolkit.errors import DeadlineExceeded, ProtocolError, ProviderError
from toolkit.types import Answer, Call, Compute, Reply, Submitted, Wait

_SOMEWHERE, _SOME_DAY = "http://127.0.0.1:1", 1_800_000_000.0
MOST_STEPS = 2000  # a flow of 120 polls takes some 250

Respond = Callable[[int], Reply | ProviderError]
"""What the n-th call (from 0) gets: a reply, or the error that came of it."""


@dataclass
class Ending:
    """How a flow ended: with `value` when it `returned`, else with `error`, else it had not ended at all."""

    steps: list[object] = field(default_factory=list)
    returned: bool = False
    value: object = None
    error: BaseException | None = None

    @property
    def calls(self) -> int:
        return sum(isinstance(step, Call) for step in self.steps)

    @property
    def task_id(self) -> object:
        """Of the task that was submitted; None without one."""
        return next((step.task_id for step in self.steps if isinstance(step, Submitted)), None)

    @property
    def calls_before_task(self) -> int:
        """How many calls it took to submit the task; all of them without one."""
        kinds = [type(step) for step in self.steps]
        return kinds[: kinds.index(Submitted) if Submitted in kinds else None].count(Call)

    def __str__(self) -> str:
        if self.returned:
            return f"it returned {self.value!r}"
        if self.error is None:
            return f"it went on for more than {MOST_STEPS:,} steps"
        return f"it raised {type(self.error).__name__}: {self.error}"


def play(make: Callable[[], object], respond: Respond, *, deadline_at: int | None = None) -> Ending:
    """Carry out the flow that `make` gives; at the step `deadline_at` (from 0) its time is up."""
    ending = Ending()
    try:
        flow = make()
        if not isinstance(flow, Generator):
            raise TypeError(f"a flow is a generator, not {type(flow).__name__}; does it yield its steps?")
        step = next(flow)
        while len(ending.steps) < MOST_STEPS:
            ending.steps.append(step)
            up = deadline_at is not None and len(ending.steps) > deadline_at
            gained = DeadlineExceeded("the time is up") if up else _carried_out(step, ending, respond)
            step = flow.throw(gained) if isinstance(gained, ProviderError) else flow.send(gained)
        with suppress(RuntimeError):  # a flow that will not even be closed has been found out by its steps
            flow.close()
    except StopIteration as stop:
        ending.returned, ending.value = True, stop.value
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- what a provider raises is what is being looked at
        ending.error = error
    return ending


def _carried_out(step: object, ending: Ending, respond: Respond) -> object:
    if isinstance(step, Call):
        return respond(ending.calls - 1)
    if isinstance(step, Compute):
        try:
            if step.prepare is not None:
                step.prepare()
            return step.function(*step.args)
        except ProviderError as error:
            return error
    return None


def faulty_steps(ending: Ending, secret: str) -> Iterator[str]:
    """What is wrong with the steps that a flow yielded, in sentences."""
    for step in ending.steps:
        if isinstance(step, Call):
            yield from _faulty_call(step, secret)
        elif isinstance(step, Wait):
            if not is_number(step.seconds) or step.seconds < 0:
                yield f"it waits for {step.seconds!r} seconds"
        elif isinstance(step, Submitted):
            if type(step.task_id) not in (int, str) or not step.task_id:
                yield f"it submitted a task without an id: {step.task_id!r}"
        elif not isinstance(step, Compute):
            yield f"it yielded {step!r}, which is no Call, Wait, Submitted or Compute"


def _faulty_call(step: Call, secret: str) -> Iterator[str]:
    if not isinstance(step.path, str) or not step.path.startswith(("/", "http://", "https://")):
        yield f"it calls {step.path!r}; a path begins with / and stands below base_url"
    if secret and secret in repr(step):
        yield "it puts the key into a path, which clients and proxies write to their logs"
    try:
        step.request(_SOMEWHERE, _SOME_DAY)
        json.dumps(step.json, allow_nan=False)
    except ProtocolError:
        return  # an address on another host, which is refused before anything is sent
    except Exception as error:  # noqa: BLE001 -- whatever a provider's own signature raises
        yield f"what it sends to {step.path} cannot be sent: {error}"


def faulty_answer(answer: object) -> Iterator[str]:
    """What is wrong with a value as an answer, in sentences."""
    if not isinstance(answer, Answer):
        yield f"it returned {answer!r} where an Answer should be"
        return
    text: object = answer.text
    if not isinstance(text, str):
        yield f"the answer's text is {text!r}, not a text"
    elif any("\ud800" <= letter <= "\udfff" for letter in text):
        yield f"the answer's text holds half a character: {text!r}"
    confidence: object = answer.confidence
    if confidence is not None and not (is_number(confidence) and 0 <= confidence <= 1):  # type: ignore[operator]
        yield f"the answer's confidence is {confidence!r}, not None or a number from 0 to 1"
    usage: object = answer.usage
    if not isinstance(usage, Mapping) or not all(isinstance(name, str) for name in usage):
        yield f"the answer's usage is {usage!r}, not quantities by name"
    elif not all(is_number(quantity) and quantity >= 0 for quantity in usage.values()):
        yield f"the answer's usage is {dict(usage)!r}, and bills are made of numbers from 0"


def is_number(value: Any) -> bool:
    """Whether a value is a number that a float can hold."""
    is_real = isinstance(value, Real) and not isinstance(value, bool)
    return is_real and abs(value) <= sys.float_info.max
