"""OCR.space: three engines behind one form."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from toolkit._providers._checks import check_choice, check_text
from toolkit._providers._images import media_type
from toolkit._providers._one_call import Complaint, NothingRead, OneCallService, objects_in, string_in
from toolkit._providers._replies import words_in
from toolkit._providers.base import ALWAYS_IN_LABEL
from toolkit.errors import BadRequest, ProviderError, Unavailable
from toolkit.types import Answer, Call


@dataclass(frozen=True)
class OCRSpace(OneCallService):
    """OCR.space. The key is taken from ``OCR_SPACE_API_KEY``.

    Parameters
    ----------
    ocr_engine : {1, 2, 3}, default 2
        The service's number for its engine.
    language : str, optional
        The service's name for it, such as ``eng``; left to the service without.
    scale : bool, default False
        Have the service enlarge the image.

    Notes
    -----
    There is no confidence. The price is a flat one by the month: work out your own `price_per_1000_usd`. Plans with a
    host of their own need `base_url`.

    References
    ----------
    https://ocr.space/ocrapi (read 2026-11); the meanings of OCRExitCode 3 and 4 are assumed.

    Examples
    --------
    >>> OCRSpace(ocr_engine=1, language="eng").label
    "ocr_space(ocr_engine=1, language='eng')"
    """

    name: ClassVar[str] = "ocr_space"
    charged_by: ClassVar[str] = "month"
    tested_against: ClassVar[str] = "documented replies"
    key_variable: ClassVar[str] = "OCR_SPACE_API_KEY"
    public_url: ClassVar[str] = "https://api.ocr.space"
    image_bytes: ClassVar[range] = range(1, 5_000_001)
    codes: ClassVar[Mapping[str, type[ProviderError]]] = {"3": BadRequest, "4": BadRequest, "6": Unavailable}

    ocr_engine: int = field(default=2, metadata=ALWAYS_IN_LABEL)
    language: str | None = None
    scale: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice(self, "ocr_engine", (1, 2, 3))
        check_text(self, "language", optional=True)
        check_choice(self, "scale", (False, True))

    def refuses(self, image: bytes) -> str | None:
        reason = super().refuses(image)
        return "not a PNG, JPEG, GIF or WebP" if reason is None and media_type(image) is None else reason

    def call(self, image: bytes) -> Call:
        form = {
            "base64Image": f"data:{media_type(image)};base64,{base64.b64encode(image).decode('ascii')}",
            "OCREngine": str(self.ocr_engine),
            "scale": "true" if self.scale else "false",
        }
        if self.language is not None:
            form["language"] = self.language
        return Call("/parse/image", form=form, headers={"apikey": self.account.key})

    def complaint(self, said: Mapping[str, Any]) -> Complaint | None:
        code = said.get("OCRExitCode")
        number = code if type(code) is int else None
        if said.get("IsErroredOnProcessing") is not True and number in {None, 1, 2}:
            return None
        message = said.get("ErrorMessage")
        words = "; ".join(map(str, message)) if isinstance(message, list) else words_in(said, "ErrorMessage")
        return Complaint(None if number is None else str(number), words)

    def answer(self, said: Mapping[str, Any]) -> Answer:
        text = "\n".join(string_in(page, "ParsedText") for page in objects_in(said, "ParsedResults"))
        text = text.replace("\r\n", "\n").strip("\n")
        if not text.strip():
            raise NothingRead("the service found no text")
        return Answer(text, None, {"charged": 1})
