"""What a log says of trials and money, event by event."""

import itertools

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from toolkit._store.frames import endings
from toolkit._store.log_reader import LogReader, trials_of
from toolkit._store.store import MemoryStore
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
    return {"event": "finished", **trial._asdict(), "attempt": 1, "started_at": 1.0, "final": final, **members}


def answered(trial=TRIAL, **members):
    return finished(trial, text="word", usage={"charged": 1}, **members)


class Log:
    """A log in memory and its reader, to which `append` adds."""

    def __init__(self, *records):
        self.store = MemoryStore()
        self.store.open({"plan": {}}, [])
        self.reader = LogReader(self.store)
        self.append(*records)

    def append(self, *records):
        self.store.append(*records)
        self.reader.read_on()

    @property
    def state(self):
        return self.reader.run_state

    @property
    def unsettled(self):
        return self.state.unsettled

    @property
    def finished(self):
        ended = endings(self.reader.attempts)
        errors = (
            None if missing else error for error, missing in zip(ended["error"], ended["error"].isna(), strict=True)
        )
        return dict(zip(trials_of(ended), errors, strict=True))

    def done(self, *, retry_errors):
        return set(trials_of(self.reader.ended(retry_errors=retry_errors)))

    def to_collect(self):
        return self.reader.to_collect()


def test_an_answer_finishes_its_trial_and_counts():
    """Nothing is left open."""
    read = Log(session(), asked(), submitted(7), answered(task_id=7), asked(OTHER), answered(OTHER))

    assert read.finished == {TRIAL: None, OTHER: None}
    assert read.state.usage == {"setting": {"charged": 2}}
    assert read.unsettled == []
    assert read.done(retry_errors=True) == {TRIAL, OTHER}


def test_what_is_under_way_is_unsettled_until_it_ends():
    """Whoever looks at a run that goes on sees what may yet be charged."""
    read = Log(session(), asked(), submitted(7))
    (waiting,) = read.unsettled
    assert (waiting.trial, waiting.task_id) == (TRIAL, 7)

    read.append(answered(task_id=7))
    assert read.unsettled == []


def test_a_task_of_a_process_that_died_is_collected_by_its_id():
    """And is settled when its answer is had, though another process asked for it."""
    read = Log(session(), asked(), submitted(7), asked(OTHER), session())

    assert read.to_collect() == {TRIAL: 7}
    assert [(lost.trial, lost.task_id) for lost in read.unsettled] == [(OTHER, None), (TRIAL, 7)]

    read.append(answered(task_id=7))
    assert read.to_collect() == {}
    assert [lost.trial for lost in read.unsettled] == [OTHER]


def test_a_request_that_was_lost_stays_unsettled_when_its_trial_is_asked_again():
    """Two requests went out, and both may be charged."""
    read = Log(session(), asked(at=1.0), session(), asked(at=5.0), answered())

    assert read.finished == {TRIAL: None}
    assert [lost.at for lost in read.unsettled] == [1.0]


def test_a_try_that_may_have_been_charged_is_unsettled_though_the_next_one_answers():
    """The first request's answer was lost on the wire."""
    read = Log(session(), asked(), finished(final=False, error="transport", unsettled=True), asked(), answered())

    (lost,) = read.unsettled
    assert (lost.trial, lost.task_id, lost.reason) == (TRIAL, None, "transport")


def test_a_task_that_is_lost_twice_is_one_task():
    """It was collected, and the deadline came again."""
    lost = finished(error="deadline_exceeded", task_id=7, unsettled=True)
    read = Log(session(), asked(), submitted(7), session(), lost)

    assert [lost.task_id for lost in read.unsettled] == [7]


def test_two_trials_with_one_id_are_two_tasks():
    """A service that calls every task the same has still charged for each."""
    lost = [finished(trial, error="protocol", task_id="none", unsettled=True) for trial in (TRIAL, OTHER)]

    assert len(Log(session(), *lost).unsettled) == 2


def test_a_trial_that_is_asked_twice_may_have_two_tasks_of_one_id():
    """Both are charged, whatever the service calls them: each request that nobody answered counts."""
    lost = finished(error="protocol", task_id="none", unsettled=True)

    assert len(Log(session(), asked(), lost, session(), asked(), lost).unsettled) == 2
    assert len(Log(session(), asked(), lost, session(), asked(), answered(task_id="none")).unsettled) == 1


def test_a_task_is_kept_when_its_account_was_stopped():
    """A key that is blocked at the third question says nothing of the task: it is collected with a good key."""
    blocked = finished(error="blocked", task_id=7, unsettled=True)
    read = Log(session(), asked(), submitted(7), blocked, session())

    assert read.done(retry_errors=False) == set()
    assert read.to_collect() == {TRIAL: 7}


def test_a_task_whose_trial_has_an_outcome_is_not_collected():
    """A deadline is an outcome; its money stays unsettled."""
    late = finished(error="deadline_exceeded", task_id=7, unsettled=True)
    read = Log(session(), asked(), submitted(7), late, session())

    assert read.to_collect() == {}
    assert [lost.task_id for lost in read.unsettled] == [7]


def test_errors_are_asked_again_only_on_demand_and_fatal_ones_always():
    """An image that nobody can read is no error."""
    trials = {kind: Trial("setting", kind, 0) for kind in ("unsolvable", "transport", "authentication", "blocked")}
    read = Log(session(), *(finished(trial, error=kind) for kind, trial in trials.items()))

    assert read.done(retry_errors=False) == {trials["unsolvable"], trials["transport"]}
    assert read.done(retry_errors=True) == {trials["unsolvable"]}


def test_a_new_session_begins_with_nothing_stopped():
    """The cause may have been mended; what was noted of balances and limits stays."""
    noted = [
        {"event": "balance", "account": "a", "when": "before", "usd": 1.0},
        {"event": "limits", "account": "a", "at": 1.0, "in_flight": 8, "per_second": None},
    ]
    read = Log(session(), *noted, {"event": "stopped", "setting": "setting", "reason": "blocked"})
    assert read.state.stopped == {"setting": "blocked"}

    read.append(session())
    assert read.state.stopped == {}
    noted_of = (*read.state.balances, *read.state.limits)
    assert [{"event": told.__struct_config__.tag, **msgspec.structs.asdict(told)} for told in noted_of] == [
        {"at": None, **told} for told in noted
    ]


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
    parts = Log(*records[:cut])
    parts.append(*records[cut:])
    whole = Log(*records)

    assert parts.state == whole.state
    assert parts.finished == whole.finished
    assert len({id(lost) for lost in whole.unsettled}) == len(whole.unsettled)


@given(records=logs())
def test_every_request_was_answered_or_is_unsettled(records):
    """None is forgotten, and none is counted twice."""
    read = Log(*records)
    requests = sum(record["event"] == "asked" for record in records)
    settled = sum(record["event"] == "finished" and not record.get("unsettled") for record in records)

    assert len(read.unsettled) == requests - settled
