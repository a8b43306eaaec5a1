"""Whose threshold curve can be drawn from some outcomes."""

import re
from dataclasses import dataclass

import pandas as pd

from toolkit.errors import DatasetError, SettingError
from toolkit.stats._core.trials import require_columns

_NUMBER = re.compile(r"(?<=[(\s])(\w*(?:score|threshold|confidence)\w*)=([-+.\deE]+)(?:,\s*)?")


@dataclass(frozen=True)
class Subject:
    """Either an engine's `setting`, or a `provider` asked at several values of `over`."""

    setting: str | None = None
    provider: str | None = None
    over: str | None = None

    @property
    def words(self) -> str:
        """How a list of choices names it."""
        return self.setting if self.setting is not None else f"{self.provider} over {self.over}"

    @property
    def arguments(self) -> dict[str, str]:
        """What `tk.stats.thresholds` is called with."""
        given = {"setting": self.setting, "provider": self.provider, "over": self.over}
        return {name: value for name, value in given.items() if value is not None}


def subjects(outcomes: pd.DataFrame) -> list[Subject]:
    """Engines whose answers differ in confidence, then services that were asked at several thresholds of their own.

    `DatasetError` when there are none.
    """
    require_columns(outcomes, "setting", "sample", "outcome")
    found = [Subject(setting=label) for label in _confident(outcomes)]
    found += _families([str(label) for label in outcomes["setting"].unique()])
    if not found:
        raise DatasetError(
            "no setting here has a threshold to tune: none gives different answers different confidences, and none "
            "was asked at several scores or thresholds"
        )
    return found


def chosen(among: list[Subject], setting: str | None, provider: str | None, over: str | None) -> Subject:
    """The subject that is asked for, the first without a wish; `SettingError` lists what there is."""
    if setting is None and provider is None and over is None:
        return among[0]
    wanted = Subject(setting, provider, over)
    alike = [one for one in among if one == wanted or (over is not None and _is_family(one, provider, over))]
    if len(alike) != 1:
        raise SettingError(f"{wanted.words}: say one of {', '.join(one.words for one in among)}")
    return alike[0]


def _is_family(one: Subject, provider: str | None, over: str) -> bool:
    return one.over == over and one.provider is not None and one.provider.partition("(")[0] == provider


def _confident(outcomes: pd.DataFrame) -> list[str]:
    if "confidence" not in outcomes.columns:
        return []
    answers = outcomes[outcomes["outcome"].isin(["correct", "wrong"])]
    different = answers.groupby("setting", observed=True)["confidence"].nunique()
    return [str(label) for label in different.index[different > 1]]


def _families(labels: list[str]) -> list[Subject]:
    """Labels that differ in one threshold only: ``capsolver(score=0.8)`` and ``capsolver(score=0.9)``."""
    members: dict[tuple[str, str], set[float]] = {}
    for label in labels:
        for match in _NUMBER.finditer(label):
            rest = (label[: match.start()] + label[match.end() :]).replace(", )", ")")
            members.setdefault((rest, match[1]), set()).add(float(match[2]))
    return [Subject(provider=rest, over=over) for (rest, over), values in members.items() if len(values) > 1]
