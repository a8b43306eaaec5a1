"""Text from datasets and providers as HTML that shows every character and obeys none."""

from html import escape

from markupsafe import Markup
from rapidfuzz.distance import Levenshtein

MOST_CHARACTERS = 200
"""Of an answer; a page of text in one cell would hide the others."""

_MOST_ALIGNED = 2_000  # the time to align two texts grows with the product of their lengths
_ODD = {" ": "␣"}
_CODE = "border:1px solid currentColor;border-radius:3px;padding:0 2px;font-size:.75em;opacity:.8"
_MARK = "background:#ffd54d;color:#1a1a1a;border-radius:2px;padding:0 1px"
_GONE = "background:#f6c1c7;color:#1a1a1a;border-radius:2px;padding:0 1px"


def visible(text: str, most: int = MOST_CHARACTERS) -> Markup:
    """Escaped text, with control and direction characters written as their code points."""
    shown = "".join(map(_character, text[:most]))
    # <bdi> keeps a right-to-left label from turning the words beside it around
    end = "…" if len(text) > most else ""
    return _html(f'<bdi style="white-space:pre-wrap;overflow-wrap:break-word">{shown}{end}</bdi>')


def marked(target: str, text: str, most: int = MOST_CHARACTERS) -> Markup:
    """An answer with what differs from its target marked: other or surplus characters, and those that are missing."""
    steps = Levenshtein.opcodes(target[:_MOST_ALIGNED], text[:_MOST_ALIGNED])
    parts = []
    for step in steps:
        if step.dest_start >= most:
            break
        answered = text[step.dest_start : min(step.dest_end, most)]
        if step.tag == "equal":
            parts.append("".join(map(_character, answered)))
        elif step.tag == "delete":
            missing = target[step.src_start : step.src_end][:most]
            parts.append(f'<del style="{_GONE}" title="missing">{_all_seen(missing)}</del>')
        else:
            wanted = target[step.src_start : step.src_end][:most]
            why = f"instead of {wanted}" if step.tag == "replace" else "surplus"
            parts.append(f'<mark style="{_MARK}" title="{in_attribute(why)}">{_all_seen(answered)}</mark>')
    end = "…" if len(text) > most else ""
    return _html(f'<bdi style="white-space:pre-wrap;overflow-wrap:anywhere">{"".join(parts)}{end}</bdi>')


def flat(text: str) -> str:
    """Text for a place where no element can stand, its unseen characters as code points; the template escapes it."""
    return "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in text)


def in_attribute(text: str) -> str:
    """The same, escaped for within a quoted attribute."""
    return escape(flat(text))


def _html(escaped: str) -> Markup:
    return Markup(escaped)  # noqa: S704 -- each part of it was escaped above


def _character(character: str) -> str:
    if character.isprintable():
        return escape(character)
    return f'<span style="{_CODE}">U+{ord(character):04X}</span>'


def _all_seen(text: str) -> str:
    """Blanks too: a mark around nothing tells nothing."""
    return "".join(_ODD.get(character) or _character(character) for character in text)
