"""Optional libraries: imported where they are used, and named by their extra where they are missing."""

from importlib import import_module
from types import ModuleType

from toolkit.errors import MissingExtra


def require(module: str, need: str, extra: str) -> ModuleType:
    """Import an optional library, or say which extra brings it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtra(need, extra) from error
