"""ddddocr: two small recognition models for captchas, shipped in the package."""

from dataclasses import dataclass
from importlib import metadata
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

from toolkit._providers._checks import check_choice, check_text, check_whole
from toolkit._providers._images import decode
from toolkit._providers._model_files import identity
from toolkit._providers.base import LocalProvider
from toolkit.errors import BadRequest, Unsolvable, require
from toolkit.types import Answer

_NEED = "Ddddocr needs the package ddddocr"
_MOST_ELONGATED = 200  # the library makes every image 64 px high, however wide that makes it


@dataclass(frozen=True)
class Ddddocr(LocalProvider):
    """The captcha models of the package ddddocr, on the CPU. The image is one line of text.

    Parameters
    ----------
    beta : bool, default False
        Read with the newer and larger of the two models in the package.
    characters : str, optional
        The only characters an answer may consist of.
    threads : int >= 1, default 1
        How many the model computes with.

    Notes
    -----
    The confidence is the library's own: the mean of the best probability of each step, steps without a character
    included. It is higher than the share of right answers; `tk.stats.calibrated` turns it into a probability.

    Examples
    --------
    >>> Ddddocr(beta=True).label
    'ddddocr(beta=True)'
    """

    name: ClassVar[str] = "ddddocr"
    confidence_is: ClassVar[str] = "mean of steps"
    extra: ClassVar[str] = "ddddocr"
    needs: ClassVar[tuple[str, ...]] = ("ddddocr",)
    tested_against: ClassVar[str] = "the engine"

    beta: bool = False
    characters: str | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        check_choice(self, "beta", (False, True))
        check_text(self, "characters", optional=True)
        check_whole(self, "threads", 1)

    def load(self) -> Any:
        library = require("ddddocr", _NEED, "ddddocr")
        runtime = require("onnxruntime", _NEED, "ddddocr")
        engine = library.DdddOcr(show_ad=False, beta=self.beta)
        if self.characters is not None:
            engine.set_ranges(self.characters)
        # The library gives its session all cores and no way to ask for fewer.
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = self.threads
        engine.ocr_engine.session = runtime.InferenceSession(
            str(self._model()), options, providers=["CPUExecutionProvider"]
        )
        return engine

    def read(self, image: bytes) -> Answer:
        pixels = decode(image)
        if max(pixels.size) > _MOST_ELONGATED * min(pixels.size):
            raise BadRequest(f"{pixels.width}×{pixels.height} is not a line of text")
        buffer = BytesIO()
        pixels.save(buffer, "PNG", compress_level=0)
        found = self.engine.classification(buffer.getvalue(), probability=True)
        if not found["text"].strip():
            raise Unsolvable("ddddocr found no text")
        return Answer(found["text"], min(max(float(found["confidence"]), 0.0), 1.0))

    def versions(self) -> dict[str, str]:
        require("ddddocr", _NEED, "ddddocr")
        return {
            "ddddocr": metadata.version("ddddocr"),
            "onnxruntime": metadata.version("onnxruntime"),
            "recognition": identity(self._model()),
        }

    def _model(self) -> Path:
        library = require("ddddocr", _NEED, "ddddocr")
        return Path(str(library.__file__)).with_name("common.onnx" if self.beta else "common_old.onnx")
