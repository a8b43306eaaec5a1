"""Every notebook runs from its first cell to its last, in a folder that holds the notebooks and the datasets only."""

import json
import os
import re
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
sys.path.insert(0, str(ROOT / ".make"))

import notebooks as tool  # noqa: E402 -- a command's own module

pytestmark = pytest.mark.notebook
MOST_BYTES = 700_000
"""A notebook that is larger is slow to load on a page that shows it."""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """What a reader has: the notebooks beside the datasets."""
    return tool.checkout(tmp_path_factory.mktemp("checkout"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")  # of the kernel's client
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_shows_what_the_code_gives(notebook, place, monkeypatch):
    """No cell fails, and each gives what is kept in the notebook, apart from times; `make notebooks` keeps it anew."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(place.parent / "cache"))

    found = tool.differences(nbformat.read(notebook, as_version=4), tool.executed(place / notebook.name))

    if not os.environ.get("TOOLKIT_NOTEBOOKS_EXACT"):  # services and latencies make some figures differ from run to run
        found = [line for line in found if ": kept [" in line]  # what a cell shows has to be of the same kinds
    assert found == [], "\n".join([*found, "If that is as it should be: make notebooks"])


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_with_its_outputs(notebook):
    """Somebody who reads it on a page sees what comes out, in a file of moderate size."""
    book = nbformat.read(notebook, as_version=4)
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]

    assert any(output.output_type in ("display_data", "execute_result") for output in outputs)
    assert [output for output in outputs if output.output_type == "error"] == []
    assert notebook.stat().st_size <= MOST_BYTES


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_shows_no_key_and_no_place_of_a_machine(notebook):
    """What was executed here says nothing about here."""
    outputs = json.dumps([cell.get("outputs") for cell in nbformat.read(notebook, as_version=4).cells])
    words = re.sub(r"base64,[A-Za-z0-9+/=]+|\"image/png\": \"[^\"]*\"", "", outputs)

    assert re.findall(r"/(?:root|home|work|tmp|Users)/[\w.-]+", words) == []
    assert re.findall(r"CAP-[0-9A-F]{16,}|sk-\w{16,}|Bearer \w+", words) == []


def output(**data):
    """An output cell with these kinds."""
    return nbformat.v4.new_output("display_data", {mime.replace("_", "/"): value for mime, value in data.items()})


@pytest.mark.parametrize(
    ("kept", "now", "same"),
    [
        ("3 of 4 in 1.2 s", "3 of 4 in 0.9 s", True),
        ("3 of 4 in 1.2 s", "2 of 4 in 1.2 s", False),
        ("<A at 0x7f00aa11bb22>", "<A at 0x7f00aa11bb33>", True),
        ("accuracy 78.1 %", "accuracy 78.2 %", False),
        ("http://127.0.0.1:4001/a", "http://127.0.0.1:4002/a", True),
        ("http://127.0.0.1:4001/a", "http://127.0.0.1:4001/b", False),
        ("on 2026-01-02 03:04:05", "on 2026-01-03 03:04:05", True),
    ],
)
def test_times_and_addresses_may_differ_and_nothing_else(kept, now, same):
    """A figure that changes is told; one that is a time is not."""
    assert (tool.shown(output(text_plain=kept)) == tool.shown(output(text_plain=now))) is same


def test_a_table_is_compared_but_for_its_times():
    """Columns of times are left out by their heading, all others are held to."""
    page = "<table><tr><th></th><th>setting</th><th>latency_p50_s</th></tr><tr><th>0</th><td>{}</td><td>{}</td></tr></table>"
    kept, later, other = (output(text_html=page.format(*row)) for row in (("a", 0.5), ("a", 0.7), ("b", 0.5)))

    assert tool.shown(kept) == tool.shown(later)
    assert tool.shown(kept) != tool.shown(other)


def test_a_cell_that_varies_is_held_to_its_kinds():
    """The tag is for results that differ each time by their nature."""
    books = []
    for words, tags in (("7", []), ("8", []), ("7", ["varies"]), ("8", ["varies"])):
        cell = nbformat.v4.new_code_cell("x", outputs=[output(text_plain=words)], metadata={"tags": tags})
        books.append(nbformat.v4.new_notebook(cells=[cell], metadata={"made_with": {}}))

    assert len(tool.differences(books[0], books[1])) == 1
    assert tool.differences(books[2], books[3]) == []
