"""Vision models behind the chat completions interface, OpenAI's own or anybody's that speaks it."""

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from reprlib import repr as shortened
from typing import Any, ClassVar

from toolkit._providers._checks import check_choice, check_number, check_text, check_whole
from toolkit._providers._images import media_type
from toolkit._providers._replies import (
    STATUSES,
    Statuses,
    by_status,
    check_encodable,
    json_object,
    number_in,
    words_in,
)
from toolkit._providers._token_prices import DEFAULT_PROMPT, Declined, TokenPriced
from toolkit._providers.base import ALWAYS_IN_LABEL
from toolkit.errors import (
    AuthenticationError,
    BadRequest,
    Blocked,
    InsufficientBalance,
    ProtocolError,
    ProviderError,
    RateLimited,
    TransportError,
    Unavailable,
)
from toolkit.types import Answer, Call, Flow, Reply, Sample

_ROUNDING = 1e-3  # servers that compute in half precision find some tokens a little likelier than certain
_LONGEST_CODE = 100

_STATUSES: Statuses = {
    **STATUSES,
    **dict.fromkeys((400, 404, 405, 415, 422), BadRequest),
    403: Blocked,  # the country or the address is not served
    409: Unavailable,
    503: Unavailable,
    529: Unavailable,
}
_CODES: Mapping[str, type[ProviderError]] = {
    "invalid_api_key": AuthenticationError,
    # An empty account is answered with 429, which waiting does not cure.
    "insufficient_quota": InsufficientBalance,
    "credit_balance_exhausted": InsufficientBalance,
    "billing_hard_limit_reached": InsufficientBalance,
    "billing_not_active": InsufficientBalance,
    "rate_limit_exceeded": RateLimited,
    "slow_down": RateLimited,
    "server_is_overloaded": Unavailable,
    # Said of one image, so the account goes on, whatever the status.
    "content_filter": BadRequest,
    "content_policy_violation": BadRequest,
}


@dataclass(frozen=True)
class OpenAICompatible(TokenPriced):
    """A vision model at any address that speaks OpenAI's chat completions.

    `model` is the service's name for it and `prompt` what it is told beside the image. `base_url` ends before
    ``/chat/completions``, as in ``http://127.0.0.1:8000/v1``. The key is taken from ``OPENAI_API_KEY`` when it is not
    given, wherever `base_url` points; a server that asks for none takes any. `max_tokens` bounds the answer, and
    with it the price; models that think first want it under the name ``max_completion_tokens``, which is what
    `limit_name` is for, and refuse a `temperature`: None leaves it out. `detail` is how closely the model looks
    (``low``, ``high``, ``auto``). With `logprobs` the confidence is the probability that the model gave its own
    words; without, there is none.

    Prices are those of a million tokens, in USD; give both, or `price_per_1000_usd` where answers are paid by the
    piece. What an image comes to in tokens is each model's secret: a budget needs `max_input_tokens`, the most that
    prompt and image can be.
    """

    name: ClassVar[str] = "openai"
    confidence_is: ClassVar[str] = "product of tokens, with logprobs"
    charged_by: ClassVar[str] = "token or answer"
    tested_against: ClassVar[str] = "sandbox, vendor SDK"
    key_variable: ClassVar[str] = "OPENAI_API_KEY"
    public_url: ClassVar[str] = "https://api.openai.com/v1"

    model: str = field(metadata=ALWAYS_IN_LABEL)
    prompt: str = DEFAULT_PROMPT
    max_tokens: int = 256
    temperature: float | None = 0.0
    detail: str | None = None
    logprobs: bool = False
    limit_name: str = "max_tokens"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("model", "prompt"):
            check_text(self, name)
        check_whole(self, "max_tokens", 1)
        if self.temperature is not None:
            check_number(self, "temperature", 0, 2)
        check_text(self, "detail", optional=True)
        check_choice(self, "logprobs", (False, True))
        check_choice(self, "limit_name", ("max_tokens", "max_completion_tokens"))

    @property
    def most_output_tokens(self) -> int:
        return self.max_tokens

    def refuses(self, image: bytes) -> str | None:
        reason = super().refuses(image)
        return "not a PNG, JPEG, GIF or WebP" if reason is None and media_type(image) is None else reason

    def flow(self, sample: Sample) -> Flow:
        request = self._request(self.accepted(sample))
        reply: Reply = yield Call("/chat/completions", request, {"authorization": f"Bearer {self.account.key}"})
        try:
            return self._answer(_success(reply))
        except ProviderError as error:
            error.status = reply.status if error.status is None else error.status
            raise

    def _request(self, image: bytes) -> dict[str, Any]:
        url = f"data:{media_type(image)};base64,{base64.b64encode(image).decode('ascii')}"
        picture = {"url": url} if self.detail is None else {"url": url, "detail": self.detail}
        content = [{"type": "text", "text": self.prompt}, {"type": "image_url", "image_url": picture}]
        request = {"model": self.model, "messages": [{"role": "user", "content": content}]}
        options = {
            self.limit_name: self.max_tokens,
            "temperature": self.temperature,
            "logprobs": self.logprobs or None,
        }
        return request | {name: value for name, value in options.items() if value is not None}

    def _answer(self, said: Mapping[str, Any]) -> Answer:
        choice = _first(said.get("choices"))
        message = choice.get("message")
        if not isinstance(message, dict):
            raise ProtocolError(f"message is {shortened(message)}, not an object")
        text, ended = message.get("content"), choice.get("finish_reason")
        if text is None or text == "":
            why = words_in(message, "refusal") or f"finish_reason is {shortened(ended)}"
            raise Declined(f"the model gave no text: {why}", code=words_in(choice, "finish_reason", _LONGEST_CODE))
        if not isinstance(text, str):
            raise ProtocolError(f"content is {shortened(text)}, not a text")
        check_encodable(text, "content")
        return Answer(text, _probability(choice) if self.logprobs else None, {"charged": 1, **_tokens(said)})


def _success(reply: Reply) -> dict[str, Any]:
    said = json_object(reply)
    if said is None:
        raise by_status(reply, _STATUSES if reply.status < 500 else STATUSES, "the body is no JSON object")
    if said.get("error") is not None or not 200 <= reply.status < 300:
        raise _refusal(said, reply)
    return said


def _refusal(said: Mapping[str, Any], reply: Reply) -> ProviderError:
    given = said.get("error")
    error: Mapping[str, Any] = given if isinstance(given, dict) else {"message": given}
    # Routers report another service's failure under status 200, with its status as the code.
    inner = error.get("code")
    status = inner if reply.status < 400 and type(inner) is int and 400 <= inner < 600 else reply.status
    codes = [code for code in (words_in(error, name, _LONGEST_CODE) for name in ("code", "type")) if code]
    code = next((code for code in codes if code in _CODES), codes[0] if codes else None)
    fallback = _STATUSES.get(status, TransportError if status >= 500 else ProtocolError)
    kind = fallback if code is None else _CODES.get(code, fallback)
    hint = "; are model and base_url right?" if status == 404 else ""
    return kind(
        f"{code or status}: {words_in(error, 'message') or shortened(dict(said))}{hint}",
        code=code,
        status=status,
        after_s=reply.after_s,
    )


def _first(choices: object) -> dict[str, Any]:
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise ProtocolError(f"choices is {shortened(choices)}, not a list of objects")
    return choices[0]


def _tokens(said: Mapping[str, Any]) -> dict[str, float]:
    """The counts that a bill is made of; nothing where the server does not count."""
    usage = said.get("usage")
    if usage is None:
        return {}
    if not isinstance(usage, dict):
        raise ProtocolError(f"usage is {shortened(usage)}, not an object")
    return {
        "input_tokens": number_in(usage, "prompt_tokens", 0),
        "output_tokens": number_in(usage, "completion_tokens", 0),
    }


def _probability(choice: Mapping[str, Any]) -> float | None:
    """The product of the tokens' probabilities, in [0, 1]; None where the server gives none after all."""
    logprobs = choice.get("logprobs")
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else logprobs
    if tokens is None:
        return None
    if not isinstance(tokens, list) or not tokens or not all(isinstance(token, dict) for token in tokens):
        raise ProtocolError(f"logprobs is {shortened(logprobs)}, not a list of objects")
    total = math.fsum(number_in(token, "logprob", high=_ROUNDING) for token in tokens)
    return math.exp(min(0.0, total))
