import numpy as np
import pandas as pd
import pytest

from toolkit.errors import DatasetError, SettingError
from toolkit.stats import Utility, replay_cascade, search_cascades, summary


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
        outcome, asked = "no_answer", 0
        for name, threshold in stages:
            row = rows[name, sample]
            asked += 1
            cost += row["cost_usd"]
            seconds += row["latency_s"] if row["latency_s"] == row["latency_s"] else row["elapsed_s"]
            if row["outcome"] in ("correct", "wrong") and (threshold is None or row["confidence"] >= threshold):
                outcome = row["outcome"]
                break
        result[sample] = (outcome, asked, cost, seconds)
    return result


@pytest.mark.parametrize(
    "stages", [[("s0", 0.8), ("s1", None)], [("s1", None), ("s0", 0.5)], [("s0", 0.9), ("s1", 0.9), ("s2", None)]]
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
