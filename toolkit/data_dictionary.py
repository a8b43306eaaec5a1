"""The data dictionary: what every column of every table means, and in which unit it is.

This is the only place that says so. The README's table, the metadata of Parquet files, the notes in Excel workbooks,
the headings of LaTeX tables and the report's explanations are made from it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from toolkit.frames import ATTEMPTS, OUTCOMES, Column

_ENDS = {"_low": "lower", "_high": "upper"}


@dataclass(frozen=True)
class Table:
    """A documented table: which call gives it, what a row is, its columns.

    A column in `intervals` is followed by two more, its name with ``_low`` and ``_high``: the ends of its 95 %
    interval unless another level was asked for, missing where the data do not determine them.
    """

    name: str
    call: str
    row: str
    columns: tuple[Column, ...]
    intervals: frozenset[str] = frozenset()

    def names(self) -> Iterator[str]:
        """All column names, ends of intervals included, in order."""
        for column in self.columns:
            yield column.name
            if column.name in self.intervals:
                yield from (column.name + end for end in _ENDS)

    def column(self, name: str) -> Column | None:
        """What is known of a column or of an end of its interval."""
        known = {column.name: column for column in self.columns}
        if name in known:
            return known[name]
        for suffix, end in _ENDS.items():
            base = known.get(name.removesuffix(suffix))
            if name.endswith(suffix) and base is not None and base.name in self.intervals:
                return Column(name, "float64", base.unit, f"{end} end of the interval of {base.name}")
        return None


def _share(name: str, meaning: str) -> Column:
    return Column(name, "float64", "share", meaning)


def _count(name: str, meaning: str) -> Column:
    return Column(name, "int64", "", meaning)


_SETTING = Column("setting", "str", "", "label of the configured provider")

SUMMARY = Table(
    "summary",
    "run.summary(by=…)",
    "a setting, or a setting and slice; the columns of `by` stand after the setting",
    (
        _SETTING,
        _count("images", "images with a trial"),
        _count("trials", "readings that came to an end"),
        _count("answered", "of these, readings with an answer"),
        _count("correct", "answers equal to the target"),
        _count("wrong", "answers that differ from the target"),
        _count("no_answer", "readings in which the provider gave up"),
        _count("errors", "readings that failed: no connection, no time, a bad key, …"),
        _share("accuracy_all", "right, of all images whose reading did not end in an error"),
        _share("accuracy_answered", "right, of the images answered"),
        _share("accuracy_normalised", "right but for case, width and spacing, of all images"),
        _share("coverage", "answered, of all images"),
        _share("availability", "readings that did not end in an error"),
        _share("flip_rate", "how often two readings of one image differ in being right; missing without repeats"),
        Column("cer_micro", "float64", "errors per character", "edits by characters of the target, over answers"),
        Column("cer_macro", "float64", "errors per character", "mean over answers of edits by length of the target"),
        Column("ned", "float64", "0 to 1", "mean over answers of edits by the longer of text and target"),
        Column("cer_micro_all", "float64", "errors per character", "as cer_micro, no answer counting as an empty one"),
        Column("empty_targets", "float64", "images", "images whose target is empty"),
        Column("latency_p50_s", "float64", "s", "median latency of answers; a time-out took longer than any answer"),
        Column("latency_p95_s", "float64", "s", "95th percentile of the same; its upper end needs 72 images"),
        _share("lagged", "answers during which this machine was late by more than 10 ms: then do not rank by latency"),
        Column("cost_usd", "float64", "USD", "cost in all; missing if that of any trial is"),
        Column("cost_unknown", "float64", "trials", "trials whose cost is not known"),
        Column("cost_per_correct_usd", "float64", "USD", "cost by right answers"),
    ),
    frozenset(
        {
            "accuracy_all", "accuracy_answered", "accuracy_normalised", "coverage", "cer_micro", "cer_macro", "ned",
            "cer_micro_all", "latency_p50_s", "latency_p95_s", "cost_per_correct_usd",
        }
    ),
)  # fmt: skip

MAIN_FIGURES = (
    "images", "accuracy_all", "accuracy_answered", "cer_micro", "latency_p50_s", "latency_p95_s", "errors", "cost_usd",
)  # fmt: skip
"""Of the summary, what fits on a printed page."""

COMPARISON = Table(
    "comparison",
    "tk.stats.compare(run.outcomes).table",
    "a pair of settings, on the images both read; values are in the unit of the metric compared",
    (
        _SETTING,
        Column("baseline", "str", "", "the setting it is compared with"),
        _count("images", "images that count for both"),
        Column("value", "float64", "metric", "the metric of the setting, on these images"),
        Column("value_baseline", "float64", "metric", "the metric of the baseline, on these images"),
        Column("difference", "float64", "metric", "value less value_baseline"),
        _count("only_setting", "images that only the setting got right"),
        _count("only_baseline", "images that only the baseline got right"),
        Column("p", "float64", "probability", "two-sided p-value of no difference"),
        Column("p_holm", "float64", "probability", "the same, corrected by Holm for the number of pairs"),
        Column("images_needed", "float64", "images", "to tell a difference of this size with 80 % power"),
        Column("verdict", "str", "", "better, worse or cannot tell, by p_holm"),
        Column("margin_verdict", "str", "", "with a margin: equivalent, not worse, worse or cannot tell"),
    ),
    frozenset({"difference"}),
)

THRESHOLDS = Table(
    "thresholds",
    "tk.stats.thresholds(run.outcomes, setting).table",
    "a threshold on confidence, rising; intervals hold for one threshold at a time",
    (
        Column("threshold", "float64", "as confidence", "answers at least this sure are accepted"),
        _count("images", "images that count"),
        _count("accepted", "images whose answer is accepted"),
        _count("correct", "of these, right"),
        _count("wrong", "of these, wrong"),
        _share("coverage", "accepted, of all images"),
        _share("accuracy_answered", "right, of those accepted"),
        _share("accuracy_all", "accepted and right, of all images"),
        _share("generalized_risk", "accepted and wrong, of all images"),
        _share("recall_correct", "right answers still accepted, of those that the loosest threshold accepts"),
        _share("risk", "wrong, of those accepted"),
        Column("cost_usd", "float64", "USD", "cost in all"),
        Column("cost_per_correct_usd", "float64", "USD", "cost by right answers accepted"),
        Column("utility", "float64", "utility", "worth of an image under the utility given"),
    ),
    frozenset({"coverage", "accuracy_answered", "accuracy_all", "generalized_risk", "cost_per_correct_usd"}),
)

LATENCY = Table(
    "latency",
    "tk.plots.latency_table(run.outcomes)",
    "a setting and quantile",
    (
        _SETTING,
        Column("quantile", "float64", "share", "which quantile: 0.5 is the median"),
        _count("answers", "answers, with those that ran out of time"),
        Column(
            "latency_s", "float64", "s", "the quantile (Harrell-Davis); infinite beyond the share that came in time"
        ),
        Column("polled_low_s", "float64", "s", "the same, had every polled answer been there at the poll before"),
    ),
    frozenset({"latency_s"}),
)

SPEND = Table(
    "spend",
    "run.spend",
    "an account with a service",
    (
        Column("account", "str", "", "the account, without its key"),
        _count("charged", "answers that the service charges for"),
        Column("modelled_usd", "float64", "USD", "what they cost at the prices given; missing without a price"),
        Column("unsettled_usd", "float64", "USD", "what may have been charged beside it, at most"),
        Column("measured_usd", "float64", "USD", "balance before less balance after; missing where it was not told"),
        Column("measured_per_1000_usd", "float64", "USD", "the measured cost of 1,000 answers"),
    ),
)

UNSETTLED = Table(
    "unsettled",
    "run.unsettled",
    "a request that may have been charged and whose answer never came",
    (
        _SETTING,
        Column("sample", "str", "", "id of the image within its dataset"),
        Column("repeat", "int64", "", "which reading of the image by this setting, from 0"),
        Column("asked_at", "float64", "s since 1970", "when it was sent"),
        Column("task_id", "str", "", "the service's id of the task"),
        Column("reason", "str", "", "why its end is not known"),
        Column("cost_usd", "float64", "USD", "what it cost at most; missing without a price"),
    ),
)

LIMITS = Table(
    "limits",
    "run.limits",
    "what an account was allowed from a moment on",
    (
        Column("account", "str", "", "the account, without its key"),
        Column("at", "float64", "s since 1970", "from when on"),
        Column("in_flight", "int32", "", "readings at a time"),
        Column("per_second", "float64", "1/s", "requests; missing while no rate was declared or learned"),
    ),
)

GATE = Table(
    "gate",
    "tk.gate(old, new, …).table",
    "a setting and a measure that a new run is held to",
    (
        Column("setting", "str", "", "label in the old run"),
        Column("new_setting", "str", "", "label in the new run"),
        Column("measure", "str", "", "accuracy_all or latency_p95_s"),
        _count("images", "images that both read"),
        Column("old", "float64", "share or s", "the measure in the old run"),
        Column("new", "float64", "share or s", "the measure in the new run"),
        _share("change", "difference of accuracies; for latency the share by which it rose"),
        _share("limit", "the change that is still allowed"),
        Column("verdict", "str", "", "pass, worse or cannot tell"),
        Column("images_needed", "float64", "images", "about how many images like these would tell"),
    ),
    frozenset({"change"}),
)

TABLES = (
    Table("outcomes", "run.outcomes", "a trial: one reading of an image by a setting; tags follow", OUTCOMES),
    SUMMARY,
    COMPARISON,
    THRESHOLDS,
    LATENCY,
    GATE,
    Table("attempts", "run.attempts", "a try at a trial", ATTEMPTS),
    SPEND,
    UNSETTLED,
    LIMITS,
)
"""Every documented table, those that are looked at most first."""

_BY_NAME = {table.name: table for table in TABLES}


def table_of(names: Iterable[object]) -> Table | None:
    """The documented table that a frame with these columns is, or is most of; None when it shares little with any."""
    given = {str(name) for name in names}
    shared = {name: len(given & set(table.names())) for name, table in _BY_NAME.items()}
    best = max(shared, key=lambda name: (shared[name], -len(list(_BY_NAME[name].names()))))
    return _BY_NAME[best] if shared[best] >= max(2, len(given) // 2) else None


def described(names: Iterable[object]) -> dict[str, Column | None]:
    """What is known of each column of a frame, by name; None for one that is a tag, or of the user's own making."""
    given = [str(name) for name in names]
    table = table_of(given)
    return {name: None if table is None else table.column(name) for name in given}


def as_markdown() -> str:
    """All tables, for the README: each to be unfolded, with a line a column."""
    return "\n".join(_section(table) for table in TABLES)


def _section(table: Table) -> str:
    lines = [
        f"<details><summary><code>{table.call}</code>: a row is {table.row.partition(';')[0]}</summary>",
        "",
        "| column | unit | meaning |",
        "| --- | --- | --- |",
    ]
    for column in table.columns:
        ends = " `_low` `_high`" if column.name in table.intervals else ""
        lines.append(f"| `{column.name}`{ends} | {column.unit or '–'} | {column.meaning} |")
    return "\n".join([*lines, "", "</details>", ""])
