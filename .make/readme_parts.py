"""Puts what a command made into README.md, between two marks."""

# ruff: noqa: INP001 -- beside commands that stand alone

from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def put(part: str, inner: str) -> None:
    """Replace what stands between ``<!-- part: begin -->`` and ``<!-- part: end -->``."""
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    before, found, rest = README.read_text(encoding="utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise SystemExit(f"README.md has no {begin} … {end}")
    README.write_text(f"{before}{begin}\n{inner}\n{end}{after}", encoding="utf-8")
