"""A run folder as an app: pick a run, look at its summary, its comparison, its thresholds and its images."""

from pathlib import Path
from typing import Any

import ipywidgets

from toolkit._run.run import Run, open_run
from toolkit.errors import StoreError, ToolkitError
from toolkit.metrics.markup import visible
from toolkit.widgets.base import WIDE, WRAPPED, WidgetView
from toolkit.widgets.comparison import compare
from toolkit.widgets.explorer import explore
from toolkit.widgets.tuner import tune

_TABS = {"Summary": None, "Comparison": compare, "Thresholds": tune, "Images": explore}


class Dashboard(WidgetView):
    """One run of a folder of runs. `run` is the one that is open; `open` opens another."""

    def __init__(self, folders: list[Path]) -> None:
        self.choice = ipywidgets.Dropdown(
            options=[(folder.name, folder) for folder in folders], description="Run",
            layout={"width": "420px", "max_width": "100%"},
        )  # fmt: skip
        self.again = ipywidgets.Button(
            description="Read again", icon="refresh", tooltip="Read the run anew; it may still be growing"
        )
        self.tabs = ipywidgets.Tab(layout=WIDE)
        self._made: dict[int, WidgetView] = {}
        super().__init__("dashboard", [ipywidgets.HBox([self.choice, self.again], layout=WRAPPED), self.tabs], 1160)
        self.tabs.observe(self._on_tab, "selected_index")
        self.choice.observe(self._on_choice, "value")
        self.again.on_click(self._on_choice)
        self.open(folders[0])

    def __repr__(self) -> str:
        return f"<Dashboard of {self.run!r}>"

    def open(self, folder: Path) -> None:
        """Show the run in a folder. What is in the other tabs is made when they are looked at."""
        self._made = {}
        try:
            self.run: Run | None = open_run(folder)
            summary = self.run._repr_html_()
        except StoreError as error:
            self.run, summary = None, f"<p>{visible(str(error), 500)}</p>"
        self.tabs.children = [
            ipywidgets.HTML(summary, layout=WIDE),
            *(ipywidgets.VBox() for _ in range(len(_TABS) - 1)),
        ]
        self.tabs.titles = list(_TABS)
        self._fill(self.tabs.selected_index or 0)

    def as_html(self) -> str:
        return str(self.tabs.children[0].value)

    def _on_choice(self, _: object) -> None:
        self.open(self.choice.value)

    def _on_tab(self, change: Any) -> None:
        if change["new"] is not None:
            self._fill(change["new"])

    def _fill(self, place: int) -> None:
        make = list(_TABS.values())[place]
        if make is None or self.run is None or place in self._made:
            return
        try:
            self._made[place] = make(self.run)
            self.tabs.children[place].children = [self._made[place].root]
        except ToolkitError as error:  # a run without confidences has no threshold, one setting nothing to compare
            self.tabs.children[place].children = [ipywidgets.HTML(f"<p>{visible(str(error), 500)}</p>")]
