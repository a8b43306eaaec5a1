"""CapMonster Cloud's protocol, member by member."""

import base64
import http.server
import json
import threading

import pytest

from toolkit._sandbox import CapMonsterRules


def solve(at, image, **options):
    """The answer to the first question for a new task, which is ready at once without a delay."""
    return at.result(at.create(image, **options).json()["taskId"]).json()


def test_a_task_is_created_then_pending_then_ready(sandbox, client, images, clock):
    """The documented answers, with nulls while pending and nothing more than documented."""
    box = sandbox(clock=clock, delay=0.5)
    at = client(box, "capmonster")

    created = at.create(images["sure"]).json()
    pending = at.result(created["taskId"]).json()
    clock.now += 0.5
    ready = at.result(created["taskId"])

    assert created == {"errorId": 0, "taskId": created["taskId"]}
    assert type(created["taskId"]) is int
    assert pending == {"errorCode": None, "errorDescription": None, "errorId": 0, "status": "processing"}
    assert ready.json() == {"errorId": 0, "status": "ready", "solution": {"text": "Xk7mq"}}
    assert ready.headers["content-type"] == "application/json"


def test_task_id_may_come_back_as_digits(sandbox, client, images):
    """Clients written for a sister service send it as text; other text is a wrong id."""
    at = client(sandbox(), "capmonster")
    id = at.create(images["sure"]).json()["taskId"]

    assert at.result(str(id)).json()["status"] == "ready"
    assert at.result("none").json()["errorCode"] == "WRONG_CAPTCHA_ID"
    assert at.result(id + 1).json()["errorCode"] == "ERROR_NO_SUCH_CAPCHA_ID"


@pytest.mark.parametrize(
    ("name", "threshold", "equal_passes", "solved"),
    [
        ("unsure", 85, True, True),
        ("unsure", 85, False, False),
        ("unsure", 86, True, False),
        ("unsure", 84, False, True),
        ("unsure", 0, True, True),
        ("blank", 0, True, False),
        ("blank", None, True, False),
    ],
)
def test_threshold(sandbox, client, images, name, threshold, equal_passes, solved):
    """Under it: unsolvable and free. Whether equality passes is a switch."""
    box = sandbox(capmonster=CapMonsterRules(equal_passes=equal_passes))

    answer = solve(client(box, "capmonster"), images[name], recognizingThreshold=threshold)

    assert answer.get("errorCode") == (None if solved else "ERROR_CAPTCHA_UNSOLVABLE")
    assert (box.ledger.charged(), box.ledger.free()) == ((1, 0) if solved else (0, 1))


@pytest.mark.parametrize("percent", [percent for percent in range(101) if percent / 100 * 100 != percent])
def test_a_threshold_in_percent_means_that_hundredth(sandbox, client, images, make_reader, percent):
    """A confidence of 0.29 passes a threshold of 29, although 0.29 × 100 is a little less than 29."""
    box = sandbox(make_reader(lambda image: ("text", percent / 100)))

    answer = solve(client(box, "capmonster"), images["sure"], recognizingThreshold=percent)

    assert answer["status"] == "ready"


@pytest.mark.parametrize("spelling", ["capMonsterModule", "CapMonsterModule"])
def test_both_spellings_of_the_module(sandbox, client, images, make_reader, spelling):
    """The documentation's and the clients' name the same reader."""
    box = sandbox(readers={"special": make_reader(lambda image: ("from the special module", 1.0))})

    answer = solve(client(box, "capmonster"), images["sure"], **{spelling: "special"})

    assert answer["solution"]["text"] == "from the special module"


@pytest.mark.parametrize("spelling", ["case", "Case"])
def test_both_spellings_of_case(sandbox, client, images, spelling):
    """Where it has an effect, either gives it."""
    box = sandbox(capmonster=CapMonsterRules(lower_case=True))
    at = client(box, "capmonster")

    assert solve(at, images["sure"], **{spelling: True})["solution"]["text"] == "Xk7mq"
    assert solve(at, images["sure"])["solution"]["text"] == "xk7mq"


@pytest.mark.parametrize(
    ("key", "text", "code"),
    [
        ("demo__special", "special", None),
        ("demo__recognizingthreshold_90", None, "ERROR_CAPTCHA_UNSOLVABLE"),
        ("demo__recognizingthreshold_80", "Hello7", None),
        ("demo__special__recognizingthreshold_90", None, "ERROR_CAPTCHA_UNSOLVABLE"),
        ("demo__special__recognizingthreshold_60", "special", None),
        ("demo__recognizingthreshold_many", None, "ERROR_INVALID_TASK"),
        ("bad__special", None, "ERROR_KEY_DOES_NOT_EXIST"),
    ],
)
def test_options_behind_the_key(sandbox, client, images, make_reader, key, text, code):
    """Module and threshold for programs that have only a field for the key."""
    box = sandbox(readers={"special": make_reader(lambda image: ("special", 0.7))})
    at = client(box, "capmonster")

    answer = at.create(images["unsure"], key=key).json()
    if answer["errorId"] == 0:
        answer = at.result(answer["taskId"], key=key).json()

    assert answer.get("solution", {}).get("text") == text
    assert answer.get("errorCode") == code


@pytest.mark.parametrize(
    ("read", "options", "text"),
    [
        ("12 + 30 =", {"math": True}, "42"),
        ("7x6=?", {"math": True}, "42"),
        ("84/2", {"math": True}, "42"),
        ("50-8", {"capMonsterModule": "captcha_math"}, "42"),
        ("7/2", {"math": True}, None),
        ("7/0", {"math": True}, None),
        ("hello", {"math": True}, None),
        ("a1b2", {"numeric": 1}, "12"),
        ("a1b2", {"numeric": 0}, "a1b2"),
        ("abc", {"numeric": 1}, None),
    ],
)
def test_numeric_and_math(sandbox, client, images, make_reader, read, options, text):
    """Digits only, or the value of the expression; unsolvable where there is none."""
    box = sandbox(make_reader(lambda image: (read, 1.0)))

    answer = solve(client(box, "capmonster"), images["sure"], **options)

    assert answer.get("solution", {}).get("text") == text


@pytest.mark.parametrize("errors", ["200", "402/403"])
@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        ("bad", 403, "ERROR_KEY_DOES_NOT_EXIST"),
        ("empty", 402, "ERROR_ZERO_BALANCE"),
        ("blocked", 403, "ERROR_IP_BANNED"),
    ],
)
def test_keys_that_are_not_good(sandbox, client, images, errors, key, status, code):
    """Each is refused in its own way, as HTTP 200 or as users have recorded."""
    box = sandbox(capmonster=CapMonsterRules(errors=errors))

    answer = client(box, "capmonster").create(images["sure"], key=key)

    content = answer.json()
    assert answer.status_code == (200 if errors == "200" else status)
    assert (content["errorId"], content["errorCode"], content["taskId"]) == (1, code, 0)
    assert set(content) == {"errorId", "errorCode", "errorDescription", "taskId"}
    assert box.ledger.entries == ()


@pytest.mark.parametrize(
    ("size", "code"),
    [
        (99, "ERROR_ZERO_CAPTCHA_FILESIZE"),
        (100, None),
        (50_000, None),
        (50_001, "ERROR_TOO_BIG_CAPTCHA_FILESIZE"),
    ],
)
def test_image_size_limits(sandbox, client, size, code):
    """50,000 bytes at most and 100 at least, counted after decoding."""
    box = sandbox(lambda image: ("text", 1.0))

    assert client(box, "capmonster").create(b"\x89" * size).json().get("errorCode") == code


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"clientKey": "demo"}, "ERROR_TASK_ABSENT"),
        ({"clientKey": "demo", "task": "ImageToTextTask"}, "ERROR_TASK_ABSENT"),
        ({"clientKey": "demo", "task": {"type": "TurnstileTask"}}, "ERROR_TASK_NOT_SUPPORTED"),
        ({"clientKey": "demo", "task": {"type": "ImageToTextTask"}}, "ERROR_INVALID_TASK"),
        ({"clientKey": "demo", "task": {"type": "ImageToTextTask", "body": "§"}}, "ERROR_INVALID_TASK"),
        ({"clientKey": "demo", "task": {"type": "ImageToTextTask", "math": 1}}, "ERROR_INVALID_TASK"),
        ({"task": {"type": "ImageToTextTask"}}, "ERROR_KEY_DOES_NOT_EXIST"),
        (["clientKey"], "ERROR_TASK_ABSENT"),
    ],
)
def test_tasks_that_make_no_sense(sandbox, http, document, code):
    """They are refused before anything is held against the account."""
    box = sandbox()

    answer = http.post(f"{box.urls['capmonster']}/createTask", json=document)

    assert (answer.status_code, answer.json()["errorCode"]) == (200, code)
    assert box.ledger.entries == ()


@pytest.mark.parametrize(
    "options",
    [
        {"numeric": 2},
        {"recognizingThreshold": 101},
        {"recognizingThreshold": -1},
        {"body": "data:image/png;base64,{}"},
        {"body": "{}\n"},
        {"math": True, "CapMonsterModule": "captcha_math"},
    ],
    ids=["numeric 2", "threshold 101", "threshold -1", "data prefix", "line break", "math twice"],
)
@pytest.mark.parametrize("strict", [True, False])
def test_strict_profile_refuses_what_the_documentation_excludes(sandbox, client, images, options, strict):
    """Without it, the same requests make tasks."""
    box = sandbox(capmonster=CapMonsterRules(strict=strict))
    body = options.get("body", "{}").format(base64.b64encode(images["sure"]).decode())

    answer = client(box, "capmonster").create(images["sure"], **{**options, "body": body}).json()

    assert answer.get("errorCode") == ("ERROR_INVALID_TASK" if strict else None)


def test_result_is_kept_for_five_minutes_and_120_questions(sandbox, client, images, clock):
    """The 121st question is too much; after five minutes the task is unknown, and charged all the same."""
    box = sandbox(clock=clock)
    at = client(box, "capmonster")
    first, second = (at.create(images["sure"]).json()["taskId"] for _ in range(2))

    answers = [at.result(first).json() for _ in range(121)]
    clock.now += 299.9
    in_time = at.result(second).json()
    clock.now += 0.1
    too_late = at.result(second).json()

    assert [answer.get("errorCode") for answer in answers[120:]] == ["ERROR_TOO_MUCH_REQUESTS"]
    assert all(answer["errorId"] == 0 for answer in answers[:120])
    assert in_time["status"] == "ready"
    assert too_late["errorCode"] == "ERROR_NO_SUCH_CAPCHA_ID"
    assert box.ledger.charged() == 2


def test_incorrect_answers_are_reported(sandbox, client, images):
    """The documented answers, which have no description; there is no token task to report here."""
    box = sandbox()
    at = client(box, "capmonster")
    id = at.create(images["sure"]).json()["taskId"]

    answer = at.post("reportIncorrectImageCaptcha", taskId=id)
    refused = at.post("reportIncorrectImageCaptcha", key="bad", taskId=id)
    token = at.post("reportIncorrectTokenCaptcha", taskId=id)

    assert answer.json() == {"errorId": 0, "status": "success"}
    assert refused.json() == {"errorId": 1, "errorCode": "ERROR_KEY_DOES_NOT_EXIST"}
    assert token.json() == {"errorId": 1, "errorCode": "ERROR_NO_SUCH_CAPCHA_ID"}
    assert [(report.service, report.task_id) for report in box.ledger.reports] == [("capmonster", id)]


def test_unknown_methods(sandbox, client):
    """Another path is an unknown method."""
    assert client(sandbox(), "capmonster").post("getMoney").json()["errorCode"] == "ERROR_NO_SUCH_METHOD"


@pytest.fixture
def receiver():
    """A web server that a service may call back; its `came` is set with the first request."""
    got, came = [], threading.Event()

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((self.path, self.headers["content-type"], json.loads(body)))
            self.send_response(204)
            self.end_headers()
            came.set()

        def log_message(self, *args):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://localhost:{server.server_port}", got, came
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("sure", {"errorId": 0, "status": "ready", "solution": {"text": "Xk7mq"}}),
        (
            "blank",
            {
                "errorId": 1,
                "errorCode": "ERROR_CAPTCHA_UNSOLVABLE",
                "errorDescription": "the image could not be solved",
            },
        ),
    ],
)
def test_callback_gets_the_answer_of_get_task_result(sandbox, client, images, receiver, name, told):
    """POSTed as JSON once the task is ready."""
    url, got, came = receiver
    box = sandbox(delay=0.05)
    task = {"type": "ImageToTextTask", "body": base64.b64encode(images[name]).decode()}

    client(box, "capmonster").post("createTask", task=task, callbackUrl=f"{url}/done?run=7")

    assert came.wait(20)
    assert got == [("/done?run=7", "application/json", told)]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "https://127.0.0.1/",
        "http://127.0.0.1.example.com/",
        "http://127.0.0.1@example.com/",
        "http://10.0.0.1/",
        "http://[::2]/",
        "http://127.0.0.1:99999/",
        "file:///etc/passwd",
        17,
    ],
)
def test_callback_off_this_machine_is_refused(sandbox, client, images, url):
    """A sandbox sends nothing anywhere else, so it does not take the task."""
    box = sandbox()
    task = {"type": "ImageToTextTask", "body": base64.b64encode(images["sure"]).decode()}

    answer = client(box, "capmonster").post("createTask", task=task, callbackUrl=url).json()

    assert answer["errorCode"] == "ERROR_INVALID_TASK"
    assert "callbackUrl" in answer["errorDescription"]
    assert box.ledger.entries == ()


def test_services_keep_their_own_accounts(sandbox, client, images):
    """What one charges is not taken from the other."""
    box = sandbox(price_per_1000_usd={"capmonster": "0.3"})
    solve(client(box, "capmonster"), images["sure"])
    client(box, "capsolver").create(images["sure"])

    assert str(box.balance_usd("capmonster")) == "9.9997"
    assert box.balance_usd("capsolver") == 10
