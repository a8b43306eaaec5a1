"""`benchmark`: start a run, show how it goes, wait for it."""

import sys
from collections.abc import Callable, Iterable
from typing import Any

from toolkit._providers.base import Provider
from toolkit._run.live import LiveRun, start
from toolkit._run.run import Run
from toolkit._run.session import DatasetLike
from toolkit.types import Progress
from toolkit.widgets.surroundings import in_notebook

_REDRAW_S = 0.2

Display = Callable[[Progress], None]


def benchmark(
    dataset: DatasetLike, settings: Provider | Iterable[Provider], *, show: bool | None = None, **options: Any
) -> Run:
    """Let every setting read every sample and give the finished run.

    Takes the options of `start`: repeats, seed, store, workers, executor, … Progress is a widget in a notebook, a
    line on a terminal, and nothing elsewhere; `show` overrides that. An interrupt (Ctrl-C, the notebook's stop
    button) ends the run after what has begun and gives what is there: the same call with the same store resumes.
    """
    live = start(dataset, settings, **options)
    display: Display = lambda _: None  # noqa: E731 -- until there is one
    try:
        display = _display(show, live)
        _watch(live, display)
    except KeyboardInterrupt:
        live.stop()
        live.wait()
        display(live.progress)
        _say(f"interrupted: {live.progress.left:,} trials are left; the same call with the same store resumes")
    return live.wait()


def _watch(live: LiveRun, display: Display) -> None:
    while live.running:
        live.wait(_REDRAW_S)
        display(live.progress)
    for setting, reason in live.progress.stopped.items():
        _say(f"{setting} was stopped: {reason}\nWith that mended, the same call with the same store resumes.")


def _display(show: bool | None, live: LiveRun) -> Display:
    if show is None:
        show = in_notebook() or sys.stderr.isatty()
    if not show:
        return lambda _: None
    return _widget(live) if in_notebook() else _line()


def _widget(live: LiveRun) -> Display:
    """The run's own widget, which follows it by itself. At the end, what a saved notebook will show is brought up to date."""
    live.view.say_how_to_interrupt()
    live.view.display()

    def finish(_: Progress) -> None:
        if not live.running:
            live.view.keep()

    return finish


def _line() -> Display:
    """One line of standard error, written over itself; it is ended when everything is done."""
    shown = ""

    def show(progress: Progress) -> None:
        nonlocal shown
        if progress.sentence != shown:
            shown = progress.sentence
            sys.stderr.write(f"\r\x1b[K{shown}" + ("" if progress.left else "\n"))
            sys.stderr.flush()

    return show


def _say(message: str) -> None:
    sys.stderr.write(f"\n{message}\n")
