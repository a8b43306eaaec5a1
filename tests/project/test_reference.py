"""The reference notebook shows every documented table."""

import json
from pathlib import Path

from toolkit.schema import TABLES, as_markdown

REFERENCE = Path(__file__).parents[2] / "notebooks/08_reference.ipynb"


def test_the_tables_are_markdown():
    """Every row has as many cells as its heading, and no text breaks out of its cell."""
    rows = [line for line in as_markdown().splitlines() if line.startswith("|")]

    assert all(row.count("|") == 4 for row in rows)
    assert sum(row.startswith("| column |") for row in rows) == len(TABLES)
    assert as_markdown().count("<details>") == as_markdown().count("</details>") == len(TABLES)


def test_the_reference_shows_the_tables():
    """The cell that makes them is there; what it gives is compared when the notebooks are run."""
    cells = ["".join(cell["source"]) for cell in json.loads(REFERENCE.read_text(encoding="utf-8"))["cells"]]

    assert any("as_markdown()" in cell for cell in cells)
