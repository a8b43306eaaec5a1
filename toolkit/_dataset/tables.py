"""Label files: text tables, JSON, JSON lines, Excel and Parquet sheets of names, each as one `Reading`."""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from toolkit._dataset.columns_found import (
    IMAGE_COLUMNS,
    TEXT_COLUMNS,
    Columns,
    NoLabels,
    find_columns,
    image_score,
    plain_name,
)
from toolkit._dataset.delimited import (
    SEPARATOR_WORDS,
    SEPARATORS,
    UNREADABLE,
    Quoted,
    Shape,
    Text,
    cells,
    decoded,
    lines,
)
from toolkit._dataset.formats.parquet_rows import parquet_records
from toolkit._dataset.image_names import ImageNames, split_of_file
from toolkit._dataset.options import Options, Reading, Row
from toolkit._dataset.places import Place, is_image
from toolkit.errors import DatasetError, require

TEXT_SUFFIXES = (".csv", ".tsv", ".tab", ".txt", ".lst", ".list", ".dat")
TABLE_SUFFIXES = (*TEXT_SUFFIXES, ".json", ".jsonl", ".ndjson", ".xlsx", ".parquet")
LABEL_FILE = re.compile(
    r"(^|[^a-z])(labels?|train|test|val|gt|annotations?|metadata|transcri(pts?|ptions?)|ground_?truths?|captions?|"
    r"answers?|targets?|texts?|solutions?)([^a-z]|$)",
    re.IGNORECASE,
)
"""What label files are usually called; one of such a name is never passed over."""

_LOOKED_AT = 200
_NO_OBJECT = ("no JSON object", 'write {"file_name": "…", "text": "…"}')
_QUOTE_FIX = (
    "not readable as CSV, for a double quote is never closed or stands within a bare label",
    'write a quote within a quoted label twice, as in "say ""hi"""',
)


def read_table(place: Place, name: str, options: Options) -> Reading:
    """The labels in one file; `NoLabels` when it holds none, `DatasetError` when it cannot be read."""
    base = name.rpartition("/")[0]
    names = ImageNames(place, f"{base}/" if base else "")
    suffix = f".{name.rpartition('.')[2].lower()}" if "." in name.rpartition("/")[2] else ""
    where = str(place.root / name)
    if suffix == ".json":
        return _records(name, where, names, options, list(enumerate(_json_rows(place, name, where, names), 1)), "entry")
    if suffix in (".jsonl", ".ndjson"):
        return _records(name, where, names, options, _json_lines(place, name, where, options), "line")
    if suffix == ".parquet":
        return _records(name, where, names, options, list(enumerate(parquet_records(place.root / name), 1)), "row")
    if suffix == ".xlsx":
        return _excel(place, name, where, names, options)
    return _delimited(name, where, names, decoded(place.read(name), where, options.encoding), options)


# ── text tables ──────────────────────────────────────────────────────────────────────────────────────────────


def _delimited(name: str, where: str, names: ImageNames, text: Text, options: Options) -> Reading:
    if not text.text.strip():
        raise NoLabels("it is empty", plausible=True)
    found_lines = list(islice((x for x in lines(text.text[:200_000]) if x.strip()), _LOOKED_AT))
    separator, place = _separator(found_lines, text, names, options)
    header, is_header = _header(found_lines[0], separator, place, names, options)
    shape = _shape(name, text, separator, header if is_header else None, place, found_lines)
    looked = [row for _, row in islice(cells(text, shape), _LOOKED_AT + 1) if row != UNREADABLE]
    if is_header:
        header, looked = looked[0], looked[1:]
        named = [c for c in header if c]
        if repeated := {c for c in named if named.count(c) > 1}:
            raise DatasetError(f"{where} line 1: the column {min(repeated)!r} is there twice; rename one")
    else:
        header = [f"column {n}" for n in range(1, max(map(len, looked), default=0) + 1)]
    if len(header) < 2:
        listed = ", ".join(header) if is_header else "one column"
        raise NoLabels(f"no text column among {listed}", plausible=True)
    columns = find_columns(header, looked, names, image=options.image, text=options.text, file=where)
    said = SEPARATOR_WORDS[separator]
    words = f"{name}, " + (
        f"columns {header[columns.image]} and {header[columns.text]}"
        if is_header
        else f"columns {columns.image + 1} and {columns.text + 1} between {said}s, no header"
    )
    if text.encoding != "utf-8":
        words += f", read as {text.encoding}"
    return Reading(
        "table",
        words,
        _argument(where),
        where,
        lambda: _delimited_rows(text, shape, is_header, columns, names),
        numbers_from_text=True,
        doubt=columns.doubt,
        split=split_of_file(name),
        certain=_certain(name, columns),
    )


def _certain(name: str, columns: Columns) -> bool:
    return columns.known and bool(LABEL_FILE.search(name.rpartition("/")[2].rpartition(".")[0]))


def _argument(where: str) -> str:
    return f"the path {where}"


def _separator(found_lines: list[str], text: Text, names: ImageNames, options: Options) -> tuple[str, int]:
    """The separator by which the most images are named, and the column they are named in."""
    best = _best_separator(found_lines, text, names, exact=True)
    if best[0] < 1.8:
        best = _best_separator(found_lines, text, names, exact=False)
    if best[0] > 0.45:
        return best[1], best[2]
    for separator in (text.separator,) if text.separator else SEPARATORS:
        header = _rough(found_lines[0], separator)
        if len(header) > 1 and (
            options.image in header or options.text in header or any(plain_name(c) in TEXT_COLUMNS for c in header)
        ):
            return separator, header.index(options.image) if options.image in header else 0
    first = found_lines[0].strip()
    if len(found_lines) <= 1 and is_image(first.split(",")[0].strip()):
        raise NoLabels(f"{first!r:.60} has no label after it", plausible=True)
    raise NoLabels("it names no image of this folder", plausible=False)


def _best_separator(found_lines: list[str], text: Text, names: ImageNames, *, exact: bool) -> tuple[float, str, int]:
    """The best score, with its separator and column."""
    best: tuple[float, str, int] = (0.0, "", 0)
    for separator in (text.separator,) if text.separator else SEPARATORS:
        rows = [_rough(line, separator) for line in found_lines]
        later = rows[1:] or rows
        for place in range(min(12, max(map(len, later)))):
            column = [row[place] for row in later if place < len(row)]
            score = (
                image_score(column, names, exact=exact) * len(column) / len(later) if len(max(rows, key=len)) > 1 else 0
            )
            if score > best[0] + 0.01:
                best = (score, separator, place)
    return best


def _rough(line: str, separator: str) -> list[str]:
    parts = line.split() if separator == " " else line.split(separator)
    return [part.strip().strip('"') for part in parts]


def _header(first: str, separator: str, place: int, names: ImageNames, options: Options) -> tuple[list[str], bool]:
    """The first row's cells, and whether they name columns rather than an image."""
    row = _rough(first, separator)
    if options.image in row or options.text in row:
        return row, True
    cell = row[place] if place < len(row) else ""
    if is_image(cell) or names.exact(cell) or (plain_name(cell) not in IMAGE_COLUMNS and names.find(cell) is not None):
        return row, False
    return row, True


def _shape(
    name: str, text: Text, separator: str, header: list[str] | None, place: int, found_lines: list[str]
) -> Shape:
    """How the table's rows are to be cut: by the rules of CSV where they hold, else at the first separator."""
    counts = [len(_rough(line, separator)) for line in found_lines]
    two = len(header) == 2 if header is not None else place == 0 and (len(set(counts)) > 1 or counts[0] == 2)
    two = two or (header is None and separator == " " and place == 0) or (header is None and set(counts) == {2})
    csv_family = separator in ",;" or name.lower().endswith((".csv", ".tsv", ".tab"))
    last = two and place == 1
    if '"' not in text.text:
        even = two and all(line.count(separator) == 1 for line in lines(text.text) if line.strip())
        return Shape(separator, loose=two and not (even and separator != " "), image_last=last)
    labels = [cell for line in found_lines[bool(header) :] if (cell := _rest(line, separator, last))]
    quoted = [len(c) > 1 and c[0] == c[-1] == '"' for c in labels]
    names_quoted = all(line.strip().startswith('"') for line in found_lines[bool(header) :])
    if not csv_family and not names_quoted:
        whole = two and bool(quoted) and all(quoted)
        return Shape(separator, loose=two, escapes=whole, literal=not whole, image_last=last)
    if two and not _holds(text, separator):
        escapes = all(quoted) or any('\\"' in cell for cell, q in zip(labels, quoted, strict=True) if q)
        if not any(cell.startswith('"') and cell.replace('\\"', "").count('"') % 2 for cell in labels):
            return Shape(separator, loose=True, escapes=escapes, image_last=last)
    return Shape(separator)


def _rest(line: str, separator: str, last: bool) -> str:
    return (line.rpartition(separator)[0] if last else line.partition(separator)[2]).strip()


def _holds(text: Text, separator: str) -> bool:
    """Whether every row of a two-column table has two cells by the rules of CSV."""
    return all(len(row) == 2 for _, row in cells(text, Shape(separator)))


def _delimited_rows(text: Text, shape: Shape, is_header: bool, columns: Columns, names: ImageNames) -> Iterator[Row]:
    image, label = columns.image, columns.text
    others = [(i, c) for i, c in enumerate(columns.names) if i not in (image, label) and c and is_header]
    width, find = len(columns.names), names.find
    for line, row in islice(cells(text, shape), int(is_header), None):
        if len(row) != width:
            yield Row(line, "", problem=_width_problem(row, width, is_header))
            continue
        found = find(row[image])
        if found is None:
            yield Row(line, row[image], problem=names.objection(row[image]))
            continue
        cell: str | None = row[label]
        if not cell and not isinstance(cell, Quoted):
            cell = None
        tags = {c: row[i] or None for i, c in others} if others else {}
        yield Row(line, found[0], cell if type(cell) is str or cell is None else str(cell), tags)


def _width_problem(row: list[str], width: int, is_header: bool) -> tuple[str, str]:
    if row == UNREADABLE:
        return _QUOTE_FIX
    if len(row) == 1:
        return f"{row[0]!r:.60} has no label after it", "write the image's name, the separator and its label"
    problem = f"{len(row)} fields where the {'header' if is_header else 'table'} has {width}"
    return problem, 'put double quotes around a label that holds the separator, as in "a,b"'


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _loads(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DatasetError(f"{where} line {error.lineno}: not JSON ({error.msg}); correct it there") from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{where}: not JSON ({error}); correct it") from error


def _json_rows(place: Place, name: str, where: str, names: ImageNames) -> list[Any]:
    """The records in a JSON file: a mapping from names, a list, or the one list within an object."""
    data = _loads(decoded(place.read(name), where).text, where)
    if isinstance(data, dict):
        if {"images", "annotations"} <= data.keys():
            return _coco(data)
        lists = [value for value in data.values() if isinstance(value, list) and value]
        if len(lists) == 1 and not is_image(next(iter(data))):
            data = lists[0]
    if isinstance(data, dict):
        if image_score(list(data)[:_LOOKED_AT], names) < 0.45:
            raise NoLabels("its keys name no images of this folder", plausible=False)
        if data and all(isinstance(value, dict) for value in data.values()):
            return [{"file_name": key, **value} for key, value in data.items()]
        return [{"file_name": key, "text": value} for key, value in data.items()]
    if not isinstance(data, list):
        raise NoLabels("it holds neither a mapping nor a list", plausible=False)
    return [dict(zip(("file_name", "text"), row, strict=True)) if _is_pair(row) else row for row in data]


def _is_pair(row: Any) -> bool:
    return isinstance(row, list) and len(row) == 2


def _coco(data: dict[str, Any]) -> list[Any]:
    """Images and their annotations as COCO keeps them, where every image has one text."""
    files = {image.get("id"): image.get("file_name") for image in data["images"] if isinstance(image, dict)}
    rows = []
    for annotation in data["annotations"]:
        if isinstance(annotation, dict):
            fields = {k: v for k, v in annotation.items() if k not in ("id", "image_id")}
            rows.append({"file_name": files.get(annotation.get("image_id"), ""), **fields})
    return rows


def _json_lines(place: Place, name: str, where: str, options: Options) -> list[tuple[int, Any]]:
    found: list[tuple[int, Any]] = []
    for number, line in enumerate(lines(decoded(place.read(name), where, options.encoding).text), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            found.append((number, (f"not JSON ({error})", "write one JSON object a line")))
            continue
        if _is_pair(row):
            row = {"file_name": row[0], "text": row[1]}
        found.append((number, row))
    return found


def _records(
    name: str,
    where: str,
    names: ImageNames,
    options: Options,
    rows: list[tuple[int, Any]],
    unit: str,
    numbers_from_text: bool = False,
) -> Reading:
    """Labels in objects with named fields."""
    objects = [row for _, row in rows if isinstance(row, dict)]
    if not objects:
        if not rows:
            raise NoLabels("it is empty", plausible=True)
        line, first = rows[0]
        problem = first if isinstance(first, tuple) else _NO_OBJECT
        raise DatasetError(f"{where} {unit} {line}: {problem[0]}; {problem[1]}")
    header = list(dict.fromkeys(key for row in objects[:_LOOKED_AT] for key in row))
    looked = [[_cell(row.get(key)) for key in header] for row in objects[:_LOOKED_AT]]
    if repeated_names(objects, header):
        raise NoLabels("it says several things of one image", plausible=False)
    header = [str(key) for key in header]
    columns = find_columns(header, looked, names, image=options.image, text=options.text, file=where)
    image, text = header[columns.image], header[columns.text]

    def found_rows() -> Iterator[Row]:
        for line, row in rows:
            if isinstance(row, tuple):
                yield Row(line, "", problem=row)
            elif not isinstance(row, dict):
                yield Row(line, "", problem=_NO_OBJECT)
            elif not isinstance(row.get(image, ""), (str, int)) or isinstance(row.get(image), bool):
                yield Row(line, "", problem=(f"{image} is {row[image]!r:.40}", "write the image's file name as text"))
            else:
                given = str(row.get(image, ""))
                found = names.find(given)
                if found is None:
                    problem = (
                        (f"{image} is {row[image]!r}", "write the image's file name as text")
                        if isinstance(row.get(image), int)
                        else names.objection(given)
                    )
                    yield Row(line, given, problem=problem)
                    continue
                tags = {
                    k: v for k, v in row.items() if k not in (image, text) and k and not isinstance(v, (list, dict))
                }
                yield Row(line, found[0], row.get(text), tags)

    words = f"{name}, columns {image} and {text}"
    return Reading(
        "table",
        words,
        _argument(where),
        where,
        found_rows,
        unit,
        numbers_from_text,
        columns.doubt,
        split_of_file(name),
        _certain(name, columns),
    )


def _cell(value: Any) -> Any:
    """A value as a cell that may name an image or be a label: nothing nested, and whole numbers as text."""
    if isinstance(value, (list, dict, bytes)):
        return None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def repeated_names(objects: Sequence[dict[str, Any]], header: Sequence[str]) -> bool:
    """Whether records are many to an image, as boxes of words on a page are."""
    boxes = {"bbox", "box", "polygon", "segmentation", "points"} & set(header)
    if not boxes or "file_name" not in header:
        return False
    files = [row.get("file_name") for row in objects]
    return len(set(map(str, files))) < len(files)


# ── Excel ────────────────────────────────────────────────────────────────────────────────────────────────────


def _excel(place: Place, name: str, where: str, names: ImageNames, options: Options) -> Reading:
    from io import BytesIO

    openpyxl = require("openpyxl", "reading Excel workbooks", "excel")
    try:
        book = openpyxl.load_workbook(BytesIO(place.read(name)), read_only=True, data_only=True)
        sheets = [
            rows
            for sheet in book.worksheets
            if (rows := [r for r in sheet.iter_rows(values_only=True) if any(c is not None for c in r)])
        ]
        book.close()
    except DatasetError:
        raise
    except Exception as error:  # a damaged workbook surfaces as almost any exception
        raise DatasetError(f"{where}: not readable as an Excel workbook ({error}); save it anew") from error
    if len(sheets) != 1:
        raise NoLabels(f"{len(sheets)} of its sheets hold something where one is needed", plausible=True)
    first, *rest = sheets[0]
    if any(isinstance(c, str) and (is_image(c) or names.find(c)) for c in first):
        header, rest = [f"column {n + 1}" for n in range(len(first))], [first, *rest]
    else:
        header = ["" if c is None else str(c) for c in first]
    records = [(n, {k: v for k, v in zip(header, row, strict=False) if k}) for n, row in enumerate(rest, start=2)]
    return _records(name, where, names, options, records, "row")
