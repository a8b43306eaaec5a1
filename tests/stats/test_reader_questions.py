import numpy as np
import pandas as pd
import pytest
from test_compare import drawn
from test_summary import outcomes_of, random_outcomes

from toolkit.errors import SettingError
from toolkit.metrics import RELAXED, STRICT, Normaliser
from toolkit.stats import compare, forecast, images_needed, label_suspects, price_of_knowing, rescore, tie_groups

# ── ties ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_settings_without_a_common_letter_are_told_apart():
    """Groups are runs of neighbours that no comparison separates; the sentence names them and who is behind."""
    frame = drawn(500, {"low": 0.6, "mid": 0.81, "high": 0.83, "top": 0.97})
    found = tie_groups(frame)
    pairs = compare(frame).table
    assert found.table["setting"].tolist() == ["top", "high", "mid", "low"]
    assert found.groups == [["top"], ["high", "mid"], ["low"]]
    letters = found.table.set_index("setting")["groups"].str.split()
    for _, row in pairs.iterrows():
        share = bool(set(letters[row["setting"]]) & set(letters[row["baseline"]]))
        assert share == (row["verdict"] == "cannot tell")
    text = found.explain()
    assert "these 500 images do not tell high and mid apart" in text
    assert "top is ahead of high, mid and low" in text


def test_few_images_tie_everybody_and_many_nobody():
    """With few images no rank is sure; with many, all are."""
    few = tie_groups(drawn(20, {"a": 0.8, "b": 0.8, "c": 0.75}))
    assert few.groups == [few.table["setting"].tolist()]
    assert not few.table["behind_best"].any()
    many = tie_groups(drawn(4000, {"a": 0.9, "b": 0.7, "c": 0.8}))
    assert "tell all 3 settings apart" in many.explain()
    assert "tell both settings apart" in tie_groups(drawn(800, {"a": 0.9, "b": 0.6})).explain()
    assert "no rank to share" in tie_groups(drawn(20, {"a": 0.8})).explain()


def test_overlapping_groups_and_falling_metrics():
    """A setting may belong to two groups; for error rates and money the lowest value comes first."""
    frame = drawn(400, {"a": 0.80, "b": 0.85, "c": 0.90}, shared=0.8)
    found = tie_groups(frame, confidence_level=0.9999)
    assert found.groups == [["c", "b"], ["b", "a"]]
    assert found.table["groups"].tolist() == ["a", "a b", "b"]
    assert "do not tell c and b apart, nor b and a apart" in found.explain()
    cost = tie_groups(frame.assign(cost_usd=frame["setting"].map({"a": 3.0, "b": 1.0, "c": 2.0})), metric="cost_usd")
    assert cost.table["setting"].tolist() == ["b", "c", "a"]


# ── rescoring ────────────────────────────────────────────────────────────────────────────────────────────


def shouting(n=60):
    """One setting that reads well in lower case, one that keeps case and reads worse."""
    rows = []
    for i in range(n):
        rows.append(("lowers", f"i{i}", 0, "Ab1", "ab1" if i % 10 else "zz"))
        rows.append(("keeps", f"i{i}", 0, "Ab1", "Ab1" if i % 3 else "Ab7"))
    return outcomes_of(rows)


def test_a_normaliser_may_change_the_order():
    """Strictly the setting that keeps case leads; without case the other does, and the sentence says so."""
    found = rescore(shouting(), [STRICT, RELAXED])
    table = found.table.set_index(["normaliser", "setting"])
    assert table.loc[("nfc", "keeps"), "accuracy_all"] == pytest.approx(40 / 60)
    assert table.loc[("nfc", "lowers"), "accuracy_all"] == 0
    assert table.loc[(RELAXED.name, "lowers"), "accuracy_all"] == pytest.approx(0.9)
    assert table.loc[(RELAXED.name, "lowers"), ["rank", "rises"]].tolist() == [1, 1]
    assert table.loc[(RELAXED.name, "keeps"), ["rank", "rises"]].tolist() == [2, -1]
    assert "lowers rises from 2 to 1 (90.0 %)" in found.explain()
    assert found.by_normaliser.loc["lowers"].tolist() == pytest.approx([0, 0.9])


def test_the_order_may_stand():
    """Where no normaliser moves a rank that is the finding; an answerless setting is right about nothing."""
    frame = random_outcomes(100)
    found = rescore(frame)
    assert "the same under all 6 normalisers" in found.explain()
    counted = frame[(frame["setting"] == "a") & (frame["outcome"] != "error")]
    strict = found.table[(found.table["setting"] == "a") & (found.table["normaliser"] == "nfc")].iloc[0]
    assert strict["accuracy_all"] == pytest.approx((counted["outcome"] == "correct").mean())
    assert strict["accuracy_all_low"] < strict["accuracy_all"] < strict["accuracy_all_high"]
    with pytest.raises(SettingError, match="each once"):
        rescore(frame, [STRICT, Normaliser()])


# ── labels ───────────────────────────────────────────────────────────────────────────────────────────────


def test_labels_that_all_contradict_are_listed():
    """Two settings that agree on another text are a reason to look; one alone, or a confirmation, is none."""
    rows = []
    for image, target, said in [
        ("wrong label", "a", ["b", "b", "b"]),
        ("two of three", "a", ["b", "b", "c"]),
        ("confirmed", "a", ["b", "b", "a"]),
        ("all differ", "a", ["b", "c", "d"]),
        ("one answers", "a", ["b", "no_answer", "error"]),
    ]:
        rows += [(f"s{k}", image, 0, target, text) for k, text in enumerate(said)]
    found = label_suspects(outcomes_of(rows))
    assert found.table["sample"].tolist() == ["wrong label", "two of three"]
    assert found.table["consensus"].tolist() == ["b", "b"]
    assert found.table["agree"].tolist() == [3, 2]
    assert found.images == 4
    assert "no accuracy can exceed 50.0 %" in found.explain()
    assert "read 'b' by 3 of 3" in found.explain()
    assert label_suspects(outcomes_of(rows), agree=3).table["sample"].tolist() == ["wrong label"]
    with pytest.raises(SettingError, match="agree=1 must be 2"):
        label_suspects(outcomes_of(rows), agree=1)


def test_good_labels_raise_no_suspicion():
    """When somebody always confirms the label there is nothing to list."""
    frame = outcomes_of([("a", "i", 0, "t", "t"), ("b", "i", 0, "t", "x")])
    assert "No label of 1 images is contradicted" in label_suspects(frame).explain()


# ── planning ─────────────────────────────────────────────────────────────────────────────────────────────


def pilot(n=20, seed=0):
    rng = np.random.default_rng(seed)
    answered = rng.random(2 * n) < 0.8
    return pd.DataFrame(
        {
            "setting": np.repeat(["cheap", "dear"], n),
            "sample": np.tile(np.arange(n), 2),
            "outcome": np.where(answered, "correct", "no_answer"),
            "cost_usd": np.where(answered, np.repeat([0.001, 0.01], n), 0.0),
            "elapsed_s": rng.gamma(4, 0.5, 2 * n),
        }
    )


def test_a_forecast_scales_the_pilot():
    """Expected money and time are the pilot's means times the run; more in flight take less time."""
    frame = pilot()
    found = forecast(frame, 1000, repeats=2)
    each = frame.groupby("setting")[["cost_usd", "elapsed_s"]].mean()
    table = found.table.set_index("setting")
    assert table.loc["dear", "cost_usd"] == pytest.approx(2000 * each.loc["dear", "cost_usd"])
    assert table.loc["cheap", "minutes"] == pytest.approx(2000 * each.loc["cheap", "elapsed_s"] / 60)
    assert table.loc["all", "cost_usd"] == pytest.approx(table.loc[["cheap", "dear"], "cost_usd"].sum())
    assert table.loc["all", "cost_usd_low"] < table.loc["all", "cost_usd"] < table.loc["all", "cost_usd_high"]
    faster = forecast(frame, 1000, repeats=2, in_flight=10).table.set_index("setting")
    assert faster.loc["all", "minutes"] == pytest.approx(table.loc["all", "minutes"] / 10)
    assert "1,000 images 2 times each with 2 settings: about" in found.explain()


def test_a_forecast_holds_what_the_run_costs():
    """Over many pilots of forty images the interval of time covers the true mean about as often as it says."""
    inside = 0
    for seed in range(60):
        row = forecast(pilot(40, seed), 10_000).table.iloc[0]
        inside += row["minutes_low"] <= 10_000 * 2.0 / 60 <= row["minutes_high"]
    assert 0.88 <= inside / 60 <= 1.0


def test_what_a_pilot_does_not_know_is_open():
    """An unknown price leaves the money open, a constant one has no spread, and sizes must make sense."""
    frame = pilot()
    unknown = forecast(frame.assign(cost_usd=frame["cost_usd"].mask(frame["setting"] == "dear")), 100)
    assert np.isnan(unknown.table.set_index("setting").loc["all", "cost_usd"])
    assert "money unknown" in unknown.explain()
    assert ": no money and about" in forecast(frame.assign(cost_usd=0.0), 100).explain()
    flat = forecast(frame.assign(cost_usd=0.002), 100).table.iloc[0]
    assert (flat["cost_usd_low"], flat["cost_usd_high"]) == pytest.approx((0.2, 0.2))
    assert "time unknown" in forecast(frame.drop(columns="elapsed_s").assign(latency_s=np.nan), 100).explain()
    with pytest.raises(SettingError, match="must be 1 at least"):
        forecast(frame, 0)


def test_the_price_of_knowing_is_the_missing_images_times_their_cost():
    """More images are those of the power table less those there are, at the mean cost of both settings."""
    frame = drawn(200, {"x": 0.80, "y": 0.82}).assign(cost_usd=0.002, elapsed_s=3.0)
    row = price_of_knowing(frame).table.iloc[0]
    pair = compare(frame).table.iloc[0]
    needed = images_needed(pair["difference"], (pair["only_setting"] + pair["only_baseline"]) / 200)
    assert row["more_images"] == needed - 200
    assert row["cost_usd"] == pytest.approx(row["more_images"] * 0.004)
    assert row["minutes"] == pytest.approx(row["more_images"] * 0.1)
    asked = price_of_knowing(frame, difference=0.05)
    assert asked.table["images_needed"][0] == images_needed(0.05, (pair["only_setting"] + pair["only_baseline"]) / 200)
    assert "more images would settle a difference of 5.0 points with a chance of 80 %, for about" in asked.explain()


def test_what_is_settled_and_what_cannot_be():
    """A clear pair needs nothing more; an equal one no number of images is known for."""
    settled = price_of_knowing(drawn(800, {"x": 0.6, "y": 0.9}))
    assert settled.table["more_images"][0] == 0
    assert "is settled on 800 images: better" in settled.explain()
    lucky = price_of_knowing(drawn(80, {"x": 0.75, "y": 0.9}, seed=2))
    assert lucky.table["verdict"][0] == "better"
    assert lucky.table["images_needed"][0] > 80
    assert lucky.table["more_images"][0] == 0
    equal = drawn(50, {"x": 0.8}).assign(setting="x")
    same = price_of_knowing(pd.concat([equal, equal.assign(setting="y")]))
    assert "no number of images is known" in same.explain()
    with pytest.raises(SettingError, match="plans single readings"):
        price_of_knowing(drawn(20, {"x": 0.6, "y": 0.9}, repeats=2))
    assert "no pair" in price_of_knowing(equal).explain()
