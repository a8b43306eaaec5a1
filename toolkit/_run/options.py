"""The options of a run, each once: its name, its type, its default, what it means and what it must be."""

import inspect
import math
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from typing import Any, Self, TypeVar

from toolkit._engine.backends import LimitsLike
from toolkit._engine.retry import RetryPolicy
from toolkit._run.inputs import StoreLike
from toolkit.errors import SettingError

F = TypeVar("F", bound=Callable[..., Any])

_HERE = "{run options}"


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How a run is carried out. The functions that run things have each of these in their own signature.

    Parameters
    ----------
    repeats : int, default 1
        How often each setting reads each image, at least 1.
    seed : int, default 0
        Shuffles the order of trials, at least 0.
    store : path or Store, optional
        Folder that the run is kept in; in memory only by default. A folder that holds part of this very run is
        resumed; tasks that a service was given before are asked for by their ids first.
    workers : int, optional
        Processes of one thread each for engines on this machine; as many as there are cores by default.
    executor : concurrent.futures.Executor, optional
        Runs engines elsewhere: a thread pool, or ``dask.distributed.Client(...).get_executor()``.
    limits : Limits or mapping, optional
        Within which each account with a service is used: one for all, or one for each provider's name.
    budget_usd : float, optional
        Most money in USD that all sessions of the store may spend together, at least 0. It is never exceeded: the
        most that a reading can cost is reserved before it is sent. Needs a price for each paid setting.
    retry : RetryPolicy, optional
        Which failures are tried again, and when.
    retry_errors : bool, default False
        Whether trials whose last try failed are asked again when a store is resumed. After errors that stopped a
        setting, such as a bad key, they always are.
    deadline_s : float, default 120.0
        Most seconds that one reading may take, above 0.
    transport : {"auto", "httpx", "fast"}, default "auto"
        What carries HTTP: "fast" is the extra of that name, for many hundreds of readings in flight.
    """

    repeats: int = 1
    seed: int = 0
    store: StoreLike = None
    workers: int | None = None
    executor: Executor | None = field(default=None, repr=False)
    limits: LimitsLike = None
    budget_usd: float | None = None
    retry: RetryPolicy | None = None
    retry_errors: bool = False
    deadline_s: float = 120.0
    transport: str = "auto"

    def __post_init__(self) -> None:
        must_be_integer("repeats", self.repeats, 1)
        must_be_integer("seed", self.seed, 0)
        if self.workers is not None:
            must_be_integer("workers", self.workers, 1)
        if not _is_number(self.deadline_s) or not self.deadline_s > 0:
            raise SettingError(f"`deadline_s` must be a number of seconds above 0, got {self.deadline_s!r}")
        if self.budget_usd is not None and not (_is_number(self.budget_usd) and 0 <= self.budget_usd < math.inf):
            raise SettingError(
                f"`budget_usd` must be an amount in USD >= 0, or None for no bound, got {self.budget_usd!r}"
            )

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Self:
        """Those among the arguments of a call, as ``locals()`` has them at its beginning."""
        return cls(**{option.name: arguments[option.name] for option in fields(cls) if option.name in arguments})


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def must_be_integer(name: str, value: object, least: int) -> None:
    """`SettingError` for a count that is none, or too small."""
    if isinstance(value, bool) or not (isinstance(value, Integral) and int(value) >= least):
        raise SettingError(f"`{name}` must be an integer >= {least}, got {value!r}")


def documents_run_options(function: F) -> F:
    """Write the meaning of the run's options into a docstring, where it says ``{run options}``."""
    said = inspect.getdoc(RunOptions) or ""
    _, _, parameters = said.partition("Parameters\n----------\n")
    if function.__doc__:
        lines = "\n".join(f"    {line}" if line else line for line in parameters.strip().splitlines())
        function.__doc__ = function.__doc__.replace(f"    {_HERE}", lines)
    return function
