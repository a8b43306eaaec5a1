"""Agreement of an engine with itself: a confidence for those that give none."""

import numpy as np
import pandas as pd

from toolkit.errors import DatasetError
from toolkit.metrics import STRICT, Normaliser
from toolkit.stats._core.trials import only_setting, require_columns


def repeat_agreement(
    outcomes: pd.DataFrame, setting: str | None = None, *, normaliser: Normaliser = STRICT
) -> pd.DataFrame:
    """Take the text that most repeats of an image gave, with the share that gave it as its confidence.

    Parameters
    ----------
    outcomes : pandas.DataFrame
        Outcomes with ``repeat`` and ``text``, each image read at least twice by the setting.
    setting : str, optional
        Label of the setting; needed where the outcomes hold several.
    normaliser : Normaliser, default STRICT
        Which texts are the same.

    Returns
    -------
    pandas.DataFrame
        An outcomes frame with one row an image: the row of the first repeat that gave the most frequent text, with
        ``confidence`` replaced by the share of the repeats that gave it (failed readings count as repeats without a
        text), ``cost_usd`` and ``elapsed_s`` summed over the repeats, and ``repeats`` their number. `thresholds`
        takes it as any other.

    Raises
    ------
    DatasetError
        If no image was read twice.

    Examples
    --------
    >>> import pandas as pd
    >>> from toolkit.stats import repeat_agreement
    >>> outcomes = pd.DataFrame({
    ...     "setting": "model()", "sample": "a.png", "repeat": [0, 1, 2], "text": ["AB", "A8", "AB"],
    ...     "outcome": ["correct", "wrong", "correct"],
    ... })
    >>> repeat_agreement(outcomes)[["text", "confidence"]].round(3).values.tolist()
    [['AB', 0.667]]
    """
    require_columns(outcomes, "setting", "sample", "repeat", "outcome", "text")
    rows = only_setting(outcomes, setting).sort_values(["sample", "repeat"], kind="stable", ignore_index=True)
    count = rows.groupby("sample", observed=True, sort=False)["repeat"].transform("size")
    if not (count > 1).any():
        raise DatasetError("no image was read twice, so nothing agrees with itself: run with repeats=3 or more")
    same = pd.Series(normaliser.apply(rows["text"]), index=rows.index, dtype=object)
    votes = same.groupby([rows["sample"].astype(object), same], sort=False).transform("size")  # missing texts have none
    votes = votes.where(same.notna(), 0).fillna(0)
    order = np.lexsort((rows["repeat"].to_numpy(), -votes.to_numpy(np.float64)))
    first = rows.iloc[order].drop_duplicates("sample").index.sort_values()
    found = rows.loc[first].copy()
    found["confidence"] = np.where(votes[first] > 0, votes[first] / count[first], np.nan)
    found["repeats"] = count[first]
    for name in {"cost_usd", "elapsed_s"} & set(found.columns):
        total = rows.groupby("sample", observed=True, sort=False)[name].sum(min_count=1)
        found[name] = total.reindex(found["sample"]).to_numpy()
    return found.assign(repeat=0).reset_index(drop=True)
