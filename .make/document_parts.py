"""Puts what a command made into a document, between two marks."""

# ruff: noqa: INP001 -- beside commands that stand alone

from pathlib import Path


def put(document: Path, part: str, inner: str) -> None:
    """Replace what stands between ``<!-- part: begin -->`` and ``<!-- part: end -->``."""
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    before, found, rest = document.read_text(encoding="utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise SystemExit(f"{document.name} has no {begin} … {end}")
    document.write_text(f"{before}{begin}\n{inner}\n{end}{after}", encoding="utf-8")
