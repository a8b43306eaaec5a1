import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint
from test_summary import outcomes_of, random_outcomes

from toolkit.errors import DatasetError
from toolkit.metrics import RELAXED
from toolkit.stats import accuracy_by_length, confusions, error_by_position, flip_rates, look_alikes, lower_case


def read_as(*pairs, setting="x"):
    return outcomes_of([(setting, f"i{i}", 0, target, said) for i, (target, said) in enumerate(pairs)])


def test_each_error_is_counted_where_it_is():
    """Substitutions, losses and insertions are told apart, with the occurrences of the character they happened to."""
    found = confusions(read_as(("abc", "abd"), ("abc", "ab"), ("abc", "abcc"), ("cab", "cab"), ("b", "no_answer")))
    rows = {(row["target"], row["answer"]): row for _, row in found.table.iterrows()}
    assert set(rows) == {("c", "d"), ("c", "missing"), ("inserted", "c")}
    assert rows["c", "d"]["count"] == 1
    assert rows["c", "d"]["support"] == 4
    assert (rows["c", "d"]["share_low"], rows["c", "d"]["share_high"]) == pytest.approx(
        proportion_confint(1, 4, method="wilson")
    )
    assert np.isnan(rows["inserted", "c"]["share"])
    matrix = found.matrix(min_support=1)
    assert matrix.loc["c"].to_dict() == {"a": 0, "b": 0, "c": 2, "d": 1, "missing": 1}
    assert matrix.loc["inserted", "c"] == 1
    assert matrix.loc["a", "a"] == 4


def test_rows_of_the_matrix_add_up_to_the_occurrences():
    """Every occurrence of a character is right, something else, or missing."""
    frame = random_outcomes(200)
    found = confusions(frame, "a")
    rows = frame[(frame["setting"] == "a") & frame["text"].notna()]
    expected = pd.Series(list("".join(rows["target"]))).value_counts()
    matrix = found.matrix(min_support=1)
    sums = matrix.drop(index="inserted").sum(axis="columns")
    pd.testing.assert_series_equal(sums.sort_index(), expected.sort_index(), check_names=False)
    assert found.table["count"].sum() == rows["edits"].sum()
    assert (matrix.to_numpy() >= 0).all()


def test_rare_characters_stay_out_of_the_matrix():
    """A row needs support; what was answered keeps its column."""
    found = confusions(read_as(*[("a", "b")] * 6, ("z", "a")))
    assert found.matrix().index.tolist() == ["a", "inserted"]
    assert found.matrix().columns.tolist() == ["a", "b", "missing"]


def test_a_normaliser_decides_what_is_confused():
    """Relaxed, a lower-case answer is no confusion, and the sentence follows."""
    frame = read_as(("AB", "ab"), ("cd", "cd"))
    assert confusions(frame).table["count"].sum() == 2
    assert "'A' read as 'a', once, 100.0 % of the 1 it occurs" in confusions(frame, "x").explain()
    assert "'b' where there is nothing, 2 times (one" in confusions(read_as(("a", "abb"))).explain()
    assert "'b' left out, once" in confusions(read_as(("ab", "a"))).explain()
    relaxed = confusions(frame, normaliser=RELAXED)
    assert relaxed.table.empty
    assert "no character of 2 answers was read wrongly" in relaxed.explain()


def test_look_alikes_are_a_share_of_the_wrong_answers():
    """Only answers that are wrong by nothing but look-alikes count, in either direction, Cyrillic included."""
    frame = read_as(
        ("O1l", "0l1"), ("rn5", "mS"), ("AB", "АВ"), ("abc", "abd"), ("abc", "abc"), ("abc", "no_answer"), ("0x", "Ox!")
    )
    row = look_alikes(frame).iloc[0]
    assert (row["wrong"], row["look_alikes"]) == (5, 3)
    assert (row["share_low"], row["share_high"]) == pytest.approx(proportion_confint(3, 5, method="wilson"))
    own = look_alikes(frame, [("d", "c")]).iloc[0]
    assert own["look_alikes"] == 1


def test_answers_without_capitals_are_counted_where_there_were_some():
    """Targets without capitals, and answers without letters, say nothing about case."""
    frame = read_as(("Ab", "ab"), ("AB", "Ab"), ("Ab", "12"), ("ab", "ab"), ("AB", "no_answer"), ("É", "é"))
    row = lower_case(frame).iloc[0]
    assert (row["with_capitals"], row["lower_case"], row["share"]) == (4, 2, 0.5)
    nothing = lower_case(read_as(("ab", "ab"))).iloc[0]
    assert np.isnan(nothing["share"])
    assert np.isnan(nothing["share_low"])


def test_flips_are_images_that_do_not_agree_with_themselves():
    """Text, verdict and having an answer at all are three ways to differ between readings."""
    said = {
        "same": ["ab", "ab"],
        "other error": ["ax", "ay"],
        "right once": ["ab", "ax"],
        "silent once": ["ab", "no_answer"],
        "broken once": ["ab", "error"],
        "once only": ["ab"],
    }
    rows = [("x", image, i, "ab", text) for image, texts in said.items() for i, text in enumerate(texts)]
    row = flip_rates(outcomes_of(rows)).iloc[0]
    assert row["images"] == 3
    assert (row["text_flips"], row["verdict_flips"], row["answer_flips"]) == (2, 1, 1)
    assert (row["text_flips_share"], row["answer_flips_share"]) == (2 / 3, 1 / 4)
    assert row["verdict_flips_low"] == pytest.approx(proportion_confint(1, 3, method="wilson")[0])
    once = flip_rates(outcomes_of(rows[::2])).iloc[0]
    assert once["images"] == 0
    assert np.isnan(once["text_flips_share"])
    assert len(flip_rates(outcomes_of(rows).head(0))) == 0


def test_accuracy_by_length_stands_beside_independence():
    """Each length has its own accuracy, and what its characters would give if they failed one by one."""
    frame = random_outcomes(200)
    table = accuracy_by_length(frame)
    rows = frame[(frame["setting"] == "a") & (frame["target_length"] == 4) & (frame["outcome"] != "error")]
    found = table[(table["setting"] == "a") & (table["target_length"] == 4)].iloc[0]
    assert found["accuracy_all"] == pytest.approx((rows["outcome"] == "correct").mean())
    mine = frame[(frame["setting"] == "a") & (frame["outcome"] != "error")]
    edits = mine["edits"].fillna(mine["target_length"]).sum()
    assert found["if_independent"] == pytest.approx((1 - edits / mine["target_length"].sum()) ** 4)


def test_errors_by_position():
    """AdaptiveSemaphore are counted from both ends; targets of several lengths have no common places."""
    table = error_by_position(read_as(("abc", "xbc"), ("abc", "xb"), ("abc", "abc"), ("abc", "no_answer")))
    assert table["wrong"].tolist() == [2, 0, 1]
    assert table["from_end"].tolist() == [-3, -2, -1]
    assert table["share"][0] == pytest.approx(2 / 3)
    with pytest.raises(DatasetError, match="targets have 1 to 3 characters"):
        error_by_position(read_as(("abc", "abc"), ("a", "a")), "x")
    assert len(error_by_position(read_as(("abc", "no_answer")))) == 0
