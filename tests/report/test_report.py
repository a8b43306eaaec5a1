"""A run as one file: what it says, what it warns of, and what it shows of images that it can and cannot find."""

import re
import subprocess
import sys
from html.parser import HTMLParser

import matplotlib as mpl
import pytest
from doubles import label, picture_folder, pictures
from recorded import HOSTILE, Reading, hostile_run, images, recorded

import toolkit as tk
from toolkit._cli.main import main
from toolkit._report.page import _NO_LIBRARY
from toolkit._report.summary_table import leaderboard
from toolkit._store.store import FileStore
from toolkit.errors import DatasetError, SettingError, UsageError
from toolkit.schema import SUMMARY

mpl.use("Agg")

from matplotlib import pyplot as plt

COUNT = 60
UNREAD = Reading(error="unsolvable")
"""Fills hardly any figure, which makes for a quick report."""


class Page(HTMLParser):
    """The parts of a report that tests ask for: its text by section, its tables, its addresses, its scripts."""

    def __init__(self, text):
        super().__init__()
        self.sections, self.tables, self.addresses, self.scripts, self.events = {}, {}, [], [], []
        self._section, self._heading, self._row, self._open = "", "", None, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self._open.append(tag)
        self.addresses += [given[name] for name in ("src", "href", "srcset", "action", "data") if name in given]
        self.events += [name for name in given if name.startswith("on")]
        if tag == "section":
            self._section = given["id"]
        elif tag == "script":
            self.scripts.append(given)
        elif tag == "h3":
            self._heading = ""
        elif tag == "tr":
            self._row = []
            self.tables.setdefault(self._heading, []).append(self._row)
        elif tag in ("td", "th"):
            self._row.append("")

    def handle_endtag(self, tag):
        if tag in self._open:
            while self._open.pop() != tag:
                pass
        if tag == "tr":
            self._row = None

    def handle_data(self, data):
        if "script" in self._open or "style" in self._open:
            return
        self.sections[self._section] = self.sections.get(self._section, "") + data
        if "h3" in self._open:
            self._heading += data
        if self._row:
            self._row[-1] += data


@pytest.fixture(scope="module")
def run():
    """A run of two settings with confidences; every third image is misread by both, each with its own letter."""
    targets = [label(number) for number in range(COUNT)]
    sure = [Reading(t if n % 3 else "A" + t[1:], 0.10 + n / 1000, 0.5 + n / 200) for n, t in enumerate(targets)]
    other = [Reading(t if n % 3 else "B" + t[1:], 0.02 + n / 1000, 0.9 - n / 200) for n, t in enumerate(targets)]
    return recorded(images(targets, parity=["even", "odd"] * (COUNT // 2)), {"first()": sure, "second()": other})


@pytest.fixture(scope="module")
def written(run, tmp_path_factory):
    """Its report, with images."""
    return run.report(tmp_path_factory.mktemp("report") / "report.html", dataset=pictures(COUNT))


@pytest.fixture(scope="module")
def page(written):
    """The same, taken apart."""
    return Page(written.read_text(encoding="utf-8"))


# ── what it says ─────────────────────────────────────────────────────────────────────────────────────────


def test_it_has_every_section_that_the_data_can_fill(page):
    """In the order in which they are read."""
    sections = ["flags", "summary", "comparison", "thresholds", "latency", "slices", "errors", "settings"]

    assert list(page.sections) == ["", *sections, "methods", "provenance"]
    assert "Benchmark on pictures" in page.sections[""]
    assert "second() reads 66.7 % of the images correctly (95 % interval 54.1 % to 77.3 %)" in page.sections[""]
    assert "; 1 other setting is equally accurate, and slower." in page.sections[""]


def test_its_summary_is_that_of_the_run(run, page):
    """Every figure of the first table is the leaderboard's."""
    head, *rows = page.tables["Best accuracy first"]
    board = leaderboard(run.summary())

    assert head == list(board.columns)
    assert rows == [[str(cell).replace(" [", "[") for cell in row] for row in board.to_numpy().tolist()]


def test_its_comparison_is_that_of_the_statistics(run, page):
    """The table has the difference from the most accurate setting and its verdict."""
    found = tk.stats.compare(run.outcomes, "first()").table.iloc[0]
    _, row = page.tables["Differences"]

    assert row[0] == "second()"
    assert (
        row[1]
        == f"{100 * found['difference']:+.1f}[{100 * found['difference_low']:+.1f}, {100 * found['difference_high']:+.1f}]"
    )
    assert row[-1] == found["verdict"]


def test_its_thresholds_are_those_that_can_be_promised(run, page):
    """Each setting with confidences has the statistic's status."""
    _, *rows = page.tables["Risk-controlled thresholds"]
    for label_, status, *_ in rows:
        assert status == tk.stats.pick_threshold(tk.stats.thresholds(run.outcomes, label_), 0.05).status


def test_its_worst_errors_have_their_images_and_marks(page, written):
    """The images that both settings misread come first, each with its thumbnail and both answers."""
    head, *rows = page.tables["Images that most readings miss"]
    text = written.read_text(encoding="utf-8")

    assert head == ["image", "id", "label", "missed", "answers"]
    assert len(rows) == COUNT // 3
    assert {row[3] for row in rows} == {"2 of 2"}
    assert text.count('<img class="sample" src="data:image/png;base64,') == COUNT // 3 + 6
    for row in rows:
        assert row[4] == f"A{row[2][1:]} first()B{row[2][1:]} second()"
    assert '<mark style="' in text


def test_its_sure_errors_are_each_settings_own(run, page):
    """Three a setting, by the rank of their confidence among the setting's answers."""
    _, *rows = page.tables["Wrong answers with high confidence"]
    wrong = run.outcomes[run.outcomes["outcome"] == "wrong"]
    for setting in run.settings:
        surest = wrong[wrong["setting"] == setting].nlargest(3, "confidence")
        assert {row[1] for row in rows if row[2] == setting} == set(surest["sample"])


def test_it_says_where_it_comes_from(run, page):
    """Digest, machine, versions, seed and every setting are there."""
    said = page.sections["provenance"]
    for part in (
        run.manifest["plan"]["dataset"]["fingerprint"],
        "x86_64, 2 cores",
        "shuffled with seed 0",
        "2026-09-21T12",
    ):
        assert part in said
    assert [row[0] for row in page.tables["Parameters and versions"][1:]] == run.settings


def test_it_says_how_each_number_was_computed(page):
    """The methods name the meaning of the data dictionary and the interval behind it."""
    said = page.sections["methods"]

    assert SUMMARY.column("accuracy_normalised").meaning[1:] in said
    for word in ("Wilson", "Harrell-Davis", "Newcombe", "McNemar", "Holm", "fixed sequence", "CORP", "Levenshtein"):
        assert word in said


# ── what it warns of ─────────────────────────────────────────────────────────────────────────────────────


def test_it_warns_of_what_is_unusual(tmp_path):
    """Unfinished, stopped, failing, unpriced, few images, suspect labels, money unseen: each has its sentence."""
    targets = [label(number) for number in range(20)]
    fine = [Reading(t, 0.1) for t in targets]
    fine[0] = Reading("agreed", 0.1)
    failing = [Reading(error="transport") if n % 2 else r for n, r in enumerate(fine)]
    lost = {
        "event": "submitted", "setting": "paid()", "sample": "000019.png", "repeat": 0, "attempt": 1, "task_id": "7", "at": 1.0,
    }  # fmt: skip
    run = recorded(
        images(targets),
        {"failing()": failing, "paid()": [*fine[:19], None]},
        prices={"paid()": None},
        extra=(lost, {"event": "stopped", "setting": "paid()", "reason": "no money is left"}),
    )
    said = Page(run.report(tmp_path / "r.html").read_text(encoding="utf-8")).sections

    for part in (
        "paid() was stopped early: no money is left.",
        "failing(): 50.0 % of the readings failed",
        "The cost of paid() is not known",
        "read 20 images only",
        "labels are contradicted by every setting",
    ):
        assert part in said["flags"]
    assert "unfinished" not in said["flags"]  # the trials of a stopped setting have their rows
    assert len(run.unsettled) == 1
    assert "1 request may have been charged although no answer arrived (of unknown cost)." in said["flags"]
    assert "000019.png" in said["money"]
    assert "Images are not shown: the dataset was in memory only; give it as `dataset`." in said["errors"]


def test_a_quiet_run_has_nothing_to_be_careful_about(tmp_path):
    """Where nothing is unusual, it says so."""
    targets = [label(number) for number in range(120)]
    run = recorded(images(targets), {"a()": [Reading(t, 0.1) for t in targets]})
    page = Page(run.report(tmp_path / "r.html", dataset=pictures(120)).read_text(encoding="utf-8"))

    assert "None: the run is complete and nothing unusual was seen." in page.sections["flags"]
    assert "Every reading is correct." in page.sections["errors"]
    assert "comparison" not in page.sections
    assert "thresholds" not in page.sections


def test_a_run_without_an_outcome_has_a_report(tmp_path):
    """Before the first trial there are settings, methods and provenance, and no empty figure."""
    run = recorded(images(["a", "b"]), {"a()": [None, None]})
    page = Page(run.report(tmp_path / "r.html").read_text(encoding="utf-8"))

    assert list(page.sections) == ["", "flags", "settings", "methods", "provenance"]
    assert "Nothing was read yet." in page.sections[""]


# ── images ───────────────────────────────────────────────────────────────────────────────────────────────


def test_images_are_found_where_the_dataset_was(tmp_path):
    """The path in the manifest is tried; an image that has changed since is not passed off as the one that was read."""
    folder = picture_folder(tmp_path / "images", 10)
    targets = [label(number) for number in range(10)]
    run = recorded(images(targets), {"a()": [UNREAD] * 10}, dataset_path=str(folder))
    (folder / "000003.png").write_bytes((folder / "000004.png").read_bytes())
    text = run.report(tmp_path / "r.html").read_text(encoding="utf-8")

    assert text.count('<img class="sample"') == 9
    assert "Not shown, because the image in the dataset is not the one that was read: 1 image." in text
    assert "another image than the one that was read" in text


def test_a_dataset_that_is_gone_is_said(tmp_path):
    """The report is written all the same, with the reason; a path given by hand has to be right."""
    run = recorded(images(["a"]), {"a()": [UNREAD]}, dataset_path=str(tmp_path / "gone"))
    said = Page(run.report(tmp_path / "r.html").read_text(encoding="utf-8")).sections["errors"]

    assert f"Images are not shown: {tmp_path / 'gone'}: there is no such file or folder" in said
    with pytest.raises(DatasetError, match="there is no such file or folder"):
        run.report(tmp_path / "r.html", dataset=tmp_path / "gone")


def test_its_size_is_bounded(tmp_path):
    """No more images than asked for, and none at all for nought."""
    run = recorded(images([label(number) for number in range(30)]), {"a()": [UNREAD] * 30})
    for worst in (0, 4):
        text = run.report(tmp_path / "r.html", dataset=pictures(30), worst=worst).read_text(encoding="utf-8")
        assert text.count('<img class="sample"') == worst


# ── one file, safe and whole ─────────────────────────────────────────────────────────────────────────────


def test_it_refers_to_nothing_outside_itself(page):
    """Every address is a picture within the file or a section of it, and a policy forbids all others."""
    assert {address.partition(":")[0] if ":" in address else address[0] for address in page.addresses} == {"data", "#"}


def test_no_text_of_a_stranger_becomes_markup(tmp_path):
    """Tags, handlers, scripts and direction marks in any name or text are shown as the characters they are."""
    page = Page(hostile_run(2).report(tmp_path / "r.html").read_text(encoding="utf-8"))
    shown = "".join(page.sections.values())

    assert page.events == []
    assert page.scripts == [{"type": "application/json", "id": "tables-library"}, {"type": "module"}]
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b\u2028]", shown)
    assert "U+202E" in shown
    for text in HOSTILE[:5]:
        assert text in shown
    assert "x" * 5_000 not in shown


def test_without_the_library_the_tables_are_plain(tmp_path, monkeypatch):
    """The report is the same but for its scripts, of which its policy then allows none, and says what to install."""
    monkeypatch.setitem(sys.modules, "itables", None)
    run = recorded(images(["a", "b"]), {"a()": [UNREAD] * 2, "b()": [UNREAD, None]})
    text = run.report(tmp_path / "r.html").read_text(encoding="utf-8")

    assert "script-src 'none'" in text
    assert Page(text).scripts == []
    assert _NO_LIBRARY.split(":")[0] in text
    assert len(Page(text).tables["Best accuracy first"]) == 3
    assert "The run is unfinished: 3 of 4 trials are done." in Page(text).sections["flags"]


def test_figures_of_the_user_stay_as_they_are(tmp_path):
    """Drawing for a report leaves no figure behind, keeps the current one and the style."""
    mine, ax = plt.subplots()
    before, figures = dict(plt.rcParams), plt.get_fignums()
    recorded(images(["a", "bc"]), {"a()": [Reading("a"), Reading("x")]}).report(tmp_path / "r.html")

    assert plt.get_fignums() == figures
    assert plt.gca() is ax
    assert dict(plt.rcParams) == before
    plt.close(mine)


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ({"worst": 201}, SettingError, "worst=201 must be between 0 and 200"),
        ({"worst": -1}, SettingError, "worst=-1 must be"),
        ({"max_risk": 5}, SettingError, "max_risk=5 must be between 0 and 1"),
    ],
)
def test_what_makes_no_report_is_explained(run, how, error, words, tmp_path):
    """Before anything is drawn."""
    with pytest.raises(error, match=words):
        run.report(tmp_path / "r.html", **how)
    with pytest.raises(UsageError, match="cannot be written"):
        run.report(tmp_path / "no" / "r.html", worst=0)
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_it(tmp_path, capsys):
    """`toolkit show … --html` writes the file beside the printed summary; `--dataset` says where images are now."""
    folder = picture_folder(tmp_path / "images", 6)
    recorded(images([label(n) for n in range(6)]), {"a()": [UNREAD] * 6}, store=FileStore(tmp_path / "run"))
    arguments = ["show", str(tmp_path / "run"), "--html", str(tmp_path / "r.html"), "--dataset", str(folder)]

    assert main([*arguments, "--export", str(tmp_path / "all.xlsx"), "--export", str(tmp_path / "s.tex")]) == 0
    assert "a()" in capsys.readouterr().out
    assert (tmp_path / "r.html").read_text(encoding="utf-8").count('<img class="sample"') == 6
    assert (tmp_path / "all.xlsx").stat().st_size > 0
    assert (tmp_path / "s.tex").read_text(encoding="utf-8").startswith("% needs")


def test_reporting_loads_with_its_first_use():
    """Opening a run loads neither matplotlib nor the report."""
    code = "import sys, toolkit as tk; tk.open_run; print([m for m in ('matplotlib', 'toolkit._report.write') if m in sys.modules])"

    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
