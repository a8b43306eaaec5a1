"""Labels in file names: ``abc123.png``, or ``abc123_17.png`` where a number tells equal labels apart."""

import re
from pathlib import Path

from toolkit._dataset.dataset import Dataset
from toolkit._dataset.folder import image_names
from toolkit._dataset.formats.base import FolderIntake, Format, Options
from toolkit.errors import DatasetError

DEFAULT_PATTERN = r"(?P<text>.+?)(?:_[0-9]+)?"
"""The rule: the name without its extension, less one underscore with a number at its end."""

_NUMBER_FIRST = re.compile(r"[0-9]+_.+")


def _load(path: Path, options: Options) -> Dataset:
    names = list(image_names(path))
    pattern = _compiled(options.name_pattern or DEFAULT_PATTERN)
    matches = {name: pattern.fullmatch(Path(name).stem) for name in names}
    if options.name_pattern is None:
        _doubt(path, [match for match in matches.values() if match])
    intake = FolderIntake(path, path, options, unit="file", numbers_from_text=True)
    for number, (name, match) in enumerate(matches.items(), start=1):
        if match is None:
            intake.refuse(number, f"the file name {name!r} does not fit {pattern.pattern!r}", "rename it")
        else:
            tags = match.groupdict()
            intake.accept(number, name, tags.pop("text"), tags)
    return intake.dataset()


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise DatasetError(f"name_pattern={pattern!r} is no regular expression ({error})") from error
    if "text" not in compiled.groupindex:
        raise DatasetError(f"name_pattern={pattern!r} has no group (?P<text>…) to say which part is the label")
    return compiled


def _doubt(path: Path, matches: list[re.Match[str]]) -> None:
    """Refuse to guess where the rule gives labels that can hardly be meant."""
    example = matches[0].string
    if len(matches) > 1 and all(_NUMBER_FIRST.fullmatch(match.string) for match in matches):
        raise DatasetError(
            f"{path}: every file name begins with a number, as {example!r} does, so what the label is stays open; "
            r"say name_pattern=r'[0-9]+_(?P<text>.+)' if it follows the number, "
            f"or name_pattern={DEFAULT_PATTERN!r} if it begins with it"
        )
    if len(matches) > 2 and len({match["text"] for match in matches}) == 1:
        raise DatasetError(
            f"{path}: every file name gives the label {matches[0]['text']!r}, so labels are hardly in the names; "
            "add a metadata.csv (file_name,text), or give name_pattern=… with a group (?P<text>…)"
        )


def _matches(path: Path) -> bool:
    return path.is_dir() and next(image_names(path), None) is not None


FILE_NAMES = Format("file-names", _matches, _load, frozenset({"name_pattern"}))
