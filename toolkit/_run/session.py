"""A session of a run: everything checked, the store claimed, its log read, the backends made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from toolkit._engine.backends import Accounts, BackendConfig, backends, limits_of
from toolkit._engine.budget import Budget
from toolkit._engine.journal import Journal
from toolkit._engine.plan import Done, Plan
from toolkit._engine.retry import RetryPolicy
from toolkit._engine.runner import Runner, TrialSource
from toolkit._engine.selftest import drives
from toolkit._providers.base import Provider
from toolkit._run.checks import check_limits, check_plan
from toolkit._run.inputs import DatasetLike, SettingsLike, as_dataset, as_settings, as_store
from toolkit._run.manifest import labels, manifest, session
from toolkit._run.options import RunOptions
from toolkit._store.log_reader import LogReader
from toolkit._store.run_state import RunState
from toolkit._store.store import Store


@dataclass(frozen=True)
class Session:
    """A claimed store, the runner that will fill it, and the money it may spend."""

    store: Store
    runner: Runner
    budget: Budget


def open_session(
    dataset: DatasetLike,
    settings: SettingsLike,
    options: RunOptions,
    *,
    design: Mapping[str, Any] | None = None,
    trial_source: Callable[[Plan, Done, LogReader], TrialSource] = lambda plan, done, log: plan,  # noqa: ARG005 -- one signature
) -> Session:
    """See `toolkit.start`. `trial_source` chooses the trials, all of the plan by default; `design` says so in the manifest."""
    dataset = as_dataset(dataset)
    by_label = as_settings(settings)
    check_plan(dataset, by_label, options.budget_usd)
    accounts = Accounts(by_label)
    limits = options.limits
    check_limits(limits, {account.service for account in accounts.names})
    in_flight = max((limits_of(limits, account).in_flight for account in accounts.names), default=0)
    can_drive = drives(options.transport, in_flight) if in_flight else None
    named = {label: accounts.named(setting) for label, setting in by_label.items()}
    kept = as_store(options.store)
    kept.open(manifest(dataset, by_label, named, options.repeats, options.seed, can_drive, design), labels(dataset))
    try:
        log = LogReader(kept)
        log.read_on()
        kept.append(session(kept))
        log.read_on()
        journal = Journal(kept)
        plan = Plan(tuple(by_label), dataset.ids, options.repeats, options.seed)
        done = plan.done(log.ended(retry_errors=options.retry_errors))
        budget = Budget(options.budget_usd, _spent_usd(log.run_state, by_label))
        config = BackendConfig(
            journal,
            budget,
            limits,
            options.transport,
            options.workers,
            options.executor,
            options.deadline_s,
            options.retry_errors,
        )
        groups = backends(by_label, accounts, config, log.to_collect(retry_errors=options.retry_errors))
        runner = Runner(trial_source(plan, done, log), dataset, journal, groups, done, options.retry or RetryPolicy())
        return Session(kept, runner, budget)
    except BaseException:
        kept.close()
        raise


def _spent_usd(run_state: RunState, settings: Mapping[str, Provider]) -> float:
    """What earlier sessions of this store spent, or may have spent."""
    spent = 0.0
    for label, used in run_state.usage.items():
        prices = settings[label].prices or {} if label in settings else {}
        spent += sum(prices.get(name, 0.0) * quantity for name, quantity in used.items())
    return spent + sum(settings[lost.trial.setting].max_cost_usd or 0.0 for lost in run_state.unsettled)
