"""Azure AI Vision: Image Analysis 4.0, the feature Read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from toolkit._providers._checks import check_choice, check_text
from toolkit._providers._combining import COMBINED
from toolkit._providers._images import size_in_header
from toolkit._providers._one_call import Complaint, NothingRead, OneCallService, object_in, objects_in, string_in
from toolkit._providers._replies import number_in, words_in
from toolkit._providers.base import ALWAYS_IN_LABEL
from toolkit.errors import SettingError
from toolkit.types import Answer, Call

_LEAST_PX, _MOST_PX = 50, 16_000


@dataclass(frozen=True)
class AzureRead(OneCallService):
    """Azure Image Analysis 4.0, Read. The key is taken from ``AZURE_VISION_KEY``.

    Parameters
    ----------
    base_url : str
        The endpoint of your resource, such as ``https://NAME.cognitiveservices.azure.com``. Give it by name.
    language : str, optional
        Such as ``en``; the service finds it by itself without.
    model : str, default "latest"
        The model version.
    confidence : {"min", "mean", "product"}, default "min"
        What an answer of several words gets.

    Notes
    -----
    Images must be larger than 50×50 px, which most captcha images are not: ``tk.Prepared(setting, scale=2)`` or
    ``pad=`` makes them fit. The confidence is that of the words, in [0, 1]. Charged by the image. Microsoft retires this
    interface on 2028-09-25.

    References
    ----------
    Image Analysis 4.0, api-version 2024-02-01 (read in azure-ai-vision-imageanalysis 1.0.0); error bodies are assumed.

    Examples
    --------
    >>> AzureRead(base_url="https://mine.cognitiveservices.azure.com").label
    "azure_read(model='latest')"
    """

    name: ClassVar[str] = "azure_read"
    confidence_is: ClassVar[str] = "words, combined"
    charged_by: ClassVar[str] = "image"
    tested_against: ClassVar[str] = "documented replies"
    key_variable: ClassVar[str] = "AZURE_VISION_KEY"
    public_url: ClassVar[str] = "https://NAME.cognitiveservices.azure.com"
    unit: ClassVar[str] = "images"
    image_bytes: ClassVar[range] = range(1, 20_000_001)

    language: str | None = None
    model: str = field(default="latest", metadata=ALWAYS_IN_LABEL)
    confidence: str = "min"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.base_url is None:
            raise SettingError(
                f"AzureRead: base_url is needed, the endpoint of your resource such as {self.public_url}"
            )
        check_text(self, "language", optional=True)
        check_text(self, "model")
        check_choice(self, "confidence", tuple(COMBINED))

    def refuses(self, image: bytes) -> str | None:
        reason = super().refuses(image)
        return _by_size(image) if reason is None else reason

    def call(self, image: bytes) -> Call:
        query = {"api-version": "2024-02-01", "features": "read", "model-version": self.model}
        if self.language is not None:
            query["language"] = self.language
        return Call(
            "/computervision/imageanalysis:analyze",
            body=image,
            content_type="application/octet-stream",
            query=query,
            headers={"ocp-apim-subscription-key": self.account.key},
        )

    def complaint(self, said: Mapping[str, Any]) -> Complaint | None:
        error = said.get("error")
        if error is None:
            return None
        if not isinstance(error, dict):
            return Complaint(None, str(error)[:500])
        inner = error.get("innererror")
        words = words_in(inner, "message") if isinstance(inner, dict) else None
        return Complaint(words_in(error, "code", 100), words or words_in(error, "message"))

    def answer(self, said: Mapping[str, Any]) -> Answer:
        blocks = objects_in(object_in(said, "readResult"), "blocks")
        lines = [line for block in blocks for line in objects_in(block, "lines")]
        text = "\n".join(string_in(line, "text") for line in lines)
        if not text.strip():
            raise NothingRead("the service found no text")
        sure = [number_in(word, "confidence", 0, 1) for line in lines for word in objects_in(line, "words")]
        return Answer(text, COMBINED[self.confidence](sure) if sure else None, {"charged": 1, "images": 1})


def _by_size(image: bytes) -> str | None:
    """Why an image is refused for its size, as far as its header tells; what is no image, the service says itself."""
    size = size_in_header(image)
    if size is None:
        return "not an image in a known format"
    width, height = size
    if min(width, height) > _LEAST_PX and max(width, height) < _MOST_PX:
        return None
    return f"{width}×{height} px; AzureRead takes images larger than 50×50 px; tk.Prepared(…, scale=2) makes it larger"
