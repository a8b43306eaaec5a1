"""`benchmark`: start a run, show how it goes, wait for it."""

import sys
from collections.abc import Callable
from concurrent.futures import Executor

from toolkit._engine.backends import LimitsLike
from toolkit._engine.retry import RetryPolicy
from toolkit._run.inputs import DatasetLike, SettingsLike, StoreLike
from toolkit._run.live import LiveRun, start_session
from toolkit._run.options import RunOptions, documents_run_options
from toolkit._run.run import Run
from toolkit._run.session import open_session
from toolkit.types import Progress
from toolkit.widgets.surroundings import in_notebook

_REDRAW_S = 0.2

Display = Callable[[Progress], None]


@documents_run_options
def benchmark(
    dataset: DatasetLike,
    settings: SettingsLike,
    *,
    repeats: int = 1,
    seed: int = 0,
    store: StoreLike = None,
    workers: int | None = None,
    executor: Executor | None = None,
    limits: LimitsLike = None,
    budget_usd: float | None = None,
    retry: RetryPolicy | None = None,
    retry_errors: bool = False,
    deadline_s: float = 120.0,
    transport: str = "auto",
    show: bool | None = None,
) -> Run:
    """Let every setting read every image, and give the finished run.

    Progress is a widget in a notebook, a line on a terminal, and nothing elsewhere. An interrupt (Ctrl-C, the
    notebook's stop button) ends the run after what has begun and gives what is there: the same call with the same
    store resumes.

    Parameters
    ----------
    dataset : Dataset, path, pandas.DataFrame or list of Sample
        The labelled images; every one needs a label.
    settings : setting or list of settings
        Configured providers, also in lists as `grid` makes them; a class stands for its defaults, and words such as
        ``"tesseract(psm=7)"`` for what they say.
    {run options}
    show : bool, optional
        Whether to show progress; in a notebook and on a terminal by default.

    Returns
    -------
    Run
        Its `outcomes`, `attempts` and `summary()` are DataFrames; see `describe` for their columns.

    Raises
    ------
    SettingError, DatasetError
        For what makes no run, before anything has begun.
    MissingExtra
        If an engine or a transport is not installed.
    ManifestMismatch, StoreLocked, StoreCorrupt
        If the store holds another run, is being written, or is damaged.

    See Also
    --------
    start : The same in the background.
    plan : What it would ask, take and cost.

    Examples
    --------
    >>> import toolkit as tk
    >>> dataset = tk.load_dataset("datasets/printed")[:4]
    >>> run = tk.benchmark(dataset, tk.Tesseract(psm=7), workers=1, show=False)
    >>> run.outcomes["setting"].tolist()
    ['tesseract(psm=7)', 'tesseract(psm=7)', 'tesseract(psm=7)', 'tesseract(psm=7)']
    """
    live = start_session(open_session(dataset, settings, RunOptions.of(locals())))
    display: Display = lambda _: None  # noqa: E731 -- until there is one
    try:
        display = _display(show, live)
        _watch(live, display)
    except KeyboardInterrupt:
        live.stop()
        live.wait()
        display(live.progress)
        again = (
            "the same call with the same store resumes"
            if store is not None
            else "what is there is in memory only; give store=… to resume"
        )
        _say(f"interrupted: {live.progress.left:,} trials are left; {again}")
    live.wait()
    return Run(live.store)


def _watch(live: LiveRun, display: Display) -> None:
    while live.running:
        live.wait(_REDRAW_S)
        display(live.progress)
    for setting, reason in live.progress.stopped.items():
        _say(f"{setting} was stopped: {reason}\nWith that fixed, the same call with the same store resumes.")


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
