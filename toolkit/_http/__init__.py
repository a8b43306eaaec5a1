"""Whatever opens connections. The only package that knows an HTTP library; each part loads on first use."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolkit._http.client_factory import open_client
    from toolkit._http.downloads import ImageDownloads
    from toolkit._http.exchange import Client, Exchanged

_HOMES = {"Client": "exchange", "Exchanged": "exchange", "ImageDownloads": "downloads", "open_client": "client_factory"}

__all__ = ["Client", "Exchanged", "ImageDownloads", "open_client"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'toolkit._http' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"toolkit._http.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return __all__
