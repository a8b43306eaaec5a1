"""Risk against coverage: how many answers can be had while how few are wrong."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from toolkit.errors import DatasetError
from toolkit.plots.canvas import as_percent, axes_for, note, say_nothing_to_show
from toolkit.plots.colours import styles
from toolkit.plots.labelling import Series, name_series
from toolkit.plots.naming import short_labels
from toolkit.plots.results import required
from toolkit.plots.threshold_curve import thinned
from toolkit.plots.threshold_marks import plain_percent
from toolkit.stats._core.intervals import FloatArray
from toolkit.stats._core.results import confidence, percent
from toolkit.stats._thresholds.losses import LOSS_WORDS
from toolkit.stats._thresholds.risk_control import Choice
from toolkit.stats._thresholds.threshold_curve import ThresholdCurve

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def risk_coverage(
    curves: ThresholdCurve | Sequence[ThresholdCurve],
    ax: "Axes | None" = None,
    *,
    choice: Choice | None = None,
    settings: Iterable[str] | None = None,
) -> "Axes":
    """Share wrong of the answers accepted against the share of images accepted, a line a curve: low is better.

    A single curve has its pointwise band, unless it is about another loss. `choice` of `tk.stats.pick_threshold` draws the target, and marks the
    controlled threshold on the curve it was picked from. When it controls wrong answers among *all* images, that is
    what the figure shows. `settings`, the labels of the run, give each the colour it has in other figures. Figures
    are those of ``curve.table``.

    Parameters
    ----------
    curves : ThresholdCurve or sequence of ThresholdCurve
        Results of `tk.stats.thresholds`.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure 7.2 inches wide.
    choice : Choice, optional
        Result of `tk.stats.pick_threshold`, whose target and threshold are marked.
    settings : iterable of str, optional
        Labels of all settings of the run, which give each the colour it has in other figures.

    Returns
    -------
    matplotlib.axes.Axes
        The axes that were drawn into.

    Examples
    --------
    >>> import pandas as pd
    >>> import toolkit as tk
    >>> outcomes = pd.DataFrame(
    ...     {
    ...         "setting": ["a()", "b()"] * 4, "sample": list("wwxxyyzz"), "repeat": 0,
    ...         "target": "A7", "text": ["A7", "A1"] + ["A7"] * 6, "outcome": ["correct", "wrong"] + ["correct"] * 6,
    ...         "confidence": [0.9, 0.4, 0.8, 0.7, 0.9, 0.6, 0.7, 0.8], "latency_s": [0.10, 0.21, 0.11, 0.22] * 2,
    ...         "cost_usd": [0.001, 0.002] * 4, "started_at": [float(second) for second in range(8)], "edits": [0, 1] + [0] * 6,
    ...         "ned": [0.0, 0.5] + [0.0] * 6, "background": list("ppqqppqq"),
    ...     }
    ... )
    >>> ax = tk.plots.risk_coverage(tk.stats.thresholds(outcomes, "b()"))
    >>> len(ax.lines) > 0
    True
    """
    own, ax = ax is None, axes_for(ax)
    curves = [curves] if isinstance(curves, ThresholdCurve) else list(curves)
    for curve in curves:
        required(curve, ThresholdCurve, "tk.stats.thresholds")
    drawn = [curve for curve in curves if len(curve.table)]
    if not drawn:
        return say_nothing_to_show(ax, "Nothing to show: nothing was answered, so there is no threshold.")
    of_all = choice is not None and choice.of_all
    loss = "wrong" if choice is None else choice.loss
    names = [curve.name for curve in drawn]
    run = () if settings is None else tuple(settings)
    style, short = styles(run, names), short_labels([*names, *run])
    banded = len(drawn) == 1 and loss == "wrong"
    series = []
    for curve in drawn:
        table = thinned(curve.table[curve.table["accepted"] > 0].iloc[::-1])
        color = style[curve.name]["color"]
        x, y = table["coverage"].to_numpy(np.float64), _risk(table, loss, of_all=of_all)
        if banded:
            ends = (
                (table["generalized_risk_low"], table["generalized_risk_high"])
                if of_all
                else (1 - table["accuracy_answered_high"], 1 - table["accuracy_answered_low"])
            )
            ax.fill_between(x, *ends, color=color, alpha=0.18, linewidth=0)
        marker = "o" if len(table) < 25 else ""
        [line] = ax.plot(
            x, y, color=color, linestyle=style[curve.name]["linestyle"], linewidth=1.6, marker=marker, markersize=4,
            label=curve.name,
        )  # fmt: skip
        series.append(Series(short[curve.name], line, color, np.column_stack([x, y])))
        if choice is not None and choice.name == curve.name and choice.status == "controlled":
            _mark(ax, choice, color)
    ax.set_xlim(0.0, 1.02)
    # The band of the first few answers reaches up to all of them wrong; the lines decide what is shown.
    highest = max(float(one.points[:, 1].max()) for one in series)
    ax.set_ylim(0.0, min(1.02, 1.3 * max(highest, choice.max_risk if choice else 0.0, 0.02)))
    if choice is not None:
        series.append(_draw_target(ax, choice.max_risk))
    as_percent(ax.xaxis)
    as_percent(ax.yaxis)
    band = f"\n(band: pointwise {confidence(drawn[0].confidence_level)})" if banded else ""
    ax.set_xlabel(f"coverage: share of images accepted{band}")
    if loss == "wrong":
        ax.set_ylabel("wrong and accepted, share of all images" if of_all else "risk: share wrong of those accepted")
    else:
        ax.set_ylabel(f"{LOSS_WORDS[loss]},\n{'of all images' if of_all else 'of those accepted'}")
    name_series(ax, series, own_figure=own, legend_at="upper left")
    return ax


def _risk(table: pd.DataFrame, loss: str, *, of_all: bool) -> FloatArray:
    """What a choice limits, by threshold; `DatasetError` where the curve was not made for its loss."""
    if loss == "wrong":
        return table["generalized_risk" if of_all else "risk"].to_numpy(np.float64)
    if "loss" not in table.columns:
        raise DatasetError(
            f"the choice limits {loss}, and a curve lacks it; make the curves with thresholds(…, loss={loss!r})"
        )
    return np.asarray(table["loss"] / table["images" if of_all else "accepted"], np.float64)


def _mark(ax: "Axes", choice: Choice, color: str) -> None:
    ax.plot(
        [choice.coverage], [choice.risk], marker="D", markersize=8, color=color, markeredgecolor="white", linestyle=""
    )
    lost = f"{percent(choice.risk)} {choice.loss}"
    note(ax, f"from threshold {choice.threshold:.4g} on: {percent(choice.coverage)} accepted, {lost}")


def _draw_target(ax: "Axes", max_risk: float) -> Series:
    import matplotlib as mpl

    color = mpl.rcParams["text.color"]
    line = ax.axhline(max_risk, color=color, linewidth=1.1, linestyle="-.")
    along = np.linspace(*ax.get_xlim(), 30)
    return Series(f"target: {plain_percent(max_risk)}", line, color, np.column_stack([along, np.full(30, max_risk)]))
