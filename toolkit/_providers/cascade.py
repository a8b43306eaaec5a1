"""Settings asked in turn while unsure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from toolkit._providers.base import NOT_IN_IDENTITY, Provider
from toolkit.errors import ProviderError, SettingError, Unsolvable
from toolkit.metrics import STRICT
from toolkit.types import Answer, Flow, Sample

Least = float | Literal["agrees"] | None
"""When an answer is taken: from a confidence on, when an earlier stage gave the same text, or always."""

Stage = tuple[Provider, Least]
"""A setting, and when its answer is taken."""


@dataclass(frozen=True)
class Cascade(Provider):
    """Asks the first of `stages`, and the next one only if that gave no answer or is not sure enough.

    A stage is a setting, or a pair of a setting and the confidence from which its answer is taken; an answer without
    a confidence reaches none. In place of a confidence, ``"agrees"`` takes an answer whose text an earlier stage gave
    too (compared as `toolkit.metrics.STRICT` does): two settings that must agree, and a third that breaks ties. With a threshold on the last stage too, an image that nobody is sure about has no
    answer. Usage, money and time of all stages that were asked add up. What it would do on recorded answers says
    `tk.stats.replay_cascade`; which one to take, `tk.stats.search_cascades`.

    ::

        tk.Cascade((tk.RapidOCR(), 0.9), tk.CapSolver(module="common"))
        tk.Cascade((tk.RapidOCR(), "agrees"), (tk.Tesseract(), "agrees"), (tk.CapSolver(), "agrees"))
    """

    name: ClassVar[str] = "cascade"

    stages: tuple[Stage, ...] = field(default=(), metadata=NOT_IN_IDENTITY)

    def __init__(self, *stages: Provider | Stage, alias: str | None = None) -> None:
        object.__setattr__(self, "alias", alias)
        object.__setattr__(self, "stages", tuple(_stage(stage) for stage in stages))
        if len(stages) < 2:
            raise SettingError("a cascade has two stages at least: Cascade((first, 0.9), second)")
        labels = [provider.label for provider, _ in self.stages]
        if len(set(labels)) < len(labels):
            raise SettingError(f"a cascade asks each setting once, and {' > '.join(labels)} names one again")

    @property
    def label(self) -> str:
        """``first >=0.9 > second``, ``first if agreed > second if agreed``, or the alias."""
        if self.alias is not None:
            return self.alias
        return " > ".join(_in_words(stage.label, least) for stage, least in self.stages)

    @property
    def parameters(self) -> dict[str, Any]:
        """Each stage with its parameters and its threshold."""
        return {
            "stages": [
                {"provider": stage.name, "parameters": stage.parameters, "threshold": least}
                for stage, least in self.stages
            ]
        }

    @property
    def prices(self) -> Mapping[str, float] | None:
        """USD for each quantity of each stage, under ``stage: quantity``; None when a stage has no price."""
        prices: dict[str, float] = {}
        for stage, _ in self.stages:
            if stage.prices is None:
                return None
            prices |= {own(stage, name): usd for name, usd in stage.prices.items()}
        return prices

    @property
    def max_cost_usd(self) -> float | None:
        """What asking all stages can cost."""
        worst = [stage.max_cost_usd for stage, _ in self.stages]
        return None if None in worst else sum(usd for usd in worst if usd is not None)

    def versions(self) -> dict[str, str]:
        """Versions of all stages."""
        return {own(stage, part): version for stage, _ in self.stages for part, version in stage.versions().items()}

    def takes(self, number: int, answer: Answer | None, earlier: Sequence[str] = ()) -> bool:
        """Whether the answer of that stage (from 0) ends the cascade; `earlier` are the texts of the stages before."""
        if answer is None:
            return False
        _, least = self.stages[number]
        if least == "agrees":
            return STRICT(answer.text) in map(STRICT, earlier)
        return least is None or (answer.confidence is not None and answer.confidence >= least)

    def flow(self, sample: Sample) -> Flow:
        """The stages' flows one after the other, for stages that share a world; a run gives each its own."""
        usage: dict[str, float] = {}
        earlier: list[str] = []
        for number, (stage, _) in enumerate(self.stages):
            try:
                answer = yield from stage.flow(sample)
            except ProviderError:
                if number == len(self.stages) - 1:
                    raise
                continue
            usage |= {own(stage, name): quantity for name, quantity in answer.usage.items()}
            if self.takes(number, answer, earlier):
                return Answer(answer.text, answer.confidence, usage)
            earlier.append(answer.text)
        raise unsure()


def unsure() -> Unsolvable:
    """What a cascade says when its last stage answered and was not sure enough."""
    return Unsolvable("no stage was sure enough")


def own(stage: Provider, name: str) -> str:
    """A stage's quantity or part, told apart from another stage's."""
    return f"{stage.label}: {name}"


def _stage(stage: Provider | Stage) -> Stage:
    provider, least = stage if isinstance(stage, tuple) else (stage, None)
    if not isinstance(provider, Provider) or isinstance(provider, Cascade):
        raise SettingError(f"a stage is a setting, or a pair of a setting and a threshold, not {stage!r}")
    if least is not None and least != "agrees" and not (isinstance(least, (int, float)) and 0 <= least <= 1):
        raise SettingError(
            f'{provider.label}: a threshold on confidence must lie between 0 and 1, or be "agrees", got {least!r}'
        )
    return provider, least


def _in_words(label: str, least: Least) -> str:
    if least is None:
        return label
    return f"{label} if agreed" if least == "agrees" else f"{label} >={least:g}"
