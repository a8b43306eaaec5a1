"""A decision to take along: thresholds as a small JSON file that any program can apply."""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

import numpy as np
import pandas as pd

from toolkit.errors import DatasetError, SettingError
from toolkit.metrics import RELAXED, STRICT
from toolkit.schema import __version__
from toolkit.stats._core.trials import require_columns

if TYPE_CHECKING:
    from toolkit.stats._decisions.bands import DecisionBands
    from toolkit.stats._decisions.slices import SlicedChoice
    from toolkit.stats._thresholds.risk_control import Choice

SCHEMA = 1
Decision = Literal["accept", "review", "reject"]
_NORMALISERS = {"strict": STRICT, "relaxed": RELAXED}


class Answered(Protocol):
    """What is decided on, such as a `toolkit.types.Answer`."""

    @property
    def text(self) -> str: ...
    @property
    def confidence(self) -> float | None: ...


@dataclass(frozen=True)
class Rules:
    """What an answer must be beside sure of itself: of a length, of a form, agreed with.

    An answer that breaks a rule is never accepted. Apply the same rules to the outcomes that the threshold is chosen
    on (`apply`), so that the guarantee is about the answers that will be accepted.

    Parameters
    ----------
    min_length, max_length : int, optional
        Fewest and most characters of the text.
    pattern : str, optional
        A regular expression that the whole text must match, such as ``"[A-Z0-9]{4,6}"``.
    agrees_with : str, optional
        Label of another setting that must give the same text.
    normaliser : {"strict", "relaxed"}, default "strict"
        How texts are compared for agreement; see `toolkit.metrics`.

    Examples
    --------
    >>> from toolkit.stats import Rules
    >>> Rules(pattern="[0-9]+").allow("1234"), Rules(pattern="[0-9]+").allow("12a4")
    (True, False)
    """

    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    agrees_with: str | None = None
    normaliser: str = "strict"

    def __post_init__(self) -> None:
        if self.normaliser not in _NORMALISERS:
            raise SettingError(f"normaliser={self.normaliser!r} must be one of {', '.join(_NORMALISERS)}")
        try:
            re.compile(self.pattern or "")
        except re.error as error:
            raise SettingError(f"pattern={self.pattern!r} is not a regular expression: {error}") from error

    def allow(self, text: str, other: str | None = None) -> bool:
        """Whether a text keeps the rules; `other` is what the setting `agrees_with` gave for the same image."""
        long_enough = self.min_length is None or len(text) >= self.min_length
        short_enough = self.max_length is None or len(text) <= self.max_length
        formed = self.pattern is None or re.fullmatch(self.pattern, text) is not None
        return long_enough and short_enough and formed and (self.agrees_with is None or self._same(text, other))

    def apply(self, outcomes: pd.DataFrame, setting: str) -> pd.DataFrame:
        """The outcomes of one setting, in which answers that break a rule count as no answer.

        Parameters
        ----------
        outcomes : pandas.DataFrame
            Outcomes of a run, with ``text``; of `agrees_with` too, where that is a rule.
        setting : str
            Label of the setting.

        Returns
        -------
        pandas.DataFrame
            The rows of `setting`.
        """
        require_columns(outcomes, "setting", "sample", "outcome", "text")
        mine = outcomes[outcomes["setting"] == setting]
        allowed = self.allowed(mine, outcomes)
        outcome = mine["outcome"].astype(object).where(allowed | (mine["outcome"] == "error"), "no_answer")
        return mine.assign(outcome=outcome)

    def allowed(self, rows: pd.DataFrame, outcomes: pd.DataFrame) -> "pd.Series[bool]":
        """For each row whether its text keeps the rules; `outcomes` holds the answers to agree with."""
        others: Mapping[Any, str | None] = {}
        if self.agrees_with is not None:
            theirs = outcomes[outcomes["setting"] == self.agrees_with]
            if theirs.empty:
                raise SettingError(f"agrees_with={self.agrees_with!r}: the outcomes hold no such setting")
            if "repeat" in theirs.columns:
                theirs = theirs[theirs["repeat"] == theirs["repeat"].min()]
            others = dict(zip(theirs["sample"], theirs["text"], strict=True))
        texts = [text if isinstance(text, str) else None for text in rows["text"].tolist()]
        kept = [
            text is not None and self.allow(text, others.get(sample))
            for text, sample in zip(texts, rows["sample"], strict=True)
        ]
        return pd.Series(kept, index=rows.index, dtype=bool)

    def _same(self, text: str, other: str | None) -> bool:
        if not isinstance(other, str):
            return False
        mine, theirs = _NORMALISERS[self.normaliser].apply(pd.Series([text, other]))
        return bool(mine == theirs)


@dataclass(frozen=True)
class Cuts:
    """From which confidence on an answer is accepted, and from which on reviewed; both inclusive."""

    accept_from: float
    review_from: float = -np.inf

    def __post_init__(self) -> None:
        if np.isnan(self.accept_from) or np.isnan(self.review_from):
            raise SettingError("a policy needs thresholds that are numbers; this choice has none that is controlled")

    def decision(self, confidence: float | None) -> Decision:
        """What becomes of an answer that is so sure of itself; None where it does not say."""
        known = confidence is not None and not np.isnan(confidence)
        if known and confidence >= self.accept_from:  # type: ignore[operator]  # known
            return "accept"
        if self.review_from == -np.inf or (known and confidence >= self.review_from):  # type: ignore[operator]  # known
            return "review"
        return "reject"


@dataclass(frozen=True)
class Policy:
    """Thresholds with their guarantee, in a form that is applied to new answers, also by other programs.

    Made by ``to_policy()`` of a choice; read back by `load_policy`.

    Parameters
    ----------
    setting : str
        Label of the setting whose answers are decided on.
    cuts : Cuts
        Thresholds for all answers, or for those of a slice without thresholds of its own.
    by : str, optional
        Tag that slices.
    slices : mapping, optional
        Thresholds of each value of the tag, as text.
    rules : Rules
        What an accepted answer must be beside sure of itself.
    guarantee : mapping
        What holds for the accepted answers, in numbers and in words.
    calibration : mapping
        The images that the thresholds were chosen on: how many, and a checksum of what was read in them.
    made_at : str
        UTC date and time, ISO 8601.
    versions : mapping
        Versions of this package, and whatever else `to_policy` was given.
    """

    setting: str
    cuts: Cuts
    by: str | None = None
    slices: Mapping[str, Cuts] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)
    guarantee: Mapping[str, Any] = field(default_factory=dict)
    calibration: Mapping[str, Any] = field(default_factory=dict)
    made_at: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    def decide(
        self,
        answer: "Answered | tuple[str, float | None] | None",
        *,
        tags: Mapping[str, Any] | None = None,
        others: Mapping[str, str | None] | None = None,
    ) -> Decision:
        """What becomes of one answer.

        Parameters
        ----------
        answer : Answer, (text, confidence) or None
            What the setting read; None where it gave no answer.
        tags : mapping, optional
            Tags of the image; needed where the policy has slices.
        others : mapping, optional
            Texts of other settings for the same image, by label; needed where agreement is a rule.

        Returns
        -------
        str
            ``"accept"``, ``"review"`` or ``"reject"``.

        Raises
        ------
        SettingError
            If the tag or the other text that the policy needs is not given.
        """
        cuts = self._cuts_for(tags)
        if answer is None:
            return cuts.decision(None)
        text, confidence = answer if isinstance(answer, tuple) else (answer.text, answer.confidence)
        decision = cuts.decision(confidence)
        if decision != "accept":
            return decision
        other = None
        if self.rules.agrees_with is not None:
            if others is None or self.rules.agrees_with not in others:
                raise SettingError(
                    f"this policy needs what {self.rules.agrees_with} read: others={{{self.rules.agrees_with!r}: …}}"
                )
            other = others[self.rules.agrees_with]
        return "accept" if self.rules.allow(text, other) else "review"

    def decide_frame(self, outcomes: pd.DataFrame) -> "pd.Series[str]":
        """What becomes of each answer of the policy's setting in a frame of outcomes or of new answers.

        Parameters
        ----------
        outcomes : pandas.DataFrame
            Columns ``setting``, ``sample``, ``text`` and ``confidence``; the tag, where the policy has slices.

        Returns
        -------
        pandas.Series
            ``"accept"``, ``"review"`` or ``"reject"``, with the index of the setting's rows.
        """
        require_columns(outcomes, "setting", "sample", "text", "confidence", *([self.by] if self.by else []))
        mine = outcomes[outcomes["setting"] == self.setting]
        if mine.empty and len(outcomes):
            raise DatasetError(f"the frame has no rows of {self.setting}, which this policy is for")
        confidence = mine["confidence"].to_numpy(np.float64, na_value=np.nan)
        accept_from, review_from = (
            np.full(len(mine), getattr(self.cuts, name)) for name in ("accept_from", "review_from")
        )
        if self.by is not None:
            values = mine[self.by].astype(str).to_numpy()
            for value, cuts in self.slices.items():
                accept_from[values == value], review_from[values == value] = cuts.accept_from, cuts.review_from
        answered = mine["text"].notna().to_numpy()
        accepted = answered & (confidence >= accept_from)
        accepted[accepted] = self.rules.allowed(mine[accepted], outcomes).to_numpy()
        reviewed = (review_from == -np.inf) | (confidence >= review_from)
        decision = np.where(accepted, "accept", np.where(reviewed, "review", "reject"))
        return pd.Series(decision, index=mine.index, name="decision", dtype="str")

    def to_json(self) -> str:
        """The policy as JSON; infinite thresholds are null, which says "none"."""
        made: dict[str, Any] = {"schema": SCHEMA, **asdict(self)}
        made["cuts"] = _plain(self.cuts)
        made["slices"] = {value: _plain(cuts) for value, cuts in self.slices.items()}
        return json.dumps(made, ensure_ascii=False, indent=2, allow_nan=False) + "\n"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the policy to a JSON file; gives its path."""
        path = Path(path)
        path.write_text(self.to_json(), encoding="utf-8")
        return path

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The policy that `to_json` wrote."""
        try:
            made = json.loads(text)
            if made.pop("schema") != SCHEMA:
                raise DatasetError(f"this policy has another schema; this version reads {SCHEMA}")
            made["cuts"] = _cuts(made["cuts"])
            made["slices"] = {value: _cuts(cuts) for value, cuts in made["slices"].items()}
            made["rules"] = Rules(**made["rules"])
            return cls(**made)
        except DatasetError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DatasetError(f"this is not a policy that to_json wrote: {error}") from error

    def _cuts_for(self, tags: Mapping[str, Any] | None) -> Cuts:
        if self.by is None:
            return self.cuts
        if tags is None or self.by not in tags:
            raise SettingError(f"this policy decides by {self.by!r}: give tags={{{self.by!r}: …}}")
        return self.slices.get(str(tags[self.by]), self.cuts)


def load_policy(path: str | os.PathLike[str]) -> Policy:
    """Read a policy that `Policy.save` wrote.

    Parameters
    ----------
    path : str or path
        A JSON file.

    Returns
    -------
    Policy

    Raises
    ------
    DatasetError
        If the file cannot be read or is not a policy.

    Examples
    --------
    >>> import toolkit as tk
    >>> tk.load_policy("nowhere.json")
    Traceback (most recent call last):
    toolkit.errors.DatasetError: nowhere.json cannot be read: No such file or directory
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    try:
        return Policy.from_json(text)
    except DatasetError as error:
        raise DatasetError(f"{path}: {error}") from error


def policy_of_choice(choice: "Choice", rules: Rules | None = None) -> Policy:
    """See `Choice.to_policy`."""
    return _made(
        choice.name, Cuts(choice.threshold), rules,
        {"max_risk": choice.max_risk, "confidence_level": choice.confidence, "method": choice.method,
         "of": "all images" if choice.of_all else "accepted answers", "loss": choice.loss, "text": choice.explain()},
        {"images": choice.images, "accepted": choice.accepted, "wrong": choice.wrong, "checksum": _checksum(choice.table)},
    )  # fmt: skip


def policy_of_slices(choice: "SlicedChoice", rules: Rules | None = None) -> Policy:
    """See `SlicedChoice.to_policy`. A slice without a threshold, and a value never seen, is reviewed whole."""
    cuts = {
        str(value): Cuts(one.threshold if one.status == "controlled" else np.inf)
        for value, one in choice.choices.items()
    }
    made = _made(
        choice.common.name, Cuts(np.inf), rules,
        {"max_risk": choice.max_risk, "confidence_level": choice.confidence_level, "method": choice.common.method,
         "of": "accepted answers of every slice, all together", "loss": choice.common.loss, "text": choice.explain()},
        {"images": choice.common.images, "accepted": int(choice.table["accepted"].sum()),
         "wrong": int(choice.table["wrong"].sum()), "checksum": _checksum(choice.table)},
    )  # fmt: skip
    return replace(made, by=choice.by, slices=cuts)


def policy_of_bands(bands: "DecisionBands", rules: Rules | None = None) -> Policy:
    """See `DecisionBands.to_policy`."""
    chosen = bands.choice
    guarantee: dict[str, Any] = {"text": bands.explain()}
    if chosen is not None:
        guarantee |= {"max_risk": chosen.max_risk, "confidence_level": chosen.confidence, "method": chosen.method,
                      "of": "accepted answers", "loss": chosen.loss}  # fmt: skip
    accepted = bands.table.to_dict("records")[0]
    calibration = {"images": bands.images, "accepted": int(accepted["images"]), "wrong": int(accepted["wrong"]),
                   "checksum": _checksum(bands.candidates)}  # fmt: skip
    return _made(bands.name, Cuts(bands.accept_from, bands.review_from), rules, guarantee, calibration)


def _made(
    setting: str, cuts: Cuts, rules: Rules | None, guarantee: dict[str, Any], calibration: dict[str, Any]
) -> Policy:
    versions = {"image-to-text-toolkit": __version__}
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    return Policy(
        setting,
        cuts,
        rules=rules or Rules(),
        guarantee=guarantee,
        calibration=calibration,
        made_at=made_at,
        versions=versions,
    )


def _checksum(table: pd.DataFrame) -> str:
    """Of the counts that the thresholds were chosen on: another set of images, or other answers, gives another one."""
    numbers = table.select_dtypes("number").to_numpy(np.float64)
    return f"sha256:{hashlib.sha256(np.ascontiguousarray(numbers).tobytes()).hexdigest()}"


def _plain(cuts: Cuts) -> dict[str, float | None]:
    accept, review = float(cuts.accept_from), float(cuts.review_from)
    return {
        "accept_from": accept if np.isfinite(accept) else None,
        "review_from": review if np.isfinite(review) else None,
    }


def _cuts(made: Mapping[str, float | None]) -> Cuts:
    accept, review = made["accept_from"], made["review_from"]
    return Cuts(np.inf if accept is None else float(accept), -np.inf if review is None else float(review))
