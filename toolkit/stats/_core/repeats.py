"""What repeated readings of one image tell about a provider: does it say the same again?"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.stats._core.intervals import wilson
from toolkit.stats._core.trials import BoolArray, CodeArray, Trials, require_columns


def flip_rates(outcomes: pd.DataFrame, *, confidence_level: float = 0.95) -> pd.DataFrame:
    """Share of images whose answered readings do not agree, one row a setting.

    ``images`` counts those answered twice at least. ``text_flips`` of them got different texts, ``verdict_flips``
    were read right and wrong; ``answer_flips`` counts, of the images tried twice without an error, those that got
    an answer once and none another time. Each has its share and the share's Wilson interval.
    """
    require_columns(outcomes, "text")
    trials = Trials.of(outcomes)
    text = pd.factorize(outcomes["text"].where(trials.answered), use_na_sentinel=True)[0]
    image = trials.setting * max(len(trials.samples), 1) + trials.sample
    rows = {"setting": trials.settings}
    found = {
        "text_flips": _differing(image, text, trials.answered),
        "verdict_flips": _differing(image, trials.correct, trials.answered),
        "answer_flips": _differing(image, trials.answered, ~trials.error),
    }
    table = pd.DataFrame(rows)
    for name, (setting, differs) in found.items():
        of = np.bincount(setting // max(len(trials.samples), 1), minlength=len(table))
        k = np.bincount(setting // max(len(trials.samples), 1), differs, len(table))
        if name == "text_flips":
            table["images"] = of
        table[name] = k.astype(np.int64)
        with np.errstate(invalid="ignore", divide="ignore"):
            table[f"{name}_share"] = k / of
        table[f"{name}_low"], table[f"{name}_high"] = wilson(k, of, confidence_level)
    return table


def _differing(image: CodeArray, value: NDArray[Any], part: BoolArray) -> tuple[CodeArray, BoolArray]:
    """The images of a part that have two readings at least, and whether these differ."""
    order = np.argsort(image[part], kind="stable")
    image, value = image[part][order], value[part][order].astype(np.int64)
    starts = np.flatnonzero(np.diff(image, prepend=-1))
    size = np.diff(np.append(starts, image.size))
    if starts.size == 0:
        return image[:0], np.zeros(0, np.bool_)
    differs = np.maximum.reduceat(value, starts) != np.minimum.reduceat(value, starts)
    return image[starts][size > 1], differs[size > 1]
