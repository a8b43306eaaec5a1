"""What would make a run useless or more expensive than meant, said before anything has begun."""

from collections.abc import Mapping

from toolkit._dataset import Dataset
from toolkit._engine.limits import Limits
from toolkit._providers.base import Provider
from toolkit.errors import DatasetError, SettingError


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


def _check_budget(settings: Mapping[str, Provider], budget_usd: float) -> None:
    """A bound on what has no known price would bound nothing."""
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
