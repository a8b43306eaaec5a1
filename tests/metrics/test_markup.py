"""Hostile text: every character is seen, none is obeyed."""

import re
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.metrics.markup import MOST_CHARACTERS, in_attribute, marked, visible

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><b>',
    "&lt;",
    "a\u202eb",
    "a\x00\x07b",
    "\x1b[31m",
]


class Seen(HTMLParser):
    """The text that a reader sees, and the elements that stand around it."""

    def __init__(self, html):
        super().__init__()
        self.text, self.elements, self._within = "", [], []
        self.feed(str(html))

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self._within.append(tag)

    def handle_endtag(self, tag):
        assert self._within.pop() == tag

    def handle_data(self, data):
        if "del" not in self._within:
            self.text += data


@pytest.mark.parametrize("text", HOSTILE)
def test_labels_are_shown_and_not_obeyed(text):
    """A label that looks like HTML becomes no element, and a character that cannot be seen is written as its number."""
    seen = Seen(visible(text))

    assert set(seen.elements) <= {"bdi", "span"}
    assert seen.text == "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in text)


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_marked_answer_still_says_the_answer(target, text):
    """Whatever differs, what is seen outside the missing characters is the answer, and nothing else is an element."""
    seen = Seen(marked(target, text))

    spelled = "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in text)
    assert seen.text.replace("␣", " ") == spelled.replace("␣", " ")
    assert set(seen.elements) <= {"bdi", "span", "mark", "del"}


def test_differing_characters_are_marked():
    """Another character, one too much and one that is missing are told apart; equal texts have no mark."""
    assert re.findall(r"<mark[^>]*>(.)</mark>", marked("A7K2", "A1K2")) == ["1"]
    assert re.findall(r'<mark[^>]* title="surplus">(.)</mark>', marked("A7K2", "A7KK2")) == ["K"]
    assert re.findall(r"<del[^>]*>(.)</del>", marked("A7K2", "A72")) == ["K"]
    assert re.findall(r"<mark[^>]*>(.)</mark>", marked("ab", "a b")) == ["␣"]
    assert "<mark" not in marked("same", "same") + marked("", "")


def test_a_page_of_text_is_cut():
    """A cell does not grow with what a provider says; aligning two long texts takes no long time."""
    assert Seen(visible("x" * 10_000)).text == "x" * MOST_CHARACTERS + "…"
    assert len(Seen(marked("y" * 100_000, "x" * 100_000)).text) == MOST_CHARACTERS + 1


@given(st.text(max_size=20))
def test_attributes_hold_text_only(text):
    """No quote ends an attribute early."""
    attribute = in_attribute(text)

    assert '"' not in attribute
    assert "<" not in attribute
    assert unescape(attribute) == "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in text)
