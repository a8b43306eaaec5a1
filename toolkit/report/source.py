"""What a report needs to know of a run."""

from collections.abc import Mapping
from typing import Any, Protocol

import pandas as pd

from toolkit.plots import RunPlots
from toolkit.store import Store


class ReportedRun(Protocol):
    """The part of `toolkit.Run` that a report reads; see there."""

    store: Store
    manifest: dict[str, Any]

    @property
    def settings(self) -> list[str]: ...
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
    def plot(self) -> RunPlots: ...
