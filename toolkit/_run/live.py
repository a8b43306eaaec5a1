"""`start`: let a thread run a plan."""

import asyncio
import contextlib
import signal
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import Executor
from functools import cached_property
from typing import TYPE_CHECKING, Any

from toolkit._engine.backends import LimitsLike
from toolkit._engine.budget import Budget
from toolkit._engine.retry import RetryPolicy
from toolkit._engine.runner import Runner
from toolkit._run.inputs import DatasetLike, SettingsLike, StoreLike
from toolkit._run.options import RunOptions, documents_run_options
from toolkit._run.run import Run
from toolkit._run.session import Session, open_session
from toolkit._store.store import Store
from toolkit.types import Progress

if TYPE_CHECKING:
    from toolkit.widgets import ProgressView


class LiveRun(Run):
    """A run that a thread of this process is at work on. Its frames show what is there so far."""

    def __init__(self, store: Store, runner: Runner, budget: Budget) -> None:
        super().__init__(store)
        self._runner = runner
        self._budget = budget
        self._failure: BaseException | None = None
        self._told_to_stop = False
        # Not `Thread.join`: until Python 3.13 an interrupt within it makes the thread look ended while it works on.
        self._ended = threading.Event()
        # Before the pools of workers close, which is earlier than `atexit`: what has begun needs them to end well.
        threading._register_atexit(_leave, weakref.ref(self))  # type: ignore[attr-defined]  # noqa: SLF001 -- as concurrent.futures does
        threading.Thread(target=self._work, name="toolkit-run", daemon=True).start()

    @property
    def progress(self) -> Progress:
        """Counts of this session."""
        return self._runner.progress

    @property
    def spent_usd(self) -> float:
        """Money spent or possibly spent, earlier sessions of this store included; settings without a price count as 0."""
        return self._budget.spent_usd

    @property
    def reserved_usd(self) -> float:
        """The most that the readings under way may cost."""
        return self._budget.reserved_usd

    @property
    def budget_usd(self) -> float | None:
        """The bound that was given; None without one."""
        return self._budget.limit_usd

    @property
    def running(self) -> bool:
        """Whether it is still at work."""
        return not self._ended.is_set()

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop and has not ended yet."""
        return self.running and self._told_to_stop

    def stop(self) -> None:
        """Begin nothing more. What has begun is finished and kept; the same call again resumes."""
        self._told_to_stop = True
        self._runner.stop()

    def wait(self, timeout_s: float | None = None) -> Run:
        """Return when it has ended, or after `timeout_s`. Raises what ended it early, if something did."""
        self._ended.wait(timeout_s)
        if not self.running and self._failure is not None:
            raise self._failure
        return self

    @cached_property
    def view(self) -> "ProgressView":
        """How it goes, as a widget with a stop button; the same one wherever it is displayed."""
        from toolkit.widgets import ProgressView

        return ProgressView(self)

    def _ipython_display_(self) -> None:
        if not self.running:
            raise NotImplementedError  # by which IPython means: take the bundle below
        self.view._ipython_display_()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Its widget while it runs, afterwards the summary that any run shows."""
        if self.running:
            return self.view._repr_mimebundle_(include, exclude)
        return {"text/plain": repr(self), "text/html": self._repr_html_()}

    def _work(self) -> None:
        try:
            asyncio.run(self._runner.run())
        except BaseException as failure:  # noqa: BLE001 -- handed over to whoever waits
            self._failure = failure
        finally:
            self.store.close()
            self._ended.set()


def _leave(run_if_there: "weakref.ref[LiveRun]") -> None:
    """The interpreter ends: finish what has begun, so that no answer is lost."""
    live = run_if_there()
    if live is not None:
        live.stop()
        with contextlib.suppress(KeyboardInterrupt):  # impatience; the pools of workers still end in order
            live._ended.wait()  # noqa: SLF001 -- its own module


@contextlib.contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Let an interrupt come when the block is over: one in the midst of starting a thread leaves it to itself."""
    before = signal.getsignal(signal.SIGINT)
    if before is None or threading.current_thread() is not threading.main_thread():  # then it comes to somebody else
        yield
        return
    arrived: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _frame: arrived.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if arrived:
            signal.raise_signal(signal.SIGINT)


@documents_run_options
def start(
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
) -> LiveRun:
    """Let every setting read every image in the background, and give the run that grows.

    Parameters
    ----------
    dataset : Dataset, path, pandas.DataFrame or list of Sample
        The labelled images; every one needs a label.
    settings : setting or list of settings
        Configured providers, also in lists as `grid` makes them; a class stands for its defaults, and words such as
        ``"tesseract(psm=7)"`` for what they say.
    {run options}

    Returns
    -------
    LiveRun
        A `Run` whose frames show what is there so far; with `progress`, `stop` and `wait`.

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
    benchmark : The same, and waits for the end.

    Notes
    -----
    Engines of this machine begin when the services are done, so that they do not disturb their latencies.

    Examples
    --------
    >>> import toolkit as tk
    >>> dataset = tk.load_dataset("datasets/printed")[:4]
    >>> live = tk.start(dataset, tk.Tesseract(psm=7), workers=1)
    >>> live.wait().complete
    True
    """
    return start_session(open_session(dataset, settings, RunOptions.of(locals())))


def start_session(session: Session) -> LiveRun:
    """The run of an open session, in a thread of its own; nothing is left behind when it cannot begin."""
    live = None
    try:
        with _interrupts_wait():
            live = LiveRun(session.store, session.runner, session.budget)
    except BaseException:
        if live is None:
            session.store.close()
        else:  # nobody has it to stop it later
            live.stop()
            live._ended.wait()  # noqa: SLF001 -- its own module
        raise
    return live
