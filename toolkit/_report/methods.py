"""How each number was computed, in plain words."""

from collections.abc import Iterator

from toolkit._report.blocks import Section, Terms, Words
from toolkit.schema import SUMMARY
from toolkit.stats._core.trials import POLICIES


def methods_section(fits: list[str], *, repeated: bool) -> Section:
    """The methods behind what this report shows."""
    words = Words(
        [
            (
                "Every figure is computed from the run's log. The image is the unit of every interval: an interval says what "
                "other images of the same kind would show, not what other calls would. Intervals are at 95 %, two-sided, "
                "unless it says otherwise. What the data do not determine is missing, never zero."
            )
        ]
    )
    return Section("methods", "Methods", [words, Terms(list(_methods(fits, repeated=repeated)))])


def _methods(fits: list[str], *, repeated: bool) -> Iterator[tuple[str, str]]:
    again = " Repeats of an image narrow it only as far as they scatter." if repeated else ""
    interval = f"Wilson's score interval.{again}"
    yield (
        "accuracy",
        f"{_meaning('accuracy_all')}: {POLICIES['exclude']}. An answer is correct when it equals the label exactly. {interval}",
    )
    yield "of answers", f"{_meaning('accuracy_answered')}. {interval}"
    yield "normalised", f"{_meaning('accuracy_normalised')}. {interval}"
    yield (
        "CER",
        f"Character error rate: {_meaning('cer_micro', capital=False)}. Edits are insertions, deletions and substitutions (Levenshtein).",
    )
    if "latency_ecdf" in fits:
        yield (
            "latency",
            (
                "From the first byte of the request (or the call of the engine) to the answer; waiting for our own slots, "
                "back-off and loading are not in it. Quantiles are Harrell-Davis estimates with exact order-statistic "
                "intervals. A trial that ran out of time took longer than any answer. An answer that was polled for was "
                "ready somewhere between two polls; figures show that as a band."
            ),
        )
    if "accuracy_cost" in fits:
        yield (
            "cost",
            (
                "What was used at the prices given; a setting without a price has no cost, not a free one. The cost of right "
                "answers is all that was paid by the answers that were right."
            ),
        )
    if "forest" in fits:
        yield (
            "comparison",
            (
                "Image by image: only images that both settings read count, and only those on which they differ tell "
                "which is better. Newcombe's interval of a paired difference, McNemar's mid-p test (with repeats, sign "
                "flips of the images' means), corrected by Holm for the number of pairs."
            ),
        )
    if "threshold_curve" in fits:
        yield (
            "thresholds",
            (
                "Candidates are tested from the strictest on with exact binomial p-values until one fails (fixed sequence), "
                "so the guarantee holds although the threshold was chosen on the same images. It assumes that answers with less "
                "confidence are not more accurate. Bands of curves are pointwise: they hold for one threshold at a time."
            ),
        )
    if "reliability" in fits:
        yield (
            "reliability",
            (
                "Isotonic regression of being right on confidence (CORP); the band is where the curve of a calibrated engine "
                "would lie on as many images."
            ),
        )
    if "confusions" in fits:
        yield (
            "confusions",
            "Counted along one optimal alignment of each answer with its label; Wilson's interval of the share.",
        )
    yield (
        "error analysis",
        (
            "Images by the share of their readings that are not correct, then by how far off these are; confident errors by the "
            "rank of their confidence among the answers of the same setting."
        ),
    )


def _meaning(column: str, *, capital: bool = True) -> str:
    known = SUMMARY.column(column)
    text = known.meaning if known else column
    return text[:1].upper() + text[1:] if capital else text
