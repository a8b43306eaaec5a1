"""The report of `make torture` as a table: which promise, what was done, how often, what failed.

    python .make/torture_table.py .cache/torture.json [more.json …]     print it
    python .make/torture_table.py --readme .cache/torture.json …        and put it into tests/torture/README.md

Several reports, of tests that were tried one after the other, make one table.
"""

# ruff: noqa: INP001, T201 -- a command stands alone, and prints

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from document_parts import put

README = Path(__file__).parents[1] / "tests/torture/README.md"


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """One line a test, in the order of the promises; none for what could not be tried here."""
    lines = ["| promises | what was done | test | cases | failures |", "|---|---|---|---:|---:|"]
    for row in sorted((row for row in rows if row["cases"]), key=lambda row: row["promises"]):
        promises = ", ".join(map(str, row["promises"]))
        test = row["test"].replace("::", " · ")
        lines.append(f"| {promises} | {row['what']} | `{test}` | {row['cases']:,} | {len(row['failures'])} |")
    return "\n".join(lines)


def rows_of(paths: Iterable[str]) -> list[dict[str, Any]]:
    """The rows of some reports; of a test that is in several, those of the last one."""
    rows = {row["test"]: row for path in paths for row in json.loads(Path(path).read_text(encoding="utf-8"))}
    return list(rows.values())


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--readme"]
    text = table(rows_of(words))
    print(text)
    if "--readme" in sys.argv:
        put(README, "promises", text)
