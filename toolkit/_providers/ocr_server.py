"""Servers that speak the LiteParse OCR API: an OCR engine of one's own behind one address."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar

from toolkit._providers._checks import check_choice, check_share, check_text
from toolkit._providers._combining import COMBINED
from toolkit._providers._one_call import Complaint, OwnServer, objects_in, string_in
from toolkit._providers._replies import number_in, words_in
from toolkit._providers.base import ALWAYS_IN_LABEL
from toolkit.errors import SettingError, Unsolvable
from toolkit.types import Answer, Call, Part


@dataclass(frozen=True)
class OCRServer(OwnServer):
    """An OCR server of your own that speaks the LiteParse OCR API.

    Ready servers exist for EasyOCR, PaddleOCR, Surya and PaddleOCR-VL, so that these are compared without their
    libraries in your environment.

    Parameters
    ----------
    base_url : str
        Where the server is, such as ``http://127.0.0.1:8828``; ``/ocr`` is appended. Give it by name.
    language : str, default "en"
        As the engine behind the server names it.
    confidence : {"min", "mean", "product"}, default "min"
        What an answer of several pieces gets. A server whose engine has none says 1 for each piece.
    min_confidence : float in [0, 1], default 0
        Pieces below it are left out of the text.
    engine : str, optional
        Your name for the engine behind the server, which the label then shows: the reply does not tell it.

    Notes
    -----
    Pieces are joined by spaces in the order of the reply, which the API defines as the reading order; a piece that
    begins below the one before it starts a new line. A server that asks for a key gets it as a bearer token, from
    ``OCR_SERVER_KEY`` or `key`.

    References
    ----------
    OCR API specification of run-llama/liteparse (OCR_API_SPEC.md, read 2026-11).

    Examples
    --------
    >>> OCRServer(base_url="http://127.0.0.1:8828", engine="surya").label
    "ocr_server(engine='surya')"
    """

    name: ClassVar[str] = "ocr_server"
    confidence_is: ClassVar[str] = "pieces, combined"
    tested_against: ClassVar[str] = "a real server with RapidOCR"
    key_variable: ClassVar[str] = "OCR_SERVER_KEY"
    public_url: ClassVar[str] = "http://127.0.0.1:8828"

    language: str = "en"
    confidence: str = "min"
    min_confidence: float = 0.0
    engine: str | None = field(default=None, metadata=ALWAYS_IN_LABEL)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.base_url is None:
            raise SettingError(f"OCRServer: base_url is needed, such as {self.public_url}: the server is your own")
        check_text(self, "language")
        check_choice(self, "confidence", tuple(COMBINED))
        check_share(self, "min_confidence")
        check_text(self, "engine", optional=True)

    @property
    def prices(self) -> Mapping[str, float]:
        """Nothing is charged, unless you say so."""
        return super().prices or {}

    def call(self, image: bytes) -> Call:
        bearer = {"authorization": f"Bearer {self.key}"} if self.key else {}
        parts: dict[str, Part] = {"file": ("image", image, "application/octet-stream"), "language": self.language}
        return Call("/ocr", multipart=parts, headers=bearer)

    def complaint(self, said: Mapping[str, Any]) -> Complaint | None:
        return (
            None if said.get("error") is None else Complaint(None, words_in(said, "error") or str(said["error"])[:99])
        )

    def answer(self, said: Mapping[str, Any]) -> Answer:
        pieces = [
            (string_in(piece, "text"), number_in(piece, "confidence", 0, 1), _span(piece))
            for piece in objects_in(said, "results")
        ]
        kept = [piece for piece in pieces if piece[1] >= self.min_confidence and piece[0].strip()]
        if not kept:
            raise Unsolvable("the server found no text")
        text = kept[0][0]
        for (_, _, before), (piece, _, here) in pairwise(kept):
            below = before is not None and here is not None and here[0] >= before[1]
            text += ("\n" if below else " ") + piece
        return Answer(text, COMBINED[self.confidence]([sure for _, sure, _ in kept]), {"charged": 1})


def _span(piece: Mapping[str, Any]) -> tuple[float, float] | None:
    """Top and bottom of a piece, in pixels; None where the server does not tell."""
    box = piece.get("bbox")
    if not isinstance(box, list) or len(box) != 4 or not all(type(side) in (int, float) for side in box):
        return None
    return float(box[1]), float(box[3])
