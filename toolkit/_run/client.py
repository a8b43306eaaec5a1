"""Single calls to a service: make a task now, fetch its answer later."""

import asyncio
import os
import threading
from collections.abc import Coroutine, Generator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from toolkit._engine.calls import SingleCallExecutor
from toolkit._engine.driver import AttemptResult, drive, read_through
from toolkit._engine.redaction import redact
from toolkit._http import open_client
from toolkit._providers.base import ServiceProvider
from toolkit.errors import SettingError, UsageError
from toolkit.types import Answer, Sample, Step

T = TypeVar("T")

Image = Sample | bytes | str | os.PathLike[str]


class TaskClient:
    """What a service's own client library offers, over the same flows that a run drives.

    ::

        with tk.TaskClient(tk.CapMonster(module="universal")) as client:
            task_id = client.create("captcha.png")      # now
            client.result(task_id)                      # an Answer, or None while it is pending
            client.join(task_id, timeout_s=20)          # an Answer within 20 s, or DeadlineExceeded
            client.report_incorrect(task_id)

    An image is a path, an http(s) link, encoded bytes or a `Sample`. Every call raises the `ProviderError` that a run
    would have recorded; nothing is tried twice, because only you know whether a second task is worth its money.
    """

    def __init__(self, provider: ServiceProvider, *, transport: str = "auto") -> None:
        given: object = provider
        if not isinstance(given, ServiceProvider):
            raise SettingError(
                f"a TaskClient makes calls to a service such as tk.CapMonster(), not {given!r}; tk.read(…) reads with any"
            )
        self.provider = provider
        self._account = provider.account
        self._client = open_client(transport, in_flight=4)
        self._loop = asyncio.new_event_loop()
        # A loop of its own: a notebook's thread has a running one already.
        self._thread = threading.Thread(target=self._loop.run_forever, name="toolkit-client", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<TaskClient of {self.provider.label} at {self._account.base_url}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect."""
        if not self._loop.is_closed():
            self._wait_for(self._client.close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    @property
    def callback_url(self) -> str | None:
        """Where the service is to send answers, for tasks made from now on; None for nowhere."""
        url: str | None = getattr(self.provider, "callback_url", None)
        return url

    @callback_url.setter
    def callback_url(self, url: str | None) -> None:
        if not hasattr(self.provider, "callback_url"):
            raise SettingError(f"{self.provider.name} sends answers nowhere; ask for them with result or join")
        changed: dict[str, Any] = {"callback_url": url}
        self.provider = replace(self.provider, **changed)

    def read(self, image: Image, timeout_s: float = 120.0) -> Answer:
        """The whole exchange: make a task and wait for its answer."""
        return self._answer(read_through(self.provider.flow(as_sample(image).loaded()), self._executor(), timeout_s))

    def create(self, image: Image) -> str | int:
        """Make a task; gives its id. From now on it may be charged."""
        task_id: str | int = self._value(self.provider.create(as_sample(image).loaded()))
        return task_id

    def result(self, task_id: str | int) -> Answer | None:
        """The answer to a task, or None while it is pending. One question, no waiting."""
        answer: Answer | None = self._value(self.provider.peek(task_id))
        return answer

    def join(self, task_id: str | int, timeout_s: float = 120.0) -> Answer:
        """Wait for the answer to a task; `DeadlineExceeded` after `timeout_s`, give or take one exchange."""
        return self._answer(read_through(self.provider.collect(task_id), self._executor(), timeout_s))

    def balance(self) -> float | None:
        """The account's money in USD. Not to be asked often: services block keys that do."""
        usd: float | None = self._value(self.provider.balance())
        return usd

    def report_incorrect(self, task_id: str | int) -> None:
        """Tell the service that its answer was wrong."""
        self._value(self.provider.report_incorrect(task_id))

    def _executor(self) -> SingleCallExecutor:
        return SingleCallExecutor(self._account, self._client)

    def _answer(self, reading: Coroutine[Any, Any, AttemptResult]) -> Answer:
        result = self._settled(reading)
        assert result.answer is not None  # noqa: S101 -- a result without an error has one
        return result.answer

    def _value(self, flow: Generator[Step, Any, Any]) -> Any:
        return self._settled(drive(flow, self._executor(), 60.0)).value

    def _settled(self, driving: Coroutine[Any, Any, AttemptResult]) -> AttemptResult:
        result = self._wait_for(driving)
        if result.error is not None:
            redact(result.error, self._account.key)
            raise result.error
        return result

    def _wait_for(self, coroutine: Coroutine[Any, Any, T]) -> T:
        if self._loop.is_closed():
            coroutine.close()
            raise UsageError(f"{self!r} is closed; make another one")
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()


def as_sample(image: Image) -> Sample:
    """A sample around a path, an http(s) link or encoded bytes."""
    if isinstance(image, Sample):
        return image
    if isinstance(image, str) and image.lower().startswith(("http://", "https://")):
        return Sample.from_link(image)
    return Sample.from_bytes(image) if isinstance(image, bytes) else Sample.from_file(Path(image))
