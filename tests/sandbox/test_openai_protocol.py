"""The chat completions endpoint."""

import base64
import math

import pytest

from toolkit._sandbox import OpenAIRules

PROMPT = "What does the image say?"


def ask(http, box, image, key="demo", url=None, **members):
    """A chat completion about an image in the usual form."""
    url = url or "data:image/png;base64," + base64.b64encode(image).decode()
    content = [{"type": "text", "text": PROMPT}, {"type": "image_url", "image_url": {"url": url}}]
    document = {"model": "reader-1", "messages": [{"role": "user", "content": content}], **members}
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return http.post(f"{box.urls['openai']}/chat/completions", json=document, headers=headers)


def test_an_image_is_read(sandbox, http, images):
    """One choice with the text, and the tokens that it cost."""
    answer = ask(http, sandbox(openai=OpenAIRules(image_tokens=100)), images["sure"])

    content = answer.json()
    prompt_tokens, completion_tokens = math.ceil(len(PROMPT) / 4) + 100, math.ceil(len("Xk7mq") / 4)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert (content["object"], content["model"]) == ("chat.completion", "reader-1")
    assert content["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Xk7mq", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]
    assert content["usage"] == {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


def test_logprobs_tell_the_confidence(sandbox, http, images):
    """When asked for, the tokens' probabilities multiply to the reader's confidence."""
    content = ask(http, sandbox(), images["unsure"], logprobs=True).json()

    tokens = content["choices"][0]["logprobs"]["content"]
    assert "".join(token["token"] for token in tokens) == "Hello7"
    assert math.exp(sum(token["logprob"] for token in tokens)) == pytest.approx(0.85)


def test_an_image_that_cannot_be_read_costs_the_same(sandbox, http, images):
    """A model always answers, and is always paid."""
    box = sandbox()

    content = ask(http, box, images["blank"], logprobs=True).json()

    assert content["choices"][0]["message"]["content"] == ""
    assert content["choices"][0]["logprobs"]["content"] == []
    assert [(entry.outcome, entry.charged) for entry in box.ledger.entries] == [("unsolvable", True)]
    assert box.ledger.entries[0].usage == content["usage"]


def test_model_names_choose_readers(sandbox, http, images, make_reader):
    """As modules do with the other services."""
    box = sandbox(readers={"reader-1": make_reader(lambda image: ("by name", 1.0))})

    assert ask(http, box, images["sure"]).json()["choices"][0]["message"]["content"] == "by name"


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        ("bad", 401, "invalid_api_key"),
        (None, 401, "invalid_api_key"),
        ("empty", 429, "insufficient_quota"),
        ("blocked", 403, "account_deactivated"),
    ],
)
def test_keys_that_are_not_good(sandbox, http, images, key, status, code):
    """Errors have the shape that clients know, and cost nothing."""
    box = sandbox()

    answer = ask(http, box, images["sure"], key=key)

    assert answer.status_code == status
    assert set(answer.json()) == {"error"}
    assert answer.json()["error"]["code"] == code
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert box.ledger.entries == ()


def test_a_refused_key_is_quoted_in_part(sandbox, http, images):
    """So that a client's redaction has something to remove."""
    message = ask(http, sandbox(), images["sure"], key="sk-0123456789").json()["error"]["message"]

    assert "sk-0" in message
    assert "sk-0123456789" not in message


@pytest.mark.parametrize("url", ["https://example.com/a.png", "data:image/png,raw", "data:image/png;base64,§"])
def test_only_data_urls_are_read(sandbox, http, images, url):
    """A sandbox fetches nothing from outside."""
    answer = ask(http, sandbox(), images["sure"], url=url)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_image")


@pytest.mark.parametrize(
    "members",
    [{"messages": []}, {"model": 4}, {"messages": [{"content": "no image"}]}, {"messages": [{"content": [3]}]}],
)
def test_requests_that_make_no_sense(sandbox, http, images, members):
    """They are refused with HTTP 400."""
    answer = ask(http, sandbox(), images["sure"], **members)

    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_models_and_paths_that_do_not_exist(sandbox, http, images):
    """Both are 404."""
    box = sandbox(openai=OpenAIRules(models=frozenset({"other"})))

    assert ask(http, box, images["sure"]).json()["error"]["code"] == "model_not_found"
    assert http.post(f"{box.urls['openai']}/embeddings", json={}).status_code == 404
