"""Groups of images that belong together, such as the lines of a document: right only if all of them are."""

import numpy as np
import pandas as pd

from toolkit.errors import DatasetError
from toolkit.stats._core.intervals import clustered_wilson, wilson
from toolkit.stats._core.trials import Errors, Trials, codes, require_columns


def grouped_accuracy(
    outcomes: pd.DataFrame, group: str, *, errors: Errors = "exclude", confidence_level: float = 0.95
) -> pd.DataFrame:
    """Accuracy by groups of images: how many groups are right as a whole, and the accuracy of images with groups as the unit.

    Parameters
    ----------
    outcomes : pandas.DataFrame
        Outcomes of a run; of repeated images, the first reading counts.
    group : str
        The column that says which images belong together, such as a tag "document".
    errors : {"exclude", "miss"}, default "exclude"
        A group with a reading that failed is left out, or counts as not right.
    confidence_level : float, default 0.95
        Of the intervals.

    Returns
    -------
    pandas.DataFrame
        A row a setting: ``groups`` and ``images`` that count; ``accuracy_groups``, the share of groups whose images
        are all right, with its interval; ``accuracy_all``, the share of images that are right, with an interval that
        takes the group as the unit, because errors within a group come together.

    Raises
    ------
    DatasetError
        If the column is missing, or has gaps.

    Examples
    --------
    >>> import pandas as pd
    >>> from toolkit.stats import grouped_accuracy
    >>> outcomes = pd.DataFrame({
    ...     "setting": "a()", "sample": [1, 2, 3, 4], "document": ["x", "x", "y", "y"],
    ...     "outcome": ["correct", "correct", "correct", "wrong"],
    ... })
    >>> grouped_accuracy(outcomes, "document")[["accuracy_groups", "accuracy_all"]].values.tolist()
    [[0.5, 0.75]]

    Notes
    -----
    Groups are independent draws: Wilson's interval over groups for those that are all right, and for images the same
    with the trials that the groups are worth (ratio estimator of cluster samples, Rao and Scott, 1992).
    """
    require_columns(outcomes, "setting", "sample", "outcome", group)
    if "repeat" in outcomes.columns and len(outcomes):
        outcomes = outcomes[outcomes["repeat"] == outcomes["repeat"].min()]
    if outcomes[group].isna().any():
        raise DatasetError(f"column {group}: {int(outcomes[group].isna().sum()):,} rows have no value")
    trials = Trials.of(outcomes, errors)
    place, names = codes(outcomes[group])
    rows = []
    for number, setting in enumerate(trials.settings):
        mine = trials.setting == number
        images, right, failed = (
            np.bincount(place[mine], column[mine], len(names))
            for column in (np.ones(mine.size), trials.correct, ~trials.counted)
        )
        whole = (images > 0) & (failed == 0)
        images, right = images[whole], right[whole]
        groups, all_right = int(whole.sum()), int((right == images).sum())
        low, high = wilson(all_right, groups, confidence_level)
        image_low, image_high = clustered_wilson(right, images, confidence_level)
        total = float(images.sum())
        rows.append(
            {
                "setting": setting,
                "groups": groups,
                "images": int(total),
                "accuracy_groups": all_right / groups if groups else np.nan,
                "accuracy_groups_low": low,
                "accuracy_groups_high": high,
                "accuracy_all": float(right.sum()) / total if total else np.nan,
                "accuracy_all_low": image_low,
                "accuracy_all_high": image_high,
            }
        )
    return pd.DataFrame(rows)
