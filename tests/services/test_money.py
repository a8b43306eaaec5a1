"""Budgets hold, balances are read twice, and the bill is the ledger's."""

import pytest
from bills import QUICK, charged_to, readable

import toolkit as tk
from toolkit._sandbox import faults
from toolkit.errors import SettingError

DATASET = readable(60)


def both(box, key):
    return [box.CapSolver(key=key), box.CapMonster(key=key, **QUICK)]


def trouble(seed):
    """A third of the requests goes wrong, in ways that leave open what was charged."""
    struck = (faults.cut("before"), faults.cut("after"), faults.truncated(), faults.server_error(500, body="empty"))
    return [faults.at_rate(0.3, *struck, seed=seed)]


def test_the_whole_budget_is_spent_and_no_more(sandbox, run, key):
    """Twenty answers at a tenth of a cent, asked sixteen at a time."""
    box = sandbox(DATASET)

    done = run(DATASET, both(box, key), budget_usd=0.02, limits=tk.Limits(in_flight=16))

    assert len(charged_to(box, key)) == 20
    assert (done.outcomes["outcome"] == "correct").sum() == 20
    assert (done.outcomes["error"] == "stopped").sum() == 100
    assert all("budget of 0.02 USD" in reason for reason in done.stopped.values())


@pytest.mark.parametrize("seed", [1, 2])
def test_the_budget_holds_whatever_goes_wrong_and_however_often_it_is_resumed(sandbox, run, key, tmp_path, seed):
    """Requests whose charge is unknown count as charged."""
    box = sandbox(DATASET, oracle={"accuracy": 1.0, "silence": 0.2}, faults=trouble(seed))

    for _ in range(3):
        done = run(
            DATASET,
            both(box, key),
            budget_usd=0.03,
            store=tmp_path / "run",
            retry=tk.RetryPolicy(base_s=0.001),
            retry_errors=True,
            limits=tk.Limits(in_flight=16),
        )
        assert float(box.ledger.spent_usd()) <= 0.03 + 1e-9
        assert done.spend[["modelled_usd", "unsettled_usd"]].to_numpy().sum() <= 0.03 + 1e-9


def test_more_money_resumes(sandbox, run, key, tmp_path):
    """What was spent before counts."""
    box = sandbox(DATASET)
    run(DATASET, both(box, key), budget_usd=0.05, store=tmp_path / "run")

    again = run(DATASET, both(box, key), budget_usd=0.05, store=tmp_path / "run")
    assert len(charged_to(box, key)) == 50
    assert not again.complete

    enough = run(DATASET, both(box, key), budget_usd=0.12, store=tmp_path / "run")
    assert enough.complete
    assert len(charged_to(box, key)) == 120


def test_what_is_free_does_not_use_the_budget_up(sandbox, run, key):
    """Half of the images is unsolvable: the money for them asks for others."""
    box = sandbox(DATASET, oracle={"accuracy": 1.0, "silence": 0.5})

    done = run(DATASET, box.CapSolver(key=key), budget_usd=0.04)

    assert done.complete
    assert 10 < len(charged_to(box, key)) < 40


def test_a_budget_without_a_price_is_refused(sandbox, run, key):
    """Before anything is asked, and with the cure."""
    box = sandbox(DATASET)

    with pytest.raises(SettingError, match=r"capmonster.*has no price.*price_per_1000_usd"):
        run(DATASET, [box.CapSolver(key=key), box.CapMonster(key=key, price_per_1000_usd=None)], budget_usd=1)
    assert not box.traffic.answers


def test_without_a_price_the_cost_is_missing_and_the_measured_price_is_told(sandbox, run, key):
    """Never nought: the balance says what a thousand answers cost."""
    box = sandbox(DATASET)

    done = run(DATASET, box.CapSolver(key=key, price_per_1000_usd=None))

    assert done.outcomes["cost_usd"].isna().all()
    (spend,) = done.spend.to_dict("records")
    assert spend["modelled_usd"] != spend["modelled_usd"]
    assert spend["measured_usd"] == pytest.approx(0.06)
    assert spend["measured_per_1000_usd"] == pytest.approx(1.0)


def test_the_balance_is_read_once_before_and_once_after(sandbox, run, key, tmp_path):
    """However many settings, images and tries there are; a resume with nothing to do asks nothing."""
    box = sandbox(DATASET, oracle={"accuracy": 0.9, "silence": 0.1})
    box.faults = [faults.at_rate(0.1, faults.cut("before"), seed=3, on="createTask")]
    settings = [*both(box, key), box.CapSolver(key=key, module="queueit")]

    done = run(DATASET, settings, store=tmp_path / "run", retry=tk.RetryPolicy(base_s=0.001))

    for service in ("capsolver", "capmonster"):
        assert box.traffic.requests(service, "getBalance") == 2
        (spend,) = done.spend[done.spend["account"].str.startswith(service)].to_dict("records")
        charged = len(charged_to(box, key, service))
        assert spend["charged"] == charged
        assert spend["measured_usd"] == pytest.approx(charged / 1000)
        assert spend["modelled_usd"] == pytest.approx(charged / 1000)
        assert spend["measured_per_1000_usd"] == pytest.approx(1.0)

    again = run(DATASET, settings, store=tmp_path / "run", retry_errors=False)
    assert box.traffic.requests(operation="getBalance") == 4
    assert again.complete


def test_a_balance_that_cannot_be_read_stops_nothing(sandbox, run, key):
    """The measured bill is missing, and that is all."""
    box = sandbox(DATASET, faults=[faults.at_rate(1.0, faults.not_json(), on="getBalance")])

    done = run(DATASET, box.CapSolver(key=key))

    assert (done.outcomes["outcome"] == "correct").all()
    assert done.spend["measured_usd"].isna().all()
    assert done.spend["modelled_usd"].sum() == pytest.approx(0.06)
