"""`toolkit data`: how a dataset's labels are found, examples, counts, and what is wrong with it."""

import argparse
import sys
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.errors import DatasetError

if TYPE_CHECKING:
    from toolkit._dataset import Dataset

EXAMPLES = 10
_FEW = 12  # values of a tag that are counted one by one


def dataset_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `load_dataset`, as every command takes them."""
    parser.add_argument("dataset", metavar="DATASET", help="folder, label file or archive of labelled images")
    parser.add_argument("--format", help="the one kind of source to use, where several are there")
    parser.add_argument("--image", metavar="COLUMN", help="column of a table that names the images")
    parser.add_argument("--text", metavar="COLUMN", help="column of a table that holds the labels")
    parser.add_argument("--names", metavar="TEMPLATE", help="the label's part of a file name, such as '{text}_{_}'")
    parser.add_argument("--image-root", metavar="FOLDER", help="where the images of a label file are")
    parser.add_argument("--tags", metavar="COLUMN", nargs="*", help="columns that become tags (default: all others)")
    parser.add_argument("--encoding", help="of label files that are neither UTF-8 nor UTF-16")
    parser.add_argument("--empty", metavar="MEANING", help="'nothing to read': empty labels are images without text")
    parser.add_argument("--on-error", choices=["raise", "skip"], default="raise", help="rows that cannot be used")
    parser.add_argument("--sample", type=int, metavar="N", help="use N images drawn at random, always the same ones")


def dataset_of(given: argparse.Namespace) -> "Dataset":
    """The dataset that a command line names."""
    from toolkit._dataset import load_dataset

    dataset = load_dataset(
        given.dataset,
        format=given.format,
        image=given.image,
        text=given.text,
        names=given.names,
        image_root=given.image_root,
        tags=given.tags,
        encoding=given.encoding,
        empty=given.empty,
        on_error=given.on_error,
    )
    return dataset if given.sample is None else dataset.sample(given.sample)


def data(given: argparse.Namespace) -> int:
    """Show a dataset; ends with 1 where `validate` found something."""
    dataset = dataset_of(given)
    found = dataset.validate()
    sys.stdout.write(f"{len(dataset):,} images; labels from {dataset.labels_from}\n")
    if len(dataset.skipped):
        sys.stdout.write(f"{len(dataset.skipped):,} rows skipped; the first: {dataset.skipped['problem'].iloc[0]}\n")
    sys.stdout.write("\n")
    for sample in dataset[:EXAMPLES]:
        sys.stdout.write(f"  {sample.id:32} {_size(sample.source):>12}  {sample.target!r}\n")
    for tag in dataset.tags:
        counts = dataset.tag(tag).value_counts(dropna=False, sort=False)
        if len(counts) <= _FEW:
            sys.stdout.write(f"\n{tag}: " + ", ".join(f"{value} {count:,}" for value, count in counts.items()))
    sys.stdout.write("\n\n")
    if len(found):
        sys.stdout.write(found.head(20).to_string(index=False) + "\n")
        if len(found) > 20:
            sys.stdout.write(f"… and {len(found) - 20:,} more\n")
    else:
        sys.stdout.write("validate() finds nothing wrong\n")
    if given.html:
        from toolkit.metrics.html_table import Side, html_table

        columns: dict[str, Side] = dict.fromkeys(map(str, found.columns), "left")
        rows = found.astype(str).itertuples(index=False, name=None)
        table = html_table(columns, rows) if len(found) else "<p>validate() finds nothing wrong</p>"
        page = f"<!doctype html><meta charset='utf-8'><title>Dataset</title>{dataset._repr_html_()}{table}"
        Path(given.html).write_text(page, encoding="utf-8")
    return 1 if len(found) else 0


def _size(source: object) -> str:
    from PIL import Image

    try:
        with Image.open(BytesIO(source.read())) as picture:  # type: ignore[attr-defined]
            return f"{picture.width}×{picture.height} px"
    except (DatasetError, OSError, Image.DecompressionBombError):
        return "unreadable"
