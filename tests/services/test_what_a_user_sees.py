"""The mistakes that everybody makes once: what is said, where, and what to do next."""

import os
import re

import pytest
from bills import QUICK, new_key, noise, readable

import toolkit as tk
from toolkit._dataset import Dataset
from toolkit.errors import SettingError

DATASET = readable(3)
SOON = tk.RetryPolicy(base_s=0.01)


def messages(run):
    """The different words of a run's failures."""
    return set(run.attempts["error_message"].dropna())


@pytest.mark.parametrize("service", ["CapSolver", "CapMonster", "OpenAICompatible"])
def test_a_wrong_key(sandbox, leaks, run, capsys, service):
    """The setting, the service's reason and the way on; once, and not for every image."""
    box = sandbox(DATASET)
    options = {"model": "any"} if service == "OpenAICompatible" else {}
    setting = getattr(box, service)(key=leaks.watch(new_key()), **options)

    done = run(DATASET, setting, limits=tk.Limits(in_flight=1))

    said = capsys.readouterr().err
    code = {"CapSolver": "ERROR_KEY_DENIED_ACCESS", "CapMonster": "ERROR_KEY_DOES_NOT_EXIST"}.get(
        service, "invalid_api_key"
    )
    assert said.count(f"{setting.label} was stopped: authentication: {code}") == 1
    assert "With that fixed, the same call with the same store resumes." in said
    assert code in done._repr_html_()
    assert not leaks.in_text(said)


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("capsolver with a path of its own", "no POST /v2/createTask here"),
        ("another service", "HTTP 404, the body has no errorId.*is base_url right"),
        ("nobody", "Connection refused"),
        ("no host", r"nowhere\.invalid: (its name has no address|no connection in time)"),
    ],
)
def test_a_wrong_address(sandbox, key, run, at, words):
    """Every row says where nobody answered, or that whoever did is not the service."""
    box = sandbox(DATASET)
    addresses = {
        "capsolver with a path of its own": f"{box.urls['capsolver']}/v2",
        "another service": box.urls["openai"],
        "nobody": "http://127.0.0.1:9",
        "no host": "http://nowhere.invalid",
    }

    done = run(DATASET, tk.CapSolver(key=key, base_url=addresses[at]), retry=SOON, deadline_s=5)

    assert len(done.outcomes) == 3
    assert set(done.outcomes["outcome"]) == {"error"}
    (said,) = messages(done)
    assert re.search(words, said)
    # Whoever answered in words of his own may have charged; the others have not.
    assert len(done.unsettled) == (3 if at == "another service" else 0)


def test_a_model_or_an_address_that_is_not_there(sandbox, key, run):
    """Servers of this kind are often given without their /v1."""
    box = sandbox(DATASET)
    lost = tk.OpenAICompatible("any", key=key, base_url=box.urls["openai"].removesuffix("/v1"))

    (said,) = messages(run(DATASET, lost))

    assert "POST /chat/completions" in said
    assert said.endswith("; are model and base_url right?")


@pytest.mark.parametrize("budget", [-1, float("nan"), float("inf"), "2", True])
def test_a_budget_that_is_no_amount(sandbox, key, run, budget):
    """Above all not one that every comparison passes."""
    box = sandbox(DATASET)

    with pytest.raises(SettingError, match=r"`budget_usd` must be an amount in USD >= 0"):
        run(DATASET, box.CapSolver(key=key), budget_usd=budget)
    assert not box.traffic.answers


def test_a_budget_of_nothing_asks_nothing(sandbox, key, run):
    """Nought is an amount."""
    box = sandbox(DATASET)

    done = run(DATASET, box.CapSolver(key=key), budget_usd=0)

    assert box.traffic.requests("capsolver", "createTask") == 0
    assert set(done.outcomes["error"]) == {"stopped"}


def test_a_budget_for_tokens_without_their_number(sandbox, key, run):
    """The prices are there; what is missing is how many tokens an image can be."""
    box = sandbox(DATASET)
    prices = {"price_input_per_million_usd": 1.0, "price_output_per_million_usd": 2.0}

    with pytest.raises(SettingError, match=r"openai\(model='any'\) has prices.*give max_input_tokens=…"):
        run(DATASET, box.OpenAICompatible("any", key=key, **prices), budget_usd=1)

    done = run(DATASET, box.OpenAICompatible("any", key=key, **prices, max_input_tokens=1000), budget_usd=1)
    assert done.complete
    used = done.attempts["usage"]
    expected = sum(usage["input_tokens"] * 1e-6 + usage["output_tokens"] * 2e-6 for usage in used)
    assert done.outcomes["cost_usd"].sum() == pytest.approx(expected)


def test_an_image_that_is_too_large(sandbox, key, run):
    """Said by the plan, by the row and by a single call; not sent; and the cure that is named is one."""
    box = sandbox(DATASET)
    photograph = tk.Sample.from_bytes(bitmap(400), "word", id="large.bmp")
    dataset = Dataset.from_samples([photograph, tk.Sample.from_bytes(noise(1), "word0001", id="1.png")], name="two")
    setting = box.CapMonster(key=key, **QUICK)

    assert tk.plan(dataset, setting)[["refused", "calls"]].to_numpy().tolist() == [[1, 1]]
    done = run(dataset, setting)
    (said,) = messages(done)
    assert said.startswith(f"{len(photograph.image):,} bytes; CapMonster takes images of 100 to 50,000 bytes")
    assert "dataset.prepare(max_bytes=50000)" in said
    with pytest.raises(tk.errors.BadRequest, match=r"prepare\(max_bytes=50000\)"):
        tk.read(setting, photograph)
    assert box.traffic.requests("capmonster", "createTask") == 1

    prepared = dataset.prepare(max_bytes=50_000)
    assert tk.plan(prepared, setting)["refused"].tolist() == [0]


def bitmap(side):
    """An image of so many pixels a side, which its format does not pack."""
    from io import BytesIO

    from PIL import Image

    out = BytesIO()
    Image.frombytes("L", (side, side), os.urandom(1) * side * side).save(out, "BMP")
    return out.getvalue()


def test_the_date_of_a_price_is_kept(sandbox, key, run):
    """Beside the price, so that a cost can be told from a later one's."""
    box = sandbox(DATASET)

    done = run(DATASET, [box.CapSolver(key=key, price_date="2026-11-23"), box.CapMonster(key=key, **QUICK)])

    capsolver, capmonster = done.settings
    assert done.manifest["price_dates"] == {capsolver: "2026-11-23", capmonster: None}
    assert done.manifest["prices_usd"][capsolver] == {"charged": 0.001}


def test_the_sandbox_has_its_own_key_and_price(stopping):
    """Whatever it was started with is what its providers bring; prices of tokens take the place of its own."""
    box = tk.sandbox(DATASET, keys=["mine", "other"], price_per_1000_usd={"capsolver": 2, "openai": 3}).start()
    try:
        assert box.CapSolver().account.key == "mine"
        assert box.CapSolver().prices == {"charged": 0.002}
        assert box.CapMonster().prices == {"charged": 0.0}
        assert box.OpenAICompatible("any").prices == {"charged": 0.003}
        tokens = {"price_input_per_million_usd": 1.0, "price_output_per_million_usd": 2.0}
        made = [box.OpenAICompatible("any", **tokens), *tk.grid(box.OpenAICompatible, model=["any"], **tokens)]
        assert [setting.prices for setting in made] == [{"input_tokens": 1e-6, "output_tokens": 2e-6}] * 2
        assert tk.read(box.OpenAICompatible("any"), DATASET[0]).text
        assert float(box.ledger.spent_usd()) == pytest.approx(0.003)
    finally:
        stopping(box)
