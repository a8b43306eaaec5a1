"""What services, networks and datasets hand a provider on a bad day."""

import copy
import json
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

from toolkit.types import Reply

RETRY_AFTER_S = 7.0

_PAGE = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body></body></html>"
_NULLS = b'{"errorId": null, "taskId": null, "status": null, "solution": null, "choices": null, "text": null}'
_ASTRAY = b'{"errorId": [], "taskId": {}, "status": 1, "solution": "text", "choices": {}, "error": 5, "text": 0.5}'

REPLIES: Mapping[str, Reply] = {
    "a page of HTML": Reply(200, _PAGE, {"content-type": "text/html"}),
    "JSON that was cut": Reply(200, b'{"errorId":0,"status":"ready","solution":{"te'),
    "an empty body": Reply(200, b""),
    "an empty object": Reply(200, b"{}"),
    "an empty list": Reply(200, b"[]"),
    "JSON that is one text": Reply(200, b'"text"'),
    "JSON that is null": Reply(200, b"null"),
    "nulls where values should be": Reply(200, _NULLS),
    "values of the wrong types": Reply(200, _ASTRAY),
    "a number past all floats": Reply(200, b'{"errorId": 1e999, "status": 1e999, "solution": {"text": 1e999}}'),
    "a number of 5,000 digits": Reply(200, b'{"errorId": ' + b"9" * 5000 + b"}"),
    "a number that JSON has not": Reply(200, b'{"errorId": NaN, "text": Infinity}'),
    "lists within lists": Reply(200, b"[" * 100_000),
    "bytes that are no text": Reply(200, b"\x80\x81\xfe\xff" * 8),
    "no content": Reply(204, b""),
    "a redirection": Reply(302, b"", {"location": "/elsewhere"}),
    "a page that forbids": Reply(403, _PAGE, {"content-type": "text/html"}),
    "a status that nobody knows": Reply(418, b"{}"),
    "too many requests": Reply(429, b"", {"retry-after": str(int(RETRY_AFTER_S))}),
    "a failure without a body": Reply(500, b""),
    "a failure with a page": Reply(502, _PAGE, {"content-type": "text/html"}),
    "a success under a failure's status": Reply(500, b'{"errorId": 0, "status": "ready", "error": null}'),
    "a wait without end": Reply(503, b"", {"retry-after": "1e999"}),
}
"""None of these is an answer to anything."""

_ODD_VALUES: tuple[Any, ...] = (None, True, -1, 7.5, 10**30, 1e308, "", "odd", [], [[]], {}, {"odd": []})
_MISSING = object()


def altered(good: Reply) -> Iterator[tuple[str, object, object, Reply]]:
    """The reply with one member at a time left out or replaced: what was done, old value, new value, reply."""
    body = json.loads(good.body)
    for path in _paths(body):
        old = _at(body, path)
        for new in (_MISSING, *_ODD_VALUES):
            if type(new) is type(old) and new == old:
                continue
            changed = copy.deepcopy(body)
            holder = _at(changed, path[:-1])
            if new is _MISSING:
                del holder[path[-1]]
            else:
                holder[path[-1]] = new
            where = ".".join(map(str, path))
            what = f"without {where}" if new is _MISSING else f"with {where} = {new!r}"
            yield what, old, None if new is _MISSING else new, Reply(good.status, json.dumps(changed).encode())


def _paths(value: Any) -> Iterator[tuple[Any, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield (name,)
        yield from ((name, *further) for further in _paths(member))


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        value = value[name]
    return value


def plain_image() -> bytes:
    """A PNG that says A7K2, black on white."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (160, 56), "white")
    ImageDraw.Draw(image).text((16, 8), "A7K2", fill="black", font=ImageFont.load_default(36))
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def no_images() -> dict[str, bytes]:
    """Bytes that are no image, by what they are."""
    image = plain_image()
    return {
        "no bytes": b"",
        "a text": b"This is not an image, whatever its name says.\n" * 4,
        "a PNG that was cut": image[: len(image) // 2],
        "a PNG's beginning before noise": image[:16] + b"\x5a\xa5" * 100,
    }
