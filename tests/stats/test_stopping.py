import numpy as np
import pandas as pd
import pytest

from toolkit.errors import SettingError
from toolkit.stats import can_stop, interval_so_far, wilson
from toolkit.stats._probing.stopping import log_capital

LOOKS = [*range(5, 60, 3), *range(60, 301, 20)]


def ever_wrong(interval, truth=0.85, runs=250):
    """How often an interval misses the truth at one look at least, when looked at again and again."""
    rng = np.random.default_rng(11)
    missed = 0
    for _ in range(runs):
        right = np.cumsum(rng.random(300) < truth)
        missed += any(not low <= truth <= high for low, high in (interval(int(right[t - 1]), t) for t in LOOKS))
    return missed / runs


def test_an_interval_for_every_look_holds_at_every_look():
    """Looked at again and again it misses in one run of twenty at most; the interval for one look misses in many."""
    assert ever_wrong(interval_so_far) <= 0.05
    assert ever_wrong(wilson) > 0.15


def test_an_interval_of_a_finite_set_ends_in_its_share():
    """Drawing without replacement from 400 images it holds at every look, and is a point at the end."""
    rng = np.random.default_rng(5)
    images = np.arange(400) < 330
    missed = 0
    for _ in range(200):
        right = np.cumsum(rng.permutation(images))
        for t in (*LOOKS, 400):
            low, high = interval_so_far(int(right[t - 1]), t, total=400)
            if not low <= 330 / 400 <= high:
                missed += 1
                break
    assert missed / 200 <= 0.05
    assert interval_so_far(330, 400, total=400) == (330 / 400, 330 / 400)
    finite, source = interval_so_far(250, 300, total=400), interval_so_far(250, 300)
    assert finite.high - finite.low < 0.8 * (source.high - source.low)


def test_the_ends_of_the_scale():
    """Nothing seen means anything is possible; all right leaves the upper end at 1."""
    assert interval_so_far(0, 0) == (0, 1)
    assert interval_so_far(0, 0, total=10) == (0, 1)
    assert interval_so_far(20, 20).high == 1
    assert interval_so_far(0, 20).low == 0
    assert np.isnan(interval_so_far(0, 0, total=0)).all()
    with pytest.raises(SettingError, match="right=5, seen=4"):
        interval_so_far(5, 4)
    with pytest.raises(SettingError, match="total=3"):
        interval_so_far(1, 4, total=3)


def test_bets_against_a_true_claim_seldom_win():
    """While the claim is true, 1 / alpha is won with probability alpha at most, at the best moment of each run."""
    rng = np.random.default_rng(2)
    for share in (0.5, 0.9):
        values = np.repeat([1.0, 0.0], [round(1000 * share), round(1000 * (1 - share))])
        won = [log_capital(rng.permutation(values)[:700], 1000, share)[0] >= np.log(20) for _ in range(400)]
        assert np.mean(won) <= 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / 400)
        lost = [log_capital(rng.permutation(values)[:700], 1000, share - 0.1)[0] >= np.log(20) for _ in range(40)]
        assert np.mean(lost) > 0.9


def test_what_is_seen_may_already_disprove_a_claim():
    """Once the values drawn exceed what the whole set may hold, nothing more is needed; at the end all is known."""
    assert np.isinf(log_capital(np.ones(60), 100, 0.5)[0])
    assert log_capital(np.zeros(60), 100, 0.5)[0] <= 0


def candidates(n, seed, gap=0.06):
    """Utilities of four candidates on n images, the best ahead by a gap."""
    rng = np.random.default_rng(seed)
    common = rng.random(n) < 0.8
    columns = {}
    for name, flip in (("a", 0.02), ("b", 0.02 + gap), ("c", 0.02 + gap), ("d", 0.02)):
        columns[name] = np.where(common, 1.0, -0.5) * np.where(rng.random(n) < flip, 0.0, 1.0)
    return pd.DataFrame(columns)


def first_stop(frame, rule):
    for t in range(50, len(frame) + 1, 50):
        leader = rule(frame.head(t), len(frame))
        if leader is not None:
            return leader, t
    return None, len(frame)


def proven(eps):
    def rule(seen, total):
        found = can_stop(seen, total, eps=eps, low=-0.5, high=1.0)
        return found.leader if found.status == "stop" else None

    return rule


def naive(eps):
    """Stop when a single-look interval of each difference clears -eps."""

    def rule(seen, total):
        leader = seen.mean().idxmax()
        for rival in seen.columns.drop(leader):
            d = seen[leader] - seen[rival]
            if d.mean() - 1.645 * d.std() / np.sqrt(len(d)) < -eps:
                return None
        return leader

    return rule


def regret_too_large(rule, eps, runs=60):
    """How often the stop leaves more than eps an image on the table, and the mean share of images used."""
    bad, used = 0, 0
    for seed in range(runs):
        frame = candidates(1000, seed, gap=0.02)
        leader, t = first_stop(frame, rule)
        means = frame.mean()
        bad += leader is not None and means.max() - means[leader] > eps
        used += t / 1000
    return bad / runs, used / runs


def test_stopping_loses_no_more_than_eps():
    """The choice at the stop is within eps of the best in nineteen runs of twenty; a rule for one look is not."""
    bad, _ = regret_too_large(proven(0.004), 0.004)
    assert bad <= 0.05
    naive_bad, naive_used = regret_too_large(naive(0.004), 0.004)
    assert naive_bad > 0.05
    assert naive_used < 0.9


def test_a_clear_winner_saves_images():
    """With a wide margin most images need not be asked; the sentences say where things stand."""
    frame = candidates(3000, 1)
    rule = proven(0.08)
    leader, used = first_stop(frame, rule)
    assert leader in {"a", "d"}
    assert used < 2000
    done = can_stop(frame.head(used), 3000, eps=0.08, low=-0.5, high=1.0)
    assert f"Stop: after {used:,} of 3,000 images" in done.explain()
    early = can_stop(frame.head(20), 3000, eps=0.08, low=-0.5, high=1.0)
    assert early.status == "go on"
    assert "is not yet settled against" in early.explain()
    assert can_stop(frame, 3000, eps=0.001, low=-0.5, high=1.0).status == "stop"


def test_slips_are_named():
    """Values outside the bounds, one candidate or a margin of nothing cannot be judged."""
    frame = candidates(20, 0)
    with pytest.raises(SettingError, match="all utilities within low=0 and high=1"):
        can_stop(frame, 100, eps=0.1, low=0, high=1)
    with pytest.raises(SettingError, match="two candidates at least"):
        can_stop(frame[["a"]], 100, eps=0.1, low=-1, high=1)
    with pytest.raises(SettingError, match="eps=0 must be above 0"):
        can_stop(frame, 100, eps=0, low=-1, high=1)
