"""The card of a synthetic dataset: how it was made, from what, and what one may do with it."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from PIL import features

from toolkit._dataset.dataset import Dataset
from toolkit._dataset.synthesis.distorted import BUILTIN_FONT

STYLE_NOTES = {
    "printed": """\
Single lines of print, dark on light, 16 greys. `distortion` is how worn they are: 0 clean; 1 slightly tilted and
grainy; 2 coarser (14 pixels an em), tilted, faded, grainy, specked; 3 coarser still (11 pixels an em), tilted further,
faint, grainy and specked. All characters of an alphabet occur, also those that look alike in some fonts (`I` and `l`,
`O` and `0`), so that exact match has a ceiling below 1 for `mixed` and `alphanumeric`.""",
    "distorted": """\
Single characters turned, bent and crowded on a light ground, 16 colours, 64 pixels high. `distortion` is how much: 0
turned by at most 6°; 1 by 14°, bent, some dots and an arc; 2 by 20°, overlapping; 3 by 26°, overlapping further, with
many dots and three arcs. Left out are characters that nobody could tell apart: `0 O o`, `1 I l`, and the small letters
`c k p s u v w x z`, which the stretching makes equal to their capitals; the capitals stay.""",
}

_FONT_LICENCES = (
    ("DejaVu", "DejaVu fonts, from matplotlib: Bitstream Vera licence, with changes in the public domain"),
    ("STIX", "STIX fonts, from matplotlib: STIX Font License (2010), free to use and redistribute"),
    (BUILTIN_FONT, "Droid Sans Mono, from captcha: Apache License 2.0"),
)


def card(dataset: Dataset, folder: Path, arguments: Mapping[str, Any]) -> str:
    """The text of the card, in the layout that dataset hubs read."""
    call = ", ".join([f'"{folder.as_posix()}"', *(f"{name}={json.dumps(value)}" for name, value in arguments.items())])
    tags = "\n".join(_tag_row(dataset, tag) for tag in dataset.tags)
    return f"""\
---
license: cc0-1.0
task_categories: [image-to-text]
---

# {folder.resolve().name}

{len(dataset)} labelled images made by a program; nothing in them is from anywhere else.

{STYLE_NOTES[arguments["style"]]}

## How it was made

```python
import toolkit as tk
tk.synthesize({call})
```

with {_versions(arguments["style"])}.
The same call with the same versions gives the same bytes; other versions may draw some pixels differently, and never
give other labels.

## What is in it

`metadata.csv` has the columns `file_name` and `text`, and a column for each tag that is not computed from the label.
The tags `font`, `alphabet` and `distortion` take all their combinations in turn.

| tag | values (images) |
|---|---|
{tags}

## Licence

The images and labels are dedicated to the public domain: CC0 1.0. They were drawn with

{_fonts(dataset)}

None of these licences reaches pictures of text.
"""


def _tag_row(dataset: Dataset, tag: str) -> str:
    counts = dataset.tag(tag).value_counts().sort_index()
    return f"| {tag} | {', '.join(f'{value} ({count})' for value, count in counts.items())} |"


def _versions(style: str) -> str:
    packages = ("Pillow", "matplotlib", *(["captcha"] if style == "distorted" else []))
    return ", ".join([*(f"{name} {version(name)}" for name in packages), f"FreeType {features.version('freetype2')}"])


def _fonts(dataset: Dataset) -> str:
    used = set(dataset.tag("font"))
    known = [note for begin, note in _FONT_LICENCES if any(font.startswith(begin) for font in used)]
    own = sorted(font for font in used if not any(font.startswith(begin) for begin, _ in _FONT_LICENCES))
    return "\n".join(f"- {note}" for note in [*known, *(f"`{font}`: see its own licence" for font in own)])
