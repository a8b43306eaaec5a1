"""Anthropic's models by their own interface."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from toolkit._providers._checks import check_choice, check_text, check_whole
from toolkit._providers._images import media_type
from toolkit._providers._one_call import Complaint, OneCallService, object_in, objects_in, string_in
from toolkit._providers._replies import number_in, words_in
from toolkit._providers._token_prices import DEFAULT_PROMPT, Declined, TokenPriced
from toolkit._providers.base import ALWAYS_IN_LABEL
from toolkit.errors import (
    AuthenticationError,
    BadRequest,
    Blocked,
    InsufficientBalance,
    ProviderError,
    RateLimited,
    TransportError,
    Unavailable,
)
from toolkit.types import Answer, Call

_INPUT = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


@dataclass(frozen=True)
class Anthropic(TokenPriced, OneCallService):
    """A model of Anthropic. The key is taken from ``ANTHROPIC_API_KEY``.

    Parameters
    ----------
    model : str
        The service's name for it.
    prompt : str
        What the model is told beside the image.
    max_tokens : int, default 256
        The most that an answer may be.
    effort : None, "low", "medium" or "high"
        How much the model thinks; left to the service without.
    version : str, default "2023-06-01"
        Of the interface, as in the header ``anthropic-version``.
    price_input_per_million_usd, price_output_per_million_usd : float, optional
        Both, or `price_per_1000_usd` where answers are paid by the piece.
    max_input_tokens : int, optional
        The most that prompt and image can be; a budget needs it.

    Notes
    -----
    There is no confidence: the interface gives no probabilities. Tokens written to and read from a cache are counted as
    input. An answer that was declined or has no text is charged.

    References
    ----------
    POST /v1/messages, as in the Python SDK anthropic 2.14.0.

    Examples
    --------
    >>> Anthropic("claude-haiku-4-5").label
    "anthropic(model='claude-haiku-4-5')"
    """

    name: ClassVar[str] = "anthropic"
    charged_by: ClassVar[str] = "token or answer"
    tested_against: ClassVar[str] = "documented replies"
    key_variable: ClassVar[str] = "ANTHROPIC_API_KEY"
    public_url: ClassVar[str] = "https://api.anthropic.com"
    codes: ClassVar[Mapping[str, type[ProviderError]]] = {
        "invalid_request_error": BadRequest,
        "authentication_error": AuthenticationError,
        "billing_error": InsufficientBalance,
        "permission_error": Blocked,
        "not_found_error": BadRequest,
        "request_too_large": BadRequest,
        "rate_limit_error": RateLimited,
        "api_error": TransportError,
        "timeout_error": TransportError,
        "overloaded_error": Unavailable,
    }

    model: str = field(metadata=ALWAYS_IN_LABEL)
    prompt: str = DEFAULT_PROMPT
    max_tokens: int = 256
    effort: str | None = None
    version: str = "2023-06-01"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("model", "prompt", "version"):
            check_text(self, name)
        check_whole(self, "max_tokens", 1)
        check_choice(self, "effort", (None, "low", "medium", "high"))

    @property
    def most_output_tokens(self) -> int:
        return self.max_tokens

    def refuses(self, image: bytes) -> str | None:
        reason = super().refuses(image)
        return "not a PNG, JPEG, GIF or WebP" if reason is None and media_type(image) is None else reason

    def call(self, image: bytes) -> Call:
        data = base64.b64encode(image).decode("ascii")
        picture = {"type": "image", "source": {"type": "base64", "media_type": media_type(image), "data": data}}
        content = [picture, {"type": "text", "text": self.prompt}]
        request: dict[str, Any] = {
            "model": self.model,
            "max_tokens": self.max_tokens,
            "messages": [{"role": "user", "content": content}],
        }
        if self.effort is not None:
            request["output_config"] = {"effort": self.effort}
        headers = {"x-api-key": self.account.key, "anthropic-version": self.version}
        return Call("/v1/messages", request, headers)

    def complaint(self, said: Mapping[str, Any]) -> Complaint | None:
        error = said.get("error")
        if not isinstance(error, dict):
            return Complaint(None, str(error)[:500]) if error or said.get("type") == "error" else None
        return Complaint(words_in(error, "type", 100), words_in(error, "message"))

    def answer(self, said: Mapping[str, Any]) -> Answer:
        parts, ended = objects_in(said, "content"), words_in(said, "stop_reason", 100)
        text = "".join(string_in(part, "text") for part in parts if part.get("type") == "text")
        if not text or ended == "refusal":
            raise Declined(f"the model gave no text: stop_reason is {ended}", code=ended)
        return Answer(text, None, {"charged": 1, **_tokens(said)})


def _tokens(said: Mapping[str, Any]) -> dict[str, float]:
    if said.get("usage") is None:
        return {}
    usage = object_in(said, "usage")
    given = [number_in(usage, name, 0) for name in _INPUT if usage.get(name) is not None]
    return {"input_tokens": sum(given), "output_tokens": number_in(usage, "output_tokens", 0)}
