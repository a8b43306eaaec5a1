"""Error analysis: images that most settings misread, and wrong answers with high confidence."""

from typing import Any

import pandas as pd
from markupsafe import Markup

from toolkit._dataset.columns import count
from toolkit._report.blocks import Block, Section, Table, Words
from toolkit._report.pictures import Pictures
from toolkit.metrics.html_table import Cell, stacked
from toolkit.metrics.markup import flat, marked, visible
from toolkit.plots.fitting import confident_settings
from toolkit.plots.naming import short_labels

_MOST_ANSWERS = 8
"""Settings whose answers stand beside an image; more would hide the image."""

_PER_SETTING = 3


def section(outcomes: pd.DataFrame, pictures: Pictures, worst: int) -> Section:
    """Up to `worst` images that most readings missed, and up to half as many wrong answers that had a high confidence."""
    blocks: list[Block] = []
    if pictures.missing:
        blocks.append(Words([f"Images are not shown: {pictures.missing}."], "flag"))
    missed = _hardest(outcomes, worst)
    if missed:
        total = outcomes.loc[outcomes["outcome"] != "correct", "sample"].nunique()
        blocks.append(_hardest_table(missed, total, pictures))
    sure = _most_confident(outcomes, worst // 2)
    if len(sure):
        blocks.append(_most_confident_table(sure, pictures))
    if not missed:
        blocks.append(Words(["Every reading is correct."]))
    elif pictures.unlike:
        words = f"Not shown, because the image in the dataset is not the one that was read: {count(pictures.unlike, 'image')}."
        blocks.insert(0, Words([words], "flag"))
    return Section("errors", "Error analysis", blocks)


def _hardest(outcomes: pd.DataFrame, most: int) -> list[tuple[str, int, int, pd.DataFrame]]:
    """Sample, readings that missed it, all its readings, and these: the most missed first, then the furthest off."""
    missed = outcomes["outcome"] != "correct"
    per_sample = pd.DataFrame(
        {"missed": missed, "off": outcomes["ned"].where(missed, 0.0).fillna(1.0)}
    ).groupby(outcomes["sample"], sort=False)  # fmt: skip
    table = per_sample.agg(missed=("missed", "sum"), readings=("missed", "size"), off=("off", "mean"))
    table = table[table["missed"] > 0].assign(share=lambda t: t["missed"] / t["readings"])
    top = table.sort_values(["share", "off"], ascending=False, kind="stable").head(most)
    rows = {
        str(name): part for name, part in outcomes[outcomes["sample"].isin(top.index)].groupby("sample", sort=False)
    }
    counts = zip(top.index.astype(str), top["missed"].tolist(), top["readings"].tolist(), strict=True)
    return [(sample, missed, readings, rows[sample]) for sample, missed, readings in counts]


def _most_confident(outcomes: pd.DataFrame, most: int) -> pd.DataFrame:
    """Wrong answers with a confidence that is high for their setting; confidences of two engines mean different things."""
    answers = outcomes[
        outcomes["outcome"].isin(["correct", "wrong"]) & outcomes["setting"].isin(confident_settings(outcomes))
    ]
    if answers.empty:
        return answers
    surer = answers.groupby("setting", observed=True)["confidence"].rank(pct=True, ascending=False, method="min")
    wrong = answers.assign(surer=surer)[answers["outcome"] == "wrong"].sort_values("surer", kind="stable")
    return wrong.groupby("setting", observed=True, sort=False).head(_PER_SETTING).head(most)


def _hardest_table(missed: list[tuple[str, int, int, pd.DataFrame]], total: int, pictures: Pictures) -> Table:
    short = short_labels(sorted({str(label) for *_, rows in missed for label in rows["setting"].unique()}))
    body = [
        (
            _image_cell(sample, pictures),
            Cell(sample),
            _text_cell(rows["target"].iloc[0]),
            Cell(f"{number} of {readings}", order=number / readings),
            Cell(_answers(rows, short)),
        )
        for sample, number, readings, rows in missed
    ]
    note = (
        f"The {len(missed):,} most missed of {total:,} images that some reading missed." if total > len(missed) else ""
    )
    left = frozenset({"image", "id", "label", "answers"})
    return Table("Images that most readings miss", ("image", "id", "label", "missed", "answers"), body, left, note)


def _most_confident_table(sure: pd.DataFrame, pictures: Pictures) -> Table:
    rows = [
        (
            _image_cell(row["sample"], pictures),
            Cell(str(row["sample"])),
            Cell(str(row["setting"])),
            _text_cell(row["target"]),
            Cell(Markup("<code>{}</code>").format(marked(str(row["target"]), str(row["text"])))),
            Cell(f"{row['confidence']:.3g}", order=float(row["confidence"])),
        )
        for row in sure.to_dict("records")
    ]
    headings = ("image", "id", "setting", "label", "answer", "confidence")
    note = (
        "The errors with the highest confidence of each setting; confidences of different engines cannot be compared."
    )
    return Table("Wrong answers with high confidence", headings, rows, frozenset(headings[:-1]), note)


def _image_cell(sample: str, pictures: Pictures) -> Cell:
    uri, why = pictures.of_sample(sample)
    if not uri:
        return Cell(Markup("<small>{}</small>").format(visible(why)))
    return Cell(Markup('<img class="sample" src="{}" alt="image {}">').format(uri, flat(str(sample))))


def _text_cell(text: Any) -> Cell:
    return Cell("–") if pd.isna(text) else Cell(Markup("<code>{}</code>").format(visible(str(text))))


def _answers(rows: pd.DataFrame, short: dict[str, str]) -> Markup:
    """Each setting's answer with its differences marked; equal ones together, correct ones last."""
    said: dict[Markup, list[str]] = {}
    for row in rows.sort_values("outcome", key=lambda column: column == "correct", kind="stable").to_dict("records"):
        said.setdefault(_answer(row), []).append(short[str(row["setting"])])
    lines = [
        Markup("<div>{} <small>{}</small></div>").format(answer, visible(", ".join(dict.fromkeys(who))))
        for answer, who in list(said.items())[:_MOST_ANSWERS]
    ]
    more = len(said) - _MOST_ANSWERS
    if more > 0:
        lines.append(Markup("<div><small>… and {} other answers</small></div>").format(f"{more:,}"))
    return stacked(lines)


def _answer(row: dict[Any, Any]) -> Markup:
    if row["outcome"] == "correct":
        return Markup("<em>correct</em>")
    if row["outcome"] == "wrong":
        target = "" if pd.isna(row["target"]) else str(row["target"])
        shown = Markup("<code>{}</code>").format(marked(target, str(row["text"])))
        return shown if row["text"] else Markup("<em>an empty text</em>")
    reason = "no answer" if row["outcome"] == "no_answer" else f"error: {row['error']}"
    return Markup("<em>{}</em>").format(visible(reason))
