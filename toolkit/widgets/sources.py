"""What widgets are given: a run, or outcomes as a frame."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from toolkit._store.run_like import RunLike, is_run
from toolkit._store.store import FileStore
from toolkit.errors import DatasetError, ToolkitError
from toolkit.schema import OUTCOMES
from toolkit.stats._core.trials import require_columns

if TYPE_CHECKING:
    from toolkit._dataset import Dataset

_NO_TAGS = frozenset(column.name for column in OUTCOMES) | {"stage", "asked"}
_MOST_VALUES = 200

Source = RunLike | pd.DataFrame


def outcomes_of(source: Any) -> pd.DataFrame:
    """The outcomes of a run, or the frame itself; `DatasetError` when it is neither."""
    if is_run(source):
        return source.outcomes
    if not isinstance(source, pd.DataFrame):
        raise DatasetError(f"give a run or a frame of outcomes, not a {type(source).__name__}")
    require_columns(source, "setting", "sample", "outcome")
    return source


def how_to_open(source: Source) -> str:
    """Code that makes the variable `outcomes`; where only the user can, it says so."""
    if is_run(source) and isinstance(source.store, FileStore):
        return f"outcomes = tk.open_run({str(source.store.path)!r}).outcomes"
    return "# outcomes: the frame that this widget was given, as run.outcomes"


def tags_of(outcomes: pd.DataFrame) -> dict[str, list[Any]]:
    """By which columns results can be sliced, each with its values in order; those with one value or too many are left out."""
    found: dict[str, list[Any]] = {}
    names = [str(name) for name in outcomes.columns if name not in _NO_TAGS]
    for name in names:
        values = outcomes[name].dropna().unique()
        if 1 < len(values) <= _MOST_VALUES:
            found[name] = sorted(values.tolist(), key=lambda value: (isinstance(value, str), value))
    if "target_length" in outcomes.columns and "length" not in found:
        lengths = sorted(outcomes["target_length"].dropna().unique().tolist())
        if 1 < len(lengths) <= _MOST_VALUES:
            found["target_length"] = lengths
    return found


def dataset_of(source: Source) -> "Dataset | None":
    """The dataset that a run was made on, if it still lies where it lay."""
    from toolkit._dataset import load_dataset

    path = source.manifest["dataset_path"] if is_run(source) else None
    if path is None:
        return None
    try:
        return load_dataset(path)
    except ToolkitError:  # it is gone, or the part that reads it is not installed here
        return None
