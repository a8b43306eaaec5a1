"""`sandbox`: the services' protocols on this machine, to rehearse a run without a key, a network or a bill."""

from functools import partial
from typing import Any, TypeVar

from toolkit._dataset import Dataset
from toolkit._providers.base import LocalProvider, ServiceProvider
from toolkit._providers.capmonster import CapMonster
from toolkit._providers.capsolver import CapSolver
from toolkit._providers.openai_compatible import OpenAICompatible
from toolkit._sandbox import Oracle, Reader, Sandbox
from toolkit.errors import SettingError, Unsolvable

P = TypeVar("P", bound=ServiceProvider)

_TOKEN_PRICES = ("price_input_per_million_usd", "price_output_per_million_usd")


class _AtHome(partial[P]):
    """A provider at the sandbox's address. The sandbox's price gives way to prices of tokens."""

    def __call__(self, /, *args: Any, **given: Any) -> P:
        if any(given.get(name) is not None for name in _TOKEN_PRICES):
            given = {"price_per_1000_usd": None, **given}
        return super().__call__(*args, **given)


class Box(Sandbox):
    """A running sandbox with the providers that speak to it.

    ``box.CapSolver(module="common")`` is the ordinary provider with the sandbox's address and price and the first of
    its good keys; `oracle` is the reader that knows the truth about every threshold, where one was asked for.
    """

    def __init__(self, reader: Reader, oracle: Oracle | None, **options: Any) -> None:
        super().__init__(reader, **options)
        self.oracle = oracle

    @property
    def CapSolver(self) -> "partial[CapSolver]":  # noqa: N802 -- it stands for the class
        """`tk.CapSolver` at this sandbox; to be called, or given to `tk.grid`, like the class."""
        return self._at_home(CapSolver)

    @property
    def CapMonster(self) -> "partial[CapMonster]":  # noqa: N802
        """`tk.CapMonster` at this sandbox."""
        return self._at_home(CapMonster)

    @property
    def OpenAICompatible(self) -> "partial[OpenAICompatible]":  # noqa: N802
        """`tk.OpenAICompatible` at this sandbox."""
        return self._at_home(OpenAICompatible)

    def _at_home(self, provider: type[P]) -> "partial[P]":
        if provider.name not in self.urls:
            raise SettingError("the sandbox is not running; use it in a with block, or start() it")
        return _AtHome(
            provider,
            base_url=self.urls[provider.name],
            key=next(iter(self.keys), None),
            price_per_1000_usd=float(self.price_per_1000_usd[provider.name]),
        )


def sandbox(
    dataset: Dataset | None = None,
    engine: LocalProvider | None = None,
    *,
    oracle: dict[str, Any] | None = None,
    **options: Any,
) -> Box:
    """CapSolver, CapMonster Cloud and an OpenAI-compatible endpoint on 127.0.0.1, for use in a ``with`` block.

    Images are read by `engine`, a real local one, whose confidence is held against `score` and
    `recognizing_threshold`; or by an oracle that knows the images of `dataset` and errs on purpose, as `oracle` says
    (accuracy, confidence_when_right, confidence_when_wrong, silence, seed). `options` are those of
    `toolkit._sandbox.Sandbox`: delay, faults, requests_per_s, keys, balance_usd, ports, … An answer costs an invented
    0.001 USD, unless price_per_1000_usd says otherwise.
    """
    if (dataset is None) == (engine is None):
        raise SettingError("a sandbox reads with an engine, or answers for a dataset: give one of the two")
    if engine is not None:
        return Box(_reader(engine), None, **options)
    assert dataset is not None  # noqa: S101 -- one of the two was given
    knowing = Oracle(((sample.image, sample.target or "") for sample in dataset), **oracle or {})
    return Box(knowing, knowing, **options)


def _reader(engine: LocalProvider) -> Reader:
    def read(image: bytes) -> tuple[str | None, float]:
        try:
            answer = engine.read(image)
        except Unsolvable:
            return None, 0.0
        return answer.text, 1.0 if answer.confidence is None else answer.confidence

    return read
