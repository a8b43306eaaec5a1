"""Labels in a text file beside each image: ``x.gt.txt``, ``x.txt`` or ``x.json`` for ``x.png``."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from typing import Any

from toolkit._dataset.columns_found import TEXT_COLUMNS, plain_name
from toolkit._dataset.delimited import decoded
from toolkit._dataset.options import Options, Reading, Row, Unused
from toolkit._dataset.places import Place
from toolkit.errors import DatasetError

SUFFIXES = (".gt.txt", ".txt", ".json", ".label", ".gt", ".lbl")
MAX_LABEL_BYTES = 1_000_000
_LESS = (".bin", ".nrm", ".dew")
"""What an image's stem may end in besides, as OCR trainers name binarised and straightened copies."""

_BOXES = re.compile(r"\s*(?:\d+(?:[ ,]+-?\d*\.?\d+){4,8}[^\n]*\s*)+")


def find_sidecars(place: Place, options: Options) -> tuple[list[Reading], set[str], list[Unused]]:
    """Readings for each kind of file that lies beside the images, all such files, and those that are no labels."""
    readings: list[Reading] = []
    taken: set[str] = set()
    unused: list[Unused] = []
    if not place.images:
        return readings, taken, unused
    by_suffix: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name in place.files:
        suffix = next((s for s in SUFFIXES if name.lower().endswith(s)), None)
        if suffix:
            folder, _, base = name.rpartition("/")
            by_suffix[suffix][base[: -len(suffix)]].append(folder)
    for suffix in SUFFIXES:
        stems = by_suffix.get(suffix)
        if not stems:
            continue
        pairs = {image: file for image in place.images if (file := _beside(image, suffix, stems)) is not None}
        used = set(pairs.values())
        if not pairs or (len(used) < len(pairs) and not _same_stem(pairs)):
            continue
        if 2 * len(pairs) < len(place.images) and len(pairs) < 0.5 * sum(map(len, stems.values())):
            continue
        if len(pairs) < 2 and len(place.images) > 1:
            continue
        taken |= used
        example = next(iter(pairs.values()))
        try:
            if _boxes(place, list(pairs.values())[:5]):
                unused.append(Unused(example, "it holds places in an image, not its text", plausible=False))
                continue
            _text(place, example, options)
        except DatasetError as error:
            unused.append(Unused(example, str(error), plausible=False))
            continue
        readings.append(
            Reading(
                "sidecars",
                f"{suffix} files beside the images",
                'format="sidecars"',
                str(place.root),
                partial(_rows, place, suffix, pairs, options),
                "image",
            )
        )
    return readings, taken, unused


def _stems(image: str) -> Iterator[str]:
    base = image.rpartition("/")[2]
    stem = base.rpartition(".")[0]
    yield stem
    yield base
    for less in _LESS:
        if stem.endswith(less):
            yield stem.removesuffix(less)


def _beside(image: str, suffix: str, stems: dict[str, list[str]]) -> str | None:
    """The file beside an image, or in the folder parallel to the image's."""
    folder = image.rpartition("/")[0]
    for stem in _stems(image):
        folders = stems.get(stem)
        if not folders:
            continue
        if folder in folders:
            return _joined(folder, stem + suffix)
        parallel = [f for f in folders if _parallel(f, folder)]
        if len(parallel) == 1:
            return _joined(parallel[0], stem + suffix)
    return None


def _parallel(a: str, b: str) -> bool:
    """Whether two folders differ in exactly one step, as ``gt/train`` and ``images/train`` do, or one lies in the other."""
    first, second = a.split("/") if a else [], b.split("/") if b else []
    if len(first) == len(second):
        return sum(x != y for x, y in zip(first, second, strict=True)) == 1
    longer, shorter = (first, second) if len(first) > len(second) else (second, first)
    return len(longer) == len(shorter) + 1 and longer[: len(shorter)] == shorter


def _joined(folder: str, base: str) -> str:
    return f"{folder}/{base}" if folder else base


def _same_stem(pairs: dict[str, str]) -> bool:
    """Whether images that share a file are one image in several treatments (x.png and x.bin.png)."""
    return all(any(file.rpartition("/")[2].startswith(s) for s in _stems(image)) for image, file in pairs.items())


def _boxes(place: Place, files: list[str]) -> bool:
    contents = [place.read(file)[:2000].decode("utf-8", "replace") for file in files]
    return all(_BOXES.fullmatch(content) for content in contents)


def _is_list(text: str) -> bool:
    if not text.startswith(("[", "{")):
        return False
    try:
        return isinstance(json.loads(text), (list, dict))
    except (ValueError, RecursionError):
        return False


def _rows(place: Place, suffix: str, pairs: dict[str, str], options: Options) -> Iterator[Row]:
    for number, image in enumerate(place.images, start=1):
        file = pairs.get(image)
        if file is None:
            problem = f"{image!r} has no {suffix} file beside it"
            yield Row(number, image, problem=(problem, "add one, or move the image away"))
            continue
        try:
            text, tags = _text(place, file, options)
        except DatasetError as error:
            yield Row(number, image, problem=(str(error), "write it anew"))
            continue
        yield Row(number, image, text or None, tags)


def _text(place: Place, file: str, options: Options) -> tuple[str | None, dict[str, Any]]:
    """The label in one file; `DatasetError` when it holds none."""
    where = str(place.root / file)
    data = place.read(file)
    if len(data) > MAX_LABEL_BYTES:
        raise DatasetError(f"{where}: has {len(data):,} bytes, which is no label")
    text = decoded(data, where, options.encoding).text
    if not file.lower().endswith(".json"):
        if _is_list(text):
            raise DatasetError(f"{where}: holds a list of texts, not one label; write the label as it is to be read")
        return text.removesuffix("\n").removesuffix("\r"), {}
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{where}: not JSON ({error})") from error
    if isinstance(fields, str):
        return fields, {}
    if not isinstance(fields, dict):
        raise DatasetError(f"{where}: holds no JSON object")
    by_name = {plain_name(key): key for key in reversed(fields)}
    key = options.text or next((by_name[name] for name in TEXT_COLUMNS if name in by_name), None)
    if key is None or key not in fields:
        raise DatasetError(f"{where}: no label among {', '.join(fields)}; name one with text=…")
    tags = {k: v for k, v in fields.items() if k != key and not isinstance(v, (list, dict))}
    return fields[key], tags
