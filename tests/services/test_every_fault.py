"""Whatever goes wrong on the way: one row a trial, every cent accounted for, and no key to be seen."""

import pytest
from bills import QUICK, charged_to, new_key, readable

import toolkit as tk
from toolkit.rehearsal import sandbox as tk_sandbox
from toolkit.sandbox import faults

SERVICES = ("capsolver", "capmonster")
CATALOGUES = {service: faults.catalogue(service) for service in SERVICES}
CASES = [(service, name) for service in SERVICES for name in CATALOGUES[service]]
DATASET = readable(5)


@pytest.fixture(scope="module")
def keys():
    return {case: new_key() for case in CASES}


@pytest.fixture(scope="module")
def box(keys):
    with tk_sandbox(DATASET, oracle={"accuracy": 1.0}, keys=keys.values()) as box:
        yield box


@pytest.mark.parametrize(("service", "name"), CASES, ids=lambda part: part)
def test_every_fault_leaves_a_row_a_trial_and_a_true_bill(box, keys, leaks, run, tmp_path, service, name):
    """It befalls the first and the third request of each kind."""
    key, fault = leaks.watch(keys[service, name]), CATALOGUES[service][name]
    box.faults = [
        faults.script([fault, None, fault], service=service, on=operation)
        for operation in ("createTask", "getTaskResult")
    ]
    setting = box.CapSolver(key=key) if service == "capsolver" else box.CapMonster(key=key, **QUICK)

    done = run(DATASET, setting, limits=tk.Limits(in_flight=2), retry=tk.RetryPolicy(base_s=0.01), store=tmp_path / "r")

    outcomes, spend, unsettled = done.outcomes, done.spend.iloc[0], done.unsettled
    assert len(outcomes) == done.planned == len(DATASET)
    assert not outcomes.duplicated(["setting", "sample", "repeat"]).any()

    charged = charged_to(box, key)
    answered = done.attempts["text"].notna().sum()
    assert spend["charged"] == answered == (outcomes["outcome"] == "correct").sum()
    known = unsettled["task_id"].dropna()
    assert known.is_unique
    lost = len(charged) - answered - known.isin(charged).sum()  # what the ledger has and no answer or id accounts for
    assert 0 <= lost <= unsettled["task_id"].isna().sum()

    if spend["measured_usd"] == spend["measured_usd"]:  # the account was alive at the end
        assert spend["measured_usd"] == pytest.approx(len(charged) / 1000)
    assert not leaks.in_folder(tmp_path)
    assert not leaks.in_text(f"{done!r} {done._repr_html_()} {done.attempts.to_dict()} {setting!r} {setting.label}")
