"""Labels in file names: which part of a name is the label, where the names allow one reading only."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from toolkit._dataset.options import Reading, Row
from toolkit._dataset.places import Place
from toolkit.errors import DatasetError

_MOST = 0.8
"""Share of the names that have to share a form."""
_SOME = 0.3
"""Share of the names from which on an underscore is more than part of a label here and there."""

_UUID = r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}"
_COPY = re.compile(r"(?P<head>.+?) ?\((?P<number>[0-9]+)\)")
_NUMBERED = re.compile(r"(?P<head>.+)(?P<mark>[-._])(?P<number>[0-9]{1,4})")
_WORD_NUMBER = re.compile(r"[A-Za-z]{2,}[-_]?[0-9]+")
_CAMERA = re.compile(
    r"(img|dsc|dscn|dscf|pxl|mvimg|vid|screenshot|scan|photo|image|picture|pict|gopr|snap|capture|whatsapp image|frame|page)"
    r"[-_ ]*[\d(][-_ \d:.()]*(at [\d.]+ ?)?([-_a-z]{0,8}\d*)*",
    re.IGNORECASE,
)


class NoReading(Exception):
    """File names that are no labels, or allow several readings; the text says why, with examples."""


@dataclass(frozen=True)
class NameRule:
    """Which part of a name is the label."""

    words: str
    labels: tuple[str, ...]


# ── a template or a regular expression, as the caller gives it ───────────────────────────────────────────────


def template(names: str) -> re.Pattern[str]:
    r"""The pattern for a template such as ``{_}_{text}_{_}``, or for a regular expression with ``(?P<text>…)``.

    ``{text}`` takes as much as it can, ``{_}`` and every other field none of the characters beside it.
    """
    if "(?P<text>" in names:
        try:
            return re.compile(names)
        except re.error as error:
            raise DatasetError(f"names={names!r} is not a regular expression ({error})") from error
    parts = re.split(r"\{(\w+)\}", names)
    fields = parts[1::2]
    if "text" not in fields:
        raise DatasetError(
            f"names={names!r} does not say which part is the label; write a template such as '{{text}}_{{_}}', "
            "or a regular expression with a group (?P<text>…)"
        )
    named = [field for field in fields if field != "_"]
    if repeated := {field for field in named if named.count(field) > 1}:
        raise DatasetError(f"names={names!r} has the field {min(repeated)!r} twice; call one {{_}}")
    pattern = re.escape(parts[0])
    for place, (field, after) in enumerate(zip(fields, parts[2::2], strict=True)):
        beside = {c for c in (parts[2 * place][-1:], after[:1], "/") if c}
        if field == "text":
            pattern += "(?P<text>[^/]+)"
        else:
            inside = "[^" + "".join(map(re.escape, sorted(beside))) + "]+"
            pattern += f"(?P<{field}>{inside})" if field != "_" else inside
        pattern += re.escape(after)
    return re.compile(pattern)


def by_template(place: Place, names: str) -> Reading:
    """Labels from names by the caller's template; names that do not fit are bad rows."""
    pattern = template(names)
    whole = "/" in names

    def rows() -> Iterator[Row]:
        for number, image in enumerate(place.images, start=1):
            match = pattern.fullmatch(_stem(image, whole=whole))
            if match is None:
                problem = f"the file name {image!r} does not fit names={names!r}"
                yield Row(number, image, problem=(problem, "rename it, or correct the template"))
            else:
                tags = match.groupdict()
                yield Row(number, image, tags.pop("text"), tags)

    return Reading(
        "file-names", f"file names: {names}", f"names={names!r}", str(place.root), rows, "file", numbers_from_text=True
    )


def _stem(image: str, *, whole: bool = False) -> str:
    path = image if whole else image.rpartition("/")[2]
    return path.rpartition(".")[0]


# ── found out ────────────────────────────────────────────────────────────────────────────────────────────────


def by_names(place: Place) -> Reading:
    """Labels from names where they allow one reading; `NoReading` otherwise."""
    stems = [_stem(image) for image in place.images]
    rule = find_rule(stems)
    folders: dict[str, list[str]] = {}
    for image, stem in zip(place.images, stems, strict=True):
        folders.setdefault(image.rpartition("/")[0], []).append(stem)
    for inside in folders.values() if len(folders) > 1 else ():
        if len(inside) > 1:  # what counts within each folder is no label either
            _refuse_no_labels(inside)
    return Reading(
        "file-names",
        f"file names: {rule.words}" + (" (in several folders)" if len(folders) > 1 else ""),
        "names='{text}'" if rule.words == "the whole name" else 'format="file-names"',
        str(place.root),
        partial(_ruled_rows, place, rule.labels),
        "file",
        numbers_from_text=True,
    )


def _ruled_rows(place: Place, labels: Sequence[str]) -> Iterator[Row]:
    for number, (image, label) in enumerate(zip(place.images, labels, strict=True), start=1):
        yield Row(number, image, label)


def find_rule(stems: Sequence[str]) -> NameRule:
    """The label of each name, where there is one way of reading them; `NoReading` says why there is none."""
    if not stems:
        raise NoReading("there are no images")
    _refuse_no_labels(stems)
    heads, said = _without_ids(stems)
    heads, copies = _without_copies(heads)
    said += copies
    found = _one_field(heads, said)
    if found is None:
        found = _whole(heads, said)
    _check_labels(found.labels, stems)
    return found


def _share(found: int, of: int) -> float:
    return found / max(1, of)


def _refuse_no_labels(stems: Sequence[str]) -> None:
    """Names that are hashes, count, or come from a camera are no labels."""
    n = len(stems)
    example = f"'{stems[0]}'"
    if _share(sum(bool(re.fullmatch(_UUID, s)) for s in stems), n) >= 0.5:
        raise NoReading(f"the names are uuids, as {example} is, not labels")
    if _share(sum(is_hash(s) for s in stems), n) >= 0.5 or (n > 2 and _random_ids(stems)):
        raise NoReading(f"the names are hashes, as {example} is, not labels")
    if _share(sum(bool(_CAMERA.fullmatch(s)) for s in stems), n) >= 0.5:
        raise NoReading(f"the names are those of a camera or a scanner, as {example} is, not labels")
    if all(s.isdecimal() for s in stems) and (why := _no_digit_labels(stems)):
        raise NoReading(f"the names are numbers, as {example} is, {why}")
    if n > 3 and _share(_numbered_words(stems), n) >= 0.5:
        raise NoReading(f"many names are words that are numbered, as {example} is; the numbers may count the images")
    prefix = _common_prefix(stems)
    if n > 1 and prefix and all(s[len(prefix) :].isdecimal() for s in stems):
        raise NoReading(f"the names are {prefix!r} with a number, as {example} is; the number may count the images")


def _numbered_words(stems: Sequence[str]) -> int:
    """How many names are a word that occurs with several small numbers: Cage1, Cage2, scan_3, scan_4."""
    groups: dict[str, set[int]] = {}
    for stem in stems:
        if match := re.fullmatch(r"([A-Za-z]{2,}[A-Za-z _-]*)([0-9]{1,3})", stem):
            groups.setdefault(match[1], set()).add(int(match[2]))
    return sum(len(numbers) for numbers in groups.values() if len(numbers) > 1)


def is_hash(text: str) -> bool:
    """Whether a text is a hash in hexadecimal: at least eight digits of which some are letters."""
    return (
        bool(re.fullmatch(r"[0-9a-f]{8,}|[0-9A-F]{8,}", text))
        and not text.isdecimal()
        and (len(text) >= 16 or sum(c.isdecimal() for c in text) >= 2)
    )


def _random_ids(stems: Sequence[str]) -> bool:
    """Whether the names are all as long as each other, long, and of mixed letters and digits."""
    lengths = {len(s) for s in stems}
    if len(lengths) != 1 or min(lengths) < 14:
        return False
    return (
        all(re.fullmatch(r"[A-Za-z0-9_-]+", s) for s in stems)
        and _share(sum(any(c.isdecimal() for c in s) and any(c.isalpha() for c in s) for s in stems), len(stems))
        >= _MOST
        and not any("_" in s for s in stems)
    )


def _no_digit_labels(texts: Sequence[str]) -> str | None:
    """Why numbers are more likely to count or to name the images than to be what they show; None where not."""
    n = len(texts)
    if n < 2:
        return None
    numbers = {int(t) for t in texts}
    lengths = {len(t) for t in texts}
    if len(numbers) == n and max(numbers) - min(numbers) < 2 * n + 1 and (n > 2 or max(numbers) - min(numbers) == 1):
        return "and count the images"
    if n > 3 and len(numbers) == n and _share(sum(t.startswith("0") for t in texts), n) > 0.6 and len(lengths) == 1:
        return "padded with zeros, and may count the images"
    if len(lengths) > 1 and len(numbers) == n and not any(t.startswith("0") for t in texts):
        return "of different lengths, and may count the images"
    if n > 7 and len(numbers) == n and len({t[0] for t in texts}) == 1:
        return "which all begin alike, and may count the images"
    if min(lengths) >= 9 and len(numbers) == n:
        return "as long as a time or an id"
    return None


def _common_prefix(stems: Sequence[str]) -> str:
    first, last = min(stems), max(stems)
    n = 0
    while n < min(len(first), len(last)) and first[n] == last[n]:
        n += 1
    return first[:n].rstrip("0123456789")


# ── what is appended to tell equal labels apart ──────────────────────────────────────────────────────────────

_IDS = (
    ("a uuid", re.compile(rf"(?P<head>.+)[-_.](?P<id>{_UUID})")),
    ("a style", re.compile(r"(?P<head>.+)__(?P<id>[A-Za-z]\w*)")),
    ("a hash", re.compile(r"(?P<head>.+)[-_.](?P<id>[0-9a-f]{6,}|[0-9A-F]{6,})")),
    ("a time", re.compile(r"(?P<head>.+)[-_.](?P<id>[0-9]{9,19}(?:\.[0-9]+)?)")),
    (
        "a date and time",
        re.compile(
            r"(?P<head>.+?)[-_.](?P<id>(?:19|20)[0-9]{2}[-_]?[01][0-9][-_]?[0-3][0-9][-_T][0-9]{2}[-_]?[0-9]{2}(?:[-_]?[0-9]{2,6})?)"
        ),
    ),
)
_IDS_FIRST = (
    ("a uuid", re.compile(rf"(?P<id>{_UUID})[-_.](?P<head>.+)")),
    ("a hash", re.compile(r"(?P<id>[0-9a-f]{8,}|[0-9A-F]{8,})[-_.](?P<head>.+)")),
    ("a time", re.compile(r"(?P<id>[0-9]{9,19})[-_.](?P<head>.+)")),
)


def _without_ids(stems: Sequence[str]) -> tuple[list[str], list[str]]:
    """The names less a uuid, hash or time that most of them have at the end, or at the beginning."""
    said: list[str] = []
    heads = list(stems)
    for patterns, what in ((_IDS, "before"), (_IDS_FIRST, "after")):
        for kind, pattern in patterns:
            matches = [pattern.fullmatch(head) for head in heads]
            found = [m for m in matches if m]
            if _share(len(found), len(heads)) < _MOST or not found:
                continue
            if kind == "a hash" and not _hashes([m["id"] for m in found]):
                continue
            if kind == "a style" and not all(_WORD_NUMBER.search(m["id"]) for m in found):
                continue
            if len(found) < len(heads) and any(
                re.search(r"[-_]", h) for h, m in zip(heads, matches, strict=True) if not m
            ):
                continue
            heads = [m["head"] if m else h for h, m in zip(heads, matches, strict=True)]
            said.append(f"text {what} {kind}")
    return heads, said


def _hashes(ids: Sequence[str]) -> bool:
    """Whether texts are hashes: one length, and letters as well as digits in what they hold together."""
    long = min(map(len, ids)) >= 6 and len({len(i) for i in ids}) == 1
    mixed = _share(sum(not i.isdecimal() and not i.isalpha() for i in ids), len(ids))
    return long and mixed >= (0.6 if len(ids) > 2 else 1.0)


def _without_copies(heads: Sequence[str]) -> tuple[list[str], list[str]]:
    """The names less the numbers that tell equal labels apart: ``0412``, ``0412.1``; ``abc (1)``."""
    copies = [_COPY.fullmatch(h) for h in heads]
    if any(copies):
        bases = {h for h, c in zip(heads, copies, strict=True) if not c}
        if all(c["head"] in bases or int(c["number"]) < 10 for c in copies if c):
            heads = [c["head"].rstrip() if c else h for h, c in zip(heads, copies, strict=True)]
            return list(heads), ["text before a number in brackets"]
    said = []
    for mark in "_-.":
        numbered = [m if (m := _NUMBERED.fullmatch(h)) and m["mark"] == mark else None for h in heads]
        groups: dict[str, list[int]] = {}
        for m in numbered:
            if m:
                groups.setdefault(m["head"], []).append(int(m["number"]))
        if not groups or (len(groups) == 1 and len(heads) > 2 and len(groups) == len(set(heads))):
            continue
        plain = {h for h, m in zip(heads, numbered, strict=True) if not m}
        tails = [m["number"] for m in numbered if m]
        counted = len(tails) == len(heads) > 2 and _no_digit_labels(tails) == "and count the images"
        if counted or _counts_copies(groups, plain, len(heads), mark):
            heads = [m["head"] if m else h for h, m in zip(heads, numbered, strict=True)]
            said.append(f"text before `{mark}` and the number of a copy")
    return list(heads), said


def _counts_copies(groups: dict[str, list[int]], plain: set[str], n: int, mark: str) -> bool:
    """Whether numbers count equal labels: each group is 0 … k or 1 … k (from 1 or 2 on beside a plain name)."""
    for head, numbers in groups.items():
        if len(set(numbers)) < len(numbers):
            return False
        if mark == "_" and head in plain:
            continue
        allowed = (1, 2, 0) if head in plain else (0, 1)
        if min(numbers) not in allowed or max(numbers) > min(numbers) + 2 * len(numbers):
            return False
    total = sum(map(len, groups.values()))
    if any(head in plain for head in groups):
        return all(head in plain for head in groups) or total >= _MOST * n
    # numbers on every name: what is left are the labels, unless it is one word that is numbered
    return total == n and (len(groups) > 1 or n == 1)


# ── fields ───────────────────────────────────────────────────────────────────────────────────────────────────


def _one_field(heads: Sequence[str], said: list[str]) -> NameRule | None:
    """The one field of names of one form that can be a label; None where names have no such form."""
    for mark in "_-.":
        split = [h.split(mark) for h in heads]
        sizes = Counter(map(len, split))
        size, frequent = sizes.most_common(1)[0]
        if size == 1 or frequent < _MOST * len(heads):
            enough = {"_": _SOME, "-": _MOST, ".": _MOST}[mark]
            numbers = mark == "." and all(re.fullmatch(r"[0-9]+(\.[0-9]+)?", h) for h in heads)
            if not numbers and _share(sum(len(s) > 1 for s in split), len(heads)) >= enough and len(heads) > 2:
                raise NoReading(_several(heads, "their parts differ in number", mark))
            continue
        if frequent < len(heads):
            raise NoReading(_several(heads, "not all of them have the same parts", mark))
        columns = list(zip(*split, strict=True))
        kinds = [_kind(column) for column in columns]
        texts = [i for i, kind in enumerate(kinds) if kind in ("text", "digits")]
        found = _label_field(columns, kinds, texts, mark)
        if found is None:
            continue
        where = _field_words(found, size, mark)
        return NameRule("; ".join([*said, where]), tuple(columns[found]))
    return None


def _label_field(columns: Sequence[Sequence[str]], kinds: Sequence[str], texts: Sequence[int], mark: str) -> int | None:
    """The place of the label; None where the marks belong to the labels; `NoReading` where it is open."""
    n = len(columns[0])
    heads = [mark.join(parts) for parts in zip(*columns, strict=True)]
    if not texts:
        raise NoReading(f"the names hold nothing but {_listed(kinds)}, as {heads[0]!r} does, so no label")
    if n == 1:
        if mark == "_" and len(columns) > 1:
            raise NoReading(_several(heads, "one name alone cannot tell", mark))
        return None
    letters = [i for i in texts if kinds[i] == "text"]
    if len(texts) == 1:
        return texts[0]
    if mark != "_" and all(kind in ("text", "digits") for kind in kinds):
        if (
            not letters
            and mark == "."
            and len(columns) == 2
            and not any(len(h) > 1 and h[0] == "0" and h[1] != "." for h in heads)
        ):
            return None  # decimal fractions
        if len(letters) == len(columns) and mark == "-":
            raise NoReading(_several(heads, "the dash may belong to the label", mark))
        raise NoReading(_several(heads, "several parts may be the label", mark))
    if len(letters) == 1 and len(columns) == 3 and letters == [1] and mark == "_":
        return 1  # number_label_number, as MJSynth has it
    raise NoReading(_several(heads, "several parts may be the label", mark))


def _kind(column: Sequence[str]) -> str:
    """What a field holds: the same in all names, a counter, times, hashes, words with a number, digits, or text."""
    n = len(column)
    distinct = set(column)
    if any(not c for c in column):
        return "text"
    if n > 1 and len(distinct) == 1:
        return "a word that all share"
    if all(c.isdecimal() and c.isascii() for c in column):
        if n > 1 and _no_digit_labels(column) in (
            "and count the images",
            "padded with zeros, and may count the images",
        ):
            return "a counter"
        if all(re.fullmatch(r"(19|20)\d\d[01]\d[0-3]\d", c) for c in column):
            return "a date"
        if min(map(len, column)) >= 9:
            return "a time"
        return "digits"
    if all(re.fullmatch(_UUID, c) for c in column):
        return "a uuid"
    if n > 1 and all(is_hash(c) or c.isdecimal() for c in column) and len({len(c) for c in column}) == 1:
        return "a hash"
    prefix = _common_prefix(list(column)) if n > 1 else ""
    if n > 1 and len(prefix) > 1 and all(c[len(prefix) :].isdecimal() for c in column):
        return "a word with a number"
    return "text"


def _listed(kinds: Sequence[str]) -> str:
    unique = list(dict.fromkeys(kinds))
    return unique[0] if len(unique) == 1 else f"{', '.join(unique[:-1])} and {unique[-1]}"


def _field_words(place: int, size: int, mark: str) -> str:
    if place == 0:
        return f"text before the {'' if size == 2 else 'first '}`{mark}`"
    if place == size - 1:
        return f"text after the last `{mark}`"
    return f"part {place + 1} of {size} between `{mark}`"


def _several(heads: Sequence[str], why: str, mark: str) -> str:
    """Two or three readings of the same names, each with examples and the template that picks it."""
    example = next((h for h in heads if mark in h), heads[0])
    parts = example.split(mark)
    templates = [mark.join(["{text}" if i == k else "{_}" for i in range(len(parts))]) for k in range(len(parts))][:3]
    shown = []
    for written in (*templates, "{text}"):
        pattern = template(written)
        pairs = [f"{h!r} → {m['text']!r}" for h in heads[:200] if (m := pattern.fullmatch(h))][:2]
        shown.append(f"names={written!r}: {', '.join(pairs)}")
    return f"the names can be read in several ways ({why}): " + "; ".join(shown)


def _whole(heads: Sequence[str], said: list[str]) -> NameRule:
    if not said:
        return NameRule("the whole name", tuple(heads))
    return NameRule("; ".join(said), tuple(heads))


def _check_labels(labels: Sequence[str], stems: Sequence[str]) -> None:
    """Labels that are all one, count, or are hashes after all are none."""
    n = len(labels)
    if n > 2 and len(set(labels)) == 1:
        raise NoReading(f"every file name gives the label {labels[0]!r}, so labels are hardly in the names")
    if labels != tuple(stems):
        _refuse_no_labels(labels)
    if any(not unicodedata.normalize("NFC", label).strip() for label in labels):
        raise NoReading("some names hold no label")
