"""Tesseract, in this process through tesserocr: no subprocess an image, the same answers."""

import os
import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from toolkit._providers._checks import check_choice, check_path, check_text
from toolkit._providers._combining import COMBINED
from toolkit._providers._images import decode
from toolkit._providers._model_files import identity
from toolkit._providers._tessdata import data_file, find_tessdata
from toolkit._providers.base import ALWAYS_IN_LABEL, LocalProvider
from toolkit.errors import BadRequest, SettingError, Unsolvable, require
from toolkit.types import Answer

_PSM = (1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)  # 0 and 2 look at the layout and read nothing
_PSM_WITH_ORIENTATION = (1, 12)  # they look which way is up, by the data called osd
_OEM = (0, 1, 2, 3)
_LSTM_ONLY = 1
_LONGEST_SIDE_PX = 32767  # the library counts pixels in 16 bits
_WORD = 3  # RIL_WORD of the library's PageIteratorLevel
_LANGUAGES = re.compile(r"~?[\w-]+(/[\w-]+)?(\+~?[\w-]+(/[\w-]+)?)*")


@dataclass(frozen=True)
class Tesseract(LocalProvider):
    """The Tesseract engine, one thread.

    `psm` is the page segmentation mode (7 is one line, 8 one word, 6 a block, 3 a page, 13 a raw line) and
    `oem` the engine mode (0 legacy, 1 LSTM, 2 both, 3 whatever the language data has). `lang` names the
    language data, several joined by ``+``; `tessdata` is their folder, when it is not one of the usual ones.
    `whitelist` holds the characters an answer may consist of.

    Tesseract is sure of each word by itself; `confidence` says what an answer of several gets: the ``min``
    of them, their ``mean`` or their ``product``.
    """

    name: ClassVar[str] = "tesseract"
    confidence_is: ClassVar[str] = "words, combined"
    extra: ClassVar[str] = "tesseract"
    needs: ClassVar[tuple[str, ...]] = ("tesserocr",)
    tested_against: ClassVar[str] = "the engine"

    psm: int = field(default=7, metadata=ALWAYS_IN_LABEL)
    oem: int = 3
    lang: str = "eng"
    whitelist: str | None = None
    confidence: str = "min"
    tessdata: str | None = None

    def __post_init__(self) -> None:
        check_choice(self, "psm", _PSM)
        check_choice(self, "oem", _OEM)
        check_choice(self, "confidence", tuple(COMBINED))
        check_text(self, "whitelist", optional=True)
        check_path(self, "tessdata")
        if not isinstance(self.lang, str) or not _LANGUAGES.fullmatch(self.lang):
            raise SettingError(
                f"Tesseract: lang={self.lang!r} is not a language such as 'eng', or several as 'eng+deu'"
            )

    def load(self) -> "deque[Any]":
        """Engines that no thread is reading with at the moment; one of them serves one thread at a time."""
        return deque([self._open()])

    def read(self, image: bytes) -> Answer:
        pixels = decode(image)
        if max(pixels.size) > _LONGEST_SIDE_PX:
            raise BadRequest(f"{pixels.width}×{pixels.height}: Tesseract takes at most {_LONGEST_SIDE_PX} px a side")
        with self._borrowed() as api:
            api.SetImageBytes(pixels.tobytes(), pixels.width, pixels.height, 3, 3 * pixels.width)
            text = api.GetUTF8Text().strip("\n\f")  # line and page ends are how the engine prints, not what it read
            words = _word_confidences(api)
        if not text.strip():
            raise Unsolvable("Tesseract found no text")
        return Answer(text, COMBINED[self.confidence](words) if words else None)

    def versions(self) -> dict[str, str]:
        library = _tesserocr()
        folder = self._folder(library)
        # An engine mode that the data does not support shows only when both meet.
        self._open().End()
        # "tesseract 5.5.4\n leptonica-1.87.0\n  libjpeg …"
        engine, layout = library.tesseract_version().split("\n")[:2]
        return {
            "tesserocr": library.__version__,
            "tesseract": engine.split()[-1],
            "leptonica": layout.strip().removeprefix("leptonica-"),
            **{f"tessdata {name}": identity(data_file(folder, name)) for name in self._languages},
        }

    @property
    def _languages(self) -> list[str]:
        # "~eng" forbids a language that another one would bring along.
        languages = [name for name in self.lang.split("+") if not name.startswith("~")]
        return [*languages, "osd"] if self.psm in _PSM_WITH_ORIENTATION else languages

    def _folder(self, library: ModuleType) -> Path:
        return find_tessdata(self._languages, self.tessdata, lambda: library.get_languages()[0])

    def _open(self) -> Any:
        library = _tesserocr()
        folder = self._folder(library)
        variables = {"debug_file": os.devnull}  # remarks on small or empty images, one a line on stderr
        if self.whitelist is not None:
            variables["tessedit_char_whitelist"] = self.whitelist
        try:
            return library.PyTessBaseAPI(
                path=f"{folder}{os.sep}", lang=self.lang, psm=self.psm, oem=self.oem, variables=variables
            )
        except RuntimeError as error:
            cure = "; this data may hold no legacy engine: use oem=1 or 3" if self.oem in {0, 2} else ""
            raise SettingError(f"{self.label}: Tesseract cannot start with the data in {folder}{cure}") from error

    @contextmanager
    def _borrowed(self) -> Iterator[Any]:
        idle: deque[Any] = self.engine
        try:
            api = idle.pop()
        except IndexError:  # another thread of this process is reading with it
            api = self._open()
        try:
            yield api
        finally:
            # The legacy engine learns from what it reads, and an answer must not depend on the images before it.
            # The LSTM engine learns nothing, and would lose a sixth of its speed.
            if api.GetIntVariable("tessedit_ocr_engine_mode") != _LSTM_ONLY:
                api.ClearAdaptiveClassifier()
            idle.append(api)


def _word_confidences(api: Any) -> list[float]:
    """Each word's confidence in [0, 1]; empty when there is none."""
    confidences: list[float] = []
    here = api.GetIterator()  # None when nothing was found
    more = here is not None
    while more:
        if not here.Empty(_WORD):
            confidences.append(here.Confidence(_WORD) / 100)
        more = here.Next(_WORD)
    return [share for share in confidences if share >= 0]  # -1 stands for "not known"


def _tesserocr() -> ModuleType:
    """The library, held to one thread.

    Where it was built with OpenMP, that runtime reads the environment once, while it is loaded. The variable
    is taken back at once, because it would slow down whatever else this process loads later.
    """
    before = os.environ.get("OMP_THREAD_LIMIT")
    os.environ["OMP_THREAD_LIMIT"] = "1"
    try:
        return require("tesserocr", "Tesseract is read through the package tesserocr", "tesseract")
    finally:
        if before is None:
            del os.environ["OMP_THREAD_LIMIT"]
        else:
            os.environ["OMP_THREAD_LIMIT"] = before
