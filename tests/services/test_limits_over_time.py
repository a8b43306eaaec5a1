"""What an account is allowed is halved by a refusal, comes back by and by, and can be looked at as a figure."""

import pytest
from bills import QUICK, readable

import toolkit as tk
from toolkit._sandbox import faults
from toolkit.plots.concurrency import in_flight_table

DATASET = readable(250)


@pytest.fixture
def figures():
    """Figures are drawn without a screen, and closed at the end."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    yield
    plt.close("all")


@pytest.mark.parametrize("service", ["capsolver", "capmonster"])
def test_a_refusal_halves_and_calm_restores(sandbox, key, run, figures, service):
    """CapSolver refuses for the rate and CapMonster says twice that it is busy; the figure shows the frame's steps."""
    box = sandbox(DATASET, delay=0.01)
    refusals = (
        [faults.rate_limited(after_s=0.05)]
        if service == "capsolver"
        else [faults.error_code("ERROR_NO_SLOT_AVAILABLE")] * 2
    )
    box.faults = [faults.script([None] * 60 + refusals, service=service, on="createTask")]
    setting = box.CapSolver(key=key) if service == "capsolver" else box.CapMonster(key=key, **QUICK)

    done = run(DATASET, setting, limits=tk.Limits(in_flight=16), retry=tk.RetryPolicy(base_s=0.01))

    assert (done.outcomes["outcome"] == "correct").all()
    limits = done.limits
    allowed = limits["in_flight"].tolist()
    assert allowed[0] == 16
    assert min(allowed) == 8
    after = allowed[allowed.index(8) :]
    assert after == sorted(after)
    assert after[-1] > 8
    assert limits["at"].is_monotonic_increasing
    assert set(limits["account"]) == {f"{service} at 127.0.0.1"}
    assert in_flight_table(done.attempts)["in_flight"].max() <= 16

    [line] = tk.plots.concurrency(limits).lines
    x, y = line.get_xdata(), line.get_ydata()
    assert y.tolist() == [*allowed, allowed[-1]]
    assert x[:-1] == pytest.approx(limits["at"] - limits["at"].iloc[0])
    assert tk.plots.concurrency(done.attempts).get_ylabel() == "readings under way"


def test_limits_are_kept_for_each_account_and_session(sandbox, key, run, tmp_path):
    """A resumed run begins again with what was declared, and the frame goes on."""
    box = sandbox(DATASET)
    settings = [box.CapSolver(key=key), box.CapMonster(key=key, **QUICK)]
    first = run(DATASET[:20], settings, store=tmp_path / "run", budget_usd=0.01)
    begun = len(first.limits)

    again = run(DATASET[:20], settings, store=tmp_path / "run", limits=tk.Limits(in_flight=3, per_second=500))

    assert again.complete
    assert len(again.limits) > begun
    for account in ("capsolver at 127.0.0.1", "capmonster at 127.0.0.1"):
        mine = again.limits[again.limits["account"] == account]
        assert mine["in_flight"].iloc[0] == 8
        assert mine["in_flight"].iloc[-1] == 3
        assert mine["per_second"].isna().tolist() == [True] * (len(mine) - 1) + [False]
