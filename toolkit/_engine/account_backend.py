"""The backend of one account with a paid service: its key, its limits, its money.

All settings with the same key at the same address run here and share what the service allows that key.
"""

import asyncio
import contextlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from toolkit._engine.budget import Budget
from toolkit._engine.calls import Exchanges
from toolkit._engine.driver import AttemptResult, Called, Clock, Computed, SystemClock, drive, read_through
from toolkit._engine.journal import Journal
from toolkit._engine.limits import Limits, RateController
from toolkit._engine.redaction import redact
from toolkit._engine.runner import NotBegun
from toolkit._engine.semaphore import AdaptiveSemaphore
from toolkit._engine.shared_rate import Pacing
from toolkit._engine.worker import run_chunk
from toolkit._http import Client
from toolkit._providers.base import Account, Provider, ServiceProvider
from toolkit.errors import DeadlineExceeded, ProviderError, RateLimited, Unavailable
from toolkit.types import Call, Compute, Sample, Submitted, Trial


@dataclass
class AccountBackend:
    """See the module. `deadline_s` bounds one reading; waiting for our own limits is not counted.

    `buy_again` says that a task of an earlier session which the service has forgotten is bought anew.
    """

    name: str
    account: Account
    settings: Mapping[str, ServiceProvider]
    open_client: Callable[[], Client]
    journal: Journal
    budget: Budget
    limits: Limits
    to_collect: dict[Trial, str | int]
    deadline_s: float = 120.0
    buy_again: bool = False
    clock: Clock = field(default_factory=SystemClock)

    def __post_init__(self) -> None:
        self.rate_controller = RateController(self.limits)
        # Some wait for the disk before their request, and about as many after their answer.
        self.slots = self.limits.in_flight + 2 * self._ahead(self.limits.in_flight)
        self.dead: ProviderError | None = None
        self._pacing = Pacing(self.rate_controller, self.account, self.clock)
        self._client: Client | None = None
        self._in_hand = AdaptiveSemaphore(lambda: self._pacing.allowed + self._ahead(self._pacing.allowed))
        self._in_flight = AdaptiveSemaphore(lambda: self._pacing.allowed)
        self._not_begun: set[asyncio.Task[Any]] = set()
        self._noted: tuple[int, float | None] | None = None

    # ── a session ────────────────────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        """Connect, and note the balance: here and at the end only, because services block keys that ask often."""
        self._client = self.open_client()
        self._note_limits()
        await self._note_balance("before")

    def stop(self) -> None:
        """Let go of readings of which nothing was sent: they wait for a place, for money, or for the rate."""
        for waiting in self._not_begun:
            waiting.cancel()

    async def close(self) -> None:
        """Note the balance again and disconnect."""
        async with (
            contextlib.AsyncExitStack() as given_back
        ):  # all of it, also when a store that failed takes no balance
            given_back.callback(self._pacing.close)
            if self._client is not None:
                given_back.push_async_callback(self._client.close)
                if self.dead is None:
                    await self._note_balance("after")
        self._client = None

    async def _note_balance(self, when: str) -> None:
        provider = next(iter(self.settings.values()))
        executor = self._executor(None)
        try:
            result = await drive(provider.balance(), executor, min(self.deadline_s, _BALANCE_S))
        finally:
            executor.end()
        if result.error is not None and result.error.fatal:
            self._die(result.error)
        if result.error is None and result.value is not None:
            now = round(self.clock.unix(), 3)
            self.journal.append(
                {"event": "balance", "account": self.name, "when": when, "at": now, "usd": result.value}
            )

    # ── a reading ────────────────────────────────────────────────────────────────────────────────────────

    async def ask(
        self, trial: Trial, sample: Sample, task_id: str | int | None, stage: Provider | None = None
    ) -> AttemptResult:
        """One try at a trial, within the account's limits and money; goes on with a task that was submitted before.

        Raises `NotBegun` when nothing more is to be asked of this account.
        """
        provider = self.settings[stage.label if stage else trial.setting]
        of_before = trial in self.to_collect
        task_id = self.to_collect.pop(trial, task_id)
        reading = asyncio.current_task()
        assert reading is not None  # noqa: S101 -- this is a coroutine, and runs in one
        self._not_begun.add(reading)
        begun = self.clock.now()
        try:
            await self._in_hand.enter()
            try:
                if self.dead is not None:
                    raise NotBegun(f"{self.dead.kind}: {self.dead}")
                result = await self._read(trial, provider, sample, task_id, begun)
            finally:
                self._in_hand.leave()
        finally:
            self._not_begun.discard(reading)
        self._note_limits()
        error = result.error
        if of_before and self.buy_again and isinstance(error, DeadlineExceeded) and error.code in provider.forgotten:
            result.error, result.gone = _forgotten(error), True
        return result

    async def _read(
        self, trial: Trial, provider: ServiceProvider, sample: Sample, task_id: str | int | None, begun: float
    ) -> AttemptResult:
        most_usd = provider.max_cost_usd or 0.0
        if task_id is None:
            await self._reserve(most_usd)
        else:
            self.budget.reopen(most_usd)  # it was counted as spent when the task was left alone
        waited_s = self.clock.now() - begun
        spent_usd = most_usd  # if it is cut short, nobody knows what was charged
        executor = self._executor(trial if task_id is None else None)
        try:
            flow = provider.flow(sample) if task_id is None else provider.collect(task_id)
            result = await read_through(flow, executor, self.deadline_s, from_start=task_id is None)
            if not result.unsettled:
                spent_usd = _spent_usd(provider, result)
        except asyncio.CancelledError:
            if not executor.begun and task_id is None:
                spent_usd = 0.0
            raise
        finally:
            executor.end()
            self.budget.settle(most_usd, spent_usd)
        result.limit_wait_s += waited_s
        result.task_id = task_id if result.task_id is None else result.task_id
        self._heed(result.error, executor)
        return result

    async def recorded(self, result: AttemptResult) -> None:
        """The try was appended to the journal: return when it survives a power cut."""
        if result.sent or result.used:  # a cascade sends nothing itself; what its stages used was paid for
            await self.journal.durable()

    def _executor(self, trial: Trial | None) -> "_AccountExecutor":
        assert self._client is not None  # noqa: S101 -- a backend is asked between open and close only
        exchanges = Exchanges(self.account, self._client)
        return _AccountExecutor(
            self.clock, exchanges, self._pacing, self._in_flight, self.journal, trial, lambda: self.dead, self._begins
        )

    def _begins(self) -> None:
        """The reading that runs now sends its first request: from here on it is finished, whatever is stopped."""
        reading = asyncio.current_task()
        if reading is not None:
            self._not_begun.discard(reading)

    def _heed(self, error: ProviderError | None, executor: "_AccountExecutor") -> None:
        """Learn from how a reading ended: pause, slow down, or stop for good."""
        if error is not None:
            redact(error, self.account.key)
        if isinstance(error, (RateLimited, Unavailable)):
            executor.refused(error.after_s, rate=isinstance(error, RateLimited))
            return
        executor.accepted()
        if error is not None and error.fatal:
            self._die(error)

    def _die(self, error: ProviderError) -> None:
        redact(error, self.account.key)
        self.dead = self.dead or error
        self._in_hand.let_all_in()
        self._in_flight.let_all_in()

    def _note_limits(self) -> None:
        """Write down what is allowed, when that has changed by more than a little."""
        allowed, pace = self._pacing.allowed, self.rate_controller.pace
        if self._noted is not None and not any(map(_differ, self._noted, (allowed, pace))):
            return
        self._noted = allowed, pace
        at, per_second = round(self.clock.unix(), 3), None if pace is None else round(pace, 3)
        self.journal.append(
            {"event": "limits", "account": self.name, "at": at, "in_flight": allowed, "per_second": per_second}
        )

    def _ahead(self, allowed: int) -> int:
        """How many readings may wait for the disk, or with all written down for a place, beside those in flight.

        The service would idle as long as the disk takes otherwise. Where the rate is limited it has to anyway, and
        none gets ahead, because a request goes as soon as the rate allows it.
        """
        return math.ceil(allowed / _ONE_AHEAD_OF) if self.rate_controller.pace is None else 0

    async def _reserve(self, usd: float) -> None:
        while not self.budget.reserve(usd):
            if not self.budget.may_free_up:
                raise NotBegun(f"the budget of {self.budget.limit_usd:g} USD allows no further reading")
            await self.clock.sleep(0.01)


_TOO_MANY = 429
_ONE_AHEAD_OF = 8
_TELLING_CHANGE = 0.1
_BALANCE_S = 10.0  # a service that does not tell it holds nobody up for longer


def _differ(noted: float | None, now: float | None) -> bool:
    if noted is None or now is None:
        return noted is not now
    return abs(now / noted - 1) >= _TELLING_CHANGE


@dataclass(slots=True)
class _AccountExecutor:
    """Carries out the steps of one flow with an account; `trial` is None where nothing more is charged."""

    clock: Clock
    exchanges: Exchanges
    pacing: Pacing
    semaphore: AdaptiveSemaphore
    journal: Journal
    trial: Trial | None
    dead: Callable[[], ProviderError | None]
    begins: Callable[[], None]
    begun: bool = False
    _in_flight: bool = False
    _sent_at: float = 0.0
    _unjudged: bool = False

    async def call(self, step: Call, timeout_s: float) -> Called:
        """One exchange, as soon as the account's rate allows it. A request that may cost is written down before."""
        self.accepted()
        asked = self.clock.now()
        await self.pacing.place()
        if not self.begun and self.dead() is None:
            await self._begin()
        waited_s = self.clock.now() - asked
        dead = self.dead()
        if dead is not None:  # it died while we waited: not one request more
            return Called(None, type(dead)(str(dead), code=dead.code, status=dead.status), waited_s, 0.0, 0.0, 0.0)
        self._sent_at = self.clock.unix()
        called = await self.exchanges.call(step, self.clock, timeout_s, waited_s)
        self._unjudged = called.reply is not None
        if called.reply is not None and called.reply.status == _TOO_MANY:
            self.refused(called.reply.after_s, rate=True)
        return called

    def accepted(self) -> None:
        """The flow goes on, or ends, as if the last request was let through."""
        if self._unjudged:
            self._unjudged = False
            self.pacing.let_through()

    def refused(self, after_s: float | None, *, rate: bool) -> None:
        """The last request was refused, by its status or in the words of its answer."""
        if self._unjudged:
            self._unjudged = False
            self.pacing.refused(self._sent_at, after_s, rate=rate)

    async def _begin(self) -> None:
        """Before the first request of a reading: should this process or the machine end now, the money is not forgotten."""
        self.begun = True
        self.begins()
        resumes_at = self.pacing.resumes_at
        if self.trial is not None:
            self.journal.append(self._event("asked"))
            await self.journal.durable()
        await self.semaphore.enter()
        self._in_flight = True
        if self.pacing.resumes_at != resumes_at:  # what was allowed before need not be allowed now
            await self.pacing.place()

    def end(self) -> None:
        """Nothing more is sent."""
        if self._in_flight:
            self._in_flight = False
            self.semaphore.leave()

    async def submitted(self, step: Submitted) -> None:
        """The service holds a task: its id is on disk before anything else happens."""
        if self.trial is not None:
            self.journal.append({**self._event("submitted"), "task_id": step.task_id})
            await self.journal.durable()

    def _event(self, name: str) -> dict[str, object]:
        return {"event": name, **(self.trial._asdict() if self.trial else {}), "at": round(self.clock.unix(), 3)}

    async def compute(self, step: Compute) -> Computed:
        """A step between two calls that needs this machine."""
        return await asyncio.to_thread(lambda: run_chunk([step])[0])


def _spent_usd(provider: ServiceProvider, result: AttemptResult) -> float:
    prices = provider.prices or {}
    usage = {} if result.answer is None else result.answer.usage
    return sum(prices.get(name, 0.0) * quantity for name, quantity in usage.items())


class _Forgotten(DeadlineExceeded):
    """The service no longer knows a task of an earlier session, so that its answer can only be bought anew."""

    retry = True


def _forgotten(error: DeadlineExceeded) -> _Forgotten:
    return _Forgotten(
        f"{error}; the task is forgotten, and is bought again",
        code=error.code,
        status=error.status,
        task_id=error.task_id,
    )
