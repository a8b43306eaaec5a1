"""Faults on demand, seen from a client."""

import inspect
import json
import random
import socket

import httpx
import pytest

from toolkit._sandbox import delays, faults
from toolkit.errors import SettingError


def exchange(url, document):
    """All bytes that a server sends for a createTask, and whether it ended by a reset, over a bare socket."""
    host, port = url.removeprefix("http://").split(":")
    body = json.dumps(document).encode()
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(
            b"POST /createTask HTTP/1.1\r\nHost: sandbox\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
            % (len(body), body)
        )
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except ConnectionResetError:
            return received, True
        return received, False


@pytest.fixture
def solvable(images):
    """A createTask document that is charged when it is carried out."""
    import base64

    body = base64.b64encode(images["sure"]).decode()
    return {"clientKey": "demo", "task": {"type": "ImageToTextTask", "body": body}}


@pytest.mark.parametrize(("when", "charged"), [("before", 0), ("after", 1)])
def test_a_cut_connection_is_reset_without_a_byte(sandbox, solvable, when, charged):
    """And the task was charged only when the cut came after it was carried out."""
    box = sandbox(faults=[faults.script([faults.cut(when)])])

    assert exchange(box.urls["capsolver"], solvable) == (b"", True)
    assert box.ledger.charged() == charged
    assert box.traffic.requests("capsolver", "createTask", 0) == 1


def test_a_connection_cut_in_mid_body_ends_early(sandbox, solvable):
    """The head promises more bytes than come."""
    box = sandbox(faults=[faults.script([faults.cut("mid_body")])])

    received, was_reset = exchange(box.urls["capsolver"], solvable)

    head, _, body = received.partition(b"\r\n\r\n")
    promised = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    assert not was_reset
    assert 0 < len(body) < promised
    assert box.ledger.charged() == 1


def test_the_next_request_is_answered(sandbox, solvable):
    """A cut hurts one connection and nothing else."""
    box = sandbox(faults=[faults.script([faults.cut("before"), faults.cut("mid_body")])])
    for _ in range(2):
        exchange(box.urls["capsolver"], solvable)

    received, _ = exchange(box.urls["capsolver"], solvable)

    assert received.startswith(b"HTTP/1.1 200")


def test_script_counts_the_requests_it_is_about(sandbox, client, images):
    """The n-th of them meets the n-th entry; other operations and services are not counted."""
    box = sandbox(faults=[faults.script([None, faults.server_error(500)], service="capsolver", on="createTask")])
    at = client(box, "capsolver")

    statuses = []
    for _ in range(3):
        statuses += [
            at.create(images["sure"]).status_code,
            at.post("getBalance").status_code,
            client(box, "capmonster").create(images["sure"]).status_code,
        ]

    assert statuses == [200, 200, 200, 500, 200, 200, 200, 200, 200]
    assert box.traffic.faults == {("capsolver", "server_error_500_json"): 1}


def test_rate_is_kept_and_repeats_with_its_seed(sandbox, client):
    """About a third of 300 requests, the same ones with the same seed and others with another."""

    def struck(seed):
        box = sandbox(faults=[faults.at_rate(1 / 3, faults.server_error(503), faults.rate_limited(), seed=seed)])
        return [client(box, "capsolver").post("getBalance").status_code for _ in range(300)]

    first, again, other = struck(1), struck(1), struck(2)

    assert first == again
    assert first != other
    assert 70 < sum(status != 200 for status in first) < 130
    assert set(first) == {200, 429, 503}


def test_faults_can_be_changed_while_it_runs(sandbox, client):
    """The next request meets the new ones."""
    box = sandbox()
    at = client(box, "capsolver")
    before = at.post("getBalance").status_code
    box.faults = [faults.at_rate(1.0, faults.server_error(502, body="html"))]
    during = at.post("getBalance")
    box.faults = []

    assert (before, during.status_code, at.post("getBalance").status_code) == (200, 502, 200)
    assert during.headers["content-type"] == "text/html"


def test_rate_limit_says_when_only_if_asked_to(sandbox, client):
    """429 with and without Retry-After, in the service's own words."""
    box = sandbox(faults=[faults.script([faults.rate_limited(), faults.rate_limited(after_s=2)])])
    at = client(box, "capmonster")

    silent, telling = at.post("getBalance"), at.post("getBalance")

    assert (silent.status_code, telling.status_code) == (429, 429)
    assert silent.json()["errorCode"] == "ERROR_NO_SLOT_AVAILABLE"
    assert "retry-after" not in silent.headers
    assert telling.headers["retry-after"] == "2"


def test_a_spoilt_answer_was_carried_out(sandbox, client, images):
    """Truncated, of another type, without a member, not JSON: each comes after the charge."""
    spoilt = [
        faults.truncated(),
        faults.replaced("solution.text", 17),
        faults.missing("solution.text"),
        faults.missing("taskId"),
        faults.not_json(),
    ]
    box = sandbox(faults=[faults.script(spoilt)])
    at = client(box, "capsolver")

    truncated, number, textless, idless, html = (at.create(images["sure"]) for _ in spoilt)

    with pytest.raises(json.JSONDecodeError):
        truncated.json()
    assert int(truncated.headers["content-length"]) == len(truncated.content)
    assert number.json()["solution"]["text"] == 17
    assert textless.json()["solution"] == {"confidence": 0.99}
    assert "taskId" not in idless.json()
    assert html.content.startswith(b"<!DOCTYPE")
    assert box.ledger.charged() == len(spoilt)


def test_a_spoilt_answer_does_not_spoil_the_task(sandbox, client, images):
    """Asked again, the service still has the right text."""
    box = sandbox(faults=[faults.script([faults.replaced("solution.text", 17)], on="getTaskResult")])
    at = client(box, "capmonster")
    id = at.create(images["sure"]).json()["taskId"]

    assert [at.result(id).json()["solution"]["text"] for _ in range(2)] == [17, "Xk7mq"]


def test_members_that_an_answer_does_not_have_are_left_alone(sandbox, client):
    """A fault for one operation does no harm to another."""
    spoilt = [faults.missing("solution.text"), faults.replaced("choices.0.message", 1), faults.missing("packages.3")]
    box = sandbox(faults=[faults.script(spoilt)])

    answers = [client(box, "capsolver").post("getBalance").json() for _ in spoilt]

    assert answers == [{"errorId": 0, "balance": 10.0, "packages": []}] * 3


def test_slow_drip_sends_the_body_in_bits(sandbox, client, http):
    """The same bytes, over at least the time asked for."""
    box = sandbox(faults=[faults.script([None, faults.slow_drip(0.2)])])
    whole = client(box, "capsolver").post("getBalance")

    with http.stream("POST", f"{box.urls['capsolver']}/getBalance", json={"clientKey": "demo"}) as answer:
        bits = list(answer.iter_raw())

    assert len(bits) > 5
    assert b"".join(bits) == whole.content


def test_delay_can_be_drawn_or_added(sandbox, client, images):
    """An answer takes at least the configured delay and that of a fault."""
    box = sandbox(delay=0.05, faults=[faults.script([faults.delayed(0.1)])])

    assert client(box, "capsolver").create(images["sure"]).elapsed.total_seconds() >= 0.15


def test_the_server_may_forget_or_be_asked_too_often(sandbox, client):
    """Each in the words of the service."""
    box = sandbox(
        faults=[
            faults.script([faults.expired(), faults.over_polled()], service=name)
            for name in ("capsolver", "capmonster")
        ]
    )

    codes = {
        name: [client(box, name).result(1).json()["errorCode"] for _ in range(2)]
        for name in ("capsolver", "capmonster")
    }

    assert codes == {
        "capsolver": ["ERROR_TASKID_INVALID", "ERROR_TASKID_INVALID"],
        "capmonster": ["ERROR_NO_SUCH_CAPCHA_ID", "ERROR_TOO_MUCH_REQUESTS"],
    }


def test_error_without_its_description(sandbox, client):
    """As a live answer to a bad key was recorded."""
    box = sandbox(faults=[faults.script([faults.error_code("ERROR_KEY_DENIED_ACCESS", described=False)])])

    answer = client(box, "capsolver").post("getBalance")

    assert (answer.status_code, answer.json()) == (401, {"errorId": 1, "errorCode": "ERROR_KEY_DENIED_ACCESS"})


@pytest.mark.parametrize("service", ["capsolver", "capmonster", "openai"])
def test_catalogue_holds_every_documented_code(service):
    """And one of each other kind, under its own name."""
    from toolkit._sandbox import capmonster, capsolver, openai

    documented = {"capsolver": capsolver, "capmonster": capmonster, "openai": openai}[service].MEANINGS
    every = faults.catalogue(service)

    assert set(documented) <= set(every)
    assert {"cut_before", "cut_after", "cut_mid_body", "truncated", "not_json", "slow_drip", "rate_limited"} <= set(
        every
    )
    assert all(name == fault.name for name, fault in every.items())
    assert ("expired" in every) is (service != "openai")


MADE_BY = {
    "rate_limited": {"rate_limited", "rate_limited_retry_after"},
    "server_error": {"server_error_503_json", "server_error_502_html", "server_error_500_empty"},
    "error_code": {"ERROR_NEVER_HEARD_OF"},
    "cut": {"cut_before", "cut_after", "cut_mid_body"},
    "truncated": {"truncated"},
    "not_json": {"not_json"},
    "missing": {"missing_solution", "missing_solution.text", "missing_taskId", "missing_errorId", "missing_status"},
    "replaced": {"replaced_solution", "replaced_solution.text", "replaced_taskId", "replaced_errorId"},
    "delayed": {"delayed"},
    "slow_drip": {"slow_drip"},
    "expired": {"expired"},
    "over_polled": {"over_polled"},
}
"""What the catalogue holds of each function that makes faults: every variant that there is of it."""


@pytest.mark.parametrize("service", ["capsolver", "capmonster"])
def test_no_way_to_make_a_fault_is_left_out_of_the_catalogue(service):
    """So that whoever goes through the catalogue has gone through all that can go wrong."""
    makers = {
        name
        for name, maker in inspect.getmembers(faults, inspect.isfunction)
        if not name.startswith("_") and maker.__annotations__.get("return") is faults.Fault
    }

    assert makers == set(MADE_BY)
    assert set().union(*MADE_BY.values()) <= set(faults.catalogue(service))


@pytest.mark.parametrize("service", ["capsolver", "capmonster", "openai"])
def test_every_fault_of_the_catalogue_shows(sandbox, client, images, service):
    """Each is dealt once, none breaks the server, and it answers as usual afterwards."""
    every = faults.catalogue(service)
    box = sandbox(faults=[faults.script(list(every.values()), service=service)])
    at = client(box, service)

    for _ in every:
        try:
            at.create(images["sure"])
        except httpx.TransportError:
            continue

    assert box.traffic.faults == {(service, name): 1 for name in every}
    box.faults = []
    assert at.create(images["sure"]).status_code in (200, 404)


@pytest.mark.parametrize(
    "make",
    [
        lambda: faults.at_rate(1.5, faults.truncated()),
        lambda: faults.at_rate(0.5),
        lambda: faults.catalogue("tesseract"),
        lambda: delays.uniform(2, 1),
        lambda: delays.lognormal(0, 1),
    ],
)
def test_faults_that_make_no_sense_are_refused(make):
    """Before a sandbox is started with them."""
    with pytest.raises(SettingError):
        make()


@pytest.mark.parametrize(
    ("distribution", "median", "p95"),
    [(delays.uniform(0.1, 0.3), 0.2, 0.29), (delays.lognormal(0.5, 2.0), 0.5, 2.0), (0.7, 0.7, 0.7)],
)
def test_delays_have_the_shape_they_say(distribution, median, p95):
    """Median and 95th percentile of ten thousand draws."""
    dice = random.Random(0)

    drawn = sorted(delays.draw(distribution, dice) for _ in range(10_000))

    assert drawn[5000] == pytest.approx(median, rel=0.05)
    assert drawn[9500] == pytest.approx(p95, rel=0.05)
