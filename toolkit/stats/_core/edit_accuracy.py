"""Accuracy that forgives a few edits."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from toolkit.errors import SettingError
from toolkit.stats._core.intervals import clustered_wilson
from toolkit.stats._core.trials import Errors, Trials, per_image, require_columns


def accuracy_within(
    outcomes: pd.DataFrame,
    edits: Iterable[int] = (0, 1, 2, 3),
    *,
    errors: Errors = "exclude",
    confidence_level: float = 0.95,
) -> pd.DataFrame:
    """Share of images that are read with at most so many edits, for each setting.

    Parameters
    ----------
    outcomes : pandas.DataFrame
        Outcomes of a run, with ``edits``.
    edits : iterable of int, default (0, 1, 2, 3)
        Most characters to insert, delete or replace, each at least 0.
    errors : {"exclude", "miss"}, default "exclude"
        Readings that failed are left out, or count as not read.
    confidence_level : float, default 0.95
        Of the intervals.

    Returns
    -------
    pandas.DataFrame
        A row a setting and number of edits: ``setting``, ``edits``, ``images``, ``accuracy_all`` with its interval.
        An image without an answer is not read, whatever is forgiven.

    Raises
    ------
    SettingError
        If a number of edits is not an integer of at least 0.

    Examples
    --------
    >>> import pandas as pd
    >>> from toolkit.stats import accuracy_within
    >>> outcomes = pd.DataFrame({
    ...     "setting": "a()", "sample": [1, 2, 3, 4], "edits": [0, 1, 5, None],
    ...     "outcome": ["correct", "wrong", "wrong", "no_answer"],
    ... })
    >>> accuracy_within(outcomes, [0, 1])["accuracy_all"].tolist()
    [0.25, 0.5]

    Notes
    -----
    The interval is Wilson's (1927), with repeats of an image counted for what they are worth.
    """
    wanted = sorted(set(edits))
    if not wanted or not all(isinstance(most, (int, np.integer)) and most >= 0 for most in wanted):
        raise SettingError(f"edits={list(wanted)} must be integers >= 0")
    require_columns(outcomes, "setting", "sample", "outcome", "edits")
    trials = Trials.of(outcomes, errors)
    distance = outcomes["edits"].to_numpy(np.float64, na_value=np.nan)
    rows = []
    for number, setting in enumerate(trials.settings):
        mine = trials.counted & (trials.setting == number)
        for most in wanted:
            within = trials.answered[mine] & (distance[mine] <= most)
            right, read = per_image(trials.sample[mine], within, np.ones(within.size))
            low, high = clustered_wilson(right, read, confidence_level)
            share = float(right.sum() / read.sum()) if read.size else np.nan
            rows.append((setting, int(most), read.size, share, low, high))
    names = ["setting", "edits", "images", "accuracy_all", "accuracy_all_low", "accuracy_all_high"]
    return pd.DataFrame(rows, columns=names)
