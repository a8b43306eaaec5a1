r"""LaTeX for papers: booktabs rules, the unit under each heading, an interval beside its figure."""

from math import isfinite
from pathlib import Path
from typing import Any

import pandas as pd

from toolkit._report.export.plain import is_text, plain
from toolkit.schema import Column, described

_ESCAPED = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\char34{}", "'": r"\textquotesingle{}", "`": r"\textasciigrave{}",
    "-": "{-}",  # two of them would become a dash
}  # fmt: skip
_SHOWN_AS = {"share": (100.0, r"\%", 1), "s": (1000.0, "ms", 1), "USD": (1.0, "USD", 4), "probability": (1.0, "", 4),
             "errors per character": (1.0, "errors per character", 3), "0 to 1": (1.0, "0 to 1", 3)}  # fmt: skip
"""How a unit is shown: by which factor, under which name, with how many digits after the point."""

_MISSING = "--"


def write_latex(frame: pd.DataFrame, path: Path) -> None:
    """Write what `as_latex` gives."""
    path.write_text(as_latex(frame), encoding="utf-8")


def as_latex(frame: pd.DataFrame) -> str:
    r"""A ``tabular`` for a document with ``\usepackage{booktabs,textcomp}``.

    Shares are in per cent and times in milliseconds; an interval stands as [low, high] in a column of its own after
    its figure. Text is escaped, so that what a provider read is set and not obeyed.
    """
    table = plain(frame)
    about = described(table.columns)
    columns = [_figure(table, name, about[name]) for name in table.columns if _interval_of(name, table) is None]
    kinds = "".join("l" if is_text(table[name]) else "rl" if len(cells[0]) > 1 else "r" for name, cells in columns)
    rows = [" & ".join(cell for _, cells in columns for cell in cells[number]) for number in range(len(table) + 2)]
    head, units, *body = (f"{row} \\\\" for row in rows)
    lines = [
        "% needs \\usepackage{booktabs,textcomp}",
        f"\\begin{{tabular}}{{{kinds}}}",
        "\\toprule",
        head,
        units,
        "\\midrule",
        *body,
        "\\bottomrule",
        "\\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _interval_of(name: str, table: pd.DataFrame) -> str | None:
    """The figure of which this column is an end, if both are there."""
    for suffix in ("_low", "_high"):
        base = name.removesuffix(suffix)
        if name.endswith(suffix) and {base, f"{base}_low", f"{base}_high"} <= set(table.columns):
            return base
    return None


def _figure(table: pd.DataFrame, name: str, known: Column | None) -> tuple[str, list[tuple[str, ...]]]:
    """A column's name with its cells from the heading down: one a row, or two where it has an interval."""
    unit = known.unit if known else ""
    scale, shown, digits = _SHOWN_AS.get(unit, (1.0, _escaped(unit), None))
    values = table[name]
    if is_text(values):
        texts = [_MISSING if missing else _escaped(value) for value, missing in zip(values, values.isna(), strict=True)]
        return name, [(_escaped(name.replace("_", " ") if known else name),), ("",), *((text,) for text in texts)]
    numbers = [_number(value, scale, digits) for value in values]
    # The name's own unit gives way to the one shown: latency_p50_s is in ms here.
    bare = name.removesuffix("_s").removesuffix("_usd") if known else name
    heading, units = _escaped(bare.replace("_", " ") if known else bare), f"({shown})" if shown else ""
    if not {f"{name}_low", f"{name}_high"} <= set(table.columns):
        return name, [(heading,), (units,), *((number,) for number in numbers)]
    ends = zip(table[f"{name}_low"], table[f"{name}_high"], strict=True)
    intervals = [f"[{_number(low, scale, digits)}, {_number(high, scale, digits)}]" for low, high in ends]
    return name, [(heading, "interval"), (units, units), *zip(numbers, intervals, strict=True)]


def _number(value: Any, scale: float, digits: int | None) -> str:
    if pd.isna(value):
        return _MISSING
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return "yes" if value else "no"
    number = float(value) * scale
    if not isfinite(number):
        return r"$\infty$" if number > 0 else r"$-\infty$"
    text = f"{number:.{digits}f}" if digits is not None else f"{number:.6g}"
    return f"${text}$" if text.startswith("-") else text


def _escaped(text: str) -> str:
    return "".join(_ESCAPED.get(c) or (c if c.isprintable() else f"U+{ord(c):04X}") for c in text)
