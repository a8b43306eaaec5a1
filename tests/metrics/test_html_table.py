"""One renderer of HTML tables: text is text, figures can be sorted, and nothing depends on a style sheet."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

import toolkit
from toolkit.metrics.html_table import Cell, excerpt, html_table, stacked

HOSTILE = "<script>alert(1)</script>"


class Read(HTMLParser):
    """Rows of a table as a reader sees them, and the elements it is made of."""

    def __init__(self, html):
        super().__init__()
        self.rows, self.elements, self._open = [], set(), []
        self.feed(str(html))
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        if tag in ("br", "img"):
            return
        self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self.rows and {"th", "td"} & {*self._open}:
            self.rows[-1][-1] += data


@settings(deadline=None)  # the template is compiled at its first use
@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_no_text_becomes_an_element(text):
    """Whatever stands in headings, cells, captions and notes, no element but the renderer's own comes of it."""
    html = html_table({text: "left"}, [[text], [Cell(text, text)]], caption=text, title=text, label=text, foot=text)

    known = {"div", "strong", "table", "caption", "thead", "tbody", "tr", "th", "td", "br", "small", "bdi", "span"}
    assert Read(html).elements <= known


def test_text_is_shown_as_it_is():
    """Each cell says what it was given; what cannot be seen is written as its code point."""
    rows = Read(html_table({"label": "left", "n": "right"}, [["a & <b>", "1"], ["x\u202ey", "2"]])).rows

    assert rows == [["label", "n"], ["a & <b>", "1"], ["xU+202Ey", "2"]]


def test_html_of_our_own_is_kept_as_html():
    """`Markup` is not escaped, and a text put into it is."""
    html = html_table({"x": "left"}, [[Markup("<code>{}</code>").format(HOSTILE)]])

    assert "<code>&lt;script&gt;" in html
    assert "<script" not in html
    assert "<script" not in stacked([Markup("<p>a</p>"), HOSTILE])


def test_an_interval_stands_below_its_figure():
    """The interval of a figure is in the same cell, on a line of its own."""
    html = html_table({"accuracy": "right"}, [[Cell("90 %", "[80, 95]")]])

    assert re.search(r"<td[^>]*>90 %<br><small[^>]*>\[80, 95\]</small></td>", html)


def test_figures_are_sorted_by_their_number_and_the_unknown_below_all():
    """A sortable column of figures has an order in each row; words are sorted as words."""
    rows = [["a", Cell("1,000", order=1000.0)], ["b", Cell("–", order=float("nan"))]]

    html = html_table({"setting": "left", "n": "right"}, rows, sortable=True)

    assert re.findall(r'data-order="([^"]+)"', html) == ["1000.0", "-1e+308"]
    assert "data-order" not in html_table({"n": "right"}, [["1"]], sortable=True)  # one row has no order


def test_rows_that_belong_together_share_a_heading():
    """A cell that spans rows heads each group, and the other rows have one cell less."""
    groups = [[[Cell("image 1", rows=2), "a"], ["b"]], [[Cell("image 2", rows=1), "c"]]]

    html = html_table({"image": "left", "answer": "left"}, groups=groups)

    assert Read(html).rows == [["image", "answer"], ["image 1", "a"], ["b"], ["image 2", "c"]]
    assert html.count("<tbody>") == 2
    assert re.findall(r'rowspan="(\d)"', html) == ["2", "1"]


def test_a_row_of_another_length_is_refused():
    """A row has as many cells as there are columns, unless a heading before it spans it."""
    with pytest.raises((ValueError, IndexError)):
        html_table({"a": "left"}, [["1", "2"]])


def test_a_keyboard_reaches_a_table_that_has_a_name():
    """A named table can be scrolled without a mouse, and says its name."""
    assert 'tabindex="0" role="region" aria-label="&lt;Summary&gt;"' in html_table({}, [], label="<Summary>")


def test_a_long_text_is_cut_with_an_ellipsis():
    """The beginning is kept, and three dots say that there is more."""
    assert excerpt("x" * 100, 80) == "x" * 80 + "…"
    assert excerpt(7, 80) == "7"


def test_no_other_file_makes_a_table():
    """A table that is written by hand, or by pandas, would escape and look in a way of its own."""
    package = Path(toolkit.__file__).parent
    sources = [file for kind in ("py", "js", "jinja") for file in package.rglob(f"*.{kind}")]

    assert [file.name for file in sources if re.search(r"<table|\.to_html\(", file.read_text("utf-8"))] == [
        "table.html.jinja"
    ]
