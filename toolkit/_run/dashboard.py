"""`dashboard`: a folder of runs as an app."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.errors import DatasetError

if TYPE_CHECKING:
    from toolkit._run.dashboard_view import Dashboard


def dashboard(folder: str | os.PathLike[str]) -> "Dashboard":
    """A run folder, or a folder of them, as an app: ``dashboard("runs")``. Made for Voilà, at home in any notebook.

    `DatasetError` when there is no run.
    """
    path = Path(folder).expanduser()
    folders = [path] if (path / "manifest.json").is_file() else sorted(at.parent for at in path.glob("*/manifest.json"))
    if not folders:
        raise DatasetError(f"{path}: there is no run; make one with tk.benchmark(…, store={str(path / 'first')!r})")
    from toolkit._run.dashboard_view import Dashboard

    return Dashboard(folders)
