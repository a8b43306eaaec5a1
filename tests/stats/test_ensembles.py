import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score, matthews_corrcoef
from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa
from statsmodels.stats.proportion import proportion_confint
from test_summary import outcomes_of

from toolkit.errors import DatasetError, SettingError
from toolkit.metrics import RELAXED
from toolkit.stats import agreement


def three_readers(n=250, seed=0):
    """Three settings that say one of four texts, or nothing, or fail."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        for setting, skill in (("a", 0.8), ("b", 0.7), ("c", 0.6)):
            draw = rng.random()
            said = "t" if draw < skill else rng.choice(["x", "y", "T", "no_answer", "error"])
            rows.append((setting, f"i{i}", 0, "t", said))
    return outcomes_of(rows)


def wide(frame, column):
    return frame.pivot_table(index="sample", columns="setting", values=column, aggfunc="first", dropna=False)


def test_pairs_equal_scikit_learn():
    """Oracle, double faults, phi and kappa of each pair, on the images that count for both."""
    frame = three_readers()
    right = wide(
        frame.assign(right=(frame["outcome"] == "correct").astype(float).where(frame["outcome"] != "error")), "right"
    )
    text = wide(frame, "text")
    found = agreement(frame).table
    assert len(found) == 3
    for _, row in found.iterrows():
        both = right[[row["setting"], row["other"]]].dropna()
        first, second = both.T.to_numpy()
        assert row["images"] == len(both)
        assert row["oracle"] == pytest.approx(np.maximum(first, second).mean())
        assert row["both_right"] == pytest.approx(np.minimum(first, second).mean())
        assert row["double_fault"] == pytest.approx(((first == 0) & (second == 0)).mean())
        assert row["kappa"] == pytest.approx(cohen_kappa_score(first, second))
        assert row["phi"] == pytest.approx(matthews_corrcoef(first, second))
        said = text.loc[both.index, [row["setting"], row["other"]]]
        same = (said[row["setting"]] == said[row["other"]]).fillna(False).to_numpy(bool)
        assert row["agree"] == pytest.approx(same.mean())
        k, n = int((same & (first == 1)).sum()), int(same.sum())
        assert row["accuracy_agreed"] == pytest.approx(k / n)
        assert (row["accuracy_agreed_low"], row["accuracy_agreed_high"]) == pytest.approx(
            proportion_confint(k, n, method="wilson")
        )


def test_agreement_costs_asking_both():
    """Mean cost of both answers on the images that count for both; unknown where one has no price."""
    frame = three_readers()
    frame["cost_usd"] = np.random.default_rng(0).random(len(frame))
    found = agreement(frame).table
    cost = wide(frame[frame["outcome"] != "error"], "cost_usd")
    for _, row in found.iterrows():
        assert row["cost_usd"] == pytest.approx(cost[[row["setting"], row["other"]]].dropna().sum(axis=1).mean())
    assert agreement(frame.drop(columns="cost_usd")).table["cost_usd"].isna().all()


def test_fleiss_kappa_equals_statsmodels():
    """Agreement of all three, on the images that all three answered."""
    frame = three_readers()
    texts = wide(frame, "text").dropna()
    counts, _ = aggregate_raters(
        texts.apply(
            lambda column: pd.factorize(np.array(column))[0] * 0 + column.map({"t": 0, "x": 1, "y": 2, "T": 3})
        ).to_numpy(int)
    )
    assert agreement(frame).fleiss == pytest.approx(fleiss_kappa(counts))


def test_settings_are_added_by_what_they_bring():
    """The order starts with the best and ends at the oracle of all."""
    frame = three_readers()
    counted = frame[frame["outcome"] != "error"]
    right = wide(counted.assign(right=(counted["outcome"] == "correct").astype(float)), "right").dropna().astype(bool)
    found = agreement(frame)
    assert found.images == len(right)
    assert found.order["setting"][0] == right.mean().idxmax()
    assert found.order["oracle"][0] == pytest.approx(right.mean().max())
    assert found.oracle == pytest.approx(right.any(axis=1).mean())
    assert found.all_right == pytest.approx(right.all(axis=1).mean())
    assert found.order["gain"].sum() == pytest.approx(found.oracle)
    assert found.order["gain"].is_monotonic_decreasing
    assert "are read right by one at least" in found.explain()


def test_agreement_is_under_a_normaliser():
    """Answers that differ in case agree when case does not count."""
    frame = outcomes_of(
        [("a", "i", 0, "t", "T"), ("b", "i", 0, "t", "t"), ("a", "j", 0, "t", "t"), ("b", "j", 0, "t", "t")]
    )
    assert agreement(frame).table["agree"][0] == 0.5
    assert agreement(frame, normaliser=RELAXED).table["agree"][0] == 1.0


def test_one_setting_cannot_agree():
    """A lone setting is refused; settings that never answer have nothing to agree on."""
    frame = three_readers(5)
    with pytest.raises(SettingError, match="two settings at least; the outcomes hold a"):
        agreement(frame[frame["setting"] == "a"])
    with pytest.raises(DatasetError, match="there are no outcomes"):
        agreement(frame.head(0))
    silent = agreement(frame.assign(outcome="no_answer", text=None))
    assert silent.oracle == 0
    assert np.isnan(silent.fleiss)
    assert silent.table["accuracy_agreed"].isna().all()
    assert "say the same" not in silent.explain()
