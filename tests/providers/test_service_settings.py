"""Address, key and price of a service: what cannot be right is said before anything is sent."""

import pytest

from toolkit._providers import CapMonster, CapSolver, OpenAICompatible
from toolkit._providers.base import ServiceProvider
from toolkit.errors import SettingError

SERVICES = [CapSolver, CapMonster, lambda **parameters: OpenAICompatible("model", **parameters)]
VARIABLES = ("CAPSOLVER_API_KEY", "CAPMONSTER_API_KEY", "OPENAI_API_KEY")


@pytest.fixture(params=SERVICES, ids=["capsolver", "capmonster", "openai"])
def make(request, monkeypatch):
    """A service's class, with no key in the environment."""
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    return request.param


@pytest.mark.parametrize(
    "address",
    [
        *("", " ", "api.example.com", "//api.example.com", "ftp://api.example.com", "https://", "https:///v1", 5, b"x"),
        *("http://127.0.0.1:", "http://127.0.0.1:0", "http://127.0.0.1:65536", "http://127.0.0.1:port", "http://::1"),
        *("https://user:secret@api.example.com", "https://api.example.com?key=secret", "https://api.example.com/#top"),
        *("CAP-secret-1F2E3D4C5B6A", "https://user:secret@"),
        *("https://api.example.com /v1", "https://api.example.com/v1\n", " https://api.example.com"),
    ],
)
def test_an_address_that_is_none_is_refused(make, address):
    """An empty one too: it is a variable that was not set, and the public address would take real money."""
    with pytest.raises(SettingError, match=r"base_url=.* is no address; it begins with https:// or http://") as refused:
        make(key="K", base_url=address)

    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "https://api.example.com",
        "HTTPS://ru.api.example.com/",
        "http://localhost:8000/v1",
        "http://[::1]:80",
        "http://a:65535/x%20y/",
    ],
)
def test_an_address_is_taken_as_it_is(make, address):
    """But for a slash at its end, which the paths bring."""
    assert make(key="K", base_url=address).account.base_url == address.rstrip("/")


def test_without_an_address_it_is_the_services_own(make):
    """Over TLS."""
    setting: ServiceProvider = make(key="K")

    assert setting.account.base_url == setting.public_url
    assert setting.public_url.startswith("https://api.")


@pytest.mark.parametrize(
    "key", ["", " ", "CAP-1234567\n", " CAP-1234567", "CAP-123\t4567", "CAP-1234567\x00", 5, b"CAP"]
)
def test_a_key_that_cannot_be_one_is_refused_unquoted(make, key, monkeypatch):
    """Also an empty one while the environment has another: the account that was meant is not known."""
    for variable in VARIABLES:
        monkeypatch.setenv(variable, "K-from-the-environment")

    with pytest.raises(SettingError, match=r"the key=… that was given is empty, no text, or has a space") as refused:
        make(key=key)

    assert "1234567" not in str(refused.value)


def test_a_key_of_the_environment_is_looked_at_as_well(make, monkeypatch):
    """A line break comes with keys that are read from files; the message names the variable."""
    setting = make()
    monkeypatch.setenv(setting.key_variable, "CAP-1234567\n")

    with pytest.raises(SettingError, match=setting.key_variable) as refused:
        _ = setting.account

    assert "1234567" not in str(refused.value)


def test_without_a_key_both_ways_to_give_one_are_said(make):
    """Before anything is sent."""
    setting = make()

    with pytest.raises(
        SettingError, match=rf"has no key: set {setting.key_variable} in the environment, or give key=…"
    ):
        _ = setting.account


@pytest.mark.parametrize("price", [-1, float("nan"), float("inf"), "1", True, 1j])
def test_a_price_that_is_no_amount_is_refused(make, price):
    """A wrong price would make every cost wrong, and a budget no bound."""
    with pytest.raises(SettingError, match=r"price_per_1000_usd=.* is no amount of money"):
        make(price_per_1000_usd=price)


@pytest.mark.parametrize("date", ["", "yesterday", "2026-13-01", "23.11.2026", 2026])
def test_a_date_that_is_none_is_refused(make, date):
    """Nobody could tell in a year of which day the price was."""
    with pytest.raises(SettingError, match=r"price_date=.* is no date such as"):
        make(price_per_1000_usd=1, price_date=date)


def test_no_price_is_built_in(make):
    """None is published that holds for every account."""
    assert make().prices is None
    assert make().max_cost_usd is None
    assert make(price_per_1000_usd=0.5, price_date="2026-11-23").max_cost_usd == 0.0005
