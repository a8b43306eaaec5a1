"""Settings as words, on a command line and in a call: ``tesseract(psm=[7, 8])``, ``mypackage.ocr:MyEngine(model="x")``."""

import ast
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from toolkit._providers import REGISTRY
from toolkit._providers.base import LocalProvider, Provider, grid
from toolkit.errors import SettingError

_SHAPE = 'write name, name(parameter=value) or package.module:Class(parameter=value), such as "tesseract(psm=[7, 8])"'


def settings_of(specs: Iterable[str]) -> list[Provider]:
    """The settings that some specifications describe; a list of values makes one setting for each."""
    return [setting for spec in specs for setting in _settings(spec)]


def engine_of(spec: str) -> LocalProvider:
    """The one local engine that a specification describes."""
    found = _settings(spec)
    if len(found) == 1 and isinstance(found[0], LocalProvider):
        return found[0]
    raise SettingError(f"{spec!r} is not one engine of this machine, such as rapidocr or tesseract(psm=7)")


def _settings(spec: str) -> list[Provider]:
    place, colon, call = spec.rpartition(":") if ":" in spec.partition("(")[0] else ("", "", spec)
    name, parameters = _parsed(call, spec)
    provider = _imported(place, name) if colon else _known(name)
    try:
        return grid(provider, **parameters)
    except TypeError as error:  # a parameter without a default was not given, or the class is no whole provider
        raise SettingError(f"{spec!r} is no setting: {error}") from error


def _parsed(call: str, spec: str) -> tuple[str, dict[str, Any]]:
    """Name and parameters; values are Python literals and nothing is executed."""
    try:
        expression = ast.parse(call.strip(), mode="eval").body
        if isinstance(expression, ast.Name):
            return expression.id, {}
        if isinstance(expression, ast.Call) and isinstance(expression.func, ast.Name) and not expression.args:
            given = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in expression.keywords}
            return expression.func.id, given
    except (SyntaxError, ValueError) as error:
        raise SettingError(f"{spec!r} is no setting; {_SHAPE}") from error
    raise SettingError(f"{spec!r} is no setting; {_SHAPE}")


def _known(name: str) -> type[Provider]:
    if name not in REGISTRY:
        raise SettingError(f"no provider is called {name!r}; there are {', '.join(sorted(REGISTRY))}. {_SHAPE}")
    return REGISTRY[name]


def _imported(place: str, name: str) -> type[Provider]:
    here = str(Path.cwd())
    if here not in sys.path:  # where a person at a command line expects their own file to be found
        sys.path.insert(0, here)
    try:
        provider = getattr(import_module(place), name)
    except (ImportError, AttributeError, SyntaxError, ValueError) as error:
        raise SettingError(f"{place}:{name} cannot be imported: {error}") from error
    if not (isinstance(provider, type) and issubclass(provider, Provider)):
        raise SettingError(f"{place}:{name} is no Provider class")
    return provider
