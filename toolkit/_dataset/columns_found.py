"""Which columns of a table hold the images and the labels: by what they hold, then by what they are called."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from toolkit._dataset.image_names import EXACT, STEM, ImageNames
from toolkit._dataset.places import is_image
from toolkit.errors import DatasetError

IMAGE_COLUMNS = (
    *("file_name", "filename", "file", "image", "path", "image_path", "img_path", "img", "image_name", "img_name"),
    *("imagename", "image_file", "image_filename", "filepath", "file_path", "name", "image_id", "id", "picture"),
)
TEXT_COLUMNS = (
    *("text", "label", "labels", "words", "word", "target", "transcription", "transcript", "ground_truth"),
    *("groundtruth", "gt", "gt_text", "captcha", "captcha_text", "identity", "solution", "answer", "string"),
    *("plate", "plate_number", "license_plate", "lp", "value", "content", "sentence", "caption", "text_label", "code"),
)
_NOT_LABELS = frozenset(
    [
        "id",
        "index",
        "unnamed:_0",
        "width",
        "height",
        "w",
        "h",
        "x",
        "y",
        "x1",
        "y1",
        "x2",
        "y2",
        "xmin",
        "ymin",
        "xmax",
        "ymax",
        "left",
        "top",
        "right",
        "bottom",
        "score",
        "confidence",
        "conf",
        "prob",
        "probability",
        "font",
        "font_size",
        "size",
        "fontsize",
        "split",
        "set",
        "fold",
        "lang",
        "language",
        "source",
        "url",
        "link",
        "md5",
        "sha1",
        "sha256",
        "hash",
        "date",
        "time",
        "timestamp",
        "user",
        "writer",
        "author",
        "level",
        "difficulty",
        "length",
        "len",
        "noise",
        "rotation",
        "angle",
        "background",
    ]
)
_PREDICTED = re.compile(r"(^|_)(pred(icted|iction|ictions|s)?|ocr|recogni[sz]ed|hyp(othesis)?|output|result)(_|$)")
_PREDICTED_FILE = re.compile(
    r"(^|[^a-z])(pred(ictions?|s)?|results?|outputs?|submission|ocr|hypothes[ie]s)([^a-z]|$)", re.IGNORECASE
)


@dataclass(frozen=True)
class Columns:
    """The columns of a table, by their places."""

    image: int
    text: int
    names: tuple[str, ...]
    sure: float
    """Share of the rows looked at whose image is there."""
    doubt: str | None = None
    known: bool = False
    """Whether the column of labels is called as one."""


class NoLabels(Exception):
    """A table without a column of images, or one of labels; `plausible` where it may well be the label file."""

    def __init__(self, why: str, *, plausible: bool, columns: Sequence[str] = ()) -> None:
        super().__init__(why)
        self.plausible = plausible
        self.columns = columns


def plain_name(column: str) -> str:
    """A column's name as it is compared: ``Image Name`` is ``image_name``."""
    return re.sub(r"[\s\-]+", "_", column.strip().casefold())


def pick_column(columns: Sequence[str], given: str | None, usual: Sequence[str], what: str, where: str) -> str:
    """The column to use: the one given, else the first usual one that is there; `DatasetError` when there is none.

    `what` is the argument's name, "image" or "text".
    """
    if given is not None and given not in columns:
        raise DatasetError(f"{where}: no column is called {given!r}; there are {', '.join(columns)}")
    plain = {plain_name(column): column for column in reversed(columns)}
    found = given or next((plain[name] for name in usual if name in plain), None)
    if found is None:
        listed = ", ".join(columns) or "none"
        raise DatasetError(f"{where}: no {what} column among {listed}; call it {usual[0]!r} or name it with {what}=…")
    return found


def image_score(values: Sequence[str], names: ImageNames, *, exact: bool = False) -> float:
    """How far the values are images: 3 for each that is there, 2 for one elsewhere, 1 for one by its stem or suffix.

    With `exact` only the first count, for which no index of all images is needed.
    """
    if not values:
        return 0.0
    if exact:
        return EXACT * sum(map(names.exact, values)) / len(values)
    total = 0.0
    for value in values:
        found = names.find(value)
        total += found[1] if found else 0.9 if is_image(value) and not value.startswith("http") else 0
    return total / len(values)


def find_columns(
    header: Sequence[str],
    rows: Sequence[Sequence[Any]],
    names: ImageNames,
    *,
    image: str | None,
    text: str | None,
    file: str,
) -> Columns:
    """The columns of images and labels; `NoLabels` where there are none, `DatasetError` where a name is not there."""
    columns = [str(column) for column in header]
    values = [[_cell(row, place) for row in rows] for place in range(len(columns))]
    image_at = _given(columns, image, file)
    if image_at is None:
        image_at = _image_column(columns, values, names, file)
    if image_at is None:
        known = any(plain_name(c) in TEXT_COLUMNS for c in columns)
        raise NoLabels(f"none of its columns ({', '.join(columns)}) names images of this folder", plausible=known)
    text_at = _given(columns, text, file)
    doubt = None
    if text_at is None:
        text_at = _text_column(columns, values, image_at, names)
    elif text_at == image_at:
        raise DatasetError(f"{file}: image and text are both the column {text!r}; name two")
    if text is None and _PREDICTED.search(plain_name(columns[text_at])):
        doubt = f"the column {columns[text_at]!r} may be what an engine read"
    elif text is None and image is None and _PREDICTED_FILE.search(file.rpartition("/")[2].rpartition(".")[0]):
        doubt = "by its name it may be what an engine read"
    elif text is None and _lexicon(values[image_at], values[text_at]):
        doubt = "its numbers repeat the last part of the file names, as places in a lexicon do"
    found = [names.find(v) for v in values[image_at]]
    sure = sum(f is not None for f in found) / max(1, len(found))
    known = text is not None or plain_name(columns[text_at]) in TEXT_COLUMNS
    return Columns(image_at, text_at, tuple(columns), sure, doubt, known)


def _cell(row: Sequence[Any], place: int) -> Any:
    return row[place] if place < len(row) else None


def _given(columns: Sequence[str], name: str | None, file: str) -> int | None:
    if name is None:
        return None
    if name in columns:
        return columns.index(name)
    if name.isdecimal() and columns[0].startswith("column ") and 1 <= int(name) <= len(columns):
        return int(name) - 1
    raise DatasetError(f"{file} line 1: no column is called {name!r}; there are {', '.join(columns)}")


def _image_column(columns: Sequence[str], values: Sequence[Sequence[Any]], names: ImageNames, file: str) -> int | None:
    texts = [[str(v) for v in column if v is not None] for column in values]
    scores = [image_score(column, names, exact=True) for column in texts]
    if max(scores, default=0) < 0.6 * EXACT:
        scores = [image_score(column, names) for column in texts]
    best = max(scores, default=0)
    usual = [i for i, column in enumerate(columns) if plain_name(column) in IMAGE_COLUMNS]
    if best < 0.45:
        # nothing is there: a column that is called so, and whose rows will be told one by one
        named = [i for i in usual if plain_name(columns[i]) not in ("id", "name")]
        return named[0] if named and any(plain_name(c) in TEXT_COLUMNS for c in columns) else None
    if best <= STEM and plain_name(columns[scores.index(best)]) in TEXT_COLUMNS and len(usual) == 1:
        return usual[0]  # labels that happen to be what the images are called
    tied = [i for i, score in enumerate(scores) if score > best - 0.05]
    if len(tied) > 1:
        first = [[names.find(v) for v in texts[i]] for i in tied]
        if any(other != first[0] for other in first):
            preferred = [i for i in tied if i in usual]
            if len(preferred) != 1:
                listed = " and ".join(repr(columns[i]) for i in tied)
                raise DatasetError(f"{file}: the columns {listed} name different images; say which with image=…")
            return preferred[0]
    return tied[0]


def _text_column(columns: Sequence[str], values: Sequence[Sequence[Any]], image: int, names: ImageNames) -> int:
    others = [i for i in range(len(columns)) if i != image]
    known = sorted(
        (i for i in others if plain_name(columns[i]) in TEXT_COLUMNS),
        key=lambda i: TEXT_COLUMNS.index(plain_name(columns[i])),
    )
    if known:
        differing = [i for i in known[1:] if list(values[i]) != list(values[known[0]])]
        rivals = [
            i for i in differing if _is_text(values[i]) and plain_name(columns[i]) not in ("code", "value", "content")
        ]
        if rivals and _is_text(values[known[0]]):
            raise _ambiguous(columns, values, image, [known[0], *rivals])
        if rivals:
            if len(rivals) == 1:
                return rivals[0]
            raise _ambiguous(columns, values, image, rivals)
        return known[0]
    open_ones = [
        i
        for i in others
        if plain_name(columns[i]) not in _NOT_LABELS
        and plain_name(columns[i]) not in IMAGE_COLUMNS
        and not _counts(values[i])
        and not _fractions(values[i])
        and not _images(values[i], names)
    ]
    if len(open_ones) == 1 and any(v not in (None, "") for v in values[open_ones[0]]):
        return open_ones[0]
    if len(open_ones) > 1:
        raise _ambiguous(columns, values, image, open_ones)
    raise NoLabels(f"no text column among {', '.join(columns)}", plausible=False, columns=columns)


def _lexicon(images: Sequence[Any], labels: Sequence[Any]) -> bool:
    """Whether the labels are the numbers at the end of names like 1_word_55044, which MJSynth's annotations hold."""
    pairs = [(str(i), str(v)) for i, v in zip(images, labels, strict=True) if v]
    repeated = sum(
        bool(v.isdecimal() and re.search(rf"(^|/)[0-9]+_[^_/]*[^\W\d_][^_/]*_{v}\.\w+$", i)) for i, v in pairs
    )
    return bool(pairs) and repeated > 0.5 * len(pairs)


def _images(column: Sequence[Any], names: ImageNames) -> bool:
    """Whether a column names images as well, by paths or whole names."""
    texts = [str(v) for v in column if v is not None]
    return sum(names.exact(t) or is_image(t) for t in texts) > 0.5 * len(texts)


def _ambiguous(columns: Sequence[str], values: Sequence[Sequence[Any]], image: int, choices: Sequence[int]) -> NoLabels:
    def example(i: int) -> str:
        pairs = [f"{values[image][k]} → {values[i][k]!r:.40}" for k in range(min(2, len(values[i])))]
        named = columns[i].removeprefix("column ") if columns[i].startswith("column ") else columns[i]
        return f"text={named!r}: {', '.join(pairs)}"

    shown = "; ".join(example(i) for i in choices[:4])
    return NoLabels(f"which column holds the labels is open; say {shown}", plausible=True)


def _is_text(column: Sequence[Any]) -> bool:
    """Whether a column may be labels rather than numbers of classes."""
    return any(isinstance(v, str) and v and not v.isdecimal() for v in column)


def _counts(column: Sequence[Any]) -> bool:
    """Whether the values count up or down by one, as an index does."""
    try:
        numbers = [int(str(v)) for v in column if v is not None]
    except ValueError:
        return False
    return len(numbers) > 1 and all(b - a == 1 for a, b in pairwise(numbers))


def _fractions(column: Sequence[Any]) -> bool:
    """Whether the values are all numbers with a decimal point, most likely measured."""
    return bool(column) and all(re.fullmatch(r"-?\d+\.\d+(e-?\d+)?", str(v)) for v in column if v is not None)
