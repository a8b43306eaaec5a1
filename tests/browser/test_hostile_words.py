"""Labels and answers come from strangers: in a page they are words, whatever they contain."""

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

SCRIPT = "<img src=x onerror=\"document.title='caught'\"><script>document.title='caught'</script>"
HOSTILE_RUN = f"""
import io
from dataclasses import dataclass
from typing import ClassVar

from PIL import Image

import toolkit as tk

SCRIPT = {SCRIPT!r}


@dataclass(frozen=True)
class Parrot(tk.LocalProvider):
    name: ClassVar[str] = "parrot"
    says: str = SCRIPT

    def read(self, image):
        return tk.Answer(self.says, sum(image) % 100 / 100)


def picture(shade):
    file = io.BytesIO()
    Image.new("L", (60, 20), shade).save(file, "PNG")
    return file.getvalue()


labels = [SCRIPT, chr(0x202E) + "gnirts", "nul" + chr(1) + "char", "x" * 3000]
samples = [
    tk.Sample.from_bytes(picture(60 * n), target=label, id=f"{{n}}.png", note=SCRIPT)
    for n, label in enumerate(labels)
]
dataset = tk.Dataset.from_samples(samples)
run = tk.benchmark(dataset, [Parrot(), Parrot("<b>bold</b>")], workers=1)
"""


def test_markup_in_labels_and_answers_stays_words(open_book):
    """No script runs, no element of theirs is made, and what cannot be seen is shown as a sign."""
    views = ["tk.widgets.explore(run, dataset)", "tk.widgets.compare(run)", "tk.widgets.tune(run)", "dataset", "run"]
    book = open_book("hostile.ipynb", HOSTILE_RUN, *views)
    book.run_all()
    explorer = book.page.locator(".toolkit-explorer")
    explorer.scroll_into_view_if_needed()
    book.page.wait_for_timeout(500)
    book.shot("hostile")

    assert book.page.title() != "caught"
    assert book.page.locator(".jp-OutputArea img[src='x']").count() == 0
    assert book.page.locator(".jp-OutputArea b").filter(has_text="bold").count() == 0
    assert "<script>" in explorer.inner_text()
    assert "\u202e" not in explorer.inner_text()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")  # of the kernel's client
def test_a_saved_notebook_shows_figures_and_tables_without_a_kernel(folder, run_folder, page, tmp_path):
    """Made into a page, a notebook with widgets still has their picture and their table."""
    cells = [
        f"import toolkit as tk\n\nrun = tk.open_run({str(run_folder)!r})",
        "tk.widgets.tune(run)",
        "tk.widgets.explore(run)",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(book, timeout=240, store_widget_state=False).execute()
    saved = tmp_path / "saved.html"
    saved.write_text(HTMLExporter(require_js_url="", jquery_url="", mathjax_url="").from_notebook_node(book)[0])

    page.goto(saved.as_uri())

    assert page.locator("img").count() >= 11  # the figure, and a page of ten thumbnails
    assert page.locator("table").filter(has_text="coverage").count() == 1
    assert page.locator("table").filter(has_text="confidence").count() >= 1
