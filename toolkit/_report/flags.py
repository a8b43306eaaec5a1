"""What a reader must know before trusting the figures."""

from collections.abc import Iterator

import pandas as pd

from toolkit._dataset.columns import count
from toolkit._report.summary_table import caution
from toolkit._store.run_like import RunLike
from toolkit.errors import UsageError
from toolkit.stats import label_suspects
from toolkit.stats._core.results import percent

_FEW_FAILURES = 0.02
_FEW_IMAGES = 100


def flags(run: RunLike, summary: pd.DataFrame) -> Iterator[str]:
    """One sentence for each warning, the most serious first."""
    outcomes = run.outcomes
    if len(outcomes) < run.planned:
        yield (
            f"The run is unfinished: {len(outcomes):,} of {run.planned:,} trials are done. The same call with the same "
            "store resumes it."
        )
    for setting, reason in run.stopped.items():
        yield f"{setting} was stopped early: {reason}."
    lost = run.unsettled
    if len(lost):
        at_most = lost["cost_usd"].sum(skipna=False)
        money = "of unknown cost" if pd.isna(at_most) else f"at most {at_most:,.4f} USD"
        yield f"{count(len(lost), 'request')} may have been charged although no answer arrived ({money})."
    for row in summary[summary["availability"] < 1 - _FEW_FAILURES].to_dict("records"):
        failed = 1 - row["availability"]
        yield f"{row['setting']}: {percent(failed)} of the readings failed; accuracy and coverage leave them out."
    late = caution(summary)
    if late:
        yield late
    yield from _about_labels(outcomes)
    unpriced = summary.loc[summary["cost_unknown"] > 0, "setting"].tolist()
    if unpriced:
        yield f"The cost of {', '.join(unpriced)} is not known: no price was given for all that was used."
    images = int(summary["images"].min()) if len(summary) else 0
    if len(outcomes) and images < _FEW_IMAGES:
        yield f"Some settings read {images:,} images only: compare the intervals, not the figures alone."


def _about_labels(outcomes: pd.DataFrame) -> Iterator[str]:
    if outcomes["setting"].nunique() < 2:
        return
    try:
        suspects = label_suspects(outcomes)
    except UsageError:
        return
    if len(suspects.table):
        yield suspects.explain()
