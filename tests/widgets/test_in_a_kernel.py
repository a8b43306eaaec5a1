"""What a notebook is left with: live views while the kernel runs, and pictures and tables for when it does not."""

import nbformat
import pytest
from nbclient import NotebookClient

BOOK = [
    "import sys; sys.path.insert(0, TESTS)",
    "from concurrent.futures import ThreadPoolExecutor; from pathlib import Path; import toolkit as tk",
    "from doubles import Oracle, answer_key, pictures",
    "data = pictures(40); oracle = Oracle(answer_key(Path('key.json'), data), wrong=0.2, pause_s=0.01)",
    "run = tk.benchmark(data, oracle, executor=ThreadPoolExecutor(1))",
    "tk.widgets.tune(run)",
    "live = tk.start(data, oracle, executor=ThreadPoolExecutor(1))\nlive",
    "live.wait(); live",
]
VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory, request):
    """The displayed outputs of each cell, after the notebook ran to its end."""
    place = tmp_path_factory.mktemp("book")
    tests = repr(str(request.config.rootpath / "tests"))
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.replace("TESTS", tests)) for cell in BOOK])
    NotebookClient(book, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(place)}}).execute()
    return [[output["data"] for output in cell.outputs if "data" in output] for cell in book.cells]


pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning"
)  # of the kernel's client


def test_each_widget_leaves_a_view_and_what_stands_in_for_it(outputs):
    """The live view comes first; HTML that hides itself beside it comes after, with a picture where there is one."""
    for cell in (4, 5, 6):
        view, still = outputs[cell]
        assert set(view) == {VIEW, "text/plain"}
        assert f"toolkit-still-{view[VIEW]['model_id']}" in still["text/html"]
        assert f".toolkit-live-{view[VIEW]['model_id']}" in still["text/html"]
        assert "<table" in still["text/html"]
        assert ("image/png" in still) == (cell == 5)


def test_a_benchmark_leaves_its_last_state(outputs):
    """What is kept below a finished benchmark are its final counts, not those of when it was first shown."""
    assert "Finished: 40 of 40 trials" in outputs[4][1]["text/html"]


def test_a_live_run_that_has_ended_shows_its_summary(outputs):
    """While it runs a live run is its progress, afterwards its summary."""
    [summary] = outputs[7]
    assert VIEW not in summary
    assert "normalised" in summary["text/html"]
