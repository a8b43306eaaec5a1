import jiwer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from toolkit.errors import DatasetError, SettingError
from toolkit.metrics import RELAXED, Normaliser, cer_macro, cer_micro, edits, exact, measure, ned

PLAIN = st.text("abcABC012", min_size=1, max_size=8)


def table_distance(a, b):
    """Edit distance by the textbook table, independent of any library."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row, above = [i], row
        for j, y in enumerate(b, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (x != y)))
    return row[-1]


@given(st.lists(st.tuples(st.text("ab1", max_size=6), st.one_of(st.none(), st.text("ab1", max_size=6))), max_size=8))
def test_distances_equal_the_textbook_table(pairs):
    """Every pair is measured by itself; no answer has no distance."""
    targets, answers = [t for t, _ in pairs], [a for _, a in pairs]
    found = measure(targets, answers)

    expected = [np.nan if a is None else table_distance(t, a) for t, a in pairs]
    np.testing.assert_array_equal(expected, found.edits)
    np.testing.assert_array_equal([t == a for t, a in pairs], found.exact)
    np.testing.assert_array_equal([len(t) for t in targets], found.target_length)
    np.testing.assert_array_equal(
        [np.nan if a is None else Levenshtein.normalized_distance(t, a) for t, a in pairs], found.ned
    )


@given(st.lists(st.tuples(PLAIN, PLAIN), min_size=1, max_size=20))
def test_error_rates_equal_jiwer(pairs):
    """Micro is jiwer's rate of the lists, macro the mean of its rates of each pair."""
    targets, answers = [t for t, _ in pairs], [a for _, a in pairs]

    assert jiwer.cer(targets, answers) == pytest.approx(cer_micro(targets, answers))
    assert np.mean([jiwer.cer(t, a) for t, a in pairs]) == pytest.approx(cer_macro(targets, answers))


def test_no_answer_is_left_out_or_scored_as_empty():
    """The two error rates of a silent provider differ, and both are had by name."""
    targets, answers = ["abcd", "ab"], ["abcx", None]

    assert cer_micro(targets, answers) == 1 / 4
    assert cer_micro(targets, answers, unanswered="empty") == (1 + 2) / 6
    assert cer_macro(targets, answers) == 1 / 4
    assert cer_macro(targets, answers, unanswered="empty") == (1 / 4 + 1) / 2
    with pytest.raises(SettingError, match="unanswered='zero'"):
        cer_micro(targets, answers, unanswered="zero")


@pytest.mark.parametrize(
    ("targets", "answers", "micro", "macro"),
    [
        ([], [], np.nan, np.nan),
        (["ab"], [None], np.nan, np.nan),  # nothing was answered
        ([""], [""], 0.0, 0.0),
        ([""], ["abc"], np.nan, np.nan),  # inserted, and nothing to divide by
        (["", "ab"], ["abc", "ab"], 3 / 2, 0.0),  # insertions count, with length 0
        (["a"], ["abcd"], 3.0, 3.0),  # a rate may exceed 1
    ],
)
def test_empty_texts_and_empty_columns(targets, answers, micro, macro):
    """A rate of nothing is NaN; an empty target adds its insertions and no length."""
    assert micro == pytest.approx(cer_micro(targets, answers), nan_ok=True)
    assert macro == pytest.approx(cer_macro(targets, answers), nan_ok=True)


def test_a_normaliser_decides_what_is_equal():
    """Strict and relaxed scores of one answer stand side by side."""
    targets, answers = ["Ab c", "e\u0301"], [" aB  C", "\u00e9"]

    assert exact(targets, answers).tolist() == [False, True]
    assert exact(targets, answers, RELAXED).tolist() == [True, True]
    assert edits(targets, answers, RELAXED).tolist() == [0.0, 0.0]
    assert ned(targets, answers, Normaliser(whitespace="strip")).tolist() == [4 / 5, 0.0]
    assert measure(["e\u0301", "é"], ["", ""]).target_length.tolist() == [1, 1]


def test_columns_that_do_not_pair_are_refused():
    """A lost answer would shift all later ones, and a lost target cannot be scored."""
    with pytest.raises(DatasetError, match="2 targets and 1 answers"):
        measure(["a", "b"], ["a"])
    with pytest.raises(DatasetError, match="row 1: the target is missing"):
        measure(["a", None], ["a", "b"])
