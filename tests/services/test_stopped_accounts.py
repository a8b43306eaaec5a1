"""A key that is bad, empty or blocked stops its account at once, and nothing else."""

import threading

import pandas as pd
import pytest
from bills import QUICK, charged_to, new_key, readable

import toolkit as tk
from toolkit._sandbox import faults

DATASET = readable(40)
FATAL = {
    "capsolver": {
        "authentication": "ERROR_KEY_DENIED_ACCESS",
        "insufficient_balance": "ERROR_ZERO_BALANCE",
        "blocked": "ERROR_KEY_TEMP_BLOCKED",
    },
    "capmonster": {
        "authentication": "ERROR_KEY_DOES_NOT_EXIST",
        "insufficient_balance": "ERROR_ZERO_BALANCE",
        "blocked": "ERROR_IP_BANNED",
    },
}


class FailsFrom:
    """From the n-th request of one kind on, an account is dead; counts what is asked of it after that."""

    def __init__(self, number, fault, service, operation):
        self.number, self.fault, self.service, self.operation = number, fault, service, operation
        self.asked_when_dead = 0
        self._lock = threading.Lock()

    def pick(self, service, operation):
        with self._lock:
            if service != self.service:
                return None
            self.number -= operation == self.operation
            if self.number >= 0:
                return None
            self.asked_when_dead += 1
            return self.fault


def both(box, **parameters):
    return [box.CapSolver(**parameters), box.CapMonster(**QUICK, **parameters)]


@pytest.mark.parametrize("operation", ["createTask", "getTaskResult"])
@pytest.mark.parametrize("kind", ["authentication", "insufficient_balance", "blocked"])
@pytest.mark.parametrize("service", ["capsolver", "capmonster"])
def test_at_most_as_many_calls_as_are_in_flight_follow(sandbox, run, key, service, kind, operation):
    """The other account goes on to its end; the one that died has a reason, and a row for every trial."""
    if service == "capsolver" and operation == "getTaskResult":
        operation = "createTask"
    box = sandbox(DATASET, delay=0.02)
    dying = FailsFrom(10, faults.error_code(FATAL[service][kind]), service, operation)
    box.faults = [dying]
    dead, alive = sorted(both(box, key=key), key=lambda setting: setting.name != service)

    done = run(DATASET, [dead, alive])

    assert 1 <= dying.asked_when_dead <= 8
    outcomes = done.outcomes.groupby("setting", observed=True)
    assert outcomes.size().to_dict() == {dead.label: 40, alive.label: 40}
    assert (outcomes.get_group(alive.label)["outcome"] == "correct").all()
    errors = outcomes.get_group(dead.label)["error"].value_counts()
    # One more may have been written down by then, to go when there would be a place; it was not sent.
    assert 1 <= errors[kind] <= 8 + 1
    assert errors["stopped"] >= 40 - 10 - 8 - 1
    assert list(done.stopped) == [dead.label]
    assert done.stopped[dead.label].startswith(kind)
    assert not done.complete


@pytest.mark.parametrize(
    ("bad", "kind"), [("bad", "authentication"), ("empty", "insufficient_balance"), ("blocked", "blocked")]
)
def test_a_useless_key_is_noticed_at_once_and_a_good_one_resumes(sandbox, run, key, tmp_path, bad, kind):
    """Both settings of the account stop; the same store then takes the same plan with another key."""
    box = sandbox(DATASET, oracle={"accuracy": 1.0, "confidence_when_right": 0.999})
    modules = ["common", "queueit"]

    stopped = run(DATASET, [box.CapSolver(module=module, key=bad) for module in modules], store=tmp_path / "run")

    assert set(stopped.outcomes["error"]) <= {"stopped", kind}
    assert len(stopped.outcomes) == 80
    assert stopped.summary()["trials"].sum() == 80
    assert all(reason.startswith(kind) for reason in stopped.stopped.values())
    assert len(stopped.stopped) == 2
    assert box.traffic.requests("capsolver", "createTask") <= 8

    resumed = run(DATASET, [box.CapSolver(module=module, key=key) for module in modules], store=tmp_path / "run")

    assert resumed.complete
    assert (resumed.outcomes["outcome"] == "correct").all()
    assert len(charged_to(box, key)) == 80


def test_one_key_of_two_with_a_service_is_an_account_of_its_own(sandbox, run, key):
    """The other key's settings go on."""
    box = sandbox(DATASET)
    good, bad = box.CapSolver(key=key, alias="good"), box.CapSolver(key=new_key(), alias="bad")

    done = run(DATASET, [good, bad])

    verdicts = pd.crosstab(done.outcomes["setting"], done.outcomes["outcome"])
    assert verdicts.loc["good", "correct"] == 40
    assert list(done.stopped) == ["bad"]
    assert len(done.spend) == 2


def test_a_blocked_account_keeps_its_tasks_for_a_resume(sandbox, run, key, tmp_path):
    """What the service was given before it shut the door is collected afterwards, not paid again."""
    box = sandbox(DATASET, delay=0.2)
    box.faults = [FailsFrom(0, faults.error_code("ERROR_IP_BANNED"), "capmonster", "getTaskResult")]
    setting = box.CapMonster(key=key, **QUICK)
    stopped = run(DATASET, setting, store=tmp_path / "run")
    given = set(stopped.unsettled["task_id"])
    assert 1 <= len(given) <= 8

    box.faults = []
    resumed = run(DATASET, setting, store=tmp_path / "run")

    assert resumed.complete
    assert given < set(resumed.attempts.loc[resumed.attempts["text"].notna(), "task_id"])
    assert len(resumed.unsettled) == 0
    assert len(charged_to(box, key)) == 40 == resumed.spend["charged"].sum()


def test_keys_are_in_nothing_that_is_shown(sandbox, run, key, leaks, tmp_path):
    """The service quotes the key that it refuses."""
    box = sandbox(DATASET)
    bad = leaks.watch(new_key())
    setting = box.CapSolver(key=bad)

    done = run(DATASET, setting, store=tmp_path / "run")
    with tk.TaskClient(setting) as client, pytest.raises(tk.errors.AuthenticationError) as refused:
        client.create(DATASET[0])

    said = f"{refused.value!r} {refused.value} {refused.value.__cause__!r} {client!r} {refused.value.code}"
    assert "[key]" in said
    assert not leaks.in_text(said)
    assert "[key]" in done.stopped[setting.label]
    assert not leaks.in_text(f"{done!r} {done.stopped} {setting!r} {setting.account!r} {done._repr_html_()}")
    assert not leaks.in_folder(tmp_path)
