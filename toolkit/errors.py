"""Every error the toolkit raises or records.

::

    ToolkitError
    ├── UsageError (also ValueError)      the caller's mistake, raised before anything is spent
    │   ├── DatasetError                  names the file, the line and the cure
    │   └── SettingError                  unknown parameter, value out of range, two settings with one label
    ├── MissingExtra (also ImportError)   names the extra to install
    ├── StoreError
    │   ├── StoreCorrupt                  a damaged record that is not the torn last one
    │   ├── StoreLocked                   another process is writing to this store
    │   └── ManifestMismatch              the store belongs to another plan; names what differs
    └── ProviderError                     recorded as an attempt; never leaves a run
        ├── TransportError        retry   reset, read time-out, 5xx without a body: the request may have arrived
        │   └── Unreachable       retry   no connection came about, so nothing was sent
        ├── RateLimited           retry   carries ``after_s``
        ├── Unavailable           retry   busy, no free slot
        ├── DeadlineExceeded              the trial's time was up
        ├── AuthenticationError   fatal   bad key: stops the account's settings at once
        ├── InsufficientBalance   fatal
        ├── Blocked               fatal   address or key locked out: stop, never hammer
        ├── BadRequest                    the image or a parameter was refused
        ├── Unsolvable                    the provider gave up: outcome ``no_answer``, not charged
        ├── ProtocolError                 a reply of unexpected shape
        └── EngineFailure                 local code raised what it should not, or its worker died

Policy reads the class attributes ``kind``, ``retry``, ``fatal`` and ``settled``; nothing compares class names or
messages. ``settled`` says that certainly nothing was charged: where it is False after a paid request went out, the
money is counted as unsettled until the bill says otherwise.
"""

import os
from importlib import import_module
from types import ModuleType
from typing import Any, ClassVar


class ToolkitError(Exception):
    """Whatever this package raises on purpose."""


class UsageError(ToolkitError, ValueError):
    """The call cannot be carried out as written; nothing was spent."""


class DatasetError(UsageError):
    """A dataset, or one of its rows, cannot be used; the message names file, line and cure."""


class SettingError(UsageError):
    """A provider's parameters make no usable setting."""


class MissingExtra(ToolkitError, ImportError):
    """An optional part is not installed; the message names the extra that brings it."""

    def __init__(self, need: str, extra: str) -> None:
        super().__init__(f'{need}: pip install "image-to-text-toolkit[{extra}]"')
        self.extra = extra

    def __reduce__(self) -> tuple[Any, ...]:
        need = str(self).rsplit(": pip install", 1)[0]
        return type(self), (need, self.extra)


class StoreError(ToolkitError):
    """The run's folder cannot be read or written; what was recorded before stays whole."""


class StoreCorrupt(StoreError):
    """A record before the last one is damaged; the message gives its line number."""


class StoreLocked(StoreError):
    """Another process has the store open for writing."""


class ManifestMismatch(StoreError):
    """The store holds a run of another plan; the message names what differs."""


class ProviderError(ToolkitError):
    """One try at one image failed, for a reason that has a name.

    `code` is the service's own error code, `status` the HTTP status and `task_id` the service's id of the
    task, each where there was one: they are what the service's support asks for.
    """

    kind: ClassVar[str] = "provider_error"
    retry: ClassVar[bool] = False
    fatal: ClassVar[bool] = False
    settled: ClassVar[bool] = False

    def __init__(
        self,
        message: str = "",
        *,
        code: str | None = None,
        status: int | None = None,
        task_id: str | int | None = None,
        after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.task_id = task_id
        self.after_s = after_s

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors travel back from worker processes, so the keyword arguments have to survive pickling.
        return _rebuild, (type(self), str(self), self.__dict__)


def _rebuild(cls: type[ProviderError], message: str, state: dict[str, Any]) -> ProviderError:
    error = cls.__new__(cls, message)  # not by calling it: a subclass may want other arguments
    error.__dict__.update(state)
    return error


class TransportError(ProviderError):
    """No usable answer came over the wire."""

    kind = "transport"
    retry = True


class Unreachable(TransportError):
    """No connection came about: the service cannot have seen the request."""

    kind = "unreachable"
    settled = True


class RateLimited(ProviderError):
    """The service asks for fewer requests; `after_s` says how long to wait, where it did say."""

    kind = "rate_limited"
    retry = True
    settled = True


class Unavailable(ProviderError):
    """The service is there and has no room."""

    kind = "unavailable"
    retry = True
    settled = True


class DeadlineExceeded(ProviderError):
    """The trial's time was up before an answer came."""

    kind = "deadline_exceeded"


class AuthenticationError(ProviderError):
    """The key is not accepted."""

    kind = "authentication"
    fatal = True
    settled = True


class InsufficientBalance(ProviderError):
    """The account has no money left."""

    kind = "insufficient_balance"
    fatal = True
    settled = True


class Blocked(ProviderError):
    """The address or key is locked out; asking again would prolong it."""

    kind = "blocked"
    fatal = True
    settled = True


class BadRequest(ProviderError):
    """The image or a parameter was refused, and would be refused again."""

    kind = "bad_request"
    settled = True


class Unsolvable(ProviderError):
    """The provider looked and gave no answer, or was less sure than it was asked to be."""

    kind = "unsolvable"
    settled = True


class ProtocolError(ProviderError):
    """A reply of a shape that the provider's documents do not describe."""

    kind = "protocol"
    unreadable = False
    """Whether a success had a body that says nothing (empty, a page, cut short): asked again, it may be readable."""


class EngineFailure(ProviderError):
    """Code on this machine failed: an engine raised something of its own, or its worker died."""

    kind = "engine_failure"


NO_TELEMETRY = {
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime from 1.29: reports to its maker, and keeps an id of the machine
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
"""Variables by which libraries are told to report nothing. They read them once, while they are loaded."""


def require(module: str, need: str, extra: str) -> ModuleType:
    """Import an optional library, which then reports nothing to its makers; or say which extra brings it.

    Every process that runs an engine comes through here before it loads one: ours, and workers anywhere. A value that
    the environment has already is the user's own decision.
    """
    for variable, value in NO_TELEMETRY.items():
        os.environ.setdefault(variable, value)
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtra(need, extra) from error
