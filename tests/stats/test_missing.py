import numpy as np
import pandas as pd
import pytest
from test_summary import random_outcomes
from test_thresholds import grid_outcomes

from toolkit.errors import DatasetError
from toolkit.stats import summary, thresholds, why_missing
from toolkit.stats._core.missing import answers_needed


def reasons(frame):
    found = why_missing(summary(frame))
    return dict(zip(found["figure"], found["reason"], strict=True))


def test_every_missing_figure_has_a_reason():
    """All that is undefined in a summary is listed once, and nothing that is known."""
    frame = random_outcomes(40).assign(cost_usd=np.nan)
    table = summary(frame)
    found = why_missing(table)
    figures = [name for name in table.columns if not name.endswith(("_low", "_high"))]
    assert set(found["figure"]) >= {name for name in figures if table[name].isna().any()}
    for _, row in found.iterrows():
        assert table.set_index("setting").loc[row["setting"]].isna()[row["figure"]]
    assert not why_missing(summary(random_outcomes(400, repeats=2)))["figure"].str.startswith("accuracy").any()


def test_the_reason_is_the_one_that_holds():
    """Nothing answered, too few for a quantile, an unknown price, nothing right: each is told from the others."""
    frame = random_outcomes(40)
    plain = reasons(frame)
    assert plain["flip_rate"] == "no image was read twice"
    assert plain["latency_p95_s_high"].startswith("fewer than 72 answers")
    assert plain["lagged"] == "the outcomes have no client_lag_s"
    unpriced = reasons(frame.assign(cost_usd=frame["cost_usd"].mask(frame.index < 3)))
    assert unpriced["cost_usd"] in {f"the cost of {n} trials is unknown" for n in (1, 2, 3)}
    wrong = reasons(frame[frame["outcome"] == "wrong"])
    assert wrong["cost_per_correct_usd"] == "nothing was read right"
    silent = reasons(frame.assign(outcome="no_answer", text=None, edits=np.nan, ned=np.nan))
    assert silent["accuracy_answered"] == silent["cer_micro"] == silent["latency_p50_s"] == "nothing was answered"
    assert reasons(frame.assign(outcome="error"))["accuracy_all"] == "every trial ended in an error"
    bare = reasons(frame[["setting", "sample", "outcome"]])
    assert bare["latency_p50_s"] == "the outcomes have no latency_s"
    assert bare["cer_micro"].startswith("the outcomes have no edits")
    assert bare["accuracy_normalised"] == "the outcomes lack the column that this is made of"
    same = frame[frame["target_length"] > 0].assign(outcome="wrong", edits=lambda f: f["target_length"], ned=1.0)
    assert reasons(same)["cer_micro_low"].startswith("the images do not vary")


def test_a_curve_tells_why_a_threshold_has_no_figure():
    """A setting that accepts nothing has no risk, and says so."""
    frame = grid_outcomes(50)
    never = frame["setting"].str.contains("score=1.0", regex=False)
    frame = frame.assign(outcome=frame["outcome"].mask(never, "no_answer"))
    found = why_missing(thresholds(frame, provider="capsolver", over="score").table)
    assert set(found["threshold"]) == {1.0}
    assert set(found["reason"]) == {"nothing is accepted at this threshold"}
    assert {"risk", "accuracy_answered"} <= set(found["figure"])
    wrong = grid_outcomes(50).replace({"outcome": {"correct": "wrong"}})
    table = why_missing(thresholds(wrong, provider="capsolver", over="score").table).set_index("figure")["reason"]
    assert (table["recall_correct"] == "nothing is right at any threshold").all()
    assert (table["cost_per_correct_usd"] == "nothing that is accepted is right").all()


@pytest.mark.parametrize(("quantile", "least"), [(0.5, 6), (0.9, 36), (0.95, 72)])
def test_how_many_answers_a_quantile_takes(quantile, least):
    """The numbers of the run_state."""
    assert answers_needed(quantile) == least


def test_other_tables_have_no_reasons():
    """A table of another kind is refused."""
    with pytest.raises(DatasetError, match="why_missing takes"):
        why_missing(pd.DataFrame({"x": [1]}))
