"""A sandbox that reads with a real engine: its confidence decides what a threshold lets through."""

import math
from io import BytesIO

import pytest
from bills import QUICK
from PIL import Image, ImageDraw, ImageFont

import toolkit as tk
from toolkit.errors import SettingError, Unsolvable

pytest.importorskip("rapidocr")


def drawn(word, size):
    """A word on paper; the smaller, the less sure is the reader."""
    image, out = Image.new("RGB", (140, 48), "white"), BytesIO()
    ImageDraw.Draw(image).text((10, 8), word, fill="black", font=ImageFont.load_default(size))
    image.save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def engine():
    return tk.RapidOCR()


@pytest.fixture(scope="module")
def box(engine):
    with tk.sandbox(engine=engine) as box:
        yield box


@pytest.fixture(scope="module", params=[("harvest", 26), ("w0rn 0ut", 13)], ids=["clear", "small"])
def image(request):
    return drawn(*request.param)


def test_the_engines_confidence_is_held_against_the_percent(box, engine, image):
    """The whole percent below it passes, the one above does not and is free."""
    own = tk.read(engine, image)
    below = math.floor(100 * own.confidence)
    charged = box.ledger.charged("capmonster")

    answer = tk.read(box.CapMonster(recognizing_threshold=below, **QUICK), image)

    assert answer.text == own.text
    assert box.ledger.charged("capmonster") == charged + 1
    if below < 100:
        with pytest.raises(Unsolvable) as refused:
            tk.read(box.CapMonster(recognizing_threshold=below + 1, **QUICK), image)
        assert refused.value.code == "ERROR_CAPTCHA_UNSOLVABLE"
        assert box.ledger.charged("capmonster") == charged + 1


def test_the_engines_confidence_is_held_against_the_score(box, engine, image):
    """The service tells it, and withholds what is less sure than the score."""
    own = tk.read(engine, image)
    score = min(1.0, max(0.8, own.confidence + 0.0001))

    answer = tk.read(box.CapSolver(), image)

    assert (answer.text, answer.confidence) == (own.text, pytest.approx(own.confidence))
    with pytest.raises(Unsolvable):
        tk.read(box.CapSolver(score=score), image)


def test_an_empty_page_is_unsolvable(box):
    """The engine finds nothing, and the service says so without a charge."""
    charged = box.ledger.charged()

    with pytest.raises(Unsolvable):
        tk.read(box.CapSolver(), drawn("", 20))

    assert box.ledger.charged() == charged


@pytest.mark.parametrize("both", [True, False])
def test_one_reader_is_asked_for(engine, dataset_of_one, both):
    """An engine or the truth about a dataset: not both, and not neither."""
    with pytest.raises(SettingError, match="give one of the two"):
        tk.sandbox(dataset_of_one if both else None, engine if both else None)


@pytest.fixture
def dataset_of_one():
    from toolkit._dataset import Dataset

    return Dataset.from_samples([tk.Sample.from_bytes(drawn("harvest", 26), "harvest")], name="one")
