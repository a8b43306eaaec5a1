"""Services that answer in the same exchange: one request, one reply, an answer or an error."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from reprlib import repr as shortened
from typing import Any, ClassVar

from toolkit._providers._replies import STATUSES, Statuses, by_status, check_encodable, json_object
from toolkit._providers.base import Account, ServiceProvider
from toolkit.errors import (
    BadRequest,
    Blocked,
    ProtocolError,
    ProviderError,
    SettingError,
    TransportError,
    Unavailable,
    Unsolvable,
)
from toolkit.types import Answer, Call, Flow, Reply, Sample

NO_KEY = "-no-key-is-needed-"
"""Stands in an account whose service asks for no key: every account has one, so that it can be told from others."""

CLOUD_STATUSES: Statuses = {
    **STATUSES,
    **dict.fromkeys((400, 404, 405, 409, 415, 422), BadRequest),
    403: Blocked,
    503: Unavailable,
    529: Unavailable,
}


class NothingRead(Unsolvable):
    """The service looked, and charges for it, and found no text."""

    settled = False


@dataclass(frozen=True)
class Complaint:
    """What a reply says went wrong: the service's name for it, its words, and a status where the body has its own."""

    code: str | None
    words: str | None
    status: int | None = None


@dataclass(frozen=True)
class OneCallService(ServiceProvider):
    """A service that answers at once. A subclass says what is sent, and what the reply holds."""

    statuses: ClassVar[Statuses] = CLOUD_STATUSES
    codes: ClassVar[Mapping[str, type[ProviderError]]] = {}
    """Error class of each name that the service has for a failure; it goes before the status."""
    unit: ClassVar[str] = "charged"
    """The quantity in an answer's ``usage`` that `price_per_1000_usd` is the price of."""

    @abstractmethod
    def call(self, image: bytes) -> Call:
        """The request for an image."""

    @abstractmethod
    def answer(self, said: Mapping[str, Any]) -> Answer:
        """The answer in the JSON object of a success."""

    @abstractmethod
    def complaint(self, said: Mapping[str, Any]) -> Complaint | None:
        """What the JSON object says went wrong; None when nothing did."""

    @property
    def prices(self) -> Mapping[str, float] | None:
        """USD for one of the service's units."""
        return None if self.price_per_1000_usd is None else {self.unit: self.price_per_1000_usd / 1000}

    def flow(self, sample: Sample) -> Flow:
        reply: Reply = yield self.call(self.accepted(sample))
        try:
            return self.answer(self._success(reply))
        except ProviderError as error:
            error.status = reply.status if error.status is None else error.status
            raise

    def _success(self, reply: Reply) -> dict[str, Any]:
        said = json_object(reply)
        if said is None:
            raise by_status(reply, self.statuses, "the body is not a JSON object")
        complaint = self.complaint(said)
        if complaint is not None:
            raise self._refusal(complaint, reply)
        if not 200 <= reply.status < 300:
            raise by_status(reply, self.statuses, "the body does not say why")
        return said

    def _refusal(self, complaint: Complaint, reply: Reply) -> ProviderError:
        status = reply.status if complaint.status is None or reply.status >= 400 else complaint.status
        fallback = self.statuses.get(status, TransportError if status >= 500 else ProtocolError)
        kind = fallback if complaint.code is None else self.codes.get(complaint.code, fallback)
        words = ": ".join(filter(None, (complaint.code, complaint.words))) or f"refused with status {status}"
        return kind(words, code=complaint.code, status=status, after_s=reply.after_s)


@dataclass(frozen=True)
class OwnServer(OneCallService):
    """A server that need not ask for a key, and is found at its own address only."""

    @property
    def account(self) -> Account:
        """The server, with the key where one was given."""
        try:
            return super().account
        except SettingError:
            return Account(self.name, (self.base_url or self.public_url).rstrip("/"), NO_KEY)


def objects_in(holder: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A member that has to be a list of objects; `ProtocolError` when it is anything else."""
    value = holder.get(name)
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ProtocolError(f"{name} is {shortened(value)}, not a list of objects")
    return value


def object_in(holder: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A member that has to be an object; `ProtocolError` when it is anything else."""
    value = holder.get(name)
    if not isinstance(value, dict):
        raise ProtocolError(f"{name} is {shortened(value)}, not an object")
    return value


def string_in(holder: Mapping[str, Any], name: str) -> str:
    """A member that has to be a text, which may be empty; `ProtocolError` when it is anything else."""
    value = holder.get(name)
    if not isinstance(value, str):
        raise ProtocolError(f"{name} is {shortened(value)}, not a text")
    check_encodable(value, name)
    return value
