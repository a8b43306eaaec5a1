"""Starting and stopping, and what is left behind: nothing."""

import json
import logging
import signal
import socket
import subprocess
import sys
import threading

import psutil
import pytest

from toolkit._sandbox import Oracle, Sandbox, faults
from toolkit._sandbox.thread import bind
from toolkit.errors import SettingError


def listening():
    """The addresses that this process listens on."""
    return {
        connection.laddr
        for connection in psutil.Process().net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }


def test_it_listens_on_loopback_only(reader):
    """Every port it opens is one of 127.0.0.1, and its URLs say which."""
    before = listening()
    with Sandbox(reader) as box:
        opened = listening() - before
        urls = dict(box.urls)

    assert {address.ip for address in opened} == {"127.0.0.1"}
    assert {f"http://127.0.0.1:{address.port}" for address in opened} == {
        url.removesuffix("/v1") for url in urls.values()
    }
    assert list(urls) == ["capsolver", "capmonster", "openai"]


def test_nothing_is_left_behind(images, make_reader):
    """No thread, no listening port and no open file, also after requests and with one still waiting."""
    process = psutil.Process()
    reader = make_reader(lambda image: ("text", 1.0), instant=False)
    threads, files = set(threading.enumerate()), process.num_fds()

    with Sandbox(reader, delay={"capmonster": 0, "capsolver": 60}) as box:
        ports = [int(url.split(":")[2].removesuffix("/v1")) for url in box.urls.values()]
        waiting = post(box.urls["capsolver"], images["sure"])
        answered = post(box.urls["capmonster"], images["sure"])
        assert answered.recv(12) == b"HTTP/1.1 200"
        while not box.ledger.charged("capsolver"):
            threading.Event().wait(0.01)

    assert is_over(waiting)
    waiting.close()
    answered.close()
    assert set(threading.enumerate()) == threads
    assert process.num_fds() == files
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


def is_over(connection):
    """Whether the far end has ended a connection, orderly or not, without an answer."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def post(url, image):
    """A createTask that was sent and whose answer nobody has read."""
    import base64

    task = {"type": "ImageToTextTask", "body": base64.b64encode(image).decode()}
    body = json.dumps({"clientKey": "demo", "task": task}).encode()
    host, port = url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=20)
    connection.sendall(b"POST /createTask HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    return connection


def test_a_port_can_be_asked_for_and_had_again(reader):
    """Free again as soon as the sandbox has stopped."""
    with Sandbox(reader) as box:
        port = int(box.urls["capsolver"].split(":")[2])

    for _ in range(2):
        with Sandbox(reader, ports={"capsolver": port}) as box:
            assert box.urls["capsolver"] == f"http://127.0.0.1:{port}"


def test_a_port_that_is_taken_is_named(reader):
    """With the service that asked for it and what to do; the ports that were free are given back."""
    before = listening()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingError, match=f"port {port} for openai"):
            Sandbox(reader, ports={"openai": port}).start()

    assert listening() == before


def test_answers_are_not_held_back_by_the_kernel(reader):
    """Connections have Nagle's algorithm off, for which asyncio looks at the number of the socket's protocol."""
    with bind({"capsolver": 0})["capsolver"] as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_without_uvicorn_the_extra_is_named():
    """And no port is kept."""
    code = (
        "import sys; sys.modules['uvicorn'] = None\n"
        "import psutil; from toolkit.errors import MissingExtra; from toolkit._sandbox import Sandbox\n"
        "try: Sandbox(len).start()\n"
        "except MissingExtra as error: print(error.extra, len(psutil.Process().net_connections()))"
    )
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.split() == ["sandbox", "0"]


def test_start_and_stop_may_be_called_twice(reader):
    """The second does nothing; a stopped one starts anew with its ledger."""
    box = Sandbox(reader)
    assert box.start() is box.start()
    first = dict(box.urls)
    box.stop()
    box.stop()
    assert (box.urls, repr(box)) == ({}, "Sandbox(not running)")

    with box:
        assert set(box.urls) == set(first)


@pytest.mark.parametrize(
    "options",
    [
        {"reader": "tesseract"},
        {"delay": {"capsolvr": 1}},
        {"ports": {"http": 80}},
        {"requests_per_s": 0},
        {"price_per_1000_usd": {"tesseract": 1}},
        {"keys": ["demo__universal"]},
        {"faults": [faults.cut("before")]},
    ],
)
def test_options_that_make_no_sense_are_refused(reader, options):
    """Before a thread or a port is opened."""
    with pytest.raises(SettingError):
        Sandbox(**{"reader": reader, **options})


def test_a_reader_that_fails_is_an_unsolvable_image(sandbox, client, images, caplog):
    """Its client sees what a service would say, its owner the traceback."""

    def broken(image):
        raise RuntimeError("no model")

    box = sandbox(broken)
    with caplog.at_level(logging.ERROR):
        answer = client(box, "capsolver").create(images["sure"]).json()

    assert answer["errorCode"] == "ERROR_CAPTCHA_UNSOLVABLE"
    assert "no model" in caplog.text
    assert box.ledger.free() == 1


def test_a_slow_reader_holds_nobody_up(sandbox, client, images, make_reader):
    """While an image is being read, other requests are answered and the task is pending."""
    go = threading.Event()

    def slowly(image):
        go.wait(20)
        return "slow", 1.0

    at = client(sandbox(make_reader(slowly, instant=False)), "capmonster")
    id = at.create(images["sure"]).json()["taskId"]
    pending = at.result(id).json()["status"]
    go.set()
    while (answer := at.result(id).json())["status"] == "processing":
        pass

    assert pending == "processing"
    assert answer["solution"]["text"] == "slow"


def test_an_oracle_answers_through_every_protocol(sandbox, client, images):
    """The services and the oracle agree on text and confidence."""
    oracle = Oracle([(image, name) for name, image in images.items()], accuracy=0.5)
    at = client(sandbox(oracle), "capsolver")

    for image in images.values():
        text, confidence = oracle(image)
        assert at.create(image).json()["solution"] == {"text": text, "confidence": confidence}


def test_uvicorn_alone_is_enough(tmp_path):
    """Without the faster parser it answers, drips, resets and stops as well."""
    script = tmp_path / "plain.py"
    script.write_text(
        """
import sys
sys.modules["httptools"] = None  # as if it were not installed
import httpx
from toolkit._sandbox import Sandbox, faults

script = faults.script([None, faults.slow_drip(0.05), faults.cut("after"), faults.cut("mid_body")])
with Sandbox(lambda image: ("text", 1.0), faults=[script]) as box, httpx.Client(trust_env=False) as http:
    for _ in range(4):
        try:
            print(http.post(box.urls["capsolver"] + "/getBalance", json={"clientKey": "demo"}).json()["balance"])
        except httpx.TransportError as error:
            print(type(error).__name__)
""",
        encoding="utf-8",
    )

    run = subprocess.run([sys.executable, "-W", "error", script], capture_output=True, text=True, check=True)

    assert run.stdout.split() == ["10.0", "10.0", "ReadError", "RemoteProtocolError"]
    assert run.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_forever_ends_in_order_when_told_to(number):
    """The command's loop says when it answers, and ends with status 0 on either signal."""
    code = (
        "from toolkit._sandbox import Sandbox, serve_forever\n"
        "serve_forever(Sandbox(lambda image: ('text', 1.0)), lambda box: print(box.urls['capsolver'], flush=True))\n"
        "print('over')"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout.readline().startswith("http://127.0.0.1:")
        command.send_signal(number)
        assert command.stdout.read() == "over\n"

    assert command.returncode == 0
