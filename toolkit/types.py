"""The values that pass between the floors."""

import base64
import binascii
import math
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Protocol, Self

import msgspec
from msgspec import Meta, Struct

from toolkit.errors import DatasetError, ProviderError
from toolkit.metrics.words import duration

IMAGE_FORMATS = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg", ".jfif", ".jpe"),
    "MPO": (".jpg", ".jpeg", ".jfif"),  # a JPEG with a second picture after it, as cameras write them
    "GIF": (".gif",),
    "BMP": (".bmp", ".dib"),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "JPEG2000": (".jp2", ".j2k", ".jpx"),
    "AVIF": (".avif",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "ICO": (".ico",),
    "TGA": (".tga",),
}
"""Image formats by Pillow's names, with what their files' names end in: one list for loader, checks and engines."""

# ── images and labels ────────────────────────────────────────────────────────────────────────────────────


class Source(Protocol):
    """Where one image's bytes come from: a file, a database row, a member of an archive.

    A source is small, hashable and picklable; the bytes are fetched by `read` each time and are not kept.
    """

    def read(self) -> bytes:
        """The encoded image; `DatasetError` naming the place when it cannot be had."""
        ...


@dataclass(frozen=True, slots=True)
class InMemory:
    """An image that is already here."""

    data: bytes = field(repr=False)

    def read(self) -> bytes:
        return self.data


@dataclass(frozen=True, slots=True)
class File:
    """An image in a file of its own."""

    path: Path

    def read(self) -> bytes:
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise DatasetError(f"{self.path}: the image cannot be read ({error.strerror})") from error


@dataclass(frozen=True, slots=True)
class Sample:
    """One image with what it says.

    `id` is unique within its dataset; `target` is the text a perfect reader would give, or None where it is
    not known; `tags` are the values by which results are sliced.
    """

    id: str
    source: Source
    target: str | None = None
    tags: Mapping[str, Any] = field(default_factory=dict)

    @property
    def image(self) -> bytes:
        """The encoded image (PNG, JPEG, …), read from its source on each access."""
        return self.source.read()

    def loaded(self) -> Self:
        """The same sample with its image in memory, so that a provider which looks at it does no I/O."""
        return self if isinstance(self.source, InMemory) else replace(self, source=InMemory(self.image))

    @classmethod
    def from_file(cls, path: str | Path, target: str | None = None, **tags: Any) -> Self:
        """A sample whose image is read from `path` when it is needed; its id is the file's name."""
        path = Path(path)
        return cls(path.name, File(path), target, tags)

    @classmethod
    def from_bytes(cls, image: bytes, target: str | None = None, *, id: str = "image", **tags: Any) -> Self:
        """A sample around an encoded image that is already in memory."""
        return cls(id, InMemory(image), target, tags)

    @classmethod
    def from_link(
        cls,
        link: str,
        target: str | None = None,
        *,
        max_bytes: int = 10_000_000,
        timeout_s: float = 30.0,
        allow_private: bool = False,
        **tags: Any,
    ) -> Self:
        """A sample whose image is downloaded now; its id is the link without what may be secret in it.

        `DatasetError` for a reply that has more than `max_bytes`, takes longer than `timeout_s` in all, is no image,
        or comes from an address that is not public, unless `allow_private`.
        """
        from toolkit._http import ImageDownloads  # the one value that has to be fetched

        id = link.partition("://")[2].partition("?")[0].partition("#")[0].rpartition("@")[2]
        with ImageDownloads(max_bytes=max_bytes, timeout_s=timeout_s, allow_private=allow_private) as downloads:
            try:
                return cls.from_bytes(downloads.get(link), target, id=id or "link", **tags)
            except DatasetError as error:
                raise DatasetError(f"{id or 'the link'}: {error}") from error

    @classmethod
    def from_base64(cls, text: str, target: str | None = None, *, id: str = "image", **tags: Any) -> Self:
        """A sample from base64, with or without a ``data:`` prefix and line breaks."""
        encoded = text.partition(",")[2] if text.startswith("data:") else text
        try:
            return cls.from_bytes(base64.b64decode("".join(encoded.split()), validate=True), target, id=id, **tags)
        except binascii.Error as error:
            raise DatasetError(f"the text given for {id!r} is not base64: {error}") from error


Part = str | bytes | tuple[str, bytes, str]
"""A part of a multipart body: a text, bytes, or a file's name, bytes and content type."""

# ── what a provider says ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider read.

    `confidence` is in [0, 1], or None where the provider gives none. `usage` holds the quantities a bill is
    made of (calls charged, tokens), never money: prices change, what happened does not.
    """

    text: str
    confidence: float | None = None
    usage: Mapping[str, float] = field(default_factory=dict)


class Request(NamedTuple):
    """A request as it will go out, for a provider that signs it: see `Call.sign`."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    unix_s: float


@dataclass(frozen=True, slots=True)
class Call:
    """Ask for one HTTP exchange with the account's service. Gives a `Reply`, whatever its status.

    Raises `TransportError` into the flow when none came about, which a flow that polls may catch.

    Parameters
    ----------
    path : str
        Below the account's base URL, beginning with a slash; or an absolute address that the service handed out, which
        must be on the host of the base URL, since the key travels with it.
    json, form, multipart, body : optional
        What is sent, at most one of them: a JSON value; names and values, percent-encoded as a web form; parts by name,
        each a text, bytes, or ``(file name, bytes, content type)``; or the exact bytes. None of them sends nothing.
    headers : mapping of str to str
        Further headers.
    method : {"POST", "GET"}
    query : mapping of str to str, optional
        Appended to the address, percent-encoded. It appears in no message, log or record.
    content_type : str, optional
        In place of the one that follows from what is sent.
    sign : callable, optional
        Is given the `Request` just before it goes out, with the time, and gives further headers. A provider has no
        clock of its own, and a signature is good for minutes only.

    Examples
    --------
    >>> Call("/ocr", multipart={"file": ("image.png", b"...", "image/png"), "language": "en"}).method
    'POST'
    """

    path: str
    json: Any = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] | None = field(default=None, kw_only=True, repr=False)
    multipart: Mapping[str, Part] | None = field(default=None, kw_only=True, repr=False)
    body: bytes | None = field(default=None, kw_only=True, repr=False)
    content_type: str | None = field(default=None, kw_only=True)
    method: str = field(default="POST", kw_only=True)
    query: Mapping[str, str] | None = field(default=None, kw_only=True, repr=False)
    sign: Callable[[Request], Mapping[str, str]] | None = field(default=None, kw_only=True, repr=False)

    def request(self, base_url: str, unix_s: float) -> Request:
        """The request as it goes out: its whole address, all its headers, its exact bytes.

        Raises
        ------
        ValueError
            When it cannot be sent at all, which is a mistake of the provider.
        ProtocolError
            When an absolute address is not on the host of `base_url`.
        """
        from toolkit._http.message import address, encoded

        if self.method not in {"POST", "GET"}:
            raise ValueError(f"method must be 'POST' or 'GET', got {self.method!r}")
        body, implied = encoded(json=self.json, form=self.form, multipart=self.multipart, body=self.body)
        content_type = self.content_type or implied
        headers = {**({"content-type": content_type} if content_type else {}), **self.headers}
        request = Request(self.method, address(base_url, self.path, self.query), headers, body, unix_s)
        if self.sign is not None:
            request = request._replace(headers={**headers, **self.sign(request)})
        return request


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer, whatever its status; `body` is at most what the client's read limit allows."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def after_s(self) -> float | None:
        """Seconds that a ``Retry-After`` asks for; None without one that can be understood.

        A date is compared with the reply's own: the service's clock need not agree with ours.
        """
        value = self.headers.get("retry-after", "")
        try:
            seconds = float(value)
        except ValueError:
            seconds = _seconds_between(self.headers.get("date", ""), value)
        return seconds if math.isfinite(seconds) and seconds >= 0 else None


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask for a pause of `seconds` before the next step. Gives None.

    `pending` says that the exchange before found the answer not ready yet, which bounds its latency from below;
    False after one that failed and tells nothing.
    """

    seconds: float
    pending: bool = True


@dataclass(frozen=True, slots=True)
class Submitted:
    """Say that the service now holds a task that will be charged. Gives None, once that is on disk."""

    task_id: str | int


@dataclass(frozen=True, slots=True)
class Compute:
    """Ask for `function(*args)` on a worker, timed there. Gives the function's value.

    `prepare` is called on the worker before the clock starts and must be cheap when it was called before: it is
    where an engine loads its model. True says that something was made just now; `function` is then done once
    unmeasured, because the first time is slower than all that follow.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    prepare: Callable[[], bool] | None = None


def _seconds_between(earlier: str, later: str) -> float:
    from email.utils import parsedate_to_datetime

    try:
        return (parsedate_to_datetime(later) - parsedate_to_datetime(earlier)).total_seconds()
    except (ValueError, TypeError, OverflowError):  # no dates, or only one of them with a time zone
        return math.nan


Step = Call | Wait | Submitted | Compute
Flow = Generator[Step, Any, Answer]


# ── what a run records ───────────────────────────────────────────────────────────────────────────────────


class Trial(NamedTuple):
    """The unit of the plan: one setting reads one sample for the n-th time (`repeat` counts from 0)."""

    setting: str
    sample: str
    repeat: int


class Times(Struct, kw_only=True):
    """Where the seconds of one try went. What each of them means: `toolkit.schema.ATTEMPTS`."""

    elapsed_s: float = 0.0
    queue_s: float = 0.0
    limit_wait_s: float = 0.0
    connect_s: float = 0.0
    service_s: float = 0.0
    poll_wait_s: float = 0.0
    client_lag_s: float = 0.0


Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class Attempt(Times, gc=False, omit_defaults=True, tag_field="event", tag="finished"):
    """One try at a trial: the unit of the store, and the line of its log that says how the try ended.

    A line leaves out what has its default. What the fields mean and their units: `toolkit.schema.ATTEMPTS`.
    """

    setting: str
    sample: str
    repeat: Count
    attempt: Count
    started_at: float
    final: bool
    text: str | None = None
    confidence: float | None = None
    usage: Mapping[str, float | int] | None = None
    error: str | None = None
    error_code: str | int | None = None
    error_status: Count | None = None
    error_message: str | None = None
    task_id: str | int | None = None
    unsettled: bool = False
    latency_s: float | None = None
    latency_low_s: float | None = None
    backoff_s: float = 0.0

    def as_record(self) -> dict[str, Any]:
        """The attempt as one event of the log."""
        record: dict[str, Any] = msgspec.to_builtins(self)
        return record


@dataclass(slots=True)
class Progress:
    """Where a run stands; written by the run, read by whoever shows it."""

    planned: int
    done_before: int = 0
    done: int = 0
    answered: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    stopped: dict[str, str] = field(default_factory=dict)
    started: float = 0.0
    seconds: float = 0.0

    def count(self, error: ProviderError | None) -> None:
        """Take one more outcome into account."""
        self.done += 1
        self.seconds = time.perf_counter() - self.started
        if error is None:
            self.answered += 1
        else:
            self.errors[error.kind] += 1

    @property
    def rate(self) -> float:
        """Trials per second in this session."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def sentence(self) -> str:
        """All of it in one line, for people."""
        done = self.done_before + self.done
        parts = [f"{done:,} of {self.planned:,} trials"]
        if self.done:
            parts.append(f"{self.rate:,.0f} per second" if self.rate >= 10 else f"{self.rate:.1f} per second")
        if self.left and self.rate:
            parts.append(f"{duration(self.left / self.rate)} left")
        elif self.done:
            parts.append(f"took {duration(self.seconds)}")
        parts += [f"{count:,} {kind}" for kind, count in self.errors.most_common()]
        return ", ".join(parts)

    @property
    def left(self) -> int:
        """Trials that have no outcome yet."""
        return self.planned - self.done_before - self.done
