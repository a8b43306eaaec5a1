"""What a request is made of: its address and its bytes, each decided in one place."""

import json as json_library
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from toolkit._http.exchange import target_of
from toolkit.errors import ProtocolError

_COMPACT = json_library.JSONEncoder(ensure_ascii=False, separators=(",", ":"))  # made once, not for each request


def address(base_url: str, path: str, query: Mapping[str, str] | None = None) -> str:
    """The whole address of a request.

    A path that is an address itself was handed out by a service. It is followed on the account's own host only:
    anywhere else the key would be given away, for which `ProtocolError` stands.
    """
    url = base_url + path
    if path.startswith(("http://", "https://")):
        home, there = target_of(base_url), target_of(path)
        if (home.scheme, home.host, home.port) != (there.scheme, there.host, there.port):
            raise ProtocolError(f"{home.host_port} refers to another host, {there.host_port}, which is not followed")
        url = path
    if query:
        url += ("&" if "?" in url else "?") + urlencode(query)
    return url


def encoded(
    *, json: Any, form: Mapping[str, str] | None, multipart: Mapping[str, Any] | None, body: bytes | None
) -> tuple[bytes, str | None]:
    """The bytes to send, and their content type where one follows from how they were given."""
    if sum(given is not None for given in (json, form, multipart, body)) > 1:
        raise ValueError("a Call must have at most one of json, form, multipart and body")
    if json is not None:
        return _COMPACT.encode(json).encode(), "application/json"
    if form is not None:
        return urlencode(form).encode(), "application/x-www-form-urlencoded"
    if multipart is not None:
        return _multipart(multipart)
    return body or b"", None


def _multipart(parts: Mapping[str, Any]) -> tuple[bytes, str]:
    """RFC 7578. The boundary follows from the content, so that equal requests have equal bytes."""
    pieces = []
    for name, part in parts.items():
        filename, content, content_type = part if isinstance(part, tuple) else (None, part, None)
        data = content.encode() if isinstance(content, str) else content
        head = f'Content-Disposition: form-data; name="{_quoted(name)}"'
        head += "" if filename is None else f'; filename="{_quoted(filename)}"'
        head += "" if content_type is None else f"\r\nContent-Type: {content_type}"
        pieces.append(head.encode() + b"\r\n\r\n" + data + b"\r\n")
    boundary = sha256(b"".join(pieces)).hexdigest()  # no content can be expected to hold its own hash
    opening = f"--{boundary}\r\n".encode()
    body = b"".join(opening + piece for piece in pieces) + f"--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def _quoted(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
