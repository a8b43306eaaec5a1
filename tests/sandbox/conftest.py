"""Sandboxes on loopback, images with known answers, and a client that knows no protocol."""

import base64
import io
import random
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from PIL import Image

pytest.importorskip("uvicorn")

from toolkit._sandbox import Sandbox


def png(seed, width=24, height=12):
    """A small PNG of noise: an image like any other to whoever does not look at it."""
    pixels = random.Random(seed).randbytes(width * height)
    out = io.BytesIO()
    Image.frombytes("L", (width, height), pixels).save(out, "PNG")
    return out.getvalue()


class Client:
    """Posts JSON to one service of a sandbox and returns the answer as it came."""

    def __init__(self, http, url):
        self.http = http
        self.url = url

    def post(self, operation, key="demo", **members):
        return self.http.post(f"{self.url}/{operation}", json={"clientKey": key, **members})

    def create(self, image, key="demo", body=None, **options):
        """Create a task for an image; `body` replaces its base64."""
        encoded = base64.b64encode(image).decode() if body is None else body
        return self.post("createTask", key, task={"type": "ImageToTextTask", "body": encoded, **options})

    def result(self, task_id, key="demo"):
        return self.post("getTaskResult", key, taskId=task_id)


@pytest.fixture(scope="session")
def images():
    """Three images: one that is read surely, one less so, one not at all."""
    return {"sure": png(1), "unsure": png(2), "blank": png(3)}


class Reader:
    """Reads by a function of the image; when `instant`, on the server's own thread."""

    def __init__(self, read, *, instant=True):
        self.read = read
        self.instant = instant

    def __call__(self, image):
        return self.read(image)


@pytest.fixture(scope="session")
def make_reader():
    """Makes a reader of a function."""
    return Reader


@pytest.fixture(scope="session")
def reader(images):
    """What is read in each of the images, with the confidence."""
    answers = {
        images["sure"]: ("Xk7mq", 0.99),
        images["unsure"]: ("Hello7", 0.85),
        images["blank"]: (None, 0.0),
    }
    return Reader(answers.__getitem__)


@pytest.fixture(scope="session")
def stopping():
    """Threads that stop sandboxes while the tests go on; the server takes a while over it, all of it sleep."""
    with ThreadPoolExecutor(8) as threads:
        stopped = []
        yield lambda box: stopped.append(threads.submit(box.stop))
        for stop in stopped:
            stop.result()


@pytest.fixture
def sandbox(reader, stopping):
    """Starts sandboxes that end with the test."""
    started = []

    def start(reader=reader, **options):
        started.append(Sandbox(reader, **options).start())
        return started[-1]

    yield start
    for box in started:
        stopping(box)


@pytest.fixture
def http():
    """An HTTP client without settings from the environment."""
    with httpx.Client(trust_env=False, timeout=20) as client:
        yield client


@pytest.fixture
def client(http):
    """A client of one service of a sandbox."""
    return lambda box, service: Client(http, box.urls[service])


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()
