"""Mistral OCR: documents and images to Markdown, with confidences."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from toolkit._providers._checks import check_choice, check_text
from toolkit._providers._images import media_type
from toolkit._providers._one_call import Complaint, NothingRead, OneCallService, object_in, objects_in, string_in
from toolkit._providers._replies import number_in, words_in
from toolkit._providers.base import ALWAYS_IN_LABEL
from toolkit.errors import ProtocolError
from toolkit.types import Answer, Call

_SCORES = {"min": "minimum_page_confidence_score", "mean": "average_page_confidence_score"}
_PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_HEADING = re.compile(r"^#{1,6} +", re.MULTILINE)
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+\-.!$|>~])")
_FORMULA = re.compile(r"\$([^$\n]+)\$")
_STRONG = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")


@dataclass(frozen=True)
class MistralOCR(OneCallService):
    """Mistral's OCR models. The key is taken from ``MISTRAL_API_KEY``.

    Parameters
    ----------
    model : str, default "mistral-ocr-latest"
        A name with a date measures the same model tomorrow; ``latest`` need not.
    confidence : {"min", "mean"}, default "min"
        The least or the average confidence over the words of the page.
    markdown : bool, default False
        Keep the Markdown of the answer. Without it headings, emphasis, formula signs, escapes and links to pictures are
        taken away, and an answer that is nothing but a picture is none.

    Notes
    -----
    The service computes a word's confidence as the exponential of the mean log-probability of its tokens. Charged by the
    page: `price_per_1000_usd` is that of a thousand pages.

    References
    ----------
    POST /v1/ocr, as in mistralai 3.7.0.

    Examples
    --------
    >>> MistralOCR("mistral-ocr-2512").label
    "mistral_ocr(model='mistral-ocr-2512')"
    """

    name: ClassVar[str] = "mistral_ocr"
    confidence_is: ClassVar[str] = "words of the page, least or mean"
    charged_by: ClassVar[str] = "page"
    tested_against: ClassVar[str] = "documented replies"
    key_variable: ClassVar[str] = "MISTRAL_API_KEY"
    public_url: ClassVar[str] = "https://api.mistral.ai"
    unit: ClassVar[str] = "pages"

    model: str = field(default="mistral-ocr-latest", metadata=ALWAYS_IN_LABEL)
    confidence: str = "min"
    markdown: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_text(self, "model")
        check_choice(self, "confidence", tuple(_SCORES))
        check_choice(self, "markdown", (False, True))

    def refuses(self, image: bytes) -> str | None:
        reason = super().refuses(image)
        return "not a PNG, JPEG, GIF or WebP" if reason is None and media_type(image) is None else reason

    def call(self, image: bytes) -> Call:
        url = f"data:{media_type(image)};base64,{base64.b64encode(image).decode('ascii')}"
        request = {
            "model": self.model,
            "document": {"type": "image_url", "image_url": url},
            "include_image_base64": False,
            "include_blocks": False,
            "confidence_scores_granularity": "page",
        }
        return Call("/v1/ocr", request, {"authorization": f"Bearer {self.account.key}"})

    def complaint(self, said: Mapping[str, Any]) -> Complaint | None:
        if said.get("object") == "error" or "pages" not in said:
            inner = said.get("error")
            holder = inner if isinstance(inner, dict) else said
            words = words_in(holder, "message") or (str(said["detail"])[:500] if said.get("detail") else None)
            return Complaint(words_in(holder, "type", 100), words) if words else None
        return None

    def answer(self, said: Mapping[str, Any]) -> Answer:
        pages = objects_in(said, "pages")
        if not pages:
            raise ProtocolError("pages is empty")
        texts = [string_in(page, "markdown") for page in pages]
        text = "\n".join(texts if self.markdown else map(plain, texts)).strip("\n")
        if not plain(text).strip():
            raise NothingRead("the service found no text")
        usage = object_in(said, "usage_info") if said.get("usage_info") is not None else {}
        charged = number_in(usage, "pages_processed", 0) if usage else len(pages)
        return Answer(text, self._confidence(pages), {"charged": 1, "pages": charged})

    def _confidence(self, pages: list[dict[str, Any]]) -> float | None:
        scores = [object_in(page, "confidence_scores") for page in pages if page.get("confidence_scores") is not None]
        name = _SCORES[self.confidence]
        return min(number_in(score, name, 0, 1) for score in scores) if scores else None


def plain(markdown: str) -> str:
    """The text of an answer in Markdown, without what only says how it looks."""
    text = _HEADING.sub("", _PICTURE.sub("", markdown))
    return _ESCAPED.sub(r"\1", _FORMULA.sub(r"\1", _STRONG.sub(r"\2", text))).strip()
