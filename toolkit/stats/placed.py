"""From images placed on the settings axis to the outcomes that asking everywhere would have given."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from toolkit.errors import DatasetError
from toolkit.stats.trials import require_columns


def outcomes_of_placed(
    placed: pd.DataFrame, provider: str, over: str, settings: Sequence[float], *, price: float = float("nan")
) -> pd.DataFrame:
    """One row an image and setting, as `thresholds` takes them with ``provider=`` and ``over=``.

    `placed` has a row an image: ``sample``, its ``place`` (how many of the `settings`, which rise, accept it, from
    the loosest), and the ``outcome`` of its answer, correct or wrong, where it has a place above 0; other columns
    (text, target, edits, tags) go along, those of the answer only to the settings that accept it. ``cost_usd``
    is `price` for each accepted setting: what asking there alone would cost, not what placing the image did.

    `DatasetError` for a place off the axis or an accepted image without a verdict.
    """
    require_columns(placed, "sample", "place", "outcome")
    place = placed["place"].to_numpy()
    off = (place < 0) | (place > len(settings)) | (place != np.floor(place))
    if off.any():
        row = placed[off].iloc[0]
        raise DatasetError(
            f"{row['sample']} has place {row['place']}; {len(settings)} settings leave 0 to {len(settings)}"
        )
    silent = (place > 0) & ~placed["outcome"].isin(["correct", "wrong"]).to_numpy()
    if silent.any():
        raise DatasetError(
            f"{placed['sample'][silent].iloc[0]} was accepted and has no verdict; its outcome is correct or wrong"
        )
    of_answer = [name for name in ("text", "confidence", "edits", "ned") if name in placed.columns]
    parts = []
    for number, setting in enumerate(settings, 1):
        accepted = pd.Series(place >= number, placed.index)
        rows = placed.drop(columns="place").assign(
            setting=_label(provider, over, setting),
            outcome=placed["outcome"].astype("str").where(accepted, "no_answer"),
            cost_usd=np.where(accepted, price, 0.0),
            **{name: placed[name].where(accepted) for name in of_answer},
        )
        if "correct_normalised" in rows:
            rows["correct_normalised"] = rows["correct_normalised"].to_numpy(np.bool_) & accepted.to_numpy()
        parts.append(rows)
    return pd.concat(parts, ignore_index=True)


def _label(provider: str, over: str, setting: float) -> str:
    """The provider's label with the parameter added: ``capsolver(module='common', score=0.9)``."""
    if "(" not in provider or provider.endswith("()"):
        return f"{provider.removesuffix('()')}({over}={setting!r})"
    return f"{provider.removesuffix(')')}, {over}={setting!r})"
