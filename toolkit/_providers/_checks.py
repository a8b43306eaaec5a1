"""Checks that settings make of their parameters: what was given, to which provider, and what it takes."""

import os
from collections.abc import Sequence
from typing import Any

from toolkit._providers.base import Provider
from toolkit.errors import SettingError


def check_choice(setting: Provider, name: str, allowed: Sequence[Any]) -> None:
    """`SettingError` unless the parameter is one of the `allowed` values, and of their type.

    Types count because True is equal to 1, but would stand in the label and in the manifest as another setting.
    """
    value = getattr(setting, name)
    if not any(value == choice and type(value) is type(choice) for choice in allowed):
        raise _refusal(setting, name, f"one of {', '.join(map(repr, allowed))}")


def check_whole(setting: Provider, name: str, low: int, high: int | None = None) -> None:
    """`SettingError` unless the parameter is an int of `low` to `high`, both included."""
    value = getattr(setting, name)
    if type(value) is not int or value < low or (high is not None and value > high):
        limit = f"from {low}" if high is None else f"from {low} to {high}"
        raise _refusal(setting, name, f"a whole number {limit}")


def check_share(setting: Provider, name: str) -> None:
    """`SettingError` unless the parameter is a number of 0 to 1, both included."""
    value = getattr(setting, name)
    if type(value) not in (int, float) or not 0 <= value <= 1:
        raise _refusal(setting, name, "a number from 0 to 1")


def check_number(setting: Provider, name: str, low: float, high: float) -> None:
    """`SettingError` unless the parameter is a number of `low` to `high`, both included."""
    value = getattr(setting, name)
    if type(value) not in (int, float) or not low <= value <= high:
        raise _refusal(setting, name, f"a number from {low:g} to {high:g}")


def check_text(setting: Provider, name: str, *, optional: bool = False) -> None:
    """`SettingError` unless the parameter is a text that is not empty, or None where it is `optional`."""
    value = getattr(setting, name)
    if not (isinstance(value, str) and value) and not (optional and value is None):
        raise _refusal(setting, name, "None or a text that is not empty" if optional else "a text that is not empty")


def check_path(setting: Provider, name: str) -> None:
    """Keep a path as text, so that manifests and labels need not know path types; `SettingError` for anything else."""
    value = getattr(setting, name)
    if isinstance(value, os.PathLike):
        object.__setattr__(setting, name, os.fspath(value))  # the one moment at which a frozen setting is still made
    check_text(setting, name, optional=True)


def _refusal(setting: Provider, name: str, wanted: str) -> SettingError:
    return SettingError(f"{type(setting).__name__}: {name}={getattr(setting, name)!r} is not {wanted}")
