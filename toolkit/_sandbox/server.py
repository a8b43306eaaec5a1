"""Running the sandbox: the services' protocols on this machine, in a thread, as long as a ``with`` block lasts."""

import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import partial
from typing import NamedTuple, Self, TypeVar

from toolkit._sandbox.app import SandboxApp
from toolkit._sandbox.backend import Backend, Reader
from toolkit._sandbox.capmonster import CapMonster, CapMonsterRules
from toolkit._sandbox.capsolver import CapSolver, CapSolverRules
from toolkit._sandbox.delays import Delay
from toolkit._sandbox.exchange import Service
from toolkit._sandbox.faults import Schedule, schedules
from toolkit._sandbox.ledger import Account, Ledger, Money, Traffic, dollars
from toolkit._sandbox.openai import OpenAI, OpenAIRules
from toolkit._sandbox.thread import HOST, ServerThread, bind
from toolkit.errors import SettingError

EMPTY_KEY = "empty"
BLOCKED_KEY = "blocked"
SERVICES = ("capsolver", "capmonster", "openai")

V = TypeVar("V")


class Sandbox:
    """CapSolver, CapMonster Cloud and an OpenAI-compatible endpoint on 127.0.0.1, without a key and without a network.

    `reader` reads the images: bytes → (text or None, confidence); `readers` are others for particular modules, or
    model names, by name. An answer takes `delay` seconds, or a distribution from `toolkit._sandbox.delays`.

    The keys in `keys` are good and own `balance_usd` each with every service, of which every answer takes
    `price_per_1000_usd` / 1000: an invented price, since none of the real ones is confirmed. The key ``empty`` has
    no money, ``blocked`` is locked out, and any other, such as ``bad``, is unknown.

    `requests_per_s` makes a service answer 429 to an account that asks faster, with a ``Retry-After`` header unless
    `says_when` is False. `faults` are schedules from `toolkit._sandbox.faults`. `delay`, `price_per_1000_usd` and
    `requests_per_s` are one value for all services or a mapping from their names. `ports` asks for particular ports
    by service; the others are whichever are free. `clock` is what tasks age by, in seconds. What happens in the cases
    that the vendors' documentation leaves open is set by `capsolver`, `capmonster` and `openai`.

    Used as a context manager, or by `start` and `stop`; after either end no thread, socket or port is left.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        readers: Mapping[str, Reader] | None = None,
        delay: Delay | Mapping[str, Delay] = 0.0,
        price_per_1000_usd: Money | Mapping[str, Money] = 1,
        balance_usd: Money = 10,
        keys: Iterable[str] = ("demo",),
        requests_per_s: float | Mapping[str, float] | None = None,
        says_when: bool = True,
        faults: Iterable[Schedule] = (),
        ports: Mapping[str, int] | None = None,
        capsolver: CapSolverRules | None = None,
        capmonster: CapMonsterRules | None = None,
        openai: OpenAIRules | None = None,
        reader_threads: int = 1,
        seed: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not callable(reader):
            raise SettingError(f"a sandbox's reader is a function of an image's bytes, not {reader!r}")
        self.ledger = Ledger()
        self.traffic = Traffic()
        self.urls: dict[str, str] = {}
        """The base URL of each service while the sandbox runs, without a slash at the end."""
        self._make_backend = partial(
            Backend, reader, readers or {}, self.ledger, seed=seed, clock=clock, threads=reader_threads
        )
        self._delays: dict[str, Delay] = _by_service(delay, "delay")
        self._ports: dict[str, int] = dict.fromkeys(SERVICES, 0) | _by_service(ports or 0, "ports")
        self._limits = {} if requests_per_s is None else _by_service(requests_per_s, "requests_per_s")
        if not all(per_s > 0 for per_s in self._limits.values()):
            raise SettingError(f"requests_per_s={requests_per_s}: a limit is above 0")
        self._says_when = says_when
        self._faults = schedules(faults)
        self._rules = capsolver or CapSolverRules(), capmonster or CapMonsterRules(), openai or OpenAIRules()
        self.keys = _keys(keys)
        """The keys that are good."""
        prices: Mapping[str, Money] = _by_service(price_per_1000_usd, "price_per_1000_usd")
        self.price_per_1000_usd = {service: dollars(prices.get(service, 0)) for service in SERVICES}
        """What each service takes for a thousand answers."""
        self._open_accounts(dollars(balance_usd))
        self._running: _Running | None = None

    def __repr__(self) -> str:
        return f"Sandbox({', '.join(self.urls.values()) or 'not running'})"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def faults(self) -> tuple[Schedule, ...]:
        """The schedules in force; assigning others takes effect with the next request."""
        return self._faults

    @faults.setter
    def faults(self, given: Iterable[Schedule]) -> None:
        self._faults = schedules(given)
        if self._running is not None:
            self._running.app.faults = self._faults

    def balance_usd(self, service: str, key: str = "demo") -> Decimal:
        """What a key has left with a service."""
        return self.ledger.balance_usd(service, key)

    def start(self) -> Self:
        """Begin to answer; returns when it does. `SettingError` for a port that is taken, `MissingExtra` without uvicorn."""
        if self._running is None:
            self._running = self._run()
            self.urls = {
                service.name: f"http://{HOST}:{port}{service.base_path}"
                for port, service in self._running.app.services.items()
            }
        return self

    def stop(self) -> None:
        """Drop what is in flight and give the ports back. Stopping twice is stopping once."""
        if self._running is not None:
            self._running.server.stop()
            self._running.backend.close()
            self._running = None
            self.urls = {}

    def _open_accounts(self, balance_usd: Decimal) -> None:
        for service in SERVICES:
            price_usd = self.price_per_1000_usd[service] / 1000
            for key in self.keys:
                self.ledger.open(Account(service, key, price_usd, balance_usd))
            self.ledger.open(Account(service, EMPTY_KEY, price_usd, Decimal(0)))
            self.ledger.open(Account(service, BLOCKED_KEY, price_usd, balance_usd, blocked=True))

    def _run(self) -> "_Running":
        sockets = bind(self._ports)
        backend = self._make_backend()
        for_capsolver, for_capmonster, for_openai = self._rules
        services: tuple[Service, ...] = (
            CapSolver(backend, self._delays.get("capsolver", 0.0), for_capsolver),
            CapMonster(backend, self._delays.get("capmonster", 0.0), for_capmonster),
            OpenAI(backend, self._delays.get("openai", 0.0), for_openai),
        )
        app = SandboxApp(
            {sockets[service.name].getsockname()[1]: service for service in services},
            self.traffic,
            requests_per_s=self._limits,
            says_when=self._says_when,
            faults=self._faults,
        )
        try:
            return _Running(app, backend, ServerThread(app, list(sockets.values())))
        except BaseException:
            for listener in sockets.values():
                listener.close()
            raise


class _Running(NamedTuple):
    """What there is while a sandbox runs, and has to be ended."""

    app: SandboxApp
    backend: Backend
    server: ServerThread


def serve_forever(sandbox: Sandbox, on_start: Callable[[Sandbox], object] | None = None) -> None:
    """Run a sandbox until the process is interrupted or terminated, as a command does.

    `on_start` is called when it answers, for instance to print its `urls`. To be called from the main thread, since
    only that can wait for signals.
    """
    over = threading.Event()
    before = {number: signal.signal(number, lambda *_: over.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with sandbox:
            if on_start is not None:
                on_start(sandbox)
            while not over.wait(1):  # an endless wait cannot be interrupted everywhere
                pass
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def _keys(given: Iterable[str]) -> tuple[str, ...]:
    keys = (given,) if isinstance(given, str) else tuple(given)
    for key in keys:
        if not key or "__" in key:  # CapMonster reads what follows two underscores as options
            raise SettingError(f"the key {key!r} is of no use in a sandbox: it may not be empty nor contain '__'")
    return keys


def _by_service(value: V | Mapping[str, V], name: str) -> dict[str, V]:
    if not isinstance(value, Mapping):
        return dict.fromkeys(SERVICES, value)
    for service in value:
        if service not in SERVICES:
            raise SettingError(f"{name}: there is no service {service!r} in the sandbox; it has {', '.join(SERVICES)}")
    return dict(value)
