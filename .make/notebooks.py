"""`make notebooks`: executes the notebooks and keeps their outputs in them.

    python .make/notebooks.py [notebooks/01_quickstart.ipynb …]

Each runs in a folder that holds the notebooks and the datasets only. What is kept is what a page without a kernel can show,
without what differs each time and tells nobody anything. `differences` says what two executions have to have alike: all
that is neither a time nor an address. A cell whose result is different each time by its nature has the tag `varies`: of it
only the kinds of output are compared.
"""

# ruff: noqa: INP001, T201 -- a command stands alone, and prints

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat
from bs4 import BeautifulSoup, Tag
from nbclient import NotebookClient
from nbformat import NotebookNode

import toolkit as tk

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"
VARIES = "varies"
LIVE = "application/vnd.jupyter.widget-view+json"
PICTURES = ("image/png", "image/jpeg", "image/svg+xml")

TIMED_COLUMN = re.compile(
    r"(_s|_ms|_at|_mib)\b|latency|minutes|\bp50\b|\bp95\b|queue|elapsed|lag(ged)?\b", re.IGNORECASE
)
"""Headings of columns that hold times."""
_DIFFER = [
    (re.compile(r"data:image/[a-z+]+;base64,[A-Za-z0-9+/=]+"), "<picture>"),
    (re.compile(r"0x[0-9a-f]{6,}"), "<address>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<id>"),
    (re.compile(r"(127\.0\.0\.1|localhost):\d+"), r"\1:<port>"),
    (re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?"), "<date>"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "<time>"),
    (re.compile(r"(\d[\d,.]*|∞)(\s?[\[(](\d[\d,.]*|∞)(, | to |–)(\d[\d,.]*|∞)[\])])?\s?(ns|µs|ms|s|min|h|seconds?|minutes?|hours?)\b"), "<duration>"),
    (re.compile(r"\d[\d,.]* (a second|per second|per minute|/s)|\d[\d,.]*/s\b"), "<rate>"),
    (re.compile(r"<(duration)>( <duration>)+"), "<duration>"),
]  # fmt: skip


# ── executing ────────────────────────────────────────────────────────────────────────────────────────────


def checkout(place: Path) -> Path:
    """A folder with the notebooks and the datasets and nothing else, as a reader has them."""
    shutil.copytree(NOTEBOOKS, place / "notebooks")
    (place / "datasets").symlink_to(ROOT / "datasets")
    return place / "notebooks"


def executed(notebook: Path) -> NotebookNode:
    """A notebook of a checkout after its last cell, whatever ran there before; a cell that fails is an error."""
    shutil.rmtree(notebook.parents[1] / "runs", ignore_errors=True)
    book = nbformat.read(notebook, as_version=4)
    NotebookClient(
        book, timeout=240, store_widget_state=False, resources={"metadata": {"path": str(notebook.parent)}}
    ).execute()
    return as_kept(book, notebook.parents[1])


def as_kept(book: NotebookNode, place: Path) -> NotebookNode:
    """What of an execution is worth keeping: no live widgets, no path of this machine, no time of a cell."""
    for cell in book.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = list(map(_without_paths(place), _still(_joined(cell.outputs))))
    book.metadata.pop("widgets", None)
    book.metadata["language_info"] = {"name": "python"}
    book.metadata["made_with"] = made_with()
    return book


def made_with() -> dict[str, str]:
    """Whose answers and whose tables the outputs hold; other versions may give others."""
    engines = tk.RapidOCR().versions() | tk.Tesseract().versions()
    return {name: str(number) for name, number in sorted((engines | {"pandas": version("pandas")}).items())}


def _still(outputs: list[NotebookNode]) -> Iterator[NotebookNode]:
    """The outputs without the live views of widgets, each of which is followed by its static picture and table."""
    for output in outputs:
        if LIVE in output.get("data", {}):
            for mime in (LIVE, "text/plain"):
                output.data.pop(mime, None)
            if not output.data:
                continue
        if output.output_type == "stream" and output.name == "stderr":
            continue
        output.metadata = NotebookNode() if "metadata" in output else output.get("metadata")
        if output.metadata is None:
            del output["metadata"]
        yield output


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """What a cell printed in several portions, as one."""
    joined: list[NotebookNode] = []
    for output in outputs:
        if joined and output.output_type == joined[-1].output_type == "stream" and output.name == joined[-1].name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def _without_paths(place: Path) -> Any:
    """Replaces this machine's folders in whatever an output holds."""
    known = [(re.escape(str(place)), ".."), (re.escape(tempfile.gettempdir()) + r"/[\w.-]+", "/tmp/…")]  # noqa: S108 -- words, no file

    def replaced(value: Any) -> Any:
        if isinstance(value, str):
            for pattern, words in known:
                value = re.sub(pattern, words, value)
            return value
        if isinstance(value, list):
            return [replaced(part) for part in value]
        if isinstance(value, dict):
            return NotebookNode({name: replaced(part) for name, part in value.items()})
        return value

    return replaced


# ── comparing ────────────────────────────────────────────────────────────────────────────────────────────


def differences(kept: NotebookNode, now: NotebookNode) -> list[str]:
    """A line for each cell that shows something else; with other engines or another pandas, kinds alone are compared."""
    same_engines = kept.metadata.get("made_with") == now.metadata.get("made_with")
    found = []
    for number, (before, after) in enumerate(zip(kept.cells, now.cells, strict=True)):
        if before.cell_type != "code":
            continue
        words = same_engines and VARIES not in before.metadata.get("tags", [])
        old, new = ([shown(output, words=words) for output in cell.outputs] for cell in (before, after))
        if old != new:
            found.append(f"cell {number}: {_first_difference(old, new)}")
    return found


def shown(output: NotebookNode, *, words: bool = True) -> dict[str, str]:
    """What an output shows, by kind, apart from times, addresses and pixels."""
    if output.output_type == "stream":
        return {output.name: masked(output.text) if words else ""}
    data = output.get("data", {})
    kinds = [mime for mime in data if not (mime == "text/plain" and len(data) > 1)]
    return {mime: _words(mime, data[mime]) if words else "" for mime in kinds}


def _words(mime: str, value: Any) -> str:
    if mime in PICTURES:
        return ""
    text = "".join(value) if isinstance(value, list) else str(value)
    return masked(_page(text)) if mime == "text/html" else masked(text)


def masked(text: str) -> str:
    """A text without what differs each time."""
    for pattern, words in _DIFFER:
        text = pattern.sub(words, text)
    return " ".join(text.split())


def _page(html: str) -> str:
    """The words of a page; cells of its tables that hold times are left out."""
    page = BeautifulSoup(html, "html.parser")
    for style in page.find_all(["style", "script"]):
        style.decompose()
    for table in page.find_all("table"):
        heads = table.find("tr")
        names = [cell.get_text(" ") for cell in heads.find_all(["th", "td"])] if isinstance(heads, Tag) else []
        for row in table.find_all("tr")[1:]:
            cells = row.find_all(["th", "td"])
            timed_row = bool(cells) and TIMED_COLUMN.search(cells[0].get_text(" "))
            for place, cell in enumerate(cells):
                if (place and timed_row) or (place < len(names) and TIMED_COLUMN.search(names[place])):
                    cell.string = "<time>"
    return page.get_text(" ")


def _first_difference(old: list[dict[str, str]], new: list[dict[str, str]]) -> str:
    kinds_old, kinds_new = ([sorted(one) for one in side] for side in (old, new))
    if kinds_old != kinds_new:
        return f"kept {kinds_old}, now {kinds_new}"
    for before, after in zip(old, new, strict=True):
        for mime in before:
            if before[mime] != after[mime]:
                at = next((i for i, (a, b) in enumerate(zip(before[mime], after[mime], strict=False)) if a != b), 0)
                near = slice(max(0, at - 60), at + 60)
                return f"{mime}: kept …{before[mime][near]}…, now …{after[mime][near]}…"
    return "nothing"


def main(words: list[str]) -> None:
    """Execute and write those named, or all."""
    chosen = [Path(word).resolve() for word in words] or sorted(NOTEBOOKS.glob("*.ipynb"))
    with tempfile.TemporaryDirectory() as folder:
        here = checkout(Path(folder))
        for notebook in chosen:
            book = executed(here / notebook.name)
            nbformat.write(book, notebook)
            print(f"{notebook.relative_to(ROOT)}: {notebook.stat().st_size / 1024:,.0f} KiB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
