"""The README's tables of columns are those of the data dictionary.

After a change of the dictionary, write them anew: ``TOOLKIT_WRITE_README=1 .venv/bin/pytest tests/report/export``
"""

import os
from pathlib import Path

from toolkit.schema import TABLES, as_markdown

README = Path(__file__).parents[3] / "README.md"
BEGIN, END = "<!-- columns: made from toolkit/schema.py -->\n", "<!-- end of columns -->\n"


def test_the_readme_has_the_columns_of_the_dictionary():
    """Between the two marks stands what the dictionary gives, to the letter."""
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    shown, mark, after = rest.partition(END)
    if os.environ.get("TOOLKIT_WRITE_README"):
        README.write_text(f"{before}{BEGIN}{as_markdown()}{mark}{after}", encoding="utf-8")
        shown = as_markdown()

    assert mark == END
    assert shown == as_markdown(), "write it anew with TOOLKIT_WRITE_README=1"


def test_the_tables_are_markdown():
    """Every row has as many cells as its heading, and no text breaks out of its cell."""
    rows = [line for line in as_markdown().splitlines() if line.startswith("|")]

    assert all(row.count("|") == 4 for row in rows)
    assert sum(row.startswith("| column |") for row in rows) == len(TABLES)
    assert as_markdown().count("<details>") == as_markdown().count("</details>") == len(TABLES)
