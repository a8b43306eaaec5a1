"""The errors worth a look: images that most settings misread, and wrong answers given with confidence."""

from typing import Any

import pandas as pd

from toolkit._dataset.columns import count
from toolkit._report.blocks import Block, Cell, Section, Table, Words
from toolkit._report.pictures import Pictures
from toolkit.metrics.markup import in_attribute, marked, visible
from toolkit.plots.fitting import confident_settings
from toolkit.plots.naming import short_labels

_MOST_ANSWERS = 8
"""Settings whose answers stand beside an image; more would hide the image."""

_PER_SETTING = 3


def section(outcomes: pd.DataFrame, pictures: Pictures, worst: int) -> Section:
    """Up to `worst` images that most readings missed, and up to half as many wrong answers that were sure."""
    blocks: list[Block] = []
    if pictures.missing:
        blocks.append(Words([f"Images are not shown: {pictures.missing}."], "flag"))
    missed = _hardest(outcomes, worst)
    if missed:
        total = outcomes.loc[outcomes["outcome"] != "correct", "sample"].nunique()
        blocks.append(_hardest_table(missed, total, pictures))
    sure = _surest(outcomes, worst // 2)
    if len(sure):
        blocks.append(_surest_table(sure, pictures))
    if not missed:
        blocks.append(Words(["Every reading is right."]))
    elif pictures.unlike:
        words = f"Not shown, because the dataset now holds others than were read: {count(pictures.unlike, 'image')}."
        blocks.insert(0, Words([words], "flag"))
    return Section("errors", "Worst errors", blocks)


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


def _surest(outcomes: pd.DataFrame, most: int) -> pd.DataFrame:
    """Wrong answers whose setting is seldom surer; confidences of two engines mean different things."""
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
            Cell(sample, markup=visible(sample)),
            _text_cell(rows["target"].iloc[0]),
            Cell(f"{number} of {readings}", number / readings),
            Cell("", markup=_answers(rows, short)),
        )
        for sample, number, readings, rows in missed
    ]
    note = (
        f"The {len(missed):,} most missed of {total:,} images that some reading missed." if total > len(missed) else ""
    )
    left = frozenset({"image", "id", "label", "answers"})
    return Table("Images that most readings miss", ("image", "id", "label", "missed", "answers"), body, left, note)


def _surest_table(sure: pd.DataFrame, pictures: Pictures) -> Table:
    rows = [
        (
            _image_cell(row["sample"], pictures),
            Cell(str(row["sample"]), markup=visible(str(row["sample"]))),
            Cell(str(row["setting"]), markup=visible(str(row["setting"]))),
            _text_cell(row["target"]),
            Cell(row["text"], markup=f"<code>{marked(str(row['target']), str(row['text']))}</code>"),
            Cell(f"{row['confidence']:.3g}", float(row["confidence"])),
        )
        for row in sure.to_dict("records")
    ]
    headings = ("image", "id", "setting", "label", "answer", "confidence")
    note = "Each setting's own surest errors; confidences of different engines cannot be compared."
    return Table("Wrong answers given with confidence", headings, rows, frozenset(headings[:-1]), note)


def _image_cell(sample: str, pictures: Pictures) -> Cell:
    uri, why = pictures.of_sample(sample)
    if not uri:
        return Cell(why, markup=f"<small>{visible(why)}</small>")
    return Cell("", markup=f'<img class="sample" src="{uri}" alt="image {in_attribute(str(sample))}">')


def _text_cell(text: Any) -> Cell:
    return Cell("–") if pd.isna(text) else Cell(str(text), markup=f"<code>{visible(str(text))}</code>")


def _answers(rows: pd.DataFrame, short: dict[str, str]) -> str:
    """Each setting's answer with its differences marked; equal ones together, right ones last."""
    said: dict[str, list[str]] = {}
    for row in rows.sort_values("outcome", key=lambda column: column == "correct", kind="stable").to_dict("records"):
        said.setdefault(_answer(row), []).append(short[str(row["setting"])])
    lines = [
        f"<div>{answer} <small>{visible(', '.join(dict.fromkeys(who)))}</small></div>"
        for answer, who in list(said.items())[:_MOST_ANSWERS]
    ]
    more = len(said) - _MOST_ANSWERS
    return "".join(lines) + (f"<div><small>… and {more:,} other answers</small></div>" if more > 0 else "")


def _answer(row: dict[Any, Any]) -> str:
    if row["outcome"] == "correct":
        return "<em>right</em>"
    if row["outcome"] == "wrong":
        target = "" if pd.isna(row["target"]) else str(row["target"])
        return f"<code>{marked(target, str(row['text']))}</code>" if row["text"] else "<em>an empty text</em>"
    reason = "no answer" if row["outcome"] == "no_answer" else f"error: {row['error']}"
    return f"<em>{visible(reason)}</em>"
