"""What widgets and reports need to know of a run, so that they need not know who made it."""

from collections.abc import Mapping
from typing import Any, Protocol, TypeGuard

import pandas as pd

from toolkit._store.store import Store


class RunLike(Protocol):
    """The part of `toolkit.Run` that is looked at; see there."""

    store: Store
    manifest: dict[str, Any]

    @property
    def settings(self) -> list[str]: ...
    @property
    def samples(self) -> pd.DataFrame: ...
    @property
    def planned(self) -> int: ...
    @property
    def outcomes(self) -> pd.DataFrame: ...
    @property
    def complete(self) -> bool: ...
    @property
    def stopped(self) -> Mapping[str, str]: ...
    @property
    def unsettled(self) -> pd.DataFrame: ...
    @property
    def spend(self) -> pd.DataFrame: ...
    @property
    def plot(self) -> Any: ...


def is_run(source: object) -> TypeGuard[RunLike]:
    """Whether something is a run. Its class is asked, because reading a property would read the whole log."""
    return all(hasattr(type(source), name) for name in ("outcomes", "settings", "samples", "planned"))
