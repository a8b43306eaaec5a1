"""What an HTTP reply says before anybody looks for a service's own words in it."""

import json
import math
from collections.abc import Mapping
from reprlib import repr as shortened
from typing import Any

from toolkit.errors import (
    AuthenticationError,
    BadRequest,
    InsufficientBalance,
    ProtocolError,
    ProviderError,
    RateLimited,
    TransportError,
)
from toolkit.types import Reply

Statuses = Mapping[int, type[ProviderError]]

STATUSES: Statuses = {
    401: AuthenticationError,
    402: InsufficientBalance,
    408: TransportError,
    413: BadRequest,
    429: RateLimited,
}
"""Statuses that mean the same with every service, whatever the body."""


def json_object(reply: Reply) -> dict[str, Any] | None:
    """The body if it is a JSON object; None for a page, a text that was cut, a list, or numbers that JSON has not."""
    try:
        body = _STRICT.decode(reply.body.decode(json.detect_encoding(reply.body)))
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def by_status(reply: Reply, statuses: Statuses, reason: str) -> ProviderError:
    """The error that the status tells, for a reply whose body does not: `reason` says what is wrong with that."""
    kind = statuses.get(reply.status, TransportError if reply.status >= 500 else ProtocolError)
    beginning = shortened(reply.body) if reply.body else "an empty body"
    hint = "; is base_url right?" if reply.status in _NOBODY_HERE else ""
    error = kind(f"HTTP {reply.status}, {reason}: {beginning}{hint}", status=reply.status, after_s=reply.after_s)
    if isinstance(error, ProtocolError):
        error.unreadable = 200 <= reply.status < 300
    return error


def words_in(holder: Mapping[str, Any], name: str, most: int = 500) -> str | None:
    """A member in a service's own words, fit to be stored: whole characters, `most` of them; None when it has none."""
    value = holder.get(name)
    if not isinstance(value, str) or not value:
        return None
    whole = value.encode(errors="backslashreplace").decode()
    return whole if len(whole) <= most else f"{whole[:most]}…"


def text_in(holder: Mapping[str, Any], name: str) -> str:
    """A member that has to be a text and not an empty one, or a number, as its digits; `ProtocolError` for anything else."""
    value = holder.get(name)
    if type(value) is int:  # digits that a service did not put in quotes are what it read, and were paid for
        value = str(value)
    if not isinstance(value, str) or not value:
        raise ProtocolError(f"{name} is {shortened(value)}, not a text")
    check_encodable(value, name)
    return value


def check_encodable(text: str, name: str) -> None:
    """`ProtocolError` for half a surrogate pair, which JSON can escape and no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ProtocolError(f"{name} holds half a character: {shortened(text)}") from error


def confidence_in(holder: Mapping[str, Any], name: str) -> float | None:
    """A confidence of 0 to 1; None when there is none, or none that can be one: it never costs the answer beside it."""
    value: Any = holder.get(name)
    return float(value) if type(value) in (int, float) and 0 <= value <= 1 else None


def number_in(holder: Mapping[str, Any], name: str, low: float = -math.inf, high: float = math.inf) -> float:
    """A member that has to be a finite number of `low` to `high`; `ProtocolError` when it is anything else."""
    value: Any = holder.get(name)
    if type(value) not in (int, float) or not low <= value <= high or abs(value) > _LARGEST:
        raise ProtocolError(f"{name} is {shortened(value)}, not a number in its range")
    return float(value)


_NOBODY_HERE = frozenset({404, 405})
_LARGEST = 1e15  # beyond it a float no longer counts one by one, and no service counts so far


def _no_such_number(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


_STRICT = json.JSONDecoder(parse_constant=_no_such_number)  # made once, not for each answer
