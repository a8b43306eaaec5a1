"""Sections as one HTML file: nothing is loaded from elsewhere, and nothing but our own script runs."""

import base64
import hashlib
import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import assert_never

from toolkit._report.blocks import Block, Figure, Section, Table, Terms, Words
from toolkit.metrics.html_table import Side, html_table
from toolkit.metrics.markup import flat, visible
from toolkit.schema import __version__

_NO_LIBRARY = (
    "The tables of this report cannot be sorted, because itables was not installed when it was made: "
    'pip install "image-to-text-toolkit[report]".'
)
_MOST_CHARACTERS = 4_000


def page(title: str, subtitle: str, headline: str, sections: Sequence[Section]) -> str:
    """The whole file."""
    library = _library()
    links = "".join(f'<a href="#{section.anchor}">{escape(section.title)}</a>' for section in sections)
    body = "".join(_section(section) for section in sections)
    made_by = escape(__version__)
    hint = "" if library else f'<p class="small">{escape(_NO_LIBRARY)}</p>'
    style, script = (
        files("toolkit._report").joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js")
    )
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(script if library else None)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
        f"<title>{escape(flat(title))}</title><style>{style}</style></head><body>"
        f"<header><h1>{visible(title)}</h1><p>{_shown(subtitle)}</p>"
        f'<p class="headline">{_shown(headline)}</p><nav aria-label="Sections">{links}</nav></header>'
        f'<main>{body}</main><footer>{hint}<p class="small">Made by image-to-text-toolkit {made_by}.</p></footer>'
        f"{_scripts(script, library) if library else ''}</body></html>\n"
    )


def _policy(script: str | None) -> str:
    """Content security policy: pictures within the file, and the one script with this digest, which loads the library."""
    allowed = "'none'"
    if script is not None:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        allowed = f"'sha256-{digest}' blob:"
    return (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {allowed}; "
        "base-uri 'none'; form-action 'none'"
    )


def _library() -> str:
    """DataTables as itables ships it, for use without a network; empty where it is not installed."""
    try:
        from itables import options
    except ImportError:
        return ""
    from pathlib import Path

    return Path(options.dt_bundle).read_text(encoding="utf-8")


def _scripts(script: str, library: str) -> str:
    # JSON in which no tag can begin or end is inert until our script reads it.
    held = json.dumps(library, ensure_ascii=False).replace("<", "\\u003c")
    return f'<script type="application/json" id="tables-library">{held}</script><script type="module">{script}</script>'


# ── blocks ───────────────────────────────────────────────────────────────────────────────────────────────


def _section(section: Section) -> str:
    blocks = "".join(_block(block) for block in section.blocks)
    return f'<section id="{section.anchor}"><h2>{escape(section.title)}</h2>{blocks}</section>'


def _block(block: Block) -> str:
    match block:
        case Words():
            return _words(block)
        case Table():
            return _table(block)
        case Figure():
            return _figure(block)
        case Terms():
            rows = "".join(f"<dt>{_shown(name)}</dt><dd>{_shown(meaning)}</dd>" for name, meaning in block.rows)
            return f"<dl>{rows}</dl>"
        case _:
            assert_never(block)


def _words(words: Words) -> str:
    if words.kind == "flag":
        return '<ul class="flags">' + "".join(f"<li>{_shown(text)}</li>" for text in words.sentences) + "</ul>"
    look = ' class="small"' if words.kind == "small" else ""
    lines = [line for text in words.sentences for line in text.splitlines()]
    return "".join(f"<p{look}>{_shown(line)}</p>" for line in lines)


def _table(table: Table) -> str:
    columns: dict[str, Side] = {name: "left" if name in table.left else "right" for name in table.headings}
    note = f'<p class="small">{_shown(table.note)}</p>' if table.note else ""
    return f"<h3>{escape(table.name)}</h3>{html_table(columns, table.rows, label=table.name, sortable=True)}{note}"


def _figure(figure: Figure) -> str:
    light, dark = (base64.b64encode(png).decode() for png in (figure.light, figure.dark))
    width, height = figure.size
    words = escape(flat(figure.words))
    return (
        f'<figure><div class="scroll" tabindex="0" role="region" aria-label="{words}"><picture><source media="screen and (prefers-color-scheme: dark)" srcset="data:image/png;base64,{dark}">'
        f'<img src="data:image/png;base64,{light}" alt="{words}" width="{width}" height="{height}"></picture></div>'
        f"<figcaption>{_shown(figure.words)}</figcaption></figure>"
    )


def _shown(text: str) -> str:
    return visible(text, _MOST_CHARACTERS)
