"""Setting labels and characters as a figure can show them."""

import ast
from collections.abc import Iterable

_LONG = 24
_LONGEST = 44
_UNSEEN = {" ": "␣", "\t": "⇥", "\n": "⏎", "\u00a0": "⍽"}


def short_labels(labels: Iterable[str]) -> dict[str, str]:
    """A shorter name for each label, still telling them apart: ``capsolver(…, score=0.8)``.

    Where a provider's labels are long, parameters with one value in all of them give way to an ellipsis. What
    cannot be read as ``name(parameter=value)`` keeps its ends.
    """
    labels = list(dict.fromkeys(labels))
    read = {label: _read(label) for label in labels}
    by_provider: dict[str, list[str]] = {}
    for label, parts in read.items():
        if parts is not None:
            by_provider.setdefault(parts[0], []).append(label)
    short = {label: label for label in labels}
    for alike in by_provider.values():
        if len(alike) > 1 and max(map(len, alike)) > _LONG:
            short |= _what_differs({label: read[label][1] for label in alike})  # type: ignore[index]
    short = {label: _clipped(name) for label, name in short.items()}
    taken: dict[str, int] = {}
    for name in short.values():
        taken[name] = taken.get(name, 0) + 1
    return {label: name if taken[name] == 1 else label for label, name in short.items()}


def _what_differs(parameters: dict[str, dict[str, str]]) -> dict[str, str]:
    names = dict.fromkeys(name for given in parameters.values() for name in given)
    differing = [name for name in names if len({given.get(name) for given in parameters.values()}) > 1]
    short = {}
    for label, given in parameters.items():
        shown = [f"{name}={given[name]}" for name in differing if name in given]
        skipped = ["…"] if len(shown) < len(given) else []
        short[label] = f"{label.partition('(')[0]}({', '.join([*skipped, *shown])})"
    return short


def _read(label: str) -> tuple[str, dict[str, str]] | None:
    """Name and parameters of a label as providers write it; None for any other text."""
    try:
        call = ast.parse(label, mode="eval").body
    except (SyntaxError, ValueError):
        return None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.args:
        return None
    return call.func.id, {str(word.arg): ast.unparse(word.value) for word in call.keywords}


def _clipped(name: str) -> str:
    kept = (_LONGEST - 1) // 2
    return name if len(name) <= _LONGEST else f"{name[:kept]}…{name[-kept:]}"


def legible(text: str) -> str:
    """The text with what the figure's font cannot draw written as its code point: a box would tell nothing."""
    from matplotlib import font_manager

    glyphs = font_manager.get_font(font_manager.findfont(font_manager.FontProperties())).get_charmap()
    return "".join(c if c == "\n" or ord(c) in glyphs else f"U+{ord(c):04X}" for c in text)


def character(text: str) -> str:
    """A single character, or a word that stands for one, so that blanks are seen too."""
    return legible(_UNSEEN.get(text, text))
