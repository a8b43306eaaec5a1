"""The chat completions endpoint that OpenAI defined and many others serve."""

import itertools
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from toolkit._sandbox import delays, images
from toolkit._sandbox.backend import Backend, Reading
from toolkit._sandbox.delays import Delay
from toolkit._sandbox.exchange import Meaning, Refused, Request, Response, Service
from toolkit._sandbox.ledger import Account

MEANINGS: Mapping[str, Meaning] = {
    "invalid_api_key": Meaning(401, "Incorrect API key provided"),
    "account_deactivated": Meaning(403, "The account is deactivated"),
    "insufficient_quota": Meaning(429, "You exceeded your current quota"),
    "rate_limit_exceeded": Meaning(429, "Rate limit reached"),
    "server_error": Meaning(503, "The server is overloaded"),
    "model_not_found": Meaning(404, "The model does not exist"),
    "invalid_request": Meaning(400, "The request is invalid"),
    "invalid_image": Meaning(400, "The image could not be read"),
    "unknown_url": Meaning(404, "There is no such URL"),
}

_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class OpenAIRules:
    """How the endpoint behaves where that can differ.

    `image_tokens` is the number of prompt tokens that an image counts as; models count by size and differ, so one
    number is assumed. `models` are the names that are known; None takes any.
    """

    image_tokens: int = 85
    models: frozenset[str] | None = None


class OpenAI(Service):
    """The service itself.

    A model always says something and is always paid, so an image that cannot be read gets an empty message at the
    full price. Its price here is one per answer, like that of the other services; the ledger keeps the tokens too.
    """

    name: ClassVar[str] = "openai"
    base_path: ClassVar[str] = "/v1"
    meanings = MEANINGS
    bad_key_code = "invalid_api_key"
    overloaded_code = "rate_limit_exceeded"
    unavailable_code = "server_error"

    def __init__(self, backend: Backend, delay: Delay, rules: OpenAIRules) -> None:
        super().__init__(backend, delay)
        self.rules = rules
        self._ids = itertools.count(1)
        self.routes = {"/v1/chat/completions": self._complete}

    def key(self, request: Request) -> str | None:
        scheme, _, key = request.headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        return key.strip() if scheme.lower() == "bearer" else None

    def refusal(self, refused: Refused, request: Request) -> Response:  # noqa: ARG002 -- all are refused alike
        meaning = self.meanings.get(refused.code, Meaning(400, refused.code))
        error: dict[str, Any] = {"type": _type(meaning.status), "param": None, "code": refused.code}
        if refused.described:
            error["message"] = refused.description or meaning.description
        return Response(meaning.status, {"error": error})

    def lost(self, request: Request) -> Response:
        return self.refusal(Refused("unknown_url", f"Unknown request URL: {request.method} {request.path}"), request)

    async def _complete(self, request: Request) -> Response:
        account = self._account(request)
        model, prompt, pictures = self._question(request.document)
        if not self.backend.ledger.hold(account):
            raise Refused("insufficient_quota")
        delay_s = delays.draw(self.delay, self.backend.dice)
        reading = await self.backend.read(pictures, model) or Reading(("",), 0.0)
        text = "\n".join(reading.texts)
        usage = self._usage(prompt, len(pictures), text)
        id = f"chatcmpl-{next(self._ids):08d}"
        self.backend.ledger.settle(account, id, "answered" if text else "unsolvable", charge=True, usage=usage)
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": text, "refusal": None},
            "logprobs": _logprobs(text, reading.confidence) if request.document.get("logprobs") else None,
            "finish_reason": "stop",
        }
        content = {
            "id": id,
            "object": "chat.completion",
            "created": int(time.time()),
            "model": model,
            "choices": [choice],
            "usage": usage,
        }
        return Response(200, content, delay_s=delay_s)

    def _account(self, request: Request) -> Account:
        key = self.key(request)
        account = self.backend.ledger.account(self.name, key)
        if account is None:
            shown = f"{key[:4]}****{key[-2:]}" if key else "none"
            raise Refused("invalid_api_key", f"Incorrect API key provided: {shown}")
        if account.blocked:
            raise Refused("account_deactivated")
        return account

    def _question(self, document: Any) -> tuple[str, str, list[bytes]]:
        if not isinstance(document, dict):
            raise Refused("invalid_request", "The body is not a JSON object")
        model, messages = document.get("model"), document.get("messages")
        if not isinstance(model, str) or not isinstance(messages, list) or not messages:
            raise Refused("invalid_request", "model and messages are required")
        if self.rules.models is not None and model not in self.rules.models:
            raise Refused("model_not_found")
        words: list[str] = []
        pictures: list[bytes] = []
        for part in _parts(messages):
            if part.get("type") == "text":
                words.append(str(part.get("text", "")))
            elif part.get("type") == "image_url":
                pictures.append(_picture(part))
        if not pictures:
            raise Refused("invalid_request", "There is no image in the messages")
        return model, "\n".join(words), pictures

    def _usage(self, prompt: str, pictures: int, text: str) -> dict[str, int]:
        asked = _tokens(prompt) + pictures * self.rules.image_tokens
        return {"prompt_tokens": asked, "completion_tokens": _tokens(text), "total_tokens": asked + _tokens(text)}


def _parts(messages: list[Any]) -> list[Mapping[str, Any]]:
    parts: list[Any] = []
    for message in messages:
        content = message.get("content") if isinstance(message, dict) else None
        parts += [{"type": "text", "text": content}] if isinstance(content, str) else content or []
    if not all(isinstance(part, dict) for part in parts):
        raise Refused("invalid_request", "A message's content must be a string or a list of parts")
    return parts


def _picture(part: Mapping[str, Any]) -> bytes:
    where = part.get("image_url")
    url = where.get("url") if isinstance(where, dict) else None
    head, comma, encoded = url.partition(",") if isinstance(url, str) else ("", "", "")
    if not (head.startswith("data:image/") and head.endswith(";base64") and comma):
        # The real service would fetch a link; a sandbox reaches for nothing outside.
        raise Refused("invalid_image", "image_url.url must be a data:image/…;base64 URL")
    try:
        return images.decode(encoded, strict=True)
    except images.NotAnImage as error:
        raise Refused("invalid_image", str(error)) from error


def _logprobs(text: str, confidence: float) -> dict[str, Any]:
    # The whole text as one token, so that the product and the mean of the probabilities are both its confidence.
    logprob = math.log(confidence) if confidence > 0 else -9999.0
    token = {"token": text, "logprob": logprob, "bytes": list(text.encode()), "top_logprobs": []}
    return {"content": [token] if text else [], "refusal": None}


def _tokens(text: str) -> int:
    return math.ceil(len(text) / _CHARACTERS_PER_TOKEN)


def _type(status: int) -> str:
    if status == 429:
        return "rate_limit_error"
    return "server_error" if status >= 500 else "invalid_request_error"
