"""Google Cloud Vision: text detection on images and documents."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from toolkit._providers._checks import check_choice, check_text
from toolkit._providers._combining import COMBINED
from toolkit._providers._one_call import Complaint, NothingRead, OneCallService, object_in, objects_in, string_in
from toolkit._providers._replies import number_in, words_in
from toolkit._providers.base import ALWAYS_IN_LABEL
from toolkit.errors import (
    AuthenticationError,
    BadRequest,
    Blocked,
    ProtocolError,
    ProviderError,
    RateLimited,
    Unavailable,
)
from toolkit.types import Answer, Call

_FEATURES = ("DOCUMENT_TEXT_DETECTION", "TEXT_DETECTION")
_LEVELS = ("blocks", "paragraphs", "words")
_BY_NUMBER = {3: 400, 7: 403, 8: 429, 13: 500, 14: 503, 16: 401}


@dataclass(frozen=True)
class GoogleVision(OneCallService):
    """Google Cloud Vision. The key is taken from ``GOOGLE_API_KEY``.

    Parameters
    ----------
    feature : {"DOCUMENT_TEXT_DETECTION", "TEXT_DETECTION"}
        Dense text and documents, or sparse text in pictures.
    language : str, optional
        Language hints, several joined by ``+``, such as ``en+de``. The service finds the language itself without one.
    legacy_layout : bool, default False
        Ask for the older division into blocks.
    confidence : {"min", "mean", "product"}, default "min"
        What an answer of several words gets.

    Notes
    -----
    The confidence is that of the words, in [0, 1]. Charged by the image and feature; an image without text is charged
    too. The reply names no model version. The key travels in a header.

    References
    ----------
    Cloud Vision API, method images.annotate (read in google-cloud-vision 3.16.0); the address of the key's header and
    the statuses of errors are assumed.

    Examples
    --------
    >>> GoogleVision(language="en").label
    "google_vision(feature='DOCUMENT_TEXT_DETECTION', language='en')"
    """

    name: ClassVar[str] = "google_vision"
    confidence_is: ClassVar[str] = "words, combined"
    charged_by: ClassVar[str] = "image"
    tested_against: ClassVar[str] = "documented replies"
    key_variable: ClassVar[str] = "GOOGLE_API_KEY"
    public_url: ClassVar[str] = "https://vision.googleapis.com"
    unit: ClassVar[str] = "images"
    image_bytes: ClassVar[range] = range(1, 7_000_001)  # base64 makes a third more of it, and 10 MB is the most
    codes: ClassVar[Mapping[str, type[ProviderError]]] = {
        "INVALID_ARGUMENT": BadRequest,
        "PERMISSION_DENIED": Blocked,
        "RESOURCE_EXHAUSTED": RateLimited,
        "UNAUTHENTICATED": AuthenticationError,
        "UNAVAILABLE": Unavailable,
    }

    feature: str = field(default="DOCUMENT_TEXT_DETECTION", metadata=ALWAYS_IN_LABEL)
    language: str | None = None
    legacy_layout: bool = False
    confidence: str = "min"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice(self, "feature", _FEATURES)
        check_text(self, "language", optional=True)
        check_choice(self, "legacy_layout", (False, True))
        check_choice(self, "confidence", tuple(COMBINED))

    def call(self, image: bytes) -> Call:
        wanted: dict[str, Any] = {"enableTextDetectionConfidenceScore": True}
        if self.legacy_layout:
            wanted["advancedOcrOptions"] = ["legacy_layout"]
        context: dict[str, Any] = {"textDetectionParams": wanted}
        if self.language is not None:
            context["languageHints"] = self.language.split("+")
        request = {
            "image": {"content": base64.b64encode(image).decode("ascii")},
            "features": [{"type": self.feature}],
            "imageContext": context,
        }
        return Call("/v1/images:annotate", {"requests": [request]}, {"x-goog-api-key": self.account.key})

    def complaint(self, said: Mapping[str, Any]) -> Complaint | None:
        responses = said.get("responses")
        first = responses[0] if isinstance(responses, list) and responses else None
        error = said.get("error") or (first.get("error") if isinstance(first, dict) else None)
        return google_complaint(error)

    def answer(self, said: Mapping[str, Any]) -> Answer:
        responses = objects_in(said, "responses")
        if not responses:
            raise ProtocolError("responses is empty")
        if responses[0].get("fullTextAnnotation") is None:
            raise NothingRead("the service found no text")
        found = object_in(responses[0], "fullTextAnnotation")
        text = string_in(found, "text").rstrip("\n")
        if not text.strip():
            raise NothingRead("the service found no text")
        words = [number_in(word, "confidence", 0, 1) for word in _words(found) if word.get("confidence") is not None]
        return Answer(text, COMBINED[self.confidence](words) if words else None, {"charged": 1, "images": 1})


def google_complaint(error: object) -> Complaint | None:
    """What Google's services say went wrong: code, status and words, in a reply of any status."""
    if not error:
        return None
    if not isinstance(error, dict):
        return Complaint(None, str(error)[:500])
    number = error.get("code")
    return Complaint(
        words_in(error, "status", 100),
        words_in(error, "message"),
        _BY_NUMBER.get(number, number if number > 99 else None) if type(number) is int else None,
    )


def _words(annotation: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    held = objects_in(annotation, "pages") if annotation.get("pages") is not None else []
    for level in _LEVELS:
        held = [part for holder in held if holder.get(level) is not None for part in objects_in(holder, level)]
    yield from held
