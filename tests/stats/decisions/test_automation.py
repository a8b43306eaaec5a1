"""Targets to automation: the risk and the coverage of a row hold together."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.append(str(Path(__file__).parents[1]))

from worlds import WORLDS

from toolkit.errors import DatasetError, SettingError
from toolkit.stats import automation_table, pick_threshold, thresholds

RUNS = 200


@pytest.mark.montecarlo
@pytest.mark.parametrize("name", WORLDS)
def test_target_and_coverage_hold_together(name):
    """Over draws of images, a row breaks its accuracy or its coverage in one of ten at most."""
    world, rng, broken = WORLDS[name], np.random.default_rng(5), 0
    for _ in range(RUNS):
        row = automation_table(world.outcomes(600, rng), [0.95], confidence_level=0.9).table.iloc[0]
        if row["status"] != "controlled":
            continue
        layer = round((1 - row["threshold"]) * 100)
        broken += world.true_risk[layer] > 0.05 or np.cumsum(world.share)[layer] < row["coverage_guaranteed"]

    assert broken / RUNS <= 0.1 + 2.5 * np.sqrt(0.09 / RUNS)


@pytest.mark.montecarlo
def test_the_coverage_that_was_seen_is_no_guarantee():
    """The wrong rule, which promises what was seen, breaks in half of the draws."""
    world, rng, broken = WORLDS["typical"], np.random.default_rng(5), 0
    for _ in range(RUNS):
        row = automation_table(world.outcomes(600, rng), [0.95]).table.iloc[0]
        if row["status"] == "controlled":
            broken += np.cumsum(world.share)[round((1 - row["threshold"]) * 100)] < row["coverage"]

    assert broken / RUNS > 0.3


def test_a_row_is_the_choice_for_its_target():
    """Threshold and counts are those of `pick_threshold` at half of the error."""
    frame = WORLDS["typical"].outcomes(2000, np.random.default_rng(0)).assign(cost_usd=0.002)
    table = automation_table(frame, [0.99, 0.95]).table
    expected = pick_threshold(thresholds(frame), 0.05, 0.95)

    assert table["target"].tolist() == [0.95, 0.99]
    assert table.loc[0, "threshold"] == expected.threshold
    assert table.loc[0, "coverage"] == expected.coverage
    assert table.loc[0, "cost_per_1000_usd"] == pytest.approx(2.0)


def test_what_cannot_be_guaranteed_says_how_many_images_would():
    """Few images: no threshold, nothing automated, and the number needed."""
    found = automation_table(WORLDS["typical"].outcomes(60, np.random.default_rng(0)), [0.995])
    row = found.table.iloc[0]

    assert row["status"] == "too few"
    assert row["coverage_guaranteed"] == 0
    assert row["images_needed"] > 60
    assert f"about {row['images_needed']:,.0f} images" in found.explain()


def test_settings_without_confidences_are_left_out():
    """And refused where there is no other; a target that is no share too."""
    frame = WORLDS["typical"].outcomes(300, np.random.default_rng(0))
    silent = frame.assign(setting="silent()", confidence=np.nan)

    assert automation_table(pd.concat([frame, silent]), [0.95]).table["setting"].tolist() == ["engine()"]
    with pytest.raises(DatasetError, match="gives a confidence"):
        automation_table(silent)
    with pytest.raises(SettingError, match="shares between 0 and 1"):
        automation_table(frame, [95])
