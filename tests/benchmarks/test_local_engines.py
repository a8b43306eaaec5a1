"""What the toolkit adds to a local engine: reading through a setting beside a loop around the bare library."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from time import perf_counter

import pytest
from PIL import Image, ImageDraw, ImageFont

import toolkit as tk
from toolkit._engine.local_backend import cores
from toolkit._providers import RapidOCR, Tesseract

MOST_TIMES_BARE = 1.1
LEAST_OF_ALL_CORES = 0.9
ROUNDS = 15


def drawn(text: str) -> bytes:
    """A line of text as a PNG of 200×50 pixels."""
    image, buffer = Image.new("RGB", (200, 50), "white"), BytesIO()
    ImageDraw.Draw(image).text((10, 8), text, fill="black", font=ImageFont.load_default(28))
    image.save(buffer, "PNG")
    return buffer.getvalue()


IMAGES = [
    drawn(text) for text in ("Hello 42", "kX7pQ2", "toolkit", "ABC-1234", "over there", "9 lives", "Zoo", "1,234.50")
]


def bare_rapidocr() -> Callable[[bytes], str]:
    """RapidOCR as its own manual uses it, held to one thread as the setting is."""
    rapidocr = pytest.importorskip("rapidocr")
    opencv = pytest.importorskip("cv2")
    one_thread = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    engine = rapidocr.RapidOCR(params={"Global.log_level": "critical", **one_thread})
    opencv.setNumThreads(1)
    return lambda image: engine(image, use_det=False, use_cls=False, use_rec=True).txts[0]


def bare_tesseract() -> Callable[[bytes], str]:
    """Tesseract as tesserocr's own manual uses it, with the confidences that an answer needs."""
    tesserocr = pytest.importorskip("tesserocr")
    setting = Tesseract()
    api = tesserocr.PyTessBaseAPI(path=f"{setting._folder(tesserocr)}/", lang="eng", psm=7)

    def read(image: bytes) -> str:
        api.SetImage(Image.open(BytesIO(image)))
        text = api.GetUTF8Text()
        api.AllWordConfidences()
        return text.rstrip("\n")

    return read


def seconds(function: Callable[[bytes], object], image: bytes) -> float:
    start = perf_counter()
    function(image)
    return perf_counter() - start


@pytest.mark.parametrize(
    ("setting", "make_bare"),
    [(RapidOCR(), bare_rapidocr), (Tesseract(), bare_tesseract)],
    ids=["rapidocr", "tesseract"],
)
def test_reading_costs_what_the_bare_library_costs(benchmark, setting, make_bare):
    """A setting reads in the time that its library takes, decoding included, and gives the same answers."""
    bare = make_bare()
    bare_s: dict[bytes, list[float]] = {image: [] for image in IMAGES}
    read_s: dict[bytes, list[float]] = {image: [] for image in IMAGES}

    def both():
        # Side by side, so that the machine's other work falls on both.
        for image in IMAGES:
            bare_s[image].append(seconds(bare, image))
            read_s[image].append(seconds(setting.read, image))

    assert [setting.read(image).text for image in IMAGES] == [bare(image) for image in IMAGES]
    benchmark.pedantic(both, rounds=ROUNDS, warmup_rounds=1)

    # Noise only ever adds, so the least of several is the reading itself.
    bare_ms = 1000 * sum(map(min, bare_s.values())) / len(IMAGES)
    read_ms = 1000 * sum(map(min, read_s.values())) / len(IMAGES)
    benchmark.extra_info |= {
        "bare_ms": round(bare_ms, 2),
        "read_ms": round(read_ms, 2),
        "ratio": round(read_ms / bare_ms, 3),
    }
    if benchmark.enabled:
        assert read_ms <= MOST_TIMES_BARE * bare_ms


@pytest.mark.parametrize(
    ("setting", "make_bare"),
    [(RapidOCR(), bare_rapidocr), (Tesseract(), bare_tesseract)],
    ids=["rapidocr", "tesseract"],
)
def test_all_cores_are_used(benchmark, setting, make_bare):
    """A run on all cores reads nine tenths of what as many bare engines would, one on each core.

    Reference: the bare engine in this process on the same images, times the cores, before and after each run.
    """
    dataset = tk.load_dataset(Path(__file__).parents[2] / "datasets/distorted")
    dataset = dataset.sample(100 if benchmark.enabled else 8)
    images, bare = [sample.image for sample in dataset], make_bare()
    bare(images[0])
    found: list[tuple[float, float]] = []

    def both():
        before_s = sum(seconds(bare, image) for image in images)
        run = tk.benchmark(dataset, setting, repeats=3, show=False)
        after_s = sum(seconds(bare, image) for image in images)
        assert run.complete
        outcomes = run.outcomes
        ends = outcomes["started_at"] + outcomes["latency_s"]
        rate = len(outcomes) / (ends.max() - outcomes["started_at"].min())
        found.append((rate, cores() * len(images) / min(before_s, after_s)))

    benchmark.pedantic(both, rounds=3 if benchmark.enabled else 1)

    rate, bare_rate = max(found, key=lambda pair: pair[0] / pair[1])
    benchmark.extra_info |= {
        "images_per_s": round(rate, 1),
        "bare_times_cores_per_s": round(bare_rate, 1),
        "cores": cores(),
        "ratio": round(rate / bare_rate, 3),
    }
    if benchmark.enabled:
        assert rate >= LEAST_OF_ALL_CORES * bare_rate
