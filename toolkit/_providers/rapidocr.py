"""RapidOCR: the PaddleOCR models on onnxruntime."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from toolkit._providers._checks import check_choice, check_path, check_share, check_text, check_whole
from toolkit._providers._images import decode
from toolkit._providers._model_files import identity
from toolkit._providers._rapidocr_models import (
    MODELS,
    ORIENTATION,
    check_own_model,
    detection_language,
    library_model,
)
from toolkit._providers._reading_order import in_reading_order
from toolkit._providers.base import NOT_IN_IDENTITY, LocalProvider
from toolkit.errors import BadRequest, SettingError, Unsolvable, require
from toolkit.types import Answer

_MOST_ELONGATED = 200
"""Width to height, or the other way. The library enlarges the short side to 30 px whatever becomes of the long one:
a rule of 2000×1 px keeps it busy for half a minute and takes gigabytes when it looks for text in it."""

_NEED_DETECT = ("detection_path", "detection_side_px", "text_score")
_FALSE_OR_TRUE = (False, True)


@dataclass(frozen=True)
class RapidOCR(LocalProvider):
    """RapidOCR on the CPU. The image is one line of text, unless `detect` has the lines looked for first.

    `version` and `model` (the size) name the models and `lang` the language; the package ships version 6 in
    the size ``small`` and downloads others on first use into `model_folder` (default: beside its own).
    `model_path` is an ONNX recognition model of your own, with its characters inside or in `keys_path`, one a
    line; `detection_path` is a detection model of your own.

    `orientation` turns lines that stand on their head. With `detect`, `detection_side_px` is what the shorter
    side of the image is enlarged to at least, and lines with a confidence below `text_score` are left out; the
    answer's confidence is that of its least certain line. `threads` is how many one engine computes with.
    """

    name: ClassVar[str] = "rapidocr"
    confidence_is: ClassVar[str] = "least certain line"
    extra: ClassVar[str] = "rapidocr"
    needs: ClassVar[tuple[str, ...]] = ("rapidocr", "onnxruntime")
    tested_against: ClassVar[str] = "the engine"

    detect: bool = False
    orientation: bool = False
    lang: str = "en"
    version: str = "PP-OCRv6"
    model: str = "small"
    model_path: str | None = None
    keys_path: str | None = None
    detection_path: str | None = None
    detection_side_px: int = 736
    text_score: float = 0.5
    model_folder: str | None = field(default=None, metadata=NOT_IN_IDENTITY)
    threads: int = 1

    def __post_init__(self) -> None:
        check_choice(self, "detect", _FALSE_OR_TRUE)
        check_choice(self, "orientation", _FALSE_OR_TRUE)
        check_text(self, "lang")
        check_choice(self, "version", tuple(MODELS))
        if self.model not in MODELS[self.version]:
            takes = " or ".join(map(repr, MODELS[self.version]))
            raise SettingError(f"RapidOCR: model={self.model!r} is no size of {self.version}; it comes as {takes}")
        for path in ("model_path", "keys_path", "detection_path", "model_folder"):
            check_path(self, path)
        check_whole(self, "detection_side_px", 32, 4096)
        check_share(self, "text_score")
        check_whole(self, "threads", 1)
        self._check_together()

    def _check_together(self) -> None:
        # Settings that differ in what is never looked at would be measured as two, and be one.
        if not self.detect:
            for idle in _NEED_DETECT:
                if getattr(self, idle) != getattr(type(self), idle):
                    raise SettingError(f"RapidOCR: {idle}={getattr(self, idle)!r} has an effect with detect=True only")
        if self.keys_path is not None and self.model_path is None:
            raise SettingError("RapidOCR: keys_path belongs to a model of your own; give its model_path too")

    def load(self) -> Any:
        self._check_machine()
        main = require("rapidocr.main", "RapidOCR needs the package rapidocr", "rapidocr")
        files = self._files()
        engine = main.RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.text_score": self.text_score,
                "EngineConfig.onnxruntime.intra_op_num_threads": self.threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": self.threads,
                "Rec.lang_type": self.lang,
                "Rec.rec_keys_path": self.keys_path,
                "Det.limit_side_len": self.detection_side_px,
                **{f"{task.capitalize()}.model_path": str(path) for task, path in files.items()},
            }
        )
        # The library loads a model when it is first wanted; that should be now, before anything is timed.
        blank = np.full((48, 96, 3), 255, np.uint8)
        with self._opencv_threads():
            engine(blank, use_det=False, use_cls=self.orientation, use_rec=True)
            if self.detect:
                engine(blank, use_det=True, use_cls=False, use_rec=False)
        return engine

    def read(self, image: bytes) -> Answer:
        pixels = np.ascontiguousarray(np.asarray(decode(image))[:, :, ::-1])  # the library takes arrays as BGR
        height, width = pixels.shape[:2]
        if max(width, height) > _MOST_ELONGATED * min(width, height):
            raise BadRequest(f"{width}×{height} is no line of text: one side is over {_MOST_ELONGATED} times the other")
        engine = self.engine
        try:
            with self._opencv_threads():
                found = engine(pixels, use_det=self.detect, use_cls=self.orientation, use_rec=True)
        except _resize_error() as error:
            # The library brings the longer side down to 2000 px, and the other to a multiple of 32.
            raise BadRequest(
                f"{width}×{height}: nothing would be left of the shorter side at 2000 px; crop it"
            ) from error
        texts = found.txts or ()
        text = in_reading_order(texts, found.boxes) if self.detect and texts else "".join(texts)
        if not text.strip():
            raise Unsolvable("RapidOCR found no text")
        return Answer(text, min(max(float(min(found.scores)), 0.0), 1.0))

    def versions(self) -> dict[str, str]:
        self._check_machine()
        files = self._files()
        if self.model_path is not None:
            check_own_model(files["rec"], "model_path", characters=self.keys_path is None)
        if self.detection_path is not None:
            check_own_model(files["det"], "detection_path", characters=False)
        names = {"rec": "recognition", "det": "detection", "cls": "orientation"}
        found = {names[task]: identity(path) for task, path in files.items()}
        if self.keys_path is not None:
            found["keys"] = identity(Path(self.keys_path))
        return {"rapidocr": metadata.version("rapidocr"), "onnxruntime": metadata.version("onnxruntime"), **found}

    def _check_machine(self) -> None:
        require("onnxruntime", "RapidOCR runs on the package onnxruntime", "rapidocr")
        require("rapidocr", "RapidOCR needs the package rapidocr", "rapidocr")
        if self.keys_path is not None and not Path(self.keys_path).is_file():
            raise SettingError(f"RapidOCR: keys_path={self.keys_path!r} is no file")
        cores = os.cpu_count() or 1
        if self.threads > cores:  # the library would fall back to all of them without a word
            raise SettingError(f"RapidOCR: threads={self.threads} is more than the {cores} cores of this machine")

    def _files(self) -> dict[str, Path]:
        """The model file of each task that this setting has."""
        require("rapidocr.utils.log", "RapidOCR needs the package rapidocr", "rapidocr")  # which sets its own level
        logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
        chosen = {"rec": self.model_path, "det": self.detection_path if self.detect else None}
        files = {task: Path(path) for task, path in chosen.items() if path is not None}
        if "rec" not in files:
            files["rec"] = library_model("rec", self.version, self.lang, self.model, self.model_folder)
        if self.detect and "det" not in files:
            lang = detection_language(self.version, self.lang, self.model)
            files["det"] = library_model("det", self.version, lang, self.model, self.model_folder)
        if self.orientation:
            files["cls"] = library_model("cls", *ORIENTATION, self.model_folder)
        return files

    @contextmanager
    def _opencv_threads(self) -> Iterator[None]:
        """Hold OpenCV to this engine's number of threads; its own setting is one for the whole process."""
        opencv = require("cv2", "RapidOCR needs the package opencv-python-headless", "rapidocr")
        before = opencv.getNumThreads()
        opencv.setNumThreads(self.threads)
        try:
            yield
        finally:
            opencv.setNumThreads(before)


def _resize_error() -> type[Exception]:
    error: type[Exception] = require("rapidocr.utils.process_img", "RapidOCR", "rapidocr").ResizeImgError
    return error
