from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from toolkit.errors import DatasetError, SettingError
from toolkit.stats import (
    audit_determinism,
    audit_repeats,
    compare_probe_plans,
    monotone_curve,
    outcomes_of_placed,
    placed_images,
    probe_plan,
    smoothed_curve,
    thresholds,
)

SETTINGS = [round(0.80 + 0.01 * i, 2) for i in range(21)]
PLACED = [30, *[1] * 12, 3, 4, 6, 9, 12, 15, 9, 6, 4]  # three in ten are never accepted, most of the rest are sure


def ask(plan, place):
    """Place an image as a live probe would; the settings that were asked, and how many accepted it."""
    low, high, asked, paid = 0, len(plan.settings), [], 0
    while low < high:
        setting = plan.next_setting(low, high)
        accepted = plan.settings.index(setting) < place
        asked.append(setting)
        paid += accepted
        low, high = plan.after(low, high, accepted=accepted)
    return low, asked, paid


@pytest.mark.parametrize("strategy", ["tree", "descending", "bisection", "ascending"])
def test_every_plan_finds_every_place(strategy):
    """Whatever an image's place, the calls end at it, and cost what the table says."""
    plan = probe_plan(SETTINGS, strategy, placed=PLACED)
    for place, row in plan.table.iterrows():
        found, asked, paid = ask(plan, place)
        assert found == place
        assert (len(asked), paid) == (row["calls"], row["paid"])
        assert len(set(asked)) == len(asked)


def test_descending_pays_once_at_most():
    """From the strictest setting down an image costs one paid call, or none; the grid costs one a setting."""
    plan = probe_plan(SETTINGS, "descending", placed=PLACED)
    assert plan.table["paid"].tolist() == [0] + [1] * 21
    assert plan.paid_per_image == pytest.approx(1 - plan.table["chance"][0])
    grid = probe_plan(SETTINGS, "grid", placed=PLACED)
    assert grid.table["paid"].tolist() == list(range(22))
    assert set(grid.table["calls"]) == {21}
    assert grid.paid_per_image > 8 * plan.paid_per_image


def cheapest_of_all_trees(chance, call_cost, calls):
    """The least expected cost of any decision tree of so many calls, by trying them all."""

    @cache
    def cost(low, high, left):
        if low == high:
            return 0.0
        if left == 0:
            return np.inf
        return call_cost * sum(chance[low : high + 1]) + min(
            sum(chance[s : high + 1]) + cost(s, high, left - 1) + cost(low, s - 1, left - 1)
            for s in range(low + 1, high + 1)
        )

    return cost(0, len(chance) - 1, calls)


@pytest.mark.parametrize("call_cost", [0.0, 0.02, 0.1, 0.5, 3.0])
@pytest.mark.parametrize("max_calls", [None, 3, 4, 7])
def test_the_tree_is_the_cheapest(call_cost, max_calls):
    """No decision tree within the cap expects to cost less, on axes small enough to try all of them."""
    rng = np.random.default_rng(3)
    for m in (1, 3, 7):
        placed = rng.integers(0, 20, m + 1)
        plan = probe_plan(range(m), placed=placed, call_cost=call_cost, max_calls=max_calls)
        chance = (placed + 1) / (placed + 1).sum()
        expected = cheapest_of_all_trees(tuple(chance), call_cost, m if max_calls is None else max_calls)
        assert plan.paid_per_image + call_cost * plan.calls_per_image == pytest.approx(expected)
        assert plan.table["calls"].max() <= (max_calls or m)


def test_the_tree_trades_free_calls_for_money():
    """Dearer calls make it pay more and ask less; free ones make it descend."""
    plans = [probe_plan(SETTINGS, placed=PLACED, call_cost=c, max_calls=None) for c in (0.0001, 0.02, 0.1, 0.5)]
    paid, calls = [p.paid_per_image for p in plans], [p.calls_per_image for p in plans]
    assert paid == sorted(paid)
    assert calls == sorted(calls, reverse=True)
    descending = probe_plan(SETTINGS, "descending", placed=PLACED)
    assert paid[0] == pytest.approx(descending.paid_per_image)
    assert probe_plan(SETTINGS, "bisection").table["calls"].max() <= 5


def test_a_large_axis_is_planned_with_the_cap():
    """A hundred and one settings are told apart within eight calls, which seven cannot."""
    plan = probe_plan(range(101))
    assert plan.table["calls"].max() <= 8
    with pytest.raises(SettingError, match="6 calls tell 64 places apart, not 102"):
        probe_plan(range(101), max_calls=6)


def test_plans_side_by_side_before_anything_is_sent():
    """Money and calls are for all images, expected and at worst, and the tree is no dearer than any other."""
    table = compare_probe_plans(SETTINGS, images=1000, price=0.001, placed=PLACED, seconds_per_call=2.0).set_index(
        "strategy"
    )
    down = table.loc["descending"]
    assert down["cost_usd"] == pytest.approx(0.001 * down["paid_calls"])
    assert down["cost_usd_at_worst"] == pytest.approx(1.0)
    assert down["seconds"] == pytest.approx(2000 * down["calls_per_image"])
    cost = table["paid_per_image"] + 0.1 * table["calls_per_image"]
    within = table[table["calls_at_worst"] <= 8000].index
    assert cost["tree"] <= cost[within].min() + 1e-9
    assert "paid and" in probe_plan(SETTINGS).explain()


def test_slips_in_a_plan_are_named():
    """Falling settings, counts of another axis, unknown names and placed images are refused."""
    with pytest.raises(SettingError, match="must rise"):
        probe_plan([0.9, 0.8])
    with pytest.raises(SettingError, match="placed has 2 counts; 3 settings leave 4 places"):
        probe_plan([1, 2, 3], placed=[1, 2])
    with pytest.raises(SettingError, match="strategy='random' is not one of tree, descending"):
        probe_plan([1, 2], "random")
    plan = probe_plan([1, 2, 3, 4])
    with pytest.raises(SettingError, match="needs no call"):
        plan.next_setting(2, 2)
    unreached = next(
        (low, high) for low in range(4) for high in range(low + 1, 5) if (low, high) not in _reachable(plan)
    )
    with pytest.raises(SettingError, match="finish images with the plan they began with"):
        plan.next_setting(*unreached)


def _reachable(plan):
    seen, todo = set(), [(0, len(plan.settings))]
    while todo:
        low, high = todo.pop()
        if low < high:
            seen.add((low, high))
            todo += [plan.after(low, high, accepted=a) for a in (True, False)]
    return seen


# ── from places to a curve ───────────────────────────────────────────────────────────────────────────────


def nested_service(n=400, seed=0):
    """Where each image falls on the settings axis, and whether its answer is right."""
    rng = np.random.default_rng(seed)
    right = rng.random(n) < 0.85
    place = np.clip(np.round(rng.normal(12 + 5 * right, 6)), 0, len(SETTINGS)).astype(int)
    return place, np.where(right, "correct", "wrong")


@pytest.mark.parametrize(("strategy", "paid_at_most"), [("descending", 1.0), ("tree", 2.0), ("bisection", 5.0)])
def test_probing_gives_the_curve_of_the_full_grid(strategy, paid_at_most):
    """The curve of placed images is that of asking everywhere, for a fraction of its paid calls."""
    place, verdict = nested_service()
    plan = probe_plan(SETTINGS, strategy)
    found = [ask(plan, p) for p in place]
    placed = pd.DataFrame({"sample": np.arange(400), "place": [f[0] for f in found], "outcome": verdict})
    probed = outcomes_of_placed(placed, "capsolver(module='common')", "score", SETTINGS, price=0.001)

    everywhere = pd.DataFrame(
        [
            (
                f"capsolver(module='common', score={s!r})",
                i,
                verdict[i] if k < place[i] else "no_answer",
                0.001 * (k < place[i]),
            )
            for k, s in enumerate(SETTINGS)
            for i in range(400)
        ],
        columns=["setting", "sample", "outcome", "cost_usd"],
    )
    curves = [thresholds(frame, provider="capsolver", over="score").table for frame in (probed, everywhere)]
    pd.testing.assert_frame_equal(*curves)
    paid = sum(f[2] for f in found) / 400
    assert paid <= paid_at_most
    assert place.sum() / 400 > 4 * paid


def test_answers_go_only_to_the_settings_that_accept():
    """Text and measures belong to accepted rows; tags and targets to all; unknown prices stay unknown."""
    placed = pd.DataFrame(
        {
            "sample": ["a", "b"],
            "place": [1, 0],
            "outcome": ["wrong", "no_answer"],
            "target": ["x", "y"],
            "text": ["z", None],
            "edits": [1.0, np.nan],
            "correct_normalised": [True, False],
        }
    )
    rows = outcomes_of_placed(placed, "box", "score", [0.5, 0.9])
    assert rows["setting"].tolist() == ["box(score=0.5)"] * 2 + ["box(score=0.9)"] * 2
    assert rows["outcome"].tolist() == ["wrong", "no_answer", "no_answer", "no_answer"]
    assert rows["target"].tolist() == ["x", "y"] * 2
    assert rows["edits"].tolist()[0] == 1
    assert rows["text"].isna().tolist() == [False, True, True, True]
    assert rows["correct_normalised"].tolist() == [True, False, False, False]
    assert np.isnan(rows["cost_usd"][0])
    with pytest.raises(DatasetError, match="a has place 3; 2 settings leave 0 to 2"):
        outcomes_of_placed(placed.assign(place=3), "box", "score", [0.5, 0.9])
    with pytest.raises(DatasetError, match="b was accepted and has no verdict"):
        outcomes_of_placed(placed.assign(place=1), "box", "score", [0.5, 0.9])


def test_places_are_read_off_the_calls_that_were_made():
    """Of nested calls, a failure and a second asking: an image has a place when accepted and rejected are neighbours."""
    calls = pd.DataFrame(
        [
            ("s(score=3)", "low", 0, "no_answer", None, 0.3),
            ("s(score=2)", "low", 0, "no_answer", None, 0.3),
            ("s(score=1)", "low", 0, "wrong", "y", 0.1),
            ("s(score=1)", "low", 1, "no_answer", None, 0.1),  # asked again: not what placed it
            ("s(score=3)", "top", 0, "correct", "x", 0.2),
            ("s(score=2)", "never", 0, "no_answer", None, 0.3),
            ("s(score=1)", "never", 0, "no_answer", None, 0.3),
            ("s(score=3)", "open", 0, "no_answer", None, 0.3),  # 1 or 2 may accept it
            ("s(score=2)", "open", 0, "error", None, 0.3),
            ("s(score=1)", "tree", 0, "correct", "a", 0.1),
            ("s(score=2)", "tree", 0, "wrong", "b", 0.2),
            ("s(score=3)", "tree", 0, "no_answer", None, 0.3),
        ],
        columns=["setting", "sample", "repeat", "outcome", "text", "latency_s"],
    ).assign(target="x", cost_usd=1.0, style="plain")
    found = placed_images(calls, [f"s(score={n})" for n in (1, 2, 3)]).set_index("sample")
    assert found.index.tolist() == ["low", "top", "never", "tree"]
    assert found["place"].tolist() == [1, 3, 0, 2]
    assert found["calls"].tolist() == [3, 1, 2, 3]
    assert found["paid"].tolist() == [1, 1, 0, 2]
    assert found["outcome"].tolist() == ["wrong", "correct", "no_answer", "wrong"]
    assert found["text"].fillna("-").tolist() == ["y", "x", "-", "b"]
    assert found["latency_s"].isna().tolist() == [False, False, True, False]
    assert set(found.columns) == {*["place", "calls", "paid", "outcome", "text", "latency_s", "target", "style"]}
    with pytest.raises(DatasetError, match=r"s\(score=3\) is none of the settings other"):
        placed_images(calls, ["other"])
    assert placed_images(calls.head(0), ["s(score=1)"]).empty


# ── determinism ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_audit_decides_by_bound_and_share():
    """No flip in a hundred passes, none in sixty cannot, and more than one in twenty rules nesting out."""
    assert audit_determinism(0, 100).decision == "nested"
    assert audit_determinism(0, 60).decision == "warn"
    assert audit_determinism(3, 100).decision == "warn"
    assert audit_determinism(6, 100).decision == "independent"
    assert audit_determinism(0, 100, text_changes=6).decision == "independent"
    high = audit_determinism(3, 100).table["share_high"][0]
    assert binom.cdf(3, 100, high) == pytest.approx(0.05)
    assert "3 of 100 images changed" in audit_determinism(3, 100).explain()
    with pytest.raises(SettingError, match="must lie within repeated=0"):
        audit_determinism(0, 0)


def test_second_askings_are_judged_image_by_image():
    """An image flips once however many of its calls do; failures tell nothing; changed texts are counted apart."""
    asked = pd.DataFrame(
        [(s, i, r, "correct", "x") for i in ("a", "b", "c", "d") for s in ("s1", "s2") for r in (0, 1)],
        columns=["setting", "sample", "repeat", "outcome", "text"],
    )

    def answer(setting, sample, repeat, outcome, text):
        row = (asked["setting"] == setting) & (asked["sample"] == sample) & (asked["repeat"] == repeat)
        asked.loc[row, ["outcome", "text"]] = [outcome, text]

    answer("s1", "a", 1, "no_answer", None)
    answer("s2", "a", 0, "no_answer", None)
    answer("s1", "b", 1, "wrong", "y")
    answer("s1", "c", 0, "error", None)
    answer("s2", "c", 1, "error", None)
    audit = audit_repeats(asked.sample(frac=1, random_state=2))
    assert audit.table.loc[0, ["repeated", "flips", "text_changes"]].tolist() == [3, 1, 1]
    assert audit.decision == "independent"
    assert "1 gave another text" in audit.explain()
    assert audit_repeats(asked[asked["repeat"] == 0]) is None


def drawn_calls(rng, n=60, passes=8):
    """Calls at settings drawn at random, of images that stand somewhere each and are answered with some noise."""
    place = rng.integers(0, 5, n)
    image = np.tile(np.arange(n), passes)
    setting = rng.integers(1, 5, image.size)
    accepted = rng.random(image.size) < np.where(setting <= place[image], 0.95, 0.05)
    return pd.DataFrame(
        {
            "setting": [f"box(score={s})" for s in setting],
            "sample": image,
            "outcome": np.where(accepted, np.where(image % 4 == 0, "wrong", "correct"), "no_answer"),
        }
    )


def test_the_bands_of_a_drawn_curve_hold_because_images_are_drawn_whole():
    """Nineteen in twenty contain the truth, or nearly; taking each call for an image of its own is too sure of itself."""
    truth = np.array([0.95 * (4 - s + 1) / 5 + 0.05 * s / 5 for s in range(1, 5)])
    held = {"image": 0, "call": 0}
    for seed in range(60):
        calls = drawn_calls(np.random.default_rng(seed))
        for unit, frame in (("image", calls), ("call", calls.assign(sample=np.arange(len(calls))))):
            table = smoothed_curve(frame, "box", "score", n_resamples=199).table
            held[unit] += int(((table["coverage_low"] <= truth) & (truth <= table["coverage_high"])).sum())
    assert held["image"] / 240 >= 0.9
    assert held["call"] / 240 < 0.9


def test_a_drawn_curve_is_the_smoothed_one_of_its_counts():
    """Its points are those of `monotone_curve`, its ends enclose them, and a setting without images is named."""
    calls = drawn_calls(np.random.default_rng(1))
    found = smoothed_curve(calls.sample(frac=1, random_state=3), "box", "score", n_resamples=99)
    by_hand = calls.assign(threshold=calls["setting"].str[-2].astype(float)).groupby("threshold")["outcome"]
    counts = by_hand.agg(
        images="size", accepted=lambda o: (o != "no_answer").sum(), wrong=lambda o: (o == "wrong").sum()
    ).reset_index()
    expected = monotone_curve(counts)
    pd.testing.assert_frame_equal(found.table[expected.columns], expected, check_dtype=False)
    for name in ("coverage", "generalized_risk", "risk"):
        assert (found.table[f"{name}_low"] <= found.table[name]).all()
        assert (found.table[name] <= found.table[f"{name}_high"]).all()
    assert "480 calls at settings drawn at random" in found.explain()
    failed = calls["outcome"].mask(calls["setting"] == "box(score=2)", "error")
    with pytest.raises(DatasetError, match="no image was read at score=2"):
        smoothed_curve(calls.assign(outcome=failed), "box", "score")


def test_a_smoothed_curve_falls_and_is_nearer_the_truth():
    """Coverage and undetected errors become monotone, stay ordered, and err less than the raw shares."""
    rng = np.random.default_rng(2)
    truth = np.linspace(0.95, 0.4, 11)
    raw_error = smooth_error = 0.0
    for _ in range(200):
        images = rng.integers(40, 80, 11)
        accepted = rng.binomial(images, truth)
        wrong = rng.binomial(accepted, np.linspace(0.2, 0.02, 11))
        table = pd.DataFrame({"threshold": np.arange(11), "images": images, "accepted": accepted, "wrong": wrong})
        found = monotone_curve(table.sample(frac=1, random_state=1))
        assert (np.diff(found["coverage"]) <= 1e-12).all()
        assert (np.diff(found["generalized_risk"]) <= 1e-12).all()
        assert (found["generalized_risk"] <= found["coverage"] + 1e-12).all()
        raw_error += np.sum((accepted / images - truth) ** 2)
        smooth_error += np.sum((found["coverage"] - truth) ** 2)
    assert smooth_error < 0.8 * raw_error


def test_a_curve_that_accepts_nothing_has_no_risk():
    """Where nothing is accepted risk is not known; a setting without images is refused."""
    table = pd.DataFrame({"threshold": [0, 1], "images": [5, 5], "accepted": [3, 0], "wrong": [1, 0]})
    assert np.isnan(monotone_curve(table)["risk"][1])
    with pytest.raises(SettingError, match="every setting needs images"):
        monotone_curve(table.assign(images=[5, 0]))
