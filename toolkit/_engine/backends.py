"""Who runs where: settings sorted into backends by what limits them."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from toolkit._engine.account_backend import AccountBackend
from toolkit._engine.budget import Budget
from toolkit._engine.cascade_backend import CascadeBackend
from toolkit._engine.journal import Journal
from toolkit._engine.limits import Limits
from toolkit._engine.local_backend import LocalBackend
from toolkit._engine.runner import Backend
from toolkit._http import open_client
from toolkit._providers.base import Account, Provider, ServiceProvider
from toolkit._providers.cascade import Cascade
from toolkit.types import Trial

LimitsLike = Limits | Mapping[str, Limits] | None


class Accounts:
    """The accounts of some settings, with a name for each that is fit to be written down."""

    def __init__(self, settings: Mapping[str, Provider]) -> None:
        self.of: dict[str, Account | None] = {
            member.label: member.account for setting in settings.values() for member in members(setting)
        }
        self.names = _names(self.of.values())

    def named(self, setting: Provider) -> str | dict[str, str] | None:
        """The name of a setting's account, or of each stage's that has one; None on this machine."""
        if isinstance(setting, Cascade):
            return {stage.label: name for stage in members(setting) if (name := self._name(stage)) is not None}
        return self._name(setting)

    def _name(self, setting: Provider) -> str | None:
        account = self.of[setting.label]
        return None if account is None else self.names[account]


def members(setting: Provider) -> list[Provider]:
    """A setting by itself, or the stages of a cascade."""
    return [stage for stage, _ in setting.stages] if isinstance(setting, Cascade) else [setting]


@dataclass(frozen=True)
class BackendConfig:
    """What backends are made with."""

    journal: Journal
    budget: Budget
    limits: LimitsLike
    transport: str
    workers: int | None
    executor: Executor | None
    deadline_s: float
    buy_again: bool = False


def backends(
    settings: Mapping[str, Provider], accounts: Accounts, config: BackendConfig, to_collect: Mapping[Trial, str | int]
) -> list[list[Backend]]:
    """Groups of backends, to be run one after another: services, engines of this machine, cascades."""
    cascades = {label: setting for label, setting in settings.items() if isinstance(setting, Cascade)}
    plain = {label: setting for label, setting in settings.items() if label not in cascades}
    services, engines = _backends(plain, accounts, config, to_collect)
    stages = {stage.label: stage for cascade in cascades.values() for stage in members(cascade)}
    # Backends of their own, opened when the others are closed: no account is ever in two at a time.
    backend_of = {
        label: backend
        for group in _backends(stages, accounts, config, {})
        for backend in group
        for label in backend.settings
    }
    running: list[Backend] = [CascadeBackend(cascades, backend_of)] if cascades else []
    return [group for group in (services, engines, running) if group]


def _backends(
    settings: Mapping[str, Provider], accounts: Accounts, config: BackendConfig, to_collect: Mapping[Trial, str | int]
) -> tuple[list[Backend], list[Backend]]:
    services: list[Backend] = [
        AccountBackend(
            accounts.names[account],
            account,
            mine,
            partial(open_client, config.transport, limits_of(config.limits, account).in_flight),
            config.journal,
            config.budget,
            limits_of(config.limits, account),
            {trial: task for trial, task in to_collect.items() if trial.setting in mine},
            config.deadline_s,
            config.buy_again,
        )
        for account, mine in _by_account(settings, accounts).items()
    ]
    here = {label: setting for label, setting in settings.items() if accounts.of[label] is None}
    return services, [LocalBackend(here, config.workers, config.executor, config.deadline_s)] if here else []


def _by_account(settings: Mapping[str, Provider], accounts: Accounts) -> dict[Account, dict[str, ServiceProvider]]:
    groups: dict[Account, dict[str, ServiceProvider]] = {}
    for label, setting in settings.items():
        account = accounts.of[label]
        if account is not None and isinstance(setting, ServiceProvider):
            groups.setdefault(account, {})[label] = setting
    return groups


def limits_of(limits: LimitsLike, account: Account) -> Limits:
    """What holds for an account: its service's limits, those for all, or the default."""
    if isinstance(limits, Mapping):
        return limits.get(account.service, Limits())
    return limits or Limits()


def _names(accounts: Iterable[Account | None]) -> dict[Account, str]:
    """Service and host of each account, counted where one service has several keys.

    The port is left out: a sandbox has another one each time, and is the same service.
    """
    names: dict[Account, str] = {}
    for account in accounts:
        if account is not None and account not in names:
            place = f"{account.service} at {urlsplit(account.base_url).hostname}"
            same = sum(name.startswith(place) for name in names.values())
            names[account] = f"{place}, key {same + 1}" if same else place
    return names
