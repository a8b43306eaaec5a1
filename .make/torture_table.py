"""Prints the report of `make torture` as the README's table: which promise, what was done, how often, what failed."""

# ruff: noqa: INP001, T201 -- a command stands alone, and prints

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """One line a test, in the order of the promises."""
    lines = ["| promises | what was done | test | cases | failures |", "|---|---|---|---:|---:|"]
    for row in sorted(rows, key=lambda row: row["promises"]):
        promises = ", ".join(map(str, row["promises"]))
        test = row["test"].replace("::", " · ")
        lines.append(f"| {promises} | {row['what']} | `{test}` | {row['cases']:,} | {len(row['failures'])} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
