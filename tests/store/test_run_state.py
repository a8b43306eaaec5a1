"""What a log says of trials and money, event by event."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from toolkit._store.run_state import RunState
from toolkit.types import Trial

TRIAL = Trial("setting", "a.png", 0)
OTHER = Trial("setting", "b.png", 0)


def session():
    return {"event": "session"}


def asked(trial=TRIAL, at=1.0):
    return {"event": "asked", **trial._asdict(), "at": at}


def submitted(task_id, trial=TRIAL, at=2.0):
    return {"event": "submitted", **trial._asdict(), "at": at, "task_id": task_id}


def finished(trial=TRIAL, *, final=True, **members):
    return {"event": "finished", **trial._asdict(), "started_at": 1.0, "final": final, **members}


def answered(trial=TRIAL, **members):
    return finished(trial, text="word", usage={"charged": 1}, **members)


def run_state(*records):
    read = RunState()
    read.read(records)
    return read


def test_an_answer_finishes_its_trial_and_counts():
    """Nothing is left open."""
    read = run_state(session(), asked(), submitted(7), answered(task_id=7), asked(OTHER), answered(OTHER))

    assert read.finished == {TRIAL: None, OTHER: None}
    assert read.usage == {"setting": {"charged": 2}}
    assert read.unsettled == []
    assert set(read.done(retry_errors=True)) == {TRIAL, OTHER}


def test_what_is_under_way_is_unsettled_until_it_ends():
    """Whoever looks at a run that goes on sees what may yet be charged."""
    read = run_state(session(), asked(), submitted(7))
    (waiting,) = read.unsettled
    assert (waiting.trial, waiting.task_id) == (TRIAL, 7)

    read.read([answered(task_id=7)])
    assert read.unsettled == []


def test_a_task_of_a_process_that_died_is_collected_by_its_id():
    """And is settled when its answer is had, though another process asked for it."""
    read = run_state(session(), asked(), submitted(7), asked(OTHER), session())

    assert read.to_collect() == {TRIAL: 7}
    assert [(lost.trial, lost.task_id) for lost in read.unsettled] == [(OTHER, None), (TRIAL, 7)]

    read.read([answered(task_id=7)])
    assert read.to_collect() == {}
    assert [lost.trial for lost in read.unsettled] == [OTHER]


def test_a_request_that_was_lost_stays_unsettled_when_its_trial_is_asked_again():
    """Two requests went out, and both may be charged."""
    read = run_state(session(), asked(at=1.0), session(), asked(at=5.0), answered())

    assert read.finished == {TRIAL: None}
    assert [lost.at for lost in read.unsettled] == [1.0]


def test_a_try_that_may_have_been_charged_is_unsettled_though_the_next_one_answers():
    """The first request's answer was lost on the wire."""
    read = run_state(session(), asked(), finished(final=False, error="transport", unsettled=True), asked(), answered())

    (lost,) = read.unsettled
    assert (lost.trial, lost.task_id, lost.reason) == (TRIAL, None, "transport")


def test_a_task_that_is_lost_twice_is_one_task():
    """It was collected, and the deadline came again."""
    lost = finished(error="deadline_exceeded", task_id=7, unsettled=True)
    read = run_state(session(), asked(), submitted(7), session(), lost)

    assert [lost.task_id for lost in read.unsettled] == [7]


def test_two_trials_with_one_id_are_two_tasks():
    """A service that calls every task the same has still charged for each."""
    lost = [finished(trial, error="protocol", task_id="none", unsettled=True) for trial in (TRIAL, OTHER)]

    assert len(run_state(session(), *lost).unsettled) == 2


def test_a_trial_that_is_asked_twice_may_have_two_tasks_of_one_id():
    """Both are charged, whatever the service calls them: each request that nobody answered counts."""
    lost = finished(error="protocol", task_id="none", unsettled=True)

    assert len(run_state(session(), asked(), lost, session(), asked(), lost).unsettled) == 2
    assert len(run_state(session(), asked(), lost, session(), asked(), answered(task_id="none")).unsettled) == 1


def test_a_task_is_kept_when_its_account_was_stopped():
    """A key that is blocked at the third question says nothing of the task: it is collected with a good key."""
    blocked = finished(error="blocked", task_id=7, unsettled=True)
    read = run_state(session(), asked(), submitted(7), blocked, session())

    assert list(read.done(retry_errors=False)) == []
    assert read.to_collect() == {TRIAL: 7}


def test_a_task_whose_trial_has_an_outcome_is_not_collected():
    """A deadline is an outcome; its money stays unsettled."""
    late = finished(error="deadline_exceeded", task_id=7, unsettled=True)
    read = run_state(session(), asked(), submitted(7), late, session())

    assert read.to_collect() == {}
    assert [lost.task_id for lost in read.unsettled] == [7]


def test_errors_are_asked_again_only_on_demand_and_fatal_ones_always():
    """An image that nobody can read is no error."""
    trials = {kind: Trial("setting", kind, 0) for kind in ("unsolvable", "transport", "authentication", "blocked")}
    read = run_state(session(), *(finished(trial, error=kind) for kind, trial in trials.items()))

    assert set(read.done(retry_errors=False)) == {trials["unsolvable"], trials["transport"]}
    assert set(read.done(retry_errors=True)) == {trials["unsolvable"]}


def test_a_new_session_begins_with_nothing_stopped():
    """The cause may have been mended; what was noted of balances and limits stays."""
    noted = [
        {"event": "balance", "account": "a", "when": "before", "usd": 1.0},
        {"event": "limits", "account": "a", "at": 1.0, "in_flight": 8, "per_second": None},
    ]
    read = run_state(session(), *noted, {"event": "stopped", "setting": "setting", "reason": "blocked"})
    assert read.stopped == {"setting": "blocked"}

    read.read([session()])
    assert read.stopped == {}
    assert [*read.balances, *read.limits] == noted


@st.composite
def logs(draw):
    """Logs as runs write them: a few trials, each asked until it ends, cut short anywhere by the process's end."""
    records, ids = [], itertools.count(1)
    for _ in range(draw(st.integers(1, 4))):
        records.append(session())
        for number in draw(st.lists(st.integers(0, 3), max_size=4, unique=True)):
            trial = Trial("setting", f"{number}.png", 0)
            events = [asked(trial)]
            if draw(st.booleans()):
                task_id = next(ids)
                events += [submitted(task_id, trial)]
                events += [
                    draw(
                        st.sampled_from(
                            [answered(trial, task_id=task_id), finished(trial, error="unsolvable", task_id=task_id)]
                        )
                    )
                ]
            else:
                events += [
                    draw(
                        st.sampled_from(
                            [answered(trial), finished(trial, final=False, error="transport", unsettled=True)]
                        )
                    )
                ]
            records += events[: draw(st.integers(1, len(events)))]
    return records


@given(records=logs(), cut=st.integers(0, 60))
def test_reading_in_parts_is_reading_at_once(records, cut):
    """A run that is looked at while it goes on comes to the same."""
    parts = RunState()
    parts.read(records[:cut])
    parts.read(records[cut:])
    whole = run_state(*records)

    assert parts == whole
    assert len({id(lost) for lost in whole.unsettled}) == len(whole.unsettled)


@given(records=logs())
def test_every_request_was_answered_or_is_unsettled(records):
    """None is forgotten, and none is counted twice."""
    read = run_state(*records)
    requests = sum(record["event"] == "asked" for record in records)
    settled = sum(record["event"] == "finished" and not record.get("unsettled") for record in records)

    assert len(read.unsettled) == requests - settled
