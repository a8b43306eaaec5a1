"""`probe`: a paid service's threshold curve for at most one paid call an image."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd

from toolkit.engine.books import Books
from toolkit.engine.plan import Done, Plan
from toolkit.engine.runner import Agenda
from toolkit.errors import SettingError
from toolkit.live import LiveRun
from toolkit.metrics import exact
from toolkit.probe_agenda import IndependentAgenda, PlacingAgenda
from toolkit.providers.base import Provider
from toolkit.run import Run
from toolkit.session import DatasetLike, as_dataset, open_session
from toolkit.stats import (
    DeterminismAudit,
    ProbePlan,
    ThresholdCurve,
    Utility,
    audit_determinism,
    can_stop,
    compare_probe_plans,
    outcomes_of_placed,
    probe_plan,
    smoothed,
    thresholds,
)
from toolkit.stats.results import Result

Strategy = Literal["descending", "tree", "bisection", "ascending", "independent"]


@dataclass(frozen=True, repr=False)
class Probe(Result):
    """What a probe found. `table` has a row an image: ``sample``, ``place`` (how many settings accept it, from the
    loosest), ``outcome`` and ``text`` of its answer, ``calls`` and ``paid`` that placing it took; images whose calls
    failed or were not made are not in it.

    `run` is the run it was made of, `audit` what asking again showed, `strategy` how it was asked.
    """

    table: pd.DataFrame
    run: Run
    provider: str
    over: str
    settings: tuple[float, ...]
    strategy: str
    price: float
    audit: DeterminismAudit | None

    @property
    def outcomes(self) -> pd.DataFrame:
        """The outcomes that asking every image at every setting would have given; `tk.stats.thresholds` takes them."""
        return outcomes_of_placed(self.table, self.provider, self.over, self.settings, price=self.price)

    def curve(self, utility: Utility | None = None) -> ThresholdCurve:
        """The threshold curve, of images that were placed."""
        return thresholds(self.outcomes, provider=self.provider, over=self.over, utility=utility)

    def explain(self) -> str:
        n, paid, calls = len(self.table), int(self.table["paid"].sum()), int(self.table["calls"].sum())
        sentence = (
            f"{self.provider}: {n:,} images placed among {len(self.settings)} settings of {self.over} with {paid:,} "
            f"paid calls ({paid / max(n, 1):.2f} an image) of {calls:,} in all; asking every setting would have paid "
            f"for {int(self.table['place'].sum()):,}."
        )
        return sentence if self.audit is None else f"{sentence}\n{self.audit.explain()}"


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
    show: bool = True,
    **options: Any,
) -> "Probe | pd.DataFrame":
    """Find where every image stands on a provider's own threshold: ``probe(dataset, CapSolver(), "score", [.8, .9, 1])``.

    A service that charges for answers only, and accepts at a loose setting what it accepts at a strict one, need
    not be asked at every setting. ``"descending"`` asks from the strictest down and pays once an image at most;
    ``"tree"`` takes at most `max_calls_per_image` calls, weighing one against a paid one by `call_cost`, and learns as
    it goes; ``"bisection"`` and ``"ascending"`` are there for comparison. `max_calls` bounds the calls in all; images
    that it does not reach stay unplaced. What will be asked is said on standard error before anything is sent.

    Afterwards `audit` images have their decisive calls repeated. If more than 5 % flip, the service does not decide
    by its threshold alone: ask again with ``strategy="independent"``, which reads each image at one random setting in
    each of `passes`, and gives the smoothed curve as a frame instead.

    With `eps`, it stops as soon as the best setting by `utility` is known to lose at most that much an image on this
    dataset. `options` are those of `start`: store (which makes it resumable), limits, budget_usd, seed, …
    """
    ladder = _ladder(provider, over, settings)
    data = as_dataset(dataset)
    if strategy == "independent":
        return _independent(data, ladder, passes, options)
    replan = partial(
        _planned, [value for value, _ in ladder], strategy=strategy, call_cost=call_cost, most=max_calls_per_image
    )
    price = provider.worst_usd or float("nan")
    if show:
        _announce(replan(None), len(data), price, max_calls, audit)
    worth = utility or Utility()

    def agenda(plan: Plan, done: Done, books: Books) -> Agenda:
        del done
        enough = (
            None
            if eps is None
            else partial(_enough, targets=[target or "" for target in data.targets], utility=worth, eps=eps)
        )
        return PlacingAgenda(plan, books.finished, replan, audit=audit, max_calls=max_calls, enough=enough)

    design = {"probe": over, "strategy": strategy, "eps": eps}
    run = _finished(data, [setting for _, setting in ladder], agenda, {"repeats": 2, "design": design, **options})
    values = tuple(value for value, _ in ladder)
    base = replace(provider, **{over: None})
    return Probe(
        _placed(run, [s.label for _, s in ladder]), run, base.label, over, values, strategy, price, _audited(run)
    )


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
    values: Sequence[float], placed: Sequence[int] | None, *, strategy: Any, call_cost: float, most: int | None
) -> ProbePlan:
    return probe_plan(values, strategy, placed=placed, call_cost=call_cost, max_calls=most)


def _announce(plan: ProbePlan, images: int, price: float, max_calls: int | None, audit: int) -> None:
    row = compare_probe_plans(plan.settings, images=images, price=price).set_index("strategy").loc[plan.strategy]
    audited = min(audit, images)
    worst_usd = row["cost_usd_at_worst"] + audited * price
    money = "no price was given" if np.isnan(price) else f"at most {worst_usd:.4g} USD"
    calls = int(plan.table["calls"].max()) * images if max_calls is None else max_calls
    sys.stderr.write(
        f"probe of {images:,} images at {len(plan.settings)} settings, {plan.strategy}: about {row['paid_calls']:,.0f} "
        f"paid and {row['free_calls']:,.0f} free calls expected, at most {calls:,}, and two more for each of {audited:,} in the audit; {money}\n"
    )


def _finished(data: Any, settings: list[Provider], agenda: Any, options: dict[str, Any]) -> Run:
    session = open_session(data, settings, agenda=agenda, **options)
    live = LiveRun(session.store, session.runner)
    try:
        return live.wait()
    except KeyboardInterrupt:
        live.stop()
        return live.wait()


def _enough(agenda: PlacingAgenda, targets: Sequence[str], utility: Utility, eps: float) -> bool:
    """Whether the images placed so far settle which setting is best."""
    positions = list(agenda.places)
    places = np.array([agenda.places[position] for position in positions])
    right = exact([targets[p] for p in positions], [agenda.texts.get(p) for p in positions])
    top = len(agenda.counts) - 1
    accepted = places[:, None] >= np.arange(1, top + 1)
    worth = utility.of((accepted & right[:, None]).astype(float), (accepted & ~right[:, None]).astype(float))
    ends = utility.of(np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0]))
    found = can_stop(pd.DataFrame(worth), len(targets), eps=eps, low=float(ends.min()), high=float(ends.max()))
    return found.status == "stop"


def _placed(run: Run, labels: list[str]) -> pd.DataFrame:
    """One row a placed image, from the run's outcomes."""
    outcomes = run.outcomes
    first = outcomes[outcomes["repeat"] == 0].copy()
    first["rank"] = first["setting"].map({label: number for number, label in enumerate(labels, 1)}).astype(int)
    answered = first["outcome"].isin(["correct", "wrong"])
    known = first[answered | (first["outcome"] == "no_answer")]
    by_sample = known.groupby("sample", sort=False)
    low = first[answered].groupby("sample")["rank"].max().reindex(pd.Index(known["sample"].unique()), fill_value=0)
    rejected = known[known["outcome"] == "no_answer"].groupby("sample")["rank"].min()
    high = rejected.reindex(low.index).fillna(len(labels) + 1).astype(int) - 1
    placed = low.index[(high <= low).to_numpy()]
    about = first[answered].sort_values("rank").drop_duplicates("sample", keep="last").set_index("sample")
    kept = ["outcome", "text", "correct_normalised", "edits", "ned", "latency_s"]
    rest = run.samples.reindex(placed).drop(columns=[name for name in kept if name in run.samples])
    table = about[kept].reindex(placed).join(rest)
    table["outcome"] = table["outcome"].astype(object).where(table["outcome"].notna(), "no_answer")
    table["correct_normalised"] = table["correct_normalised"].eq(True)
    table.insert(0, "place", low.reindex(placed).to_numpy())
    table["calls"] = by_sample.size().reindex(placed).to_numpy()
    table["paid"] = first[answered].groupby("sample").size().reindex(placed, fill_value=0).to_numpy()
    return table.rename_axis("sample").reset_index()


def _audited(run: Run) -> DeterminismAudit | None:
    """Flips and changed texts between the first and the second asking."""
    outcomes = run.outcomes[["setting", "sample", "repeat", "outcome", "text"]]
    again = outcomes[outcomes["repeat"] == 1]
    pairs = again.merge(outcomes[outcomes["repeat"] == 0], on=["setting", "sample"], suffixes=("", "_first"))
    pairs = pairs[(pairs["outcome"] != "error") & (pairs["outcome_first"] != "error")]
    if pairs.empty:
        return None
    both = pairs["text"].notna() & pairs["text_first"].notna()
    flipped = (pairs["text"].notna() != pairs["text_first"].notna()).groupby(pairs["sample"]).any()
    changed = (both & (pairs["text"] != pairs["text_first"])).groupby(pairs["sample"]).any()
    return audit_determinism(int(flipped.sum()), len(flipped), text_changes=int(changed.sum()))


def _independent(data: Any, ladder: list[tuple[float, Provider]], passes: int, options: dict[str, Any]) -> pd.DataFrame:
    """The smoothed curve of a service whose settings were asked of different images."""

    def agenda(plan: Plan, done: Done, books: Books) -> Agenda:
        del done, books
        return IndependentAgenda(plan, passes)

    design = {"strategy": "independent"}
    run = _finished(data, [setting for _, setting in ladder], agenda, {"repeats": passes, "design": design, **options})
    outcomes = run.outcomes[run.outcomes["outcome"] != "error"]
    rows = []
    for value, setting in ladder:
        mine = outcomes.loc[outcomes["setting"] == setting.label, "outcome"]
        accepted = int(mine.isin(["correct", "wrong"]).sum())
        rows.append((value, len(mine), accepted, int((mine == "wrong").sum())))
    return smoothed(pd.DataFrame(rows, columns=["threshold", "images", "accepted", "wrong"]))
