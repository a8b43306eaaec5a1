"""`probe`: a paid service's threshold curve for at most one paid call an image."""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, TextIO, get_args

import numpy as np
import pandas as pd

from toolkit._dataset import Dataset
from toolkit._engine.backends import LimitsLike, limits_of
from toolkit._engine.limits import Limits
from toolkit._engine.plan import Done, Plan
from toolkit._engine.retry import RetryPolicy
from toolkit._engine.runner import TrialSource
from toolkit._providers.base import Provider
from toolkit._run.inputs import DatasetLike, StoreLike, as_dataset, as_store
from toolkit._run.live import start_session
from toolkit._run.options import RunOptions, documents_run_options, must_be_integer
from toolkit._run.probe.preview import Outlook
from toolkit._run.probe.scheduler import IndependentTrials, PlacementTrials
from toolkit._run.run import Run
from toolkit._run.session import open_session
from toolkit._store.frames import endings
from toolkit._store.log_reader import LogReader, trials_of
from toolkit.errors import SettingError
from toolkit.metrics import exact
from toolkit.stats import (
    DeterminismAudit,
    ProbePlan,
    SmoothedCurve,
    Stopping,
    ThresholdCurve,
    Utility,
    audit_repeats,
    can_stop,
    outcomes_of_placed,
    placed_images,
    probe_plan,
    smoothed_curve,
    thresholds,
)
from toolkit.stats._core.results import Result
from toolkit.stats._probing.probing import MAX_CALLS
from toolkit.types import Trial
from toolkit.widgets.surroundings import in_notebook

Strategy = Literal["descending", "tree", "bisection", "ascending", "independent"]


@dataclass(frozen=True, repr=False)
class Probe(Result):
    """What a probe found. `table` has a row an image: ``sample``, ``place`` (how many settings accept it, from the
    loosest), ``outcome`` and ``text`` of its answer, ``calls`` and ``paid`` that placing it took; images whose calls
    failed or were not made are not in it.

    `run` is the run it was made of, `audit` what asking again showed (None if nothing was), `stopping` where the
    question of `eps` stands (None without one), `strategy` how it was asked.
    """

    table: pd.DataFrame
    run: Run
    provider: str
    over: str
    settings: tuple[float, ...]
    strategy: str
    price: float
    audit: DeterminismAudit | None
    stopping: Stopping | None

    @property
    def outcomes(self) -> pd.DataFrame:
        """The outcomes that asking every image at every setting would have given; `tk.stats.thresholds` takes them."""
        return outcomes_of_placed(self.table, self.provider, self.over, self.settings, price=self.price)

    def curve(self, utility: Utility | None = None) -> ThresholdCurve:
        """The threshold curve, of images that were placed."""
        return thresholds(self.outcomes, provider=self.provider, over=self.over, utility=utility)

    def explain(self) -> str:
        n, paid, calls = len(self.table), int(self.table["paid"].sum()), int(self.table["calls"].sum())
        if n == 0:
            return f"{self.provider}: no image was placed; see run.outcomes for the reasons."
        text = (
            f"{self.provider}: {n:,} of {len(self.run.samples):,} images placed among {len(self.settings)} settings of {self.over} with {paid:,} "
            f"paid calls ({paid / n:.2f} an image) of {calls:,} in all; asking every setting would have paid "
            f"for {int(self.table['place'].sum()):,}."
        )
        silent = int((self.table["place"] == 0).sum())
        if silent and self.settings[0] == 0:
            text += f"\n{silent:,} images have no answer even at {self.over}=0: no threshold is to blame for these."
        if self.audit is not None:
            again = self.run.outcomes
            again_paid = int((again["outcome"].isin(["correct", "wrong"]) & (again["repeat"] == 1)).sum())
            text += f"\n{self.audit.explain()}\nAsking these again took {again_paid:,} more paid calls."
            if self.audit.decision == "independent":
                text += '\nThis curve flatters the service; probe it with strategy="independent".'
        return text if self.stopping is None else f"{text}\n{self.stopping.explain()}"


@dataclass(frozen=True, repr=False)
class IndependentProbe(Result):
    """The curve of a service that does not decide by its threshold alone, each call made without regard to others.

    `table` is that of `curve`; `run` is the run it was made of.
    """

    table: pd.DataFrame
    run: Run
    curve: SmoothedCurve

    def explain(self) -> str:
        return self.curve.explain()


@documents_run_options
def probe(
    dataset: DatasetLike,
    provider: Provider,
    over: str,
    settings: Sequence[float],
    *,
    strategy: Strategy = "descending",
    call_cost: float = 0.1,
    max_calls_per_image: int | None = None,
    max_calls: int | None = None,
    audit: int = 100,
    passes: int = 3,
    eps: float | None = None,
    utility: Utility | None = None,
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
    show: bool = True,
) -> Probe | IndependentProbe:
    """Find where every image stands on a provider's own threshold.

    A service that charges for answers only, and accepts at a loose setting what it accepts at a strict one, need
    not be asked at every setting. What will be asked, what it may cost and how long it takes is printed before
    anything is sent.

    Parameters
    ----------
    dataset : Dataset, path, pandas.DataFrame or list of Sample
        The labelled images.
    provider : Provider
        The service, with its other parameters, such as ``tk.CapSolver(module="common")``.
    over : str
        The parameter that is its threshold, such as ``"score"`` or ``"recognizing_threshold"``.
    settings : sequence of float
        The values of the threshold, at least two.
    strategy : {"descending", "tree", "bisection", "ascending", "independent"}, default "descending"
        ``"descending"`` asks from the strictest down and pays once an image at most; ``"tree"`` takes at most
        `max_calls_per_image` calls and learns as it goes; ``"bisection"`` and ``"ascending"`` are there for
        comparison; ``"independent"`` reads each image at one random setting in each of `passes` and smooths the
        curve, for services that do not decide by their threshold alone.
    call_cost : float, default 0.1
        What a call that is not charged is worth, as a share of one that is; for ``"tree"``.
    max_calls_per_image : int, optional
        Most calls that place an image; 8 for ``"tree"``.
    max_calls : int, optional
        Most calls that place images, in all. Images that it does not reach stay unplaced.
    audit : int, default 100
        Images, drawn at random, whose decisive calls are repeated. If more than 5 % of them differ, no other image
        is begun.
    passes : int, default 3
        Readings of each image by ``"independent"``.
    eps : float, optional
        Stop as soon as the best setting is known, with 95 % confidence, to lose at most this much an image against
        any other on the whole dataset. Needs `utility`.
    utility : Utility, optional
        What outcomes are worth.
    {run options}
    show : bool, default True
        Whether to print what will be asked.

    Returns
    -------
    Probe or IndependentProbe
        Where each image stands, its run, and the threshold curve.

    Raises
    ------
    SettingError
        If the provider has no such parameter, or a value is out of its range.

    Examples
    --------
    >>> import toolkit as tk
    >>> dataset = tk.load_dataset("datasets/printed")[:10]
    >>> with tk.sandbox(dataset) as box:
    ...     found = tk.probe(dataset, box.CapSolver(module="common"), "score", [0.8, 0.9], show=False)
    >>> len(found.table)
    10

    Notes
    -----
    See `tk.stats.probe_plan` for what each strategy asks, and `tk.stats.can_stop` for stopping early.
    """
    options = RunOptions.of(locals())
    data, ladder = as_dataset(dataset), _ladder(provider, over, settings)
    if strategy not in get_args(Strategy):
        raise SettingError(f"strategy={strategy!r} is not one of {', '.join(get_args(Strategy))}")
    _check_bounds(audit=audit, passes=passes, max_calls=max_calls, max_calls_per_image=max_calls_per_image)
    _check_question(eps, utility)
    values, labels = [value for value, _ in ladder], [setting.label for _, setting in ladder]
    kept = as_store(store)
    options = replace(options, store=kept)
    base = replace(provider, **{over: None})
    say = _Announcement(base, over, strategy, len(values), limits) if show else None
    ask = partial(_finished, data, [setting for _, setting in ladder], options)
    if strategy == "independent":

        def drawn(plan: Plan, done: Done, log: LogReader) -> TrialSource:
            left = _left(max_calls, endings(log.attempts))
            if say is not None:
                calls = min(left, len(data) * passes - len(done))
                say(partial(Outlook.of_draws, len(data), calls))
            return IndependentTrials(plan, passes, max_calls=left)

        run = ask(drawn, passes, {"probe": over, "strategy": strategy})
        curve = smoothed_curve(run.outcomes, base.label, over)
        return IndependentProbe(curve.table, run, curve)
    replan = partial(_planned, values, strategy, call_cost, max_calls_per_image)
    replan(None)  # what cannot be planned is refused before the store is claimed
    question = None if eps is None or utility is None else _Question(data.targets, over, values, utility, eps)

    def placing(plan: Plan, done: Done, log: LogReader) -> TrialSource:
        del done
        last = endings(log.attempts)
        left = _left(max_calls, last[last["repeat"] == 0])
        trial_source = PlacementTrials(
            plan,
            _heard(log.attempts),
            replan,
            audit=audit,
            max_calls=left,
            to_collect=log.to_collect(),
            enough=question,
        )
        if say is not None:
            placed = len(trial_source.places)
            say(
                partial(Outlook.of_plan, trial_source.strategy, len(data) - placed, placed, trial_source.to_audit, left)
            )
        return trial_source

    run = ask(placing, 2, {"probe": over, "strategy": strategy, "eps": eps})
    return Probe(
        placed_images(run.outcomes, labels),
        run,
        base.label,
        over,
        tuple(values),
        strategy,
        float("nan") if provider.max_cost_usd is None else provider.max_cost_usd,
        audit_repeats(run.outcomes),
        None if question is None else question.answer,
    )


def _check_bounds(**counts: int | None) -> None:
    for name, value in counts.items():
        least = 0 if name == "audit" else 1
        if value is not None:
            must_be_integer(name, value, least)


def _check_question(eps: float | None, utility: Utility | None) -> None:
    if (eps is None) != (utility is None):
        raise SettingError("eps=… is what an image may lose, utility=… what it is worth: give both, or none of them")
    if eps is not None and not eps > 0:
        raise SettingError(f"eps={eps!r} must be above 0")


def _ladder(provider: Provider, over: str, settings: Sequence[float]) -> list[tuple[float, Provider]]:
    """Settings from the loosest to the strictest; `SettingError` when the provider has no such parameter."""
    if over not in provider.parameters:
        raise SettingError(
            f"{type(provider).__name__} has no parameter {over!r}; it has {', '.join(provider.parameters)}"
        )
    values = sorted(set(settings))
    if over == "recognizing_threshold" and values and values[0] > 0:
        values = [0, *values]  # without it, an image that is rejected everywhere might as well be unreadable
    if len(values) < 2:
        raise SettingError(f"settings={list(settings)}: a curve takes two settings of {over} at least")
    changes: list[dict[str, Any]] = [{over: value} for value in values]
    return [(value, replace(provider, **change)) for value, change in zip(values, changes, strict=True)]


def _planned(
    values: Sequence[float], strategy: Any, call_cost: float, most: int | None, placed: Sequence[int] | None
) -> ProbePlan:
    plan = probe_plan(values, strategy, placed=placed, call_cost=call_cost, max_calls=most or MAX_CALLS)
    worst = int(plan.table["calls"].max())
    if most is not None and worst > most:
        raise SettingError(
            f"{strategy} may take {worst} calls to place an image, and max_calls_per_image={most}; "
            'strategy="tree" keeps to a bound'
        )
    return plan


def _left(max_calls: int | None, before: pd.DataFrame) -> float:
    """Calls that are left of a bound, after those of earlier sessions."""
    return np.inf if max_calls is None else max(0, max_calls - len(before))


def _heard(attempts: pd.DataFrame) -> dict[Trial, str | None]:
    """What was read or rejected before."""
    told = attempts[attempts["final"] & (attempts["error"].isna() | attempts["error"].isin(["unsolvable"]))]
    texts = (None if missing else text for text, missing in zip(told["text"], told["text"].isna(), strict=True))
    return dict(zip(trials_of(told), texts, strict=True))


@dataclass(frozen=True)
class _Announcement:
    """Says what will be asked."""

    provider: Provider
    over: str
    strategy: str
    settings: int
    limits: LimitsLike

    def __call__(self, outlook: Callable[[float | None, Limits], Outlook]) -> None:
        account = self.provider.account
        foreseen = outlook(self.provider.max_cost_usd, Limits() if account is None else limits_of(self.limits, account))
        what = f"{self.provider.label} over {self.settings} settings of {self.over}, {self.strategy}"
        lines = [f"probe of {foreseen.images:,} images by {what}", *foreseen.sentences()]
        print(*lines, sep="\n  ", file=_stream(), flush=True)


def _stream() -> TextIO:
    """Standard error, where it is in nobody's way; in a notebook it would look like a failure."""
    return sys.stdout if in_notebook() else sys.stderr


def _finished(
    data: Dataset,
    settings: list[Provider],
    options: RunOptions,
    trial_source: Callable[[Plan, Done, LogReader], TrialSource],
    repeats: int,
    design: dict[str, Any],
) -> Run:
    options = replace(options, repeats=repeats)
    live = start_session(open_session(data, settings, options, trial_source=trial_source, design=design))
    try:
        return live.wait()
    except KeyboardInterrupt:
        live.stop()
        return live.wait()


class _Question:
    """Which setting is worth most on the whole dataset, within `eps` an image; `answer` is where that stands."""

    def __init__(
        self, targets: Sequence[str | None], over: str, values: Sequence[float], utility: Utility, eps: float
    ) -> None:
        self.answer: Stopping | None = None
        self._targets, self._utility, self._eps = targets, utility, eps
        self._candidates = [f"{over}={value:g}" for value in values]

    def __call__(
        self, positions: Sequence[int], places: Sequence[int], texts: Sequence[str | None], total: int
    ) -> bool:
        """Whether images in random order settle it, of `total` in all."""
        right = exact([self._targets[position] or "" for position in positions], texts)[:, None]
        accepted = np.asarray(places)[:, None] >= np.arange(1, len(self._candidates) + 1)
        worth = self._utility.of((accepted & right).astype(float), (accepted & ~right).astype(float))
        ends = self._utility.of(np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0]))
        frame = pd.DataFrame(worth, columns=self._candidates)
        self.answer = can_stop(frame, total, eps=self._eps, low=float(ends.min()), high=float(ends.max()))
        return self.answer.status == "stop"
