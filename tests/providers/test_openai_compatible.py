"""Vision models behind chat completions: one call, tokens for money, and many ways to say no."""

import base64
import math
import pickle

import pytest
from by_hand import drive, reply

from toolkit._providers import OpenAICompatible
from toolkit._providers.openai_compatible import Declined
from toolkit.errors import (
    AuthenticationError,
    BadRequest,
    Blocked,
    InsufficientBalance,
    ProtocolError,
    ProviderError,
    RateLimited,
    SettingError,
    TransportError,
    Unavailable,
    Unsolvable,
)
from toolkit.types import Answer, Call, Sample

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
SAMPLE = Sample.from_bytes(PNG)
USAGE = {"prompt_tokens": 1000, "completion_tokens": 5, "total_tokens": 1005}


def model(name="m", **parameters) -> OpenAICompatible:
    return OpenAICompatible(name, key="K", **parameters)


def said(content="XK7mq", *, finish_reason="stop", logprobs=None, usage=USAGE, **message):
    """A chat completion in the documented shape."""
    message = {"role": "assistant", "content": content, "refusal": None} | message
    choice = {"index": 0, "message": message, "logprobs": logprobs, "finish_reason": finish_reason}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}


def sent(image=PNG, **parameters) -> Call:
    return drive(model(**parameters).flow(Sample.from_bytes(image)), said()).calls[0]


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_request_is_a_chat_completion_with_an_image():
    """Prompt and image in one message, the key in a header."""
    call = sent(prompt="Read this.", max_tokens=20, temperature=0.5, detail="low", logprobs=True)

    assert call.path == "/chat/completions"
    assert call.headers == {"authorization": "Bearer K"}
    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    assert call.json == {
        "model": "m",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Read this."},
                    {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
                ],
            }
        ],
        "max_tokens": 20,
        "temperature": 0.5,
        "logprobs": True,
    }


def test_what_is_none_is_left_to_the_service():
    """Models that think first refuse a temperature, and want the limit under another name."""
    body = sent(temperature=None, limit_name="max_completion_tokens").json

    assert set(body) == {"model", "messages", "max_completion_tokens"}
    assert set(body["messages"][0]["content"][1]["image_url"]) == {"url"}


@pytest.mark.parametrize(
    ("beginning", "media_type"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBP", "image/webp"),
    ],
)
def test_the_image_is_called_what_it_is(beginning, media_type):
    """By its bytes, since a file's name may say anything."""
    image = beginning + bytes(50)

    url = sent(image).json["messages"][0]["content"][1]["image_url"]["url"]

    assert url == f"data:{media_type};base64,{base64.b64encode(image).decode()}"


@pytest.mark.parametrize("image", [b"", b"BM" + bytes(50), b"RIFF\x00\x00\x00\x00WAVE", b"text"], ids=repr)
def test_an_image_of_another_format_is_not_sent(image):
    """It would be refused after a round trip, and for some services after a charge."""
    driven = drive(model().flow(Sample.from_bytes(image)))

    assert driven.steps == []
    assert type(driven.error) is BadRequest
    assert model().refuses(image) == str(driven.error)


def test_the_key_is_in_no_repr():
    """Neither in the setting nor in the call that carries it."""
    assert "K'" not in repr(model())
    assert "Bearer" not in repr(sent())


# ── settings and money ───────────────────────────────────────────────────────────────────────────────────


def test_a_label_always_shows_the_model():
    """Prices do not decide the answer and stand aside."""
    setting = model("gpt-x", temperature=1.0, price_input_per_million_usd=1, price_output_per_million_usd=2)

    assert setting.label == "openai(model='gpt-x', temperature=1.0)"
    assert "price_input_per_million_usd" not in setting.parameters


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"model": ""}, r"OpenAICompatible: model='' is not a text"),
        ({"prompt": None}, r"prompt=None is not a text"),
        ({"max_tokens": 0}, r"max_tokens=0 is not a whole number from 1$"),
        ({"max_tokens": None}, r"max_tokens=None is not"),
        ({"temperature": 2.1}, r"temperature=2.1 is not a number from 0 to 2$"),
        ({"temperature": -0.1}, r"temperature=-0.1 is not"),
        ({"detail": ""}, r"detail='' is not"),
        ({"logprobs": 1}, r"logprobs=1 is not one of False, True$"),
        ({"limit_name": "tokens"}, r"limit_name='tokens' is not one of 'max_tokens', 'max_completion_tokens'$"),
        ({"max_input_tokens": 0}, r"max_input_tokens=0 is not"),
        (
            {"price_input_per_million_usd": 1.0},
            r"price_input_per_million_usd stands alone; give the prices of .* both$",
        ),
        ({"price_output_per_million_usd": 1.0}, r"price_output_per_million_usd stands alone"),
        (
            {"price_input_per_million_usd": -1.0, "price_output_per_million_usd": 1.0},
            r"=-1.0 is not a number from 0 to",
        ),
        (
            {"price_input_per_million_usd": 1, "price_output_per_million_usd": 1, "price_per_1000_usd": 1},
            r"a price for tokens or for answers, not both$",
        ),
    ],
)
def test_a_value_out_of_range_is_refused_before_anything_is_sent(parameters, message):
    """The message names the parameter and what it takes."""
    with pytest.raises(SettingError, match=message):
        OpenAICompatible(**{"model": "m"} | parameters)


def test_a_model_must_be_named():
    """No model is the right one for everybody."""
    with pytest.raises(TypeError, match="model"):
        OpenAICompatible()


def test_tokens_are_priced_by_the_million():
    """1000 tokens at 2 USD and 5 at 8 USD a million are 2.04 thousandths of a USD."""
    setting = model(price_input_per_million_usd=2, price_output_per_million_usd=8)

    usage = drive(setting.flow(SAMPLE), said()).value.usage

    assert usage["input_tokens"] == 1000
    assert usage["output_tokens"] == 5
    assert sum(usage[name] * usd for name, usd in setting.prices.items()) == pytest.approx(0.00204)


def test_the_worst_case_needs_the_largest_image():
    """4000 tokens in at 2 USD and 256 out at 8 USD a million; without the first, there is no bound to promise."""
    prices = {"price_input_per_million_usd": 2, "price_output_per_million_usd": 8}

    assert model(**prices, max_input_tokens=4000).max_cost_usd == pytest.approx((4000 * 2 + 256 * 8) / 1e6)
    assert model(**prices).max_cost_usd is None


def test_answers_may_be_priced_by_the_piece():
    """As some hosts do it."""
    setting = model(price_per_1000_usd=3.0)

    usage = drive(setting.flow(SAMPLE), said(usage=None)).value.usage

    assert sum(usage[name] * usd for name, usd in setting.prices.items()) == pytest.approx(0.003)
    assert setting.max_cost_usd == pytest.approx(0.003)


def test_without_a_price_there_is_none():
    """A model is not free because nobody said what it costs."""
    assert model().prices is None
    assert model(max_input_tokens=10).max_cost_usd is None


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", ["XK7mq", " XK7mq\n", "two\nlines", "ERROR", "0"])
def test_the_answer_is_what_the_model_said(text):
    """As it said it: what counts as the same text is for the comparison to decide."""
    driven = drive(model().flow(SAMPLE), said(text))

    assert len(driven.calls) == 1
    assert driven.value == Answer(text, None, {"charged": 1, "input_tokens": 1000, "output_tokens": 5})


def test_an_answer_that_hit_the_limit_is_an_answer():
    """The limit is part of the setting, and so is what it does to long texts."""
    assert drive(model().flow(SAMPLE), said("XK7", finish_reason="length")).value.text == "XK7"


def test_a_server_that_does_not_count_is_not_made_up_for():
    """Tokens that nobody counted are not nought."""
    assert drive(model().flow(SAMPLE), said(usage=None)).value.usage == {"charged": 1}


def test_confidence_is_the_probability_of_the_models_own_words():
    """Three tokens of 0.9, 0.8 and 1 make 0.72."""
    tokens = [{"token": "X", "logprob": math.log(p)} for p in (0.9, 0.8, 1.0)]

    driven = drive(model(logprobs=True).flow(SAMPLE), said(logprobs={"content": tokens}))

    assert driven.value.confidence == pytest.approx(0.72)


@pytest.mark.parametrize(
    ("logprobs", "confidence"),
    [
        (None, None),
        ({"content": None}, None),
        ({"content": [{"logprob": 0}]}, 1.0),
        ({"content": [{"logprob": 1e-6}]}, 1.0),
        ({"content": [{"logprob": -9999.0}]}, 0.0),
    ],
    ids=str,
)
def test_probabilities_at_the_edge(logprobs, confidence):
    """None given, certain, certain but for rounding, and impossible."""
    assert drive(model(logprobs=True).flow(SAMPLE), said(logprobs=logprobs)).value.confidence == confidence


def test_probabilities_that_nobody_asked_for_are_left_alone():
    """A setting without `logprobs` has no confidence, whatever the server sends."""
    assert drive(model().flow(SAMPLE), said(logprobs={"content": [{"logprob": -1}]})).value.confidence is None


@pytest.mark.parametrize(
    "logprobs",
    [
        {"content": []},
        {"content": "X"},
        {"content": [None]},
        {"content": [{}]},
        {"content": [{"logprob": "-1"}]},
        {"content": [{"logprob": 0.5}]},
        {"content": [{"logprob": -(10**400)}]},
        [],
        "X",
    ],
    ids=lambda value: str(value)[:40],
)
def test_probabilities_of_another_shape_are_not_guessed(logprobs):
    """A logarithm of a probability is a number that is not above nought."""
    assert type(drive(model(logprobs=True).flow(SAMPLE), said(logprobs=logprobs)).error) is ProtocolError


@pytest.mark.parametrize(
    ("completion", "why"),
    [
        (said(None, refusal="I cannot help with that."), "I cannot help with that."),
        (said("", finish_reason="length"), "finish_reason is 'length'"),
        (said(None, finish_reason="content_filter"), "finish_reason is 'content_filter'"),
        (said(""), "finish_reason is 'stop'"),
    ],
    ids=["refusal", "length", "filter", "empty"],
)
def test_no_text_is_no_answer_and_is_paid_all_the_same(completion, why):
    """The outcome is that of a service that gave up, but the money is not taken for unspent."""
    error = drive(model().flow(SAMPLE), completion).error

    assert type(error) is Declined
    assert isinstance(error, Unsolvable)
    assert (error.kind, error.settled, error.retry) == ("unsolvable", False, False)
    assert str(error) == f"the model gave no text: {why}"
    assert type(pickle.loads(pickle.dumps(error))) is Declined  # noqa: S301 -- made a moment ago


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>Just a moment</body></html>",
        b"",
        b'{"choices":[{"message":{"content":"XK',
        b"[]",
        b"null",
        b"{}",
        b'{"choices":null}',
        b'{"choices":[]}',
        b'{"choices":{}}',
        b'{"choices":["XK7mq"]}',
        b'{"choices":[{}]}',
        b'{"choices":[{"message":"XK7mq"}]}',
        b'{"choices":[{"message":{"content":42}}]}',
        b'{"choices":[{"message":{"content":["XK7mq"]}}]}',
        b'{"choices":[{"message":{"content":"half \\ud800"}}]}',
        b'{"choices":[{"message":{"content":"a"}}],"usage":[]}',
        b'{"choices":[{"message":{"content":"a"}}],"usage":{}}',
        b'{"choices":[{"message":{"content":"a"}}],"usage":{"prompt_tokens":"9","completion_tokens":1}}',
        b'{"choices":[{"message":{"content":"a"}}],"usage":{"prompt_tokens":-9,"completion_tokens":1}}',
        b'{"choices":[{"message":{"content":"a"}}],"usage":{"prompt_tokens":1e999,"completion_tokens":1}}',
    ],
    ids=lambda body: body.decode() or "empty",
)
def test_what_is_no_completion_is_no_answer(body):
    """Neither success nor a KeyError."""
    error = drive(model().flow(SAMPLE), reply(body)).error

    assert type(error) is ProtocolError
    assert (error.status, error.settled) == (200, False)


# ── failures ─────────────────────────────────────────────────────────────────────────────────────────────


def failure(status: int, code=None, type=None, message="as it says", **headers) -> ProviderError:
    """What an error in the documented shape is taken for."""
    body = {"error": {"message": message, "type": type, "param": None, "code": code}}
    error = drive(model().flow(SAMPLE), reply(body, status, **headers)).error
    assert error is not None
    return error


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequest),
        (401, AuthenticationError),
        (402, InsufficientBalance),
        (403, Blocked),
        (404, BadRequest),
        (408, TransportError),
        (409, Unavailable),
        (413, BadRequest),
        (415, BadRequest),
        (418, ProtocolError),
        (422, BadRequest),
        (429, RateLimited),
        (500, TransportError),
        (502, TransportError),
        (503, Unavailable),
        (529, Unavailable),
    ],
)
def test_the_status_decides(status, kind):
    """A code that nobody knows is kept and changes nothing."""
    for error in (failure(status), failure(status, "a_code_of_tomorrow")):
        assert type(error) is kind
        assert error.status == status
    assert error.code == "a_code_of_tomorrow"


@pytest.mark.parametrize(
    ("status", "code", "type_", "kind"),
    [
        (429, "insufficient_quota", "insufficient_quota", InsufficientBalance),
        (429, "credit_balance_exhausted", "insufficient_quota", InsufficientBalance),
        (429, None, "insufficient_quota", InsufficientBalance),
        (429, "billing_hard_limit_reached", "invalid_request_error", InsufficientBalance),
        (403, "billing_not_active", None, InsufficientBalance),
        (429, "rate_limit_exceeded", "tokens", RateLimited),
        (503, "slow_down", "service_unavailable_error", RateLimited),
        (500, "server_is_overloaded", None, Unavailable),
        (401, "invalid_api_key", "invalid_request_error", AuthenticationError),
        (400, "content_filter", None, BadRequest),
        (403, "content_policy_violation", None, BadRequest),
    ],
)
def test_a_known_code_says_more_than_the_status(status, code, type_, kind):
    """An empty account is answered with 429, and waiting would not fill it."""
    assert type(failure(status, code, type_)) is kind


def test_the_service_says_how_long_to_wait():
    """In a header, whatever the body says."""
    assert failure(429, "rate_limit_exceeded", retry_after="20").after_s == 20.0
    assert failure(503, retry_after="2").after_s == 2.0


def test_an_error_under_status_200_is_an_error():
    """Routers hand another service's failure on so, with its status as the code."""
    error = failure(200, 429, message="upstream is busy")

    assert type(error) is RateLimited
    assert (error.status, str(error)) == (429, "429: upstream is busy")


@pytest.mark.parametrize("error", ["model not found", {"message": 5}, {"code": ["x"]}, [], 1], ids=str)
def test_errors_of_other_shapes_are_errors(error):
    """Some servers send a bare text."""
    assert type(drive(model().flow(SAMPLE), reply({"error": error}, 404)).error) is BadRequest
    assert type(drive(model().flow(SAMPLE), reply({"error": error} | said())).error) is ProtocolError


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, AuthenticationError), (404, BadRequest), (429, RateLimited), (500, TransportError), (503, TransportError)],
)
@pytest.mark.parametrize("body", [b"", b"<html></html>", b"[]"], ids=["empty", "HTML", "list"])
def test_without_json_the_status_decides(status, kind, body):
    """A gateway's page under 5xx leaves open whether the model was asked."""
    error = drive(model().flow(SAMPLE), reply(body, status)).error

    assert type(error) is kind
    assert error.status == status


def test_a_completion_under_a_failures_status_is_none():
    """Two statements that contradict each other make no answer."""
    assert type(drive(model().flow(SAMPLE), reply(said(), 500)).error) is TransportError
