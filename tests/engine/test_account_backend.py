"""The backend of one account, with a service that answers as the test says."""

import asyncio
import json

import pytest

from toolkit._engine.account_backend import AccountBackend
from toolkit._engine.budget import Budget
from toolkit._engine.journal import Journal
from toolkit._engine.limits import Limits
from toolkit._engine.runner import NotBegun
from toolkit._http import Exchanged
from toolkit._http.exchange import Response
from toolkit._providers.capmonster import CapMonster
from toolkit._providers.capsolver import CapSolver
from toolkit._store.store import MemoryStore
from toolkit.errors import TransportError
from toolkit.types import Sample, Trial

KEY = "CAP-0123456789ABCDEF"
IMAGE = bytes(range(256))
FREE = {"errorId": 1, "errorCode": "ERROR_CAPTCHA_UNSOLVABLE"}


class Service:
    """Answers from a table by operation; what is in flight can be held, and is counted."""

    def __init__(self, **answers):
        self.answers = {
            "getBalance": {"errorId": 0, "balance": 5.0},
            "createTask": {"errorId": 0, "status": "ready", "solution": {"text": "word"}, "taskId": "t"},
        } | answers
        self.asked, self.in_flight, self.most = [], 0, 0
        self.open = asyncio.Event()
        self.open.set()
        self.closed = False

    async def exchange(self, url, body, headers, timeout_s, method="POST"):
        operation = url.rpartition("/")[2]
        self.asked.append((operation, json.loads(body)))
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            if operation != "getBalance":
                await self.open.wait()
            await asyncio.sleep(0)
        finally:
            self.in_flight -= 1
        answer = self.answers[operation]
        if isinstance(answer, Exception):
            raise answer
        return Exchanged(Response(200, json.dumps(answer).encode(), {}), 0.0, 0.001, 0.0)

    async def close(self):
        self.closed = True

    def count(self, operation):
        return sum(asked == operation for asked, _ in self.asked)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """What processes share by files stays in the test's own folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture
def store():
    made = MemoryStore()
    made.open({"plan": {}}, [])
    return made


def records(store):
    return [record for block, _ in store.blocks() for record in block]


def backend_of(store, service, provider=None, *, limits=None, budget=None, to_collect=None):
    setting = provider or CapSolver(key=KEY, price_per_1000_usd=1000)
    settings = {setting.label: setting}
    return AccountBackend(
        "capsolver at somewhere",
        setting.account,
        settings,
        lambda: service,
        Journal(store),
        budget or Budget(),
        limits or Limits(in_flight=4),
        to_collect or {},
    )


def ask(backend, number=0, task_id=None):
    (setting,) = backend.settings
    trial = Trial(setting, f"{number}.png", 0)
    return asyncio.ensure_future(backend.ask(trial, Sample.from_bytes(IMAGE, "word", id=f"{number}.png"), task_id))


async def a_while():
    for _ in range(20):
        await asyncio.sleep(0)


async def sent(service, count):
    """Return when so many are in flight, and no more have come a while later."""
    for _ in range(1000):
        if service.in_flight >= count:
            break
        await asyncio.sleep(0.01)
    await a_while()


def test_no_more_are_in_flight_than_are_allowed(store):
    """However many ask; the others come when a place is free."""

    async def session():
        service = Service()
        backend = backend_of(store, service)
        await backend.open()
        service.open.clear()
        asked = [ask(backend, number) for number in range(20)]
        await sent(service, 4)
        held = service.in_flight
        service.open.set()
        tallies = await asyncio.gather(*asked)
        await backend.close()
        return service, held, tallies

    service, held, tallies = asyncio.run(session())

    assert (held, service.most) == (4, 4)
    assert [attempt_result.answer.text for attempt_result in tallies] == ["word"] * 20
    assert service.count("getBalance") == 2
    assert service.closed


@pytest.mark.parametrize(("per_second", "ahead"), [(None, 2), (10_000, 0)])
def test_the_next_are_written_down_while_all_places_are_taken(store, per_second, ahead):
    """They go as soon as an answer comes, without waiting for the disk; where the rate is limited, none is ahead of it."""

    async def session():
        service = Service()
        backend = backend_of(store, service, limits=Limits(in_flight=16, per_second=per_second))
        await backend.open()
        service.open.clear()
        asked = [ask(backend, number) for number in range(30)]
        await sent(service, 16)
        await backend.journal.durable()
        written = sum(record["event"] == "asked" for record in records(store))
        service.open.set()
        await asyncio.gather(*asked)
        await backend.close()
        return service, written

    service, written = asyncio.run(session())

    assert service.most == 16
    assert written == 16 + ahead


def test_stopping_lets_go_of_what_has_not_been_sent(store):
    """Of those that wait for a place, for money and for the rate; what was sent is finished, and alone is spent."""

    async def session():
        service = Service()
        budget = Budget(2.0)
        backend = backend_of(store, service, limits=Limits(in_flight=4, per_second=0.01), budget=budget)
        await backend.open()  # which takes the first turn
        backend.rate_controller.next_at = 0.0
        backend._pacing._shared.write(0.0, 0.0, 0.01, 0.0)
        service.open.clear()
        asked = [ask(backend, number) for number in range(8)]
        await sent(service, 1)
        held = service.in_flight
        backend.stop()
        await a_while()
        done = [task.done() for task in asked]
        service.open.set()
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        backend.dead = TransportError("the test is over")  # so that the balance does not wait for its turn
        await backend.close()
        return held, done, outcomes, budget

    held, done, outcomes, budget = asyncio.run(session())

    assert held == 1
    assert done == [False] + [True] * 7
    assert outcomes[0].answer.text == "word"
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes[1:])
    assert (budget.spent_usd, budget.reserved_usd) == (1.0, 0.0)


def test_a_budget_that_is_used_up_begins_nothing(store):
    """Not before what is under way has shown what it costs."""

    async def session():
        service = Service()
        backend = backend_of(store, service, budget=Budget(2.0))
        await backend.open()
        service.open.clear()
        asked = [ask(backend, number) for number in range(3)]
        await sent(service, 2)
        held, waits = service.in_flight, not asked[2].done()
        service.open.set()
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        await backend.close()
        return held, waits, outcomes

    held, waits, outcomes = asyncio.run(session())

    assert (held, waits) == (2, True)
    assert isinstance(outcomes[2], NotBegun)
    assert "budget of 2 USD" in str(outcomes[2])


@pytest.mark.parametrize(
    ("result", "spent"),
    [
        ({"errorId": 0, "status": "ready", "solution": {"text": "word"}}, 1.0),
        (FREE, 0.0),
        ({"errorId": 1, "errorCode": "ERROR_NO_SUCH_CAPCHA_ID"}, 1.0),
    ],
)
def test_a_task_that_is_collected_is_counted_once(store, result, spent):
    """It was counted at its most when it was left; an answer changes nothing, and a free one gives the money back."""

    async def session():
        service = Service(getTaskResult=result)
        provider = CapMonster(key=KEY, price_per_1000_usd=1000, first_poll_s=0.0)
        budget = Budget(1.0, spent_usd=1.0)
        backend = backend_of(
            store, service, provider, budget=budget, to_collect={Trial(provider.label, "0.png", 0): 77}
        )
        await backend.open()
        attempt_result = await ask(backend)
        await backend.close()
        return service, attempt_result, budget

    service, attempt_result, budget = asyncio.run(session())

    assert service.count("createTask") == 0
    assert attempt_result.task_id == 77
    assert attempt_result.latency_s is None  # its beginning was not seen
    assert (budget.spent_usd, budget.reserved_usd) == (spent, 0.0)
    assert attempt_result.unsettled == (spent == 1.0 and attempt_result.answer is None)
    assert not any(record["event"] == "asked" for record in records(store))


def test_the_log_knows_of_a_request_before_it_is_sent(store):
    """Should the process end at once, the money is not forgotten; the key is not written."""

    async def session():
        service = Service()
        backend = backend_of(store, service)
        await backend.open()
        service.open.clear()
        asked = ask(backend)
        await sent(service, 1)
        written = records(store)
        service.open.set()
        await asked
        await backend.close()
        return written

    written = asyncio.run(session())

    assert [record["event"] for record in written] == ["limits", "balance", "asked"]
    assert written[2]["sample"] == "0.png"
    assert KEY not in json.dumps(written)


def test_a_lost_request_counts_as_spent(store):
    """Whether it was charged, nobody knows."""

    async def session():
        budget = Budget(10.0)
        backend = backend_of(store, Service(createTask=TransportError(f"reset with {KEY}")), budget=budget)
        await backend.open()
        attempt_result = await ask(backend)
        await backend.close()
        return attempt_result, budget

    attempt_result, budget = asyncio.run(session())

    assert attempt_result.unsettled
    assert str(attempt_result.error) == "reset with [key]"
    assert budget.spent_usd == 1.0
