"""Notebooks and widgets as a person meets them: in JupyterLab, in a browser, with a kernel that really runs."""

import re

import pytest

OPEN_RUN = 'import toolkit as tk\n\nrun = tk.open_run("../runs/quickstart")'
SLOW_RUN = """
import time
from dataclasses import dataclass
from typing import ClassVar

import toolkit as tk


@dataclass(frozen=True)
class Slow(tk.LocalProvider):
    name: ClassVar[str] = "slow"

    def read(self, image):
        time.sleep(0.1)
        return tk.Answer("slow")


dataset = tk.load_dataset("../datasets/distorted")
live = tk.start(dataset, Slow(), store="../runs/stopped", workers=2)
live
"""


@pytest.mark.usefixtures("run_folder")
def test_the_quickstart_runs_and_shows_its_figure(open_book):
    """All cells run; there are tables and a picture of a size to be read."""
    book = open_book("01_quickstart.ipynb")
    book.run_all()

    figure = book.page.locator(".jp-RenderedImage img").last
    figure.scroll_into_view_if_needed()
    book.shot("quickstart")
    assert book.page.locator(".jp-RenderedHTMLCommon table").count() >= 3
    assert figure.bounding_box()["width"] > 300


def test_the_stop_button_stops_a_live_run(open_book):
    """Pressed while the run goes, it ends the run early; what was read until then is whole and in the store."""
    book = open_book("stop.ipynb", SLOW_RUN, "live", "run = live.wait()\nprint(run.complete, len(run.outcomes))")
    book.run_cell(0)
    widget = book.page.locator(".toolkit-progress").first
    book.page.wait_for_function("() => /[1-9]\\d* of 320/.test(document.querySelector('.toolkit-progress').innerText)")
    book.shot("progress-running")
    widget.get_by_role("button", name="Stop").click()
    widget.get_by_role("button", name="Stopped").wait_for()
    book.run_cell(1)  # displayed again, it shows the present state
    again = book.page.locator(".toolkit-progress").last
    again.get_by_role("button", name="Stopped").wait_for()
    complete, read = book.run_cell(2).split()
    book.shot("progress-stopped")

    assert complete == "False"
    assert 0 < int(read) < 320
    assert f"{read} of 320" in again.inner_text()


@pytest.mark.usefixtures("run_folder")
def test_a_slider_moves_the_figure_and_the_numbers(open_book):
    """Dragged or moved by keys, the threshold takes picture, table and code along."""
    book = open_book("tuner.ipynb", OPEN_RUN, "tuner = tk.widgets.tune(run)\ntuner", "print(tuner.setup.threshold)")
    book.run_cell(0)
    book.run_cell(1)
    tuner = book.page.locator(".toolkit-tuner")
    figure = tuner.locator("img.toolkit-figure")
    figure.wait_for()
    before = figure.get_attribute("src"), tuner.inner_text(), float(book.run_cell(2))

    handle = tuner.get_by_role("slider").first
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    book.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    book.page.mouse.down()
    book.page.mouse.move(box["x"] - 120, box["y"] + box["height"] / 2, steps=6)
    book.page.mouse.up()
    book.page.wait_for_function(
        "src => document.querySelector('.toolkit-tuner img.toolkit-figure').src !== src", arg=before[0]
    )
    dragged = float(book.run_cell(2))
    handle.focus()
    for _ in range(5):
        book.page.keyboard.press("ArrowLeft")
    book.page.wait_for_timeout(300)
    by_keys = float(book.run_cell(2))
    book.shot("tuner")

    assert by_keys < dragged < before[2]
    assert tuner.inner_text() != before[1]
    assert f"{by_keys:g}" in tuner.locator("textarea").input_value()


@pytest.mark.usefixtures("run_folder")
def test_the_explorer_filters_and_pages(open_book):
    """A chosen outcome lets fewer images through, and the next page shows others."""
    book = open_book("explorer.ipynb", OPEN_RUN, "explorer = tk.widgets.explore(run)\nexplorer", "explorer")
    book.run_cell(0)
    book.run_cell(1)
    explorer = book.page.locator(".toolkit-explorer")
    explorer.get_by_label("Outcome").select_option("wrong")
    book.page.wait_for_function("() => !/320 of 320/.test(document.querySelector('.toolkit-explorer').innerText)")
    first = explorer.locator("img").first.get_attribute("src")
    explorer.get_by_role("button", name="Next").click()
    book.page.wait_for_function("src => document.querySelector('.toolkit-explorer img').src !== src", arg=first)
    book.page.wait_for_timeout(300)
    book.shot("explorer")

    found, of = map(int, re.search(r"(\d+) of (\d+)", book.run_cell(2)).groups())
    assert 0 < found < of == 320


@pytest.mark.usefixtures("run_folder")
def test_a_comparison_follows_its_controls(open_book):
    """With a baseline there are two pairs in place of three, and figure and table follow."""
    book = open_book("comparison.ipynb", OPEN_RUN, "tk.widgets.compare(run)")
    book.run_cell(0)
    book.run_cell(1)
    comparison = book.page.locator(".toolkit-comparison")
    rows = comparison.locator("tbody tr")
    rows.first.wait_for()
    before, pairs = comparison.locator("img.toolkit-figure").get_attribute("src"), rows.count()
    comparison.get_by_label("Baseline").select_option("rapidocr()")
    book.page.wait_for_function(
        "src => document.querySelector('.toolkit-comparison img.toolkit-figure').src !== src", arg=before
    )
    book.page.wait_for_timeout(300)
    book.shot("comparison")

    assert (pairs, rows.count()) == (3, 2)


@pytest.mark.usefixtures("run_folder")
def test_widgets_are_legible_in_a_dark_theme(open_book):
    """Words stand out from the page by the contrast that is asked of small text."""
    book = open_book(
        "dark.ipynb", OPEN_RUN, "tk.widgets.tune(run)", "tk.widgets.explore(run)", "tk.widgets.compare(run)",
        theme="JupyterLab Dark",
    )  # fmt: skip
    book.run_all()
    for name in ("tuner", "explorer", "comparison"):
        root = book.page.locator(f".toolkit-{name}")
        root.scroll_into_view_if_needed()
        book.page.wait_for_timeout(300)
        book.shot(f"{name}-dark")
        for words in root.locator("td, th, label, .widget-label").all()[:40]:
            assert contrast(words) >= 4.5, words.inner_text()


def contrast(element):
    """The contrast of an element's text with what is behind it, by the formula of WCAG 2."""
    ink, paper = element.evaluate(
        """element => {
            let behind = element;
            while (behind && /rgba\\(.*, 0\\)|transparent/.test(getComputedStyle(behind).backgroundColor))
                behind = behind.parentElement;
            return [getComputedStyle(element).color, behind ? getComputedStyle(behind).backgroundColor : 'rgb(255, 255, 255)'];
        }"""
    )

    def luminance(colour):
        shares = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(ink), luminance(paper)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
