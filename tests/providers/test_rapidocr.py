"""RapidOCR reads what was drawn, as the bare library does, and names what it lacks."""

import hashlib
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from PIL import Image

from toolkit._providers import RapidOCR
from toolkit._providers._rapidocr_models import MODELS, _download, detection_language, languages
from toolkit.errors import BadRequest, MissingExtra, SettingError, Unsolvable

rapidocr = pytest.importorskip("rapidocr")
onnxruntime = pytest.importorskip("onnxruntime")
cv2 = pytest.importorskip("cv2")

SHIPPED = Path(rapidocr.__path__[0]) / "models"
RECOGNITION = SHIPPED / "PP-OCRv6_rec_small.onnx"
DETECTION = SHIPPED / "PP-OCRv6_det_small.onnx"
DETECT = {"detect": True, "detection_side_px": 160}
"""Detection on small images, in a tenth of the time that the library's own size takes."""

TEXTS = ["Hello 42", "kX7pQ2", "ABC-1234", "over there"]


@pytest.fixture(scope="module")
def bare():
    """The library by itself."""
    return rapidocr.RapidOCR(params={"Global.log_level": "critical"})


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", TEXTS)
def test_a_drawn_line_is_read(text_png, text):
    """Clean print is read as it was drawn, with some certainty."""
    answer = RapidOCR().read(text_png(text))

    assert answer.text == text
    assert 0.5 < answer.confidence <= 1


@pytest.mark.parametrize("mode", ["RGB", "L", "1"])
@pytest.mark.parametrize("text", TEXTS)
def test_answers_are_the_bare_library_s(bare, draw, encode, text, mode):
    """Around the library nothing is lost and nothing added, with colours in the order it expects."""
    image = encode(
        Image.composite(Image.new("RGB", (200, 50), "gold"), draw(text), draw(text).convert("L")).convert(mode)
    )
    expected = bare(image, use_det=False, use_cls=False, use_rec=True)

    answer = RapidOCR().read(image)

    assert (answer.text, answer.confidence) == (expected.txts[0], expected.scores[0])


def test_detection_finds_lines_and_pieces(bare, text_png):
    """Lines are joined from top to bottom and pieces from left to right; the least certain one speaks for all."""
    page = text_png("two lines\nof       words", size=(400, 110))

    answer = RapidOCR(**DETECT).read(page)

    assert answer.text == "two lines\nof words"
    found = bare(page, use_det=True, use_cls=False, use_rec=True)
    assert sorted(answer.text.split()) == sorted(" ".join(found.txts).split())
    assert 0.5 < answer.confidence <= 1


def test_lines_below_the_text_score_are_left_out(text_png):
    """With a bar that no line reaches, there is no answer."""
    with pytest.raises(Unsolvable):
        RapidOCR(**DETECT, text_score=1.0).read(text_png("kX7pQ2"))


def test_a_line_on_its_head_is_turned(draw, encode):
    """The classifier is what makes the difference."""
    image = encode(draw("over there", size=(190, 44)).transpose(Image.Transpose.ROTATE_180))

    assert RapidOCR(orientation=True).read(image).text == "over there"
    assert RapidOCR().read(image).text != "over there"


@pytest.mark.parametrize("setting", [RapidOCR(), RapidOCR(**DETECT)], ids=lambda setting: setting.label)
def test_an_empty_image_is_no_answer(text_png, setting):
    """Nothing found is said as such, not as an empty text."""
    with pytest.raises(Unsolvable, match="no text"):
        setting.read(text_png(""))


@pytest.mark.parametrize(
    ("size", "message"),
    [((2001, 10), "one side is over 200 times the other"), ((9, 2000), "over 200 times"), ((4000, 30), "4000×30")],
)
def test_a_shape_that_the_library_cannot_take_is_refused(encode, size, message):
    """Instead of half a minute of work, or an error of the library's own, the image is named as the reason."""
    with pytest.raises(BadRequest, match=message):
        RapidOCR().read(encode(Image.new("RGB", size, "white")))


@pytest.mark.parametrize("image", [b"", b"no image", b"\x89PNG\r\n\x1a\n broken"])
def test_what_is_no_image_is_refused(image):
    """A corrupt file is the image's fault and is told as that."""
    with pytest.raises(BadRequest, match="image"):
        RapidOCR().read(image)


def test_the_library_prints_nothing(text_png, capfd):
    """Neither loading nor reading writes a line."""
    setting = RapidOCR(alias="silent")

    setting.versions()
    setting.read(text_png("Hello 42"))

    assert capfd.readouterr() == ("", "")


# ── models ───────────────────────────────────────────────────────────────────────────────────────────────


def test_versions_name_libraries_and_models():
    """Each model that has a say stands there with the beginning of its digest."""

    def named(path: Path) -> str:
        return f"{path.name} sha256:{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"

    versions = RapidOCR(detect=True, orientation=True).versions()

    assert versions["onnxruntime"] == onnxruntime.__version__
    assert versions["rapidocr"].split(".")[0] == "3"
    assert versions["recognition"] == named(RECOGNITION)
    assert versions["detection"] == named(DETECTION)
    assert versions["orientation"] == named(SHIPPED / "ch_ppocr_mobile_v2.0_cls_mobile.onnx")
    assert set(RapidOCR().versions()) == {"rapidocr", "onnxruntime", "recognition"}


def test_a_model_of_one_s_own_is_read_with(text_png, tmp_path):
    """A file given by path is the one used, and the manifest names it."""
    own = tmp_path / "own.onnx"
    own.write_bytes(RECOGNITION.read_bytes())
    setting = RapidOCR(model_path=own)

    assert setting.versions()["recognition"].startswith("own.onnx sha256:6f327246b503")
    assert setting.read(text_png("Hello 42")) == RapidOCR().read(text_png("Hello 42"))


def test_characters_of_one_s_own_are_part_of_the_model(tmp_path):
    """A change of the list changes what is answered, so it shows."""
    keys = tmp_path / "keys.txt"
    keys.write_text("a\nb\n", encoding="utf-8")
    setting = RapidOCR(model_path=RECOGNITION, keys_path=keys)
    before = setting.versions()["keys"]
    keys.write_text("a\nc\n", encoding="utf-8")

    assert before != setting.versions()["keys"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"model_path": "nowhere.onnx"}, "model_path='nowhere.onnx' is no file"),
        ({"model_path": __file__}, "is not a model that onnxruntime loads"),
        ({"model_path": DETECTION}, "has no list of characters inside; .*keys_path"),
        ({"model_path": RECOGNITION, "keys_path": "nowhere.txt"}, "keys_path='nowhere.txt' is no file"),
        ({"detect": True, "detection_path": "nowhere.onnx"}, "detection_path='nowhere.onnx' is no file"),
        ({"lang": "tlh"}, "PP-OCRv6 small does not read lang='tlh'; it takes .*, en, "),
        ({"threads": 100_000}, "threads=100000 is more than the"),
    ],
)
def test_what_this_machine_lacks_is_found_before_a_run(parameters, message):
    """A mistake that only this machine can know of is named with its cure, before an image is read."""
    with pytest.raises(SettingError, match=message):
        RapidOCR(**parameters).versions()


@pytest.mark.parametrize("left_behind", [None, b"half a model"], ids=["nothing there", "a broken download"])
def test_a_model_that_cannot_be_downloaded_is_named_with_its_cure(monkeypatch, tmp_path, left_behind):
    """Without a network the message says which file is needed, from where and to where."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nothing listens there, so the library gets no network
    if left_behind is not None:
        (tmp_path / "PP-OCRv6_rec_tiny.onnx").write_bytes(left_behind)

    with pytest.raises(SettingError) as mistake:
        RapidOCR(model="tiny", model_folder=tmp_path).versions()

    message = str(mistake.value)
    assert "PP-OCRv6_rec_tiny.onnx does not come with the package and cannot be downloaded" in message
    assert "/PP-OCRv6/rec/PP-OCRv6_rec_tiny.onnx by other means" in message
    assert f"into {tmp_path}" in message
    assert "model_path=" in message


def test_models_that_ship_need_no_folder_of_their_own(tmp_path):
    """A folder for downloads does not hide what the package brings."""
    assert RapidOCR(model_folder=tmp_path).versions() == RapidOCR().versions()


@pytest.mark.parametrize(("version", "model"), [(version, model) for version in MODELS for model in MODELS[version]])
def test_every_version_and_size_is_in_the_library_s_catalogue(version, model):
    """What a setting accepts can be had, and each has a detector."""
    assert "ch" in languages("rec", version, model)
    assert detection_language(version, "ch", model) in languages("det", version, model)


@pytest.mark.parametrize(
    ("version", "model", "lang", "detector"),
    [
        ("PP-OCRv6", "small", "de", "de"),
        ("PP-OCRv5", "mobile", "en", "multi"),
        ("PP-OCRv4", "mobile", "en", "en"),
        ("PP-OCRv4", "mobile", "korean", "multi"),
        ("PP-OCRv4", "server", "ch_doc", "ch"),
    ],
)
def test_a_language_without_a_detector_takes_the_common_one(version, model, lang, detector):
    """Where text stands hardly depends on its language."""
    assert detection_language(version, lang, model) == detector


class OneFile(BaseHTTPRequestHandler):
    """A download site."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"model")

    def log_message(self, *_):
        """Stay silent."""


@pytest.fixture
def site():
    """The address of a server that gives the same five bytes for everything."""
    with ThreadingHTTPServer(("127.0.0.1", 0), OneFile) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_download_is_looked_at(site, tmp_path):
    """What arrived is kept when it is what the catalogue promises, and is named when it is not."""
    path = tmp_path / "folder" / "m.onnx"

    _download(f"{site}/m.onnx", path, hashlib.sha256(b"model").hexdigest())
    assert path.read_bytes() == b"model"

    with pytest.raises(SettingError, match=r"what came as m\.onnx is not that model"):
        _download(f"{site}/m.onnx", path, hashlib.sha256(b"another").hexdigest())


@pytest.mark.parametrize("missing", ["rapidocr", "onnxruntime"])
def test_a_missing_library_names_its_extra(monkeypatch, missing):
    """Whoever lacks one of the two packages reads what to type."""
    monkeypatch.setitem(sys.modules, missing, None)  # how Python itself marks a module that cannot be had

    with pytest.raises(MissingExtra, match=r'pip install "image-to-text-toolkit\[rapidocr\]"'):
        RapidOCR().versions()


# ── the process around it ────────────────────────────────────────────────────────────────────────────────


def test_opencv_keeps_its_threads(text_png):
    """The user's own OpenCV code is as fast after a reading as before."""
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(2)
        RapidOCR().read(text_png("Hello 42"))
        assert cv2.getNumThreads() == 2
    finally:
        cv2.setNumThreads(before)


def test_an_engine_computes_with_the_threads_it_was_given(text_png, tmp_path):
    """One thread by default, so that as many engines as cores do not fight for them; more on request."""
    image = tmp_path / "hello.png"
    image.write_bytes(text_png("Hello 42"))
    cores = os.cpu_count() or 1
    code = (
        "import sys; from pathlib import Path; import cv2, onnxruntime, psutil, rapidocr.main\n"
        "from toolkit._providers import RapidOCR\n"
        "threads = psutil.Process().num_threads\n"
        "image = Path(sys.argv[1]).read_bytes(); before = threads()\n"
        "print(RapidOCR().read(image).text, threads() - before)\n"
        f"RapidOCR(threads={cores}, alias='more').read(image); print(threads() - before > 0)"
    )

    done = subprocess.run([sys.executable, "-c", code, image], capture_output=True, text=True)

    assert done.stdout == f"Hello 42 0\n{cores > 1}\n", done.stderr
