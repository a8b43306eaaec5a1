"""The contract suite: our own providers keep the contract, and whoever breaks it is told how."""

import base64
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from itertools import count
from typing import Any, ClassVar

import pytest
from test_cloud import GOOD
from test_create_task import SERVICES

from toolkit._providers import (
    REGISTRY,
    CapMonster,
    CapSolver,
    CommandLine,
    Ddddocr,
    HTTPService,
    LocalProvider,
    OCRServer,
    OpenAICompatible,
    Provider,
    RapidOCR,
    Tesseract,
)
from toolkit._providers._images import decode
from toolkit._providers.base import ServiceProvider
from toolkit.errors import (
    BadRequest,
    MissingExtra,
    ProtocolError,
    RateLimited,
    TransportError,
    Unsolvable,
)
from toolkit.testing import ContractBroken, check_provider
from toolkit.types import Answer, Call, Flow, Reply, Sample, Submitted, Wait

READY = {"errorId": 0, "errorCode": "", "errorDescription": "", "status": "ready", "taskId": "6f1c"}
PENDING = {"errorCode": None, "errorDescription": None, "errorId": 0, "status": "processing"}
CREATED = {"errorId": 0, "taskId": 407533072}
COMPLETION = {
    "choices": [
        {
            "message": {"role": "assistant", "content": "A7K2", "refusal": None},
            "logprobs": {"content": [{"token": "A7K2", "logprob": -0.1}]},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 100, "completion_tokens": 4, "total_tokens": 104},
}

OURS: list[Any] = [
    (RapidOCR(), []),
    (Tesseract(), []),
    pytest.param(Ddddocr(), [], marks=pytest.mark.skipif(find_spec("ddddocr") is None, reason="no ddddocr")),
    (CommandLine([sys.executable, "-c", "print('A7K2')"]), []),
    (
        HTTPService("https://ocr.example/read", request={"i": "{image}"}, text="r.0.text", confidence="r.0.score"),
        [{"r": [{"text": "A7K2", "score": 0.9}]}],
    ),
    (
        OCRServer(base_url="http://127.0.0.1:1"),
        [{"results": [{"text": "A7K2", "bbox": [0, 0, 9, 9], "confidence": 0.9}]}],
    ),
    (CapSolver(), [READY | {"solution": {"text": "A7K2", "confidence": 0.9}}]),
    (CapSolver("number", 0.9), [READY | {"solution": {"answers": ["42"]}}]),
    (CapSolver(), [{"errorId": 0, "taskId": "6f1c"}, PENDING, READY | {"solution": {"text": "A7K2"}}]),
    (CapMonster("universal", 70), [CREATED, PENDING, {"errorId": 0, "status": "ready", "solution": {"text": "A7K2"}}]),
    (OpenAICompatible("m", logprobs=True), [COMPLETION]),
    (OpenAICompatible("m", price_input_per_million_usd=1, price_output_per_million_usd=2), [COMPLETION]),
]


@pytest.mark.parametrize(("provider", "replies"), OURS, ids=lambda value: getattr(value, "label", None))
def test_our_providers_keep_the_contract(provider, replies):
    """With an exchange that goes well, everything in it is tried otherwise as well."""
    check_provider(provider, replies=replies)


@pytest.mark.parametrize("provider", [CapSolver(), CapMonster(), OpenAICompatible("m")], ids=lambda p: p.label)
def test_a_service_can_be_checked_without_an_exchange(provider):
    """Then only what hostile services say is tried."""
    check_provider(provider)


def test_no_provider_of_ours_goes_unchecked():
    """A new one has to be added to the list above."""
    checked = {type(getattr(one, "values", one)[0]).__name__ for one in [*OURS, *GOOD, *SERVICES]} - {"MadeUp"}

    assert checked == {provider.__name__ for provider in REGISTRY.values()}


def test_no_key_is_needed_and_none_is_used(monkeypatch):
    """The check brings its own, so that nobody's can end in a message."""
    monkeypatch.delenv("CAPSOLVER_API_KEY", raising=False)

    check_provider(CapSolver())
    with pytest.raises(ContractBroken) as broken:
        check_provider(Careless("leaky", key="my own key"), replies=[{"text": "A7K2"}])

    assert "my own key" not in str(broken.value)


# ── engines that break it ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Faulty(LocalProvider):
    """Reads images of four letters, and does one thing wrong."""

    name: ClassVar[str] = "faulty"

    fault: str = "none"

    def read(self, image: bytes) -> Any:
        if self.fault == "crashes":
            raise KeyError("pixels")
        if self.fault == "reads anything":
            return Answer("A7K2")
        decode(image)
        if self.fault == "refuses":
            raise BadRequest("no thanks")
        return {
            "none": Answer("A7K2", 0.5),
            "bare text": "A7K2",
            "no text": Answer(None),  # type: ignore[arg-type]
            "half a letter": Answer("\ud800"),
            "percent": Answer("A7K2", 95),
            "nan": Answer("A7K2", float("nan")),
            "usage": Answer("A7K2", usage={"charged": -1}),
            "usage in words": Answer("A7K2", usage="much"),  # type: ignore[arg-type]
        }[self.fault]

    def versions(self) -> dict[str, str]:
        if self.fault == "not installed":
            raise MissingExtra("Faulty needs a library", "faulty")
        return {"faulty": 1} if self.fault == "versions" else {}  # type: ignore[dict-item]

    @property
    def prices(self) -> Mapping[str, float]:
        return {"charged": -0.1} if self.fault == "prices" else {}


class Undecorated(Faulty):
    """Whose new field is no parameter."""

    level: int = 3


@dataclass(frozen=True)
class Thawed(Faulty):
    """Can be changed after it was made."""


Thawed.__setattr__ = object.__setattr__  # type: ignore[method-assign,assignment]  # a dataclass would refuse it above


@dataclass(frozen=True, eq=False)
class Unequal(Faulty):
    """Compares by identity."""

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


@dataclass(frozen=True)
class Rooted(Faulty):
    """Holds what cannot travel, nor be written down."""

    open: Any = field(default_factory=lambda: lambda image: image)


@dataclass(frozen=True)
class Nameless(LocalProvider):
    """Has no name to begin a label with."""

    def read(self, image: bytes) -> Answer:
        decode(image)
        return Answer("A7K2")


@dataclass(frozen=True)
class Impatient(Faulty):
    """Has a flow that is no generator."""

    def flow(self, sample: Sample) -> Any:
        return self.read(sample.image)


@dataclass(frozen=True)
class Secretive(Faulty):
    """Has a label of its own, in which an alias does not show."""

    @property
    def label(self) -> str:
        return "secretive"


@dataclass(frozen=True)
class Shifting(Faulty):
    """Has another hash each time."""

    hashes: ClassVar[Iterator[int]] = count()

    def __hash__(self) -> int:
        return next(self.hashes)


@dataclass(frozen=True)
class Blank(Faulty):
    """Has a label that nobody can read."""

    @property
    def label(self) -> str:
        return " " if self.alias is None else self.alias


@dataclass(frozen=True)
class Fragile(Faulty):
    """Breaks when its price is asked."""

    @property
    def prices(self) -> Mapping[str, float]:
        raise ZeroDivisionError("no images, no price")


class Permissive(Faulty):
    """Takes whatever it is given."""

    def __new__(cls, *_: Any, **parameters: Any) -> Any:
        return object.__new__(cls)

    def __init__(self, **parameters: Any) -> None:
        super().__init__()


Permissive = dataclass(frozen=True, init=False)(Permissive)  # type: ignore[misc]


@dataclass(frozen=True, init=False)
class Composed(Faulty):
    """Has a constructor of its own."""

    parts: tuple[str, ...] = ()

    def __init__(self, *parts: str, alias: str | None = None) -> None:
        super().__init__(alias=alias)
        object.__setattr__(self, "parts", parts)


def violations(provider: Provider, *replies: Any) -> tuple[str, ...]:
    with pytest.raises(ContractBroken) as broken:
        check_provider(provider, replies=replies)
    return broken.value.violations


def test_an_engine_without_a_fault_passes():
    """So that what is found below is the fault."""
    check_provider(Faulty())


@pytest.mark.parametrize(
    ("provider", "finding"),
    [
        (Faulty("crashes"), "given an image, it raised KeyError: 'pixels'; that is neither an Answer nor Unsolvable"),
        (Faulty("refuses"), "given an image, it raised BadRequest: no thanks; that is neither"),
        (Faulty("reads anything"), "given no bytes for an image, it returned Answer(text='A7K2'"),
        (Faulty("reads anything"), "given a text for an image, it returned Answer"),
        (Faulty("reads anything"), "given a PNG that was cut for an image, it returned Answer"),
        (Faulty("bare text"), "it returned 'A7K2' where an Answer should be"),
        (Faulty("no text"), "the answer's text is None, not a text"),
        (Faulty("half a letter"), "the answer's text holds half a character"),
        (Faulty("percent"), "the answer's confidence is 95, not None or a number from 0 to 1"),
        (Faulty("nan"), "the answer's confidence is nan"),
        (Faulty("usage"), "the answer's usage is {'charged': -1}, and bills are made of numbers from 0"),
        (Faulty("usage in words"), "the answer's usage is 'much', not quantities by name"),
        (Faulty("versions"), "its versions are {'faulty': 1}, not texts by name"),
        (Faulty("prices"), "its prices are {'charged': -0.1}, not USD by quantity"),
        (Undecorated(), "Undecorated is not decorated with @dataclass(frozen=True)"),
        (Thawed(), "it can be changed after it was made"),
        (Unequal(), "a second one with the same parameters is not equal to it"),
        (Rooted(), "it cannot be pickled, so it cannot travel to a worker process"),
        (Rooted(), "its parameters cannot be written into a manifest"),
        (Nameless(alias="one"), "it has no name: write name: ClassVar[str] = ..."),
        (Impatient(), "a flow is a generator, not Answer; does it yield its steps?"),
        (Shifting(), "a second one that is equal to it has another hash"),
        (Blank(), "its label is empty"),
        (Fragile(), "ZeroDivisionError came out of it: no images, no price"),
        (Permissive(), "it takes a parameter that it does not have"),
        (Secretive(), "its alias does not replace its label"),
    ],
    ids=lambda value: value.split(",")[0] if isinstance(value, str) else type(value).__name__,
)
def test_a_fault_of_an_engine_is_named(provider, finding):
    """In a sentence that says what was done and what came of it."""
    assert any(said.startswith(finding) or finding in said for said in violations(provider))


def test_a_constructor_of_ones_own_is_allowed():
    """A provider made of others takes them in its own way."""
    check_provider(Composed("first", "second"))


def test_giving_up_on_the_plain_image_is_allowed():
    """An engine for other images than ours may say so."""
    check_provider(GivesUp())


@dataclass(frozen=True)
class GivesUp(Faulty):
    def read(self, image: bytes) -> Answer:
        decode(image)
        raise Unsolvable("no plate in sight")


def test_a_missing_part_is_not_a_broken_contract():
    """The cure is to install it."""
    with pytest.raises(MissingExtra, match="faulty"):
        check_provider(Faulty("not installed"))


def test_all_violations_are_listed():
    """The message has each on a line, after the label."""
    with pytest.raises(ContractBroken) as broken:
        check_provider(Faulty("reads anything"))

    first, *lines = str(broken.value).splitlines()
    assert first == "faulty(fault='reads anything') does not keep the contract:"
    assert lines == [f"- {said}" for said in broken.value.violations]
    assert len(lines) == 4


# ── services that break it ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Careless(ServiceProvider):
    """A service of one call that does one thing wrong."""

    name: ClassVar[str] = "careless"
    key_variable: ClassVar[str] = "CARELESS_API_KEY"
    public_url: ClassVar[str] = "https://careless.example"

    fault: str = "none"

    def flow(self, sample: Sample) -> Flow:
        key = self.account.key
        path = {"key in path": f"/read?key={key}", "no slash": "read"}.get(self.fault, "/read")
        image: Any = sample.image if self.fault == "bytes" else base64.b64encode(sample.image).decode()
        if self.fault == "waits":
            yield Wait(-1.0)
        if self.fault == "odd step":
            yield "please"  # type: ignore[misc]
        try:
            reply: Reply = yield Call(path, {"key": key, "image": image})
        except TransportError:
            if self.fault != "invents":
                raise
            return Answer("nothing")
        except Exception:
            if self.fault != "stubborn":
                raise
            reply = yield Call(path, {"key": key, "image": image})
        return self._answer(reply, key)

    def _answer(self, reply: Reply, key: str) -> Answer:
        if self.fault == "trusting":
            return Answer(json.loads(reply.body)["text"])
        if self.fault == "generous":
            return Answer(str(self._object(reply).get("text")))
        text = self._object(reply).get("text")
        if reply.status != 200 or not isinstance(text, str):
            raise ProtocolError(f"not for {key}" if self.fault == "leaky" else "no text", status=reply.status)
        return Answer(text)

    def _object(self, reply: Reply) -> dict[str, Any]:
        if reply.status == 429:
            raise RateLimited("later", after_s=None if self.fault == "deaf" else reply.after_s)
        try:
            said = json.loads(reply.body)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            raise ProtocolError("no object", status=reply.status)
        return said


@pytest.mark.parametrize("replies", [(), ({"text": "A7K2"},), (Reply(200, b'{"text": "A7K2"}'),)], ids=str)
def test_a_service_without_a_fault_passes(replies):
    """So that what is found below is the fault."""
    check_provider(Careless(), replies=replies)


@pytest.mark.parametrize(
    ("fault", "finding"),
    [
        ("key in path", "it puts the key into a path"),
        ("no slash", "it calls 'read'; a path begins with / and stands below base_url"),
        ("bytes", "what it sends to /read cannot be sent"),
        ("waits", "it waits for -1.0 seconds"),
        ("odd step", "it yielded 'please', which is no Call, Wait, Submitted or Compute"),
        ("invents", "reading an image, call 1 gets no reply, it returned Answer(text='nothing'"),
        ("trusting", "reading an image, call 1 gets a page of HTML, it raised JSONDecodeError"),
        ("trusting", "reading an image, call 1 gets an empty object, it raised KeyError: 'text'"),
        ("trusting", "reading an image, call 1 gets its reply without text, it raised KeyError"),
        ("trusting", "call 1 gets its reply with text = 7.5, and the answer's text is 7.5, not a text"),
        ("generous", "reading an image, call 1 gets nulls where values should be, it returned Answer(text='None'"),
        (
            "generous",
            "gets its reply without text, and it returned Answer(text='None', confidence=None, usage={}); a reply",
        ),
        ("deaf", "a reply with status 429 and retry-after: 7 should become RateLimited with after_s=7"),
        ("leaky", "and the error's words contain the key"),
        ("stubborn", "reading an image, it does not stop when its time is up: let DeadlineExceeded pass"),
    ],
)
def test_a_fault_of_a_service_is_named(fault, finding):
    """In a sentence that says which call got what, and what came of it."""
    assert any(finding in said for said in violations(Careless(fault), {"text": "A7K2"}))


@dataclass(frozen=True)
class Polled(Careless):
    """A service whose task is polled for, once, and which does one thing wrong with it."""

    def flow(self, sample: Sample) -> Flow:
        made = self._object((yield Call("/make", {"image": base64.b64encode(sample.image).decode()})))
        if type(made.get("id")) is not int:
            raise ProtocolError("no id")
        yield Submitted(0 if self.fault == "no id" else made["id"])
        return (yield from self.collect(made["id"]))

    def collect(self, task_id: str | int) -> Flow:
        try:
            return self._answer((yield Call("/get", {"id": task_id})), "")
        except (TransportError, RateLimited) as error:
            if self.fault == "pays twice":
                raise
            raise ProtocolError(str(error)) from error

    def balance(self) -> Any:
        reply = yield Call("/balance", {})
        said = self._object(reply)
        if self.fault == "rich":
            return said["balance"]
        raise ProtocolError("no balance")

    def create(self, sample: Sample) -> Any:
        reply = yield Call("/make", {"image": base64.b64encode(sample.image).decode()})
        if self.fault == "makes anything":
            return 1
        raise ProtocolError(f"status {self._object(reply).get('status')}")

    def peek(self, task_id: str | int) -> Any:
        if self.fault == "forgetful":
            raise KeyError(task_id)
        reply = yield Call("/get", {"id": task_id})
        self._object(reply)
        if self.fault == "hopeful":
            return None
        raise ProtocolError("no answer")

    def report_incorrect(self, task_id: str | int) -> Any:
        yield Call("/report", {"id": task_id, "at": object() if self.fault == "untold" else 1})
        if self.fault == "indifferent":
            return
        raise RateLimited("not now", after_s=7.0)


def test_a_polled_service_without_a_fault_passes():
    """Its task is submitted, and no error that would be retried leaves after that."""
    check_provider(Polled(), replies=[{"id": 7}, {"text": "A7K2"}])


@pytest.mark.parametrize(
    ("fault", "finding"),
    [
        ("pays twice", "call 2 gets no reply after the task was submitted, and TransportError leaves the flow"),
        (
            "pays twice",
            "collecting a task, call 1 gets too many requests after the task was submitted, and RateLimited",
        ),
        ("no id", "it submitted a task without an id: 0"),
        ("makes anything", "making a task, call 1 gets a page of HTML, it returned 1"),
        ("hopeful", "asking once for a task, call 1 gets an empty object, it returned None"),
        ("forgetful", "asking once for a task, call 1 gets an empty object, it raised KeyError"),
        ("indifferent", "reporting an answer, call 1 gets a failure without a body, it returned None"),
        ("untold", "what it sends to /report cannot be sent"),
        ("rich", "reading the balance, call 1 gets an empty object, it raised KeyError: 'balance'"),
    ],
)
def test_a_fault_with_a_task_is_named(fault, finding):
    """Errors after the money is spent are looked at more strictly."""
    assert any(finding in said for said in violations(Polled(fault), {"id": 7}, {"text": "A7K2"}))


def test_an_exchange_that_does_not_end_well_is_named():
    """Then either the replies are wrong or the provider is."""
    assert any(
        "with the replies that should end well it raised ProtocolError: no text" in said
        for said in violations(Careless(), {"txt": "A7K2"})
    )


@dataclass(frozen=True)
class Endless(Careless):
    """Asks for ever."""

    def flow(self, sample: Sample) -> Flow:
        while True:
            yield Call("/read", {})
            yield Wait(1.0)


def test_a_flow_without_an_end_is_cut_short():
    """It would spend a night and a balance."""
    assert any("it went on for more than 2,000 steps" in said for said in violations(Endless()))


@dataclass(frozen=True)
class Telling(Careless):
    """Keeps its key where everybody sees it."""

    key: str | None = field(default=None, kw_only=True)


def test_a_key_in_plain_sight_is_found():
    """In the repr, in the label and in the manifest."""
    found = violations(Telling())

    assert {f"its key can be read in its {place}" for place in ("repr", "label", "parameters")} <= set(found)


def test_a_sample_that_is_refused_is_said():
    """Nothing could be learnt from it."""
    with pytest.raises(ContractBroken, match="it refuses the sample it is to be checked with"):
        check_provider(CapMonster(), Sample.from_bytes(b"tiny"))


def test_the_plain_image_can_be_replaced():
    """Some providers want images of their own kind."""
    sample = Sample.from_bytes(b"\xff\xd8\xff" + bytes(200))

    check_provider(OpenAICompatible("m"), sample, [COMPLETION])


def test_checking_changes_nothing():
    """The provider is as it was, with the key it had."""
    provider = CapSolver(key="mine", score=0.9)
    before = replace(provider)

    check_provider(provider)

    assert provider == before
    assert provider.account.key == "mine"
