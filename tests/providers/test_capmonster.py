"""CapMonster Cloud: submit, poll, and never pay twice."""

import base64

import pytest
from by_hand import NOT_THE_DIALECT, SAMPLE, drive, reply

from toolkit._providers import CapMonster
from toolkit.errors import (
    AuthenticationError,
    BadRequest,
    Blocked,
    DeadlineExceeded,
    InsufficientBalance,
    ProtocolError,
    RateLimited,
    SettingError,
    TransportError,
    Unavailable,
    Unreachable,
    Unsolvable,
)
from toolkit.types import Answer, Call, Sample, Submitted, Wait

TASK = 407533072
BODY = base64.b64encode(SAMPLE.image).decode()

# The documents' own JSON.
CREATED = {"errorId": 0, "taskId": 407533072}
NOT_CREATED = {"errorId": 1, "errorCode": "ERROR_KEY_DOES_NOT_EXIST", "errorDescription": "…", "taskId": 0}
PENDING = {"errorCode": None, "errorDescription": None, "errorId": 0, "status": "processing"}
READY = {"errorId": 0, "status": "ready", "solution": {"text": "answer"}}
CLASSIC_PENDING = {"errorId": 1, "errorCode": "CAPTCHA_NOT_READY"}

ASK = Call("/getTaskResult", {"clientKey": "K", "taskId": TASK})


def monster(**parameters) -> CapMonster:
    return CapMonster(key="K", **parameters)


def sent(**parameters):
    """The body of createTask."""
    return drive(monster(**parameters).flow(SAMPLE), CREATED, READY).calls[0].json


def waits(driven) -> list[float]:
    return [step.seconds for step in driven.steps if isinstance(step, Wait)]


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_request_is_the_documented_one():
    """With every option given, in the documents' spelling, the JSON is that of their example."""
    body = sent(
        module="universal",
        recognizing_threshold=70,
        case=True,
        numeric=0,
        math=False,
        spelling="docs",
        callback_url="https://…",
        soft_id=345,
    )

    assert body == {
        "clientKey": "K",
        "task": {
            "type": "ImageToTextTask",
            "body": BODY,
            "capMonsterModule": "universal",
            "recognizingThreshold": 70,
            "case": True,
            "numeric": 0,
            "math": False,
        },
        "callbackUrl": "https://…",
        "softId": 345,
    }


def test_the_spelling_is_that_of_the_vendors_clients():
    """Two options begin with a capital there, and the others do not."""
    assert sent(module="universal", recognizing_threshold=0, case=False, numeric=1, math=True)["task"] == {
        "type": "ImageToTextTask",
        "body": BODY,
        "CapMonsterModule": "universal",
        "recognizingThreshold": 0,
        "Case": False,
        "numeric": 1,
        "math": True,
    }


def test_what_is_none_is_left_to_the_service():
    """No module, no partner's id and no callback unless somebody asks for them."""
    assert sent() == {"clientKey": "K", "task": {"type": "ImageToTextTask", "body": BODY}}


@pytest.mark.parametrize("size", [1, 99, 50_001])
def test_an_image_the_service_would_refuse_is_not_sent(size):
    """The documents say 100 bytes to 50 KB; the message has both ends and what was given."""
    sample = Sample.from_bytes(bytes(size))

    driven = drive(monster().flow(sample))

    assert driven.steps == []
    assert type(driven.error) is BadRequest
    too_large = "; dataset.prepare(max_bytes=50000) makes it fit" if size > 50_000 else ""
    assert str(driven.error) == f"{size:,} bytes; CapMonster takes images of 100 to 50,000 bytes{too_large}"
    assert monster().refuses(sample.image) == str(driven.error)


@pytest.mark.parametrize("size", [100, 50_000])
def test_the_limits_of_size_belong_to_the_range(size):
    """What is allowed is sent as it is."""
    sample = Sample.from_bytes(bytes(size))

    body = drive(monster().flow(sample), CREATED, READY).calls[0].json["task"]["body"]

    assert base64.b64decode(body, validate=True) == sample.image
    assert monster().refuses(sample.image) is None


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_label_shows_module_threshold_and_what_was_chosen():
    """Poll timing decides the latency that is measured, so it is part of the setting."""
    assert CapMonster().label == "capmonster()"
    assert CapMonster("vk", 70).label == "capmonster(module='vk', recognizing_threshold=70)"
    assert CapMonster(poll_every_s=2.0, soft_id=3).label == "capmonster(poll_every_s=2.0)"
    assert CapMonster(first_poll_s=1.0).parameters["first_poll_s"] == 1.0


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"recognizing_threshold": -1}, r"CapMonster: recognizing_threshold=-1 is not a whole number from 0 to 100$"),
        ({"recognizing_threshold": 101}, r"recognizing_threshold=101 is not"),
        ({"recognizing_threshold": 0.7}, r"recognizing_threshold=0.7 is not"),
        ({"recognizing_threshold": True}, r"recognizing_threshold=True is not"),
        ({"numeric": 2}, r"numeric=2 is not one of None, 0, 1$"),
        ({"numeric": True}, r"numeric=True is not one of"),
        ({"case": "yes"}, r"case='yes' is not one of None, False, True$"),
        ({"math": 1}, r"math=1 is not one of"),
        ({"module": ""}, r"module='' is not"),
        ({"math": True, "module": "captcha_math"}, r"works sums out by itself; leave math=True away$"),
        ({"first_poll_s": -0.1}, r"first_poll_s=-0.1 is not a number from 0 to 300$"),
        ({"poll_every_s": 0}, r"poll_every_s=0 is not a number from 0.01 to 300$"),
        ({"poll_every_s": float("inf")}, r"poll_every_s=inf is not"),
        ({"poll_every_s": float("nan")}, r"poll_every_s=nan is not"),
        ({"spelling": "SDK"}, r"spelling='SDK' is not one of 'sdk', 'docs'$"),
        ({"soft_id": "345"}, r"soft_id='345' is not a whole number from 0$"),
        ({"callback_url": 5}, r"callback_url=5 is not"),
        ({"threshold": 70}, r"did you mean 'recognizing_threshold'"),
    ],
)
def test_a_value_out_of_range_is_refused_before_anything_is_sent(parameters, message):
    """The message names the parameter and what it takes."""
    with pytest.raises(SettingError, match=message):
        CapMonster(**parameters)


# ── polling ──────────────────────────────────────────────────────────────────────────────────────────────


def test_an_answer_is_submitted_for_and_polled_for():
    """The task is made durable before the first poll, and each poll is the documented request."""
    driven = drive(monster().flow(SAMPLE), CREATED, PENDING, PENDING, READY)

    assert driven.steps[1:] == [Submitted(TASK), Wait(0.35), ASK, Wait(0.2), ASK, Wait(0.2), ASK]
    assert driven.value == Answer("answer", None, {"charged": 1})


def test_poll_timing_is_the_settings():
    """The pauses asked for are those of the parameters."""
    driven = drive(monster(first_poll_s=0, poll_every_s=2.0).flow(SAMPLE), CREATED, PENDING, READY)

    assert waits(driven) == [0, 2.0]


@pytest.mark.parametrize("status", [200, 400])
def test_the_classic_form_of_pending_is_pending(status):
    """An error by its shape, and none by its meaning."""
    driven = drive(monster().flow(SAMPLE), CREATED, reply(CLASSIC_PENDING, status), READY)

    assert driven.value.text == "answer"
    assert waits(driven) == [0.35, 0.2]


PASSING = {
    "reset": TransportError("the connection was reset"),
    "unreachable": Unreachable("refused"),
    "500, which a vendor's client takes for pending": reply(b"", 500),
    "503, which another one does": reply(b"<html></html>", 503),
    "429": reply(b"", 429),
    "no slot": reply({"errorId": 1, "errorCode": "ERROR_NO_SLOT_AVAILABLE"}),
    "outage": reply({"errorId": 1, "errorCode": "ERROR_SERVICE_NOT_AVAILABLE"}),
}


@pytest.mark.parametrize("failure", PASSING.values(), ids=PASSING.keys())
def test_a_poll_that_fails_in_passing_is_repeated(failure):
    """The task has been paid, so it is asked for again, and no other one is made."""
    driven = drive(monster().flow(SAMPLE), CREATED, failure, failure, READY)

    assert [call.path for call in driven.calls] == ["/createTask", *["/getTaskResult"] * 3]
    assert driven.value.text == "answer"


def test_a_poll_waits_as_long_as_the_service_asks():
    """That once, and never less than the setting says; after a refusal for the rate, polls come every 2 s at most."""
    later = reply(b"", 429, retry_after="7")
    sooner = reply({"errorId": 1, "errorCode": "ERROR_NO_SLOT_AVAILABLE"}, 503, retry_after="0.1")

    driven = drive(monster(poll_every_s=0.5).flow(SAMPLE), CREATED, later, sooner, PENDING, READY)

    assert waits(driven) == [0.35, 7.0, 2.0, 2.0]


@pytest.mark.parametrize(
    "outcome", [PENDING, TransportError("reset"), reply(b"", 429)], ids=["pending", "reset", "429"]
)
def test_no_task_is_polled_more_than_120_times(outcome):
    """Over it, the service may lock the account. What leaves the flow must not lead to a second paid task."""
    driven = drive(monster().flow(SAMPLE), CREATED, *[outcome] * 120)

    assert len(driven.calls) == 121
    assert type(driven.error) is DeadlineExceeded
    assert not driven.error.retry
    assert not driven.error.settled
    assert driven.error.task_id == TASK


def test_giving_up_tells_what_went_wrong_last():
    """Otherwise nobody could tell a slow service from a broken line."""
    driven = drive(monster().flow(SAMPLE), CREATED, *[PENDING] * 119, TransportError("no route to host"))

    assert "no answer in 120 polls; of the failed ones the last said: no route to host" in str(driven.error)


@pytest.mark.parametrize("at", [2, 3])
def test_a_deadline_ends_the_polling(at):
    """The driver says when time is up, at a pause or at a call; nothing is asked after that, and the task is named."""
    flow = monster().flow(SAMPLE)
    gained = [None, reply(CREATED), None, None]
    for value in gained[: at + 1]:
        flow.send(value)

    with pytest.raises(DeadlineExceeded, match="time is up") as late:
        flow.throw(DeadlineExceeded("time is up"))
    assert late.value.task_id == TASK


def test_a_task_is_collected_by_its_id():
    """What was submitted before a crash is asked for again, and not submitted again."""
    driven = drive(monster().collect(TASK), PENDING, READY)

    assert driven.steps == [Wait(0.35), ASK, Wait(0.2), ASK]
    assert driven.value.text == "answer"


# ── answers of another shape ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("body", NOT_THE_DIALECT.values(), ids=NOT_THE_DIALECT.keys())
def test_what_is_not_the_dialect_makes_no_task(body):
    """Neither success nor a KeyError."""
    error = drive(monster().flow(SAMPLE), body).error

    assert type(error) is ProtocolError
    assert error.status == body.status


@pytest.mark.parametrize(
    "body",
    [body for body in NOT_THE_DIALECT.values() if 200 <= body.status < 300],
    ids=[name for name, body in NOT_THE_DIALECT.items() if 200 <= body.status < 300],
)
@pytest.mark.parametrize("polls", [0, 2], ids=["at the first poll", "at the third"])
def test_a_poll_that_cannot_be_read_is_repeated(body, polls):
    """Polls are free, and the task is paid for: what says nothing is asked again."""
    driven = drive(monster().flow(SAMPLE), CREATED, *[PENDING] * polls, body, READY)

    assert driven.value.text == READY["solution"]["text"]
    assert len(driven.calls) == polls + 3


@pytest.mark.parametrize("task_id", ["407533072", 0, -1, 1.5, True, None, [], {}], ids=repr)
def test_a_task_has_a_number(task_id):
    """Without one there is nothing to ask for, so nothing is submitted."""
    driven = drive(monster().flow(SAMPLE), {"errorId": 0, "taskId": task_id})

    assert len(driven.steps) == 1
    assert type(driven.error) is ProtocolError


@pytest.mark.parametrize(
    "changed",
    [
        {"solution": None},
        {"solution": "answer"},
        {"solution": {}},
        {"solution": {"text": None}},
        {"solution": {"text": 4.2}},
        {"solution": {"text": ""}},
        {"solution": {"text": "half \udc00 a letter"}},
        {"status": None},
        {"status": "READY"},
        {"status": ["ready"]},
        {"status": {}},
    ],
    ids=str,
)
def test_a_result_of_another_shape_is_no_answer(changed):
    """It keeps status and task, because the money is gone."""
    error = drive(monster().flow(SAMPLE), CREATED, READY | changed).error

    assert type(error) is ProtocolError
    assert (error.status, error.task_id, error.settled) == (200, TASK, False)


# ── failures ─────────────────────────────────────────────────────────────────────────────────────────────

DOCUMENTED = {
    "ERROR_KEY_DOES_NOT_EXIST": AuthenticationError,
    "ERROR_ZERO_BALANCE": InsufficientBalance,
    "ERROR_TOO_BIG_CAPTCHA_FILESIZE": BadRequest,
    "ERROR_ZERO_CAPTCHA_FILESIZE": BadRequest,
    "ERROR_NO_SUCH_CAPCHA_ID": DeadlineExceeded,
    "WRONG_CAPTCHA_ID": DeadlineExceeded,
    "ERROR_CAPTCHA_UNSOLVABLE": Unsolvable,
    "CAPTCHA_NOT_READY": Unavailable,
    "CAPCHA_NOT_READY": Unavailable,
    "ERROR_TOO_MUCH_REQUESTS": RateLimited,
    "ERROR_NO_SLOT_AVAILABLE": Unavailable,
    "ERROR_IP_NOT_ALLOWED": Blocked,
    "ERROR_IP_BANNED": Blocked,
    "ERROR_IP_BLOCKED": Blocked,
    "ERROR_NO_SUCH_METHOD": BadRequest,
    "ERROR_TASK_NOT_SUPPORTED": BadRequest,
    "ERROR_TASK_ABSENT": BadRequest,
    "ERROR_INVALID_TASK": BadRequest,
    "ERROR_SERVICE_NOT_AVAILABLE": Unavailable,
    "ERROR_DOMAIN_NOT_ALLOWED": BadRequest,
    "ERROR_TOKEN_EXPIRED": BadRequest,
    "ERROR_WRONG_USERAGENT": BadRequest,
    "ERROR_RECAPTCHA_*": BadRequest,
    "ERROR_PROXY_*": BadRequest,
}


def test_every_documented_code_is_known():
    """The table here is read off the documents, that of the provider is its own."""
    assert set(CapMonster.codes) == set(DOCUMENTED)


@pytest.mark.parametrize(("code", "kind"), DOCUMENTED.items(), ids=DOCUMENTED)
@pytest.mark.parametrize("status", [200, 402, 403])
def test_every_code_has_its_class_when_a_task_is_made(code, kind, status):
    """The code decides, whether errors come under 200 or under a status of their own."""
    code = code.replace("*", "TIMEOUT")

    error = drive(monster().flow(SAMPLE), reply(NOT_CREATED | {"errorCode": code}, status)).error

    assert type(error) is kind
    assert (error.code, error.status, error.task_id) == (code, status, None)
    assert str(error) == f"{code}: …"


@pytest.mark.parametrize(
    ("code", "kind"),
    [(code, kind) for code, kind in DOCUMENTED.items() if kind not in (RateLimited, Unavailable)],
    ids=str,
)
def test_every_code_has_its_class_when_an_answer_is_asked_for(code, kind):
    """The error knows the task, which the service's reply does not name."""
    code = code.replace("*", "BANNED")

    error = drive(monster().flow(SAMPLE), CREATED, {"errorId": 16, "errorCode": code, "taskId": 0}).error

    assert type(error) is kind
    assert (error.code, error.status, error.task_id) == (code, 200, TASK)
    assert not error.retry


def test_an_unknown_code_keeps_its_particulars():
    """They are what the service's support asks for."""
    refusal = reply({"errorId": 1, "errorCode": "ERROR_OF_TOMORROW", "errorDescription": "new"}, 400)

    error = drive(monster().flow(SAMPLE), CREATED, refusal).error

    assert type(error) is ProtocolError
    assert (error.code, error.status, error.task_id, str(error)) == (
        "ERROR_OF_TOMORROW",
        400,
        TASK,
        "ERROR_OF_TOMORROW: new",
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AuthenticationError),
        (402, InsufficientBalance),
        (403, AuthenticationError),
        (404, ProtocolError),
        (413, BadRequest),
        (429, RateLimited),
        (500, TransportError),
        (504, TransportError),
    ],
)
def test_without_a_code_the_status_decides(status, kind):
    """402 and 403 are what users have seen for an empty balance and a bad key."""
    assert type(drive(monster().flow(SAMPLE), reply(b"", status)).error) is kind


def test_a_fatal_error_ends_the_polling():
    """A key that was locked meanwhile is not asked with again; the task is remembered."""
    locked = {"errorId": 1, "errorCode": "ERROR_IP_BLOCKED"}

    driven = drive(monster().flow(SAMPLE), CREATED, PENDING, locked)

    assert driven.error.fatal
    assert driven.error.task_id == TASK


# ── the other calls ──────────────────────────────────────────────────────────────────────────────────────


def test_a_task_can_be_made_now_and_asked_for_later():
    """`create` gives its id, `peek` None until there is an answer, in one exchange each."""
    made = drive(monster().create(SAMPLE), CREATED)
    pending = [drive(monster().peek(TASK), said) for said in (PENDING, CLASSIC_PENDING)]
    done = drive(monster().peek(TASK), READY)

    assert [type(step) for step in made.steps] == [Call]
    assert made.value == TASK
    assert [(driven.steps, driven.value, driven.error) for driven in pending] == [([ASK], None, None)] * 2
    assert done.value == Answer("answer", None, {"charged": 1})


def test_peeking_tells_an_outage_from_waiting():
    """Only `collect` may take a failure for a reason to wait."""
    driven = drive(monster().peek(TASK), {"errorId": 1, "errorCode": "ERROR_SERVICE_NOT_AVAILABLE"})

    assert type(driven.error) is Unavailable


def test_the_balance_is_in_usd():
    """As the document's example has it."""
    driven = drive(monster().balance(), {"errorId": 0, "balance": 345.678})

    assert driven.steps == [Call("/getBalance", {"clientKey": "K"})]
    assert driven.value == 345.678


def test_a_wrong_answer_is_reported():
    """The documented request, and the documented answer to it."""
    driven = drive(monster().report_incorrect(TASK), {"errorId": 0, "status": "success"})

    assert driven.steps == [Call("/reportIncorrectImageCaptcha", {"clientKey": "K", "taskId": TASK})]
    assert (driven.value, driven.error) == (None, None)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"errorId": 1, "errorCode": "ERROR_KEY_DOES_NOT_EXIST"}, AuthenticationError),
        ({"errorId": 0, "status": "failed"}, ProtocolError),
        ({"errorId": 0}, ProtocolError),
    ],
    ids=str,
)
def test_a_report_that_was_not_taken_is_an_error(said, kind):
    """It does not vanish."""
    error = drive(monster().report_incorrect(TASK), said).error

    assert type(error) is kind
    assert error.task_id == TASK
