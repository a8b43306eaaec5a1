import numpy as np
import pandas as pd
import pytest

from toolkit.errors import DatasetError, SettingError
from toolkit.stats import (
    Utility,
    check_cascade,
    repeat_agreement,
    replay_cascade,
    search_cascades,
    summary,
    thresholds,
)


def world(n, seed=0, settings=3):
    """A cheap engine with a telling confidence, a dear service that refuses some, and others between."""
    rng = np.random.default_rng(seed)
    hard = rng.random(n)
    frames = []
    for k in range(settings):
        chance = np.clip(1.05 - hard * (1.0 - 0.22 * k), 0, 1)
        right = rng.random(n) < chance
        answered = rng.random(n) < (1 if k == 0 else 0.9)
        frames.append(
            pd.DataFrame(
                {
                    "setting": f"s{k}",
                    "sample": np.arange(n),
                    "outcome": np.where(answered, np.where(right, "correct", "wrong"), "no_answer"),
                    "text": np.where(answered, np.where(right, "t", "f"), None),
                    "confidence": np.where(answered & (k < 2), np.clip(chance + rng.normal(0, 0.1, n), 0, 1), np.nan),
                    "cost_usd": np.where(answered, 0.12 * k, 0.0),
                    "latency_s": np.where(answered, 0.1 + k, np.nan),
                    "elapsed_s": 0.2 + k,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def step_by_step(frame, stages):
    """The cascade as a loop over images and stages."""
    rows = {(row["setting"], row["sample"]): row for row in frame.to_dict("records")}
    result = {}
    for sample in frame["sample"].unique():
        cost = seconds = 0.0
        outcome, asked, earlier = "no_answer", 0, []
        for name, threshold in stages:
            row = rows[name, sample]
            asked += 1
            cost += row["cost_usd"]
            seconds += row["latency_s"] if row["latency_s"] == row["latency_s"] else row["elapsed_s"]
            if row["outcome"] not in ("correct", "wrong"):
                continue
            if row["text"] in earlier if threshold == "agrees" else threshold is None or row["confidence"] >= threshold:
                outcome = row["outcome"]
                break
            earlier.append(row["text"])
        result[sample] = (outcome, asked, cost, seconds)
    return result


@pytest.mark.parametrize(
    "stages",
    [
        [("s0", 0.8), ("s1", None)],
        [("s1", None), ("s0", 0.5)],
        [("s0", 0.9), ("s1", 0.9), ("s2", None)],
        [("s0", 0.9), ("s1", 0.8)],
        [("s1", 0.5), ("s2", 0.0)],
        [("s0", "agrees"), ("s1", "agrees")],
        [("s0", "agrees"), ("s1", "agrees"), ("s2", "agrees")],
        [("s0", 0.95), ("s1", "agrees"), ("s2", None)],
    ],
)
def test_a_replay_is_what_asking_in_turn_gives(stages):
    """Outcome, number of stages asked, money and time are those of the loop."""
    frame = world(300)
    found = replay_cascade(frame.sample(frac=1, random_state=1), stages).set_index("sample")
    for sample, expected in step_by_step(frame, stages).items():
        row = found.loc[sample]
        assert (row["outcome"], row["asked"]) == expected[:2]
        assert (row["cost_usd"], row["latency_s"]) == pytest.approx(expected[2:])
        assert pd.isna(row["text"]) == (row["outcome"] == "no_answer")


def test_a_replay_is_an_outcomes_frame():
    """It has a setting of its own and can be summarised beside the settings it is made of."""
    frame = world(200)
    replay = replay_cascade(frame, [("s0", 0.8), "s2"])
    table = summary(pd.concat([frame, replay])).set_index("setting")
    name = "s0 >=0.8 > s2"
    assert table.loc[name, "coverage"] >= table.loc["s2", "coverage"]
    assert table.loc[name, "cost_usd"] < table.loc["s2", "cost_usd"]
    assert replay_cascade(frame, ["s0"], label="mine")["setting"].unique().tolist() == ["mine"]


def test_failures_pass_to_the_next_stage():
    """A failed stage is passed over; a failure of the last one is an error. Only shared images count."""
    frame = world(50)
    frame.loc[(frame["setting"] == "s0"), "outcome"] = "error"
    replay = replay_cascade(frame, ["s0", "s2"])
    assert (replay["stage"] == "s2").all()
    assert replay_cascade(frame, [("s2", 1.1), "s0"])["outcome"].tolist() == ["error"] * 50
    part = frame[(frame["setting"] != "s2") | (frame["sample"] < 10)]
    assert len(replay_cascade(part, ["s1", "s2"])) == 10
    with pytest.raises(SettingError, match="no setting 's9'; the outcomes hold s0, s1, s2"):
        replay_cascade(frame, ["s9"])
    with pytest.raises(SettingError, match="one stage at least"):
        replay_cascade(frame, [])


UTILITY = Utility(value_correct=1, cost_wrong=1, cost_no_answer=0.2)


def test_the_search_finds_the_best_of_all():
    """Singles and pairs are tried one by one here, and none is worth more than the one found."""
    frame = world(300)
    found = search_cascades(frame, UTILITY, third_stage=False)

    def worth(stages):
        rows = replay_cascade(frame, stages)
        right, wrong = ((rows["outcome"] == verdict).mean() for verdict in ("correct", "wrong"))
        return float(UTILITY.of(np.array(right), np.array(wrong))) - rows["cost_usd"].mean()

    assert found.apparent == pytest.approx(worth(found.best))
    assert found.table["utility"][0] == pytest.approx(found.apparent)
    assert found.table["utility"].is_monotonic_decreasing
    others = [["s0"], ["s1"], ["s2"], ["s1", "s0"], ["s2", "s0"], [("s0", 0.7), "s2"], [("s0", 0.7), "s1"]]
    assert max(worth(stages) for stages in others) <= found.apparent + 0.01
    text = found.explain()
    assert f"best of {found.tried} candidates on 300 images" in text
    deeper = search_cascades(frame, UTILITY)
    assert deeper.apparent >= found.apparent
    assert deeper.tried > found.tried


def test_every_pair_at_every_threshold_is_tried():
    """Six settings with confidences, ten cuts each: six alone and thirty pairs at ten; a third stage adds its own."""
    frame = world(150, settings=6)
    sure = frame["confidence"].fillna(pd.Series(np.random.default_rng(1).random(len(frame))))
    frame["confidence"] = sure.where(frame["text"].notna())
    agreeing = 15  # pairs, and each with four others to break its ties
    assert search_cascades(frame, UTILITY, third_stage=False, repeats=1).tried == 6 + 30 * 10 + agreeing
    deeper = search_cascades(frame, UTILITY, repeats=1)
    assert deeper.tried in (306 + 15 + 60, 306 + 15 + 60 + 4 * 10)  # none if a single setting is the best so far


@pytest.fixture(scope="module")
def searched():
    """A cascade found among three settings."""
    return search_cascades(world(400, seed=3), UTILITY, third_stage=False)


def run_live(found, n, seed):
    return replay_cascade(world(n, seed), found.best)


def test_a_live_run_is_held_against_the_estimate(searched):
    """On other images of the same kind the two agree, with the utility that plain averages give."""
    live = run_live(searched, 300, seed=77)
    result = check_cascade(searched, live)
    table = result.table.set_index("figure")
    right, wrong = ((live["outcome"] == verdict).mean() for verdict in ("correct", "wrong"))
    worth = float(UTILITY.of(np.array(right), np.array(wrong))) - live["cost_usd"].mean()
    assert table.loc["live", "utility"] == pytest.approx(worth)
    assert table.loc["difference", "utility"] == pytest.approx(worth - searched.value)
    assert result.kept
    assert "agree as far as these images can tell" in result.explain()
    named = pd.concat([live.assign(setting="mine"), world(20, settings=1)])
    assert check_cascade(searched, named, "mine").table.equals(result.table)


def test_a_live_run_that_is_worth_less_is_found_out(searched):
    """When the service went bad since, the difference is no chance."""
    live = run_live(searched, 400, seed=78)
    turned = np.random.default_rng(0).random(len(live)) < 0.25
    bad = live.assign(outcome=live["outcome"].where(~turned, "wrong"))
    result = check_cascade(searched, bad)
    assert not result.kept
    assert "Live it is worth less than was estimated" in result.explain()


def test_the_check_seldom_accuses_a_cascade_that_keeps_its_word(searched):
    """Over many live runs of the same kind about one in twenty is called different; held against the flattering
    estimate as if it were exact, far more would be.
    """
    chosen = [search_cascades(world(100, seed, 4), UTILITY, thresholds=6, repeats=1, top=1) for seed in range(40)]
    lives = [replay_cascade(world(400, 1000 + seed, 4), found.best) for seed, found in enumerate(chosen)]
    checks = [check_cascade(found, live) for found, live in zip(chosen, lives, strict=True)]
    assert np.mean([not result.kept for result in checks]) <= 0.1
    naive = [
        not row["utility_low"] <= found.apparent <= row["utility_high"]
        for found, row in zip(chosen, (result.table.iloc[1] for result in checks), strict=True)
    ]
    assert np.mean(naive) > 0.2


def test_what_cannot_be_checked_is_said(searched):
    """Unknown money, one image, and a setting that was not run."""
    live = run_live(searched, 30, seed=5)
    with pytest.raises(DatasetError, match="without a known cost"):
        check_cascade(searched, live.assign(cost_usd=np.nan))
    with pytest.raises(DatasetError, match="too few images"):
        check_cascade(searched, live.head(1))
    with pytest.raises(SettingError, match="no setting 'other'"):
        check_cascade(searched, live, "other")
    alike = live.assign(outcome="correct", cost_usd=0.0)
    assert "no interval, as nothing varies" in check_cascade(searched, alike).explain()


def test_the_value_is_honest():
    """Over many small draws the apparent worth flatters; the cross-fitted one does not promise what is not there."""
    big = world(20_000, seed=99, settings=4)

    def true_worth(stages):
        rows = replay_cascade(big, stages)
        right, wrong = ((rows["outcome"] == verdict).mean() for verdict in ("correct", "wrong"))
        return float(UTILITY.of(np.array(right), np.array(wrong))) - rows["cost_usd"].mean()

    rows = []
    for seed in range(40):
        found = search_cascades(world(60, seed, 4), UTILITY, thresholds=6, repeats=1, top=1)
        truth = true_worth(found.best)
        rows.append((found.apparent - truth, found.value - truth))
    flattery, honesty = np.array(rows).T
    error = 2 * honesty.std() / np.sqrt(len(rows))
    assert flattery.mean() > 2 * flattery.std() / np.sqrt(len(rows))
    assert honesty.mean() <= error
    assert honesty.mean() < flattery.mean() - 0.02


def test_what_cannot_be_searched_is_said():
    """Unknown money, missing times and too few images are refused before a figure is given."""
    frame = world(50)
    with pytest.raises(DatasetError, match="s1 has no known cost"):
        search_cascades(frame.assign(cost_usd=frame["cost_usd"].mask(frame["setting"] == "s1")), UTILITY)
    with pytest.raises(DatasetError, match="needs latency_s or elapsed_s"):
        search_cascades(frame.drop(columns="elapsed_s"), Utility(cost_per_second=0.1))
    with pytest.raises(DatasetError, match="3 images that all settings read are too few"):
        search_cascades(world(3), UTILITY)
    timed = search_cascades(frame, Utility(cost_per_second=0.01))
    untimed = search_cascades(frame, Utility())
    assert timed.apparent < untimed.apparent
    free = search_cascades(frame.drop(columns="cost_usd"), UTILITY)
    assert np.isnan(free.table["cost_usd"]).all()


def test_the_search_finds_settings_that_must_agree():
    """Three cheap engines whose errors differ: two that say the same are right, and the third breaks ties."""
    rng, n = np.random.default_rng(4), 600
    frames = []
    for k in range(3):
        right = rng.random(n) < 0.7
        text = np.where(right, "t", [f"f{k}{i}" for i in range(n)])  # no two are wrong alike
        outcome = np.where(right, "correct", "wrong")
        frames.append(pd.DataFrame({"setting": f"s{k}", "sample": range(n), "outcome": outcome, "text": text}))
    frame = pd.concat(frames).assign(confidence=np.nan, cost_usd=0.0)
    found = search_cascades(frame, Utility(cost_wrong=10), repeats=1)

    assert sorted(found.best) == [("s0", "agrees"), ("s1", "agrees"), ("s2", "agrees")]
    assert found.apparent == pytest.approx(replay_cascade(frame, found.best)["outcome"].eq("correct").mean())
    assert found.value > found.single_value


def test_repeats_that_agree_are_a_confidence():
    """The text that most repeats gave, by hand; failures are repeats without a text, and money adds up."""
    said = {"a": ["x", "y", "y"], "b": ["x", None, None], "c": [None, None, None], "d": ["q", "r", "s"]}
    rows = [
        {"setting": "m()", "sample": name, "repeat": k, "text": text, "cost_usd": 1.0, "confidence": np.nan,
         "outcome": "error" if text is None else "correct" if text == "y" else "wrong"}
        for name, texts in said.items()
        for k, text in enumerate(texts)
    ]  # fmt: skip
    found = repeat_agreement(pd.DataFrame(rows).sample(frac=1, random_state=0), "m()").set_index("sample")

    assert found["text"].fillna("-").to_dict() == {"a": "y", "b": "x", "c": "-", "d": "q"}
    assert found["confidence"].round(3).fillna(-1).to_dict() == {"a": 0.667, "b": 0.333, "c": -1, "d": 0.333}
    assert found["outcome"].to_dict() == {"a": "correct", "b": "wrong", "c": "error", "d": "wrong"}
    assert (found["cost_usd"] == 3).all()
    assert thresholds(found.reset_index()).table["threshold"].round(3).tolist() == [0.333, 0.667]
    with pytest.raises(DatasetError, match="no image was read twice"):
        repeat_agreement(pd.DataFrame(rows[::3]))
