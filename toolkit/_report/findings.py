"""The sections that say what was found: summary, comparison, thresholds, latency, where errors are."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from toolkit._report.blocks import Block, Section, Table, Words, figure_cell, word_cell
from toolkit._report.figures import drawn
from toolkit._report.summary_table import caution, leaderboard
from toolkit.metrics.html_table import Cell
from toolkit.plots import latency_table
from toolkit.plots.fitting import confident_settings, fitting
from toolkit.plots.of_run import RunPlots, most_accurate
from toolkit.stats import calibration, compare, pick_threshold, thresholds, tie_groups
from toolkit.stats._core.results import percent, points

_SORTED_BY = {
    "images": "images", "accuracy": "accuracy_all", "of answers": "accuracy_answered",
    "normalised": "accuracy_normalised", "CER": "cer_micro", "p50 ms": "latency_p50_s", "p95 ms": "latency_p95_s",
    "errors": "errors", "cost USD": "cost_usd",
}  # fmt: skip
_MOST_CURVES = 3
_MOST_COMPARED = 12
"""Settings in the comparison's figure; the table has all."""


def summary_section(summary: pd.DataFrame, plot: RunPlots, fits: list[str]) -> Section:
    """The table that is looked at first, and accuracy against what it takes."""
    board = leaderboard(summary)
    ranked = summary.sort_values("accuracy_all", ascending=False, kind="stable", na_position="last")
    rows = [
        [
            figure_cell(str(row[name]), figures[_SORTED_BY[name]]) if name in _SORTED_BY else word_cell(row[name])
            for name in board.columns
        ]
        for row, figures in zip(board.to_dict("records"), ranked.to_dict("records"), strict=True)
    ]
    note = "In brackets: 95 % intervals. A dash: these data do not determine the figure."
    blocks: list[Block] = [Table("Best accuracy first", list(board.columns), rows, frozenset({"setting"}), note)]
    for name, words in (
        ("accuracy_latency", "Accuracy against median latency, with 95 % intervals; better is up and to the left."),
        ("accuracy_cost", "Accuracy against the cost of 1,000 correct answers; better is up and to the left."),
    ):
        if name in fits:
            blocks.append(drawn(getattr(plot, name), words))
    return Section("summary", "Summary", blocks)


def comparison_section(outcomes: pd.DataFrame, plot: RunPlots) -> Section:
    """Who is told apart from whom, and how far each is from the most accurate."""
    baseline = most_accurate(outcomes)
    found = compare(outcomes, baseline)
    rows = [
        (
            word_cell(row["setting"]),
            Cell(points(row["difference"]), f"[{points(row['difference_low'])}, {points(row['difference_high'])}]", row["difference"]),
            Cell(f"{row['images']:,}", order=row["images"]),
            *(_count(row.get(name)) for name in ("only_setting", "only_baseline")),
            Cell("–" if np.isnan(row["p_holm"]) else f"{row['p_holm']:.3g}", order=row["p_holm"]),
            word_cell(row["verdict"]),
        )
        for row in found.table.sort_values("difference", ascending=False, kind="stable").to_dict("records")
    ]  # fmt: skip
    headings = (
        "setting",
        "points",
        "shared images",
        "only setting correct",
        "only baseline correct",
        "p (Holm)",
        "verdict",
    )
    note = f"Difference of accuracy from {baseline}, the most accurate here, on the images that both read."
    blocks: list[Block] = [
        Words([tie_groups(outcomes).explain()]),
        Table("Differences", headings, rows, frozenset({"setting", "verdict"}), note),
    ]
    if len(rows) <= _MOST_COMPARED:
        words = f"Differences of accuracy from {baseline}, with 95 % intervals; hollow: not distinguishable from it."
        blocks.append(drawn(lambda: plot.forest(baseline), words))
    return Section("comparison", "Comparison", blocks)


def _count(value: Any) -> Cell:
    return Cell("–") if value is None or pd.isna(value) else Cell(f"{value:,.0f}", order=float(value))


def thresholds_section(outcomes: pd.DataFrame, plot: RunPlots, fits: list[str], max_risk: float) -> Section:
    """What a threshold on confidence would do, setting by setting."""
    labels = _by_accuracy(outcomes, confident_settings(outcomes))
    choices = [(label, pick_threshold(thresholds(outcomes, label), max_risk)) for label in labels]
    rows = [
        (
            word_cell(label),
            Cell(found.status),
            Cell("–" if np.isnan(found.threshold) else f"{found.threshold:.4g}", order=found.threshold),
            Cell(percent(found.coverage) if found.status == "controlled" else "–", order=found.coverage),
            Cell(f"{found.wrong:,} of {found.accepted:,}" if found.status == "controlled" else "–", order=found.wrong),
        )
        for label, found in choices
    ]
    note = (
        f"The loosest threshold for which at most {100 * max_risk:g} % of the accepted answers are wrong, with "
        f"{100 * choices[0][1].confidence:g} % confidence for new images from the same source."
    )
    headings = ("setting", "status", "threshold", "accepted", "wrong of accepted")
    blocks: list[Block] = [Table("Risk-controlled thresholds", headings, rows, frozenset({"setting", "status"}), note)]
    for label in labels[:_MOST_CURVES]:
        words = f"{label}: accuracy of the accepted answers (solid) and coverage (dashed), by threshold."
        blocks.append(drawn(_called(plot.threshold_curve, label, max_risk=max_risk), words))
    if "reliability" in fits:
        best = labels[0]
        blocks.append(
            drawn(
                lambda: plot.reliability(best),
                f"Observed accuracy of {best} against its confidence; a calibrated engine follows the diagonal.",
            )
        )
        blocks.append(Words([calibration(outcomes, best).explain()], "small"))
    if len(labels) > _MOST_CURVES:
        blocks.append(
            Words([f"Curves are shown of the {_MOST_CURVES} most accurate of {len(labels)} settings."], "small")
        )
    return Section("thresholds", "Thresholds on confidence", blocks)


def _by_accuracy(outcomes: pd.DataFrame, labels: list[str]) -> list[str]:
    right = (outcomes["outcome"] == "correct").groupby(outcomes["setting"], observed=True).mean()
    return sorted(labels, key=lambda label: -right[label])


def _called(function: Callable[..., Any], *given: Any, **how: Any) -> Callable[[], Any]:
    """The call, to be made later: a lambda in a loop would see the last turn's values."""
    return lambda: function(*given, **how)


def latency_section(outcomes: pd.DataFrame, summary: pd.DataFrame, plot: RunPlots) -> Section:
    """Quantiles with exact intervals, and the whole distributions."""
    table = latency_table(outcomes)
    quantiles = sorted(table["quantile"].unique())
    rows = [
        (
            word_cell(label),
            Cell(f"{part['answers'].iloc[0]:,}", order=float(part["answers"].iloc[0])),
            *(_milliseconds(row) for row in part.sort_values("quantile").to_dict("records")),
        )
        for label, part in table.groupby("setting", sort=False)
    ]
    headings = ("setting", "answers", *(f"p{100 * quantile:g} ms" for quantile in quantiles))
    note = "Exact 95 % intervals; ∞: too few answers for an upper end."
    blocks: list[Block] = [Table("Quantiles", headings, rows, frozenset({"setting"}), note)]
    late = caution(summary)
    if late:
        blocks.insert(0, Words([late], "flag"))
    blocks += [
        drawn(plot.latency_quantiles, "Median, p90, p95 and p99 of latency with their 95 % intervals."),
        drawn(plot.latency_ecdf, "Share of answers received within a given time."),
    ]
    return Section("latency", "Latency", blocks)


def _milliseconds(row: dict[Any, Any]) -> Cell:
    value, low, high = (1000 * row[name] for name in ("latency_s", "latency_s_low", "latency_s_high"))
    digits = ",.1f" if value < 100 else ",.0f"

    def text(number: float, missing: str) -> str:
        return missing if not np.isfinite(number) else f"{number:{digits}}"

    return Cell(text(value, "∞"), f"[{text(low, '0')}, {text(high, '∞')}]", value)


def slices_section(plot: RunPlots, fits: list[str]) -> Section:
    """Accuracy by tag and length, drift, and the characters confused."""
    kinds = {
        "accuracy_by": "Accuracy by a tag of the images, with 95 % intervals.",
        "accuracy_by_length": "Accuracy by length of the text; dotted: if characters failed independently.",
        "confusions": "Character confusions of all settings together.",
        "drift": "Accuracy over the time of the run; a line that leaves its own band shows drift.",
    }
    shown = [drawn(getattr(plot, name), words) for name, words in kinds.items() if name in fits]
    return Section("slices", "Accuracy by group", list(shown))


def finding_sections(outcomes: pd.DataFrame, summary: pd.DataFrame, plot: RunPlots, max_risk: float) -> list[Section]:
    """Those that these data can fill."""
    fits = fitting(outcomes)
    sections = [summary_section(summary, plot, fits)]
    if "forest" in fits:
        sections.append(comparison_section(outcomes, plot))
    if "threshold_curve" in fits:
        sections.append(thresholds_section(outcomes, plot, fits, max_risk))
    if "latency_ecdf" in fits:
        sections.append(latency_section(outcomes, summary, plot))
    sections.append(slices_section(plot, fits))
    return [section for section in sections if section.blocks]
