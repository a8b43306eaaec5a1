"""Google's Gemini models by their own interface, which gives probabilities and takes a resolution."""

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from toolkit._providers._checks import check_choice, check_number, check_text, check_whole
from toolkit._providers._images import media_type
from toolkit._providers._one_call import Complaint, OneCallService, object_in, objects_in, string_in
from toolkit._providers._replies import number_in, words_in
from toolkit._providers._token_prices import DEFAULT_PROMPT, Declined, TokenPriced
from toolkit._providers.base import ALWAYS_IN_LABEL
from toolkit._providers.google_vision import GoogleVision, google_complaint
from toolkit.errors import ProviderError
from toolkit.types import Answer, Call

_ROUNDING = 1e-3
_RESOLUTIONS = (None, "low", "medium", "high")


@dataclass(frozen=True)
class Gemini(TokenPriced, OneCallService):
    """A Gemini model. The key is taken from ``GEMINI_API_KEY``.

    Parameters
    ----------
    model : str
        Such as ``gemini-2.5-flash``.
    prompt : str
        What the model is told beside the image.
    max_tokens : int, default 256
        The most that an answer may be, thoughts included.
    temperature : float in [0, 2], or None to leave it out; default 0
    resolution : None, "low", "medium" or "high"
        How closely the model looks, which decides how many tokens an image is.
    logprobs : bool, default False
        Ask for probabilities; without them there is no confidence.
    price_input_per_million_usd, price_output_per_million_usd : float, optional
        Both, or `price_per_1000_usd` where answers are paid by the piece. Thoughts are counted as output.
    max_input_tokens : int, optional
        The most that prompt and image can be; a budget needs it.

    Notes
    -----
    The confidence is the probability that the model gave its own words: the exponential of the sum of the
    log-probabilities of the chosen tokens. Which version of the interface takes ``responseLogprobs`` is assumed: `base_url`
    holds the version, ``…/v1beta`` by default.

    References
    ----------
    models.generateContent, as in google-genai 3.6.1.

    Examples
    --------
    >>> Gemini("gemini-2.5-flash", resolution="low").label
    "gemini(model='gemini-2.5-flash', resolution='low')"
    """

    name: ClassVar[str] = "gemini"
    confidence_is: ClassVar[str] = "product of tokens, with logprobs"
    charged_by: ClassVar[str] = "token or answer"
    tested_against: ClassVar[str] = "documented replies"
    key_variable: ClassVar[str] = "GEMINI_API_KEY"
    public_url: ClassVar[str] = "https://generativelanguage.googleapis.com/v1beta"
    codes: ClassVar[Mapping[str, type[ProviderError]]] = GoogleVision.codes

    model: str = field(metadata=ALWAYS_IN_LABEL)
    prompt: str = DEFAULT_PROMPT
    max_tokens: int = 256
    temperature: float | None = 0.0
    resolution: str | None = None
    logprobs: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("model", "prompt"):
            check_text(self, name)
        check_whole(self, "max_tokens", 1)
        if self.temperature is not None:
            check_number(self, "temperature", 0, 2)
        check_choice(self, "resolution", _RESOLUTIONS)
        check_choice(self, "logprobs", (False, True))

    @property
    def most_output_tokens(self) -> int:
        return self.max_tokens

    def refuses(self, image: bytes) -> str | None:
        reason = super().refuses(image)
        return "not a PNG, JPEG, GIF or WebP" if reason is None and media_type(image) is None else reason

    def call(self, image: bytes) -> Call:
        config = {
            "maxOutputTokens": self.max_tokens,
            "temperature": self.temperature,
            "responseLogprobs": self.logprobs or None,
            "mediaResolution": None if self.resolution is None else f"MEDIA_RESOLUTION_{self.resolution.upper()}",
        }
        picture = {"mimeType": media_type(image), "data": base64.b64encode(image).decode("ascii")}
        request = {
            "contents": [{"role": "user", "parts": [{"inlineData": picture}, {"text": self.prompt}]}],
            "generationConfig": {name: value for name, value in config.items() if value is not None},
        }
        return Call(f"/models/{self.model}:generateContent", request, {"x-goog-api-key": self.account.key})

    def complaint(self, said: Mapping[str, Any]) -> Complaint | None:
        return google_complaint(said.get("error"))

    def answer(self, said: Mapping[str, Any]) -> Answer:
        feedback = said.get("promptFeedback")
        reason = words_in(feedback, "blockReason", 100) if isinstance(feedback, dict) else None
        if reason is not None:
            raise Declined(f"the model was not asked: {reason}", code=reason)
        candidates = objects_in(said, "candidates")
        if not candidates:
            raise Declined("the model gave no candidate")
        chosen, ended = candidates[0], words_in(candidates[0], "finishReason", 100)
        content = object_in(chosen, "content") if chosen.get("content") is not None else {}
        parts = objects_in(content, "parts") if content.get("parts") is not None else []
        text = "".join(string_in(part, "text") for part in parts if "text" in part and part.get("thought") is not True)
        if not text or ended not in {"STOP", "MAX_TOKENS"}:
            raise Declined(f"the model gave no text: finishReason is {ended}", code=ended)
        return Answer(text, _probability(chosen) if self.logprobs else None, {"charged": 1, **_tokens(said)})


def _tokens(said: Mapping[str, Any]) -> dict[str, float]:
    if said.get("usageMetadata") is None:
        return {}
    usage = object_in(said, "usageMetadata")
    counts = {name: number_in(usage, name, 0) if name in usage else 0.0 for name in _COUNTS}
    return {
        "input_tokens": counts["promptTokenCount"],
        "output_tokens": sum(counts.values()) - counts["promptTokenCount"],
    }


_COUNTS = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")


def _probability(chosen: Mapping[str, Any]) -> float | None:
    """The product of the tokens' probabilities; None where the service gives none after all."""
    if chosen.get("logprobsResult") is None:
        return None
    result = object_in(chosen, "logprobsResult")
    if result.get("logProbabilitySum") is not None:
        return math.exp(min(0.0, number_in(result, "logProbabilitySum", high=_ROUNDING)))
    tokens = objects_in(result, "chosenCandidates")
    total = math.fsum(number_in(token, "logProbability", high=_ROUNDING) for token in tokens)
    return math.exp(min(0.0, total)) if tokens else None
