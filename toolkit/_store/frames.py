"""From the log's records to DataFrames, and what every column means.

Two frames hold all there is to know: *attempts*, one row per try as it happened, and *outcomes*, one row per
trial with its verdict. Verdicts and money are computed here and not in the log, so that another normaliser or
another price never needs another run.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import union_categoricals

from toolkit._store.events import Event
from toolkit._store.json_lines import Record
from toolkit.metrics import RELAXED, STRICT, Normaliser, exact, measure
from toolkit.schema import ATTEMPTS, LAGGED_S, OUTCOMES, VERDICTS
from toolkit.types import Attempt

_NO_ANSWER = "unsolvable"

_MEASURED_AT_A_TIME = 500_000

DTYPES = {column.name: column.dtype for column in ATTEMPTS}

Prices = Mapping[str, float]

REQUIRED = ("setting", "sample", "repeat", "attempt", "final", "started_at")
"""What every attempt has."""

_DEFAULTS = {field.name: None if field.required else field.default for field in msgspec.structs.fields(Attempt)}
"""What a column has where the log says nothing: a part of the time that is not in it was zero."""


def attempts_frame(blocks: Iterable[Sequence[Event]]) -> pd.DataFrame:
    """One row per attempt, in the order they ended; columns `ATTEMPTS`.

    Takes the log block by block, so that the events of a long run are never all in memory as Python objects.
    """
    return joined([_typed([event for event in block if isinstance(event, Attempt)]) for block in blocks])


def _typed(rows: Sequence[Attempt]) -> pd.DataFrame:
    return completed({name: _series(values, name) for name, values in _columns(rows)}, len(rows))


def _columns(rows: Sequence[Attempt]) -> Iterator[tuple[str, list[Any]]]:
    """The columns in which some row has another value than its default; half of them are idle for a local engine."""
    for name, default in _DEFAULTS.items():
        values = list(map(attrgetter(name), rows))
        if name in REQUIRED or values.count(default) < len(values):
            yield name, values


def _series(values: list[Any], name: str) -> "pd.Series[Any]":
    dtype = DTYPES[name]
    if name in {"task_id", "error_code"}:  # numbers with some services, words with others
        values = [None if value is None else str(value) for value in values]
    if dtype == "category":
        # The type is given because a block without any value would have another than the next one, and not join it.
        categories = pd.Index(sorted({value for value in values if value is not None}), dtype="str")
        return pd.Series(pd.Categorical(values, categories=categories))
    if name == "usage":  # the same few are said again and again, and need not be kept as often
        known: dict[Any, Any] = {}
        values = [None if used is None else known.setdefault(tuple(used.items()), used) for used in values]
    return pd.Series(values, dtype=dtype)


def completed(columns: Mapping[str, "pd.Series[Any]"], rows: int) -> pd.DataFrame:
    """A frame of `ATTEMPTS` from the columns that are not all default."""
    return pd.DataFrame({name: columns[name] if name in columns else _idle(name, rows) for name in DTYPES}, copy=False)


def _idle(name: str, rows: int) -> "pd.Series[Any]":
    dtype, default = DTYPES[name], _DEFAULTS[name]
    if dtype == "category":
        return pd.Series(pd.Categorical.from_codes(np.full(rows, -1, np.int8), categories=pd.Index([], dtype="str")))
    if default == 0 or not rows:
        # Untouched zeros take no memory until somebody writes to them.
        return pd.Series(np.zeros(rows, dtype) if default == 0 else [], dtype=dtype, copy=False)
    if dtype == "object":
        return pd.Series(np.full(rows, None, dtype), copy=False)
    return pd.Series(np.nan if dtype == "float64" else default, index=pd.RangeIndex(rows), dtype=dtype)


def is_idle(column: "pd.Series[Any]") -> bool:
    """Whether every row has the default, so that `completed` makes the column again."""
    default = _DEFAULTS.get(str(column.name))
    if column.name in REQUIRED:
        return False
    return not column.any() if default == 0 and default is not None else bool(column.isna().all())


def joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Attempts frames end to end."""
    frames = [frame for frame in frames if len(frame)]
    if len(frames) <= 1:
        return frames[0] if frames else _typed([])
    columns: dict[str, pd.Series[Any]] = {}
    for column in ATTEMPTS:
        parts = [frame[column.name] for frame in frames]
        if column.dtype == "category":  # parts with other categories would fall back to plain strings
            columns[column.name] = pd.Series(union_categoricals(parts, sort_categories=True))
        elif column.dtype in ("float64", "bool", "int32"):
            columns[column.name] = pd.Series(_numbers(parts, column.dtype), copy=False)
        else:
            columns[column.name] = pd.concat(parts, ignore_index=True)
    return pd.DataFrame(columns, copy=False)


def _numbers(parts: Sequence["pd.Series[Any]"], dtype: str) -> NDArray[Any]:
    """Numbers end to end; zeros are left untouched, which takes no memory."""
    values = np.zeros(sum(map(len, parts)), dtype)
    begin = 0
    for part in parts:
        numbers = part.to_numpy()
        if numbers.any():
            values[begin : begin + len(part)] = numbers
        begin += len(part)
    return values


def endings(attempts: pd.DataFrame) -> pd.DataFrame:
    """The last final try at each trial, in the order in which they ended."""
    final = attempts[attempts["final"]]
    return final[~final.duplicated(["setting", "sample", "repeat"], keep="last")]


def samples_frame(samples: Iterable[Record]) -> pd.DataFrame:
    """The labelled images of a run, indexed by sample id: the target and a column a tag."""
    ids, targets, tags = [], [], []
    for sample in samples:
        ids.append(sample["id"])
        targets.append(sample["target"])
        tags.append(sample.get("tags", {}))
    index = pd.Index(ids, name="sample", dtype="str")
    names = dict.fromkeys(name for tag in tags for name in tag)
    columns = {name: pd.Series([tag.get(name) for tag in tags], index=index) for name in names}
    return pd.DataFrame({"target": pd.Series(targets, index=index, dtype="str"), **columns})


def outcomes_frame(
    attempts: pd.DataFrame,
    samples: pd.DataFrame,
    *,
    prices: Mapping[str, Prices | None] | None = None,
    normaliser: Normaliser = STRICT,
    stopped: Mapping[str, str] | None = None,
    repeats: int = 1,
) -> pd.DataFrame:
    """One row per trial that came to an end; columns `OUTCOMES`, then one for each tag.

    An answer is ``correct`` when it equals the target under `normaliser`. `prices` gives, for each setting, USD for
    one of each quantity in `usage`: empty for engines on this machine; None or absent makes the cost missing, not zero. `stopped` names
    settings that were given up, each with the reason: their trials that were not asked get a row of kind ``stopped``.
    """
    final, rows = _deciding(attempts, samples)
    if stopped:
        final = joined([final, _never_asked(final, samples, stopped, repeats)])
        rows = _positions(final["sample"], samples.index)
    about = samples.reset_index(drop=True).take(rows).reset_index(drop=True)
    outcomes = final[[column.name for column in OUTCOMES if column.name in final]].copy(deep=False)
    outcomes["target"] = about["target"]
    outcomes["attempts"] = final["attempt"].to_numpy()
    _judge(outcomes, normaliser, samples["target"], rows)
    outcomes["lagged"] = outcomes["client_lag_s"].to_numpy() > LAGGED_S
    outcomes["cost_usd"] = _cost(final, prices or {}) + _cost_before(final, attempts, prices or {})
    outcomes = outcomes[[column.name for column in OUTCOMES]]
    frame = pd.concat([outcomes, about.drop(columns="target")], axis="columns")
    frame.attrs["normaliser"] = normaliser.name
    return frame


def _deciding(attempts: pd.DataFrame, samples: pd.DataFrame) -> tuple[pd.DataFrame, NDArray[np.intp]]:
    """The last final try at each trial, numbered from 0, and the row of its sample; images unknown to the run left out."""
    final = attempts if attempts["final"].all() else attempts[attempts["final"]]
    rows = _positions(final["sample"], samples.index)
    repeat = final["repeat"].to_numpy(dtype=np.int64)
    trial = final["setting"].cat.codes.to_numpy(dtype=np.int64) * (len(samples) + 1) + rows + 1
    trial = trial * (repeat.max(initial=0) + 1) + repeat
    decides = (rows >= 0) & ~pd.Series(trial, copy=False).duplicated(keep="last").to_numpy()
    if decides.all():  # as in most runs, where nothing was asked twice: no copy
        return final.reset_index(drop=True), rows
    return final[decides].reset_index(drop=True), rows[decides]


def _positions(ids: "pd.Series[Any]", index: "pd.Index[Any]") -> NDArray[np.intp]:
    """Where each id stands in an index; -1 where it does not."""
    if getattr(ids.dtype, "storage", None) == getattr(index.dtype, "storage", None) == "pyarrow":
        import pyarrow as pa
        from pyarrow import compute

        # pandas would make a Python object of each text first
        known = pa.array(index, pa.large_string())
        found = compute.index_in(pa.array(ids, pa.large_string()), value_set=known)
        positions: NDArray[np.intp] = found.fill_null(-1).to_numpy().astype(np.intp)
        return positions
    return index.get_indexer(pd.Index(ids))


def _never_asked(final: pd.DataFrame, samples: pd.DataFrame, stopped: Mapping[str, str], repeats: int) -> pd.DataFrame:
    """Rows for the trials of stopped settings that did not come to their turn."""
    asked = set(zip(final["setting"], final["sample"], final["repeat"], strict=True))
    return _typed(
        [
            Attempt(
                setting, sample, repeat, attempt=0, started_at=np.nan, final=True, error="stopped", error_message=reason
            )
            for setting, reason in stopped.items()
            for sample in samples.index
            for repeat in range(repeats)
            if (setting, sample, repeat) not in asked
        ]
    )


def _judge(outcomes: pd.DataFrame, normaliser: Normaliser, targets: "pd.Series[Any]", rows: NDArray[np.intp]) -> None:
    """Add the verdict and the edit measures to rows with text, target and error.

    An answer that is its target to the letter needs no measuring, whatever the normaliser; the others are measured
    some at a time, because each text is a Python object meanwhile.
    """
    right = (outcomes["target"] == outcomes["text"]).to_numpy(dtype=bool, copy=True)
    relaxed, edits, ned = right.copy(), np.zeros(len(right)), np.zeros(len(right))
    differing = np.flatnonzero(~right)
    for start in range(0, len(differing), _MEASURED_AT_A_TIME):
        some = differing[start : start + _MEASURED_AT_A_TIME]
        target, text = outcomes["target"].take(some), outcomes["text"].take(some)
        measures = measure(target, text, normaliser)
        right[some], edits[some], ned[some] = measures.exact, measures.edits, measures.ned
        relaxed[some] = exact(target, text, RELAXED)
    verdicts = np.where(right, VERDICTS.index("correct"), VERDICTS.index("wrong"))
    verdicts[outcomes["error"].notna().to_numpy()] = VERDICTS.index("error")
    gave_up = (outcomes["error"] == _NO_ANSWER).to_numpy(dtype=bool, na_value=False)
    verdicts[gave_up] = VERDICTS.index("no_answer")
    # where there is nothing to read, finding nothing is right, however the provider says it
    nothing = gave_up & (outcomes["target"] == "").to_numpy(dtype=bool, na_value=False)
    verdicts[nothing] = VERDICTS.index("correct")
    relaxed[nothing], edits[nothing], ned[nothing] = True, 0, 0
    outcomes["outcome"] = pd.Categorical.from_codes(verdicts, dtype=pd.CategoricalDtype(list(VERDICTS)))
    outcomes["correct_normalised"] = relaxed
    outcomes["edits"] = edits
    outcomes["target_length"] = _lengths(targets, normaliser, rows)
    outcomes["ned"] = ned


def _lengths(targets: "pd.Series[Any]", normaliser: Normaliser, rows: NDArray[np.intp]) -> NDArray[np.int32]:
    """The length of the target in each row, once for each image that has any."""
    present = np.zeros(len(targets), np.bool_)
    present[rows] = True
    wanted = normaliser.apply(targets[present])
    lengths = np.zeros(len(targets), np.int32)
    lengths[present] = [len(text or "") for text in wanted]
    return lengths[rows]


def _cost(final: pd.DataFrame, prices: Mapping[str, Prices | None]) -> NDArray[np.float64]:
    """What each trial cost: its usage at its setting's prices; missing where the setting has none."""
    cost = np.zeros(len(final))
    codes = final["setting"].cat.codes.to_numpy()
    answered = final["error"].isna().to_numpy()
    for code, label in enumerate(final["setting"].cat.categories):
        price = prices.get(label)
        if price == {}:  # nothing costs anything here
            continue
        rows = np.flatnonzero(codes == code)
        if price is None:
            cost[rows] = np.nan
        else:
            usages = final["usage"].iloc[rows]
            cost[rows] = [_bill(usage or {}, price, known) for usage, known in zip(usages, answered[rows], strict=True)]
    return cost


def _cost_before(
    final: pd.DataFrame, attempts: pd.DataFrame, prices: Mapping[str, Prices | None]
) -> NDArray[Any] | float:
    """What tries cost after which their trial was tried again: a cascade's, whose first stages had answered."""
    before = attempts[~attempts["final"].to_numpy()]
    before = before[before["usage"].map(bool).to_numpy(np.bool_)]
    if before.empty:
        return 0.0
    trial = ["setting", "sample", "repeat"]
    spent = pd.Series(_cost(before, prices), pd.MultiIndex.from_frame(before[trial].astype({"setting": "str"})))
    whole = spent.groupby(level=trial).sum()
    wanted = pd.MultiIndex.from_frame(final[trial].astype({"setting": "str"}))
    return whole.reindex(wanted, fill_value=0.0).to_numpy(np.float64)


def _bill(usage: Mapping[str, float], price: Prices, answered: bool) -> float:
    """The sum of quantities at their prices; missing for an answer of which no priced quantity is known."""
    known = usage.keys() & price.keys()
    return sum(price[name] * usage[name] for name in known) if known or not answered else np.nan
