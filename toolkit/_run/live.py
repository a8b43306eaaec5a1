"""`start`: let a thread run a plan."""

import asyncio
import contextlib
import signal
import threading
import weakref
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from functools import cached_property
from typing import TYPE_CHECKING, Any

from toolkit._engine.backends import LimitsLike
from toolkit._engine.budget import Budget
from toolkit._engine.retry import RetryPolicy
from toolkit._engine.runner import Runner
from toolkit._providers.base import Provider
from toolkit._run.run import Run
from toolkit._run.session import DatasetLike, StoreLike, open_session
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
        """Money spent or possibly spent, earlier sessions of this store included; settings without a price count nought."""
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


def start(
    dataset: DatasetLike,
    settings: Provider | Iterable[Provider],
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
    """Let every setting read every sample `repeats` times, in the background.

    `store` is a folder, or None to keep the run in memory only; a folder that holds part of this very run is
    resumed, one of another run is a `ManifestMismatch`. Trials whose last try failed are not asked again unless
    `retry_errors` says so, except after errors that stopped a setting (a bad key), which always are. Tasks that a
    service was given before are asked for by their ids first. `seed` shuffles the order of trials.

    Local engines run in `workers` processes of one thread each (as many as there are cores), or on whatever
    `executor` is given: a thread pool, ``dask.distributed.Client(...).get_executor()``; they begin when the services
    are done. Each account with a service runs within its `limits`, one for all or by provider name. `transport` is
    ``"httpx"``, ``"fast"`` (the extra of that name, for many hundreds in flight) or ``"auto"``.

    `budget_usd` is never overrun: the most that a reading can cost is set aside before it is sent, and money that
    earlier sessions of this store spent counts. It needs a price for each paid setting. One reading may take
    `deadline_s`; `retry` says what is tried again.

    `UsageError` and `MissingExtra` come before anything has begun.
    """
    session = open_session(
        dataset,
        settings,
        repeats=repeats,
        seed=seed,
        store=store,
        workers=workers,
        executor=executor,
        limits=limits,
        budget_usd=budget_usd,
        retry=retry,
        retry_errors=retry_errors,
        deadline_s=deadline_s,
        transport=transport,
    )
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
