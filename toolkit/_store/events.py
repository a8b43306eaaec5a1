"""The events of a run's log: what each one holds, and how lines become events.

JSON that can be read may still be damaged: a value of another type, a member that is gone, an event nobody writes.
Each event is checked against its class as it is decoded, so that a damaged one is told by its line and not by whatever
trips over it. Members that a class does not know are nobody's business.
"""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from toolkit.types import Attempt, Count, Trial

Name = str | int
"""A code or an id: a number with some services, a word with others."""


class Session(Struct, tag_field="event", tag="session"):
    """A process began to write."""


class _OfTrial(Struct, tag_field="event", gc=False):
    setting: str
    sample: str
    repeat: Count
    at: float

    @property
    def trial(self) -> Trial:
        return Trial(self.setting, self.sample, self.repeat)


class Asked(_OfTrial, tag="asked", gc=False):
    """A request that may be charged is about to be sent."""

    task_id: None = None


class Submitted(_OfTrial, tag="submitted", gc=False):
    """A service holds a task."""

    task_id: Name | None = None


class Balance(Struct, tag_field="event", tag="balance", gc=False):
    """What an account held at the begin or the end of a session."""

    account: str
    when: str
    at: float | None = None
    usd: float | None = None


class Limits(Struct, tag_field="event", tag="limits", gc=False):
    """What an account is allowed from now on."""

    account: str
    in_flight: Count
    at: float | None = None
    per_second: float | None = None


class Stopped(Struct, tag_field="event", tag="stopped", gc=False):
    """A setting was given up."""

    setting: str
    reason: str


Event = Attempt | Session | Asked | Submitted | Balance | Limits | Stopped

_decoder: "msgspec.json.Decoder[Event]" = msgspec.json.Decoder(Event)


class Damaged(Exception):
    """A line that is no event. `sound` are the events before it, `reason` is what is wrong with it."""

    def __init__(self, sound: list[Event], reason: str) -> None:
        super().__init__(reason)
        self.sound, self.reason = sound, reason


def decoded(lines: bytes) -> list[Event]:
    """The events in whole lines of a log; `Damaged` at the first line that is none."""
    try:
        events = _decoder.decode_lines(lines)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _line_by_line(lines)
    # Two objects in a line, or none, are no line of ours, which the decoder does not mind.
    if len(events) != lines.count(b"\n") or lines.startswith(b"\n") or b"\n\n" in lines:
        return _line_by_line(lines)
    return events


def _line_by_line(lines: bytes) -> list[Event]:
    events: list[Event] = []
    for line in lines.removesuffix(b"\n").split(b"\n"):
        try:
            # Half a surrogate pair in a name is JSON to Python's own parser only.
            record = json.loads(line.decode())
        except (ValueError, RecursionError) as error:
            raise Damaged(events, f"it is not JSON ({error})") from None
        (event,) = of_records([record], events)
        if isinstance(event, Attempt):
            try:
                msgspec.json.encode(event)
            except UnicodeEncodeError:
                raise Damaged(events, "it holds half a character, which no frame can") from None
        events.append(event)
    return events


def of_records(records: Sequence[Any], before: Sequence[Event] = ()) -> list[Event]:
    """The events in parsed records; `Damaged` at the first that is none."""
    events: list[Event] = []
    for record in records:
        try:
            events.append(msgspec.convert(record, Event))
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise Damaged([*before, *events], said(error)) from None
    return events


def said(error: Exception) -> str:
    """What does not fit, in words: ``its repeat: Expected `int`, got `str```."""
    what, _, place = str(error).partition(" - at `$")
    name = place.strip("`.")
    return f"its {name}: {what}" if name else what
