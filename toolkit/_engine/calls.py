"""The world of single calls: one flow at a time with an account, without a run around it."""

import asyncio

from toolkit._engine.driver import Called, Clock, Computed, SystemClock
from toolkit._engine.redaction import redact
from toolkit._engine.worker import run_chunk
from toolkit._http import Client
from toolkit._providers.base import Account
from toolkit.errors import ProviderError
from toolkit.types import Call, Compute, Reply, Submitted

EXCHANGE_S = 60.0
"""No single exchange takes longer, whatever the deadline."""


class Exchanges:
    """Calls to one account through one HTTP client."""

    def __init__(self, account: Account, client: Client) -> None:
        self._account = account
        self._client = client

    async def call(self, step: Call, clock: Clock, timeout_s: float, waited_s: float = 0.0) -> Called:
        """One exchange; an error comes back as a value, without the key."""
        begun = clock.now()
        try:
            request = step.request(self._account.base_url, clock.unix())
            exchanged = await self._client.exchange(
                request.url, request.body, request.headers, min(timeout_s, EXCHANGE_S), request.method
            )
        except ProviderError as error:
            redact(error, self._account.key)
            return Called(None, error, waited_s, 0.0, clock.now() - begun, 0.0)
        response = exchanged.response
        reply = Reply(response.status, response.body, response.headers)
        return Called(reply, None, waited_s, exchanged.connect_s, exchanged.service_s, exchanged.lag_s)


class SingleCallExecutor:
    """Steps are carried out at once: nobody else is there to wait for, and nothing is written down."""

    def __init__(self, account: Account, client: Client) -> None:
        self.clock: Clock = SystemClock()
        self._exchanges = Exchanges(account, client)

    async def call(self, step: Call, timeout_s: float) -> Called:
        """One exchange."""
        return await self._exchanges.call(step, self.clock, timeout_s)

    async def submitted(self, step: Submitted) -> None:
        """The caller has the task's id from the flow."""

    async def compute(self, step: Compute) -> Computed:
        """A step that needs this machine, beside the loop."""
        return await asyncio.to_thread(lambda: run_chunk([step])[0])
