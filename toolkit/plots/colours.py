"""One colour, one mark and one line style for each setting, the same in every figure."""

from collections.abc import Iterable

import pandas as pd

# Okabe and Ito's palette, told apart by people with any common form of colour blindness. Its yellow is too pale for
# a mark on white and is left out; its black, which a dark theme would swallow, is a grey seen on both.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#808080")
_MARKS = ("o", "s", "^", "D", "v", "P", "X")
_LINES = ("-", "--", "-.")

Style = dict[str, str]


def styles(settings: Iterable[str] | None, others: Iterable[str] = ()) -> dict[str, Style]:
    """Colour, mark and line style by label. They depend on the settings of the run only, not on what a figure shows of it.

    `others` are series that are no settings of the run, such as a cascade; they come after all settings.
    """
    run = sorted(set(() if settings is None else settings))
    labels = [*run, *sorted(set(others) - set(run))]
    return {
        label: {
            "color": _COLOURS[number % len(_COLOURS)],
            "marker": _MARKS[number // len(_COLOURS) % len(_MARKS)],
            "linestyle": _LINES[number // len(_COLOURS) % len(_LINES)],  # where a colour returns, another dash tells
        }
        for number, label in enumerate(labels)
    }


def settings_of(outcomes: pd.DataFrame) -> list[str]:
    """Labels of the run that a frame comes from: all its categories, also those that a selection left without rows."""
    column = outcomes["setting"]
    if isinstance(column.dtype, pd.CategoricalDtype):
        return [str(label) for label in column.cat.categories]
    return [str(label) for label in column.dropna().unique()]


def readable(color: str) -> tuple[float, float, float]:
    """A colour for words: that of their series, drawn towards the theme's text until it stands out from its ground."""
    import matplotlib as mpl
    from matplotlib.colors import to_rgb

    series, text = to_rgb(color), to_rgb(mpl.rcParams["text.color"])
    red, green, blue = (0.6 * s + 0.4 * t for s, t in zip(series, text, strict=True))
    return red, green, blue
