"""Which model files RapidOCR reads with: shipped in its package, downloaded by it, or the user's own."""

from pathlib import Path

from toolkit._providers._model_files import sha256
from toolkit.errors import SettingError, require

MODELS = {
    "PP-OCRv6": ("tiny", "small", "medium"),
    "PP-OCRv5": ("mobile", "server"),
    "PP-OCRv4": ("mobile", "server"),
}
"""The sizes that each version of the recognition models comes in. The package ships the small ones of version 6."""

ORIENTATION = ("PP-OCRv4", "ch", "mobile")
"""The one classifier of upside-down lines that the package ships; it looks at shapes and knows no language."""


def library_model(task: str, version: str, lang: str, model: str, folder: str | None) -> Path:
    """A model of RapidOCR's own catalogue, with the content that the catalogue promises.

    `task` is ``det``, ``cls`` or ``rec``. What is neither in `folder` nor in the package is downloaded by the
    library, into `folder` where one is given. `SettingError` when the catalogue has no such model, or it
    cannot be had.
    """
    base = require("rapidocr.inference_engine.base", "RapidOCR", "rapidocr")
    typings = require("rapidocr.utils.typings", "RapidOCR", "rapidocr")
    wanted = base.FileInfo(
        typings.EngineType.ONNXRUNTIME,
        typings.OCRVersion(version),
        typings.TaskType(task),
        lang,
        typings.ModelType(model),
    )
    try:
        entry = base.InferSession.get_model_url(wanted)
    except ValueError as error:
        takes = ", ".join(languages(task, version, model))
        raise SettingError(f"RapidOCR: {version} {model} does not read lang={lang!r}; it takes {takes}") from error
    url, digest = entry["model_dir"], entry["SHA256"]
    shipped = Path(base.MODEL_URL_PATH).parent / "models"
    places = [shipped] if folder is None else [Path(folder), shipped]
    for place in places:
        if _whole(place / Path(url).name, digest):
            return place / Path(url).name
    path = places[0] / Path(url).name
    _download(url, path, digest)
    return path


def detection_language(version: str, lang: str, model: str) -> str:
    """The detector for a language: few versions have one of its own, as where text stands hardly depends on it."""
    known = languages("det", version, model)
    return next((name for name in (lang, "multi") if name in known), "ch")


def languages(task: str, version: str, model: str) -> list[str]:
    """The languages of the catalogue's models, by its own short names."""
    resolver = require("rapidocr.utils.model_resolver", "RapidOCR", "rapidocr")
    typings = require("rapidocr.utils.typings", "RapidOCR", "rapidocr")
    known: list[str] = resolver.list_supported_langs(
        typings.TaskType(task), typings.OCRVersion(version), typings.ModelType(model)
    )
    return known


def check_own_model(path: Path, parameter: str, *, characters: bool) -> None:
    """`SettingError` unless a user's file is an ONNX model, and knows its `characters` where it needs to.

    A recognition model without them would be given the library's Chinese list, and answer with other characters
    than it saw.
    """
    runtime = require("onnxruntime", "RapidOCR runs on onnxruntime", "rapidocr")
    if not path.is_file():
        raise SettingError(f"RapidOCR: {parameter}={str(path)!r} is no file")
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # what is wrong is said once, by the exception
    try:
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no base class but this one
        raise SettingError(
            f"RapidOCR: {parameter}={str(path)!r} is not a model that onnxruntime loads: {error}"
        ) from error
    if characters and "character" not in session.get_modelmeta().custom_metadata_map:
        raise SettingError(
            f"RapidOCR: {parameter}={str(path)!r} has no list of characters inside; "
            "give the one it was trained with, one character a line: keys_path=…"
        )


def _whole(path: Path, digest: str) -> bool:
    return path.is_file() and sha256(path) == digest


def _download(url: str, path: Path, digest: str) -> None:
    downloads = require("rapidocr.utils.download_file", "RapidOCR", "rapidocr")
    log = require("rapidocr.utils.log", "RapidOCR", "rapidocr")
    cure = f"fetch {url} by other means into {path.parent}, or give a model of your own: model_path=…"
    try:
        downloads.DownloadFile.run(downloads.DownloadFileInput(url, path, log.logger, digest))
    except (downloads.DownloadFileException, OSError) as error:
        reason = error.__cause__ or error
        raise SettingError(
            f"RapidOCR: the model {path.name} does not come with the package and cannot be downloaded "
            f"({type(reason).__name__}); {cure}"
        ) from error
    if not _whole(path, digest):  # the library does not look at what it was given
        raise SettingError(f"RapidOCR: what came as {path.name} is not that model (wrong SHA-256); {cure}")
