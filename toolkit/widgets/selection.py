"""Which images of a run are looked at, and what stands on a page of them. No widget is needed for any of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.errors import SettingError
from toolkit.schema import VERDICTS
from toolkit.stats._core.trials import codes
from toolkit.widgets.sources import tags_of

OUTCOMES = ("any", *VERDICTS, "disagreement")
"""What an image may be picked by; "disagreement": some of the settings are right about it and some are not."""

_SEARCHED = ("sample", "target", "text", "error", "error_message")


@dataclass(frozen=True)
class Filter:
    """What is looked at: images about which one of the `settings` (none: any of them) has this `outcome`, whose `tag`
    has this `value`, and which hold this `text`, in whatever case, in id, target, answer or error message.
    """

    settings: tuple[str, ...] = ()
    outcome: str = "any"
    tag: str | None = None
    value: Any = None
    text: str = ""


class Gallery:
    """The outcomes of a run by image. Images are in the order of the dataset, or of their first outcome."""

    def __init__(self, outcomes: pd.DataFrame, order: Sequence[str] | None = None) -> None:
        self.outcomes = outcomes
        self.settings = [str(label) for label in codes(outcomes["setting"])[1]]
        self.tags = tags_of(outcomes)
        image, ids = codes(outcomes["sample"])
        if order is not None:
            place = pd.Index(order).get_indexer(ids)
            place = np.where(place < 0, len(order) + np.arange(len(ids)), place)
            rank = np.argsort(place, kind="stable")
            back = np.empty(len(ids), np.intp)
            back[rank] = np.arange(len(ids))
            image, ids = back[image], ids[rank]
        self.ids = np.asarray(ids, dtype=object)
        self._image = image
        self._rows = np.argsort(image, kind="stable")
        self._ends = np.cumsum(np.bincount(image, minlength=len(ids)))

    def __len__(self) -> int:
        return len(self.ids)

    def matching(self, chosen: Filter) -> NDArray[np.intp]:
        """Positions of the images that a filter lets through. `SettingError` for an outcome or tag there is none of."""
        if chosen.outcome not in OUTCOMES:
            raise SettingError(f"outcome={chosen.outcome!r} must be one of {', '.join(OUTCOMES)}")
        if chosen.tag is not None and chosen.tag not in self.outcomes.columns:
            raise SettingError(f"tag={chosen.tag!r}: no such column; there are {', '.join(self.tags) or 'no tags'}")
        unknown = [label for label in chosen.settings if label not in self.settings]
        if unknown:
            raise SettingError(f"no setting {unknown[0]!r}; the outcomes hold {', '.join(self.settings)}")
        rows = self.of_settings(chosen.settings)
        if chosen.tag is not None:
            rows = rows & (self.outcomes[chosen.tag] == chosen.value).to_numpy(np.bool_, na_value=False)
        if chosen.text:
            needle = chosen.text.lower()
            rows = rows & np.fromiter((needle in text for text in self._searched), np.bool_, len(rows))
        if chosen.outcome == "disagreement":
            return np.flatnonzero(self._has(rows & self._is("correct")) & self._has(rows & ~self._is("correct")))
        if chosen.outcome != "any":
            rows = rows & self._is(chosen.outcome)
        return np.flatnonzero(self._has(rows))

    def of_settings(self, settings: Sequence[str]) -> NDArray[np.bool_]:
        """Which rows are of some settings; all without a name."""
        if not settings:
            return np.ones(len(self.outcomes), np.bool_)
        return np.asarray(self.outcomes["setting"].isin(list(settings)))

    def rows_of(self, image: int, settings: Sequence[str] = ()) -> list[dict[Any, Any]]:
        """The outcomes of one image, in the order of the settings and repeats."""
        begin = self._ends[image - 1] if image else 0
        rows = self.outcomes.iloc[self._rows[begin : self._ends[image]]]
        if settings:
            rows = rows[rows["setting"].isin(list(settings))]
        found = rows.to_dict("records")
        return sorted(found, key=lambda row: (self.settings.index(str(row["setting"])), row.get("repeat", 0)))

    def _has(self, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Images that one of the rows is about."""
        return np.bincount(self._image[rows], minlength=len(self)) > 0

    def _is(self, outcome: str) -> NDArray[np.bool_]:
        return np.asarray(self.outcomes["outcome"] == outcome)

    @cached_property
    def _searched(self) -> list[str]:
        """All that is searched of each row, in lower case; made when something is searched for the first time."""
        columns = [self.outcomes[name].astype(object).tolist() for name in _SEARCHED if name in self.outcomes.columns]
        return ["\n".join(cell for cell in row if isinstance(cell, str)).lower() for row in zip(*columns, strict=True)]
