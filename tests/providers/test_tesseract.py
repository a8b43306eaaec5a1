"""Tesseract reads what was drawn, says how sure it is, and names what it lacks."""

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from toolkit._providers import Tesseract
from toolkit._providers._tessdata import find_tessdata
from toolkit.errors import BadRequest, MissingExtra, SettingError, Unsolvable

tesserocr = pytest.importorskip("tesserocr")


@pytest.fixture(scope="module")
def tessdata() -> Path:
    """The folder with English and orientation data, looked for in another way than the toolkit does."""
    roots = [Path(root) for root in ("/usr/share", "/usr/local/share", "/opt/homebrew/share")]
    folders = {path.parent for root in roots for path in root.glob("**/tessdata/eng.traineddata")}
    complete = sorted(folder for folder in folders if (folder / "osd.traineddata").exists())
    if not complete:
        pytest.skip("Tesseract's English and osd data are not installed (apt-get install tesseract-ocr)")
    return complete[-1]


@pytest.fixture
def folder_of(tessdata, tmp_path):
    """Makes a folder that holds copies of some languages' data and nothing else."""

    def copied(*languages: str) -> Path:
        folder = tmp_path / "-".join(languages)
        folder.mkdir()
        for language in languages:
            (folder / f"{language}.traineddata").write_bytes((tessdata / f"{language}.traineddata").read_bytes())
        return folder

    return copied


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("tessdata")
@pytest.mark.parametrize("text", ["Hello 42", "toolkit", "over there"])
def test_a_drawn_line_is_read(text_png, text):
    """Clean print is read as it was drawn, without the engine's line end, and with some certainty."""
    answer = Tesseract().read(text_png(text))

    assert answer.text == text
    assert 0.5 < answer.confidence <= 1


@pytest.mark.usefixtures("tessdata")
def test_lines_of_a_block_stay_lines(text_png):
    """Only the engine's last line end is its own; those between lines are content."""
    assert Tesseract(psm=6).read(text_png("two lines\nof words", size=(300, 100))).text == "two lines\nof words"


@pytest.mark.usefixtures("tessdata")
def test_a_whitelist_limits_the_answer(text_png):
    """Letters cannot be answered where only digits are allowed."""
    answer = Tesseract(whitelist="0123456789").read(text_png("B0S 42"))

    assert answer.text
    assert set(answer.text) <= set("0123456789 ")


@pytest.mark.parametrize("confidence", ["min", "mean", "product"])
def test_confidence_comes_from_the_words(tessdata, text_png, draw, confidence):
    """The library's own list, in whole percent, gives the same figure to within its rounding."""
    text = "some words 4O2 x"
    with tesserocr.PyTessBaseAPI(path=f"{tessdata}/", lang="eng", psm=7) as api:
        api.SetImage(draw(text, size=(400, 50)))
        api.GetUTF8Text()
        words = [percent / 100 for percent in api.AllWordConfidences()]
    assert len(words) >= 3
    low = {"min": min(words), "mean": sum(words) / len(words), "product": 1.0}
    high = dict(low)
    for word in words:
        low["product"] *= word
        high["product"] *= word + 0.01

    answer = Tesseract(confidence=confidence).read(text_png(text, size=(400, 50)))

    assert low[confidence] <= answer.confidence <= high[confidence] + 0.01


@pytest.mark.usefixtures("tessdata")
@pytest.mark.parametrize("psm", [3, 6, 11])
def test_an_empty_page_is_no_answer(text_png, psm):
    """Nothing found is said as such, not as an empty text."""
    with pytest.raises(Unsolvable, match="no text"):
        Tesseract(psm=psm).read(text_png(""))


@pytest.mark.usefixtures("tessdata")
@pytest.mark.parametrize(
    ("image", "message"),
    [(b"", "0 bytes"), (b"\x89PNG\r\n\x1a\n broken", "image"), (b"GIF89a", "image")],
)
def test_what_is_no_image_is_refused(image, message):
    """A corrupt file is the image's fault and is told as that."""
    with pytest.raises(BadRequest, match=message):
        Tesseract().read(image)


@pytest.mark.usefixtures("tessdata")
def test_an_image_too_long_for_the_engine_is_refused(encode):
    """The library counts pixels in 16 bits; beyond them it would only say that no image was set."""
    with pytest.raises(BadRequest, match="40000×20: Tesseract takes at most 32767 px"):
        Tesseract().read(encode(Image.new("RGB", (40000, 20), "white")))


@pytest.mark.usefixtures("tessdata")
def test_the_engine_prints_nothing(encode, capfd):
    """Remarks on each odd image would bury the progress of a run."""
    with pytest.raises(Unsolvable):
        Tesseract(psm=13).read(encode(Image.new("RGB", (1, 36))))

    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("tessdata")
def test_an_answer_does_not_depend_on_the_images_before(text_png):
    """Trials are shuffled, so an engine that learns from what it read would blur the comparison."""
    images = [text_png(text, font_px=size) for text in ("kX7pQ2", "modern", "lI1O0", "modem") for size in (11, 16, 28)]
    setting = Tesseract()

    forwards = [setting.read(image) for image in images]
    backwards = [setting.read(image) for image in reversed(images)]

    assert forwards == backwards[::-1]


@pytest.mark.usefixtures("tessdata")
def test_threads_do_not_share_an_engine(text_png):
    """The library has no lock of its own; answers of simultaneous readers must not mix."""
    texts = ["Hello 42", "toolkit", "over there", "kind words"] * 6
    setting = Tesseract()
    images = [text_png(text) for text in texts]

    with ThreadPoolExecutor(4) as pool:
        assert [answer.text for answer in pool.map(setting.read, images)] == texts


# ── language data ────────────────────────────────────────────────────────────────────────────────────────


def test_versions_name_library_engine_and_data(tessdata):
    """A change of the data shows in the manifest even when no version number changes."""
    digest = hashlib.sha256((tessdata / "eng.traineddata").read_bytes()).hexdigest()

    versions = Tesseract().versions()

    assert versions["tesserocr"] == tesserocr.__version__
    assert f"tesseract {versions['tesseract']}\n" in tesserocr.tesseract_version()
    assert f"leptonica-{versions['leptonica']}\n" in tesserocr.tesseract_version()
    assert versions["tessdata eng"] == f"eng.traineddata sha256:{digest[:12]}"


def test_data_may_lie_where_the_user_says(folder_of, text_png):
    """A folder given is the one that is used."""
    setting = Tesseract(tessdata=folder_of("eng"))

    assert setting.versions()["tessdata eng"] == Tesseract().versions()["tessdata eng"]
    assert setting.read(text_png("Hello 42")).text == "Hello 42"


@pytest.mark.parametrize("above", [False, True], ids=["the folder", "the folder above"])
def test_data_may_lie_where_the_environment_says(folder_of, monkeypatch, above):
    """Both meanings that the variable has had are understood, and it goes before the usual places."""
    folder = folder_of("eng").rename(folder_of("osd").parent / "tessdata")
    (folder / "tlh.traineddata").write_bytes((folder / "eng.traineddata").read_bytes())
    monkeypatch.setenv("TESSDATA_PREFIX", str(folder.parent if above else folder))

    assert Tesseract(lang="tlh").versions()["tessdata tlh"].startswith("tlh.traineddata sha256:")


def test_the_place_that_the_library_was_built_with_is_looked_at(tmp_path):
    """A library built for another layout knows where its data lies; one built without knows nothing of use."""
    (tmp_path / "tlh.traineddata").touch()

    assert find_tessdata(["tlh"], None, lambda: str(tmp_path)) == tmp_path
    with pytest.raises(SettingError, match="'tlh'"):
        find_tessdata(["tlh"], None, lambda: "./")


@pytest.mark.usefixtures("tessdata")
def test_a_missing_language_is_named_with_its_cure():
    """The message says what is missing, what is there and how to get it."""
    with pytest.raises(SettingError) as mistake:
        Tesseract(lang="eng+tlh_kli").versions()

    message = str(mistake.value)
    assert "no language data for 'tlh_kli'" in message
    assert "eng, osd" in message
    assert "apt-get install tesseract-ocr-tlh-kli," in message
    assert "tessdata=" in message


def test_an_empty_folder_is_named(tmp_path):
    """A folder of one's own that holds nothing is not passed over for another."""
    with pytest.raises(SettingError, match=rf"'eng' in {tmp_path} \(no language data found at all\)"):
        Tesseract(tessdata=tmp_path).versions()


def test_orientation_needs_its_own_data(folder_of):
    """Without it the engine would go on as if it had not been asked to look which way is up."""
    with pytest.raises(SettingError, match="no language data for 'osd'"):
        Tesseract(psm=1, tessdata=folder_of("eng")).versions()


@pytest.mark.parametrize(("oem", "hint"), [(0, "use oem=1 or 3"), (1, r"cannot start with the data in .*damaged$")])
def test_data_that_the_engine_refuses_is_named(tmp_path, oem, hint):
    """Damaged data, or data without the engine asked for, is found before a run starts."""
    folder = tmp_path / "damaged"
    folder.mkdir()
    (folder / "eng.traineddata").write_bytes(b"no data" * 100)

    with pytest.raises(SettingError, match=hint):
        Tesseract(oem=oem, tessdata=folder).versions()


def test_a_missing_library_names_its_extra(monkeypatch):
    """Whoever has not installed tesserocr reads what to type."""
    monkeypatch.setitem(sys.modules, "tesserocr", None)  # how Python itself marks a module that cannot be had

    with pytest.raises(MissingExtra, match=r'pip install "image-to-text-toolkit\[tesseract\]"'):
        Tesseract().versions()


# ── the process around it ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("tessdata")
@pytest.mark.parametrize("limit", [None, "3"])
def test_the_environment_is_left_as_it_was(monkeypatch, limit):
    """A limit meant for this engine must not slow down what the process loads later."""
    monkeypatch.delenv("OMP_THREAD_LIMIT", raising=False)
    if limit is not None:
        monkeypatch.setenv("OMP_THREAD_LIMIT", limit)

    Tesseract().versions()

    assert os.environ.get("OMP_THREAD_LIMIT") == limit


@pytest.mark.usefixtures("tessdata")
def test_one_engine_is_one_thread(text_png, tmp_path):
    """As many engines as cores do not fight for them."""
    image = tmp_path / "hello.png"
    image.write_bytes(text_png("Hello 42"))
    code = (
        "import sys; from pathlib import Path; import psutil; from toolkit._providers import Tesseract\n"
        "threads = psutil.Process().num_threads\n"
        "image = Path(sys.argv[1]).read_bytes(); before = threads(); setting = Tesseract()\n"
        "print(setting.read(image).text, threads() - before)"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}

    done = subprocess.run([sys.executable, "-c", code, image], env=environment, capture_output=True, text=True)

    assert done.stdout == "Hello 42 0\n", done.stderr
