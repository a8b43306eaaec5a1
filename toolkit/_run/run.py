"""A run as it stands in its store: opened with `open_run`, or given by `benchmark` and `start`."""

import math
import os
from collections.abc import Iterable, Sequence
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from toolkit import stats
from toolkit._report import summary_table as show
from toolkit._report.export import export
from toolkit._store.checks import check_manifest, check_settings, sound_samples
from toolkit._store.events import Balance
from toolkit._store.frames import outcomes_frame, samples_frame
from toolkit._store.log_reader import LogReader
from toolkit._store.store import FileStore, Store
from toolkit.errors import SettingError, StoreCorrupt
from toolkit.metrics import STRICT, Normaliser
from toolkit.schema import MAIN_FIGURES

if TYPE_CHECKING:
    from toolkit._dataset import Dataset
    from toolkit.plots import RunPlots
    from toolkit.stats import Comparison, Confusions, ThresholdCurve, Utility
    from toolkit.stats._comparison.paired_metrics import Ends
    from toolkit.stats._core.trials import Errors
    from toolkit.stats._thresholds.losses import Loss

PathLike = str | os.PathLike[str]


class Run:
    """What was asked and what came of it. Every figure is computed from the log when it is looked at.

    The frames are the reader's own: changing one in place changes no figure of the run. A run pickles, by its store.

    Parameters
    ----------
    store : Store
        Where the run is kept; `open_run` takes the path of a folder.

    Attributes
    ----------
    store : Store
        The same.
    manifest : dict
        What was planned, with which versions, on which machine.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.manifest = check_manifest(store.manifest(), f"{store!r}, manifest")
        self._log = LogReader(store)
        self._outcomes: pd.DataFrame | None = None
        self._judged_to = 0
        self._samples: pd.DataFrame | None = None

    def __reduce__(self) -> tuple[type["Run"], tuple[Store]]:
        return Run, (self.store,)

    # ── the plan ─────────────────────────────────────────────────────────────────────────────────────────

    @property
    def settings(self) -> list[str]:
        """Labels of the settings, in the order of the plan."""
        return list(self.manifest["plan"]["settings"])

    @property
    def planned(self) -> int:
        """How many trials the plan holds."""
        plan = self.manifest["plan"]
        return len(plan["settings"]) * int(plan["dataset"]["samples"]) * int(plan["repeats"])

    @property
    def samples(self) -> pd.DataFrame:
        """The labelled images: target and a column for each tag, indexed by sample id."""
        return handed_out(self._labelled())

    # ── what came of it ──────────────────────────────────────────────────────────────────────────────────

    @property
    def attempts(self) -> pd.DataFrame:
        """Every try, in the order they ended; ``tk.describe("attempts")`` says what the columns are."""
        return handed_out(self._attempts())

    def _attempts(self) -> pd.DataFrame:
        self._log.read_on()
        heard_of = self._log.attempts["setting"].cat.categories, self._log.run_state.settings
        check_settings(chain(*heard_of), self.manifest, repr(self.store))
        return self._log.attempts

    @property
    def outcomes(self) -> pd.DataFrame:
        """One row per trial, answers compared strictly; ``tk.describe("outcomes")`` says what the columns are; tags follow.

        Trials that are still to come have no row. Those of a setting that was stopped (a bad key, no money left)
        have one, with the reason for which they were not asked.
        """
        attempts = self._attempts()
        if self._outcomes is None or self._judged_to != self._log.offset:
            self._outcomes, self._judged_to = self._judged(attempts, STRICT), self._log.offset
        return handed_out(self._outcomes)

    def judge(self, normaliser: Normaliser) -> pd.DataFrame:
        """The outcomes with answers compared under another normaliser. Nothing is asked again.

        Parameters
        ----------
        normaliser : Normaliser
            Which differences between texts do not count, such as ``tk.RELAXED``.

        Returns
        -------
        pandas.DataFrame
            As `outcomes`.
        """
        return self._judged(self._attempts(), normaliser)

    # ── the usual next steps, each one call of `tk.stats` ────────────────────────────────────────────────

    def summary(self, by: str | Sequence[str] | None = None) -> pd.DataFrame:
        """Accuracy, coverage, error rates, latency and cost of each setting, with intervals: `tk.stats.summary`.

        Parameters
        ----------
        by : str or sequence of str, optional
            Tags, or "length" or "charset", to have a row for each setting and slice.

        Returns
        -------
        pandas.DataFrame
            A row a setting, or a setting and slice; ``tk.describe("summary")`` says what the columns are.
        """
        return stats.summary(self.outcomes, by=by)

    def compare(
        self,
        baseline: str | None = None,
        *,
        metric: str = "accuracy_all",
        errors: "Errors" = "exclude",
        confidence_level: float = 0.95,
        margin: float | None = None,
        interval: "Ends" = "newcombe",
        n_resamples: int = 9_999,
        seed: int = 0,
    ) -> "Comparison":
        """Which settings are better, on the same images: `tk.stats.compare` of the outcomes, see there.

        Parameters
        ----------
        baseline : str, optional
            Label of the setting to compare the others with; all pairs by default.
        metric, errors, confidence_level, margin, interval, n_resamples, seed
            As in `tk.stats.compare`.

        Returns
        -------
        Comparison
        """
        return stats.compare(
            self.outcomes, baseline, metric=metric, errors=errors, confidence_level=confidence_level, margin=margin,
            interval=interval, n_resamples=n_resamples, seed=seed,
        )  # fmt: skip

    def thresholds(
        self,
        setting: str | None = None,
        *,
        provider: str | None = None,
        over: str | None = None,
        utility: "Utility | None" = None,
        errors: "Errors" = "exclude",
        confidence_level: float = 0.95,
        loss: "Loss" = "wrong",
    ) -> "ThresholdCurve":
        """What accepting only the more confident answers costs and brings: `tk.stats.thresholds` of the outcomes.

        Parameters
        ----------
        setting : str, optional
            Label of an engine that gives confidences; needed where the run has several settings.
        provider, over : str, optional
            In place of it, a service and the parameter that is its threshold.
        utility, errors, confidence_level, loss
            As in `tk.stats.thresholds`, which also slices (``by=``).

        Returns
        -------
        ThresholdCurve
        """
        return stats.thresholds(
            self.outcomes, setting, provider=provider, over=over, utility=utility, errors=errors,
            confidence_level=confidence_level, loss=loss,
        )  # fmt: skip

    def confusions(
        self, setting: str | None = None, *, normaliser: Normaliser = STRICT, confidence_level: float = 0.95
    ) -> "Confusions":
        """Which characters are read as which others: `tk.stats.confusions` of the outcomes.

        Parameters
        ----------
        setting : str, optional
            Label of a setting; all answers together by default.
        normaliser, confidence_level
            As in `tk.stats.confusions`.

        Returns
        -------
        Confusions
        """
        return stats.confusions(self.outcomes, setting, normaliser=normaliser, confidence_level=confidence_level)

    @property
    def complete(self) -> bool:
        """Whether every trial of the plan was asked and has an outcome."""
        return not self.stopped and len(self.outcomes) == self.planned

    @property
    def stopped(self) -> dict[str, str]:
        """Settings that were stopped before their end, each with the reason."""
        self._attempts()  # reads on
        return dict(self._log.run_state.stopped)

    @property
    def limits(self) -> pd.DataFrame:
        """What each account was allowed, over time: a row for the start of a session and for every change.

        Columns: account, at (s since 1970), in_flight (readings at a time), per_second (requests; missing while no
        rate was declared or learned).
        """
        self._attempts()  # reads on
        columns = ["account", "at", "in_flight", "per_second"]
        frame = pd.DataFrame(map(attrgetter(*columns), self._log.run_state.limits), columns=columns)
        return frame.astype({"account": "str", "at": float, "in_flight": "int32", "per_second": float})

    @property
    def plot(self) -> "RunPlots":
        """The figures that these data can fill: ``run.plot.accuracy_latency()``; its repr lists them."""
        from toolkit.plots import RunPlots

        return RunPlots(lambda: self.outcomes, lambda: self.attempts)

    # ── what is handed on ────────────────────────────────────────────────────────────────────────────────

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table of the run by its name, summary first; `toolkit.schema` says what the columns are."""
        return {
            "summary": self.summary(),
            "outcomes": self.outcomes,
            "attempts": self.attempts,
            "samples": self.samples,
            "spend": self.spend,
            "unsettled": self.unsettled,
            "limits": self.limits,
        }

    def export(self, path: PathLike, table: str | None = None) -> Path:
        """Write one of `tables` to a .csv, .parquet, .tex or .xlsx file; without a name the summary, or all to .xlsx.

        Of the summary, LaTeX gets the figures that fit on a page; `tk.export` writes any other choice.
        """
        suffix, tables = Path(path).suffix.lower(), self.tables
        if table is not None and table not in tables:
            raise SettingError(f"table={table!r} is not one of {', '.join(tables)}")
        if table is None and suffix == ".xlsx":
            return export(tables, path)
        frame = tables[table or "summary"]
        if suffix == ".tex" and table in (None, "summary"):
            kept = ("setting", *(f"{name}{end}" for name in MAIN_FIGURES for end in ("", "_low", "_high")))
            frame = frame[[name for name in kept if name in frame.columns]]
        return export(frame, path)

    def report(
        self,
        path: PathLike,
        *,
        dataset: "Dataset | PathLike | None" = None,
        title: str | None = None,
        max_risk: float = 0.05,
        worst: int = 24,
    ) -> Path:
        """Write all there is to say of the run into one HTML file, which needs no network and loads nothing.

        It holds summary, comparison, thresholds for at most `max_risk` wrong, latency, the `worst` errors with their
        images (200 at most), settings, money, the method of each number and where it all comes from. Images are read
        from `dataset`, else from where the dataset was; only those that are what was read are shown. Without the
        extra ``report`` its tables cannot be sorted.
        """
        from toolkit._report.write import write_report

        return write_report(self, path, dataset=dataset, title=title, max_risk=max_risk, worst=worst)

    # ── money ────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def unsettled(self) -> pd.DataFrame:
        """Requests that may have been charged and whose answer never came: one row each, with the most it cost.

        Columns: setting, sample, repeat, asked_at (s since 1970), task_id, reason, cost_usd (missing without a price).
        """
        self._attempts()  # reads on
        worst = self.manifest["max_cost_usd"]
        rows = [
            (
                *lost.trial,
                lost.at,
                None if lost.task_id is None else str(lost.task_id),  # as among the attempts
                lost.reason,
                worst[lost.trial.setting],
            )
            for lost in self._log.run_state.unsettled
        ]
        names = ["setting", "sample", "repeat", "asked_at", "task_id", "reason", "cost_usd"]
        return pd.DataFrame(rows, columns=names).astype({"asked_at": float, "cost_usd": float})

    @property
    def spend(self) -> pd.DataFrame:
        """The modelled bill beside the measured one: one row per account with a service.

        Columns: account, charged (answers), modelled_usd (missing without a price), unsettled_usd (at most),
        measured_usd (balance before less balance after, over the sessions that noted both; missing without),
        measured_per_1000_usd.
        """
        unsettled = self.unsettled  # the look reads on
        charged, modelled = self._bills()
        rows = []
        for account in dict.fromkeys(name for label in self.settings for name in self._accounts_of(label)):
            mine = [label for label in self.settings if account in self._accounts_of(label)]
            measured = _fallen(self._log.run_state.balances, account)
            answers = charged.get(account, 0.0)
            rows.append(
                {
                    "account": account,
                    "charged": int(answers),
                    "modelled_usd": modelled.get(account, 0.0),
                    "unsettled_usd": unsettled.loc[unsettled["setting"].isin(mine), "cost_usd"].sum(skipna=False),
                    "measured_usd": measured,
                    "measured_per_1000_usd": 1000 * measured / answers if measured is not None and answers else None,
                }
            )
        columns = ["modelled_usd", "unsettled_usd", "measured_usd", "measured_per_1000_usd"]
        return pd.DataFrame(rows, columns=["account", "charged", *columns]).astype(dict.fromkeys(columns, float))

    def _bills(self) -> tuple[dict[str, float], dict[str, float]]:
        """Charged answers of each account, and what they cost at their settings' prices."""
        charged: dict[str, float] = {}
        cost: dict[str, float] = {}
        for label, used in self._log.run_state.usage.items():
            prices = self.manifest["prices_usd"][label]
            for name, quantity in used.items():
                stage, _, kind = name.rpartition(": ")
                accounts = self._accounts_of(label, stage)
                if not accounts:
                    raise StoreCorrupt(
                        f"{self.store!r}: the log has a charge by {label!r}, for which the manifest names no account; "
                        "restore the one or the other from a copy"
                    )
                account = accounts[0]
                charged[account] = charged.get(account, 0.0) + quantity * (kind == "charged")
                usd = math.nan if prices is None else prices.get(name, 0.0)
                cost[account] = cost.get(account, 0.0) + quantity * usd
        return charged, cost

    def _accounts_of(self, label: str, stage: str = "") -> list[str]:
        """The accounts of a setting: its own, or those of a cascade's stages, or of one stage of it."""
        account = self.manifest["plan"]["settings"][label]["account"]
        if isinstance(account, dict):
            return [account[stage]] if stage in account else [] if stage else list(account.values())
        return [] if account is None else [account]

    # ── how it is read, how it shows ─────────────────────────────────────────────────────────────────────

    def _labelled(self) -> pd.DataFrame:
        if self._samples is None:
            self._samples = samples_frame(sound_samples(self.store.samples(), f"{self.store!r}, samples"))
        return self._samples

    def _judged(self, attempts: pd.DataFrame, normaliser: Normaliser) -> pd.DataFrame:
        return outcomes_frame(
            attempts,
            self._labelled(),
            prices=self.manifest["prices_usd"],
            normaliser=normaliser,
            stopped=self._log.run_state.stopped,
            repeats=int(self.manifest["plan"]["repeats"]),
        )

    def __repr__(self) -> str:
        plan = self.manifest["plan"]
        return (
            f"<Run of {len(plan['settings'])} settings on {plan['dataset']['name']}: "
            f"{len(self.outcomes):,} of {self.planned:,} trials, in {self.store!r}>"
        )

    def _repr_html_(self) -> str:
        plan = self.manifest["plan"]
        facts = {
            "trials": f"{len(self.outcomes):,} of {self.planned:,}",
            "begun": self.manifest["created_at"],
            "dataset": f"{plan['dataset']['name']} {plan['dataset']['fingerprint'][:12]}",
            "store": repr(self.store),
            **{f"{setting} stopped:": reason for setting, reason in self.stopped.items()},
        }
        summary = self.summary()
        caution = show.caution(summary)
        if caution:
            facts["latency:"] = caution
        ties = show.ties(self.outcomes)
        if ties:
            facts["ranks:"] = ties
        return show.as_html(show.leaderboard(summary), f"Run on {plan['dataset']['name']}", facts)


def handed_out(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame that its reader may change: what is shared is copied as soon as it is, or now by a pandas that would not."""
    return frame.copy(deep=not _COPIES_ON_WRITE)


_COPIES_ON_WRITE = int(pd.__version__.partition(".")[0]) >= 3


def open_run(store: Store | PathLike) -> Run:
    """Open the run in a folder, for looking at; it may still be running elsewhere.

    Parameters
    ----------
    store : path or Store
        The folder that was given as ``store=`` to `benchmark`.

    Returns
    -------
    Run

    Raises
    ------
    StoreError
        If there is no run, or it cannot be read.
    StoreCorrupt
        If a line of it is damaged; the message names the line.

    Examples
    --------
    >>> import toolkit as tk
    >>> tk.open_run("nowhere")
    Traceback (most recent call last):
    toolkit.errors.StoreError: ... holds no run: there is no manifest.json in it
    """
    return Run(FileStore(store) if isinstance(store, (str, os.PathLike)) else store)


def _fallen(balances: Iterable[Balance], account: str) -> float | None:
    """By how much an account's balance fell within the sessions that saw both ends of it."""
    fallen, before = None, None
    for noted in balances:
        if noted.account != account:
            continue
        if noted.when == "before":
            before = noted.usd
        elif before is not None and noted.usd is not None:
            fallen = (fallen or 0.0) + before - noted.usd
            before = None
    return fallen
