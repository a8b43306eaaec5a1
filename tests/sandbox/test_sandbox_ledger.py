"""Money and counts."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from toolkit._sandbox import CapSolverRules


def test_a_thousand_charges_are_the_price_of_a_thousand(sandbox, client, images):
    """No binary fraction is lost on the way: 0.1 USD per 1000 leaves exactly 9.9."""
    box = sandbox(price_per_1000_usd=0.1)
    at = client(box, "capsolver")

    for _ in range(1000):
        at.create(images["sure"])

    assert box.balance_usd("capsolver") == Decimal("9.9")
    assert box.ledger.spent_usd() == Decimal("0.1")
    assert at.post("getBalance").json()["balance"] == 9.9


def test_money_runs_out(sandbox, client, images):
    """The answer that cannot be paid in full is not given."""
    box = sandbox(price_per_1000_usd=1, balance_usd="0.0025")
    at = client(box, "capsolver")

    codes = [at.create(images["sure"]).json()["errorCode"] for _ in range(4)]

    assert codes == ["", "", "ERROR_ZERO_BALANCE", "ERROR_ZERO_BALANCE"]
    assert box.balance_usd("capsolver") == Decimal("0.0005")


def test_tasks_in_flight_do_not_spend_the_same_money(sandbox, client, images, make_reader):
    """The price is held while a task is worked on, so that four at once cannot share money for two."""
    started, go = threading.Semaphore(0), threading.Event()

    def slowly(image):
        started.release()
        go.wait(20)
        return "text", 1.0

    box = sandbox(make_reader(slowly, instant=False), price_per_1000_usd=1, balance_usd="0.002", reader_threads=4)
    at = client(box, "capsolver")
    with ThreadPoolExecutor(4) as threads:
        answers = [threads.submit(at.create, images["sure"]) for _ in range(2)]
        assert started.acquire(timeout=20)
        assert started.acquire(timeout=20)
        late = [at.create(images["sure"]).json()["errorCode"] for _ in range(2)]
        go.set()
        codes = [answer.result().json()["errorCode"] for answer in answers]

    assert codes == ["", ""]
    assert late == ["ERROR_ZERO_BALANCE"] * 2
    assert box.balance_usd("capsolver") == 0


def test_a_free_answer_gives_the_money_back(sandbox, client, images):
    """Unsolvable images do not use up what was held for them."""
    box = sandbox(price_per_1000_usd=1, balance_usd="0.001")
    at = client(box, "capsolver")

    codes = [at.create(images[name]).json()["errorCode"] for name in ("blank", "blank", "sure")]

    assert codes == ["ERROR_CAPTCHA_UNSOLVABLE"] * 2 + [""]
    assert [entry.outcome for entry in box.ledger.entries] == ["unsolvable", "unsolvable", "answered"]


def test_an_answer_may_be_charged_at_no_price(sandbox, client, images):
    """It counts as charged, and costs nothing."""
    box = sandbox(price_per_1000_usd=0)
    client(box, "capsolver").create(images["sure"])
    client(box, "capsolver").create(images["blank"])

    assert (box.ledger.charged(), box.ledger.free(), box.ledger.spent_usd()) == (1, 1, 0)


def test_keys_have_balances_of_their_own(sandbox, client, images):
    """One account's charges are not another's."""
    box = sandbox(keys=["demo", "second"])
    client(box, "capsolver").create(images["sure"], key="second")

    assert box.balance_usd("capsolver") == 10
    assert box.balance_usd("capsolver", "second") == Decimal("9.999")


def test_keys_stand_in_no_repr(sandbox, client, images):
    """Neither of the sandbox nor of its ledger."""
    box = sandbox(keys=["k-5ecret"])
    client(box, "capsolver").create(images["sure"], key="k-5ecret")

    assert box.ledger.charged() == 1
    assert "k-5ecret" not in repr((box, box.ledger, box.ledger.entries, box.traffic))


def test_traffic_is_counted(sandbox, client, images):
    """By service, operation and status, with the most requests that were open at a time."""
    box = sandbox()
    at = client(box, "capsolver")
    at.create(images["sure"])
    at.create(images["blank"])
    at.post("getBalance")
    client(box, "capmonster").post("getBalance", key="bad")

    assert box.traffic.requests() == 4
    assert box.traffic.requests("capsolver") == 3
    assert box.traffic.requests(operation="getBalance") == 2
    assert box.traffic.requests("capsolver", "createTask", 400) == 1
    assert box.traffic.peak_in_flight == {"capsolver": 1, "capmonster": 1}


def test_rate_limit_is_kept_for_each_account(sandbox, client):
    """The request over the limit gets 429 and is told when; another key has a limit of its own."""
    box = sandbox(keys=["demo", "second"], requests_per_s={"capsolver": 0.001})
    at = client(box, "capsolver")

    answers = [at.post("getBalance") for _ in range(2)] + [at.post("getBalance", key="second")]

    assert [answer.status_code for answer in answers] == [200, 429, 200]
    assert answers[1].json()["errorCode"] == "ERROR_RATE_LIMIT"
    assert 0 < int(answers[1].headers["retry-after"]) <= 1000
    assert client(box, "capmonster").post("getBalance").status_code == 200


def test_rate_limit_may_keep_silent_and_use_another_status(sandbox, client):
    """What the documentation does not say about it is switches."""
    box = sandbox(requests_per_s=0.001, says_when=False, capsolver=CapSolverRules(rate_limit_status=400))
    at = client(box, "capsolver")
    at.post("getBalance")

    answer = at.post("getBalance")

    assert answer.status_code == 400
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize(
    ("per_s", "times", "allowed"),
    [
        (2, [0, 0.1, 0.2, 0.9, 1.0, 1.05, 1.1], [1, 1, 0, 0, 1, 0, 1]),
        (0.5, [0, 1.9, 2.0, 3.9, 4.0], [1, 0, 1, 0, 1]),
        (2.5, [0, 0, 0, 0.79, 0.8, 0.8], [1, 1, 0, 0, 1, 1]),
    ],
)
def test_window_slides(per_s, times, allowed):
    """In any window there are at most so many; a refused request does not count."""
    from toolkit._sandbox.limits import SlidingWindow

    window = SlidingWindow(per_s)

    assert [int(window.take(now) == 0) for now in times] == allowed
