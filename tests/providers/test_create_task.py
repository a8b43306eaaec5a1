"""Services of the createTask dialect: their options, their money, and a new one in ten lines."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
from by_hand import SAMPLE, drive

import toolkit as tk
from toolkit.errors import (
    AuthenticationError,
    BadRequest,
    Blocked,
    DeadlineExceeded,
    InsufficientBalance,
    ProtocolError,
    SettingError,
    Unavailable,
    Unsolvable,
)
from toolkit.testing import check_provider
from toolkit.types import Submitted, Wait

KEY = "key-51f0c9a2b7"
CREATED = {"errorId": 0, "taskId": 7654321}
PENDING = {"errorId": 0, "status": "processing"}
READY = {
    "errorId": 0,
    "status": "ready",
    "solution": {"text": "A7K2", "url": "http://61.39.233.233/1/147220556452507.jpg"},
    "cost": "0.000700",
    "ip": "46.98.54.221",
    "createTime": 1472205564,
    "endTime": 1472205570,
    "solveCount": "0",
}
MUGGLE = {"errorId": 0, "errorCode": "", "status": "ready", "solution": {"text": "A7K2"}, "taskId": "aa11-uuid"}


@dataclass(frozen=True)
class MadeUp(tk.CreateTaskService):
    """A service that does not exist, with nothing said about it that is not special."""

    name: ClassVar[str] = "madeup"
    key_variable: ClassVar[str] = "MADEUP_API_KEY"
    public_url: ClassVar[str] = "https://api.madeup.example"


def failed(code, error_id=12):
    return {"errorId": error_id, "errorCode": code, "errorDescription": "words"}


SERVICES = [
    (tk.AntiCaptcha(), [CREATED, PENDING, READY]),
    (tk.TwoCaptcha(), [CREATED, PENDING, {**READY, "solveCount": 1}]),
    (tk.YesCaptcha(), [MUGGLE]),
    (
        tk.YesCaptcha(task="ImageToTextTaskM1"),
        [{"errorId": 0, "taskId": "aa11-uuid", "status": "processing"}, PENDING, MUGGLE],
    ),
    (MadeUp({"numeric": 1}), [CREATED, PENDING, {"errorId": 0, "status": "ready", "solution": {"text": "A7K2"}}]),
]


@pytest.mark.parametrize(("service", "replies"), SERVICES, ids=lambda one: getattr(one, "label", ""))
def test_the_contract_is_kept(text_png, service, replies):
    """Also by a service of ten lines."""
    check_provider(service, tk.Sample.from_bytes(text_png("A7K2")), replies)


def asked(service, image):
    return drive(service.flow(tk.Sample.from_bytes(image)), CREATED, READY).calls[0].json


def test_options_are_named_as_the_services_name_them(text_png):
    """What was not given is left out, and the pool stands where each service looks for it."""
    image = text_png("A7K2")
    options = {"case": True, "numeric": 2, "min_length": 4, "comment": "red", "language_pool": "rn", "key": KEY}
    first, second = asked(tk.AntiCaptcha(**options), image), asked(tk.TwoCaptcha(**options), image)
    shared = {"type": "ImageToTextTask", "case": True, "numeric": 2, "minLength": 4, "comment": "red"}

    assert {n: v for n, v in first["task"].items() if n != "body"} == {**shared, "languagePool": "rn"}
    assert {n: v for n, v in second["task"].items() if n != "body"} == shared
    assert second["languagePool"] == "rn"
    assert set(asked(tk.AntiCaptcha(key=KEY), image)["task"]) == {"type", "body"}
    assert asked(tk.YesCaptcha(key=KEY), image)["task"]["type"] == "ImageToTextTaskMuggle"
    assert asked(MadeUp({"module": "x", "case": False}, key=KEY), image)["task"]["module"] == "x"


def test_the_told_cost_is_what_is_counted():
    """It settles the row, and the price bounds it beforehand."""
    service = tk.AntiCaptcha(key=KEY, price_per_1000_usd=2)
    answer = drive(service.flow(SAMPLE), CREATED, READY).value

    assert answer.usage == {"charged": 1, "usd": 0.0007}
    assert service.prices == {"usd": 1.0}
    assert service.max_cost_usd == 0.002
    assert tk.AntiCaptcha().max_cost_usd is None
    untold = {name: value for name, value in READY.items() if name != "cost"}
    assert drive(service.flow(SAMPLE), CREATED, untold).value.usage["usd"] == 0.002
    assert isinstance(drive(tk.AntiCaptcha(key=KEY).flow(SAMPLE), CREATED, untold).error, ProtocolError)


@pytest.mark.parametrize(("service", "settled"), [(tk.AntiCaptcha, False), (tk.TwoCaptcha, True)])
@pytest.mark.parametrize("code", ["ERROR_CAPTCHA_UNSOLVABLE", "ERROR_BAD_DUPLICATES"])
def test_whether_an_unsolvable_image_is_charged_is_a_fact_of_the_service(text_png, service, settled, code):
    """Anti-Captcha pays its workers for it; 2Captcha gives the money back."""
    sample = tk.Sample.from_bytes(text_png("A7K2"))
    error = drive(service(key=KEY).flow(sample), CREATED, failed(code)).error

    assert isinstance(error, Unsolvable)
    assert error.settled is settled
    assert error.task_id == 7654321


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ERROR_KEY_DOES_NOT_EXIST", AuthenticationError),
        ("ERROR_NO_SLOT_AVAILABLE", Unavailable),
        ("ERROR_ZERO_CAPTCHA_FILESIZE", BadRequest),
        ("ERROR_TOO_BIG_CAPTCHA_FILESIZE", BadRequest),
        ("ERROR_ZERO_BALANCE", InsufficientBalance),
        ("ERROR_IP_NOT_ALLOWED", Blocked),
        ("ERROR_IP_BLOCKED", Blocked),
        ("ERROR_IP_BLOCKED_5MIN", Blocked),
        ("ERROR_IMAGE_TYPE_NOT_SUPPORTED", BadRequest),
        ("ERROR_NO_SUCH_CAPCHA_ID", DeadlineExceeded),
        ("ERROR_NO_SUCH_METHOD", BadRequest),
        ("ERROR_TASK_ABSENT", BadRequest),
        ("ERROR_PROXY_CONNECT_REFUSED", BadRequest),
    ],
)
@pytest.mark.parametrize("service", [tk.AntiCaptcha, tk.TwoCaptcha, tk.YesCaptcha, MadeUp])
def test_a_documented_error_has_its_class(text_png, service, code, kind):
    """By its code and never by its number, which the services share out differently."""
    sample = tk.Sample.from_bytes(text_png("A7K2"))

    assert isinstance(drive(service(key=KEY).flow(sample), failed(code, 1)).error, kind)


def test_what_a_service_would_refuse_is_known_before(text_png):
    """Bytes and pixels, by the service's own tables."""
    wide = text_png("A7K2", size=(1200, 50))

    assert "sides of 1 to 1000 px" in tk.TwoCaptcha().refuses(wide)
    assert tk.AntiCaptcha().refuses(wide) is None
    assert "100 to 500,000 bytes" in tk.AntiCaptcha().refuses(b"x" * 99)


def test_polls_follow_the_services_rules():
    """2Captcha asks for five seconds; a task is on record before it is asked for."""
    driven = drive(tk.AntiCaptcha(key=KEY).flow(SAMPLE), CREATED, PENDING, READY)

    assert [step.seconds for step in driven.steps if isinstance(step, Wait)] == [3.0, 1.0]
    assert driven.steps[1] == Submitted(7654321)
    assert tk.TwoCaptcha().poll_pauses_s == (5.0, 5.0)


def test_a_wrong_answer_is_reported_and_a_balance_read():
    """Where the service has one in money."""
    (call,) = drive(tk.AntiCaptcha(key=KEY).report_incorrect(5), {"errorId": 0, "status": "success"}).calls

    assert (call.path, call.json["taskId"]) == ("/reportIncorrectImageCaptcha", 5)
    assert drive(tk.TwoCaptcha(key=KEY).balance(), {"errorId": 0, "balance": 12.5}).value == 12.5
    assert drive(tk.YesCaptcha(key=KEY).balance()).value is None


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: tk.AntiCaptcha(numeric=3), "numeric"),
        (lambda: tk.TwoCaptcha(numeric=5), "numeric"),
        (lambda: tk.TwoCaptcha(language_pool="de"), "language_pool"),
        (lambda: tk.YesCaptcha(task="ImageToTextTask"), "task"),
        (lambda: MadeUp({"image": b"x"}), "options"),
        (lambda: MadeUp(poll_every_s=0), "poll_every_s"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(make, words):
    """With the parameter's name."""
    with pytest.raises(SettingError, match=words):
        make()


def test_the_dialect_is_spoken_over_the_wire(text_png, tmp_path):
    """Against a server that knows nothing of these classes: the sandbox's CapMonster Cloud, which took the dialect over."""
    with tk.sandbox(engine=tk.Tesseract()) as box:
        url = box.CapMonster().base_url
        settings = [
            MadeUp(
                base_url=url,
                key=next(iter(box.keys)),
                first_poll_s=0.05,
                poll_every_s=0.05,
                price_per_1000_usd=1,
                alias="good key",
            ),
            MadeUp(base_url=url, key="someone else's key", first_poll_s=0.05, poll_every_s=0.05, alias="bad key"),
        ]
        images = tk.Dataset.from_samples([tk.Sample.from_bytes(text_png("HELLO"), "HELLO")], name="one")
        read = tk.benchmark(images, settings, store=tmp_path / "run").attempts.set_index("setting")

    assert read.loc["good key", "text"] == "HELLO"
    assert set(read.index) == {"good key"}  # the other account was stopped at its first request
