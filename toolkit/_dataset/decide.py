"""Which of the readings that a place allows is the one; where that is open, the caller is asked, with examples."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from toolkit._dataset.columns_found import NoLabels
from toolkit._dataset.delimited import decoded, lines
from toolkit._dataset.file_names import NoReading, by_names, by_template
from toolkit._dataset.options import Options, Reading, Row, Unused
from toolkit._dataset.places import Place
from toolkit._dataset.sidecars import find_sidecars
from toolkit._dataset.tables import LABEL_FILE, TABLE_SUFFIXES, TEXT_SUFFIXES, read_table
from toolkit.errors import DatasetError

KINDS = ("table", "sidecars", "file-names")
MAX_TABLES = 300
"""Files beside the images that are looked into; more of them are not label files, but something else."""

_NEVER = re.compile(
    r"(readme|license|licence|requirements.*|changelog|dataset_infos?|state|package(-lock)?|config|classes|charset|"
    r"vocab|alphabet|characters|dict|copying|setup|.*\.ipynb)$",
    re.IGNORECASE,
)


@dataclass
class Decision:
    """The readings that are taken together, and what is said of them."""

    readings: list[Reading]
    words: str
    unused: list[Unused] = field(default_factory=list)


def decide(place: Place, options: Options, kind: str | None, only: str | None = None) -> Decision:
    """The reading of a place's labels; `DatasetError` with examples where there are several, or none.

    `kind` is what the caller asked for, `only` one file that was named.
    """
    if options.names is not None:
        reading = by_template(place, options.names)
        return Decision([reading], reading.words)
    if only is not None:
        return _named_file(place, only, options)
    if kind == "file-names":
        try:
            reading = by_names(place)
        except NoReading as error:
            raise DatasetError(_asked(place, [f"{error}; {_template_fix()}"])) from error
        return Decision([reading], reading.words)
    sidecars, beside, unused = find_sidecars(place, options)
    if kind == "sidecars":
        if not sidecars:
            raise DatasetError(f"{place.root}: has no text file beside each image, such as x.gt.txt for x.png")
        return _agreed(place, sidecars, unused)
    tables, passed = _tables(place, options, beside)
    unused += passed
    if (options.image is not None or options.text is not None) and not tables:
        _raise_plausible(place, [u for u in unused if u.plausible or u.error])
    if kind == "table":
        sidecars = []
        if not tables:
            _raise_plausible(place, unused)
            raise DatasetError(f"{place.root}: holds no table of labels; name a file, or leave format= out")
    found = [r for r in (*tables, *sidecars) if r.doubt is None]
    doubtful = [r for r in tables if r.doubt is not None]
    for doubted in doubtful:
        unused.append(Unused(Path(doubted.where).name, doubted.doubt or "", plausible=True))
    if found:
        return _with_names(place, _agreed(place, found, unused))
    return _from_names(place, unused, doubtful)


# ── sources ──────────────────────────────────────────────────────────────────────────────────────────────────


def _named_file(place: Place, only: str, options: Options) -> Decision:
    try:
        reading = replace(read_table(place, only, options), doubt=None)
    except NoLabels as error:
        if error.args and str(error).startswith("it is empty"):
            raise DatasetError(f"{place.root / only} line 1: no header; begin with file_name,text") from error
        raise DatasetError(f"{place.root / only} line 1: {error}; {_column_fix(str(error))}") from error
    return Decision([reading], reading.words)


def _column_fix(why: str) -> str:
    if "say text=" in why:
        return "the labels are in one of them"
    return "name the columns with image=… and text=…, and the images' folder with image_root=…"


def _tables(place: Place, options: Options, beside: set[str]) -> tuple[list[Reading], list[Unused]]:
    """The label files of a place, and the files that might be some and give no labels."""
    candidates = [name for name in place.files if name not in beside and _may_be_table(name)]
    found: list[Reading] = []
    unused: list[Unused] = []
    if len(candidates) > MAX_TABLES:
        labelled = [name for name in candidates if LABEL_FILE.search(_stem(name))]
        unused.append(Unused(f"{len(candidates):,} text files", "they are too many to be tables", plausible=False))
        candidates = labelled[:MAX_TABLES]
    for name in candidates:
        called_so = bool(LABEL_FILE.search(_stem(name))) and not name.lower().endswith(".json.json")
        try:
            found.append(read_table(place, name, options))
        except NoLabels as error:
            plausible = called_so or error.plausible or (not error.columns and _as_many_lines(place, name))
            unused.append(Unused(name, str(error), plausible=plausible))
        except DatasetError as error:
            unused.append(Unused(name, str(error), plausible=called_so, error=error))
    return found, unused


def _may_be_table(name: str) -> bool:
    return name.lower().endswith(TABLE_SUFFIXES) and not _NEVER.fullmatch(_stem(name))


def _stem(name: str) -> str:
    return name.rpartition("/")[2].rpartition(".")[0]


def _as_many_lines(place: Place, name: str) -> bool:
    """Whether a text file has a line for each image: labels in some order, perhaps."""
    if not name.lower().endswith(TEXT_SUFFIXES) or len(place.images) < 2:
        return False
    try:
        found = [line for line in lines(decoded(place.read(name), name).text) if line.strip()]
    except DatasetError:
        return False
    return len(found) in (len(place.images), len(place.images) + 1)


# ── agreement ────────────────────────────────────────────────────────────────────────────────────────────────


def _agreed(place: Place, found: list[Reading], unused: list[Unused]) -> Decision:
    """The readings that together say one label of each image; `DatasetError` where two contradict each other."""
    if len(found) > 1:
        found = _without_contained(found)
    if len(found) > 1:
        seen: dict[str, tuple[object, Reading]] = {}
        for reading in found:
            for image, label in reading.labels().items():
                before = seen.setdefault(image, (label, reading))
                if _plain(before[0]) != _plain(label):
                    raise DatasetError(_contradiction(place, before[1], reading))
        found = _disjoint(found)
    words = "; ".join(dict.fromkeys(r.words for r in found[:4])) + (
        f"; and {len(found) - 4} more" if len(found) > 4 else ""
    )
    return Decision(found, words, unused)


def _plain(label: object) -> object:
    return label.rstrip("\r\n") if isinstance(label, str) else label


def _without_contained(found: list[Reading]) -> list[Reading]:
    """The readings less those whose every pair a larger one has too."""
    ordered = sorted(found, key=lambda r: -len(r.labels()))
    kept: list[Reading] = []
    for reading in ordered:
        pairs = reading.labels()
        if not any(all(k in o.labels() and _plain(o.labels()[k]) == _plain(v) for k, v in pairs.items()) for o in kept):
            kept.append(reading)
    return [reading for reading in found if reading in kept]


def _disjoint(found: list[Reading]) -> list[Reading]:
    """The readings with each image once: what an earlier one says is not said again."""
    seen: set[str] = set()
    result = []
    for reading in found:
        own = reading.labels().keys() - seen
        whole = len(own) == len(reading.labels())
        result.append(reading if whole else replace(reading, rows=partial(_only, reading.rows, own)))
        seen |= own
    return result


def _only(rows: Callable[[], Iterator[Row]], own: set[str]) -> Iterator[Row]:
    return (row for row in rows() if row.problem or row.image in own)


def _contradiction(place: Place, first: Reading, second: Reading) -> str:
    differing = [
        (image, first.labels()[image], label)
        for image, label in second.labels().items()
        if image in first.labels() and _plain(first.labels()[image]) != _plain(label)
    ][:2]
    return (
        f"{place.root}: labels can be read in two ways that differ; say which: "
        f"{first.argument} ({first.words}) gives {', '.join(f'{i} → {a!r}' for i, a, _ in differing)}; "
        f"{second.argument} ({second.words}) gives {', '.join(f'{i} → {b!r}' for i, _, b in differing)}"
    )


def _with_names(place: Place, decision: Decision) -> Decision:
    """A table of few of the images beside names that say something else leaves open which are the labels."""
    readings = decision.readings
    if len(place.images) < 4 or all(r.kind == "sidecars" or r.certain for r in readings):
        return decision
    labelled: dict[str, object] = {}
    if any(r.pairs for r in readings):
        for reading in readings:
            labelled |= reading.labels()
    else:
        labelled = {row.image: row.label for r in readings for row in r.rows() if row.problem is None}
    if not labelled or 2 * len(labelled) >= len(place.images):
        return decision
    try:
        names = by_names(place)
    except NoReading:
        return decision
    pairs = names.labels()
    if all(pairs.get(image) == label for image, label in labelled.items()):
        return Decision([names], f"{names.words} ({', '.join(r.words for r in readings)} agrees)", decision.unused)
    first = readings[0]
    first.pairs = labelled
    raise DatasetError(_contradiction(place, names, first) + f", for {len(labelled):,} of {len(place.images):,} images")


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────


def _from_names(place: Place, unused: list[Unused], doubtful: list[Reading]) -> Decision:
    """Labels from the images' names, where nothing else may hold them."""
    plausible = [u for u in unused if u.plausible]
    if not place.images:
        _raise_plausible(place, unused)
        raise DatasetError(
            f"{place.root}: no labels and no images in it; it needs images and, say, a metadata.csv with the columns "
            "file_name,text"
        )
    try:
        names = by_names(place)
    except NoReading as error:
        _raise_errors(plausible)
        reasons = [f"{u.name}: {u.why}" for u in unused[:4]]
        raise DatasetError(
            _asked(place, [str(error), *reasons, _folder_fix(place)], doubtful, choose=_several(error))
        ) from error
    if plausible:
        _raise_errors(plausible)
        if doubtful and all(_agrees(reading, names) for reading in doubtful) and len(plausible) == len(doubtful):
            return Decision([names], names.words, unused)
        example = _examples(names)
        why = "; ".join(f"{u.name} may hold labels, but {u.why}" for u in plausible[:3])
        fix = f"if the labels are in the file names, say {names.argument} ({example}); else " + (
            f"point at the file: {doubtful[0].argument} ({_examples(doubtful[0])})"
            if doubtful
            else "correct the file, or name its columns with image=… and text=…"
        )
        raise DatasetError(f"{place.root}: {why}; {fix}")
    return Decision([names], names.words, unused)


def _several(error: NoReading) -> bool:
    return "names=" in str(error)


def _agrees(reading: Reading, names: Reading) -> bool:
    pairs = names.labels()
    return all(pairs.get(image) == label for image, label in reading.labels().items())


def _examples(reading: Reading) -> str:
    return ", ".join(f"{image} → {label!r}" for image, label in list(reading.labels().items())[:2])


def _raise_errors(unused: Sequence[Unused]) -> None:
    for one in unused:
        if one.error is not None:
            raise one.error


def _raise_plausible(place: Place, unused: Sequence[Unused]) -> None:
    _raise_errors([u for u in unused if u.error is not None])
    if plausible := [u for u in unused if u.plausible]:
        one = plausible[0]
        if one.why == "it is empty":
            raise DatasetError(f"{place.root / one.name} line 1: no header; begin with file_name,text")
        raise DatasetError(f"{place.root / one.name} line 1: {one.why}; {_column_fix(one.why)}")


def _asked(place: Place, reasons: list[str], doubtful: Sequence[Reading] = (), *, choose: bool = False) -> str:
    """What is said where the labels are not found."""
    tables = [f"point at {Path(r.where).name} if it holds the labels ({_examples(r)})" for r in doubtful]
    ways = [
        *tables,
        *(() if choose else (_template_fix(),)),
        "add a label file such as metadata.csv with the columns file_name,text",
    ]
    return f"{place.root}: the labels are not known: {'; '.join(r for r in reasons if r)}; {', or '.join(ways)}"


def _template_fix() -> str:
    return "say which part of a name is the label, as in names='{text}_{_}' (names='{text}' for all of it)"


def _folder_fix(place: Place) -> str:
    """Where images lie in folders of their own, the argument that makes the folder's name the label."""
    folders = {image.rpartition("/")[0].rpartition("/")[2] for image in place.images}
    if len(folders) < 2 or "" in folders:
        return ""
    names = "{text}/{_}"
    depth = {image.count("/") for image in place.images}
    if depth == {2}:
        names = "{split}/{text}/{_}"
    shown = ", ".join(f"{i} → {i.split('/')[-2]!r}" for i in (place.images[0], place.images[-1]))
    return f"if the folders' names are the labels, say names={names!r} ({shown})"
