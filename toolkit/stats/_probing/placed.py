"""Images placed on the axis of settings: from the calls that placed them, to the outcomes of asking everywhere."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from toolkit.errors import DatasetError
from toolkit.stats._core.trials import require_columns

_OF_THE_ANSWER = ("text", "confidence", "edits", "ned", "latency_s", "latency_low_s")
_OF_THE_CALL = (
    *("setting", "repeat", "cost_usd", "attempts", "started_at", "elapsed_s", "client_lag_s", "lagged"),
    *("error", "error_message", "_rank", "_accepted"),
)


def placed_images(outcomes: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """One row an image whose place is known from nested calls, in the order in which images came.

    `outcomes` holds the calls that were made, `labels` the settings they went to, from the loosest to the strictest.
    An image is placed when the strictest setting that accepted it is next to the loosest that rejected it. ``place``
    counts the settings that accept it, ``calls`` and ``paid`` those that were asked and those that answered;
    ``outcome``, ``text`` and the other columns of an answer are those of the strictest setting that gave one. Second
    askings (``repeat`` above 0) and failures are passed over.
    """
    require_columns(outcomes, "setting", "sample", "outcome")
    verdict = outcomes["outcome"].astype("str")
    known = verdict.isin(["correct", "wrong", "no_answer"])
    if "repeat" in outcomes.columns:
        known &= outcomes["repeat"] == 0
    rows = outcomes[known].assign(outcome=verdict[known])
    rank = rows["setting"].astype("str").map({label: number for number, label in enumerate(labels, 1)})
    if rank.isna().any():
        raise DatasetError(f"{rows['setting'][rank.isna()].iloc[0]} is none of the settings {', '.join(labels)}")
    accepted = rows["outcome"] != "no_answer"
    rows = rows.assign(_rank=rank.astype(int), _accepted=accepted)
    low = rows["_rank"].where(accepted, 0).groupby(rows["sample"], sort=False).max()
    high = rows["_rank"].where(~accepted, len(labels) + 1).groupby(rows["sample"], sort=False).min() - 1
    calls = accepted.groupby(rows["sample"], sort=False).agg(["size", "sum"])
    decisive = rows.sort_values(["_accepted", "_rank"], ascending=False).drop_duplicates("sample").set_index("sample")
    table = decisive.reindex(low.index[(high <= low).to_numpy()])
    for name in [name for name in _OF_THE_ANSWER if name in table.columns]:
        table[name] = table[name].where(table["_accepted"])
    mine = {"place": low, "calls": calls["size"], "paid": calls["sum"]}
    table = table.assign(**{name: values.reindex(table.index).astype(int) for name, values in mine.items()})
    first = [*mine, "outcome"]
    rest = [name for name in table.columns if name not in {*first, *_OF_THE_CALL}]
    return table[[*first, *rest]].rename_axis("sample").reset_index()


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
    of_answer = [name for name in _OF_THE_ANSWER if name in placed.columns]
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
