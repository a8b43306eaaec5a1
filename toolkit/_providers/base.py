"""What a provider is: a frozen dataclass whose fields are its settings and whose `flow` is its exchange."""

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from difflib import get_close_matches
from functools import cache, partial
from itertools import product
from typing import Any, ClassVar, Self, TypeVar

from toolkit._providers._access import check_key, is_address, is_date, without_secrets
from toolkit.errors import BadRequest, ProtocolError, SettingError
from toolkit.types import Answer, Compute, Flow, Sample, Step

P = TypeVar("P", bound="Provider")

ALWAYS_IN_LABEL = {"shown": True}
"""Field metadata: this parameter stands in the label even at its default value, unless that is None."""

NOT_IN_IDENTITY = {"aside": True}
"""Field metadata: this parameter does not decide the answer (a key, a price, an address). It stands in no label and
is no part of what a store is recognised by."""


NOT_IN_LABEL = {"unlabelled": True}
"""Field metadata: this parameter decides the answer but is too long for a label; the manifest has it."""


@dataclass(frozen=True)
class Provider(ABC):
    """One service or engine, configured: a *setting*.

    A subclass is a frozen dataclass. Its fields are the module settings, its `name` begins the label under
    which it stands in every table, and its `flow` yields the steps that lead from an image to an answer. It
    opens nothing, waits for nothing and measures nothing: the engine does.

    `alias` replaces the label, for settings that would otherwise be told apart by a long path only.
    """

    name: ClassVar[str]
    image_bytes: ClassVar[range | None] = None
    """How many bytes an image may have, where the service says so."""
    confidence_is: ClassVar[str | None] = None
    """What its confidence is, for people; None without one. This and what follows is what `tk.providers` lists."""
    charged_by: ClassVar[str | None] = None
    extra: ClassVar[str | None] = None
    needs: ClassVar[tuple[str, ...]] = ()
    """Modules that have to be installed."""
    tested_against: ClassVar[str | None] = None

    alias: str | None = field(default=None, kw_only=True, metadata=NOT_IN_IDENTITY)

    def __new__(cls, *_: Any, **parameters: Any) -> Self:
        # A dataclass would answer an unknown name with a bare TypeError; a newcomer needs the list of right ones.
        for given in parameters:
            if given not in _parameters(cls):
                raise SettingError(_unknown(cls, given))
        return super().__new__(cls)

    @abstractmethod
    def flow(self, sample: Sample) -> Flow:
        """Yield `Call`, `Wait`, `Submitted` or `Compute` steps; return an `Answer` or raise a `ProviderError`."""

    def refuses(self, image: bytes) -> str | None:
        """Why this image need not be asked about, as far as its bytes tell; None when nothing speaks against it."""
        if not image:
            return "the image is empty"
        allowed = self.image_bytes
        if allowed is None or len(image) in allowed:
            return None
        cure = f"; dataset.prepare(max_bytes={allowed.stop - 1}) makes it fit" if len(image) >= allowed.stop else ""
        takes = f"{allowed.start:,} to {allowed.stop - 1:,} bytes"
        return f"{len(image):,} bytes; {type(self).__name__} takes images of {takes}{cure}"

    @property
    def label(self) -> str:
        """``name(parameter=value)`` with the parameters that differ from their defaults, or the alias."""
        if self.alias is not None:
            return self.alias
        shown = (
            f"{f.name}={getattr(self, f.name)!r}"
            for f in _settings(self)
            if not f.metadata.get("unlabelled")
            if getattr(self, f.name) != _default(f) or (f.metadata.get("shown") and getattr(self, f.name) is not None)
        )
        return f"{self.name}({', '.join(shown)})"

    @property
    def parameters(self) -> dict[str, Any]:
        """All settings by name, without what stands aside: what the manifest keeps."""
        return {f.name: getattr(self, f.name) for f in _settings(self)}

    @property
    def prices(self) -> Mapping[str, float] | None:
        """USD for one of each quantity in an answer's ``usage``; empty when free, None when nobody said a price."""
        return None

    @property
    def max_cost_usd(self) -> float | None:
        """The most that one reading can cost, which is reserved before it is sent; None without a price."""
        prices = self.prices
        return None if prices is None else sum(prices.values())

    @property
    def account(self) -> "Account | None":
        """Whose money and limits a reading uses; None for an engine on this machine."""
        return None

    def versions(self) -> dict[str, str]:
        """Versions of what decides the answer (library, model, language data).

        Called once before a run starts, so it is also where a missing part is noticed: `MissingExtra` or
        `SettingError` with the cure.
        """
        return {}


class LocalProvider(Provider):
    """An engine on this machine. A subclass has one job: `read`.

    The bytes go in as the file had them, because decoding is part of what a user waits for. Whatever `load`
    gives is made once per worker process, before the clock starts, and is there as ``self.engine``.
    """

    @abstractmethod
    def read(self, image: bytes) -> Answer:
        """The text in an encoded image; `Unsolvable` when there is none, `BadRequest` when it is no image."""

    def load(self) -> Any:
        """Make what `read` needs and should not be charged for: a model, an open library handle."""
        return None

    @property
    def prices(self) -> Mapping[str, float]:
        """Nothing is charged for this machine's work."""
        return {}

    @property
    def engine(self) -> Any:
        """What `load` gave in this process."""
        if self._key not in _engines:
            _engines[self._key] = self.load()
        return _engines[self._key]

    def ready(self) -> bool:
        """Have the engine loaded in this process; True when that was done just now."""
        fresh = self._key not in _engines
        self.engine  # noqa: B018 -- the look is what loads it
        return fresh

    def flow(self, sample: Sample) -> Flow:
        answer: Answer = yield Compute(self.read, (sample.image,), self.ready)
        return answer

    @property
    def _key(self) -> tuple[type, str]:
        return type(self), repr(self)


@dataclass(frozen=True)
class Account:
    """One key with one service at one address: what limits, balance and fatal errors belong to."""

    service: str
    base_url: str
    key: str = field(repr=False)


@dataclass(frozen=True)
class ServiceProvider(Provider):
    """A paid service. A subclass writes its `flow`, and says how its balance is read where it has one.

    `key` is the account's key, from the environment variable `key_variable` when it is not given; it stands in no
    repr, label, manifest or record. `base_url` replaces the service's public address. `price_per_1000_usd` is what
    you pay for a thousand charged answers, as of `price_date` (year-month-day): no price is built in, because none is
    published that holds for every account. Without one, cost is missing. `SettingError` for what is none of these.
    """

    charged_by: ClassVar[str | None] = "answer"
    forgotten: ClassVar[frozenset[str]] = frozenset()
    """Error codes of a task that the service does not know, or no longer keeps."""
    key_variable: ClassVar[str]
    public_url: ClassVar[str]

    key: str | None = field(default=None, kw_only=True, repr=False, metadata=NOT_IN_IDENTITY)
    base_url: str | None = field(default=None, kw_only=True, metadata=NOT_IN_IDENTITY)
    price_per_1000_usd: float | None = field(default=None, kw_only=True, metadata=NOT_IN_IDENTITY)
    price_date: str | None = field(default=None, kw_only=True, metadata=NOT_IN_IDENTITY)

    def __post_init__(self) -> None:
        service, price = type(self).__name__, self.price_per_1000_usd
        if price is not None and not (type(price) in (int, float) and 0 <= price < math.inf):
            raise SettingError(f"{service}: price_per_1000_usd={price!r} is no amount of money")
        if self.price_date is not None and not is_date(self.price_date):
            raise SettingError(f"{service}: price_date={self.price_date!r} is no date such as '2026-11-23'")
        # An empty address is a variable that was not set: the public one in its stead would take real money.
        if self.base_url is not None and not is_address(self.base_url):
            raise SettingError(
                f"{service}: base_url={without_secrets(self.base_url)} is no address; it begins with https:// or http:// and a host, "
                f"as in {self.public_url}, and holds no key"
            )
        if self.key is not None:
            check_key(self.key, f"{service}: the key=… that was given")

    @property
    def account(self) -> Account:
        """The account; `SettingError` when there is no key."""
        key = self.key or os.environ.get(self.key_variable)
        if not key:
            raise SettingError(f"{self.label} has no key: set {self.key_variable} in the environment, or give key=…")
        if not self.key:
            check_key(key, f"{self.label}: the key in {self.key_variable}")
        return Account(self.name, (self.base_url or self.public_url).rstrip("/"), key)

    @property
    def prices(self) -> Mapping[str, float] | None:
        """USD for one charged answer."""
        return None if self.price_per_1000_usd is None else {"charged": self.price_per_1000_usd / 1000}

    def accepted(self, sample: Sample) -> bytes:
        """The sample's image; `BadRequest` when the service would refuse it, which is then not sent at all."""
        image = sample.image
        reason = self.refuses(image)
        if reason is not None:
            raise BadRequest(reason)
        return image

    def collect(self, task_id: str | int) -> Flow:
        """The rest of a flow whose task was submitted before: ask for the answer by its id.

        A service that answers in the same exchange has nothing to collect.
        """
        yield from ()
        raise ProtocolError(f"{self.name} keeps no tasks to ask for", task_id=task_id)

    def create(self, sample: Sample) -> "Generator[Step, Any, str | int]":  # noqa: ARG002 -- for subclasses
        """Yield the steps that make a task; gives its id."""
        yield from ()
        raise ProtocolError(f"{self.name} makes no tasks: it answers at once")

    def peek(self, task_id: str | int) -> "Generator[Step, Any, Answer | None]":
        """Yield the steps that ask once for a task's answer; None while it is pending."""
        yield from ()
        raise ProtocolError(f"{self.name} keeps no tasks to ask for", task_id=task_id)

    def report_incorrect(self, task_id: str | int) -> "Generator[Step, Any, None]":
        """Yield the steps that tell the service its answer was wrong."""
        yield from ()
        raise ProtocolError(f"{self.name} takes no reports", task_id=task_id)

    def balance(self) -> "Generator[Step, Any, float | None]":
        """Yield the steps that read the account's money in USD; None where the service does not tell."""
        yield from ()
        return None


_engines: dict[tuple[type, str], Any] = {}
"""Loaded engines of this process, by class and parameters: an engine is too large to travel with its setting."""


def grid(provider: "type[P] | partial[P]", **choices: Any) -> list[P]:
    """Every combination of parameters, in the order written: ``grid(Tesseract, psm=[7, 8])`` makes two settings.

    A list or tuple lists the choices of a parameter; anything else is its one value. `SettingError` for an
    unknown parameter or an empty list.
    """
    kind = provider.func if isinstance(provider, partial) else provider
    if not (isinstance(kind, type) and issubclass(kind, Provider)):
        raise SettingError(f"grid makes settings of a provider class, such as tk.Tesseract, not of {provider!r}")
    lists: dict[str, list[Any]] = {}
    for name, values in choices.items():
        if name not in _parameters(kind):
            raise SettingError(_unknown(kind, name))
        lists[name] = list(values) if isinstance(values, (list, tuple, range)) else [values]
        if not lists[name]:
            raise SettingError(f"{kind.__name__}: {name}=[] leaves no setting; give at least one value")
    return [provider(**dict(zip(lists, values, strict=True))) for values in product(*lists.values())]


def distinct(settings: Provider | Iterable[object]) -> dict[str, Provider]:
    """The settings by label; `SettingError` when there is none, or when two share a label."""
    by_label: dict[str, Provider] = {}
    for setting in [settings] if isinstance(settings, Provider) else settings:
        if not isinstance(setting, Provider):
            hint = f"; did you mean {setting.__name__}()?" if isinstance(setting, type) else ""
            raise SettingError(f"a setting is a configured provider such as tk.Tesseract(psm=7), not {setting!r}{hint}")
        if setting.label in by_label:
            raise SettingError(f"two settings are labelled {setting.label!r}; drop one, or give it an alias=…")
        by_label[setting.label] = setting
    if not by_label:
        raise SettingError("no settings given; a run needs at least one, such as tk.RapidOCR()")
    return by_label


@cache
def _parameters(provider: type[Provider]) -> tuple[str, ...]:
    return tuple(f.name for f in fields(provider) if f.init)


def _settings(provider: Provider) -> list["Field[Any]"]:
    return [f for f in fields(provider) if not f.metadata.get("aside")]


def _default(f: "Field[Any]") -> Any:
    return f.default if f.default_factory is MISSING else f.default_factory()


def _unknown(provider: type[Provider], name: str) -> str:
    known = _parameters(provider)
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{provider.__name__} has no parameter {name!r}; {hint}It has {', '.join(known)}"
