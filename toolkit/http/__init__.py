"""Whatever opens connections. The only package that knows an HTTP library; each part loads on first use."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolkit.http.downloads import ImageDownloads
    from toolkit.http.exchange import Client, Exchanged
    from toolkit.http.opening import open_client

_HOMES = {"Client": "exchange", "Exchanged": "exchange", "ImageDownloads": "downloads", "open_client": "opening"}

__all__ = ["Client", "Exchanged", "ImageDownloads", "open_client"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'toolkit.http' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"toolkit.http.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return __all__
