import re
import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.errors import DatasetError, SettingError
from toolkit.metrics import RELAXED, STRICT, Normaliser
from toolkit.metrics.normaliser import LONG

ALL_STEPS = Normaliser(
    nfkc=True, invisible=True, whitespace="collapse", casefold=True, replace=(("0", "o"),), alphabet="aoß é"
)


@pytest.mark.parametrize(
    ("normaliser", "text", "expected"),
    [
        (STRICT, "e\u0301", "\u00e9"),  # NFC is always on
        (STRICT, "A b\u200b", "A b\u200b"),
        (Normaliser(nfkc=True), "ﬁ²①…½", "fi21...1\u20442"),
        (Normaliser(invisible=True), "a\u200b\u00ad\ufeff\x00\x07b\tc", "ab\tc"),
        (Normaliser(invisible=True), "\u0600\u0661", "\u0600\u0661"),  # a drawn format character stays
        (Normaliser(whitespace="strip"), " a  b\n", "a  b"),
        (Normaliser(whitespace="collapse"), " a \t\u00a0b\n", "a b"),
        (Normaliser(whitespace="delete"), " a  b\n", "ab"),
        (Normaliser(casefold=True), "Straße İ", "strasse i\u0307"),
        (Normaliser(replace=(("O", "0"), ("0", "#"))), "O0", "##"),  # one after the other
        (Normaliser(casefold=True, alphabet="abc"), "A-B-C-D", "abc"),
        (Normaliser(alphabet=""), "abc", ""),
        (Normaliser(alphabet="]^-\\"), "a]b^c-d\\", "]^-\\"),
        (RELAXED, "  ＡＢ\u200b  Ｃ ", "ab c"),
        (RELAXED, "", ""),
    ],
)
def test_each_step_does_what_it_says(normaliser, text, expected):
    """A flag removes the difference it names, and no other."""
    assert expected == normaliser(text)
    assert normaliser.apply(["", text]) == ["", expected]


def test_removing_an_invisible_character_lets_its_neighbours_compose():
    """A zero-width character between a letter and its accent leaves one character, as if it had never been there."""
    assert Normaliser(invisible=True)("e\u200b\u0301") == "\u00e9"


@given(st.lists(st.one_of(st.none(), st.text(max_size=6)), max_size=6), st.sampled_from([STRICT, RELAXED, ALL_STEPS]))
def test_a_column_gets_what_its_texts_get_one_by_one(texts, normaliser):
    """Working on all texts in one piece changes nothing, whatever they contain."""
    assert [None if text is None else normaliser(text) for text in texts] == normaliser.apply(texts)


@pytest.mark.parametrize("whitespace", ["keep", "strip", "collapse", "delete"])
def test_a_long_column_gets_what_its_texts_get(whitespace):
    """A column of many texts is worked on in other ways than a short one, blanks of all kinds at its seams included."""
    normaliser = Normaliser(nfkc=True, invisible=True, whitespace=whitespace, casefold=True)
    rng = np.random.default_rng(0)
    letters = np.array(list("aBé \u00a0\u3000\t\n\u2003\u200b\u0301\x1f"))
    texts = ["".join(rng.choice(letters, length)) for length in rng.integers(0, 12, 30_000).tolist()]
    assert sum(map(len, texts)) > LONG
    assert [normaliser(text) for text in texts] == normaliser.apply(texts)


@given(st.text())
def test_normalising_twice_changes_nothing_more(text):
    """The relaxed form of a relaxed form is itself."""
    assert RELAXED(text) == RELAXED(RELAXED(text))


@given(st.text())
def test_strict_is_unicode_nfc(text):
    """Strict means canonical composition and one kind of line end, and nothing else."""
    assert unicodedata.normalize("NFC", "\n".join(re.split("\r\n|\r", text))) == STRICT(text)


def test_every_kind_of_missing_value_is_no_answer():
    """None, NaN and NA are the same nothing, in lists, arrays and columns."""
    expected = ["a", None]
    for column in (
        ["a", None],
        ["a", float("nan")],
        ["a", pd.NA],
        pd.Series(["a", None]),
        np.array(["a", None], object),
    ):
        assert expected == RELAXED.apply(column)
    assert RELAXED.apply([]) == []
    assert STRICT.apply(np.array(["A", ""])) == ["A", ""]


def test_a_number_among_texts_is_refused_with_the_cure():
    """A label column that was read as numbers has lost its leading zeros, so it is not quietly accepted."""
    with pytest.raises(DatasetError, match=r"row 1: 7 is no text; read the column with dtype=str"):
        STRICT.apply(["a", 7])


def test_unusable_settings_are_refused():
    """A step that cannot mean anything is an error when the normaliser is made."""
    with pytest.raises(SettingError, match="whitespace='trim' is not one of"):
        Normaliser(whitespace="trim")
    with pytest.raises(SettingError, match="first text is empty"):
        Normaliser(replace=(("", "x"),))


def test_the_name_lists_the_steps_in_their_order():
    """Two normalisers share a name only if they are equal."""
    assert STRICT.name == "nfc"
    assert str(RELAXED) == "nfkc+invisible+collapse+casefold"
    assert (
        Normaliser(whitespace="strip", replace=(("O", "0"),), alphabet="01").name
        == "nfc+strip+replace('O': '0')+alphabet('01')"
    )
    assert Normaliser(alphabet="").name == "nfc+alphabet('')"
