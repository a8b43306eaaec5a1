"""`synthesize`: labelled images whose tags are balanced, so that slices can be compared."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from random import Random

from PIL import Image

from toolkit._dataset.dataset import Dataset
from toolkit._dataset.loading import load_dataset
from toolkit._dataset.synthesis import distorted, printed
from toolkit._dataset.synthesis.card import card
from toolkit._dataset.synthesis.fonts import font_file
from toolkit._dataset.synthesis.texts import ALPHABETS, WORDS, without_look_alikes
from toolkit.errors import DatasetError

TAGS = ("font", "alphabet", "distortion")
"""The tags written to ``metadata.csv``; `length` and `charset` are computed from each label by every dataset."""

WITH_BLANKS_OR_WORDS = ("words", "punctuated")
"""Alphabets that cannot be freed of look-alikes by drawing another character."""


@dataclass(frozen=True)
class Style:
    """One way of drawing text, with what is drawn unless the caller says otherwise."""

    draw: Callable[[str, Path, int, Random], Image.Image]
    levels: tuple[int, ...]
    alphabets: tuple[str, ...]
    lengths: tuple[int, ...]
    fonts: tuple[str, ...]
    look_alikes: bool


STYLES = {
    "printed": Style(
        printed.draw_printed,
        tuple(range(len(printed.LEVELS))),
        ("words", "digits", "lower", "upper", "mixed", "alphanumeric", "punctuated"),
        tuple(range(3, 13)),
        ("DejaVuSans", "DejaVuSerif", "DejaVuSansMono", "DejaVuSans-BoldOblique", "STIXGeneral", "STIXGeneralItalic"),
        look_alikes=True,
    ),
    "distorted": Style(
        distorted.draw_distorted,
        tuple(range(len(distorted.LEVELS))),
        ("digits", "lower", "upper", "alphanumeric"),
        tuple(range(4, 8)),
        (distorted.BUILTIN_FONT, "DejaVuSans-Bold", "DejaVuSerif", "STIXGeneralBol"),
        look_alikes=False,
    ),
}


@dataclass(frozen=True)
class Plan:
    """What one image will show and how: all but the pixels."""

    name: str
    text: str
    font: str
    alphabet: str
    distortion: int
    random: Random


def synthesize(
    folder: str | PathLike[str],
    n: int,
    seed: int = 0,
    *,
    style: str = "printed",
    alphabets: Sequence[str] | None = None,
    lengths: Iterable[int] | None = None,
    fonts: Sequence[str] | None = None,
    distortions: Iterable[int] | None = None,
) -> Dataset:
    """Make `n` labelled images in a new folder, with ``metadata.csv`` and a card, and load them.

    `style` is ``"printed"`` (lines as scanners and screenshots give them) or ``"distorted"`` (characters turned,
    bent and crowded, as captchas show them; needs the extra ``synthesize``). The tags `font`, `alphabet` and
    `distortion` (a level from 0, clean, to 3, hard) take all their combinations in turn, so that each value has
    about as many images as the others; `lengths` are drawn at random. `fonts` are names of the fonts that
    matplotlib brings, or paths of your own; `alphabets` are among ``digits``, ``lower``, ``upper``, ``mixed``,
    ``alphanumeric``, ``words`` and ``punctuated``. Distorted images leave out characters that look alike (0 O o 1
    I l).

    The same arguments give the same files, byte for byte with the same versions of Pillow, captcha and
    matplotlib; the first images do not depend on `n`. `DatasetError` for a folder that holds something already
    or an unknown choice.
    """
    chosen = _chosen(style, alphabets, lengths, fonts, distortions)
    folder = Path(folder).expanduser()
    if n < 1:
        raise DatasetError(f"n={n}: ask for at least one image")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DatasetError(f"{folder}: there is something already; give a new folder, or empty this one")
    files = {font: _file(font) for font in chosen.fonts}
    folder.mkdir(parents=True, exist_ok=True)
    plans = list(planned(chosen, n, seed))
    for plan in plans:
        picture = chosen.draw(plan.text, files[plan.font], plan.distortion, plan.random)
        picture.save(folder / plan.name, "PNG", optimize=True)
    _write_metadata(folder / "metadata.csv", plans)
    given = {"alphabets": alphabets, "lengths": lengths, "fonts": fonts, "distortions": distortions}
    arguments = {"n": n, "seed": seed, "style": style} | {k: list(v) for k, v in given.items() if v is not None}
    dataset = load_dataset(folder)
    (folder / "README.md").write_text(card(dataset, folder, arguments), encoding="utf-8")
    return dataset


def planned(style: Style, n: int, seed: int) -> Iterator[Plan]:
    """What each image will show. Each has a random source of its own, so that none depends on those before it."""
    combinations = [
        (distortion, font, alphabet)
        for alphabet in style.alphabets
        for font in style.fonts
        for distortion in style.levels
    ]
    for number in range(n):
        turn, place = divmod(number, len(combinations))
        if place == 0:
            Random(f"{seed}/{turn}").shuffle(combinations)
        distortion, font, alphabet = combinations[place]
        random = Random(f"{seed}/{number}")
        make = ALPHABETS[alphabet] if style.look_alikes else without_look_alikes(alphabet)
        text = make(random, random.choice(style.lengths))
        yield Plan(f"{number:06d}.png", text, font, alphabet, distortion, random)


def _chosen(
    style: str,
    alphabets: Sequence[str] | None,
    lengths: Iterable[int] | None,
    fonts: Sequence[str] | None,
    distortions: Iterable[int] | None,
) -> Style:
    """The style with the caller's choices in place of its own, each looked at."""
    if style not in STYLES:
        raise DatasetError(f"style={style!r} is not known; there are {', '.join(STYLES)}")
    if style == "distorted":
        distorted.library()
    usual = STYLES[style]
    chosen = replace(
        usual,
        alphabets=usual.alphabets if alphabets is None else tuple(alphabets),
        lengths=usual.lengths if lengths is None else tuple(lengths),
        fonts=usual.fonts if fonts is None else tuple(fonts),
        levels=usual.levels if distortions is None else tuple(distortions),
    )
    known = [name for name in ALPHABETS if usual.look_alikes or name not in WITH_BLANKS_OR_WORDS]
    _all_known("alphabets", chosen.alphabets, known)
    _all_known("distortions", chosen.levels, usual.levels)
    shortest, longest = min(WORDS), max(WORDS)
    reach = range(shortest, longest + 1) if "words" in chosen.alphabets else range(1, 65)
    _all_known("lengths", chosen.lengths, reach)
    if not chosen.fonts:
        raise DatasetError("fonts=[] leaves nothing to choose from; give at least one")
    return chosen


def _all_known(argument: str, given: Sequence[object], known: Sequence[object]) -> None:
    listed = f"{known[0]} to {known[-1]}" if isinstance(known, range) else ", ".join(map(str, known))
    if not given:
        raise DatasetError(f"{argument}=[] leaves nothing to choose from; give some of {listed}")
    for value in given:
        if value not in known:
            raise DatasetError(f"{argument}: {value!r} is not possible here; choose from {listed}")


def _file(font: str) -> Path:
    return distorted.builtin_font() if font == distorted.BUILTIN_FONT else font_file(font)


def _write_metadata(file: Path, plans: Iterable[Plan]) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("file_name", "text", *TAGS))
        for plan in plans:
            writer.writerow((plan.name, plan.text, plan.font, plan.alphabet, plan.distortion))
