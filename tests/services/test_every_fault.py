"""Whatever goes wrong on the way: one row a trial, every cent accounted for, and no key to be seen."""

import pandas as pd
import pytest
from bills import QUICK, charged_to, new_key, readable

import toolkit as tk
from toolkit._sandbox import faults

OPERATIONS = {
    "capsolver": ("createTask", "getTaskResult"),
    "capmonster": ("createTask", "getTaskResult"),
    "openai": ("completions",),
}
SERVICES = tuple(OPERATIONS)
CATALOGUES = {service: faults.catalogue(service) for service in SERVICES}
CASES = [(service, name) for service in SERVICES for name in CATALOGUES[service]]
DATASET = readable(5)


@pytest.fixture(scope="module")
def keys():
    return {case: new_key() for case in CASES}


@pytest.fixture(scope="module")
def box(keys):
    with tk.sandbox(DATASET, oracle={"accuracy": 1.0}, keys=keys.values()) as box:
        yield box


@pytest.mark.parametrize("name", sorted({name for service in SERVICES for name in CATALOGUES[service]}))
def test_every_fault_leaves_a_row_a_trial_and_a_true_bill(box, keys, leaks, run, tmp_path, name):
    """It befalls the first and the third request of each kind, with each service that knows it."""
    settings, schedules = [], []
    for service in SERVICES:
        if name in CATALOGUES[service]:
            fault, key = CATALOGUES[service][name], leaks.watch(keys[service, name])
            schedules += [
                faults.script([fault, None, fault], service=service, on=operation) for operation in OPERATIONS[service]
            ]
            settings.append(at_home(box, service, key))
    box.faults = schedules

    done = run(DATASET, settings, retry=tk.RetryPolicy(base_s=0.01), store=tmp_path / "run")

    outcomes = done.outcomes
    assert len(outcomes) == done.planned == len(DATASET) * len(settings)
    assert not outcomes.duplicated(["setting", "sample", "repeat"]).any()
    for setting in settings:
        assert box.traffic.faults[setting.name, name] >= 1
        assert_true_bill(done, setting, charged_to(box, keys[setting.name, name]))
    assert not leaks.in_folder(tmp_path)
    assert not leaks.in_text(f"{done!r} {done._repr_html_()} {done.attempts.to_dict()} {settings!r}")


def at_home(box, service, key):
    """A setting of the service at the sandbox."""
    if service == "openai":
        return box.OpenAICompatible("any", key=key)
    return box.CapSolver(key=key) if service == "capsolver" else box.CapMonster(key=key, **QUICK)


def assert_true_bill(done, setting, charged):
    """Every task in the ledger was answered, or is among what is unsettled, or was said to be free."""
    attempts, unsettled = done.attempts, done.unsettled
    attempts, unsettled = (frame[frame["setting"] == setting.label] for frame in (attempts, unsettled))
    spend = done.spend[done.spend["account"].str.startswith(setting.name)].iloc[0]
    answered = attempts["text"].notna().sum()

    assert spend["charged"] == answered
    assert spend["unsettled_usd"] == pytest.approx(len(unsettled) / 1000)
    known = unsettled["task_id"].dropna()
    named = known.isin(str(id) for id in charged).sum()
    said_to_be_free = (attempts["error"] == "unsolvable").sum()
    assert 0 <= len(charged) - answered - named <= len(unsettled) - named + said_to_be_free
    if pd.notna(spend["measured_usd"]):  # the account was alive at the end
        assert spend["measured_usd"] == pytest.approx(len(charged) / 1000)
