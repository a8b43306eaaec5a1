"""What a service is reached with, looked at before anything is sent: its address, a key, the date of a price."""

import re
from datetime import date

from toolkit.errors import SettingError

_ADDRESS = re.compile(r"https?://([^\s/?#@:\[\]]+|\[[\da-f:.]+\])(?::(\d{1,5}))?(/[!-~]*)?", re.IGNORECASE)

_SHORTEST_KEY = 12


def is_address(text: object) -> bool:
    """Whether a text is an http or https address without name, password, query or fragment."""
    parts = _ADDRESS.fullmatch(text) if isinstance(text, str) else None
    if parts is None:
        return False
    port, path = parts[2], parts[3] or ""
    return int(port or 1) in range(1, 65536) and not {"?", "#"} & set(path)


def without_secrets(address: object) -> str:
    """A wrong address, fit to be shown: no name or password, no query, and not what may be a key put in its place."""
    shown = re.sub(r"//[^/]*@", "//…@", repr(address).partition("?")[0].partition("#")[0])
    return shown if len(shown) < _SHORTEST_KEY or set(".:/") & set(shown) else "…"


def is_date(text: object) -> bool:
    """Whether a text is a day, as in ``2026-11-23``."""
    try:
        return isinstance(text, str) and bool(date.fromisoformat(text))
    except ValueError:
        return False


def check_key(key: object, which: str) -> None:
    """`SettingError` for a key that no service can have given out; the message does not quote it."""
    if not isinstance(key, str) or not key or key != key.strip() or not key.isprintable():
        raise SettingError(f"{which} is empty, no text, or has a space or line break around it; copy it anew")
