"""A machine, two services and a run on it, all in one thread and in virtual time, that end when a test says so.

Engine, store, providers and the services' protocols are the real ones. What is simulated is the wire between them,
and the moment at which the machine dies, its disk is full, or somebody asks the run to stop.
"""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from recorded_store import RecordedStore
from virtual_time import VirtualClock, run
from witnessed import Witness, trouble

import toolkit as tk
from toolkit._dataset import Dataset
from toolkit._engine.account_backend import AccountBackend
from toolkit._engine.backends import Accounts
from toolkit._engine.budget import Budget
from toolkit._engine.journal import Journal
from toolkit._engine.plan import Plan
from toolkit._engine.runner import Runner
from toolkit._http import Exchanged
from toolkit._http.exchange import Response as HTTPResponse
from toolkit._providers.base import ServiceProvider
from toolkit._run.manifest import labels, manifest, session
from toolkit._run.session import _spent_usd
from toolkit._sandbox import CapSolverRules
from toolkit._sandbox.backend import Backend
from toolkit._sandbox.capmonster import CapMonster, CapMonsterRules
from toolkit._sandbox.capsolver import CapSolver
from toolkit._sandbox.exchange import Request, Response, Service
from toolkit._sandbox.faults import Schedule
from toolkit._sandbox.ledger import Account, Ledger, dollars
from toolkit._store.log_reader import LogReader
from toolkit.errors import StoreError, TransportError

KEY = "CAP-0123456789ABCDEF0123456789ABCDEF"
EXCHANGE_S = 0.05


class Ended(Exception):
    """The machine is dead: nothing is written any more, and nothing sent."""


@dataclass
class Fate:
    """What happens at the n-th event, where every write, every sync and either end of an exchange is one.

    The machine ``dies``, somebody ``stops`` the run, the disk ``fills`` up for a while, or its clock ``jumps``; or
    nothing happens.
    """

    ending: str = ""
    at: int = 0
    stop: Callable[[], None] = lambda: None
    jump: Callable[[], None] = lambda: None
    events: int = 0
    dead: bool = False

    def event(self) -> None:
        """One more; `Ended` from the last one on."""
        self.events += 1
        if self.ending == "dies" and self.events >= self.at:
            self.dead = True
        if self.ending == "stops" and self.events == self.at:
            self.stop()
        if self.ending == "jumps" and self.events == self.at:
            self.jump()
        if self.dead:
            raise Ended

    @property
    def disk_is_full(self) -> bool:
        return self.ending == "fills" and self.at <= self.events < self.at + 3


class MortalStore(RecordedStore):
    """A store on a machine that may die before, within or after any write, and whose disk may be full for a moment."""

    fate: Fate = Fate()

    def append(self, *records: Mapping[str, Any]) -> None:
        self.fate.event()
        if self.fate.disk_is_full:
            raise StoreError("no space left on device")
        super().append(*records)
        self.fate.event()

    def sync(self) -> None:
        self.fate.event()
        super().sync()


@dataclass
class TimedSocket:
    """An HTTP client whose requests go to services in memory; what befalls them is what the schedules say."""

    services: Mapping[str, Service]
    fate: Fate
    schedules: Iterable[Schedule] = ()

    async def exchange(
        self, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float, method: str = "POST"
    ) -> Exchanged:
        self.fate.event()
        parts = urlsplit(url)
        service = self.services[str(parts.hostname)]
        request = Request("POST", parts.path, {}, json.loads(body))
        picked = (schedule.pick(service.name, request.operation) for schedule in self.schedules)
        fault = next(filter(None, picked), None)
        if fault is not None and fault.instead is not None:
            response = fault.instead(service, request)
        else:
            response = await service.respond(request)
            response = fault.after(response) if fault is not None and fault.after is not None else response
        took_s = EXCHANGE_S + response.delay_s + response.drip_s
        await asyncio.sleep(min(took_s, timeout_s))
        self.fate.event()
        if took_s > timeout_s or response.cut:
            raise TransportError(f"{parts.hostname}: cut off")
        return Exchanged(HTTPResponse(response.status, response.body(), _names(response)), 0.0, took_s, 0.0)

    async def close(self) -> None:
        self.fate.event()


@dataclass
class World:
    """What outlives a machine: the services, what they charged, the plan and the store's folder."""

    dataset: Dataset
    folder: Path
    repeats: int = 1
    deferred: bool = False
    clock: VirtualClock = field(default_factory=VirtualClock)

    def __post_init__(self) -> None:
        self.witnesses = [Witness("capsolver"), Witness("capmonster")]
        for witness in self.witnesses:
            witness.know(self.dataset)
        common, universal = self.witnesses
        self.ledger = Ledger()
        for service in ("capsolver", "capmonster"):
            self.ledger.open(Account(service, KEY, dollars(1) / 1000, dollars(1000)))
        backend = Backend(
            common, {"common": common, "universal": universal}, self.ledger, seed=0, clock=self._age, threads=1
        )
        self.services = {
            "capsolver.test": CapSolver(backend, 0.1, CapSolverRules(deferred=self.deferred)),
            "capmonster.test": CapMonster(backend, 0.1, CapMonsterRules()),
        }
        paid = {"key": KEY, "price_per_1000_usd": 1}
        self.settings: dict[str, ServiceProvider] = {
            "capsolver": tk.CapSolver("common", alias="capsolver", base_url="http://capsolver.test", **paid),
            "capmonster": tk.CapMonster("universal", alias="capmonster", base_url="http://capmonster.test", **paid),
        }

    @property
    def trials(self) -> int:
        return len(self.settings) * len(self.dataset) * self.repeats

    def charged(self) -> "Counter[tuple[str, str]]":
        return sum((witness.read for witness in self.witnesses), Counter())

    def session(
        self,
        fate: Fate,
        *,
        seed: int = 0,
        rate: float = 0.0,
        in_flight: int = 4,
        budget_usd: float | None = None,
        retry_errors: bool = False,
        per_second: float | None = None,
        schedules: Iterable[Schedule] = (),
        wire: Callable[[TimedSocket], TimedSocket] = lambda wire: wire,
    ) -> None:
        """Run until the end of the plan or of the machine. Raises what a run raises, and `Ended`."""
        os.environ["XDG_CACHE_HOME"] = str(self.folder / "cache")  # what accounts share is this machine's own
        store = MortalStore(self.folder / "run", self.folder / "safe")
        store.fate = fate
        through = wire(TimedSocket(self.services, fate, [*schedules, *(trouble(rate, seed) if rate else ())]))
        limits = tk.Limits(in_flight=in_flight, per_second=per_second)
        try:
            run(self._session(store, through, limits, budget_usd, retry_errors, fate))
        finally:
            store.close()

    async def _session(
        self,
        store: MortalStore,
        wire: TimedSocket,
        limits: tk.Limits,
        budget_usd: float | None,
        retry_errors: bool,
        fate: Fate,
    ) -> None:
        """As `toolkit._run.session` does it, with a wire and a clock of our own."""
        accounts = Accounts(self.settings)
        named = {label: accounts.named(setting) for label, setting in self.settings.items()}
        store.open(manifest(self.dataset, self.settings, named, self.repeats, 0, None, None), labels(self.dataset))
        log, journal = LogReader(store), Journal(store)
        log.read_on()
        store.append(session(store))
        log.read_on()
        plan = Plan(tuple(self.settings), self.dataset.ids, self.repeats, 0)
        done = plan.done(log.ended(retry_errors=retry_errors))
        budget = Budget(budget_usd, _spent_usd(log.run_state, self.settings))
        to_collect = log.to_collect()
        backends = [
            AccountBackend(
                str(named[label]),
                setting.account,
                {label: setting},
                lambda: wire,
                journal,
                budget,
                limits,
                {trial: task for trial, task in to_collect.items() if trial.setting == label},
                clock=self.clock,
            )
            for label, setting in self.settings.items()
        ]
        retry = tk.RetryPolicy(base_s=0.1)
        self.runner = Runner(plan, self.dataset, journal, [backends], done, retry)
        fate.stop = self.runner.stop
        await self.runner.run()

    def _age(self) -> float:
        return self.clock.now()


def _names(response: Response) -> dict[str, str]:
    return {name.decode().lower(): value.decode() for name, value in response.headers}
