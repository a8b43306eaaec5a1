"""What would make a run useless or dearer than meant, said before anything has begun."""

import math
from collections.abc import Mapping
from numbers import Integral, Real

from toolkit._dataset import Dataset
from toolkit._engine.limits import Limits
from toolkit._providers.base import Provider
from toolkit.errors import DatasetError, SettingError


def check_numbers(repeats: int, seed: int, workers: int | None, deadline_s: float) -> None:
    whole: dict[str, tuple[object, int]] = {"repeats": (repeats, 1), "seed": (seed, 0)}
    if workers is not None:
        whole["workers"] = workers, 1
    for name, (value, least) in whole.items():
        if not (isinstance(value, Integral) and int(value) >= least):
            raise SettingError(f"{name}={value!r} is no whole number from {least} on")
    if not deadline_s > 0:
        raise SettingError(f"deadline_s={deadline_s!r}: a reading needs some time; give seconds above 0")


def check_plan(dataset: Dataset, settings: Mapping[str, Provider], budget_usd: float | None) -> None:
    """What would make the run useless, said before anything has begun."""
    if not len(dataset):
        raise DatasetError(f"{dataset.name} has no samples to read")
    for position, target in enumerate(dataset.targets):
        if target is None:
            raise DatasetError(
                f"{dataset.name}: {dataset.ids[position]!r} has no label to compare answers with; label it, or leave "
                "such samples out: dataset.filter(lambda sample: sample.target is not None)"
            )
    if budget_usd is not None:
        _check_budget(settings, budget_usd)


def _check_budget(settings: Mapping[str, Provider], budget_usd: object) -> None:
    """A bound that is no amount, or on what has no known price, would bound nothing."""
    if isinstance(budget_usd, bool) or not (isinstance(budget_usd, Real) and 0 <= float(budget_usd) < math.inf):
        raise SettingError(f"budget_usd={budget_usd!r} is no amount of money; give USD from 0 on, or None for no bound")
    missing = {label: setting for label, setting in settings.items() if setting.max_cost_usd is None}
    if missing:
        said = (
            f"{label} has no price: give price_per_1000_usd=…, as your account is charged"
            if setting.prices is None
            else f"{label} has prices, but nobody said how much one reading can use: give max_input_tokens=…"
            for label, setting in missing.items()
        )
        raise SettingError(f"budget_usd={budget_usd} cannot be kept: {'; '.join(said)}")


def check_limits(limits: object, services: set[str]) -> None:
    """A misspelt name would let a run ask as fast as it can."""
    given = limits if isinstance(limits, Mapping) else {} if limits is None else {"limits": limits}
    for name, value in given.items():
        if not isinstance(value, Limits):
            raise SettingError(f"limits: {name!r} is {value!r}; give tk.Limits(in_flight=…, per_second=…)")
        if isinstance(limits, Mapping) and name not in services:
            asked = ", ".join(sorted(services)) or "none"
            raise SettingError(f"limits: no setting asks {name!r}; the services of this run are {asked}")
