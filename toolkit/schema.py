"""The data dictionary: what every column of every table means, and in which unit it is.

This is the only place that says so. The README's table, the metadata of Parquet files, the notes in Excel workbooks,
the headings of LaTeX tables and the report's explanations are made from it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

__version__ = "0.1.0"
"""Of the toolkit; it stands in whatever the toolkit writes."""


@dataclass(frozen=True)
class Column:
    """One column: its pandas type, its unit ("" for none) and what it means."""

    name: str
    dtype: str
    unit: str
    meaning: str


ATTEMPTS = (
    Column("setting", "category", "", "label of the configured provider"),
    Column("sample", "str", "", "id of the image within its dataset"),
    Column("repeat", "int32", "", "which reading of the image by this setting, from 0"),
    Column("attempt", "int32", "", "which try at this trial, from 1"),
    Column("final", "bool", "", "whether the trial ended with this try"),
    Column(
        "started_at",
        "float64",
        "s since 1970",
        "when the try began, after our own waiting, by the clock of the machine that did it",
    ),
    Column("text", "str", "", "what the provider read, as it gave it; missing without an answer"),
    Column("confidence", "float64", "0 to 1", "the provider's own; missing where it gives none"),
    Column("usage", "object", "", "quantities that a bill is made of, by name"),
    Column("error", "category", "", "kind of failure; missing with an answer"),
    Column("error_code", "category", "", "the service's own code"),
    Column("error_status", "Int32", "", "HTTP status of the failure"),
    Column("error_message", "str", "", "what went wrong, in words; without keys"),
    Column("task_id", "str", "", "the service's id of the task"),
    Column("unsettled", "bool", "", "the service may have charged for this try, and did not say"),
    Column("latency_s", "float64", "s", "first byte of the request to the answer, our own waiting excluded"),
    Column("latency_low_s", "float64", "s", "for polled answers: the answer was not there yet after this long"),
    Column("elapsed_s", "float64", "s", "start of the trial to the end of this try, all waiting included"),
    Column("queue_s", "float64", "s", "waiting for a free worker or slot of ours"),
    Column("limit_wait_s", "float64", "s", "waiting because of the account's rate limit"),
    Column("connect_s", "float64", "s", "opening connections"),
    Column("service_s", "float64", "s", "HTTP exchanges, or the engine's own work"),
    Column("poll_wait_s", "float64", "s", "pauses between polls"),
    Column("backoff_s", "float64", "s", "pause before this try, after a failed one"),
    Column("client_lag_s", "float64", "s", "how late our own loop woke"),
)
"""The columns of ``run.attempts``."""

OUTCOMES = (
    Column("setting", "category", "", "label of the configured provider"),
    Column("sample", "str", "", "id of the image within its dataset"),
    Column("repeat", "int32", "", "which reading of the image by this setting, from 0"),
    Column("outcome", "category", "", "correct, wrong, no_answer (the provider gave up) or error"),
    Column("target", "str", "", "what the image says"),
    Column("text", "str", "", "what the provider read, as it gave it; missing without an answer"),
    Column("confidence", "float64", "0 to 1", "the provider's own; missing where it gives none"),
    Column(
        "correct_normalised",
        "bool",
        "",
        "right under the relaxed normaliser: width, case and how much space do not count",
    ),
    Column("edits", "float64", "characters", "edit distance of text and target; missing without an answer"),
    Column("target_length", "int32", "characters", "length of the target"),
    Column("ned", "float64", "0 to 1", "edits by the longer of text and target; missing without an answer"),
    Column("error", "category", "", "kind of failure; missing with an answer"),
    Column("error_message", "str", "", "what went wrong, in words; without keys"),
    Column("attempts", "int32", "", "tries it took"),
    Column("started_at", "float64", "s since 1970", "when the last try began"),
    Column("latency_s", "float64", "s", "as in the attempts, of the try that answered"),
    Column("latency_low_s", "float64", "s", "as in the attempts, of the try that answered"),
    Column("elapsed_s", "float64", "s", "the whole trial as a user lives it, all waiting and all tries included"),
    Column("client_lag_s", "float64", "s", "how late our own loop woke during the try that answered"),
    Column("lagged", "bool", "", "this machine was late by more than 10 ms: the latency says as much about it"),
    Column("cost_usd", "float64", "USD", "what the trial cost; missing for a setting without a price"),
)
"""The columns of ``run.outcomes``, before the dataset's tags."""

LAGGED_S = 0.010
"""A machine that is later than this has a part in the latency that it measures."""

VERDICTS = ("correct", "wrong", "no_answer", "error")

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
        _share("fabrication_rate", "text given, of the images without text (an empty target)"),
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
            "accuracy_all", "accuracy_answered", "accuracy_normalised", "coverage", "fabrication_rate", "cer_micro", "cer_macro", "ned",
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
