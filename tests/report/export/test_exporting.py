"""Tables in files: read back by other programs they are what they were, and none of their text is obeyed."""

import csv
import math
import re
import subprocess
import sys

import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import Reading, images, recorded

import toolkit as tk
from toolkit._report.export import FORMATS, export, read_csv
from toolkit._report.export.formulas import harmless, original
from toolkit._report.export.latex import as_latex
from toolkit.errors import DatasetError, SettingError, UsageError
from toolkit.schema import COMPARISON, MAIN_FIGURES, SUMMARY, TABLES

ATTACKS = [
    "=cmd|'/C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1+1)",
    "\t=1+1",
    "\r=1+1",
    "\n@x",
    " =1+1",
    '"=1+1',
    "'=1+1",
    "a;=1+1",
    "a,+1",
    "a\t-1",
    "a|@x",
    "a\n=1",
    "\uff1d1+1",
    '=HYPERLINK("http://127.0.0.1/?"&A1,"x")',
]
HARMLESS = ["", "word", "1-2", "a=b", "a@b.c", "x y", "'", "''a", "ü€𝄞", 'say "hi"', "line\nbreak", "c:\\x", "00012"]


def a_run(texts=("right", *ATTACKS, *HARMLESS)):
    """A run of two settings whose answers are these texts; the second gives up on a third of them."""
    second = [
        Reading(error="unsolvable") if n % 3 == 0 else Reading("right", 0.2 + n / 1000) for n in range(len(texts))
    ]
    return recorded(
        images(["right"] * len(texts), font=["serif" if n % 2 else "=sans" for n in range(len(texts))]),
        {"a(x='=1')": [Reading(text, 0.1, 0.9, charged=1.0) for text in texts], "b()": second},
        prices={"a(x='=1')": {"charged": 0.001}},
    )


def same(one, other):
    """Whether two frames hold the same values, whatever their types."""
    assert list(one.columns) == list(other.columns)
    assert len(one) == len(other)
    for name in one.columns:
        for left, right in zip(one[name], other[name], strict=True):
            if pd.isna(left) or pd.isna(right):
                assert pd.isna(left) == pd.isna(right), name
            else:
                assert left == right, name


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", ATTACKS)
def test_no_text_is_a_formula_to_a_spreadsheet(text, tmp_path):
    """Whichever separator a program takes, no cell of its begins with a sign that starts a formula."""
    file = export(pd.DataFrame({"text": [text, "plain"], "n": [-1.5, 2.0]}), tmp_path / "t.csv")
    with file.open(encoding="utf-8", newline="") as lines:
        content = lines.read()
    cells = [cell for row in csv.reader(content.splitlines(keepends=True)) for cell in row]
    for separator in ";|\t":
        cells += re.split(f"[{separator}\r\n]", content)
    texts = [cell for cell in cells if cell.strip() not in ("-1.5", "2.0")]

    assert not any(re.match(r"[\s\"]*[=+\-@\uff1d\uff0b\uff0d\uff20]", cell) for cell in texts)


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_is_left_alone(text):
    """Nothing is added to what no spreadsheet would run."""
    assert harmless(pd.Series([text], dtype="str")).tolist() == [text]


RISKY = st.text(st.sampled_from("=+-@'\" ,;|\t\r\nab\uff1d"), max_size=12)


@settings(max_examples=300, deadline=None)
@given(st.lists(RISKY | st.text(max_size=8), max_size=5))
def test_every_text_comes_back_from_its_harmless_form(texts):
    """Whatever was added is found again and taken away, and nothing else."""
    column = pd.Series([t.encode("utf-8", "replace").decode() for t in texts], dtype="str")

    assert original(harmless(column)).tolist() == column.tolist()


CELLS = st.one_of(st.none(), RISKY, st.text(st.characters(codec="utf-8"), max_size=6))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(CELLS, st.floats(), st.integers(-(2**53), 2**53), st.booleans()), min_size=1, max_size=6),
)
def test_a_table_comes_back_from_csv(tmp_path_factory, rows):
    """Texts, empty and missing ones told apart, numbers to the last digit, truth values: all as they were."""
    frame = pd.DataFrame(rows, columns=["=text", "number", "count", "flag"])
    frame["=text"] = frame["=text"].astype("str")
    file = export(frame, tmp_path_factory.mktemp("csv") / "t.csv")

    same(frame, read_csv(file))


def test_every_table_of_a_run_comes_back_from_csv(tmp_path):
    """Outcomes, attempts and the others are read back with their texts and figures."""
    run = a_run()
    for name, frame in run.tables.items():
        back = read_csv(run.export(tmp_path / f"{name}.csv", name))
        expected = frame.reset_index() if name == "samples" else frame
        if name == "attempts":
            expected = expected.assign(
                usage=[None if u is None else str(u).replace("'", '"') for u in expected["usage"]]
            )
        same(expected, back)


def test_a_csv_of_another_program_is_read_or_refused(tmp_path):
    """Without quotes around text it is read all the same; what is no table is named."""
    (tmp_path / "other.csv").write_text("a,b\nx,1\ny,\n", encoding="utf-8")
    same(pd.DataFrame({"a": ["x", "y"], "b": [1.0, np.nan]}), read_csv(tmp_path / "other.csv"))
    (tmp_path / "ragged.csv").write_text('"a","b"\n1\n', encoding="utf-8")
    with pytest.raises(DatasetError, match="row 2 has 1 cells, the header 2"):
        read_csv(tmp_path / "ragged.csv")
    (tmp_path / "open.csv").write_text('"a","b\n1,2\n', encoding="utf-8")
    with pytest.raises(DatasetError, match="character 4 is not within a CSV cell"):
        read_csv(tmp_path / "open.csv")


# ── Excel ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_workbook_holds_every_table_and_no_formula(tmp_path):
    """Read back with another library: all sheets, text exactly as it was and as text, numbers as numbers."""
    run = a_run()
    book = openpyxl.load_workbook(run.export(tmp_path / "run.xlsx"))

    assert book.sheetnames == [*run.tables, "columns"]
    assert {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row} <= set("snb")
    sheet = book["outcomes"]
    names = [cell.value for cell in sheet[1]]
    outcomes = run.outcomes
    assert names == list(outcomes.columns)
    for number, row in enumerate(outcomes.to_dict("records"), 2):
        cells = dict(zip(names, sheet[number], strict=True))
        for name, value in row.items():
            found = cells[name].value
            if pd.isna(value):
                assert found is None
            else:
                # carriage returns are kept as Excel writes them in its files, numbers to 16 digits
                text = found.replace("_x000D_", "\r") if isinstance(found, str) else found
                assert text == (value if isinstance(value, str) else pytest.approx(value, rel=1e-15))
                assert cells[name].data_type == (
                    "b" if isinstance(value, bool) else "s" if isinstance(value, str) else "n"
                )


def test_a_workbook_says_what_its_columns_are(tmp_path):
    """Each heading has a note with unit and meaning, and the last sheet lists them."""
    run = a_run()
    book = openpyxl.load_workbook(run.export(tmp_path / "run.xlsx"))
    notes = {cell.value: cell.comment.text for cell in book["summary"][1] if cell.comment}
    listed = {(row[0].value, row[1].value): (row[2].value or "", row[3].value) for row in book["columns"].iter_rows(2)}

    assert notes["latency_p50_s"] == f"latency_p50_s (s): {SUMMARY.column('latency_p50_s').meaning}"
    assert notes["accuracy_all_low"] == "accuracy_all_low (share): lower end of the interval of accuracy_all"
    for name in run.summary().columns:
        known = SUMMARY.column(name)
        assert listed["summary", name] == (known.unit, known.meaning)


def test_what_a_sheet_cannot_hold_is_cut_or_refused(tmp_path):
    """Too long a text says that it was cut; infinities are words; too many rows name other formats."""
    frame = pd.DataFrame({"text": ["x" * 40_000, "\x00\x1b\u202e", "𝄞" * 20_000], "s": [math.inf, -math.inf, math.nan]})
    sheet = openpyxl.load_workbook(export(frame, tmp_path / "t.xlsx"))["table"]

    assert len(sheet["A2"].value) <= 32_767
    assert sheet["A2"].value.endswith("(cut: Excel holds no more)")
    assert [cell.value for cell in sheet["B"]][1:] == ["inf", "-inf", None]
    wide = pd.DataFrame(np.zeros((1, 16_385)))
    with pytest.raises(UsageError, match=r"table has 1 rows and 16,385 columns; .* write \.parquet or \.csv"):
        export(wide, tmp_path / "wide.xlsx")
    assert not (tmp_path / "wide.xlsx").exists()


# ── Parquet ──────────────────────────────────────────────────────────────────────────────────────────────


def test_parquet_keeps_values_and_says_units(tmp_path):
    """Every table is read back exactly, and each documented field carries unit and meaning."""
    run = a_run()
    for name, frame in run.tables.items():
        file = run.export(tmp_path / f"{name}.parquet", name)
        back = pd.read_parquet(file)
        expected = frame.reset_index() if name == "samples" else frame
        if name == "attempts":
            expected = expected.assign(
                usage=[None if u is None else str(u).replace("'", '"') for u in expected["usage"]]
            )
        same(expected, back)
    schema = pq.read_schema(tmp_path / "summary.parquet")
    for name in run.summary().columns:
        known = SUMMARY.column(name)
        about = {b"unit": known.unit.encode(), b"description": known.meaning.encode()}
        assert schema.field(name).metadata == about
    assert schema.metadata[b"toolkit_table"] == b"summary"
    assert pq.read_schema(tmp_path / "outcomes.parquet").field("font").metadata is None


# ── LaTeX ────────────────────────────────────────────────────────────────────────────────────────────────


def test_latex_has_rules_units_and_intervals(tmp_path):
    """Shares in per cent, times in milliseconds, each interval in a column after its figure; so many cells a row."""
    run = a_run()
    text = run.export(tmp_path / "summary.tex").read_text(encoding="utf-8")
    lines = text.splitlines()
    rows = [line.removesuffix(r" \\").split(" & ") for line in lines if line.endswith(r"\\")]
    row = run.summary().iloc[0]

    assert [line for line in lines if line in (r"\toprule", r"\midrule", r"\bottomrule")] == [
        r"\toprule",
        r"\midrule",
        r"\bottomrule",
    ]
    assert len({len(cells) for cells in rows}) == 1
    assert len(re.search(r"tabular}{(\w+)}", text)[1]) == len(rows[0])
    assert [name for name in rows[0] if name != "interval"] == [
        "setting",
        *(name.removesuffix("_s").removesuffix("_usd").replace("_", " ") for name in MAIN_FIGURES),
    ]
    at = rows[0].index("latency p50")
    assert rows[1][at] == rows[1][at + 1] == "(ms)"
    assert rows[2][at] == f"{1000 * row['latency_p50_s']:.1f}"
    at = rows[0].index("accuracy all")
    ends = [f"{100 * row[f'accuracy_all_{end}']:.1f}" for end in ("low", "high")]
    assert rows[2][at : at + 2] == [f"{100 * row['accuracy_all']:.1f}", f"[{ends[0]}, {ends[1]}]"]
    assert rows[1][at] == r"(\%)"


def test_latex_obeys_no_text():
    """Everything that LaTeX would act upon is set as the character it is."""
    nasty = r"\input{/etc/passwd} $x$ %&#_^~{}<>|" + "\x07\u202e--"
    text = as_latex(pd.DataFrame({"te_xt": [nasty, None], "n": [math.inf, -2.5]}))
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0]

    assert body.split(" & ")[0].strip() == (
        r"\textbackslash{}input\{/etc/passwd\} \$x\$ \%\&\#\_\textasciicircum{}\textasciitilde{}\{\}"
        r"\textless{}\textgreater{}\textbar{}U+0007U+202E{-}{-}"
    )
    assert r"-- & $-2.5$ \\" in body
    assert r"$\infty$" in body


# ── what is written, and what is not ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_empty_table_is_a_file_too(suffix, tmp_path):
    """Before the first trial there are headings and no rows."""
    empty = recorded(images(["a"]), {"a()": [None]})

    assert empty.export(tmp_path / f"t{suffix}").stat().st_size > 0


def test_a_file_that_is_there_is_replaced_whole_or_left(tmp_path):
    """A table that cannot be written leaves the old file as it was, and no litter."""
    file = tmp_path / "t.xlsx"
    export(pd.DataFrame({"a": [1]}), file)
    before = file.read_bytes()
    with pytest.raises(UsageError):
        export(pd.DataFrame(np.zeros((1, 16_385))), file)

    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda run, to: run.export(to / "a.doc"), UsageError, r"a\.doc: \.doc is no known format; it is one of \.csv"),
        (lambda run, to: run.export(to / "a"), UsageError, "a: no extension is no known format"),
        (lambda run, to: run.export(to / "a.csv", "sumary"), SettingError, "table='sumary' is not one of summary, "),
        (lambda run, to: run.export(to / "no" / "a.csv"), UsageError, r"a\.csv cannot be written: No such file"),
        (lambda run, to: tk.export(run.tables, to / "a.csv"), UsageError, r"\.csv holds one table, not 7"),
        (
            lambda run, to: tk.export(pd.DataFrame([[1, 2]], columns=["a", "a"]), to / "a.csv"),
            UsageError,
            "two columns are called 'a'",
        ),
    ],
)
def test_what_cannot_be_written_is_explained(call, error, words, tmp_path):
    """Each says what is wrong and what would be right."""
    with pytest.raises(error, match=words):
        call(a_run(["x"]), tmp_path)


@pytest.mark.parametrize(("module", "file"), [("pyarrow", "t.parquet"), ("xlsxwriter", "t.xlsx")])
def test_a_missing_part_names_its_extra(module, file, tmp_path):
    """Without the library the message says what to install, and no file is left."""
    code = f"""
import sys
sys.modules[{module!r}] = None
import pandas as pd
from toolkit.errors import MissingExtra
from toolkit._report.export import export
try:
    export(pd.DataFrame({{"a": [1]}}), {str(tmp_path / file)!r})
except MissingExtra as missing:
    print(missing)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert "pip install" in said
    assert list(tmp_path.iterdir()) == []


# ── the data dictionary ──────────────────────────────────────────────────────────────────────────────────


def test_every_column_of_every_table_is_documented():
    """The dictionary lists the columns that the calls give, in their order, and no others."""
    run = a_run()
    given = {
        "comparison": tk.stats.compare(run.outcomes, margin=0.1).table,
        "thresholds": tk.stats.thresholds(run.outcomes, "a(x='=1')").table,
        "latency": tk.plots.latency_table(run.outcomes),
        "gate": tk.gate(run, run, max_accuracy_drop=0.1).table,
    } | run.tables
    for table in TABLES:
        columns = [name for name in given[table.name].columns if name != "font"]
        assert columns == list(table.names()), table.name
        for name in columns:
            assert table.column(name).meaning


def test_types_are_those_that_are_documented():
    """What the dictionary says of a column's type holds for the frame."""
    tables = a_run().tables
    for table in TABLES:
        for column in table.columns if table.name in tables else ():
            assert str(tables[table.name][column.name].dtype) in (column.dtype, "object"), (table.name, column.name)


def test_ends_of_intervals_are_known_by_their_figure():
    """`latency_low_s` is a column of its own, `difference_low` the end of an interval, `p_low` nothing."""
    assert COMPARISON.column("difference_low").meaning == "lower end of the interval of difference"
    assert COMPARISON.column("p_low") is None
