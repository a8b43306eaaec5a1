"""`load_dataset`: the labelled images at a path, however they are kept."""

import os
from array import array
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from toolkit._dataset.columns import Texts
from toolkit._dataset.dataset import Dataset
from toolkit._dataset.decide import KINDS, Decision, decide
from toolkit._dataset.formats.huggingface import is_dataset, is_saved, load_rows, load_saved
from toolkit._dataset.formats.lmdb_records import load_lmdb
from toolkit._dataset.formats.parquet_rows import holds_images, load_parquet
from toolkit._dataset.formats.tar_shards import is_shard, load_tar
from toolkit._dataset.image_names import SPLITS, split_of_file
from toolkit._dataset.intake import Intake
from toolkit._dataset.options import Options
from toolkit._dataset.places import ArchivePlace, FolderPlace, Place
from toolkit._dataset.table import ChainedSources, Sources, Table
from toolkit._dataset.tables import TABLE_SUFFIXES
from toolkit.errors import DatasetError

CONTAINERS = ("parquet", "lmdb", "tar", "zip", "huggingface")
FORMATS = (*KINDS, *CONTAINERS)
_TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def load_dataset(
    path: str | PathLike[str] | Any,
    format: str | None = None,
    *,
    image: str | None = None,
    text: str | None = None,
    tags: Sequence[str] | None = None,
    names: str | None = None,
    image_root: str | PathLike[str] | None = None,
    encoding: str | None = None,
    empty: str | None = None,
    on_error: str = "raise",
) -> Dataset:
    r"""Load labelled images from a folder, a label file or an archive, and say how the labels were found.

    Everything at the path that may hold labels is looked for: tables (CSV, TSV, text, JSON, JSON lines, Excel,
    Parquet), a text file beside each image, the images' names, and containers. When one reading explains the images
    it is taken, and `Dataset.labels_from` says which; when several do, or none, it is a `DatasetError` with examples
    of each and the argument that chooses it.

    Parameters
    ----------
    path : path or datasets.Dataset
        A folder, a label file, an archive (zip, tar, Parquet, LMDB), or a dataset of the `datasets` library.
    format : {"table", "sidecars", "file-names", "parquet", "lmdb", "tar", "zip", "huggingface"}, optional
        The one kind of source to use; default: found out.
    image, text : str, optional
        Columns of a table that hold the images and the labels; default: found by their contents and names.
    tags : sequence of str, optional
        Columns that become tags; default: all others.
    names : str, optional
        Template that says which part of a file's name is the label: ``"{text}_{_}"``, ``"{_}-{text}"``; other fields
        become tags, and with a ``/`` folders take part (``"{text}/{_}"``). A regular expression with a group
        ``(?P<text>…)`` does as well.
    image_root : path, optional
        Folder of the images that a label file names, where they lie elsewhere.
    encoding : str, optional
        Encoding of label files that are neither UTF-8 nor UTF-16.
    empty : {"nothing to read"}, optional
        Says that empty labels mean images without text, rather than labels that are missing.
    on_error : {"raise", "skip"}, default "raise"
        Whether the first row that cannot be used ends loading, or is counted in `Dataset.skipped`.

    Returns
    -------
    Dataset
        Images in the order of the label file, or of the file names where there is none. `train`, `val` and `test`
        folders or files are one dataset with a tag ``split``.

    Raises
    ------
    DatasetError
        Where labels are missing, ambiguous or damaged: with file, line, and what to do.

    Examples
    --------
    >>> import toolkit as tk
    >>> tk.load_dataset("datasets/printed").labels_from
    'metadata.csv, columns file_name and text'
    """
    options = Options(
        on_error, tags, image, text, names, None if image_root is None else str(image_root), encoding, empty
    )
    if format is not None and format not in FORMATS:
        raise DatasetError(f"format={format!r} is not known; there are {', '.join(FORMATS)}")
    Intake(on_error, empty=empty)  # says what is wrong with these before anything is read
    if is_dataset(path):
        return Dataset(load_rows(path, options, "dataset"), name="dataset")
    path = Path(path).expanduser()
    if not path.exists():
        raise DatasetError(f"{path}: there is no such file or folder (looked from {Path.cwd()})")
    if path.is_file():
        table, folder = _from_file(path, format, options), path
    else:
        table, folder = _from_folder(path, format, options), path
    name = folder.resolve().name
    if path.is_file():
        name = (
            path.resolve().parent.name if path.name.lower().endswith(TABLE_SUFFIXES) else path.stem.removesuffix(".tar")
        )
        folder = path.parent if path.name.lower().endswith(TABLE_SUFFIXES) else path
    if path.name == "data.mdb":
        name = path.resolve().parent.name
    return Dataset(table, name=name, path=folder)


# ── one file ─────────────────────────────────────────────────────────────────────────────────────────────────


def _from_file(path: Path, format: str | None, options: Options) -> Table:
    lower = path.name.lower()
    if lower.endswith(".parquet"):
        if holds_images(path, options.image):
            return load_parquet(path.parent, [path.name], options)
    elif lower.endswith((".mdb", ".lmdb")):
        whole = path.parent.parent if path.name == "data.mdb" else path.parent
        return load_lmdb(whole, [path.parent.name if path.name == "data.mdb" else path.name], options)
    elif lower.endswith(_TAR_SUFFIXES):
        if lower.endswith(".tar") and options.names is None and is_shard(path):
            return load_tar(path.parent, [path.name], options)
        return _from_place(ArchivePlace(path), options, None if format == "tar" else format)
    elif lower.endswith(".zip"):
        return _from_place(ArchivePlace(path), options, None if format == "zip" else format)
    if not lower.endswith(TABLE_SUFFIXES):
        raise DatasetError(
            f"{path}: not a kind of file that is known; give a folder, a label file ({', '.join(TABLE_SUFFIXES)}), "
            "or an archive (.zip, .tar, .tar.gz, .parquet, data.mdb)"
        )
    if options.names is not None:
        raise DatasetError(f"{path}: names={options.names!r} means nothing to a label file; give the folder instead")
    place = FolderPlace(Path(options.image_root or path.parent))
    if options.image_root is not None:
        return _from_place(_Elsewhere(FolderPlace(path.parent), place), options, None, only=path.name)
    return _from_place(place, options, None, only=path.name)


class _Elsewhere:
    """Label files of one folder with the images of another."""

    def __init__(self, labels: FolderPlace, images: FolderPlace) -> None:
        self.root, self.files = labels.root, labels.files
        self.images, self.outside = images.images, images.outside
        self._labels, self._images = labels, images

    def read(self, name: str) -> bytes:
        return self._labels.read(name)

    def sources(self, names: Texts) -> Sources:
        return self._images.sources(names)


# ── a folder ─────────────────────────────────────────────────────────────────────────────────────────────────


def _from_folder(path: Path, format: str | None, options: Options) -> Table:
    if format == "huggingface" or (format is None and is_saved(path)):
        return load_saved(path, options)
    place: Place = FolderPlace(path)
    containers = _containers(place, path, options)
    wanted = {kind: found for kind, found in containers.items() if found and format in (None, kind)}
    if format in CONTAINERS and not wanted:
        raise DatasetError(f"{path}: holds nothing of the format {format!r}; leave format= out to have it found out")
    if options.image_root is not None:
        place = _Elsewhere(FolderPlace(path), FolderPlace(Path(options.image_root).expanduser()))
    if not wanted or format in KINDS or options.names is not None:
        return _from_place(place, options, format)
    if format is None and (len(wanted) > 1 or place.images):
        kinds = ", ".join(f"{kind} ({found[0]})" for kind, found in wanted.items())
        beside = f" and {len(place.images):,} images" if place.images else ""
        raise DatasetError(
            f"{path}: holds {kinds}{beside}; say which with format={next(iter(wanted))!r}"
            + (", or format='table', 'sidecars' or 'file-names' for the images" if place.images else "")
        )
    kind, found = next(iter(wanted.items()))
    if kind == "parquet":
        return load_parquet(path, found, options)
    if kind == "lmdb":
        return load_lmdb(path, found, options) if found != [""] else load_lmdb(path.parent, [path.name], options)
    if kind == "tar" and any(name.lower().endswith(".tar") and is_shard(path / name) for name in found):
        return load_tar(path, found, options)
    return _from_archives(path, found, options)


def _containers(place: Place, path: Path, options: Options) -> dict[str, list[str]]:
    """Files below a folder that hold images, by their kind."""
    found: dict[str, list[str]] = {kind: [] for kind in ("parquet", "lmdb", "tar", "zip")}
    for name in place.files:
        lower = name.lower()
        if lower.endswith(".parquet") and holds_images(path / name, options.image):
            found["parquet"].append(name)
        elif lower.rpartition("/")[2] == "data.mdb":
            found["lmdb"].append(name.rpartition("/")[0])
        elif lower.endswith((".mdb", ".lmdb")):
            found["lmdb"].append(name)
        elif lower.endswith(_TAR_SUFFIXES):
            found["tar"].append(name)
        elif lower.endswith(".zip"):
            found["zip"].append(name)
    return found


def _from_archives(path: Path, found: list[str], options: Options) -> Table:
    """Several archives as one dataset, each read by itself."""
    places = [ArchivePlace(path / name) for name in found]
    if len(places) == 1:
        return _from_place(places[0], options, None)
    splits = [split_of_file(name) for name in found]
    tell = len(set(splits)) > 1 and None not in splits
    intake = Intake(options.on_error, only_tags=options.tags, numbers_from_text=True, empty=options.empty)
    parts: list[Sources] = []
    which, rows = array("i"), array("q")
    words = []
    for part, (name, place) in enumerate(zip(found, places, strict=True)):
        decision = decide(place, options, None)
        words.append(f"{name}: {decision.words}")
        kept = _take(intake, decision, f"{name.partition('.')[0]}/", {"split": splits[part]} if tell else {})
        parts.append(place.sources(kept))
        which.extend([part] * len(kept))
        rows.extend(range(len(kept)))
    return intake.table(ChainedSources(parts, which, rows), name=str(path), labels_from="; ".join(words))


# ── a place ──────────────────────────────────────────────────────────────────────────────────────────────────


def _from_place(place: Place, options: Options, kind: str | None, only: str | None = None) -> Table:
    """The table of a folder's or an archive's labels."""
    decision = decide(place, options, kind, only)
    numbers = any(reading.numbers_from_text for reading in decision.readings)
    intake = Intake(options.on_error, only_tags=options.tags, numbers_from_text=numbers, empty=options.empty)
    names = _take(intake, decision)
    words = decision.words
    if passed := [one.name for one in decision.unused]:
        words += f"; not used: {', '.join(passed[:3])}" + (f" and {len(passed) - 3} more" if len(passed) > 3 else "")
    unlabelled: list[str] = []
    one_split = only is not None and decision.readings[0].split is not None
    if options.image_root is None and not one_split and len(names) < len(place.images):
        seen = {*names, *intake.refused_images}
        unlabelled = [image for image in place.images if image not in seen]
    return intake.table(place.sources(names), name=str(place.root), labels_from=words, unlabelled=unlabelled)


def _take(intake: Intake, decision: Decision, prefix: str = "", extra: dict[str, Any] | None = None) -> Texts:
    """Hand all rows of the readings to the intake; the names of the images that were accepted."""
    names = Texts()
    readings = decision.readings
    by_reading = [reading.split for reading in readings]
    tell = len(set(by_reading)) > 1 and None not in by_reading
    for reading in readings:
        intake.reading(reading.where, reading.unit)
        more = {**(extra or {}), **({"split": reading.split} if tell else {})}
        for line, image, label, tags, problem in reading.rows():
            if problem is not None:
                intake.refuse(line, *problem)
                intake.refused_images.append(image)
            elif intake.accept(line, prefix + image, label, {**more, **tags} if more else tags):
                names.append(image)
            else:
                intake.refused_images.append(image)
    if not tell and not (extra and "split" in extra):
        _tag_split_folders(intake, names)
    return names


def _tag_split_folders(intake: Intake, names: Texts) -> None:
    """The tag ``split`` where every image lies in a folder of a split, and there is more than one."""
    folders: dict[str, str | None] = {}

    def split(name: str) -> str | None:
        folder = os.path.dirname(name)  # noqa: PTH120 -- a million Paths would take seconds
        if folder not in folders:
            folders[folder] = next((SPLITS[f.lower()] for f in folder.split("/") if f.lower() in SPLITS), None)
        return folders[folder]

    if not len(names) or split(str(names[0])) is None:
        return
    values = [split(str(name)) for name in names]
    if None not in values and len(set(values)) > 1:
        intake.put_tag("split", values)
