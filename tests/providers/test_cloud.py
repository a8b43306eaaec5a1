"""Cloud OCR and vision models, replayed: documented replies by hand, requests as the documents have them."""

import base64
import json
from dataclasses import replace

import pytest
from by_hand import drive, reply

import toolkit as tk
from toolkit._providers._token_prices import Declined
from toolkit._providers.aws import Signer
from toolkit._providers.mistral_ocr import plain
from toolkit.errors import (
    AuthenticationError,
    BadRequest,
    Blocked,
    InsufficientBalance,
    ProtocolError,
    RateLimited,
    SettingError,
    TransportError,
    Unavailable,
    Unsolvable,
)
from toolkit.testing import check_provider
from toolkit.types import Request

KEY = "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

VISION = {
    "responses": [
        {
            "textAnnotations": [{"description": "A7 K2"}],
            "fullTextAnnotation": {
                "text": "A7 K2\n",
                "pages": [
                    {
                        "blocks": [
                            {
                                "paragraphs": [
                                    {
                                        "words": [
                                            {"confidence": 0.9, "symbols": [{"text": "A", "confidence": 0.1}]},
                                            {"confidence": 0.8, "symbols": []},
                                        ]
                                    }
                                ]
                            }
                        ]
                    }
                ],
            },
        }
    ]
}
MISTRAL = {
    "model": "mistral-ocr-2512",
    "pages": [
        {
            "index": 0,
            "markdown": "A7K2",
            "confidence_scores": {"average_page_confidence_score": 0.97, "minimum_page_confidence_score": 0.8},
            "images": [],
        }
    ],
    "usage_info": {"pages_processed": 1, "doc_size_bytes": 123},
}
AZURE = {
    "modelVersion": "2023-10-01",
    "metadata": {"width": 160, "height": 56},
    "readResult": {"blocks": [{"lines": [{"text": "A7K2", "words": [{"text": "A7K2", "confidence": 0.95}]}]}]},
}
TEXTRACT = {
    "Blocks": [
        {"BlockType": "PAGE"},
        {"BlockType": "LINE", "Text": "A7K2", "Confidence": 97.0},
        {"BlockType": "WORD", "Text": "A7K2", "Confidence": 96.0},
    ],
    "DetectDocumentTextModelVersion": "1.0",
}
REKOGNITION = {
    "TextDetections": [
        {"Type": "LINE", "DetectedText": "A7K2", "Confidence": 60.0, "Id": 0},
        {"Type": "WORD", "DetectedText": "A7K2", "Confidence": 60.0, "Id": 1, "ParentId": 0},
    ],
    "TextModelVersion": "3.0",
}
SPACE = {
    "ParsedResults": [{"FileParseExitCode": 1, "ParsedText": "A7K2\r\n", "ErrorMessage": ""}],
    "OCRExitCode": 1,
    "IsErroredOnProcessing": False,
    "ProcessingTimeInMilliseconds": "312",
}
GEMINI = {
    "candidates": [
        {
            "content": {"role": "model", "parts": [{"text": "hm", "thought": True}, {"text": "A7K2"}]},
            "finishReason": "STOP",
            "logprobsResult": {
                "logProbabilitySum": -0.5,
                "chosenCandidates": [{"token": "A7K2", "logProbability": -0.5}],
            },
        }
    ],
    "usageMetadata": {
        "promptTokenCount": 80,
        "candidatesTokenCount": 4,
        "thoughtsTokenCount": 6,
        "totalTokenCount": 90,
    },
    "modelVersion": "gemini-2.5-flash",
}
ANTHROPIC = {
    "type": "message",
    "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "A7K2"}],
    "stop_reason": "end_turn",
    "usage": {
        "input_tokens": 90,
        "output_tokens": 6,
        "cache_read_input_tokens": 10,
        "cache_creation_input_tokens": None,
    },
}

AZURE_AT = "https://mine.cognitiveservices.azure.com"
GOOD = [
    (tk.GoogleVision(key="k" * 12), VISION, 0.8, {"charged": 1, "images": 1}),
    (tk.MistralOCR(key="k" * 12), MISTRAL, 0.8, {"charged": 1, "pages": 1}),
    (tk.AzureRead(base_url=AZURE_AT, key="k" * 12), AZURE, 0.95, {"charged": 1, "images": 1}),
    (tk.AwsTextract(key=KEY), TEXTRACT, 0.97, {"charged": 1, "images": 1}),
    (tk.AwsRekognition(key=KEY), REKOGNITION, 0.6, {"charged": 1, "images": 1}),
    (tk.OCRSpace(key="k" * 12), SPACE, None, {"charged": 1}),
    (
        tk.Gemini("g", logprobs=True, key="k" * 12),
        GEMINI,
        0.60653066,
        {"charged": 1, "input_tokens": 80, "output_tokens": 10},
    ),
    (tk.Anthropic("a", key="k" * 12), ANTHROPIC, None, {"charged": 1, "input_tokens": 100, "output_tokens": 6}),
]
BY_NAME = {provider.name: provider for provider, *_ in GOOD}


@pytest.fixture
def sample(text_png):
    return tk.Sample.from_bytes(text_png("A7K2", size=(160, 56)))


@pytest.mark.parametrize(("provider", "said", "confidence", "usage"), GOOD, ids=lambda one: getattr(one, "name", ""))
def test_a_documented_reply_becomes_an_answer(sample, provider, said, confidence, usage):
    """The text in reading order, the confidence as the service means it, and what a bill is made of."""
    answer = drive(provider.flow(sample), said).value

    assert answer.text.replace(" ", "") == "A7K2"
    assert answer.confidence == (None if confidence is None else pytest.approx(confidence))
    assert answer.usage == usage


@pytest.mark.parametrize(("provider", "said", "_", "__"), GOOD, ids=lambda one: getattr(one, "name", ""))
def test_the_contract_is_kept(sample, provider, said, _, __):
    """With every member of the reply left out or replaced in turn."""
    check_provider(provider, sample, [said])


@pytest.mark.parametrize(
    ("name", "status", "said", "kind"),
    [
        ("google_vision", 403, {"error": {"code": 403, "message": "m", "status": "PERMISSION_DENIED"}}, Blocked),
        ("google_vision", 400, {"error": {"code": 400, "message": "m", "status": "INVALID_ARGUMENT"}}, BadRequest),
        ("google_vision", 200, {"responses": [{"error": {"code": 3, "message": "Bad image data."}}]}, BadRequest),
        ("google_vision", 200, {"responses": [{"error": {"code": 8, "message": "Quota"}}]}, RateLimited),
        ("google_vision", 200, {"responses": [{"error": {"code": 14, "message": "later"}}]}, Unavailable),
        ("google_vision", 200, {"responses": [{}]}, Unsolvable),
        ("google_vision", 200, {"responses": []}, ProtocolError),
        ("mistral_ocr", 401, {"message": "Unauthorized"}, AuthenticationError),
        ("mistral_ocr", 422, {"detail": [{"msg": "field required"}]}, BadRequest),
        ("mistral_ocr", 429, {"object": "error", "message": "Requests rate limit exceeded"}, RateLimited),
        ("azure_read", 401, {"error": {"code": "401", "message": "Access denied"}}, AuthenticationError),
        (
            "azure_read",
            400,
            {"error": {"code": "InvalidRequest", "message": "m", "innererror": {"message": "i"}}},
            BadRequest,
        ),
        ("azure_read", 429, {"error": {"code": "429", "message": "m"}}, RateLimited),
        ("azure_read", 200, {"readResult": {"blocks": []}}, Unsolvable),
        ("aws_textract", 400, {"__type": "UnsupportedDocumentException", "Message": "m"}, BadRequest),
        ("aws_textract", 400, {"__type": "com.amazonaws#AccessDeniedException", "message": "m"}, Blocked),
        ("aws_textract", 400, {"__type": "ProvisionedThroughputExceededException"}, RateLimited),
        ("aws_textract", 500, {"__type": "InternalServerError"}, Unavailable),
        ("aws_textract", 400, {"__type": "UnrecognizedClientException"}, AuthenticationError),
        ("aws_rekognition", 400, {"__type": "InvalidImageFormatException"}, BadRequest),
        ("aws_rekognition", 400, {"__type": "ThrottlingException"}, RateLimited),
        ("aws_rekognition", 200, {"TextDetections": []}, Unsolvable),
        ("ocr_space", 200, {"OCRExitCode": 3, "IsErroredOnProcessing": True, "ErrorMessage": ["no image"]}, BadRequest),
        ("ocr_space", 200, {"IsErroredOnProcessing": True, "ErrorMessage": "odd"}, ProtocolError),
        ("ocr_space", 403, {"IsErroredOnProcessing": True, "ErrorMessage": "key"}, Blocked),
        ("gemini", 400, {"error": {"code": 400, "message": "m", "status": "INVALID_ARGUMENT"}}, BadRequest),
        ("gemini", 429, {"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED"}}, RateLimited),
        ("gemini", 200, {"promptFeedback": {"blockReason": "SAFETY"}}, Declined),
        ("gemini", 200, {"candidates": [{"finishReason": "RECITATION"}]}, Declined),
        (
            "anthropic",
            401,
            {"type": "error", "error": {"type": "authentication_error", "message": "m"}},
            AuthenticationError,
        ),
        ("anthropic", 402, {"type": "error", "error": {"type": "billing_error", "message": "m"}}, InsufficientBalance),
        ("anthropic", 429, {"type": "error", "error": {"type": "rate_limit_error", "message": "m"}}, RateLimited),
        ("anthropic", 529, {"type": "error", "error": {"type": "overloaded_error", "message": "m"}}, Unavailable),
        ("anthropic", 500, {"type": "error", "error": {"type": "api_error", "message": "m"}}, TransportError),
        ("anthropic", 200, {"content": [{"type": "text", "text": "no"}], "stop_reason": "refusal"}, Declined),
    ],
)
def test_a_documented_failure_has_its_class(sample, name, status, said, kind):
    """Whether the image, the key, the money, the pace or the service is at fault, and by which code."""
    error = drive(BY_NAME[name].flow(sample), reply(said, status, retry_after="4")).error

    assert isinstance(error, kind)
    assert kind is not RateLimited or error.after_s == 4


def test_text_not_found_is_charged_by_the_cloud(sample):
    """So the row is not settled as free."""
    error = drive(BY_NAME["google_vision"].flow(sample), {"responses": [{}]}).error

    assert error.settled is False


def test_requests_are_as_documented(sample):
    """The members that decide, where each service wants them."""
    sent = {provider.name: drive(provider.flow(sample), said).calls[0] for provider, said, *_ in GOOD}
    encoded = base64.b64encode(sample.image).decode()

    vision = sent["google_vision"]
    assert vision.path == "/v1/images:annotate"
    assert vision.json["requests"][0]["image"] == {"content": encoded}
    assert vision.json["requests"][0]["imageContext"]["textDetectionParams"]["enableTextDetectionConfidenceScore"]
    assert vision.headers == {"x-goog-api-key": "k" * 12}
    assert sent["mistral_ocr"].json["include_blocks"] is False
    assert sent["mistral_ocr"].json["document"]["image_url"] == f"data:image/png;base64,{encoded}"
    assert sent["azure_read"].body == sample.image
    assert sent["azure_read"].query["features"] == "read"
    assert json.loads(sent["aws_textract"].body) == {"Document": {"Bytes": encoded}}
    assert json.loads(sent["aws_rekognition"].body)["Filters"] == {"WordFilter": {"MinConfidence": 0}}
    assert sent["ocr_space"].form["base64Image"].endswith(encoded)
    assert sent["gemini"].json["generationConfig"]["responseLogprobs"] is True
    assert "temperature" not in sent["anthropic"].json
    assert all("k" * 12 not in repr(call) + call.path for call in sent.values())


def test_the_threshold_of_rekognition_is_ours(sample):
    """Lines that are less sure are left out here, where the number is part of the setting."""
    strict = replace(BY_NAME["aws_rekognition"], min_confidence=0.7)

    assert isinstance(drive(strict.flow(sample), REKOGNITION).error, Unsolvable)


def test_what_a_service_would_refuse_is_known_before(text_png):
    """By size, by kind."""
    small = text_png("A7", size=(120, 40))

    assert "larger than 50×50" in BY_NAME["azure_read"].refuses(small)
    assert tk.Prepared(BY_NAME["azure_read"], scale=2).refuses(small) is None
    assert BY_NAME["mistral_ocr"].refuses(b"BM not a PNG") == "not a PNG, JPEG, GIF or WebP"
    assert "5,242,880 bytes" in BY_NAME["aws_textract"].refuses(bytes(6_000_000))


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("# A7K2", "A7K2"),
        ("$A7K2$", "A7K2"),
        (r"A\_7 \* K2", "A_7 * K2"),
        ("**A7** K2", "A7 K2"),
        ("![img-0.jpeg](img-0.jpeg)", ""),
        ("3 * 4 # 5", "3 * 4 # 5"),
        ("a_b_c 5$", "a_b_c 5$"),
    ],
)
def test_markdown_becomes_text(markdown, text):
    """What only says how it looks goes, and what may be read in the image stays."""
    assert plain(markdown) == text


def test_an_answer_that_is_only_a_picture_is_none(sample):
    """The model took the text for one."""
    said = {**MISTRAL, "pages": [{**MISTRAL["pages"][0], "markdown": "![img-0.jpeg](img-0.jpeg)"}]}

    assert isinstance(drive(BY_NAME["mistral_ocr"].flow(sample), said).error, Unsolvable)


# ── Amazon's signature ───────────────────────────────────────────────────────────────────────────────────


def test_the_signature_of_amazons_published_example():
    """``post-vanilla`` of Amazon's test suite for Signature Version 4."""
    request = Request("POST", "https://example.amazonaws.com/", {}, b"", 1440938160.0)  # 2015-08-30 12:36:00 UTC
    signed = Signer("AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service")(request)

    assert signed["x-amz-date"] == "20150830T123600Z"
    assert signed["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
    )


@pytest.mark.parametrize("token", ["", "a session token/+="])
def test_the_signature_is_the_one_of_botocore(sample, token):
    """On a real request, with and without a session token."""
    auth = pytest.importorskip("botocore.auth")
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    provider = tk.AwsTextract(key=f"{KEY}:{token}" if token else KEY, region="eu-central-1")
    call = drive(provider.flow(sample), TEXTRACT).calls[0]
    at = 1_800_000_000.0
    sent = call.request(provider.account.base_url, at)
    theirs = AWSRequest(
        "POST",
        sent.url,
        headers={
            k: v
            for k, v in sent.headers.items()
            if k != "authorization" and not k.startswith(("x-amz-date", "x-amz-sec"))
        },
        data=sent.body,
    )
    theirs.context["timestamp"] = sent.headers["x-amz-date"]
    signer = auth.SigV4Auth(Credentials(*KEY.split(":"), token or None), "textract", "eu-central-1")
    signer._modify_request_before_signing(theirs)
    signature = signer.signature(signer.string_to_sign(theirs, signer.canonical_request(theirs)), theirs)

    assert sent.headers["authorization"].endswith(f"Signature={signature}")


def test_credentials_come_from_the_usual_variables(monkeypatch):
    """And are asked for where there are none."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingError, match="AWS_SECRET_ACCESS_KEY"):
        _ = tk.AwsTextract().account
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    assert tk.AwsTextract().account.key == "AKID:secret"
    assert tk.AwsRekognition(region="eu-west-1").account.base_url == "https://rekognition.eu-west-1.amazonaws.com"
    with pytest.raises(SettingError, match="ACCESS_KEY_ID:SECRET"):
        tk.AwsTextract(key="just one part")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (tk.AzureRead, "base_url"),
        (lambda: tk.GoogleVision(feature="LABEL_DETECTION"), "feature"),
        (lambda: tk.OCRSpace(ocr_engine=4), "ocr_engine"),
        (lambda: tk.AwsTextract(region="Frankfurt"), "region"),
        (lambda: tk.Gemini("g", resolution="ultra"), "resolution"),
        (lambda: tk.Anthropic("a", max_tokens=0), "max_tokens"),
        (lambda: tk.Gemini("g", price_input_per_million_usd=1), "both"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(make, words):
    """With the parameter's name."""
    with pytest.raises(SettingError, match=words):
        make()


def test_money_is_counted_in_the_services_unit():
    """A page, an image, a token."""
    assert tk.MistralOCR(price_per_1000_usd=2).prices == {"pages": 0.002}
    assert tk.GoogleVision(price_per_1000_usd=1.5).max_cost_usd == 0.0015
    model = tk.Anthropic("a", price_input_per_million_usd=1, price_output_per_million_usd=5, max_input_tokens=1000)
    assert model.max_cost_usd == pytest.approx(1000e-6 + 256 * 5e-6)
