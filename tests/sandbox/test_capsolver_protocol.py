"""CapSolver's protocol, member by member."""

import base64
import uuid

import pytest

from toolkit._sandbox import CapSolverRules


def encoded(image):
    return base64.b64encode(image).decode()


def test_an_image_is_answered_in_the_exchange_that_creates_its_task(sandbox, client, images):
    """The answer to createTask has the documented members and no others, with a UUID."""
    answer = client(sandbox(), "capsolver").create(images["sure"])

    content = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert uuid.UUID(content.pop("taskId")).version == 4
    assert content == {
        "errorId": 0,
        "errorCode": "",
        "errorDescription": "",
        "status": "ready",
        "solution": {"text": "Xk7mq", "confidence": 0.99},
    }


def test_confidence_can_be_left_out(sandbox, client, images):
    """A switch for what only secondary sources say."""
    box = sandbox(capsolver=CapSolverRules(confidence=False))

    assert client(box, "capsolver").create(images["sure"]).json()["solution"] == {"text": "Xk7mq"}


@pytest.mark.parametrize("member", ["clientKey", "ClientKey"])
def test_both_spellings_of_the_key_are_taken(sandbox, client, images, member):
    """The Go client capitalises it."""
    at = client(sandbox(), "capsolver")

    answer = at.http.post(f"{at.url}/getBalance", json={member: "demo"})

    assert answer.json() == {"errorId": 0, "balance": 10.0, "packages": []}


def test_number_module_answers_every_image(sandbox, client, images):
    """`images` without a body gives `answers`, in their order."""
    task = {
        "type": "ImageToTextTask",
        "module": "number",
        "images": [encoded(images["unsure"]), encoded(images["sure"])],
    }

    content = client(sandbox(), "capsolver").post("createTask", task=task).json()

    assert content["solution"] == {"answers": ["Hello7", "Xk7mq"], "confidence": 0.85}


@pytest.mark.parametrize(
    ("name", "score", "solved"),
    [("sure", 0.9, True), ("sure", 1, False), ("unsure", 0.85, True), ("unsure", 0.86, False), ("blank", None, False)],
)
def test_a_result_under_the_score_is_unsolvable_and_free(sandbox, client, images, name, score, solved):
    """A confidence equal to the score is not under it."""
    box = sandbox()
    options = {} if score is None else {"score": score}

    answer = client(box, "capsolver").create(images[name], **options)

    content = answer.json()
    assert (answer.status_code, content["errorId"]) == ((200, 0) if solved else (400, 1))
    assert content.get("errorCode") == ("" if solved else "ERROR_CAPTCHA_UNSOLVABLE")
    assert content["status"] == ("ready" if solved else "failed")
    assert (box.ledger.charged(), box.ledger.free()) == ((1, 0) if solved else (0, 1))


def test_a_result_under_the_score_may_be_answered_free(sandbox, client, images):
    """The documentation's other reading: an answer that is not charged."""
    box = sandbox(capsolver=CapSolverRules(below_score="free_answer"))

    answer = client(box, "capsolver").create(images["unsure"], score=0.9)

    assert answer.json()["solution"]["text"] == "Hello7"
    assert [entry.outcome for entry in box.ledger.entries] == ["below_threshold"]
    assert box.ledger.spent_usd() == 0


@pytest.mark.parametrize(("case", "text"), [(True, "Xk7mq"), (False, "xk7mq"), (None, "xk7mq")])
def test_answers_can_be_lower_case_unless_case_is_asked_for(sandbox, client, images, case, text):
    """As users report of the live service."""
    box = sandbox(capsolver=CapSolverRules(lower_case=True))

    assert client(box, "capsolver").create(images["sure"], case=case).json()["solution"]["text"] == text


def test_result_is_kept_for_five_minutes_and_120_questions(sandbox, client, images, clock):
    """The 121st question and the one after five minutes are both answered with an error and the task's id."""
    box = sandbox(clock=clock)
    at = client(box, "capsolver")
    first, second = (at.create(images["sure"]).json()["taskId"] for _ in range(2))

    answers = [at.result(first).json() for _ in range(121)]
    clock.now += 299.9
    in_time = at.result(second).json()
    clock.now += 0.1
    too_late = at.result(second).json()

    assert {answer["taskId"] for answer in answers} == {first}
    assert [answer["status"] for answer in answers] == ["ready"] * 120 + ["failed"]
    assert answers[-1]["errorCode"] == "ERROR_TASKID_INVALID"
    assert (in_time["status"], in_time["taskId"]) == ("ready", second)
    assert (too_late["errorCode"], too_late["taskId"]) == ("ERROR_TASKID_INVALID", second)
    assert box.ledger.charged() == 2


@pytest.mark.parametrize("key", ["demo", "bad", "blocked"])
def test_every_answer_about_a_result_holds_the_id(sandbox, client, key):
    """Whatever else it says: the Go client asks on with the id of the last answer."""
    answer = client(sandbox(), "capsolver").result("unknown", key=key).json()

    assert (answer["errorId"], answer["status"], answer["taskId"]) == (1, "failed", "unknown")


def test_a_deferred_task_is_polled(sandbox, client, images, clock):
    """idle, then processing, then ready, each with its id."""
    box = sandbox(clock=clock, delay=3, capsolver=CapSolverRules(deferred=True))
    at = client(box, "capsolver")

    created = at.create(images["sure"]).json()
    early = at.result(created["taskId"]).json()
    clock.now += 3
    ready = at.result(created["taskId"]).json()

    assert created == {
        "errorId": 0,
        "errorCode": "",
        "errorDescription": "",
        "status": "idle",
        "taskId": created["taskId"],
    }
    assert early == {**created, "status": "processing"}
    assert ready == {**created, "status": "ready", "solution": {"text": "Xk7mq", "confidence": 0.99}}


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        ("bad", 401, "ERROR_KEY_DENIED_ACCESS"),
        ("empty", 400, "ERROR_ZERO_BALANCE"),
        ("blocked", 400, "ERROR_KEY_TEMP_BLOCKED"),
    ],
)
def test_keys_that_are_not_good(sandbox, client, images, key, status, code):
    """Each is refused in its own way, and nothing is done for it."""
    box = sandbox()

    answer = client(box, "capsolver").create(images["sure"], key=key)

    content = answer.json()
    assert (answer.status_code, content["errorId"], content["errorCode"]) == (status, 1, code)
    assert set(content) == {"errorId", "errorCode", "errorDescription", "status"}
    assert box.ledger.entries == ()


def test_a_refused_key_is_quoted(sandbox, client, images):
    """As the live service does, so that a client's redaction has something to remove."""
    answer = client(sandbox(), "capsolver").create(images["sure"], key="CAP-0123456789ABCDEF")

    assert "CAP-01234567" in answer.json()["errorDescription"]


@pytest.mark.parametrize(
    ("task", "code"),
    [
        (None, "ERROR_INVALID_TASK_DATA"),
        ({"type": "ImageToTextTask"}, "ERROR_INVALID_TASK_DATA"),
        ({"type": "TurnstileTask", "body": "aGVsbG8="}, "ERROR_TASK_NOT_SUPPORTED"),
        ({"type": "ImageToTextTask", "body": "§§§"}, "ERROR_PARSE_IMAGE_FAIL"),
        ({"type": "ImageToTextTask", "body": 5}, "ERROR_PARSE_IMAGE_FAIL"),
        ({"type": "ImageToTextTask", "body": "aGVsbG8=", "score": "high"}, "ERROR_INVALID_TASK_DATA"),
        ({"type": "ImageToTextTask", "body": "aGVsbG8=", "score": True}, "ERROR_INVALID_TASK_DATA"),
        ({"type": "ImageToTextTask", "body": "aGVsbG8=", "module": 7}, "ERROR_INVALID_TASK_DATA"),
        ({"type": "ImageToTextTask", "module": "number", "images": []}, "ERROR_INVALID_TASK_DATA"),
    ],
)
def test_tasks_that_make_no_sense(sandbox, client, task, code):
    """They are refused with HTTP 400 and a description, whatever is wrong with them."""
    box = sandbox()

    answer = client(box, "capsolver").post("createTask", task=task)

    content = answer.json()
    assert (answer.status_code, content["errorCode"], content["status"]) == (400, code, "failed")
    assert content["errorDescription"]
    assert box.ledger.entries == ()


@pytest.mark.parametrize(
    "options",
    [{"score": 0.79}, {"score": 1.01}, {"body": "data:image/png;base64,{}"}, {"body": "{}\n"}, {"images": 10}],
    ids=["low score", "high score", "data prefix", "line break", "ten images"],
)
@pytest.mark.parametrize("strict", [True, False])
def test_strict_profile_refuses_what_the_documentation_excludes(sandbox, client, images, options, strict):
    """Without it, the same requests are answered or are merely unsolvable."""
    box = sandbox(capsolver=CapSolverRules(strict=strict))
    body = encoded(images["sure"])
    task = {"type": "ImageToTextTask", "body": body, **options}
    task["body"] = options.get("body", "{}").format(body)
    if "images" in options:
        task |= {"module": "number", "images": [body] * options["images"]}

    content = client(box, "capsolver").post("createTask", task=task).json()

    refused = {"ERROR_INVALID_TASK_DATA", "ERROR_PARSE_IMAGE_FAIL"}
    assert (content["errorCode"] in refused) is strict
    assert len(box.ledger.entries) == (0 if strict else 1)


def test_image_size_can_be_limited(sandbox, client, images):
    """No limit is documented, so it is a switch."""
    box = sandbox(capsolver=CapSolverRules(max_bytes=len(images["sure"]) - 1))

    assert client(box, "capsolver").create(images["sure"]).json()["errorCode"] == "ERROR_INVALID_IMAGE"


def test_a_body_that_is_not_json_is_refused_in_json(sandbox, http):
    """With the words that were recorded of the live service."""
    answer = http.post(f"{sandbox().urls['capsolver']}/createTask", content=b"{not json")

    assert answer.status_code == 400
    assert answer.json() == {
        "errorId": 1,
        "errorCode": "ERROR_INVALID_TASK_DATA",
        "errorDescription": "request body must be a json raw",
        "status": "failed",
    }


@pytest.mark.parametrize(("method", "path", "status"), [("POST", "/getToken", 404), ("GET", "/createTask", 405)])
def test_what_the_service_does_not_have(sandbox, http, method, path, status):
    """Other paths and methods are errors in JSON too."""
    answer = http.request(method, sandbox().urls["capsolver"] + path)

    assert (answer.status_code, answer.json()["errorId"]) == (status, 1)


def test_feedback_is_kept(sandbox, client, images):
    """The answer to feedbackTask has its documented members, and the ledger the complaint."""
    box = sandbox()
    at = client(box, "capsolver")
    id = at.create(images["sure"]).json()["taskId"]

    answer = at.post("feedbackTask", taskId=id, result={"invalid": True, "message": "wrong"})
    unknown = at.post("feedbackTask", taskId="nobody", result={"invalid": True})

    assert set(answer.json()) == {"errorId", "errorCode", "errorDescription", "message"}
    assert [(report.service, report.task_id, report.detail["message"]) for report in box.ledger.reports] == [
        ("capsolver", id, "wrong")
    ]
    assert unknown.json()["errorCode"] == "ERROR_TASKID_INVALID"


def test_another_key_cannot_see_a_task(sandbox, client, images):
    """A task belongs to the account that pays for it."""
    at = client(sandbox(keys=["demo", "other"]), "capsolver")
    id = at.create(images["sure"]).json()["taskId"]

    assert at.result(id, key="other").json()["errorCode"] == "ERROR_TASKID_INVALID"
    assert at.result(id).json()["status"] == "ready"
