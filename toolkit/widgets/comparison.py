"""Which setting is better: pick the baseline, the measure and a slice; the forest plot and the table follow."""

from html import escape
from math import isnan
from typing import Any

import ipywidgets
import pandas as pd

from toolkit.errors import SettingError
from toolkit.metrics.html_table import Cell, Side, html_table
from toolkit.plots import forest
from toolkit.plots.colours import settings_of
from toolkit.plots.naming import short_labels
from toolkit.stats import Comparison
from toolkit.stats import compare as compare_outcomes
from toolkit.stats._comparison.paired_metrics import METRICS
from toolkit.stats._core.results import points
from toolkit.widgets.base import NOTHING, WIDE, FigureImage, WidgetView, offer, picture
from toolkit.widgets.canvas import drawn, new_figure, shown_px
from toolkit.widgets.sources import Source, how_to_open, outcomes_of, tags_of

_STYLE = {"description_width": "90px"}
_LAYOUT = {"width": "420px", "max_width": "100%"}
_FIGURE = (
    "Paired differences with their intervals, one row a pair of settings; the table after the figure has the numbers."
)


class ComparisonView(WidgetView):
    """Settings compared in pairs. `comparison` is what is shown; `baseline`, `metric`, `tag` and `value` are controls."""

    def __init__(self, source: Source, baseline: str | None, metric: str) -> None:
        self._outcomes = outcomes_of(source)
        self._opening = how_to_open(source)
        self._settings = settings_of(self._outcomes)
        self._tags = tags_of(self._outcomes)
        labels = [str(label) for label in self._outcomes["setting"].unique()]
        _among("baseline", baseline, [None, *labels])
        _among("metric", metric, list(METRICS))
        self.baseline = _dropdown(
            "Baseline", [("all pairs", NOTHING), *((label, label) for label in labels)], baseline or NOTHING
        )
        self.metric = _dropdown(
            "Metric", [(words.words, name) for name, words in METRICS.items() if self._has(words.column)], metric
        )
        self.tag = _dropdown("Slice by", [("all images", NOTHING), *((name, name) for name in self._tags)], NOTHING)
        self.value = _dropdown("which is", [("–", NOTHING)], NOTHING)
        self.value.disabled = True
        self.image = FigureImage(_FIGURE)
        self.findings = ipywidgets.HTML(layout=WIDE)
        self.code = ipywidgets.Textarea(
            description="As code", rows=5, layout={"width": "100%", "max_width": "720px"},
            tooltip="Code that computes this comparison: select and copy",
        )  # fmt: skip
        self.code.add_class("toolkit-as-code")
        super().__init__(
            "comparison",
            [self.baseline, self.metric, self.tag, self.value, self.image, self.findings, self.code],
        )
        self._update()
        self.tag.observe(self._on_tag, "value")
        for control in (self.baseline, self.metric, self.value):
            control.observe(self._on_choice, "value")

    def __repr__(self) -> str:
        return f"<ComparisonView by {self.metric.value}: {len(self.comparison.table)} pairs>"

    @property
    def outcomes(self) -> pd.DataFrame:
        """The outcomes of the slice that is chosen."""
        if self.tag.value == NOTHING:
            return self._outcomes
        rows: pd.DataFrame = self._outcomes[self._outcomes[self.tag.value] == self.value.value]
        return rows

    def as_html(self) -> str:
        return f"{picture(self.as_png(), _FIGURE)}{self.findings.value}<pre>{escape(self.code.value)}</pre>"

    def as_png(self) -> bytes:
        return bytes(self.image.value)

    def _has(self, column: str | None) -> bool:
        return column is None or column in self._outcomes.columns

    def _on_tag(self, _: object) -> None:
        values = self._tags.get(self.tag.value, [])
        offer(self.value, values, values[0] if values else NOTHING, self._on_choice)
        self._update()

    def _on_choice(self, _: object) -> None:
        self._update()

    def _update(self) -> None:
        self.comparison = compare_outcomes(self.outcomes, self.baseline.value or None, metric=self.metric.value)
        self.image.show(*forest_png(self.comparison, self._settings))
        self.findings.value = comparison_html(self.comparison)
        self.code.value = self._as_code()

    def _as_code(self) -> str:
        sliced = "" if self.tag.value == NOTHING else f"[outcomes[{self.tag.value!r}] == {self.value.value!r}]"
        call = f"tk.stats.compare(outcomes{sliced}, {self.baseline.value or None!r}, metric={self.metric.value!r})"
        return "\n".join(("import toolkit as tk", "", self._opening, f"comparison = {call}"))


def forest_png(comparison: Comparison, settings: list[str]) -> tuple[bytes, int, int]:
    """The forest plot as PNG, and the width and height in which the page should show it."""
    figure = new_figure(1.4 + 0.36 * min(max(len(comparison.table), 2), 40), layout="constrained")
    forest(comparison, figure.subplots(), settings=settings)
    return drawn(figure), *shown_px(figure)


def comparison_html(comparison: Comparison) -> str:
    """The pairs as a table: difference with its interval, corrected p-value, verdict, images needed."""
    share = METRICS[comparison.metric].kind == "share"
    unit = " (points)" if share else ""
    columns: dict[str, Side] = {
        "setting": "left", "against": "left", "images": "right", f"difference{unit}": "right", "p (Holm)": "right",
        "verdict": "left", "images needed": "right",
    }  # fmt: skip
    names = short_labels([*comparison.table["setting"], *comparison.table["baseline"]])
    rows = [
        [
            names[row["setting"]],
            names[row["baseline"]],
            f"{row['images']:,}",
            _difference(row, share),
            "–" if isnan(row["p_holm"]) else f"{row['p_holm']:.3g}",
            row["verdict"],
            f"{row['images_needed']:,.0f}" if row["images_needed"] < float("inf") else "–",
        ]
        for row in comparison.table.sort_values("difference", ascending=False, kind="stable").to_dict("records")
    ]
    return html_table(columns, rows, caption=METRICS[comparison.metric].words)


def _difference(row: dict[Any, Any], share: bool) -> Cell:
    say = points if share else lambda x: "unknown" if isnan(x) else f"{x:+.4g}"
    return Cell(say(row["difference"]), f"[{say(row['difference_low'])}, {say(row['difference_high'])}]")


def _dropdown(description: str, options: list[tuple[str, Any]], value: Any) -> ipywidgets.Dropdown:
    return ipywidgets.Dropdown(options=options, value=value, description=description, style=_STYLE, layout=_LAYOUT)


def _among(name: str, value: Any, allowed: list[Any]) -> None:
    if value not in allowed:
        raise SettingError(f"{name}={value!r} must be one of {', '.join(map(str, allowed))}")


def compare(source: Source, baseline: str | None = None, *, metric: str = "accuracy_all") -> ComparisonView:
    """Compare settings on the same images: forest plot, table and code follow the controls.

    The numbers are those of `tk.stats.compare`.

    Parameters
    ----------
    source : Run or DataFrame
        A run, or its outcomes.
    baseline : str, optional
        Label of the setting that all others are compared with. Default: all pairs.
    metric : str, default "accuracy_all"
        What is compared; the names are those of `tk.stats.compare`.

    Returns
    -------
    ComparisonView
        Displayed by being the last line of a cell. `comparison` is the result that is shown.

    Raises
    ------
    SettingError
        For an unknown baseline or metric.

    Examples
    --------
    >>> import pandas as pd
    >>> import toolkit as tk
    >>> outcomes = pd.DataFrame(
    ...     {
    ...         "setting": ["a()", "b()"] * 2, "sample": ["x", "x", "y", "y"], "repeat": 0,
    ...         "outcome": ["correct", "wrong", "correct", "correct"],
    ...     }
    ... )
    >>> view = tk.widgets.compare(outcomes, "b()")
    >>> float(view.comparison.table["difference"].iloc[0])
    0.5
    """
    return ComparisonView(source, baseline, metric)
