"""The options of a CapMonster image task: three ways to give them, and what they do to a text."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

_NONE = type(None)
_TYPES: Mapping[str, tuple[type, ...]] = {
    "capMonsterModule": (str, _NONE),
    "recognizingThreshold": (int, _NONE),
    "case": (bool, _NONE),
    "numeric": (int, _NONE),
    "math": (bool, _NONE),
}
_THRESHOLD_IN_KEY = "recognizingthreshold_"
_SUM = re.compile(r"\s*(\d{1,9})\s*([-+*xX×/:÷])\s*(\d{1,9})\s*=?\s*\??\s*")


class InvalidOption(ValueError):
    """An option has a value that the service does not take; the message names it."""


class Options(NamedTuple):
    """An image task's options. `threshold` is in percent; None where none was given."""

    module: str | None
    threshold: int | None
    case: bool
    numeric: bool
    math: bool


def read(task: Mapping[str, Any], key: str, *, strict: bool) -> Options:
    """The options in a task object and behind its key, those in the task first.

    Names are taken as the documentation spells them (`case`) and as the clients do (`Case`).
    `InvalidOption` for a wrong type and, when `strict`, for a value outside the documented ones.
    """
    given = {**_behind_key(key), **_in_task(task)}
    module, threshold = given.get("capMonsterModule"), given.get("recognizingThreshold")
    numeric, math = given.get("numeric"), bool(given.get("math"))
    if strict:
        if threshold is not None and not 0 <= threshold <= 100:
            raise InvalidOption(f"recognizingThreshold must be 0 to 100, not {threshold}")
        if numeric not in (None, 0, 1):
            raise InvalidOption(f"numeric must be 0 or 1, not {numeric}")
        if math and module == "captcha_math":
            raise InvalidOption("math cannot be combined with the module captcha_math")
    return Options(module, threshold, bool(given.get("case")), numeric == 1, math or module == "captcha_math")


def apply(options: Options, text: str) -> str | None:
    """The text as the options want it: an expression worked out, digits only; None where nothing is left."""
    if options.math:
        return work_out(text)
    if options.numeric:
        return "".join(character for character in text if character.isdigit()) or None
    return text


def work_out(text: str) -> str | None:
    """The value of a sum such as ``12 + 5 = ?``; None for anything else, and for a division that leaves a rest."""
    match = _SUM.fullmatch(text)
    if match is None:
        return None
    left, sign, right = int(match[1]), match[2], int(match[3])
    if sign in "/:÷":
        return None if right == 0 or left % right else str(left // right)
    return str({"+": left + right, "-": left - right}.get(sign, left * right))


def _in_task(task: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, types in _TYPES.items():
        capitalised = name[0].upper() + name[1:]
        value = task.get(name, task.get(capitalised))
        if type(value) not in types:
            raise InvalidOption(f"{name} has the wrong type")
        if value is not None:
            found[name] = value
    return found


def _behind_key(key: str) -> dict[str, Any]:
    # Programs with nothing but a field for the key write KEY__module__recognizingthreshold_70 into it.
    found: dict[str, Any] = {}
    for part in key.split("__")[1:]:
        if not part.lower().startswith(_THRESHOLD_IN_KEY):
            found["capMonsterModule"] = part
            continue
        percent = part[len(_THRESHOLD_IN_KEY) :]
        if not (percent.isascii() and percent.isdigit()):
            raise InvalidOption("the threshold behind the key must be a whole number")
        found["recognizingThreshold"] = int(percent)
    return found
