"""One colour and one mark for each setting, the same in every figure."""

from collections.abc import Iterable

# Okabe and Ito's palette, told apart by people with any common form of colour blindness; its yellow is too pale
# for a mark on white and is left out. Marks change with each round through the colours.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_MARKS = ("o", "s", "^", "D", "v", "P", "X")

Style = dict[str, str]


def styles(settings: Iterable[str]) -> dict[str, Style]:
    """Colour and mark by label. They depend on the settings of the run only, not on what a figure shows of it."""
    return {
        label: {"color": _COLOURS[number % len(_COLOURS)], "marker": _MARKS[number // len(_COLOURS) % len(_MARKS)]}
        for number, label in enumerate(sorted(set(settings)))
    }
