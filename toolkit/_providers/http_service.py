"""Any service that takes an image in one request and answers in JSON, described by a template and a path."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from reprlib import repr as shortened
from typing import Any, ClassVar

from toolkit._providers._access import is_address
from toolkit._providers._checks import check_choice, check_number, check_text
from toolkit._providers._images import media_type
from toolkit._providers._one_call import NO_KEY, Complaint, NothingRead, OneCallService
from toolkit._providers._replies import check_encodable
from toolkit._providers.base import ALWAYS_IN_LABEL, NOT_IN_LABEL, Account
from toolkit.errors import ProtocolError, SettingError
from toolkit.types import Answer, Call

_ORIGIN = re.compile(r"(https?://[^/]+)(/.*)?")
_SECRET = re.compile(r"auth|key|token|secret", re.IGNORECASE)
_SENDS = ("json", "form", "multipart", "bytes")


@dataclass(frozen=True)
class HTTPService(OneCallService):
    """A JSON service without a class of its own: what to send as a template, what to read as a path.

    Parameters
    ----------
    url : str
        The whole address that images are posted to.
    request : mapping, optional
        What is sent beside or around the image. In its texts ``{image}`` stands for the image in base64,
        ``{data_url}`` for the same as a data URL, ``{media_type}`` for its type and ``{key}`` for the key. As
        ``multipart``, a value of exactly ``{file}`` is the image as a file. Not used with ``bytes``.
    text : str, default "text"
        Where the text stands in the reply: names and positions joined by dots, such as ``results.0.text``. A ``*``
        takes all members of a list, whose texts are joined by line ends.
    confidence : str, optional
        Where the confidence stands; of several, the least is taken. None when the service gives none.
    confidence_max : float, default 1
        The service's number for complete certainty, such as 100.
    error : str, optional
        Where a reply of status 200 says that it failed: anything but null, false, 0 and "" there is an error.
    send : {"json", "form", "multipart", "bytes"}, default "json"
        How the request is encoded; ``bytes`` sends the image alone.
    headers : mapping, optional
        Further headers, in which ``{key}`` stands for the key; a key of your own words would be recorded and is refused.
    key : str, optional
        From ``HTTP_SERVICE_KEY`` when it is not given; needed only where a template has ``{key}``.

    Notes
    -----
    `request` and `headers` stand in the manifest and not in the label: settings that differ in them need an `alias`.

    Raises
    ------
    SettingError
        For an address, template or path that cannot be right.

    Examples
    --------
    >>> service = HTTPService(
    ...     "https://ocr.example/v2/read",
    ...     request={"picture": "{image}", "mode": "line"},
    ...     headers={"authorization": "Bearer {key}"},
    ...     text="results.0.text",
    ... )
    >>> service.label
    "http_service(url='https://ocr.example/v2/read', text='results.0.text')"
    """

    name: ClassVar[str] = "http_service"
    confidence_is: ClassVar[str] = "the service's own"
    tested_against: ClassVar[str] = "replies by hand"
    key_variable: ClassVar[str] = "HTTP_SERVICE_KEY"
    public_url: ClassVar[str] = "https://ocr.example"

    url: str = field(metadata=ALWAYS_IN_LABEL)
    request: Any = field(default=None, metadata=NOT_IN_LABEL)
    text: str = "text"
    confidence: str | None = None
    confidence_max: float = 1.0
    error: str | None = None
    send: str = "json"
    headers: Any = field(default=None, metadata=NOT_IN_LABEL)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not is_address(self.url):
            raise SettingError(f"HTTPService: url must be an http or https address without a query, got {self.url!r}")
        for name in ("request", "headers"):
            self._freeze(name)
        for header, value in json.loads(self.headers or "{}").items():
            if _SECRET.search(header) and "{key}" not in str(value):
                raise SettingError(
                    f"HTTPService: header {header!r} must hold {{key}} and the key be given as key=…, or it would be recorded"
                )
        for name in ("confidence", "error"):
            check_text(self, name, optional=True)
        check_text(self, "text")
        check_number(self, "confidence_max", 1e-9, 1e9)
        check_choice(self, "send", _SENDS)
        if self.send == "bytes" and self.request is not None:
            raise SettingError("HTTPService: send='bytes' sends the image alone; leave request out")
        if self.send != "bytes" and not any(mark in self._template for mark in ("{image}", "{data_url}", "{file}")):
            raise SettingError("HTTPService: request must hold {image}, {data_url} or {file} where the image goes")

    def _freeze(self, name: str) -> None:
        """Keep a mapping as JSON text, so that the setting can be compared, hashed and written down."""
        value = getattr(self, name)
        if value is None or isinstance(value, str):
            return
        try:
            object.__setattr__(self, name, json.dumps(value, ensure_ascii=False, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise SettingError(f"HTTPService: {name} must be a mapping that JSON can hold: {error}") from error

    @property
    def _template(self) -> str:
        return self.request or ""

    @property
    def account(self) -> Account:
        """The host of the address; `SettingError` when a template needs a key and there is none."""
        origin = self.base_url or _ORIGIN.fullmatch(self.url)[1]  # type: ignore[index]  # checked to be an address
        if "{key}" in self._template + (self.headers or ""):
            return Account(self.name, origin, super().account.key)
        return Account(self.name, origin, self.key or NO_KEY)

    def call(self, image: bytes) -> Call:
        path = _ORIGIN.fullmatch(self.url)[2] or "/"  # type: ignore[index]
        kind, encoded = media_type(image) or "application/octet-stream", base64.b64encode(image).decode("ascii")
        words = {
            "image": encoded,
            "media_type": kind,
            "data_url": f"data:{kind};base64,{encoded}",
            "key": self.account.key,
        }
        headers = _filled(json.loads(self.headers or "{}"), words)
        if self.send == "bytes":
            return Call(path, headers=headers, body=image, content_type=kind)
        request = _filled(json.loads(self._template), words)
        if self.send == "json":
            return Call(path, request, headers)
        if self.send == "form":
            return Call(path, headers=headers, form=request)
        file = ("image", image, kind)
        return Call(path, headers=headers, multipart={n: file if v == "{file}" else v for n, v in request.items()})

    def complaint(self, said: Mapping[str, Any]) -> Complaint | None:
        found = [] if self.error is None else [value for value in _at(said, self.error, missing=True) if value]
        return Complaint(None, shortened(found[0])) if found else None

    def answer(self, said: Mapping[str, Any]) -> Answer:
        texts = _at(said, self.text)
        if not all(isinstance(text, str) for text in texts):
            raise ProtocolError(f"{self.text} is {shortened(texts)}, not a text")
        text = "\n".join(texts)
        check_encodable(text, self.text)
        if not text.strip():
            raise NothingRead("the service gave no text")
        return Answer(text, None if self.confidence is None else self._confidence(said), {"charged": 1})

    def _confidence(self, said: Mapping[str, Any]) -> float | None:
        assert self.confidence is not None  # noqa: S101 -- asked for only then
        found = _at(said, self.confidence)
        most = self.confidence_max
        if not all(type(sure) in (int, float) and 0 <= sure <= most for sure in found):
            raise ProtocolError(f"{self.confidence} is {shortened(found)}, not a number from 0 to {most:g}")
        return min(sure / most for sure in found) if found else None


def _filled(template: Any, words: Mapping[str, str]) -> Any:
    """The template with each ``{word}`` in its texts replaced; other braces stay as they are."""
    if isinstance(template, str):
        return re.sub(r"\{(\w+)\}", lambda found: words.get(found[1], found[0]), template)
    if isinstance(template, dict):
        return {name: _filled(value, words) for name, value in template.items()}
    return [_filled(value, words) for value in template] if isinstance(template, list) else template


def _at(said: Any, path: str, *, missing: bool = False) -> list[Any]:
    """The values at a path; `ProtocolError` naming the first step that is not there, unless it may be `missing`."""
    found = [said]
    for step in path.split("."):
        further: list[Any] = []
        for value in found:
            if step == "*" and isinstance(value, list):
                further += value
            elif isinstance(value, dict) and step in value:
                further.append(value[step])
            elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
                further.append(value[int(step)])
            elif not missing:
                raise ProtocolError(f"the reply has no {path}: {step} is missing in {shortened(value)}")
        found = further
    return found
