"""What was charged, to the last fraction of a cent, and what was asked."""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Money = Decimal | int | str | float


@dataclass(frozen=True, slots=True)
class Entry:
    """One task that a service took on and finished.

    `charged` says whether its price was taken, also where that price is 0; `outcome` says why (``answered``,
    ``unsolvable``, ``below_threshold``).
    `usage` holds other quantities a bill may be made of, such as tokens.
    """

    service: str
    key: str = field(repr=False)
    task_id: str | int
    charged: bool
    charged_usd: Decimal
    outcome: str
    usage: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """A client's complaint about an answer."""

    service: str
    task_id: str | int
    detail: Any = None


@dataclass(slots=True)
class Account:
    """A key's money with one service. What is `held` belongs to tasks that are being worked on."""

    service: str
    key: str = field(repr=False)
    price_usd: Decimal
    balance_usd: Decimal
    held_usd: Decimal = Decimal(0)
    blocked: bool = False


class Ledger:
    """The accounts of all services, and every task they finished, in order.

    Amounts are `Decimal`, so that a thousand charges of a tenth of a cent are a dollar and nothing else.
    Written by the server's thread and read from any other.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._accounts: dict[tuple[str, str], Account] = {}
        self._entries: list[Entry] = []
        self._reports: list[Report] = []

    def __repr__(self) -> str:
        return f"Ledger({self.charged()} charged, {self.free()} free, {self.spent_usd()} USD)"

    # ── for the user ──

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All finished tasks so far, charged or free, in the order they were finished."""
        with self._lock:
            return tuple(self._entries)

    @property
    def reports(self) -> tuple[Report, ...]:
        """All answers that clients reported as wrong."""
        with self._lock:
            return tuple(self._reports)

    def charged(self, service: str | None = None) -> int:
        """How many answers were charged."""
        return sum(entry.charged for entry in self._of(service))

    def free(self, service: str | None = None) -> int:
        """How many tasks were finished without a charge."""
        return sum(not entry.charged for entry in self._of(service))

    def spent_usd(self, service: str | None = None) -> Decimal:
        """The sum of all charges."""
        return sum((entry.charged_usd for entry in self._of(service)), Decimal(0))

    def balance_usd(self, service: str, key: str = "demo") -> Decimal:
        """What is left on an account; `KeyError` for a key without one."""
        with self._lock:
            return self._accounts[service, key].balance_usd

    def _of(self, service: str | None) -> Iterable[Entry]:
        return (entry for entry in self.entries if service in (None, entry.service))

    # ── for the services ──

    def open(self, account: Account) -> None:
        self._accounts[account.service, account.key] = account

    def account(self, service: str, key: str | None) -> Account | None:
        """The account of a key, or None when the service does not know it."""
        return None if key is None else self._accounts.get((service, key))

    def hold(self, account: Account) -> bool:
        """Set the price of one answer aside; False when the account cannot pay it."""
        with self._lock:
            available = account.balance_usd - account.held_usd
            if available <= 0 or available < account.price_usd:
                return False
            account.held_usd += account.price_usd
            return True

    def settle(
        self,
        account: Account,
        task_id: str | int,
        outcome: str,
        *,
        charge: bool,
        usage: Mapping[str, int] | None = None,
    ) -> None:
        """End a task whose price was held: take the price, or give it free."""
        charged_usd = account.price_usd if charge else Decimal(0)
        entry = Entry(account.service, account.key, task_id, charge, charged_usd, outcome, usage or {})
        with self._lock:
            account.held_usd -= account.price_usd
            account.balance_usd -= charged_usd
            self._entries.append(entry)

    def report(self, report: Report) -> None:
        with self._lock:
            self._reports.append(report)


@dataclass(slots=True)
class Traffic:
    """What clients asked of the sandbox, counted.

    `answers` counts by (service, operation, HTTP status), with status 0 for a connection that was cut without an
    answer; `faults` counts the faults dealt, by (service, fault); `peak_in_flight` holds the most requests each
    service had open at one time.
    """

    answers: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    peak_in_flight: Counter[str] = field(default_factory=Counter)

    def requests(self, service: str | None = None, operation: str | None = None, status: int | None = None) -> int:
        """How many requests were answered, of one service, operation or status where given."""
        return sum(
            count
            for (of_service, of_operation, of_status), count in self.answers.copy().items()
            if service in (None, of_service) and operation in (None, of_operation) and status in (None, of_status)
        )


def dollars(amount: Money) -> Decimal:
    """An amount without the binary fraction of a float: 0.1 is a tenth."""
    return amount if isinstance(amount, Decimal) else Decimal(str(amount))
