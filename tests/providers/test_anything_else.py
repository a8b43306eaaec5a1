"""Providers without a class of their own: a JSON service, an OCR server, a program, a function; and preparation."""

import hashlib
import json
import pickle
import shutil
import sys
from email import message_from_bytes
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from threading import Thread

import cv2
import numpy as np
import pytest
from by_hand import SAMPLE, drive, reply
from PIL import Image

import toolkit as tk
from toolkit._providers._preparing import Preparation, otsu
from toolkit.errors import BadRequest, EngineFailure, ProtocolError, RateLimited, SettingError, Unsolvable
from toolkit.testing import check_provider

KEY = "key-7c1e0b55d9"


def service(**parameters):
    given = {"request": {"picture": "{image}"}, "text": "results.0.text", **parameters}
    return tk.HTTPService("https://ocr.example/v2/read", **given)


# ── a JSON service ───────────────────────────────────────────────────────────────────────────────────────


def test_a_template_becomes_the_request():
    """Image, data URL and key are put where their marks stand, at any depth; all else stays as it was."""
    asked = service(
        key=KEY,
        request={"image": {"data": "{image}", "kind": ["{media_type}", 3]}, "set": "{a} {}", "auth": "{key}"},
        headers={"Authorization": "Bearer {key}"},
    )
    (call,) = drive(asked.flow(SAMPLE), {"results": [{"text": "A7K2"}]}).calls

    assert call.path == "/v2/read"
    assert call.json["image"]["kind"] == ["application/octet-stream", 3]
    assert call.json["image"]["data"].startswith("AAECAwQFBgc")
    assert call.json["set"] == "{a} {}"
    assert (call.json["auth"], call.headers["Authorization"]) == (KEY, f"Bearer {KEY}")
    assert asked.account.base_url == "https://ocr.example"
    assert KEY not in repr(asked) + asked.label + repr(asked.parameters)


def test_the_image_travels_as_form_file_or_bytes():
    """Whatever the service takes."""
    replies = {"results": [{"text": "A7K2"}]}
    (form,) = drive(service(send="form").flow(SAMPLE), replies).calls
    (file,) = drive(service(send="multipart", request={"f": "{file}", "lang": "en"}).flow(SAMPLE), replies).calls
    (alone,) = drive(service(send="bytes", request=None).flow(SAMPLE), replies).calls

    assert form.form["picture"].startswith("AAEC")
    assert file.multipart["f"][1] == SAMPLE.image
    assert file.multipart["lang"] == "en"
    assert alone.body == SAMPLE.image


def test_a_path_finds_text_and_confidence():
    """By names, positions and all members of a list; the least of several confidences counts."""
    said = {"pages": [{"lines": [{"t": "one", "p": 90}, {"t": "two", "p": 40}]}]}
    asked = service(text="pages.0.lines.*.t", confidence="pages.0.lines.*.p", confidence_max=100)

    assert drive(asked.flow(SAMPLE), said).value == tk.Answer("one\ntwo", 0.4, {"charged": 1})


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"results": []}, ProtocolError),
        ({"results": [{"text": 5}]}, ProtocolError),
        ({"results": [{"text": ""}]}, Unsolvable),
        ({"failed": "no such mode", "results": [{"text": "A7K2"}]}, ProtocolError),
        (reply({"failed": "bad image"}, 400), BadRequest),
        (reply({}, 429, retry_after="3"), RateLimited),
    ],
)
def test_a_reply_without_a_text_is_an_error(said, kind):
    """By its status, by what the path meets, or by what the service says of itself."""
    assert type(drive(service(error="failed").flow(SAMPLE), said).error).__mro__.count(kind) == 1


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"request": {"a": "b"}}, "request must hold {image}"),
        ({"request": None}, "request must hold {image}"),
        ({"send": "bytes"}, "leave request out"),
        ({"headers": {"X-API-Key": "sk-1"}}, "must hold {key}"),
        ({"request": {"image": b"{image}"}}, "that JSON can hold"),
        ({"text": ""}, "text"),
    ],
)
def test_what_cannot_work_is_said_at_once(parameters, words):
    """Before anything is sent."""
    with pytest.raises(SettingError, match=words):
        service(**parameters)


# ── an OCR server of one's own ───────────────────────────────────────────────────────────────────────────


class _Answering(BaseHTTPRequestHandler):
    """The LiteParse OCR API with RapidOCR behind it; written from the API's specification alone."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        mail = message_from_bytes(
            b"Content-Type: " + self.headers["content-type"].encode() + b"\r\n\r\n" + body, policy=HTTP
        )
        parts = {part.get_param("name", header="content-disposition"): part for part in mail.iter_parts()}
        self.server.languages.append(parts["language"].get_payload(decode=True).decode())
        try:
            pixels = Image.open(BytesIO(parts["file"].get_payload(decode=True))).convert("RGB")
        except OSError:
            return self._say(400, {"error": "Invalid image"})
        found = self.server.engine(np.asarray(pixels)[:, :, ::-1].copy())
        pieces = zip(found.txts or (), found.scores or (), found.boxes if found.txts else (), strict=True)
        results = [
            {"text": text, "confidence": float(score), "bbox": [*box.min(axis=0).tolist(), *box.max(axis=0).tolist()]}
            for text, score, box in pieces
        ]
        return self._say(200, {"results": results})

    def _say(self, status, document):
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def ocr_server():
    """A real server, its requests read by the standard library and its images by an engine."""
    rapidocr = pytest.importorskip("rapidocr")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answering)
    server.engine, server.languages = rapidocr.RapidOCR(params={"Global.log_level": "critical"}), []
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_real_ocr_server_is_read(ocr_server, text_png, tmp_path):
    """Over the wire, by a run like any other."""
    setting = tk.OCRServer(base_url=f"http://127.0.0.1:{ocr_server.server_port}", engine="rapidocr", language="en")
    images = [tk.Sample.from_bytes(text_png("HELLO 42", size=(240, 60)), "HELLO 42", id="a"),
              tk.Sample.from_bytes(text_png("", size=(240, 60)), "", id="b")]  # fmt: skip
    run = tk.benchmark(tk.Dataset.from_samples(images, name="two"), setting, store=tmp_path / "run")
    read = run.attempts.set_index("sample")

    assert read.loc["a", "text"] == "HELLO 42"
    assert 0.5 < read.loc["a", "confidence"] <= 1
    assert read.loc["b", "error"] == "unsolvable"
    assert set(ocr_server.languages) == {"en"}


def test_lines_and_thresholds_of_an_ocr_server():
    """A piece below another begins a line, and one that is too unsure is left out."""
    results = [
        {"text": "Total", "bbox": [0, 0, 50, 20], "confidence": 0.9},
        {"text": "12", "bbox": [60, 2, 80, 19], "confidence": 0.8},
        {"text": "?", "bbox": [90, 2, 95, 19], "confidence": 0.1},
        {"text": "EUR", "bbox": [0, 30, 50, 50], "confidence": 0.7},
    ]
    setting = tk.OCRServer(base_url="http://127.0.0.1:1", min_confidence=0.5)

    assert drive(setting.flow(SAMPLE), {"results": results}).value == tk.Answer("Total 12\nEUR", 0.7, {"charged": 1})
    assert isinstance(drive(setting.flow(SAMPLE), {"results": []}).error, Unsolvable)
    assert isinstance(drive(setting.flow(SAMPLE), reply({"error": "bad"}, 400)).error, BadRequest)
    with pytest.raises(SettingError, match="base_url"):
        tk.OCRServer()


# ── a program ────────────────────────────────────────────────────────────────────────────────────────────

_SAYS = "import sys; data = sys.stdin.buffer.read() if len(sys.argv) < 2 else open(sys.argv[1], 'rb').read(); "


def program(code, *further, **options):
    return tk.CommandLine([sys.executable, "-c", _SAYS + code, *further], **options)


@pytest.mark.parametrize("further", [(), ("{image}",)], ids=["standard input", "a file"])
@pytest.mark.parametrize(("image_format", "start"), [("PNG", b"\x89PNG"), ("PPM", b"P6"), ("BMP", b"BM")])
def test_a_program_gets_the_image_in_its_format(text_png, further, image_format, start):
    """In a file or on its standard input."""
    read = program("print(data[:4])", *further, image_format=image_format).read(text_png("A7K2"))

    assert read.text.encode().startswith(repr(start)[:-1].encode())
    assert read.confidence is None


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("sys.exit('no model')", EngineFailure, "ended with 1: no model"),
        ("print()", Unsolvable, "no text"),
        ("import time; time.sleep(30)", EngineFailure, "more than 0.5 s"),
    ],
)
def test_how_a_program_can_fail(text_png, code, kind, words):
    """By its exit status, by silence, by taking too long."""
    with pytest.raises(kind, match=words):
        program(code, timeout_s=0.5 if "sleep" in code else 20).read(text_png("A7K2"))


def test_a_program_that_is_missing_is_said_before_a_run():
    """With its name."""
    with pytest.raises(SettingError, match="no program 'no-such-ocr'"):
        tk.CommandLine(["no-such-ocr", "{image}"]).versions()
    with pytest.raises(SettingError, match="must be a list"):
        tk.CommandLine("ocr {image}")


@pytest.mark.parametrize("name", ["gocr", "ocrad"])
def test_programs_of_debian_read(name, text_png):
    """Two engines that nobody wrote a class for."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    setting = tk.CommandLine([name, "{image}"], image_format="PPM")

    assert setting.read(text_png("HELLO", font_px=28)).text.strip() == "HELLO"
    assert any(digit in setting.versions()[name] for digit in "0123456789")
    check_provider(setting)


# ── a function ───────────────────────────────────────────────────────────────────────────────────────────


def shout(image):
    return "A7K2", 0.75


def test_a_function_is_a_setting(text_png):
    """With a label, versions and a place in a manifest, and through pickle into a worker."""
    setting = tk.Function(shout)

    assert setting.read(text_png("A7K2")) == tk.Answer("A7K2", 0.75)
    assert setting.label == "function(shout)"
    assert setting.parameters["function"].endswith(":shout")
    assert (
        setting.versions()["shout"] == hashlib.sha256(b'def shout(image):\n    return "A7K2", 0.75\n').hexdigest()[:12]
    )
    assert pickle.loads(pickle.dumps(setting)) == setting  # noqa: S301 -- made a moment ago
    check_provider(setting)


@pytest.mark.parametrize(
    ("given", "kind"),
    [(None, Unsolvable), ("", Unsolvable), (5, EngineFailure), (("a", 95), EngineFailure), (("a", "b"), EngineFailure)],
)
def test_what_a_function_may_give(text_png, given, kind):
    """A text, or a text and a confidence; nothing else passes for an answer."""
    with pytest.raises(kind):
        tk.Function(lambda _: given).read(text_png("A7K2"))


# ── preparation ──────────────────────────────────────────────────────────────────────────────────────────


def pixels(image):
    return np.asarray(Image.open(BytesIO(image)))


def test_otsu_finds_what_opencv_finds():
    """On noise, on two hills, and on an image of one grey."""
    random = np.random.default_rng(7)
    hills = np.concatenate([random.normal(60, 10, 3000), random.normal(180, 20, 1000)]).clip(0, 255).astype(np.uint8)
    noise = random.integers(0, 256, 4000, dtype=np.uint8)
    for gray in (hills.reshape(40, 100), noise.reshape(40, 100)):
        theirs, _ = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        assert otsu(gray) == theirs
    assert otsu(np.full((4, 4), 200, np.uint8)) in range(256)


def test_each_step_does_what_it_says(text_png):
    """Seen in the pixels."""
    image = text_png("A7K2", size=(100, 40))
    plain = pixels(Preparation()(image))

    assert plain.shape == (40, 100, 3)
    assert pixels(Preparation(grayscale=True)(image)).shape == (40, 100)
    assert pixels(Preparation(scale=2.5)(image)).shape == (100, 250, 3)
    assert set(np.unique(pixels(Preparation(threshold="otsu")(image)))) == {0, 255}
    assert (pixels(Preparation(invert=True)(image)) == 255 - plain).all()
    padded = pixels(Preparation(invert=True, pad=7)(image))
    assert padded.shape == (54, 114, 3)
    assert (padded[:7] == 255).all()
    median = cv2.medianBlur(pixels(Preparation(grayscale=True)(image)), 3)
    assert (pixels(Preparation(grayscale=True, denoise=3)(image))[2:-2, 2:-2] == median[2:-2, 2:-2]).all()
    faint = Image.fromarray((pixels(Preparation(grayscale=True)(image)) // 4 + 100).astype(np.uint8))
    buffer = BytesIO()
    faint.save(buffer, "PNG")
    assert np.ptp(pixels(Preparation(grayscale=True, contrast=True)(buffer.getvalue()))) >= 254


def test_a_prepared_engine_reads_what_the_engine_could_not(text_png):
    """Light on dark at a third of the size, brought back."""
    small = Preparation(invert=True, scale=0.34)(text_png("HELLO", size=(200, 50)))
    seen = []
    setting = tk.Prepared(tk.Function(lambda image: seen.append(image) or "seen"), invert=True, scale=3, pad=4)

    assert setting.read(small).text == "seen"
    assert pixels(seen[0]).shape[:2] == (17 * 3 + 8, 68 * 3 + 8)
    assert pixels(seen[0]).mean() > 200


def test_preparation_is_in_label_manifest_and_grid():
    """So that it is a setting like any other."""
    settings = tk.grid(
        tk.Prepared, setting=[tk.Tesseract(), tk.CapMonster("universal")], threshold=[None, "otsu"], scale=2
    )

    assert [setting.label for setting in settings] == [
        "prepared(tesseract(psm=7), scale=2)",
        "prepared(tesseract(psm=7), scale=2, threshold='otsu')",
        "prepared(capmonster(module='universal'), scale=2)",
        "prepared(capmonster(module='universal'), scale=2, threshold='otsu')",
    ]
    assert settings[1].parameters["threshold"] == "otsu"
    assert settings[1].parameters["setting"] == {"provider": "tesseract", "parameters": tk.Tesseract().parameters}
    assert isinstance(settings[0], tk.LocalProvider)
    assert isinstance(settings[2], tk.ServiceProvider)


def test_a_prepared_service_pays_and_asks_as_the_service_does(text_png):
    """The same account, prices, limits and tasks; the image is the prepared one."""
    inner = tk.CapMonster("universal", key=KEY, price_per_1000_usd=0.5)
    setting = tk.Prepared(inner, scale=2)

    assert setting.account == inner.account
    assert (setting.prices, setting.max_cost_usd) == (inner.prices, inner.max_cost_usd)
    check_provider(
        setting,
        tk.Sample.from_bytes(text_png("A7K2")),
        replies=[
            {"errorId": 0, "taskId": 407533072},
            {"errorId": 0, "status": "ready", "solution": {"text": "A7K2"}},
        ],
    )


def test_what_a_service_refuses_is_the_prepared_image():
    """An image that fits can be too large once it is enlarged, and one that is no image cannot be prepared."""
    buffer = BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (100, 100, 3), np.uint8)).save(buffer, "PNG")
    inner = tk.CapMonster("universal")

    assert inner.refuses(buffer.getvalue()) is None
    assert "CapMonster takes images of" in tk.Prepared(inner, scale=3).refuses(buffer.getvalue())
    assert "not an image" in tk.Prepared(inner, scale=3).refuses(b"x" * 500)


@pytest.mark.parametrize(
    "parameters",
    [{"scale": 0}, {"threshold": "auto"}, {"threshold": 256}, {"denoise": 4}, {"pad": -1}, {"grayscale": 1}],
)
def test_a_step_that_does_not_exist_is_refused(parameters):
    """With the name of the parameter."""
    with pytest.raises(SettingError, match=next(iter(parameters))):
        tk.Prepared(tk.Tesseract(), **parameters)


def test_only_one_engine_or_service_can_be_prepared():
    """A cascade's stages are prepared one by one."""
    with pytest.raises(SettingError, match="one engine or service"):
        tk.Prepared(tk.Cascade((tk.Tesseract(), 0.9), tk.RapidOCR()))
    with pytest.raises(SettingError, match="one engine or service"):
        tk.Prepared("tesseract")
