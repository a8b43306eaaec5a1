"""How a run goes: trials, rate, money, errors, accuracy so far, and a button that stops it."""

import threading
import time
from typing import Any, Protocol

import ipywidgets
import pandas as pd

from toolkit._store.store import Store
from toolkit.errors import StoreError
from toolkit.types import Progress
from toolkit.widgets.base import WIDE, WRAPPED, WidgetView
from toolkit.widgets.progress_snapshot import ProgressSnapshot, State
from toolkit.widgets.running_accuracy import NO_ANSWER, RunningAccuracy

_EVERY_S = 0.4
_PAUSES = 20
"""For each second of looking so many of none: the run whose latencies are measured needs the interpreter."""


class Watched(Protocol):
    """What a live run tells of itself; see `Run` and `LiveRun`."""

    store: Store
    manifest: dict[str, Any]

    @property
    def settings(self) -> list[str]: ...
    @property
    def samples(self) -> pd.DataFrame: ...
    @property
    def progress(self) -> Progress: ...
    @property
    def running(self) -> bool: ...
    @property
    def stopping(self) -> bool: ...
    @property
    def spent_usd(self) -> float: ...
    @property
    def reserved_usd(self) -> float: ...
    @property
    def budget_usd(self) -> float | None: ...
    def stop(self) -> None:
        """Begin nothing more."""
        ...


class ProgressView(WidgetView):
    """A live run as a widget. It follows the run by itself, also while other cells run, and may be displayed anew."""

    def __init__(self, run: Watched) -> None:
        self._run = run
        self._so_far = RunningAccuracy(run.store, run.settings, run.samples["target"])
        self._looking = threading.Lock()
        self.bar = ipywidgets.FloatProgress(min=0.0, max=1.0, description="Trials", layout={"width": "60%"})
        self.stop_button = ipywidgets.Button(
            description="Stop", icon="stop", tooltip="Begin nothing more; what has begun is finished and kept"
        )
        self.stop_button.add_class("toolkit-stop")
        self.stop_button.on_click(self._stop)
        self.hint = ipywidgets.HTML()
        self.words = ipywidgets.HTML(layout=WIDE)
        self.controls = ipywidgets.HBox([self.bar, self.stop_button], layout=WRAPPED)
        super().__init__("progress", [self.controls, self.words])
        self.refresh()
        threading.Thread(target=self._follow, name="toolkit-progress", daemon=True).start()

    def __repr__(self) -> str:
        return f"<Progress: {self._run.progress.sentence}>"

    def say_how_to_interrupt(self) -> None:
        """Replace the button by words, for a cell that waits for the run: the page's clicks wait for the cell as well."""
        self.hint.value = "<small>to stop: interrupt the cell (■); what was read is kept</small>"
        self.controls.children = [self.bar, self.hint]

    @property
    def standing(self) -> ProgressSnapshot:
        """Where the run is now."""
        run, progress = self._run, self._run.progress
        state = self._state()  # before the counts: what says it has ended shows the last of them
        with self._looking:
            self._so_far.read_on()
            accuracy = self._so_far.table()
        prices = run.manifest["prices_usd"]
        kinds = dict(progress.errors.most_common())
        return ProgressSnapshot(
            state,
            progress.planned,
            progress.left,
            progress.rate,
            progress.seconds,
            kinds.pop(NO_ANSWER, 0),
            kinds,
            dict(progress.stopped),
            run.spent_usd,
            run.reserved_usd,
            run.budget_usd,
            tuple(label for label in run.settings if prices[label] is None),
            accuracy,
            priced=any(prices.values()),
        )

    def refresh(self) -> None:
        """Show where the run is now."""
        standing = self.standing
        self.bar.value = standing.share_done
        self.bar.bar_style = _BAR[standing.state] if not standing.errors else "warning"
        self.words.value = standing.as_html()
        self.stop_button.disabled = standing.state != "running"
        self.stop_button.description = _BUTTON[standing.state]
        if standing.state in ("stopped", "finished"):
            self.hint.value = ""

    def as_html(self) -> str:
        self.refresh()
        return str(self.words.value)

    def _state(self) -> State:
        if self._run.running:
            return "stopping" if self._run.stopping else "running"
        return "stopped" if self._run.progress.left else "finished"

    def _stop(self, _: object) -> None:
        self.stop_button.disabled = True
        self.stop_button.description = _BUTTON["stopping"]
        self._run.stop()

    def _follow(self) -> None:
        running = True
        while running:
            running = self._run.running
            begun = time.perf_counter()
            try:
                self.refresh()
            except StoreError as error:  # a damaged log; the run itself says so to whoever waits for it
                self.words.value = f"<div>{type(error).__name__}: the log cannot be read on</div>"
                return
            if not running:
                self.keep()
            else:
                time.sleep(max(_EVERY_S, _PAUSES * (time.perf_counter() - begun)))


_BAR = {"running": "", "stopping": "warning", "stopped": "warning", "finished": "success"}
_BUTTON = {"running": "Stop", "stopping": "Stopping …", "stopped": "Stopped", "finished": "Finished"}


def progress(run: Watched) -> ProgressView:
    """How a run of `tk.start` goes, as a widget: ``tk.widgets.progress(live)``. Displaying `live` does the same.

    The stop button lets go of what has not begun; what has begun is finished and kept.
    """
    view = getattr(run, "view", None)
    return view if isinstance(view, ProgressView) else ProgressView(run)
