"""`check_provider`: everything that the engine, the store and the tables rely on, tried on one provider."""

import copy
import json
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import FrozenInstanceError, is_dataclass
from itertools import chain
from typing import Any

from toolkit._providers.base import LocalProvider, P, Provider, ServiceProvider
from toolkit.errors import DeadlineExceeded, ProviderError, SettingError, TransportError, Unsolvable
from toolkit.testing import hostile
from toolkit.testing.playing import Ending, Respond, faulty_answer, faulty_steps, is_number, play
from toolkit.types import Answer, Reply, Sample

_KEY = "check-provider-key-2f9c41d7"
_TASK = 407533072
_SHOWN = 20


class ContractBroken(AssertionError):
    """A provider does not keep the contract; `violations`, and the message with the first of them, say where."""

    def __init__(self, label: str, violations: Sequence[str]) -> None:
        lines = [f"{label} does not keep the contract:", *(f"- {said}" for said in violations[:_SHOWN])]
        if len(violations) > _SHOWN:  # one mistake can show in every altered reply
            lines.append(f"and {len(violations) - _SHOWN} more in .violations")
        super().__init__("\n".join(lines))
        self.violations = tuple(violations)


def check_provider(
    provider: Provider, sample: Sample | None = None, replies: Sequence[Reply | Mapping[str, Any]] = ()
) -> None:
    """Raise `ContractBroken` with all that is wrong with a provider; give nothing when all is well.

    An engine on this machine reads a plain image, and bytes that are none. A service is never called: it is fed
    replies by hand, all of them hostile, and must end each time in a `ProviderError` and never in an answer.
    `replies` is an exchange that ends well, as JSON objects or `Reply` values in the order of the calls; with it
    the same is tried at every call, and again with each member of each reply left out or replaced. `sample`
    stands in for the plain image. A part that is not installed is raised as the `MissingExtra` it is.
    """
    sample = sample or Sample.from_bytes(hostile.plain_image())
    provider.versions()
    checks: list[Iterator[str]] = [_is_a_value(provider), _is_described(provider), _is_priced(provider)]
    if isinstance(provider, LocalProvider):
        checks.append(_reads(provider, sample))
    else:
        scripted = [reply if isinstance(reply, Reply) else Reply(200, json.dumps(reply).encode()) for reply in replies]
        checks.append(_asks(provider, sample, scripted))
    violations = list(dict.fromkeys(chain.from_iterable(_survived(check) for check in checks)))
    if violations:
        raise ContractBroken(provider.label, violations)


def _survived(check: Iterator[str]) -> Iterator[str]:
    """The check's findings; an exception that ends it is one of them."""
    try:
        yield from check
    except Exception as error:  # noqa: BLE001 -- a provider may raise anything wherever it is touched
        yield f"{type(error).__name__} came out of it: {error}"


# ── a setting is a value ─────────────────────────────────────────────────────────────────────────────────


def _is_a_value(provider: Provider) -> Iterator[str]:
    cls = type(provider)
    if "__dataclass_fields__" not in vars(cls):
        yield f"{cls.__name__} is not decorated with @dataclass(frozen=True), so its fields are no parameters"
        return
    try:
        copy.copy(provider).alias = "changed"  # type: ignore[misc]  # the attempt is the check
        yield "it can be changed after it was made; decorate it with @dataclass(frozen=True)"
    except FrozenInstanceError:
        pass
    twin = copy.copy(provider)
    if twin != provider:
        yield "a second one with the same parameters is not equal to it"
    elif hash(twin) != hash(provider):
        yield "a second one that is equal to it has another hash"
    try:
        sent = pickle.loads(pickle.dumps(provider))  # noqa: S301 -- made a moment ago
        if sent != provider or sent.label != provider.label:
            yield "it comes out of pickle as another one, so it cannot travel to a worker process"
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        yield f"it cannot be pickled, so it cannot travel to a worker process: {error}"
    unknown: dict[str, Any] = {"no_such_parameter": 1}
    try:
        cls(**unknown)
        yield "it takes a parameter that it does not have"
    except SettingError:
        pass


def _is_described(provider: Provider) -> Iterator[str]:
    name: object = getattr(provider, "name", None)
    if not isinstance(name, str) or not name:
        yield "it has no name: write name: ClassVar[str] = ..."
        return
    if not provider.label.strip():
        yield "its label is empty"
    if is_dataclass(provider) and _with(provider, alias="another name").label != "another name":
        yield "its alias does not replace its label"
    try:
        json.dumps(provider.parameters, allow_nan=False)
    except (TypeError, ValueError) as error:
        yield f"its parameters cannot be written into a manifest: {error}"
    versions: object = provider.versions()
    if not isinstance(versions, Mapping) or not all(isinstance(part, str) for part in chain(*versions.items())):
        yield f"its versions are {versions!r}, not texts by name"
    if isinstance(provider, ServiceProvider):
        keyed = _with_our_key(provider)
        for what, shown in {"repr": repr(keyed), "label": keyed.label, "parameters": repr(keyed.parameters)}.items():
            if _KEY in shown:
                yield f"its key can be read in its {what}"


def _is_priced(provider: Provider) -> Iterator[str]:
    prices: object = provider.prices
    if prices is None:
        return
    if not isinstance(prices, Mapping) or not all(is_number(usd) and usd >= 0 for usd in prices.values()):
        yield f"its prices are {prices!r}, not USD by quantity"
    worst: object = provider.max_cost_usd
    if worst is not None and not (is_number(worst) and worst >= 0):  # type: ignore[operator]
        yield f"the most that a reading can cost is {worst!r}, not a number of USD"


def _with(provider: P, **values: Any) -> P:
    """The same setting with some fields changed; not by its constructor, which may be one of its own."""
    other = copy.copy(provider)
    for name, value in values.items():
        object.__setattr__(other, name, value)
    return other


def _with_our_key(provider: ServiceProvider) -> ServiceProvider:
    """The same setting with a key that nobody else's text contains."""
    return _with(provider, key=_KEY)


# ── engines ──────────────────────────────────────────────────────────────────────────────────────────────


def _reads(provider: LocalProvider, sample: Sample) -> Iterator[str]:
    read = play(lambda: provider.flow(sample.loaded()), _no_reply)
    yield from faulty_steps(read, "")
    if read.returned:
        yield from faulty_answer(read.value)
    elif not isinstance(read.error, Unsolvable):
        yield f"given an image, {read}; that is neither an Answer nor Unsolvable"
    for what, data in hostile.no_images().items():
        ending = play(lambda data=data: provider.flow(Sample.from_bytes(data)), _no_reply)  # type: ignore[misc]
        yield from _refused(ending, f"given {what} for an image")


def _no_reply(_: int) -> TransportError:
    return TransportError("nobody is there")


def _refused(ending: Ending, when: str) -> Iterator[str]:
    """Complain unless a flow ended in an error of ours."""
    if not isinstance(ending.error, ProviderError):
        yield f"{when}, {ending}; a ProviderError says what went wrong"


# ── services ─────────────────────────────────────────────────────────────────────────────────────────────


def _asks(provider: Provider, sample: Sample, replies: Sequence[Reply]) -> Iterator[str]:
    keyed = _with_our_key(provider) if isinstance(provider, ServiceProvider) else provider
    sample = sample.loaded()
    refusal = keyed.refuses(sample.image)
    if refusal is not None:
        yield f"it refuses the sample it is to be checked with ({refusal}); give another one"
        return
    exchange = _Exchange("reading an image", lambda: keyed.flow(sample), replies)
    yield from exchange.violations()
    yield from _refused(play(lambda: keyed.flow(Sample.from_bytes(b"")), _no_reply), "given no bytes for an image")
    if isinstance(keyed, ServiceProvider):
        rest = replies[exchange.calls_before_task :]
        for doing, make, good, paid in (
            ("collecting a task", lambda: keyed.collect(_TASK), rest, True),
            ("making a task", lambda: keyed.create(sample), (), False),
            ("asking once for a task", lambda: keyed.peek(_TASK), (), False),
            ("reporting an answer", lambda: keyed.report_incorrect(_TASK), (), False),
            ("reading the balance", keyed.balance, (), False),
        ):
            if _is_offered(make):
                yield from _Exchange(doing, make, good, paid=paid).violations()


def _is_offered(make: Callable[[], object]) -> bool:
    """Whether a service has this exchange at all: one it does without asks nothing and says so."""
    ending = play(make, _no_reply)
    return bool(ending.steps) or not (ending.value is None and isinstance(ending.error, ProviderError | None))


class _Exchange:
    """One flow of a service, played again and again with something amiss each time."""

    def __init__(self, doing: str, make: Callable[[], object], good: Sequence[Reply], *, paid: bool = False) -> None:
        self.doing, self.make, self.good, self.paid = doing, make, good, paid
        self.answer: Answer | None = None
        self.calls_before_task = len(good)

    def violations(self) -> Iterator[str]:
        """What is wrong with the flow, in sentences."""
        yield from self._goes_well()
        for at in range(max(1, len(self.good))):
            before = f"{self.doing}, call {at + 1} gets "
            for what, reply in hostile.REPLIES.items():
                yield from self._must_fail(self._from(at, reply), before + what)
            yield from self._must_fail(self._from(at, TransportError("the connection was cut")), before + "no reply")
        yield from self._heeds_the_service()
        yield from self._heeds_its_time()
        yield from self._bears_alterations()

    def _from(self, at: int, then: Reply | ProviderError) -> Respond:
        """The good replies before call `at`, and the same thing for ever after."""
        return lambda n: self.good[n] if n < at else then

    def _goes_well(self) -> Iterator[str]:
        if not self.good:
            return
        ending = play(self.make, lambda n: self.good[n] if n < len(self.good) else _no_reply(n))
        yield from faulty_steps(ending, _KEY)
        self.calls_before_task = ending.calls_before_task
        if not ending.returned:
            yield f"{self.doing}, with the replies that should end well {ending}"
            return
        faults = list(faulty_answer(ending.value))
        yield from faults
        if not faults and isinstance(ending.value, Answer):
            self.answer = ending.value

    def _must_fail(self, respond: Respond, when: str) -> Iterator[str]:
        ending = play(self.make, respond)
        yield from faulty_steps(ending, _KEY)
        yield from _refused(ending, when)
        yield from self._careful(ending, when)

    def _careful(self, ending: Ending, when: str) -> Iterator[str]:
        if _KEY in str(ending.error):
            yield f"{when}, and the error's words contain the key"
        paid = self.paid or ending.task_id is not None
        if paid and isinstance(ending.error, ProviderError) and ending.error.retry:
            kind = type(ending.error).__name__
            yield f"{when} after the task was submitted, and {kind} leaves the flow: a retry would pay for a second task"

    def _heeds_the_service(self) -> Iterator[str]:
        if self.paid:
            return
        error = play(self.make, self._from(0, hostile.REPLIES["too many requests"])).error
        if isinstance(error, ProviderError) and (not error.retry or error.after_s != hostile.RETRY_AFTER_S):
            seconds = hostile.RETRY_AFTER_S
            yield (
                f"{self.doing}, a reply with status 429 and retry-after: {seconds:g} should become RateLimited with "
                f"after_s={seconds:g}; it became {type(error).__name__} with after_s={error.after_s}"
            )

    def _heeds_its_time(self) -> Iterator[str]:
        pending = self.good[-1:] or [Reply(500, b"")]
        steps = len(play(self.make, lambda n: [*self.good, *pending][min(n, len(self.good))]).steps)
        for at in range(min(steps, 10)):
            ending = play(self.make, lambda n: [*self.good, *pending][min(n, len(self.good))], deadline_at=at)
            if not isinstance(ending.error, DeadlineExceeded) or len(ending.steps) > at + 1:
                yield f"{self.doing}, it does not stop when its time is up: let DeadlineExceeded pass"
                return

    def _bears_alterations(self) -> Iterator[str]:
        for at, reply in enumerate(self.good):
            for what, old, new, altered in hostile.altered(reply):
                last = self.good[-1] if at < len(self.good) - 1 else altered
                script = [*self.good[:at], altered, *self.good[at + 1 :], last]
                ending = play(self.make, lambda n, script=script: script[min(n, len(script) - 1)])  # type: ignore[misc]
                when = f"{self.doing}, call {at + 1} gets its reply {what}"
                yield from self._careful(ending, when)
                if ending.returned:
                    yield from (f"{when}, and {fault}" for fault in faulty_answer(ending.value))
                    if self._made_up(old, new, ending.value):
                        yield f"{when}, and {ending}; a reply without its text is a ProtocolError"
                else:
                    yield from _refused(ending, when)

    def _made_up(self, old: object, new: object, value: object) -> bool:
        """Whether the answer's text gave way to something else, and the flow made a text of that."""
        if self.answer is None or not isinstance(value, Answer) or isinstance(new, str):
            return False
        if type(new) is int and value.text == str(new):  # digits without quotes are a text that was paid for
            return False
        return old == self.answer.text != value.text  # the same text may stand elsewhere in a reply, for no use
