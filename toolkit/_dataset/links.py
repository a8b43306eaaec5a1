"""Datasets whose images are behind links: downloaded once, then read from a cache."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from toolkit._dataset.columns import Texts
from toolkit._dataset.columns_found import TEXT_COLUMNS, pick_column
from toolkit._dataset.from_memory import plain
from toolkit._dataset.images import BadImage, suffix_of
from toolkit._dataset.intake import Intake
from toolkit._dataset.table import FolderImages, Table
from toolkit.errors import DatasetError

Row = tuple[str, Any, dict[str, Any]]
"""Link, label, tags."""

LINK_COLUMNS = ("url", "link", "image", "image_url", "href")
_AT_ONCE = 8


def from_links(
    links: pd.DataFrame | Mapping[str, str | None] | Iterable[tuple[str, str | None]],
    *,
    cache: str | PathLike[str] | None,
    max_bytes: int,
    timeout_s: float,
    allow_private: bool,
    name: str,
    on_error: str,
) -> tuple[Table, Path]:
    """See `Dataset.from_links`."""
    from toolkit._http import ImageDownloads  # the client takes a while to import, and most datasets are files

    rows = list(_rows(links, name))
    intake = Intake(on_error)
    intake.reading(name, "link")
    folder = _cache_folder(cache)
    there = {Path(entry).stem: entry for entry in os.listdir(folder)}  # noqa: PTH208 -- names alone are wanted
    with ImageDownloads(max_bytes=max_bytes, timeout_s=timeout_s, allow_private=allow_private) as downloads:

        def bring(link: str) -> str | DatasetError:
            key = hashlib.sha256(link.encode()).hexdigest()
            return there.get(key) or _store(link, folder, key, downloads.get)

        files = list(_in_turn(bring, (link for link, _, _ in rows)))
    ids = _ids([link for link, _, _ in rows])
    if on_error == "raise":
        _raise_failures(name, ids, files)
    names = Texts()
    for number, ((_, target, tags), id, file) in enumerate(zip(rows, ids, files, strict=True), start=1):
        if isinstance(file, DatasetError):
            intake.refuse(number, f"{id} {file}", "correct the link, or try again later")
        elif intake.accept(number, id, target, tags):
            names.append(file)
    return intake.table(FolderImages(folder, names), name=name, labels_from="links, given with their labels"), folder


def _rows(
    links: pd.DataFrame | Mapping[str, str | None] | Iterable[tuple[str, str | None]], name: str
) -> Iterator[Row]:
    if isinstance(links, pd.DataFrame):
        columns = [str(column) for column in links.columns]
        url = pick_column(columns, None, LINK_COLUMNS, "url", name)
        text = pick_column(columns, None, TEXT_COLUMNS, "text", name)
        for cells in links.itertuples(index=False, name=None):
            row = {column: plain(cell) for column, cell in zip(columns, cells, strict=True)}
            yield str(row.pop(url)), row.pop(text), row
        return
    for pair in links.items() if isinstance(links, Mapping) else links:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise DatasetError(f"{name}: {pair!r:.60} is no pair of link and label; give (link, text), or a DataFrame")
        yield pair[0], pair[1], {}


def _cache_folder(cache: str | PathLike[str] | None) -> Path:
    if cache is None:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        cache = Path(base) / "image-to-text-toolkit" / "links"
    folder = Path(cache).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(
            f"{folder}: cannot be made ({error.strerror}); say cache=… with a folder of yours"
        ) from error
    return folder


def _store(link: str, folder: Path, key: str, get: Callable[[str], bytes]) -> str | DatasetError:
    """Download one image and give its name in the cache, or the reason why not."""
    try:
        image = get(link)
        name = key + suffix_of(image)
    except DatasetError as error:
        return error
    except BadImage as bad:
        return DatasetError(str(bad))
    try:
        # written aside and then named: a cache never holds half an image
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".part-", delete=False) as file:
            file.write(image)
        Path(file.name).replace(folder / name)
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be written to ({error.strerror}); say cache=…") from error
    return name


def _in_turn(bring: Callable[[str], str | DatasetError], links: Iterator[str]) -> Iterator[str | DatasetError]:
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        while batch := list(islice(links, 32 * _AT_ONCE)):  # a million pending futures would outweigh the dataset
            yield from threads.map(bring, batch)


def _ids(links: list[str]) -> list[str]:
    """A name for each link, without user, password and query, which may hold secrets; numbered where equal."""
    ids = []
    seen: dict[str, int] = {}
    for link in links:
        try:
            parts = urlsplit(link)
            id = f"{parts.hostname or parts.scheme}{parts.path}"
        except ValueError:  # no link at all; downloading it will say so
            id = "link"
        seen[id] = seen.get(id, 0) + 1
        ids.append(id if seen[id] == 1 else f"{id}#{seen[id]}")
    return ids


def _raise_failures(name: str, ids: list[str], files: list[str | DatasetError]) -> None:
    failed = [f"{id} {file}" for id, file in zip(ids, files, strict=True) if isinstance(file, DatasetError)]
    if failed:
        more = f"; and {len(failed) - 5} more" if len(failed) > 5 else ""
        raise DatasetError(
            f"{name}: {len(failed)} of {len(ids)} links gave no image: {'; '.join(failed[:5])}{more}. What came is in "
            'the cache; correct these links, call again to ask for them anew, or skip them with on_error="skip"'
        )
