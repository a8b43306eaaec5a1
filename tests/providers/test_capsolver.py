"""CapSolver: what goes over the wire, and what each thing that comes back is taken for."""

import base64

import pytest
from by_hand import NOT_THE_DIALECT, SAMPLE, drive, reply

from toolkit._providers import CapSolver, grid
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

TASK = "61138bb6-19fb-11ec-a9c8-0242ac110006"
BODY = base64.b64encode(SAMPLE.image).decode()


def solver(**parameters) -> CapSolver:
    return CapSolver(key="K", **parameters)


def ready(**solution):
    """The documented answer of createTask."""
    return {
        "errorId": 0,
        "errorCode": "",
        "errorDescription": "",
        "status": "ready",
        "solution": solution,
        "taskId": TASK,
    }


def refused(code: str, description: str = "as it says", **members):
    return {"errorId": 1, "errorCode": code, "errorDescription": description, **members}


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_request_is_the_documented_one():
    """With every option given, the JSON is that of the document's example."""
    setting = solver(score=0.9, case=True, website_url="https://site/page", app_id="optional")

    call = drive(setting.flow(SAMPLE), ready(text="44795sds")).calls[0]

    assert call.path == "/createTask"
    assert call.json == {
        "clientKey": "K",
        "appId": "optional",
        "task": {
            "type": "ImageToTextTask",
            "websiteURL": "https://site/page",
            "module": "common",
            "body": BODY,
            "score": 0.9,
            "case": True,
        },
    }


def test_what_is_none_is_left_to_the_service():
    """An absent option has no member, since a null might mean something else; False is a value."""
    assert drive(solver(module=None).flow(SAMPLE), ready(text="a")).calls[0].json == {
        "clientKey": "K",
        "task": {"type": "ImageToTextTask", "body": BODY},
    }
    assert drive(solver(case=False).flow(SAMPLE), ready(text="a")).calls[0].json["task"]["case"] is False


def test_a_callback_goes_with_the_task():
    """The address to call back stands beside the task, not in it."""
    call = drive(solver(callback_url="https://me/done").flow(SAMPLE), ready(text="a")).calls[0]

    assert call.json["callbackUrl"] == "https://me/done"


def test_the_image_goes_as_one_line_of_base64():
    """Neither line breaks nor a data: prefix, however large the image is."""
    image = bytes(100_000)

    body = drive(solver().flow(Sample.from_bytes(image)), ready(text="a")).calls[0].json["task"]["body"]

    assert "\n" not in body
    assert base64.b64decode(body, validate=True) == image


def test_the_number_module_speaks_in_lists():
    """It takes `images` and gives `answers`, one for each; ours are one."""
    driven = drive(solver(module="number").flow(SAMPLE), ready(answers=["100"]))

    assert driven.calls[0].json["task"] == {"type": "ImageToTextTask", "module": "number", "images": [BODY]}
    assert driven.value == Answer("100", None, {"charged": 1})


def test_the_key_is_taken_from_the_environment(monkeypatch):
    """Notebooks hold no keys."""
    monkeypatch.setenv("CAPSOLVER_API_KEY", "from the environment")

    call = drive(CapSolver().flow(SAMPLE), ready(text="a")).calls[0]

    assert call.json["clientKey"] == "from the environment"
    assert "from the environment" not in repr(call)


def test_an_empty_image_is_not_sent():
    """What is certain to be refused costs no call."""
    driven = drive(solver().flow(Sample.from_bytes(b"")))

    assert driven.steps == []
    assert isinstance(driven.error, BadRequest)


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_label_always_shows_module_and_score():
    """They are what a person compares; the rest shows where it was chosen, and what is left out does not."""
    assert CapSolver().label == "capsolver(module='common')"
    assert (
        CapSolver("queueit", 0.9, case=True, app_id="me").label == "capsolver(module='queueit', score=0.9, case=True)"
    )


def test_modules_are_whatever_the_service_has():
    """The list changes without notice, so no name is refused here."""
    settings = grid(CapSolver, module=["common", "module_030"], score=[0.8, 0.9, 1.0])

    assert [(setting.module, setting.score) for setting in settings] == [
        *(("common", 0.8), ("common", 0.9), ("common", 1.0)),
        *(("module_030", 0.8), ("module_030", 0.9), ("module_030", 1.0)),
    ]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"score": 0.79}, r"CapSolver: score=0.79 is not a number from 0.8 to 1$"),
        ({"score": 1.01}, r"score=1.01 is not"),
        ({"score": float("nan")}, r"score=nan is not"),
        ({"score": True}, r"score=True is not"),
        ({"score": "0.9"}, r"score='0.9' is not"),
        ({"case": 1}, r"case=1 is not one of None, False, True$"),
        ({"module": ""}, r"module='' is not None or a text"),
        ({"module": 7}, r"module=7 is not"),
        ({"website_url": ""}, r"website_url='' is not"),
        ({"app_id": 7}, r"app_id=7 is not"),
        ({"callback_url": ""}, r"callback_url='' is not"),
        ({"threshold": 0.9}, r"CapSolver has no parameter 'threshold'"),
    ],
)
def test_a_value_out_of_range_is_refused_before_anything_is_sent(parameters, message):
    """The message names the parameter and what it takes."""
    with pytest.raises(SettingError, match=message):
        CapSolver(**parameters)


@pytest.mark.parametrize("score", [0.8, 0.95, 1, 1.0])
def test_the_ends_of_the_range_belong_to_it(score):
    """0.8 to 1 as the documents have it, and as they are written."""
    assert drive(solver(score=score).flow(SAMPLE), ready(text="a")).calls[0].json["task"]["score"] == score


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_answer_comes_in_the_same_exchange():
    """One call, no wait, and one charge."""
    driven = drive(solver().flow(SAMPLE), ready(text="44795sds"))

    assert [type(step) for step in driven.steps] == [Call]
    assert driven.value == Answer("44795sds", None, {"charged": 1})


@pytest.mark.parametrize(("given", "confidence"), [(0.9585, 0.9585), (0, 0.0), (1, 1.0), (None, None)])
def test_a_confidence_is_taken_where_there_is_one(given, confidence):
    """It is seen in the field and in no document, so it may be missing."""
    assert drive(solver().flow(SAMPLE), ready(text="gcphjd", confidence=given)).value.confidence == confidence


@pytest.mark.parametrize("status", [None, "ready"])
def test_a_status_may_be_null(status):
    """The document allows null or ready in this answer."""
    assert drive(solver().flow(SAMPLE), ready(text="a") | {"status": status}).value.text == "a"


def test_a_paid_answer_is_not_lost_for_want_of_an_id():
    """The id is of no use for an answer that is here."""
    said = ready(text="a")
    del said["taskId"]

    assert drive(solver().flow(SAMPLE), said).value.text == "a"


@pytest.mark.parametrize(
    "accepted",
    [
        {"errorId": 0, "errorCode": "", "errorDescription": "", "taskId": TASK},
        {"errorId": 0, "status": "idle", "taskId": TASK},
        {"errorId": 0, "status": "processing", "solution": None, "taskId": TASK},
    ],
    ids=["no status", "idle", "processing"],
)
def test_a_task_that_takes_longer_is_asked_for(accepted):
    """Should an image ever be answered like a token task, what was paid is collected."""
    pending = {"errorId": 0, "status": "processing", "taskId": TASK}

    driven = drive(solver().flow(SAMPLE), accepted, pending, ready(text="late"))

    assert [type(step) for step in driven.steps] == [Call, Submitted, Wait, Call, Wait, Call]
    assert driven.steps[1] == Submitted(TASK)
    assert driven.calls[1] == Call("/getTaskResult", {"clientKey": "K", "taskId": TASK})
    assert driven.value.text == "late"


@pytest.mark.parametrize("body", NOT_THE_DIALECT.values(), ids=NOT_THE_DIALECT.keys())
def test_what_is_not_the_dialect_is_no_answer(body):
    """Neither success nor a KeyError, and the status is kept."""
    error = drive(solver().flow(SAMPLE), body).error

    assert type(error) is ProtocolError
    assert error.status == body.status
    assert not error.settled


@pytest.mark.parametrize(
    "solution",
    [
        {},
        {"text": None},
        {"text": ""},
        {"text": ["a"]},
        {"text": "half \ud800 a letter"},
        {"answers": ["a"]},
    ],
    ids=str,
)
def test_a_solution_of_another_shape_is_no_answer(solution):
    """What holds no text is reported with its task."""
    error = drive(solver().flow(SAMPLE), ready(**solution)).error

    assert type(error) is ProtocolError
    assert (error.status, error.task_id) == (200, TASK)


@pytest.mark.parametrize("confidence", ["high", 95, -0.1, True, [], None])
def test_a_confidence_of_another_shape_is_missing(confidence):
    """It never costs the answer beside it, which was paid for."""
    assert drive(solver().flow(SAMPLE), ready(text="a", confidence=confidence)).value == Answer(
        "a", None, {"charged": 1}
    )


def test_digits_without_quotes_are_the_text():
    """A number that a service gives as its text is what it read."""
    assert drive(solver().flow(SAMPLE), ready(text=42)).value.text == "42"


@pytest.mark.parametrize("answers", [None, [], ["1", "2"], [7.5], [""], "1", {"0": "1"}], ids=str)
def test_numbers_of_another_shape_are_no_answer(answers):
    """One image has one answer."""
    assert type(drive(solver(module="number").flow(SAMPLE), ready(answers=answers)).error) is ProtocolError


@pytest.mark.parametrize(
    "changed",
    [
        {"solution": None},
        {"solution": "44795sds"},
        {"solution": []},
        {"status": "failed"},
        {"status": "processing"},
        {"status": 1},
        {"status": ["ready"]},
        {"solution": None, "status": None, "taskId": None},
        {"solution": None, "status": "idle", "taskId": 7},
    ],
    ids=str,
)
def test_an_answer_at_odds_with_itself_is_no_answer(changed):
    """Every member that decides is looked at."""
    assert type(drive(solver().flow(SAMPLE), ready(text="a") | changed).error) is ProtocolError


# ── failures ─────────────────────────────────────────────────────────────────────────────────────────────

DOCUMENTED = {
    "ERROR_SERVICE_UNAVALIABLE": Unavailable,
    "ERROR_RATE_LIMIT": RateLimited,
    "ERROR_INVALID_TASK_DATA": BadRequest,
    "ERROR_BAD_REQUEST": BadRequest,
    "ERROR_TASKID_INVALID": DeadlineExceeded,
    "ERROR_TASK_TIMEOUT": DeadlineExceeded,
    "ERROR_SETTLEMENT_FAILED": InsufficientBalance,
    "ERROR_KEY_DENIED_ACCESS": AuthenticationError,
    "ERROR_ZERO_BALANCE": InsufficientBalance,
    "ERROR_TASK_NOT_SUPPORTED": BadRequest,
    "ERROR_CAPTCHA_UNSOLVABLE": Unsolvable,
    "ERROR_UNKNOWN_QUESTION": BadRequest,
    "ERROR_PROXY_BANNED": BadRequest,
    "ERROR_INVALID_IMAGE": BadRequest,
    "ERROR_PARSE_IMAGE_FAIL": BadRequest,
    "ERROR_IP_BANNED": Blocked,
    "ERROR_KEY_TEMP_BLOCKED": Blocked,
    "ERROR_CAPTCHA_SOLVE_FAILED": Unsolvable,
}


def test_every_documented_code_is_known():
    """The table here is read off the documents, that of the provider is its own."""
    assert set(CapSolver.codes) == set(DOCUMENTED)


@pytest.mark.parametrize(("code", "kind"), DOCUMENTED.items(), ids=DOCUMENTED)
@pytest.mark.parametrize("status", [200, 400, 401])
@pytest.mark.parametrize("error_id", [1, 2])
def test_every_code_has_its_class(code, kind, status, error_id):
    """The code decides, whatever the status, and any errorId but nought is an error."""
    error = drive(solver().flow(SAMPLE), reply(refused(code, taskId=TASK) | {"errorId": error_id}, status)).error

    assert type(error) is kind
    assert (error.code, error.status, error.task_id) == (code, status, TASK)
    assert str(error) == f"{code}: as it says"


def test_a_bad_key_may_come_without_a_description():
    """As the live service sends it."""
    error = drive(solver().flow(SAMPLE), reply({"errorCode": "ERROR_KEY_DENIED_ACCESS", "errorId": 1}, 401)).error

    assert type(error) is AuthenticationError
    assert (error.code, error.status, str(error)) == ("ERROR_KEY_DENIED_ACCESS", 401, "ERROR_KEY_DENIED_ACCESS")


@pytest.mark.parametrize("code", ["ERROR_OF_TOMORROW", "error_zero_balance", "ERROR_ZERO_BALANCE_2"])
def test_an_unknown_code_keeps_its_particulars(code):
    """They are what the service's support asks for."""
    error = drive(solver().flow(SAMPLE), reply(refused(code, taskId=TASK, status="failed"), 400)).error

    assert type(error) is ProtocolError
    assert (error.code, error.status, error.task_id) == (code, 400, TASK)


@pytest.mark.parametrize("code", [None, 7, ["ERROR_ZERO_BALANCE"], {}, "", True], ids=str)
def test_a_code_that_is_no_text_is_no_code(code):
    """Not even then is it a KeyError, and not a success."""
    error = drive(solver().flow(SAMPLE), reply({"errorId": 1, "errorCode": code}, 400)).error

    assert type(error) is ProtocolError
    assert error.code is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AuthenticationError),
        (402, InsufficientBalance),
        (403, Blocked),
        (404, ProtocolError),
        (408, TransportError),
        (413, BadRequest),
        (429, RateLimited),
        (500, TransportError),
        (502, TransportError),
        (503, TransportError),
        (529, TransportError),
    ],
)
@pytest.mark.parametrize(
    "body", [b"", b"<html></html>", b"{}", b'{"errorId":0}'], ids=["empty", "HTML", "object", "ok"]
)
def test_without_a_code_the_status_decides(status, kind, body):
    """Proxies and gateways do not speak the dialect; a success under such a status is none."""
    error = drive(solver().flow(SAMPLE), reply(body, status)).error

    assert type(error) is kind
    assert error.status == status


@pytest.mark.parametrize("status", [401, 402, 403, 429])
def test_a_new_code_does_not_hide_what_the_status_says(status):
    """A key that is refused for a new reason is refused all the same, and must not be tried a thousand times more."""
    error = drive(solver().flow(SAMPLE), reply(refused("ERROR_OF_TOMORROW"), status)).error

    assert type(error) is CapSolver.statuses[status]
    assert error.code == "ERROR_OF_TOMORROW"


@pytest.mark.parametrize(
    ("headers", "after_s"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": " 1.5 "}, 1.5),
        ({"retry_after": "0"}, 0.0),
        ({"retry_after": "Mon, 23 Nov 2026 08:01:40 GMT", "date": "Mon, 23 Nov 2026 08:00:00 GMT"}, 100.0),
        ({"retry_after": "Mon, 23 Nov 2026 08:00:00 GMT", "date": "Mon, 23 Nov 2026 08:00:09 GMT"}, None),
        ({"retry_after": "Mon, 23 Nov 2026 08:01:40 GMT"}, None),
        ({"retry_after": "Mon, 23 Nov 2026 08:01:40 GMT", "date": "Mon, 23 Nov 2026 08:00:00 -0000"}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "-1"}, None),
        ({"retry_after": "inf"}, None),
        ({"retry_after": "nan"}, None),
        ({}, None),
    ],
    ids=str,
)
@pytest.mark.parametrize("body", [b"slow down", b'{"errorId":1,"errorCode":"ERROR_RATE_LIMIT"}'], ids=["text", "JSON"])
def test_the_service_says_how_long_to_wait(headers, after_s, body):
    """In seconds or as a date by its own clock, with or without a code; nonsense is no answer to how long."""
    error = drive(solver().flow(SAMPLE), reply(body, 429, **headers)).error

    assert type(error) is RateLimited
    assert error.after_s == after_s


def test_a_lost_connection_is_not_ours_to_repeat():
    """Whether the task was made nobody knows, so the engine decides."""
    lost = TransportError("reset")

    driven = drive(solver().flow(SAMPLE), lost)

    assert driven.error is lost
    assert len(driven.calls) == 1


# ── the other calls ──────────────────────────────────────────────────────────────────────────────────────


def test_the_balance_is_in_usd():
    """Packages stand beside it and are no money."""
    driven = drive(solver().balance(), {"errorId": 0, "balance": 12.34, "packages": []})

    assert driven.steps == [Call("/getBalance", {"clientKey": "K"})]
    assert driven.value == 12.34


@pytest.mark.parametrize("balance", [None, "12.34", True, [], 10**400], ids=lambda value: type(value).__name__)
def test_a_balance_that_is_no_number_is_not_guessed(balance):
    """Nor is one that no account can have."""
    assert type(drive(solver().balance(), {"errorId": 0, "balance": balance}).error) is ProtocolError


def test_a_bad_key_shows_in_the_balance():
    """As the live service answers it."""
    driven = drive(solver().balance(), reply({"errorCode": "ERROR_KEY_DENIED_ACCESS", "errorId": 1}, 401))

    assert type(driven.error) is AuthenticationError


def test_a_task_can_be_made_now_and_asked_for_later():
    """`create` gives its id, `peek` None until there is an answer."""
    made = drive(solver().create(SAMPLE), ready(text="a"))
    pending = drive(solver().peek(TASK), {"errorId": 0, "status": "idle", "taskId": TASK})
    done = drive(solver().peek(TASK), ready(text="a", confidence=0.5))

    assert made.value == TASK
    assert pending.steps == [Call("/getTaskResult", {"clientKey": "K", "taskId": TASK})]
    assert pending.value is None
    assert done.value == Answer("a", 0.5, {"charged": 1})


def test_polls_are_as_far_apart_as_the_service_asks():
    """Its documents say three seconds."""
    driven = drive(solver().collect(TASK), {"errorId": 0, "status": "processing"}, ready(text="a"))

    assert [step.seconds for step in driven.steps if isinstance(step, Wait)] == [3.0, 3.0]


def test_feedback_is_the_documented_request():
    """What was wrong can be said by number and in words."""
    setting = solver(app_id="me")
    feedback = setting.feedback(TASK, invalid=True, code=1001, message="it is the other way round")

    driven = drive(feedback, {"errorId": 0, "errorCode": "", "errorDescription": "", "message": "okay"})

    assert driven.steps == [
        Call(
            "/feedbackTask",
            {
                "clientKey": "K",
                "appId": "me",
                "taskId": TASK,
                "result": {"invalid": True, "code": 1001, "message": "it is the other way round"},
            },
        )
    ]
    assert (driven.value, driven.error) == (None, None)


def test_a_wrong_answer_is_reported_as_feedback():
    """The same name as with the other service."""
    driven = drive(solver().report_incorrect(TASK), {"errorId": 0})

    assert driven.calls[0].json == {"clientKey": "K", "taskId": TASK, "result": {"invalid": True}}


def test_feedback_on_an_unknown_task_is_an_error():
    """It does not vanish."""
    driven = drive(solver().report_incorrect(TASK), reply(refused("ERROR_TASKID_INVALID"), 400))

    assert type(driven.error) is DeadlineExceeded
    assert driven.error.task_id == TASK


def test_an_unreachable_service_is_told_apart():
    """Nothing was sent, so nothing was charged."""
    assert drive(solver().balance(), Unreachable("refused")).error.settled
