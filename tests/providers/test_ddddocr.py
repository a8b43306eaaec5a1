"""ddddocr, read by its own model and held against the library called directly."""

import numpy as np
import pytest

import toolkit as tk
from toolkit.errors import BadRequest, SettingError, Unsolvable

ddddocr = pytest.importorskip("ddddocr")


@pytest.mark.parametrize("beta", [False, True])
def test_it_says_what_the_library_says(text_png, beta):
    """Text and confidence, whichever model."""
    image = text_png("WXR4", size=(160, 50))
    library = ddddocr.DdddOcr(show_ad=False, beta=beta).classification(image, probability=True)
    answer = tk.Ddddocr(beta=beta).read(image)

    assert answer.text == library["text"]
    assert answer.confidence == pytest.approx(library["confidence"], abs=1e-4)
    assert 0 < answer.confidence <= 1


def test_only_the_characters_asked_for(text_png):
    """Also where the image shows others."""
    assert set(tk.Ddddocr(characters="0123456789").read(text_png("4B7", size=(120, 50))).text) <= set("0123456789")


def test_it_computes_with_the_threads_it_is_given():
    """The library's own session would take all cores."""
    engine = tk.Ddddocr(threads=1).load()
    options = engine.ocr_engine.session.get_session_options()

    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)


def test_the_two_models_are_told_apart():
    """In the manifest, by what is in their files."""
    assert tk.Ddddocr().versions()["recognition"] != tk.Ddddocr(beta=True).versions()["recognition"]


def test_what_it_cannot_read(text_png, encode):
    """A blank image has no text, a rule is no line of text, and parameters are checked."""
    from PIL import Image

    with pytest.raises(BadRequest, match="not a line of text"):
        tk.Ddddocr().read(encode(Image.fromarray(np.zeros((1, 500), np.uint8))))
    with pytest.raises(Unsolvable):
        tk.Ddddocr(characters="Q").read(encode(Image.new("RGB", (20, 50), "white")))
    for wrong in ({"beta": 1}, {"threads": 0}, {"characters": ""}):
        with pytest.raises(SettingError, match=next(iter(wrong))):
            tk.Ddddocr(**wrong)
