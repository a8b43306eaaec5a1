"""A real Chromium before a real JupyterLab: what a person sees, and what happens when they press."""

import shutil

import nbformat
import pytest
from places import ROOT, SHOTS
from servers import jupyter_lab

import toolkit as tk

RUN_ALL_MS = 180_000
"""Time for the cells of a notebook, on a machine that is busy with other things."""


@pytest.fixture(scope="module")
def chromium():
    """The machine's Chromium, headless.

    For a module, and no longer: its driver keeps an event loop running, within which no other test may run its own.
    """
    playwright = pytest.importorskip("playwright.sync_api")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium here (Debian: chromium)")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """What a person has after a clone: the notebooks beside the datasets."""
    place = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "notebooks", place / "notebooks")
    (place / "datasets").symlink_to(ROOT / "datasets")
    return place


@pytest.fixture(scope="session")
def run_folder(folder):
    """A finished run of two real engines, where the quickstart keeps its own."""
    dataset = tk.load_dataset(folder / "datasets" / "distorted")
    settings = [tk.RapidOCR(), *tk.grid(tk.Tesseract, psm=[7, 8])]
    tk.benchmark(dataset, settings, store=folder / "runs" / "quickstart")
    return folder / "runs" / "quickstart"


@pytest.fixture(scope="session")
def lab(folder, tmp_path_factory):
    """A JupyterLab on the folder: (address, token)."""
    with jupyter_lab(folder, tmp_path_factory.mktemp("lab")) as address_and_token:
        yield address_and_token


@pytest.fixture
def strangers():
    """Addresses outside this machine that the page asked for; there should be none."""
    return []


@pytest.fixture
def pixels():
    """Pixels of the screen for one of the page, in width as in height."""
    return 1


@pytest.fixture
def page(chromium, request, strangers, pixels):
    """A page of notebook width, without network."""
    with chromium.new_context(viewport={"width": 1100, "height": 1000}, device_scale_factor=pixels) as context:

        def refuse(route):
            strangers.append(route.request.url)
            route.abort()

        context.route(is_outside, refuse)
        page = context.new_page()
        page.set_default_timeout(30_000)
        yield page
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / f"{request.node.name}.png")  # as it was at the end, also of a failure
        assert strangers == []


def is_outside(url):
    """Whether a request would leave this machine."""
    return not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:", "file:"))


class Book:
    """A notebook that is open in JupyterLab."""

    def __init__(self, page, address, token, name, theme=None):
        self.page = page
        page.goto(f"{address}/doc/tree/{name}?token={token}")
        page.wait_for_function("window.jupyterapp !== undefined")
        page.wait_for_selector(".jp-NotebookPanel-toolbar")
        page.evaluate(
            """async () => {
                await window.jupyterapp.restored;
                const panel = window.jupyterapp.shell.currentWidget;
                await panel.context.ready;
                await panel.sessionContext.ready;
            }"""
        )
        if theme:
            page.evaluate("name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})", theme)
            page.wait_for_function("() => document.body.dataset.jpThemeLight === 'false'")

    def run_all(self, *, wait=True):
        """Run every cell; with `wait`, until the last has ended. A cell's error is a failure here."""
        self.page.evaluate(
            """() => {
                window.allRun = false;
                window.jupyterapp.commands.execute('notebook:run-all-cells').then(() => { window.allRun = true; });
            }"""
        )
        if wait:
            self.page.wait_for_function("window.allRun", timeout=RUN_ALL_MS)
            assert self.errors() == []

    def run_cell(self, number):
        """Run one cell, and give the text it printed or returned."""
        self.page.evaluate(
            """async number => {
                const content = window.jupyterapp.shell.currentWidget.content;
                content.deselectAll();
                content.activeCellIndex = number;
                await window.jupyterapp.commands.execute('notebook:run-cell');
            }""",
            number,
        )
        assert self.errors() == []
        return self.page.evaluate(
            """number => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells[number].outputs
                .map(output => [output.text ?? output.data['text/plain']].flat().join('')).join('')""",
            number,
        )

    def errors(self):
        """What the cells raised, as the notebook would be saved."""
        return self.page.evaluate(
            """() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells
                .flatMap(cell => cell.outputs ?? [])
                .filter(output => output.output_type === 'error')
                .map(output => `${output.ename}: ${output.evalue}`)"""
        )

    def shot(self, name):
        """Keep a picture of the page as it is now."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png")


@pytest.fixture
def open_book(page, lab, folder):
    """Open a notebook by its name in the folder `notebooks`, or one made of the given cells."""

    def opened(name, *cells, theme=None):
        if cells:
            book = nbformat.v4.new_notebook(
                cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
                metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            )
            nbformat.write(book, folder / "notebooks" / name)
        return Book(page, *lab, f"notebooks/{name}", theme)

    return opened
