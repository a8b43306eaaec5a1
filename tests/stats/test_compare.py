import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from test_summary import random_outcomes

from toolkit.errors import SettingError
from toolkit.stats import compare
from toolkit.stats._comparison.paired import bonett_price, mcnemar, newcombe, newcombe_of_repeats, tango


def drawn(n, skills, seed=0, repeats=1, shared=0.5):
    """Settings of given accuracies on n images, of which a share are equally easy or hard for all."""
    rng = np.random.default_rng(seed)
    common = rng.random((n, repeats))
    frames = []
    for label, skill in skills.items():
        own = np.where(rng.random((n, 1)) < shared, common, rng.random((n, repeats)))
        right = own < skill
        frames.append(
            pd.DataFrame(
                {
                    "setting": label,
                    "sample": np.repeat(np.arange(n), repeats),
                    "repeat": np.tile(np.arange(repeats), n),
                    "outcome": np.where(right, "correct", "wrong").ravel(),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


@pytest.fixture(scope="module")
def outcomes():
    frame = random_outcomes(300).sort_values("setting")
    third = frame[frame["setting"] == "b"].assign(setting="c")
    third["outcome"] = third["outcome"].mask(third["edits"].rank(method="first") > 240, "error")
    return pd.concat([frame, third], ignore_index=True)


@pytest.mark.parametrize("metric", ["accuracy_all", "accuracy_answered", "coverage", "accuracy_normalised"])
def test_pairs_stand_on_the_images_both_counted(outcomes, metric):
    """Counts, difference, interval and p-value are those of the 2 x 2 table of the shared images."""
    part = ["correct", "wrong"] if metric == "accuracy_answered" else ["correct", "wrong", "no_answer"]
    value = {
        "coverage": outcomes["outcome"].isin(["correct", "wrong"]),
        "accuracy_normalised": outcomes["correct_normalised"],
    }.get(metric, outcomes["outcome"] == "correct")
    kept = outcomes["outcome"].isin(part)
    wide = outcomes.assign(value=value)[kept].pivot_table(index="sample", columns="setting", values="value")

    found = compare(outcomes, metric=metric)
    assert found.table[["setting", "baseline"]].to_numpy().tolist() == [["b", "a"], ["c", "a"], ["c", "b"]]
    p = []
    for _, row in found.table.iterrows():
        both = wide[[row["setting"], row["baseline"]]].dropna().astype(bool)
        first, second = both.T.to_numpy()
        counts = [(first & second).sum(), (first & ~second).sum(), (~first & second).sum(), (~first & ~second).sum()]
        assert row["images"] == len(both)
        assert [row["only_setting"], row["only_baseline"]] == counts[1:3]
        assert row["difference"] == pytest.approx(first.mean() - second.mean())
        assert row["value"] == pytest.approx(first.mean())
        np.testing.assert_allclose([row["difference_low"], row["difference_high"]], newcombe(*counts))
        p.append(float(mcnemar(*counts[1:3])))
        assert row["p"] == pytest.approx(p[-1])
    np.testing.assert_allclose(found.table["p_holm"], multipletests(p, method="holm")[1])
    if metric != "accuracy_answered":
        assert found.overall["images"] == len(wide.dropna())


def test_a_baseline_halves_the_family(outcomes):
    """With a baseline only its own pairs are compared, and the correction is for those."""
    found = compare(outcomes, "a")
    assert found.table["setting"].tolist() == ["b", "c"]
    assert (found.table["baseline"] == "a").all()
    everything = compare(outcomes).table
    assert (everything["p_holm"] <= 3 * everything["p"] + 1e-12).all()
    assert (found.table["p_holm"] <= 2 * found.table["p"] + 1e-12).all()


def test_the_verdict_and_the_sentence_agree():
    """A clear difference is named, an unclear one comes with the images it would take."""
    found = compare(drawn(400, {"weak": 0.7, "strong": 0.9, "alike": 0.69}), "weak")
    assert found.table["verdict"].tolist() == ["better", "cannot tell"]
    sentences = found.explain().splitlines()
    assert "strong against weak: the share of images read right differs by +" in sentences[0]
    assert sentences[0].endswith(": better.")
    assert "not distinguishable; a difference of this size takes about" in sentences[1]
    assert "<table" in found._repr_html_()
    assert "400 shared images" in repr(found)
    assert sentences[2].startswith("Taken together, the 3 settings differ on the 400 images that count for all of them")
    assert "Each pair on the images that count for both; trials that ended in an error are left out" in repr(found)
    turned = compare(drawn(400, {"weak": 0.7, "strong": 0.9}), "strong")
    assert turned.table["verdict"].tolist() == ["worse"]


def test_a_family_of_equals_is_told_apart_in_one_run_of_twenty():
    """Of fifteen pairs of equal settings one is called better in 5 % of the runs at most; without correction, far more."""
    any_told = any_p = 0
    for seed in range(150):
        table = compare(drawn(150, dict.fromkeys("abcdef", 0.8), seed, shared=0.3)).table
        any_told += (table["verdict"] != "cannot tell").any()
        any_p += (table["p"] <= 0.05).any()
    limit = 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / 150)
    assert any_told / 150 <= limit
    assert any_p / 150 > 2 * limit


def test_a_margin_tells_equivalence_from_ignorance():
    """Alike on many images is equivalent, alike on few is not known, and no test of difference says either."""
    skills = {"old": 0.9, "new": 0.9}
    many, few = (compare(drawn(n, skills, shared=0.9), margin=0.03).table for n in (3000, 60))
    assert many["verdict"].tolist() == few["verdict"].tolist() == ["cannot tell"]
    assert many["margin_verdict"].tolist() == ["equivalent"]
    assert few["margin_verdict"].tolist() == ["cannot tell"]
    apart = compare(drawn(2000, {"old": 0.9, "new": 0.7}), margin=0.03).table
    assert apart["margin_verdict"].tolist() == ["worse"]
    ahead = compare(drawn(2000, {"old": 0.7, "new": 0.9}), margin=0.03).table
    assert ahead["margin_verdict"].tolist() == ["not worse"]
    with pytest.raises(SettingError, match="margin=0 must be above 0"):
        compare(drawn(10, skills), margin=0)


def test_error_rates_are_compared_on_the_same_draws(outcomes):
    """The difference of CER is that of the shared answers, with scipy's paired bootstrap interval."""
    rows = outcomes[outcomes["text"].notna() & outcomes["setting"].isin(["a", "b"])]
    wide = rows.pivot_table(index="sample", columns="setting", values="edits").dropna()
    length = rows.drop_duplicates("sample").set_index("sample")["target_length"].loc[wide.index]
    found = compare(outcomes[outcomes["setting"] != "c"], "a", metric="cer_micro").table.iloc[0]

    assert found["value"] == pytest.approx(wide["b"].sum() / length.sum())
    assert found["difference"] == pytest.approx((wide["b"] - wide["a"]).sum() / length.sum())
    expected = stats.bootstrap(
        (wide["b"], wide["a"], length),
        lambda x, y, n, axis: (x - y).sum(axis) / n.sum(axis),
        paired=True,
        n_resamples=4999,
        rng=np.random.default_rng(0),
    ).confidence_interval
    width = expected.high - expected.low
    np.testing.assert_allclose(found[["difference_low", "difference_high"]].astype(float), expected, atol=0.05 * width)
    assert found["verdict"] == "better"  # fewer errors are better, though the difference is negative
    everything = compare(outcomes, "a", metric="cer_micro_all").table.iloc[0]
    assert everything["images"] > found["images"]
    assert everything["value"] > found["value"]


def test_error_rates_that_never_differ_are_not_proven_equal(outcomes):
    """Where no image differs the interval is the exact one of how many may, and shrinks with the images."""
    rows = outcomes[outcomes["setting"] == "a"]
    for n in (40, 200):
        alike = pd.concat([rows.head(n), rows.head(n).assign(setting="z")])
        row = compare(alike, "a", metric="cer_micro_all").table.iloc[0]
        most = 1 - 0.025 ** (1 / row["images"])
        assert (row["difference"], row["p"]) == (0, 1)
        assert (row["difference_low"], row["difference_high"]) == pytest.approx((-most, most))


def test_repeats_are_compared_image_by_image():
    """Alike repeats give the exact test of one reading each; counting each call as an image overstates it."""
    frame = drawn(60, {"x": 0.6, "y": 0.75}, repeats=4, shared=0.2)
    # Each image is read alike in all its repeats: four calls know as much as one.
    frame["outcome"] = frame.groupby(["setting", "sample"])["outcome"].transform("first")
    once = compare(frame[frame["repeat"] == 0]).table.iloc[0]
    found = compare(frame).table.iloc[0]

    assert found["difference"] == pytest.approx(once["difference"])
    assert found["p"] == pytest.approx(mcnemar(once["only_setting"], once["only_baseline"], exact=True), rel=0.1)
    assert found["difference_low"] == pytest.approx(once["difference_low"], abs=0.03)
    as_calls = frame.assign(sample=frame["sample"] * 10 + frame["repeat"])
    assert compare(as_calls).table.iloc[0]["p"] < found["p"] / 20


def test_alike_repeats_are_not_proof_of_equality():
    """Unanimous repeats have the interval of one reading, also where no image differs: others may."""
    for skills, shared in (({"x": 0.7, "y": 0.7}, 1.0), ({"x": 0.7, "y": 0.85}, 0.6)):
        once = drawn(50, skills, shared=shared)
        tripled = pd.concat([once.assign(repeat=k) for k in range(3)])
        expected = compare(once).table[["difference", "difference_low", "difference_high"]]
        found = compare(tripled).table[["difference", "difference_low", "difference_high"]]
        np.testing.assert_allclose(found, expected, atol=1e-9)


def repeated_coverage(interval, runs=400):
    """How often the difference of two readers who waver alike on hard images is covered, with three readings each."""
    rng = np.random.default_rng(3)
    truth = 0.8 - stats.beta(1.6, 0.4).expect(lambda ease: ease**1.5)
    covered = 0
    for _ in range(runs):
        ease = rng.beta(1.6, 0.4, 100)  # 0.8 on average
        right = [rng.binomial(3, ease), rng.binomial(3, ease**1.5)]
        low, high = interval(*right)
        covered += low <= truth <= high
    return covered / runs


def test_intervals_of_repeats_hold_their_level():
    """Pairs of repeated readings are covered as promised; taken for images of their own, they are not paired at all."""
    three = np.full(100, 3.0)
    kept = repeated_coverage(lambda x, y: newcombe_of_repeats((x, three), (y, three)))
    assert kept >= 0.93

    def as_calls(x, y):
        both = np.minimum(x, y).sum()
        return newcombe(both, x.sum() - both, y.sum() - both, 300 - x.sum() - y.sum() + both)

    assert repeated_coverage(as_calls) < kept - 0.02


def test_latency_and_cost_are_compared_too(outcomes):
    """A setting that takes twice as long is found slower, with an interval that holds the truth."""
    rows = outcomes[outcomes["setting"] == "b"]
    slow = rows.assign(setting="slow", latency_s=rows["latency_s"] * 2 + 0.1, cost_usd=rows["cost_usd"] * 3)
    both = pd.concat([rows, slow])
    median = compare(both, "b", metric="latency_p50_s").table.iloc[0]
    truth = rows["latency_s"].median() + 0.1
    assert median["difference_low"] < truth < median["difference_high"]
    assert median["verdict"] == "worse"
    cost = compare(both, "b", metric="cost_usd").table.iloc[0]
    assert cost["difference"] == pytest.approx(2 * rows.loc[rows["outcome"] != "error", "cost_usd"].mean())
    assert cost["verdict"] == "worse"


def latency_coverage(quantile_metric, truth, interval=lambda row: row[["difference_low", "difference_high"]]):
    """How often the difference of a latency quantile is covered, over drawn runs on 100 images."""
    rng = np.random.default_rng(12)
    covered = 0
    for _ in range(200):
        difficulty = rng.normal(0, 0.3, 100)
        times = np.exp(np.r_[difficulty, difficulty + 0.2] + rng.normal(0, 0.4, 200))
        frame = pd.DataFrame(
            {
                "setting": np.repeat(["a", "b"], 100),
                "sample": np.tile(np.arange(100), 2),
                "outcome": "correct",
                "latency_s": times,
            }
        )
        low, high = interval(compare(frame, "a", metric=quantile_metric, n_resamples=999).table.iloc[0])
        covered += low <= truth <= high
    return covered / 200


def test_latency_intervals_hold_their_level():
    """Ranks drawn for both settings at once cover the true difference; half as wide an interval does not."""
    z = stats.norm.ppf(0.95) * 0.5
    assert latency_coverage("latency_p50_s", np.exp(0.2) - 1) >= 0.925
    assert latency_coverage("latency_p95_s", np.exp(0.2 + z) - np.exp(z)) >= 0.925

    def halved(row):
        low, high = row["difference_low"], row["difference_high"]
        return (3 * low + high) / 4, (low + 3 * high) / 4

    assert latency_coverage("latency_p50_s", np.exp(0.2) - 1, halved) < 0.85


def test_a_cost_that_is_not_known_is_not_compared(outcomes):
    """One unknown price makes the mean unknown, and the sentence says so."""
    unknown = outcomes.assign(cost_usd=outcomes["cost_usd"].mask(outcomes["setting"] == "b"))
    found = compare(unknown, "a", metric="cost_usd")
    assert found.table.set_index("setting")["difference"].isna().tolist() == [True, False]
    assert "b and a cannot be compared by the mean cost of an image in USD: part of it is unknown." in found.explain()


def test_settings_without_a_shared_image_are_not_compared():
    """No shared image, no figure, and the sentence says so."""
    frame = pd.concat([drawn(20, {"x": 0.7}), drawn(20, {"y": 0.7}).assign(sample=lambda f: f["sample"] + 100)])
    late = compare(frame.assign(latency_s=1.0), metric="latency_p50_s").table
    assert late["images"].tolist() == [0]
    assert late["p"].isna().all()
    found = compare(frame)
    assert found.table["images"].tolist() == [0]
    assert found.table[["difference", "p", "p_holm"]].isna().all(axis=None)
    assert "share no image" in found.explain()
    assert "two settings at least" in compare(drawn(20, {"x": 0.7})).explain()


def test_the_interval_may_be_another(outcomes):
    """Tango's and Bonett and Price's intervals are those of the same counts; the test stays the same."""
    usual = compare(outcomes, "a").table
    for name, function in (("tango", tango), ("bonett_price", bonett_price)):
        other = compare(outcomes, "a", interval=name).table
        assert other["p"].tolist() == usual["p"].tolist()
        for _, row in other.iterrows():
            low, high = function(row["only_setting"], row["only_baseline"], row["images"])
            assert (row["difference_low"], row["difference_high"]) == pytest.approx((low, high))
        assert not np.allclose(other["difference_low"], usual["difference_low"])
    apart = pd.concat([drawn(20, {"x": 0.7}), drawn(20, {"y": 0.7}).assign(sample=lambda f: f["sample"] + 100)])
    for name in ("tango", "bonett_price"):
        assert np.isnan(compare(apart, interval=name).table["difference_low"][0])


def test_slips_are_named(outcomes):
    """An unknown metric or baseline is answered with the list of right ones."""
    with pytest.raises(SettingError, match="metric='accuracy' is not one of accuracy_all, accuracy_answered"):
        compare(outcomes, metric="accuracy")
    with pytest.raises(SettingError, match="baseline='z' is not among a, b, c"):
        compare(outcomes, "z")
    with pytest.raises(SettingError, match="interval='wald' is not one of newcombe"):
        compare(outcomes, interval="wald")
    with pytest.raises(SettingError, match=r"confidence_level=0\.5 leaves nothing"):
        compare(outcomes, confidence_level=0.5, margin=0.1)
