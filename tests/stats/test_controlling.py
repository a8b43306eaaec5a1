import numpy as np
import pandas as pd
import pytest
from worlds import WORLDS, World

from toolkit.errors import DatasetError, SettingError
from toolkit.stats import control_so_far
from toolkit.stats._thresholds.controlling import log_capitals
from toolkit.stats._thresholds.risk_tests import needed_to_start, risk_p

SETTINGS = np.arange(1, 12) / 11
MAX_RISK, CONFIDENCE, RUNS = 0.05, 0.90, 150
LIMIT = 0.10 + 2.5 * np.sqrt(0.1 * 0.9 / RUNS)


def coarse(world):
    """The same world seen by a service of eleven settings."""
    parts = np.array_split(np.arange(world.layers), 11)
    share = np.array([world.share[part].sum() for part in parts])
    return World(share, np.array([world.share[p] @ world.risk[p] for p in parts]) / share)


def placed_in(world, n, rng):
    """Images in the order in which they came, placed on the eleven settings."""
    layer = rng.choice(12, n, p=np.append(world.share, max(0, 1 - world.share.sum())))
    wrong = rng.random(n) < np.append(world.risk, 0)[layer]
    verdict = np.where(layer == 11, "no_answer", np.where(wrong, "wrong", "correct"))
    return pd.DataFrame({"place": 11 - layer, "outcome": verdict})


def too_risky(world, threshold):
    return bool(np.isfinite(threshold) and world.true_risk[11 - round(threshold * 11)] > MAX_RISK)


def by_bets(placed):
    return control_so_far(placed, SETTINGS, len(placed), max_risk=MAX_RISK, confidence=CONFIDENCE).threshold


def by_looking_again(placed):
    """What is not offered: the exact test of one look, looked at after every image."""
    accepted = placed["place"].to_numpy()[:, None] > np.arange(11)[::-1]
    wrong = accepted & (placed["outcome"] == "wrong").to_numpy()[:, None]
    taken, failed = accepted.cumsum(axis=0), wrong.cumsum(axis=0)
    start = needed_to_start(MAX_RISK, 1 - CONFIDENCE)
    passed = ((risk_p(failed, taken, MAX_RISK) <= 1 - CONFIDENCE) & (taken >= start)).any(axis=0)
    loosest = np.flatnonzero(np.logical_and.accumulate(passed[taken[-1] >= start]))
    skipped = int(np.count_nonzero(taken[-1] < start))
    return SETTINGS[10 - skipped - loosest[-1]] if loosest.size else np.nan


def broken(world, rule, n=2000):
    rng = np.random.default_rng(3)
    return np.mean([too_risky(world, rule(placed_in(world, n, rng))) for _ in range(RUNS)])


@pytest.mark.parametrize("name", WORLDS)
def test_the_promise_holds_at_every_look(name):
    """Whenever one stops, the proven threshold is too risky in one run of ten at most, in all five worlds."""
    assert broken(coarse(WORLDS[name]), by_bets) <= LIMIT  # what was ever proven stays proven, so the end is every look


def test_a_test_of_one_look_breaks_it():
    """The p-value that is right at the end is wrong when one stops as soon as it pleases."""
    assert broken(coarse(WORLDS["flat"]), by_looking_again, n=4000) > LIMIT


def test_capital_is_that_of_betting_answer_by_answer():
    """Only accepted answers are bet on, at odds from those before them, and never on the wrong side of the target."""
    rng = np.random.default_rng(0)
    accepted = rng.random((60, 2)) < 0.7
    wrong = accepted & (rng.random((60, 2)) < [0.02, 0.5])
    safe, risky = log_capitals(accepted, wrong, 0.1)
    for column in range(2):
        for found, start, clip in ((safe, 0.5, min), (risky, 1.0, max)):
            taken = failed = 0
            won = most = 0.0
            for given, bad in zip(accepted[:, column], wrong[:, column], strict=True):
                if given:
                    odds = clip((failed + start) / (taken + 10), 0.1)
                    won += np.log(odds / 0.1) if bad else np.log((1 - odds) / 0.9)
                    most = max(most, won)
                    taken, failed = taken + 1, failed + bad
            assert found[column] == pytest.approx(most)
    assert safe[0] > np.log(1.5) > safe[1]
    assert risky[1] > np.log(10)


def test_a_clear_service_is_settled_early_and_a_close_one_is_not():
    """Far from the target a part of the images is enough; the sentences say what is proven and what is waited for."""
    good = World(np.full(11, 0.95 / 11), 0.001 * (0.12 / 0.001) ** (np.arange(11) / 10))
    images = placed_in(good, 6000, np.random.default_rng(1))
    found = control_so_far(images.head(1500), SETTINGS, 6000)
    assert found.status == "stop"
    assert found.threshold == SETTINGS[0]
    assert "Stop: after 1,500 of 6,000 images from threshold 0.0909" in found.explain()
    assert "no setting is left to prove" in found.explain()

    bad = placed_in(coarse(WORLDS["hard"]), 2000, np.random.default_rng(1))
    stopped = control_so_far(bad.head(600), SETTINGS, 2000)
    assert stopped.status == "stop"
    assert "is too risky" in stopped.explain()
    assert np.isnan(stopped.threshold)

    close = placed_in(coarse(WORLDS["flat"]), 2000, np.random.default_rng(2))
    waiting = control_so_far(close.head(600), SETTINGS, 2000)
    assert waiting.status == "go on"
    assert "is not settled yet" in waiting.explain()
    assert "<table" in waiting._repr_html_()
    assert "all images are seen" in control_so_far(close, SETTINGS, 2000).explain()


def test_the_start_is_fixed_by_the_pilot():
    """Before the pilot is over nothing is tested; what is seen later does not move the first setting."""
    images = placed_in(coarse(WORLDS["typical"]), 3000, np.random.default_rng(4))
    early = control_so_far(images.head(299), SETTINGS, 3000)
    assert set(early.table["standing"]) == {"accepts too few"}
    assert "the pilot is not over" in early.explain()
    later = pd.concat([images.head(300), images.iloc[300:].assign(place=11)])
    skipped = [
        control_so_far(frame, SETTINGS, 3000, pilot=300).table["standing"].eq("accepts too few").sum()
        for frame in (images.head(300), images, later)
    ]
    assert len(set(skipped)) == 1


def test_slips_are_named():
    """AdaptiveSemaphore beyond the settings, settings that fall, too many images and missing columns are refused."""
    images = placed_in(coarse(WORLDS["typical"]), 50, np.random.default_rng(0))
    with pytest.raises(SettingError, match="each placed between 0 and 3"):
        control_so_far(images, [1, 2, 3], 100)
    with pytest.raises(SettingError, match="at most total=20 images"):
        control_so_far(images, SETTINGS, 20)
    with pytest.raises(SettingError, match="rising"):
        control_so_far(images, SETTINGS[::-1], 100)
    with pytest.raises(SettingError, match="max_risk=5"):
        control_so_far(images, SETTINGS, 100, max_risk=5)
    with pytest.raises(DatasetError, match="no column place"):
        control_so_far(images.drop(columns="place"), SETTINGS, 100)
