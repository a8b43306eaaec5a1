"""`run.plot`: the figures that a run's data can fill, each one call away."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd
from markupsafe import Markup

from toolkit import stats
from toolkit.errors import DatasetError
from toolkit.metrics.html_table import html_table
from toolkit.plots.accuracy_by import accuracy_by, accuracy_by_length
from toolkit.plots.accuracy_cost import accuracy_cost
from toolkit.plots.accuracy_latency import accuracy_latency
from toolkit.plots.colours import settings_of
from toolkit.plots.concurrency import concurrency
from toolkit.plots.confusions import confusions
from toolkit.plots.drift import Of, drift
from toolkit.plots.fitting import confident_settings, tags, why_not
from toolkit.plots.forest import forest
from toolkit.plots.latency_ecdf import latency_ecdf
from toolkit.plots.latency_quantiles import latency_quantiles
from toolkit.plots.reliability import reliability
from toolkit.plots.risk_coverage import risk_coverage
from toolkit.plots.threshold_curve import threshold_curve
from toolkit.plots.utility_curve import utility_curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from toolkit.stats import Utility


class RunPlots:
    """Figures of one run. `dir` and the tab key list those that fit its data; the others say what they would need.

    Each is a method that takes what is to be shown and `ax`, and gives the axes; what it draws is what `tk.plots` and
    `tk.stats` give for ``run.outcomes``.
    """

    def __init__(self, outcomes: Callable[[], pd.DataFrame], attempts: Callable[[], pd.DataFrame]) -> None:
        self._outcomes = outcomes
        self._attempts = attempts

    # ── the whole run ────────────────────────────────────────────────────────────────────────────────────

    def accuracy_cost(self, ax: "Axes | None" = None) -> "Axes":
        """Accuracy against the cost of 1,000 correct answers."""
        return accuracy_cost(self._fitting("accuracy_cost"), ax)

    def accuracy_latency(self, ax: "Axes | None" = None) -> "Axes":
        """Accuracy against median latency."""
        return accuracy_latency(self._fitting("accuracy_latency"), ax)

    def forest(
        self,
        baseline: str | None = None,
        ax: "Axes | None" = None,
        *,
        metric: str = "accuracy_all",
        margin: float | None = None,
    ) -> "Axes":
        """Differences from a baseline, on the same images; without one, from the most accurate setting."""
        outcomes = self._fitting("forest")
        found = stats.compare(outcomes, baseline or most_accurate(outcomes), metric=metric, margin=margin)
        return forest(found, ax, settings=settings_of(outcomes))

    def accuracy_by(self, tag: str | None = None, ax: "Axes | None" = None) -> "Axes":
        """Accuracy by a tag of the images; without a name, by the first that has 2 to 30 values."""
        outcomes = self._fitting("accuracy_by")
        return accuracy_by(outcomes, tag or tags(outcomes)[0], ax)

    def accuracy_by_length(self, ax: "Axes | None" = None) -> "Axes":
        """Accuracy by length of the text."""
        return accuracy_by_length(self._fitting("accuracy_by_length"), ax)

    def confusions(self, setting: str | None = None, ax: "Axes | None" = None, *, top: int = 15) -> "Axes":
        """Character confusions of one setting, or of all together."""
        outcomes = self._fitting("confusions")
        return confusions(stats.confusions(outcomes, setting), ax, top=top, settings=settings_of(outcomes))

    def latency_ecdf(self, ax: "Axes | None" = None) -> "Axes":
        """Share of answers received within a given time."""
        return latency_ecdf(self._fitting("latency_ecdf"), ax)

    def latency_quantiles(self, ax: "Axes | None" = None) -> "Axes":
        """Median, p90, p95 and p99 of latency."""
        return latency_quantiles(self._fitting("latency_quantiles"), ax)

    def drift(self, of: Of = "accuracy", ax: "Axes | None" = None, *, window: int | None = None) -> "Axes":
        """Accuracy, or median latency with ``of="latency"``, over the time of the run."""
        return drift(self._fitting("drift"), ax, of=of, window=window)

    def concurrency(self, ax: "Axes | None" = None) -> "Axes":
        """Readings in flight over the time of the run."""
        attempts = self._attempts()
        if attempts.empty:
            raise DatasetError("run.plot.concurrency has nothing to show: there are no attempts yet")
        return concurrency(attempts, ax)

    # ── one setting's confidence ─────────────────────────────────────────────────────────────────────────

    def threshold_curve(
        self,
        setting: str | None = None,
        ax: "Axes | None" = None,
        *,
        max_risk: float | None = None,
        confidence: float = 0.90,
        utility: "Utility | None" = None,
        provider: str | None = None,
        over: str | None = None,
    ) -> "Axes":
        """Accuracy of answers and coverage by threshold, of the most accurate setting with confidences unless named.

        `max_risk` marks the threshold of `tk.stats.pick_threshold`, `utility` that of `tk.stats.best_threshold`.
        `provider` and `over` draw the curve of a service's own parameter, as `tk.stats.thresholds` does.
        """
        curve = self._curve("threshold_curve", setting, utility, provider, over)
        return threshold_curve(
            curve,
            ax,
            choice=None if max_risk is None else stats.pick_threshold(curve, max_risk, confidence),
            best=None if utility is None else stats.best_threshold(curve),
            settings=settings_of(self._outcomes()),
        )

    def risk_coverage(
        self, setting: str | None = None, ax: "Axes | None" = None, *, max_risk: float | None = None
    ) -> "Axes":
        """Share wrong against share accepted: of one setting, or of all that have confidences."""
        outcomes = self._fitting("risk_coverage")
        labels = confident_settings(outcomes) if setting is None else [setting]
        curves = [stats.thresholds(outcomes, label) for label in labels]
        chosen = None if max_risk is None or len(curves) > 1 else stats.pick_threshold(curves[0], max_risk)
        return risk_coverage(curves, ax, choice=chosen, settings=settings_of(outcomes))

    def utility_curve(
        self, setting: str | None = None, ax: "Axes | None" = None, *, utility: "Utility | None" = None
    ) -> "Axes":
        """Utility per image by threshold; by default a correct answer has value 1 and everything else 0."""
        curve = self._curve("utility_curve", setting, utility)
        return utility_curve(stats.best_threshold(curve), ax, settings=settings_of(self._outcomes()))

    def reliability(self, setting: str | None = None, ax: "Axes | None" = None) -> "Axes":
        """Observed accuracy against confidence."""
        outcomes = self._fitting("reliability")
        found = stats.calibration(outcomes, setting or _most_accurate_confident(outcomes))
        return reliability(found, ax, settings=settings_of(outcomes))

    # ── what there is ────────────────────────────────────────────────────────────────────────────────────

    def __dir__(self) -> list[str]:
        return [name for name, reason in self._figures().items() if reason is None]

    def __repr__(self) -> str:
        return "\n".join(
            f"run.plot.{name}()  {_first_line(name)}" if reason is None else f"({name}: {reason})"
            for name, reason in self._figures().items()
        )

    def _repr_html_(self) -> str:
        rows = [
            (
                Markup("<code>run.plot.{}()</code>").format(name),
                _first_line(name),
                "yes" if reason is None else f"no: {reason}",
            )
            for name, reason in self._figures().items()
        ]
        return html_table({"figure": "left", "shows": "left", "available": "left"}, rows)

    def _figures(self) -> dict[str, str | None]:
        """Every figure of a run, those that fit first, with what the others would need."""
        outcomes = self._outcomes()
        reasons = {name: why_not(name, outcomes) for name in FIGURES if name != "concurrency"}
        reasons["concurrency"] = None if len(self._attempts()) else "there are no attempts yet"
        return dict(sorted(reasons.items(), key=lambda item: item[1] is not None))

    def _fitting(self, figure: str) -> pd.DataFrame:
        """The outcomes, if the figure can show something of them; `DatasetError` says what it would need."""
        outcomes = self._outcomes()
        reason = why_not(figure, outcomes)
        if reason is not None:
            raise DatasetError(f"run.plot.{figure} has nothing to show: {reason}")
        return outcomes

    def _curve(
        self,
        figure: str,
        setting: str | None,
        utility: "Utility | None",
        provider: str | None = None,
        over: str | None = None,
    ) -> "stats.ThresholdCurve":
        if provider is not None or over is not None:
            return stats.thresholds(self._outcomes(), setting, provider=provider, over=over, utility=utility)
        outcomes = self._fitting(figure)
        return stats.thresholds(outcomes, setting or _most_accurate_confident(outcomes), utility=utility)


FIGURES = tuple(name for name in vars(RunPlots) if not name.startswith("_"))
"""Names of all figures of a run, whether or not its data fit."""


def most_accurate(outcomes: pd.DataFrame) -> str:
    """The setting that reads the largest share of its images right; the first by name of several."""
    right = (outcomes["outcome"] == "correct").groupby(outcomes["setting"].astype("str")).mean()
    return str(right.idxmax())


def _most_accurate_confident(outcomes: pd.DataFrame) -> str:
    return most_accurate(outcomes[outcomes["setting"].isin(confident_settings(outcomes))])


def _first_line(figure: str) -> str:
    return (getattr(RunPlots, figure).__doc__ or "").partition("\n")[0].replace("``", "")
