import io

import jiwer
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from toolkit.errors import DatasetError, SettingError
from toolkit.metrics import RELAXED, exact, measure
from toolkit.stats import summary
from toolkit.stats._core.intervals import clustered_wilson


def outcomes_of(rows):
    """A full outcomes frame from (setting, sample, repeat, target, text or the name of a failure, ...) rows."""
    frame = pd.DataFrame(rows, columns=["setting", "sample", "repeat", "target", "said"])
    failed = frame["said"].isin(["no_answer", "error"])
    frame["text"] = frame["said"].where(~failed, None)
    measures = measure(frame["target"], frame["text"])
    frame["outcome"] = np.where(failed, frame["said"], np.where(measures.exact, "correct", "wrong"))
    frame["correct_normalised"] = exact(frame["target"], frame["text"], RELAXED)
    frame["edits"], frame["target_length"], frame["ned"] = measures.edits, measures.target_length, measures.ned
    frame["error"] = np.where(frame["outcome"] == "error", "transport", None)
    return frame.drop(columns="said")


def random_outcomes(n=400, seed=0, repeats=1):
    """Two settings on the same n images, with every kind of outcome."""
    rng = np.random.default_rng(seed)
    rows = []
    targets = ["".join(rng.choice(list("abcDE1"), rng.integers(0, 7))) for _ in range(n)]
    for setting, skill in (("b", 0.9), ("a", 0.7)):
        for i, target in enumerate(targets):
            for repeat in range(repeats):
                draw = rng.random()
                wrong = target.lower() if rng.random() < 0.3 else target[:-1] + "xy"
                said = target if draw < skill else wrong if draw < 0.95 else "no_answer" if draw < 0.98 else "error"
                rows.append((setting, f"i{i}", repeat, target, said))
    frame = outcomes_of(rows).sample(frac=1, random_state=seed, ignore_index=True)
    answered = frame["outcome"].isin(["correct", "wrong"])
    frame["latency_s"] = np.where(answered, rng.lognormal(size=len(frame)), np.nan)
    frame["cost_usd"] = np.where(answered, 0.002, 0.0)
    frame["style"] = np.where(frame["sample"].str[-1].isin(list("0246")), "serif", "sans")
    return frame


@pytest.fixture(scope="module")
def outcomes():
    return random_outcomes()


def test_counts_and_shares_are_those_of_the_rows(outcomes):
    """Every share has the denominator that its name says, and the Wilson interval of its two counts."""
    table = summary(outcomes).set_index("setting")

    assert list(table.index) == list(dict.fromkeys(outcomes["setting"]))
    for setting, rows in outcomes.groupby("setting"):
        n = rows["outcome"].value_counts()
        answered, counted = n["correct"] + n["wrong"], len(rows) - n["error"]
        found = table.loc[setting]
        assert (found["images"], found["trials"], found["answered"]) == (400, 400, answered)
        assert (found["correct"], found["wrong"]) == (n["correct"], n["wrong"])
        assert (found["no_answer"], found["errors"]) == (n["no_answer"], n["error"])
        assert found["availability"] == pytest.approx(1 - n["error"] / 400)
        for name, k, of in (
            ("accuracy_all", n["correct"], counted),
            ("accuracy_answered", n["correct"], answered),
            ("accuracy_normalised", rows["correct_normalised"].sum(), counted),
            ("coverage", answered, counted),
        ):
            assert found[name] == pytest.approx(k / of)
            ends = found[f"{name}_low"], found[f"{name}_high"]
            assert ends == pytest.approx(proportion_confint(k, of, method="wilson"))
        assert np.isnan(found["flip_rate"])


def test_errors_can_be_counted_as_misses(outcomes):
    """The policy changes the denominators of all images, leaves those of answers, and is stated."""
    excluded, missed = summary(outcomes), summary(outcomes, errors="miss")

    np.testing.assert_allclose(missed["accuracy_all"], missed["correct"] / 400)
    np.testing.assert_allclose(missed["coverage"], missed["answered"] / 400)
    np.testing.assert_allclose(missed["accuracy_answered"], excluded["accuracy_answered"])
    assert "left out" in excluded.attrs["policy"]
    assert missed.attrs["policy"] == "trials that ended in an error count as images without an answer"
    with pytest.raises(SettingError, match="errors='drop' is neither"):
        summary(outcomes, errors="drop")


def test_error_rates_are_those_of_the_texts(outcomes):
    """CER micro is jiwer's over answered images; the stricter one scores silence as an empty text."""
    rows = outcomes[(outcomes["setting"] == "a")]
    found = summary(rows).iloc[0]
    answered = rows[rows["text"].notna()]
    counted = rows[rows["outcome"] != "error"]

    assert found["cer_micro"] == pytest.approx(jiwer.cer(answered["target"].tolist(), answered["text"].tolist()))
    assert found["cer_micro_all"] == pytest.approx(
        jiwer.cer(counted["target"].tolist(), counted["text"].fillna("").tolist())
    )
    labelled = answered[(answered["target"] != "") | (answered["edits"] == 0)]
    rates = [jiwer.cer(t, a) for t, a in zip(labelled["target"], labelled["text"], strict=True)]
    assert found["cer_macro"] == pytest.approx(np.mean(rates))
    assert found["ned"] == pytest.approx(answered["ned"].mean())
    assert found["empty_targets"] == (rows["target"] == "").sum() > 0


def test_latency_has_exact_intervals_and_counts_time_outs_as_slow(outcomes):
    """Quantiles are of answers; a trial that ran out of time is slower than any of them."""
    rows = outcomes[outcomes["setting"] == "b"].copy()
    times = rows["latency_s"].dropna()
    found = summary(rows).iloc[0]
    for name, quantile in (("latency_p50_s", 0.5), ("latency_p95_s", 0.95)):
        assert found[name] == pytest.approx(stats.mstats.hdquantiles(times, [quantile])[0])
        expected = stats.quantile_test(times, p=quantile).confidence_interval(0.95)
        assert (found[f"{name}_low"], found[f"{name}_high"]) == pytest.approx(tuple(expected))

    rows["error"] = rows["error"].where(rows["outcome"] != "error", "deadline_exceeded")
    cut = summary(rows).iloc[0]
    slow = np.sort(np.r_[times, np.full((rows["outcome"] == "error").sum(), np.inf)])
    assert cut["latency_p95_s_low"] == stats.quantile_test(slow, p=0.95).confidence_interval(0.95)[0]
    assert np.isnan(summary(rows.head(30)).iloc[0]["latency_p95_s_high"])


def test_cost_of_a_right_answer_inverts_the_interval_of_its_share(outcomes):
    """At one price an answer the price of a right one is bounded by the bounds of the right share."""
    for _, found in summary(outcomes).iterrows():
        low, high = proportion_confint(found["correct"], found["answered"], method="wilson")
        assert found["cost_usd"] == pytest.approx(0.002 * found["answered"])
        assert found["cost_per_correct_usd"] == pytest.approx(0.002 * found["answered"] / found["correct"])
        ends = found["cost_per_correct_usd_low"], found["cost_per_correct_usd_high"]
        assert ends == pytest.approx((0.002 / high, 0.002 / low))


def test_costs_that_are_unknown_unequal_or_nothing():
    """A missing price is a missing cost; unequal prices have Fieller's interval; no right answer has no price."""
    frame = random_outcomes(60)
    unknown = frame.assign(cost_usd=frame["cost_usd"].mask(frame.index == 7))
    row = summary(unknown).set_index("setting").loc[frame["setting"][7]]
    assert np.isnan(row[["cost_usd", "cost_per_correct_usd", "cost_per_correct_usd_high"]].astype(float)).all()
    assert row["cost_unknown"] == 1

    unequal = frame.assign(cost_usd=np.linspace(0.001, 0.002, len(frame)))
    row = summary(unequal).iloc[0]
    assert row["cost_per_correct_usd_low"] < row["cost_per_correct_usd"] < row["cost_per_correct_usd_high"]

    free = summary(frame.assign(cost_usd=0.0)).iloc[0]
    assert free[["cost_per_correct_usd", "cost_per_correct_usd_low", "cost_per_correct_usd_high"]].tolist() == [0, 0, 0]
    never = summary(frame[frame["outcome"] != "correct"]).iloc[0]
    assert never["cost_usd"] > 0
    assert np.isnan(never["cost_per_correct_usd"])
    assert np.isnan(never["cost_per_correct_usd_high"])


def test_repeats_are_one_image():
    """Intervals follow the images; the flip rate says how often two readings of an image differ."""
    frame = random_outcomes(80, repeats=3)
    found = summary(frame).set_index("setting")
    for setting, rows in frame.groupby("setting"):
        counted = rows[rows["outcome"] != "error"]
        by_image = (counted["outcome"] == "correct").groupby(counted["sample"]).agg(["sum", "size"])
        assert (found.loc[setting, "images"], found.loc[setting, "trials"]) == (80, 240)
        ends = found.loc[setting, "accuracy_all_low"], found.loc[setting, "accuracy_all_high"]
        assert ends == pytest.approx(clustered_wilson(by_image["sum"], by_image["size"]))
        pairs = counted.merge(counted, on="sample")
        pairs = pairs[pairs["repeat_x"] != pairs["repeat_y"]]
        differ = (pairs["outcome_x"] == "correct") != (pairs["outcome_y"] == "correct")
        assert found.loc[setting, "flip_rate"] == pytest.approx(differ.mean())

    once = random_outcomes(80)
    tripled = summary(pd.concat([once.assign(repeat=i) for i in range(3)]))
    shares = [f"{name}_{end}" for name in ("accuracy_all", "coverage", "accuracy_answered") for end in ("low", "high")]
    np.testing.assert_allclose(tripled[shares], summary(once)[shares])
    assert (tripled["flip_rate"] == 0).all()


@pytest.mark.parametrize("by", ["style", ["style", "target_length"], "length"])
def test_a_slice_has_the_figures_of_its_rows(outcomes, by):
    """Each row of a sliced summary is the summary of that slice alone."""
    table = summary(outcomes, by=by)
    names = [by] if isinstance(by, str) else by
    columns = ["target_length" if name == "length" else name for name in names]
    figures = table.columns.drop(["setting", *names])

    assert len(table) == outcomes.groupby(["setting", *columns]).ngroups
    for _, row in table.iloc[::3].iterrows():
        wanted = row[["setting", *names]].tolist()
        rows = outcomes[(outcomes[["setting", *columns]] == wanted).all(axis="columns")]
        expected = summary(rows)[figures].iloc[0].astype(float)
        np.testing.assert_allclose(row[figures].astype(float), expected)


def test_the_character_set_of_the_labels_is_a_slice_of_any_frame(outcomes):
    """Without a column of that name the targets tell which characters they are made of."""
    table = summary(outcomes, by="charset")
    has_digit = outcomes["target"].str.contains("1")
    letters = outcomes["target"].str.contains("[a-z]", case=False)
    mixed = outcomes[has_digit & letters]["setting"].value_counts()
    found = table[table["charset"] == "alphanumeric"].set_index("setting")["trials"]
    assert found.to_dict() == mixed.to_dict()
    assert {"letters", "upper", "lower"} <= set(table["charset"])
    own = summary(outcomes.assign(charset="mine"), by="charset")
    assert set(own["charset"]) == {"mine"}


def test_rows_without_the_tag_are_a_slice_of_their_own(outcomes):
    """An image that has no value for a tag does not vanish from the table."""
    table = summary(outcomes.assign(style=outcomes["style"].where(outcomes.index % 5 != 0)), by="style")
    assert table["trials"].sum() == len(outcomes)
    assert table["style"].isna().sum() == 2


def test_a_frame_from_a_file_gives_the_same_table(outcomes):
    """Categories, strings and a detour through CSV make no difference."""
    typed = outcomes.assign(**{name: outcomes[name].astype("category") for name in ("setting", "outcome", "error")})
    text = io.StringIO(outcomes.to_csv(index=False))
    expected = summary(outcomes).set_index("setting")

    pd.testing.assert_frame_equal(summary(pd.read_csv(text)).set_index("setting"), expected)
    from_categories = summary(typed)
    assert from_categories["setting"].tolist() == ["a", "b"]
    pd.testing.assert_frame_equal(
        from_categories.set_index("setting").loc[expected.index], expected, check_index_type=False
    )


def test_columns_that_lack_leave_their_figures_open():
    """Three columns make a summary; what they cannot tell is missing, not nought."""
    frame = pd.DataFrame({"setting": ["x"] * 3, "sample": [1, 2, 3], "outcome": ["correct", "wrong", "error"]})
    found = summary(frame).iloc[0]

    assert found["accuracy_all"] == 0.5
    for name in ("accuracy_normalised", "cer_micro", "ned", "latency_p50_s", "cost_usd", "cost_per_correct_usd"):
        assert np.isnan(found[name])
    with pytest.raises(DatasetError, match="the frame has no column outcome; it has setting, sample"):
        summary(frame.drop(columns="outcome"))
    with pytest.raises(DatasetError, match="by='font': no such column"):
        summary(frame, by="font")
    with pytest.raises(DatasetError, match="outcome has the value 'right'"):
        summary(frame.replace("correct", "right"))
    with pytest.raises(DatasetError, match="column sample: row 1 is missing"):
        summary(frame.assign(sample=["a", None, "c"]))


def test_nothing_at_all_and_nothing_answered():
    """No rows give no rows; only errors give shares that are unknown."""
    frame = random_outcomes(20)
    empty = summary(frame.head(0))
    assert len(empty) == 0
    assert list(empty.columns) == list(summary(frame).columns)
    broken = summary(frame.assign(outcome="error", text=None, edits=np.nan)).iloc[0]
    assert broken["availability"] == 0
    assert np.isnan(broken[["accuracy_all", "coverage", "accuracy_all_low", "cer_micro"]].astype(float)).all()
