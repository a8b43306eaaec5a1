"""Single calls: what the services' own clients offer, against the sandbox."""

import asyncio
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from bills import QUICK, charged_to, new_key, noise, readable

import toolkit as tk
from toolkit import errors
from toolkit._sandbox import faults

DATASET = readable(3)


def ours():
    """Threads of ours that run."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("toolkit")]


@pytest.fixture
def callbacks():
    """A server that keeps what is posted to it: its address and the bodies, and an event for the first one."""
    bodies, came = [], threading.Event()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()
            came.set()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}/done", bodies, came
        server.shutdown()
        serving.join()


def test_a_task_is_made_now_and_its_answer_fetched_later(sandbox, key, tmp_path):
    """From a path, from bytes and from a sample; None while it is pending."""
    box = sandbox(DATASET, delay=0.3)
    path = tmp_path / "image.png"
    path.write_bytes(noise(1))

    with tk.TaskClient(box.CapMonster(key=key, **QUICK)) as client:
        tasks = [client.create(image) for image in (DATASET[0], path, noise(2))]
        assert client.result(tasks[0]) is None
        answers = [client.join(task, timeout_s=20) for task in tasks]
        assert client.result(tasks[0]) == answers[0]

    assert [answer.text for answer in answers] == ["word0000", "word0001", "word0002"]
    assert charged_to(box, key) == tasks
    assert answers[0].usage == {"charged": 1}


@pytest.mark.parametrize("service", ["capsolver", "capmonster"])
def test_one_image_is_read_in_one_line(sandbox, key, service):
    """Whichever way the service answers."""
    box = sandbox(DATASET)
    setting = box.CapSolver(key=key) if service == "capsolver" else box.CapMonster(key=key, **QUICK)

    assert tk.read(setting, noise(2)).text == "word0002"


def test_a_cascade_reads_one_image_with_each_stage_in_its_place(sandbox, key):
    """An engine here, a service there; a stage that fails is passed over, and what each charged is told apart."""
    box = sandbox(DATASET)
    engine, first = tk.Tesseract(), box.CapSolver(key=key)
    last = box.CapMonster(key=key, **QUICK)

    answer = tk.read(tk.Cascade((engine, 1.0), (first, 1.0), last), DATASET[1])
    assert (answer.text, answer.confidence) == ("word0001", None)
    assert answer.usage == {f"{first.label}: charged": 1, f"{last.label}: charged": 1}

    bad = box.CapSolver(key=new_key())
    assert tk.read(tk.Cascade((bad, 0.0), last), DATASET[1]).usage == {f"{last.label}: charged": 1}
    with pytest.raises(errors.AuthenticationError):
        tk.read(tk.Cascade((last, 0.5), bad), DATASET[1])
    with pytest.raises(errors.Unsolvable, match="no stage was sure enough"):
        tk.read(tk.Cascade((first, 1.0), (last, 0.5)), DATASET[1])


def test_join_ends_at_its_deadline(sandbox, key):
    """The error says which task it was, so that it can be joined again."""
    box = sandbox(DATASET, delay=60.0)

    with tk.TaskClient(box.CapMonster(key=key, **QUICK)) as client:
        task = client.create(DATASET[0])
        with pytest.raises(errors.DeadlineExceeded, match=r"within 0\.3 s") as late:
            client.join(task, timeout_s=0.3)

    assert late.value.task_id == task


def test_join_asks_nothing_after_its_deadline(sandbox, key):
    """Each question takes 0.2 s, so that half a second has room for three at most, the last of them cut short."""
    box = sandbox(DATASET, delay=60.0, faults=[faults.at_rate(1.0, faults.delayed(0.2), on="getTaskResult")])

    with tk.TaskClient(box.CapMonster(key=key, first_poll_s=0.0, poll_every_s=0.01)) as client:
        task = client.create(DATASET[0])
        with pytest.raises(errors.DeadlineExceeded):
            client.join(task, timeout_s=0.5)

    assert 1 <= box.traffic.requests("capmonster", "getTaskResult") <= 3


def test_join_does_not_wait_for_an_answer_that_hangs(sandbox, key):
    """The exchange that is under way ends with the deadline; a test that waited for it would take a minute."""
    box = sandbox(DATASET, faults=[faults.at_rate(1.0, faults.delayed(60.0), on="getTaskResult")])
    begun = time.monotonic()

    with tk.TaskClient(box.CapMonster(key=key, **QUICK)) as client:
        task = client.create(DATASET[0])
        with pytest.raises(errors.DeadlineExceeded) as late:
            client.join(task, timeout_s=0.3)

    assert late.value.task_id == task
    assert time.monotonic() - begun < 30


def test_a_link_on_this_machine_is_not_followed_unasked(sandbox, key):
    """It may come from somebody else's list; the words say how it is allowed."""
    box = sandbox(DATASET)

    with pytest.raises(errors.DatasetError, match="allow_private=True"):
        tk.read(box.CapSolver(key=key), f"{box.urls['capsolver']}/image.png")


def test_the_balance_and_a_complaint(sandbox, key):
    """The money falls with an answer, and the service hears that it was wrong."""
    box = sandbox(DATASET, balance_usd=1)

    for setting in (box.CapSolver(key=key), box.CapMonster(key=key, **QUICK)):
        with tk.TaskClient(setting) as client:
            assert client.balance() == 1.0
            client.read(DATASET[0])
            assert client.balance() == pytest.approx(0.999)
            (task,) = charged_to(box, key, setting.name)
            client.report_incorrect(task)

    assert [(report.service, report.task_id) for report in box.ledger.reports] == [
        (service, charged_to(box, key, service)[0]) for service in ("capsolver", "capmonster")
    ]


def test_answers_can_be_posted_to_an_address(sandbox, key, callbacks):
    """From when it is set until it is taken back."""
    url, bodies, came = callbacks
    box = sandbox(DATASET)

    with tk.TaskClient(box.CapMonster(key=key, **QUICK)) as client:
        assert client.callback_url is None
        client.callback_url = url
        client.create(DATASET[0])
        assert came.wait(10)
        client.callback_url = None
        client.join(client.create(DATASET[1]), timeout_s=20)

    assert [body["solution"]["text"] for body in bodies] == ["word0000"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.cut("after"), errors.TransportError),
        (faults.rate_limited(after_s=7), errors.RateLimited),
        (faults.not_json(), errors.ProtocolError),
        (faults.error_code("ERROR_ZERO_BALANCE"), errors.InsufficientBalance),
        (faults.error_code("ERROR_CAPTCHA_UNSOLVABLE"), errors.Unsolvable),
    ],
    ids=lambda part: getattr(part, "name", ""),
)
def test_every_call_raises_what_a_run_would_record(sandbox, key, fault, error):
    """And is made once: nobody pays for a second task unasked."""
    box = sandbox(DATASET, faults=[faults.at_rate(1.0, fault)])

    with tk.TaskClient(box.CapSolver(key=key)) as client, pytest.raises(error) as raised:
        client.read(DATASET[0])

    assert box.traffic.requests("capsolver", "createTask") == 1
    assert raised.value.after_s == (7 if error is errors.RateLimited else None)


def test_a_refused_key_is_not_quoted(sandbox, leaks):
    """The service does, in its words."""
    box = sandbox(DATASET)
    bad = leaks.watch(new_key())

    with pytest.raises(errors.AuthenticationError) as raised:
        tk.read(box.CapSolver(key=bad), DATASET[0])

    assert "[key]" in str(raised.value)
    assert not leaks.in_text(f"{raised.value!r} {raised.value.__cause__!r} {raised.value.__context__!r}")


def test_it_works_where_a_loop_is_running(sandbox, key):
    """As it does in every cell of a notebook."""
    box = sandbox(DATASET)

    async def cell():
        return tk.read(box.CapMonster(key=key, **QUICK), DATASET[1]).text

    assert asyncio.run(cell()) == "word0001"


def test_a_closed_client_says_so(sandbox, key):
    """And leaves no thread; closing twice is closing once."""
    box = sandbox(DATASET)
    client = tk.TaskClient(box.CapSolver(key=key))
    client.balance()
    client.close()
    client.close()

    with pytest.raises(errors.UsageError, match="closed"):
        client.balance()
    assert not ours()


def test_a_client_that_cannot_be_made_leaves_nothing_behind(sandbox, key):
    """An unknown transport is refused before anything runs."""
    box = sandbox(DATASET)

    with pytest.raises(errors.SettingError, match="carrier pigeon"):
        tk.TaskClient(box.CapSolver(key=key), transport="carrier pigeon")
    assert not ours()


@pytest.mark.parametrize("given", [tk.Tesseract(), tk.CapMonster, "capmonster"])
def test_only_a_service_has_a_client(given):
    """An engine of this machine has no tasks; the words say what reads with one."""
    with pytest.raises(errors.SettingError, match=r"such as tk\.CapMonster\(\), not .*; tk\.read"):
        tk.TaskClient(given)
    assert not ours()


def test_a_provider_without_callbacks_has_none(key):
    """It says so, rather than ignore an address."""
    client = tk.TaskClient(tk.OpenAICompatible("model", key=key, base_url="http://127.0.0.1:9/v1"))
    with client, pytest.raises(errors.SettingError, match="sends answers nowhere"):
        client.callback_url = "http://127.0.0.1/"
