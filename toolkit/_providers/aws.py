"""Amazon's two readers of text, Textract and Rekognition, and the signature that both ask for."""

import base64
import hashlib
import hmac
import json
import os
import re
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from toolkit._providers._checks import check_choice, check_share
from toolkit._providers._combining import COMBINED
from toolkit._providers._one_call import Complaint, NothingRead, OneCallService, objects_in, string_in
from toolkit._providers._replies import number_in, words_in
from toolkit._providers.base import Account
from toolkit.errors import (
    AuthenticationError,
    BadRequest,
    Blocked,
    ProviderError,
    RateLimited,
    SettingError,
    Unavailable,
)
from toolkit.types import Answer, Call, Request

_URL = re.compile(r"https?://([^/?]+)([^?]*)(?:\?(.*))?")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


@dataclass(frozen=True)
class AwsReader(OneCallService):
    """What the two have in common: credentials, region, signature and errors.

    The key is ``ACCESS_KEY_ID:SECRET`` or ``ACCESS_KEY_ID:SECRET:SESSION_TOKEN``.
    """

    key_variable: ClassVar[str] = "AWS_ACCESS_KEY_ID"
    public_url: ClassVar[str] = "https://REGION.amazonaws.com"
    unit: ClassVar[str] = "images"
    image_bytes: ClassVar[range] = range(1, 5 * 1024 * 1024 + 1)
    service: ClassVar[str]
    target: ClassVar[str]
    codes: ClassVar[Mapping[str, type[ProviderError]]] = {
        **dict.fromkeys(
            (
                *("InvalidParameterException", "UnsupportedDocumentException", "DocumentTooLargeException"),
                *(
                    "BadDocumentException",
                    "InvalidImageFormatException",
                    "ImageTooLargeException",
                    "ValidationException",
                ),
            ),
            BadRequest,
        ),
        **dict.fromkeys(("AccessDeniedException", "SubscriptionRequiredException"), Blocked),
        **dict.fromkeys(
            (
                *("UnrecognizedClientException", "InvalidSignatureException", "IncompleteSignatureException"),
                *("MissingAuthenticationTokenException", "ExpiredTokenException", "InvalidClientTokenId"),
            ),
            AuthenticationError,
        ),
        **dict.fromkeys(
            ("ProvisionedThroughputExceededException", "ThrottlingException", "LimitExceededException"), RateLimited
        ),
        **dict.fromkeys(("InternalServerError", "ServiceUnavailableException"), Unavailable),
    }

    region: str = "us-east-1"
    confidence: str = "min"
    min_confidence: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.region, str) or not _REGION.fullmatch(self.region):
            raise SettingError(f"{type(self).__name__}: region must be such as 'us-east-1', got {self.region!r}")
        check_choice(self, "confidence", tuple(COMBINED))
        check_share(self, "min_confidence")
        if self.key is not None and self.key.count(":") not in {1, 2}:
            raise SettingError(
                f"{type(self).__name__}: key must be 'ACCESS_KEY_ID:SECRET', with ':SESSION_TOKEN' if there is one"
            )

    @property
    def account(self) -> Account:
        """The account; credentials come from `key`, or from the environment variables that Amazon's tools read."""
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        found = [value for value in map(os.environ.get, names) if value]
        key = self.key or (":".join(found) if len(found) > 1 else None)
        if not key:
            raise SettingError(
                f"{self.label} has no key: set {names[0]} and {names[1]} in the environment, or give key=…"
            )
        return Account(self.name, self.base_url or f"https://{self.service}.{self.region}.amazonaws.com", key)

    @abstractmethod
    def request(self, encoded: str) -> dict[str, Any]:
        """The members that are sent, with the image in base64."""

    @abstractmethod
    def lines(self, said: Mapping[str, Any]) -> list[tuple[str, float]]:
        """Each line's text and confidence in [0, 1], in reading order."""

    def call(self, image: bytes) -> Call:
        body = json.dumps(self.request(base64.b64encode(image).decode("ascii"))).encode()
        signer = Signer(self.account.key, self.region, self.service)
        headers = {"x-amz-target": self.target}
        return Call("/", body=body, content_type="application/x-amz-json-1.1", headers=headers, sign=signer)

    def complaint(self, said: Mapping[str, Any]) -> Complaint | None:
        kind = words_in(said, "__type", 200)
        if kind is None:
            return None
        return Complaint(kind.rpartition("#")[2], words_in(said, "message") or words_in(said, "Message"))

    def answer(self, said: Mapping[str, Any]) -> Answer:
        lines = [(text, sure) for text, sure in self.lines(said) if sure >= self.min_confidence]
        text = "\n".join(text for text, _ in lines)
        if not text.strip():
            raise NothingRead("the service found no text, or none as sure as min_confidence")
        return Answer(text, COMBINED[self.confidence]([sure for _, sure in lines]), {"charged": 1, "images": 1})


@dataclass(frozen=True)
class AwsTextract(AwsReader):
    """Amazon Textract, DetectDocumentText.

    Parameters
    ----------
    region : str, default "us-east-1"
    confidence : {"min", "mean", "product"}, default "min"
        What an answer of several lines gets.
    min_confidence : float in [0, 1], default 0
        Lines below it are left out of the text.
    key : str, optional
        ``ACCESS_KEY_ID:SECRET``, with ``:SESSION_TOKEN`` if there is one; by default from the environment variables
        ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY`` and ``AWS_SESSION_TOKEN``.

    Notes
    -----
    The confidence is that of the lines. PNG and JPEG of at most 5 MB. Charged by the page.

    References
    ----------
    DetectDocumentText, as in the service model of botocore 1.44; Signature Version 4.

    Examples
    --------
    >>> AwsTextract(region="eu-central-1").label
    "aws_textract(region='eu-central-1')"
    """

    name: ClassVar[str] = "aws_textract"
    confidence_is: ClassVar[str] = "lines, combined"
    charged_by: ClassVar[str] = "page"
    tested_against: ClassVar[str] = "documented replies, botocore signature"
    service: ClassVar[str] = "textract"
    target: ClassVar[str] = "Textract.DetectDocumentText"
    unit: ClassVar[str] = "images"

    def request(self, encoded: str) -> dict[str, Any]:
        return {"Document": {"Bytes": encoded}}

    def lines(self, said: Mapping[str, Any]) -> list[tuple[str, float]]:
        return [
            (string_in(block, "Text"), number_in(block, "Confidence", 0, 100) / 100)
            for block in objects_in(said, "Blocks")
            if block.get("BlockType") == "LINE"
        ]


@dataclass(frozen=True)
class AwsRekognition(AwsReader):
    """Amazon Rekognition, DetectText.

    Parameters
    ----------
    region : str, default "us-east-1"
    confidence : {"min", "mean", "product"}, default "min"
        What an answer of several lines gets.
    min_confidence : float in [0, 1], default 0
        Lines below it are left out of the text. The service's own threshold, which is 0.8 when nothing is said and leaves
        text out in silence, is always set to 0, so that this is the one that counts.
    key : str, optional
        As in `AwsTextract`.

    Notes
    -----
    The confidence is that of the lines. At most 100 words an image; PNG and JPEG of at most 5 MB. Charged by the image.

    References
    ----------
    DetectText, as in the service model of botocore 1.44; Signature Version 4.

    Examples
    --------
    >>> AwsRekognition(min_confidence=0.5).label
    'aws_rekognition(min_confidence=0.5)'
    """

    name: ClassVar[str] = "aws_rekognition"
    confidence_is: ClassVar[str] = "lines, combined"
    charged_by: ClassVar[str] = "image"
    tested_against: ClassVar[str] = "documented replies, botocore signature"
    service: ClassVar[str] = "rekognition"
    target: ClassVar[str] = "RekognitionService.DetectText"

    def request(self, encoded: str) -> dict[str, Any]:
        return {"Image": {"Bytes": encoded}, "Filters": {"WordFilter": {"MinConfidence": 0}}}

    def lines(self, said: Mapping[str, Any]) -> list[tuple[str, float]]:
        return [
            (string_in(found, "DetectedText"), number_in(found, "Confidence", 0, 100) / 100)
            for found in objects_in(said, "TextDetections")
            if found.get("Type") == "LINE"
        ]


@dataclass(frozen=True)
class Signer:
    """Amazon's Signature Version 4, for a request without a query.

    Called with the `Request` as it goes out; gives the headers that sign it.
    """

    key: str = field(repr=False)
    region: str
    service: str

    def __call__(self, request: Request) -> dict[str, str]:
        access, _, rest = self.key.partition(":")
        secret, _, token = rest.partition(":")
        found = _URL.fullmatch(request.url)
        if found is None:
            raise ValueError("the address of a signed request must begin with http:// or https://")
        host, path, query = found[1], found[2] or "/", found[3] or ""
        stamp = f"{datetime.fromtimestamp(request.unix_s, UTC):%Y%m%dT%H%M%SZ}"
        added = {"x-amz-date": stamp, **({"x-amz-security-token": token} if token else {})}
        signed = {name.lower(): value.strip() for name, value in {**request.headers, "host": host, **added}.items()}
        names = ";".join(sorted(signed))
        canonical = "\n".join(
            [
                request.method,
                path,
                query,
                *(f"{name}:{signed[name]}" for name in sorted(signed)),
                "",
                names,
                hashlib.sha256(request.body).hexdigest(),
            ]
        )
        scope = f"{stamp[:8]}/{self.region}/{self.service}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        made = f"AWS4{secret}".encode()
        for part in scope.split("/"):
            made = hmac.new(made, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(made, text.encode(), hashlib.sha256).hexdigest()
        credential = f"Credential={access}/{scope}, SignedHeaders={names}, Signature={signature}"
        return {**added, "authorization": f"AWS4-HMAC-SHA256 {credential}"}
