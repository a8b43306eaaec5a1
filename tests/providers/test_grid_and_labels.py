"""Settings: what they are called, what they keep, and what a mistake in them is told."""

import pickle
from dataclasses import FrozenInstanceError, dataclass, field
from typing import ClassVar

import cloudpickle
import pytest

from toolkit._providers import LocalProvider, RapidOCR, Tesseract, grid
from toolkit._providers.base import ALWAYS_IN_LABEL, NOT_IN_IDENTITY, ServiceProvider, distinct
from toolkit.errors import SettingError
from toolkit.types import Answer, Compute, Sample


@dataclass(frozen=True)
class Echo(LocalProvider):
    """An engine that reads bytes as the text they are, and counts how often it was loaded."""

    name: ClassVar[str] = "echo"
    loads: ClassVar[list[str]] = []

    mode: str = field(default="plain", metadata=ALWAYS_IN_LABEL)
    level: int = 1
    choices: tuple[int, ...] = field(default_factory=tuple)
    place: str | None = field(default=None, metadata=NOT_IN_IDENTITY)

    def load(self):
        self.loads.append(self.label)
        return object()

    def read(self, image: bytes) -> Answer:
        return Answer(image.decode(), 1.0 if self.engine else None)


@dataclass(frozen=True)
class Service(ServiceProvider):
    """A paid service, of which only the account matters here."""

    name: ClassVar[str] = "service"
    key_variable: ClassVar[str] = "SERVICE_API_KEY"
    public_url: ClassVar[str] = "https://service.example"

    module: str = "common"

    def flow(self, sample):
        raise NotImplementedError


# ── labels and parameters ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("setting", "label"),
    [
        (RapidOCR(), "rapidocr()"),
        (RapidOCR(detect=True), "rapidocr(detect=True)"),
        (RapidOCR(version="PP-OCRv5", model="mobile"), "rapidocr(version='PP-OCRv5', model='mobile')"),
        (Tesseract(), "tesseract(psm=7)"),
        (Tesseract(psm=8, whitelist="0123"), "tesseract(psm=8, whitelist='0123')"),
        (Tesseract(alias="digits", whitelist="0123"), "digits"),
        (Echo(), "echo(mode='plain')"),
        (Echo(choices=(1, 2)), "echo(mode='plain', choices=(1, 2))"),
    ],
)
def test_a_label_says_what_was_chosen(setting, label):
    """Defaults are left out, unless the parameter is one that a reader always wants to see."""
    assert setting.label == label


def test_parameters_are_the_whole_setting():
    """A manifest keeps the defaults too, since the next version may have others."""
    assert Tesseract(psm=8, alias="words").parameters == {
        "psm": 8,
        "oem": 3,
        "lang": "eng",
        "whitelist": None,
        "confidence": "min",
        "tessdata": None,
    }


def test_what_does_not_decide_the_answer_stands_aside():
    """Settings that differ only there are one setting to a reader and to a store."""
    assert Echo(place="here").label == Echo().label
    assert Echo(place="here").parameters == Echo().parameters


@pytest.mark.parametrize("given", [True, False], ids=["argument", "environment"])
def test_a_key_is_nowhere_to_be_seen(monkeypatch, given):
    """What is written down anywhere holds no secret, yet the account has it."""
    monkeypatch.setenv("SERVICE_API_KEY", "s3cret")
    setting = Service(module="queueit", key="s3cret" if given else None)

    assert setting.account.key == "s3cret"
    for shown in (setting.label, setting.parameters, setting, setting.account):
        assert "s3cret" not in f"{shown} {shown!r}"


def test_a_missing_key_is_named_with_its_cure(monkeypatch):
    """The message says which variable to set."""
    monkeypatch.delenv("SERVICE_API_KEY", raising=False)

    with pytest.raises(SettingError, match=r"service\(\) has no key: set SERVICE_API_KEY"):
        Service().account  # noqa: B018 -- the look is what fails


def test_a_setting_cannot_be_changed():
    """A label stays true for as long as the setting lives."""
    with pytest.raises(FrozenInstanceError):
        Tesseract().psm = 8


@pytest.mark.parametrize("setting", [RapidOCR(detect=True), Tesseract(psm=8, alias="words"), Echo(level=3)])
@pytest.mark.parametrize("library", [pickle, cloudpickle])
def test_a_setting_travels_light(setting, library):
    """A setting goes to workers with every chunk, so it takes its parameters along and no engine."""
    sent = library.dumps(setting)

    assert library.loads(sent) == setting
    assert library.loads(sent).label == setting.label
    assert len(pickle.dumps(setting)) < 1000


# ── grid and distinct ────────────────────────────────────────────────────────────────────────────────────


def test_grid_makes_every_combination_in_order():
    """The last parameter changes fastest, as in nested loops written in that order."""
    assert grid(Tesseract, psm=[7, 8], whitelist=[None, "0123"], oem=1) == [
        Tesseract(psm=7, oem=1),
        Tesseract(psm=7, whitelist="0123", oem=1),
        Tesseract(psm=8, oem=1),
        Tesseract(psm=8, whitelist="0123", oem=1),
    ]


def test_grid_of_nothing_is_the_default():
    """No choices make one setting."""
    assert grid(RapidOCR) == [RapidOCR()]


@pytest.mark.parametrize("choices", [[7, 8], (7, 8), range(7, 9)])
def test_grid_takes_lists_tuples_and_ranges(choices):
    """What lists choices lists them, whatever its type."""
    assert [setting.psm for setting in grid(Tesseract, psm=choices)] == [7, 8]


def test_grid_takes_a_text_as_one_value():
    """The letters of a whitelist are not choices."""
    assert grid(Tesseract, whitelist="0123") == [Tesseract(whitelist="0123")]


def test_grid_without_a_choice_is_a_mistake():
    """An empty list would silently leave the provider out of the run."""
    with pytest.raises(SettingError, match=r"Tesseract: psm=\[\] leaves no setting"):
        grid(Tesseract, psm=[])


@pytest.mark.parametrize("make", [lambda: Tesseract(pms=7), lambda: grid(Tesseract, pms=[7])], ids=["call", "grid"])
def test_an_unknown_parameter_is_named_with_the_right_ones(make):
    """A slip of the finger is answered with the name that was meant, and all that there are."""
    with pytest.raises(SettingError) as mistake:
        make()

    message = str(mistake.value)
    assert "Tesseract has no parameter 'pms'; did you mean 'psm'?" in message
    assert all(name in message for name in Tesseract().parameters)


def test_distinct_keeps_the_order_given():
    """Tables list settings as the user did."""
    settings = [Tesseract(psm=8), RapidOCR(), Tesseract(psm=7)]

    assert list(distinct(settings).items()) == [(setting.label, setting) for setting in settings]


def test_one_setting_need_not_stand_in_a_list():
    """A single setting is a list of one."""
    assert distinct(Tesseract()) == {"tesseract(psm=7)": Tesseract()}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ([Tesseract(), Tesseract()], "two settings are labelled 'tesseract\\(psm=7\\)'"),
        ([Tesseract(alias="a"), RapidOCR(alias="a")], "two settings are labelled 'a'"),
        ([], "no settings given"),
        ([Tesseract], r"did you mean Tesseract\(\)\?"),
        (["tesseract"], "not 'tesseract'"),
    ],
    ids=["same", "same alias", "none", "class", "name"],
)
def test_distinct_refuses_what_cannot_be_told_apart(settings, message):
    """Rows of two settings under one label could never be separated again."""
    with pytest.raises(SettingError, match=message):
        distinct(settings)


# ── ranges ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("provider", "parameters", "message"),
    [
        (Tesseract, {"psm": 14}, r"Tesseract: psm=14 is not one of 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13$"),
        (Tesseract, {"psm": 0}, r"psm=0 is not one of"),
        (Tesseract, {"psm": True}, r"psm=True is not one of"),
        (Tesseract, {"psm": "7"}, r"psm='7' is not one of"),
        (Tesseract, {"oem": 4}, r"oem=4 is not one of 0, 1, 2, 3$"),
        (Tesseract, {"confidence": "median"}, r"confidence='median' is not one of 'min', 'mean', 'product'$"),
        (Tesseract, {"whitelist": ""}, r"whitelist='' is not None or a text that is not empty$"),
        (Tesseract, {"lang": ""}, r"lang='' is not a language"),
        (Tesseract, {"lang": "../eng"}, r"lang='\.\./eng' is not a language"),
        (Tesseract, {"lang": ["eng", "deu"]}, r"is not a language such as 'eng', or several as 'eng\+deu'"),
        (Tesseract, {"tessdata": 3}, r"tessdata=3 is not"),
        (RapidOCR, {"detect": 1}, r"RapidOCR: detect=1 is not one of False, True$"),
        (RapidOCR, {"orientation": None}, r"orientation=None is not one of"),
        (RapidOCR, {"lang": ""}, r"lang='' is not a text"),
        (RapidOCR, {"version": "v6"}, r"version='v6' is not one of 'PP-OCRv6', 'PP-OCRv5', 'PP-OCRv4'$"),
        (RapidOCR, {"model": "mobile"}, r"model='mobile' is no size of PP-OCRv6; .* 'tiny' or 'small' or 'medium'$"),
        (RapidOCR, {"threads": 0}, r"threads=0 is not a whole number from 1$"),
        (RapidOCR, {"threads": 1.5}, r"threads=1.5 is not a whole number from 1$"),
        (RapidOCR, {"detect": True, "text_score": 1.5}, r"text_score=1.5 is not a number from 0 to 1$"),
        (RapidOCR, {"detect": True, "detection_side_px": 8}, r"detection_side_px=8 is not a whole number from 32 to"),
        (RapidOCR, {"text_score": 0.9}, r"text_score=0.9 has an effect with detect=True only$"),
        (RapidOCR, {"detection_path": "d.onnx"}, r"detection_path='d.onnx' has an effect with detect=True only$"),
        (RapidOCR, {"keys_path": "keys.txt"}, r"keys_path belongs to a model of your own"),
    ],
)
def test_a_value_out_of_range_is_named_with_the_range(provider, parameters, message):
    """The message names the parameter, what was given and what it takes, before anything is loaded."""
    with pytest.raises(SettingError, match=message):
        provider(**parameters)


def test_paths_are_kept_as_text(tmp_path):
    """A path type in a label or a manifest would read differently on each platform."""
    assert Tesseract(tessdata=tmp_path) == Tesseract(tessdata=str(tmp_path))
    assert RapidOCR(model_path=tmp_path).parameters["model_path"] == str(tmp_path)


# ── local providers ──────────────────────────────────────────────────────────────────────────────────────


def test_a_flow_asks_for_one_computation():
    """What a local engine does happens where the driver says, and the answer is what comes back."""
    setting, answer = Echo(alias="flow"), Answer("text", 0.5)
    flow = setting.flow(Sample.from_bytes(b"image"))

    step = next(flow)
    assert step == Compute(setting.read, (b"image",), setting.ready)
    with pytest.raises(StopIteration) as end:
        flow.send(answer)
    assert end.value.value is answer


def test_an_engine_is_loaded_once_a_process_and_setting():
    """Equal settings share an engine, also one that arrived by pickle; different ones do not."""
    one, other = Echo(alias="once"), Echo(alias="once", level=2)

    fresh = []
    for setting in (one, other, pickle.loads(pickle.dumps(one)), one):  # noqa: S301 -- made a moment ago
        fresh.append(setting.ready())
        assert setting.read(b"text") == Answer("text", 1.0)

    assert fresh == [True, True, False, False]
    assert Echo.loads.count("once") == 2
