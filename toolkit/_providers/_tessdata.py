"""Where Tesseract's language data lies, which each platform decides for itself."""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from toolkit.errors import SettingError

_SUFFIX = ".traineddata"

_USUAL = (
    "/usr/share/tesseract-ocr/*/tessdata",  # Debian, Ubuntu
    "/usr/share/tessdata",  # Arch, Alpine
    "/usr/share/tesseract/tessdata",  # Fedora
    "/usr/local/share/tessdata",  # from source, Homebrew on Intel
    "/opt/homebrew/share/tessdata",
    "/opt/local/share/tessdata",  # MacPorts
    "C:/Program Files/Tesseract-OCR/tessdata",
)


def find_tessdata(languages: Iterable[str], given: str | None, built_in: Callable[[], str]) -> Path:
    """The first folder that holds all of `languages`.

    `given` is the only place when there is one. Else they are looked for in TESSDATA_PREFIX, in this Python's
    environment, where platforms put them and last in the place that the library was built with, which it is
    slow to tell. `SettingError` with what was found where, and the cure.
    """
    languages = list(languages)
    found: dict[Path, set[str]] = {}
    for folder in _places(given, built_in):
        found[folder] = _held(folder)
        if found[folder].issuperset(languages):
            return folder
    raise SettingError(_missing(languages, found, given))


def data_file(folder: Path, language: str) -> Path:
    """The file of one language, such as ``eng`` or ``script/Latin``."""
    return folder / f"{language}{_SUFFIX}"


def _places(given: str | None, built_in: Callable[[], str]) -> Iterator[Path]:
    if given is not None:
        yield Path(given)
        return
    prefix = os.environ.get("TESSDATA_PREFIX")
    if prefix:
        yield Path(prefix)
        yield Path(prefix, "tessdata")  # what the variable meant up to version 3
    yield Path(sys.prefix, "share", "tessdata")  # conda
    for pattern in _USUAL:
        anchor = Path(Path(pattern).anchor)
        if anchor.is_absolute():  # a drive letter is none elsewhere
            # Debian's folder is named for the version; the newest is the one that libraries are built against.
            yield from sorted(anchor.glob(str(Path(pattern).relative_to(anchor))), key=_version, reverse=True)
    compiled = Path(built_in())
    if compiled.is_absolute():  # a library built without one says "./", which is wherever one happens to be
        yield compiled


def _version(folder: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(folder))]


def _held(folder: Path) -> set[str]:
    files = [*folder.glob(f"*{_SUFFIX}"), *folder.glob(f"script/*{_SUFFIX}")]
    return {path.relative_to(folder).as_posix().removesuffix(_SUFFIX) for path in files}


def _missing(languages: list[str], found: dict[Path, set[str]], given: str | None) -> str:
    seen = "; ".join(f"{folder} has {', '.join(sorted(held))}" for folder, held in found.items() if held)
    anywhere = set[str]().union(*found.values())
    # Languages that lie in different folders are all "there", and still cannot be loaded together.
    lacking = [language for language in languages if language not in anywhere] or languages
    packages = " ".join(f"tesseract-ocr-{language.lower().replace('_', '-').replace('/', '-')}" for language in lacking)
    place = given if given is not None else "any usual place"
    return (
        f"Tesseract: no language data for {', '.join(map(repr, lacking))} in {place} "
        f"({seen or 'no language data found at all'}); "
        f"apt-get install {packages}, or name the folder that holds it: tessdata=…"
    )
