"""Every notebook runs from its first cell to its last, in a folder that holds the notebooks and the datasets only."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
pytestmark = pytest.mark.notebook


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "notebooks", place / "notebooks")
    (place / "datasets").symlink_to(ROOT / "datasets")
    return place


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")  # of the kernel's client
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_to_its_end(notebook: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No cell of a notebook fails, and what it shows is not empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))
    book = nbformat.read(place / "notebooks" / notebook.name, as_version=4)

    NotebookClient(book, timeout=240, resources={"metadata": {"path": str(place / "notebooks")}}).execute()

    shown = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any(output.output_type in ("display_data", "execute_result") for output in shown)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_kept_without_outputs(notebook: Path) -> None:
    """A notebook in the repository holds no output: nothing stale, and no key that somebody once printed."""
    book = nbformat.read(notebook, as_version=4)

    assert [cell for cell in book.cells if cell.cell_type == "code" and cell.outputs] == []
