"""The picture of the tuner that the README opens with, as a person sees it in JupyterLab.

To take it anew, and then look at it: ``TOOLKIT_DRAW_PICTURES=1 .venv/bin/pytest tests/browser/test_readme_picture.py``
"""

import io
import os

import pytest
from PIL import Image
from places import ROOT, SHOTS

OPEN_RUN = 'import toolkit as tk\n\nrun = tk.open_run("../runs/quickstart")'
TUNE = 'tk.widgets.tune(run, "rapidocr()", threshold=0.95, utility=tk.stats.Utility(cost_wrong=2.0), max_risk=0.05)'
KEPT = ROOT / "notebooks" / "images" / "tuner.png"
MOST_BYTES = 120_000
COLOURS = 64


@pytest.fixture
def pixels():
    """Sharp on screens of twice the resolution too."""
    return 2


@pytest.mark.usefixtures("run_folder")
def test_the_tuner_of_a_real_run_is_a_picture_for_the_readme(open_book):
    """Controls and figure make a picture that the README shows, which stays small and is that of today's tuner."""
    book = open_book("readme.ipynb", OPEN_RUN, TUNE)
    book.page.set_viewport_size({"width": 1000, "height": 1400})
    book.run_cell(0)
    book.run_cell(1)
    tuner = book.page.locator(".toolkit-tuner")
    tuner.locator("img.toolkit-figure").wait_for()
    tuner.scroll_into_view_if_needed()
    book.page.wait_for_timeout(500)
    taken = tight(book.page, tuner)
    SHOTS.mkdir(parents=True, exist_ok=True)
    taken.save(SHOTS / "readme-tuner.png", optimize=True)
    if os.environ.get("TOOLKIT_DRAW_PICTURES"):
        taken.save(KEPT, optimize=True)

    assert (SHOTS / "readme-tuner.png").stat().st_size < MOST_BYTES
    assert KEPT.stat().st_size < MOST_BYTES
    assert f'src="{KEPT.relative_to(ROOT)}"' in (ROOT / "README.md").read_text()
    with Image.open(KEPT) as kept:  # of the shape that the tuner has now: a control more, and the picture is old
        assert kept.width / kept.height == pytest.approx(taken.width / taken.height, rel=0.1)


def tight(page, tuner):
    """The tuner from its first control to the end of its figure, without the page around it."""
    top, figure = tuner.bounding_box(), tuner.locator("img.toolkit-figure").bounding_box()
    end = {"x": figure["x"] + figure["width"], "y": figure["y"] + figure["height"]}
    part = {"x": top["x"], "y": top["y"], "width": end["x"] - top["x"] + 2, "height": end["y"] - top["y"] + 2}
    with Image.open(io.BytesIO(page.screenshot(clip=part))) as shot:
        return shot.convert("RGB").quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
