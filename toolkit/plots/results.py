"""Findings as figures take them."""

from typing import Any

from toolkit.errors import DatasetError


def required(thing: Any, kind: type, call: str) -> None:
    """`DatasetError` when a figure was given something else than the finding that it draws."""
    if not isinstance(thing, kind):
        raise DatasetError(f"this figure draws a {kind.__name__}, as {call} gives it, not a {type(thing).__name__}")
