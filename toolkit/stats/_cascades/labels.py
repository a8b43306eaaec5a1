"""Labels that every reader contradicts: wrong labels put a ceiling on any accuracy."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from toolkit.errors import SettingError
from toolkit.metrics import STRICT, Normaliser
from toolkit.stats._cascades.aligned import Aligned
from toolkit.stats._core.results import Result, percent
from toolkit.stats._core.trials import require_columns


@dataclass(frozen=True, repr=False)
class LabelSuspects(Result):
    """`table` lists the images whose label no setting confirms while at least two say the same: ``sample``,
    ``target``, the ``consensus`` text, how many ``agree`` on it, of how many that ``answered``. The most agreed
    first. `images` were answered by two settings at least.
    """

    table: pd.DataFrame
    images: int

    def explain(self) -> str:
        if self.table.empty:
            return f"No label of {self.images:,} images is contradicted by all settings that agree on another text."
        row = self.table.iloc[0]
        share = len(self.table) / self.images
        return (
            f"{len(self.table):,} of {self.images:,} labels are contradicted by every setting, at least two of which agree "
            f"on another text; if all of these labels are wrong, no accuracy can exceed {percent(1 - share)}. Look first "
            f"at {row['sample']}: labelled {row['target']!r}, read {row['consensus']!r} by {row['agree']} of {row['answered']}."
        )


def label_suspects(outcomes: pd.DataFrame, *, agree: int = 2, normaliser: Normaliser = STRICT) -> LabelSuspects:
    """Images to look at: no setting reads the label, and `agree` at least read the same other text.

    Settings of one engine err alike, so their agreement says less: give outcomes of different ones. Of repeats, the
    first reading is used.
    """
    if agree < 2:
        raise SettingError(f"agree={agree!r} must be 2 at least: one reader contradicts nothing")
    require_columns(outcomes, "target", "text")
    aligned = Aligned.of(outcomes)
    texts = aligned.texts(normaliser)
    answered = aligned.answered.sum(axis=0)
    contradicted = ~aligned.correct.any(axis=0) & (answered >= agree)
    rows = []
    target, text = aligned.outcomes["target"].tolist(), aligned.outcomes["text"].tolist()
    for image in np.flatnonzero(contradicted).tolist():
        said = texts[:, image]
        _, first, counts = np.unique(said[said >= 0], return_index=True, return_counts=True)
        top = int(np.argmax(counts))
        if counts[top] >= agree:
            reader = np.flatnonzero(said >= 0)[first[top]]
            row = int(aligned.row[reader, image])
            consensus = (text[row], int(counts[top]), int(answered[image]))
            rows.append((aligned.samples[image], target[row], *consensus))
    table = pd.DataFrame(rows, columns=["sample", "target", "consensus", "agree", "answered"])
    table = table.sort_values(["agree", "answered"], ascending=[False, True], kind="stable", ignore_index=True)
    return LabelSuspects(table, int((answered >= agree).sum()))
