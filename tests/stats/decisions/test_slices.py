"""Thresholds by slice: the target holds in all slices together, and a common threshold that breaks is named."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.append(str(Path(__file__).parents[1]))  # whose worlds these are

from worlds import WORLDS, World, even

from toolkit.errors import DatasetError, SettingError
from toolkit.stats import SlicedChoice, pick_threshold, thresholds

MAX_RISK, LEVEL, RUNS = 0.05, 0.90, 80
SLICES = {"clean": 400, "scan": 250, "phone": 150}
LIMIT = 0.10 + 2.5 * np.sqrt(0.1 * 0.9 / RUNS)


def outcomes_of(worlds, rng):
    """Images of unequal slices, each with a world of its own."""
    parts = [
        world.outcomes(n, rng).assign(source=name) for (name, n), world in zip(SLICES.items(), worlds, strict=True)
    ]
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(sample=range(len(frame)))


def breaks(world, threshold):
    """Whether a threshold on confidence has a true risk above the target in a world."""
    if not np.isfinite(threshold):
        return False
    layer = round((1 - threshold) * 100)
    return world.true_risk[min(layer, world.layers - 1)] > MAX_RISK


def broken_share(worlds, rule):
    """In how many draws some slice's threshold has a true risk above the target."""
    rng = np.random.default_rng(11)
    broken = 0
    for _ in range(RUNS):
        found = rule(outcomes_of(worlds, rng))
        broken += any(breaks(world, found[name]) for name, world in zip(SLICES, worlds, strict=True))
    return broken / RUNS


def shared_budget(frame):
    choice = pick_threshold(thresholds(frame, by="source"), MAX_RISK, LEVEL)
    return {name: one.threshold for name, one in choice.choices.items()}


def whole_budget_each(frame):
    """The wrong rule: every slice tested as if it were alone."""
    return {name: pick_threshold(thresholds(rows), MAX_RISK, LEVEL).threshold for name, rows in frame.groupby("source")}


def one_for_all(frame):
    """The other wrong rule: one threshold from all images together."""
    return dict.fromkeys(SLICES, pick_threshold(thresholds(frame), MAX_RISK, LEVEL).threshold)


EDGE = World(even(0.9), np.full(34, 0.0505))
"""Every threshold is just above the target, so that each slice breaks as often as its test lets it."""


@pytest.mark.montecarlo
@pytest.mark.parametrize("name", WORLDS)
def test_the_target_holds_in_all_slices_together(name):
    """Whatever the world of the slices, some slice breaks in one draw of ten at most."""
    assert broken_share([WORLDS[name]] * 3, shared_budget) <= LIMIT


@pytest.mark.montecarlo
def test_the_target_holds_where_slices_differ():
    """Also where one slice is easy, one typical and one at the edge."""
    worlds = [World(even(0.95), np.full(34, 0.005)), WORLDS["typical"], EDGE]

    assert broken_share(worlds, shared_budget) <= LIMIT


@pytest.mark.montecarlo
def test_testing_each_slice_as_if_alone_breaks_it():
    """Three whole error budgets are three chances to err."""
    assert broken_share([EDGE] * 3, whole_budget_each) > LIMIT
    assert broken_share([EDGE] * 3, shared_budget) <= LIMIT


@pytest.mark.montecarlo
def test_one_threshold_for_all_breaks_in_a_hard_slice():
    """What holds on average does not hold where images are hard."""
    easy, hard = World(even(0.95), np.full(34, 0.002)), World(even(0.95), np.linspace(0, 0.3, 34))

    assert broken_share([easy, easy, hard], one_for_all) > 0.9
    assert broken_share([easy, easy, hard], shared_budget) <= LIMIT


def pages_and_photos():
    """The known case: no error on clean pages, four of ten on photos, at one and the same confidence."""
    pages = pd.DataFrame({"outcome": ["correct"] * 900, "source": "page"})
    photos = pd.DataFrame({"outcome": ["wrong"] * 17 + ["correct"] * 23, "source": "photo"})
    frame = pd.concat([pages, photos], ignore_index=True)
    return frame.assign(setting="engine()", sample=range(len(frame)), confidence=0.9)


def test_a_common_threshold_that_breaks_in_a_slice_is_named_with_its_figures():
    """0 % wrong on pages and 43 % on photos: the common threshold holds on average, and the warning says where it does not."""
    choice = pick_threshold(thresholds(pages_and_photos(), by="source"), 0.05, 0.90)

    assert isinstance(choice, SlicedChoice)
    assert choice.common.status == "controlled"
    assert choice.broken == ["photo"]
    assert (
        "Warning: the common threshold 0.9 breaks the target for photo: 17 of 40 accepted are wrong (42.5 %"
        in choice.explain()
    )
    rows = choice.table.set_index("slice")
    assert rows.loc["page", "gives_up"] == pytest.approx(0)
    assert rows.loc["photo", "gives_up"] == pytest.approx(1)
    assert rows.loc["photo", "status"] != "controlled"


def test_curves_by_slice_are_those_of_the_slices():
    """Each is the curve of the slice's rows, and the pooled one that of all."""
    frame = outcomes_of([WORLDS["typical"]] * 3, np.random.default_rng(0))
    curves = thresholds(frame, by="source")

    assert list(curves.curves) == ["clean", "phone", "scan"]
    for name, curve in curves.curves.items():
        pd.testing.assert_frame_equal(curve.table, thresholds(frame[frame["source"] == name]).table)
    pd.testing.assert_frame_equal(curves.pooled.table, thresholds(frame).table)
    assert list(curves.table["source"].unique()) == ["clean", "phone", "scan"]
    assert "clean: 400 images" in curves.explain()


def test_what_cannot_be_sliced_is_said():
    """A column that is not there, one with gaps, one that names every image, and a service's own threshold."""
    frame = outcomes_of([WORLDS["typical"]] * 3, np.random.default_rng(0))
    with pytest.raises(DatasetError, match="no column kind"):
        thresholds(frame, by="kind")
    with pytest.raises(DatasetError, match="800 rows have no value"):
        thresholds(frame.assign(kind=None), by="kind")
    with pytest.raises(SettingError, match="800 values; slices need between 1 and 100"):
        thresholds(frame, by="sample")
    with pytest.raises(SettingError, match="filter the outcomes"):
        thresholds(frame, provider="a", over="score", by="source")  # type: ignore[call-overload]
