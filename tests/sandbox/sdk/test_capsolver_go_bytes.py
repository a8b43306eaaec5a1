"""The requests of capsolver-go, byte by byte as Go's HTTP client writes them, and its way of reading the answers."""

import base64
import json
import socket

import pytest

from toolkit._sandbox import CapSolverRules


def go_post(url, path, document):
    """The answer's JSON to a POST with the headers, their order and the content type of that client.

    Go's encoder writes no blanks and sorts the members of a map, but not those of a struct.
    """
    host = url.removeprefix("http://")
    body = json.dumps(document, separators=(",", ":")).encode()
    request = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Go-http-client/1.1\r\n"
        f"Content-Length: {len(body)}\r\nContent-Type: json/application\r\nAccept-Encoding: gzip\r\n\r\n"
    ).encode() + body
    name, port = host.split(":")
    with socket.create_connection((name, int(port)), timeout=20) as connection:
        connection.sendall(request)
        received = connection.recv(65536)
        while b"\r\n\r\n" not in received or len(received.partition(b"\r\n\r\n")[2]) < content_length(received):
            received += connection.recv(65536)
    return json.loads(received.partition(b"\r\n\r\n")[2])


def content_length(received):
    """What the answer's head promises."""
    return int(received.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])


@pytest.fixture
def task(images):
    """A task as a Go program gives it, members in the order of their names."""
    return {"body": base64.b64encode(images["sure"]).decode(), "module": "common", "type": "ImageToTextTask"}


def test_solve(sandbox, task):
    """It looks at errorId and status and then takes the text."""
    answer = go_post(sandbox().urls["capsolver"], "/createTask", {"ClientKey": "demo", "task": task})

    assert (answer["errorId"], answer["status"], answer["solution"]["text"]) == (0, "ready", "Xk7mq")


def test_solve_by_polling(sandbox, task, clock):
    """It asks with the id of the last answer, so every answer has to hold it."""
    url = sandbox(clock=clock, delay=2, capsolver=CapSolverRules(deferred=True)).urls["capsolver"]
    answer = go_post(url, "/createTask", {"ClientKey": "demo", "task": task})
    statuses = [answer["status"]]

    for _ in range(2):
        clock.now += 1
        answer = go_post(url, "/getTaskResult", {"ClientKey": "demo", "taskId": answer["taskId"]})
        statuses.append(answer["status"])

    assert statuses == ["idle", "processing", "ready"]
    assert answer["solution"]["text"] == "Xk7mq"


def test_refused(sandbox, task):
    """It looks at errorId and takes the description, whatever the HTTP status."""
    answer = go_post(sandbox().urls["capsolver"], "/createTask", {"ClientKey": "bad", "task": task})

    assert answer["errorId"] == 1
    assert answer["errorDescription"]


def test_balance(sandbox):
    """A number, and packages that its type can hold."""
    answer = go_post(sandbox().urls["capsolver"], "/getBalance", {"ClientKey": "demo"})

    assert (answer["errorId"], answer["balance"], answer["packages"]) == (0, 10.0, [])
