"""An account's rate, shared through a file."""

import asyncio
import subprocess
import sys

import pytest

from toolkit._engine.limits import Limits, RateController
from toolkit._engine.shared_rate import Pacing
from toolkit._providers.base import Account

ACCOUNT = Account("capsolver", "http://127.0.0.1:1", "CAP-0123456789ABCDEF")


class HandClock:
    """Seconds that pass by sleeping."""

    def __init__(self):
        self.seconds = 1_800_000_000.0

    def now(self):
        return self.seconds

    unix = now

    async def sleep(self, seconds):
        self.seconds += seconds


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def pacing(tmp_path, clock):
    """Makes pacings of one account by one clock, as runs beside each other have them."""
    made = []

    def make(limits=None, account=ACCOUNT, folder=tmp_path):
        rate_controller = RateController(limits or Limits(16))
        made.append(Pacing(rate_controller, account, clock, folder))
        return made[-1], rate_controller

    yield make
    for one in made:
        one.close()


def placed(*pacings):
    """Let each have a place, one after the other."""

    async def all_of_them():
        for one in pacings:
            await one.place()

    asyncio.run(all_of_them())


@pytest.mark.parametrize("per_second", [10, 1000])
def test_two_that_share_a_key_share_its_rate(pacing, clock, per_second):
    """So many a second together, whoever asks; where they are many, some turns are taken at a time."""
    limits, asked = Limits(16, per_second=per_second), 10 * per_second
    (one, _), (other, _) = pacing(limits), pacing(limits)
    begun = clock.seconds

    placed(*([one] * (asked // 10) + [other] * (asked // 10)) * 5)

    assert asked / per_second <= clock.seconds - begun + 1 / per_second <= 1.05 * asked / (0.98 * per_second)


def test_turns_that_were_taken_in_advance_and_not_used_are_lost(pacing, clock):
    """One held some while the other used the whole rate: in no second are there more than were declared."""
    (one, _), (other, _) = (pacing(Limits(16, per_second=1000)) for _ in range(2))
    sent = []

    def send(pacing, count):
        for _ in range(count):
            placed(pacing)
            sent.append(clock.seconds)

    send(one, 1)
    send(other, 900)
    send(one, 900)

    assert all(later - earlier >= 1.0 for earlier, later in zip(sent, sent[1000:], strict=False))
    assert sent[-1] - sent[0] < 2.0


def test_a_pace_that_rises_keeps_what_others_were_told(pacing, clock):
    """The answer that lets one run try more comes just after another was told to wait."""
    one, _ = learned(pacing, clock)
    other, _ = pacing()
    clock.seconds += 60
    other.refused(clock.seconds, 30.0, rate=True)
    told_at = clock.seconds

    one.let_through()
    placed(one)

    assert clock.seconds == pytest.approx(told_at + 30.0)


def test_a_pace_that_two_keep_to_is_not_taken_for_idle(pacing, clock):
    """Each sends half of it, which is not far below it."""
    one, rate_controller = learned(pacing, clock)
    other, _ = pacing()
    pace = rate_controller.pace
    for _ in range(400):
        assert min(one.allowed, other.allowed) >= 1  # whoever looks learns of the other
        placed(one, other)
        one.let_through()
        other.let_through()

    assert rate_controller.pace is not None
    assert rate_controller.pace >= pace


def test_turns_that_were_taken_in_advance_end_with_a_pause(pacing, clock):
    """What was set aside for the next moments is not sent when the service asks to wait, nor made up for afterwards."""
    (one, _), (other, _) = (pacing(Limits(16, per_second=1000)) for _ in range(2))
    placed(*[one] * 5)
    other.refused(clock.seconds, 30.0, rate=True)
    told_at = clock.seconds

    placed(one)
    assert clock.seconds == pytest.approx(told_at + 30.0)

    placed(*[one] * 100)
    assert clock.seconds >= told_at + 30.0 + 99 / 980 - 0.01  # one that comes late lets the next come sooner by that


def test_two_that_share_a_key_share_what_may_be_in_flight(pacing, clock):
    """Half for each, as soon as both are known; all for the one that is left."""
    (one, _), (other, _) = pacing(), pacing()
    clock.seconds += 1.5

    assert (one.allowed, other.allowed) == (8, 8)
    other.close()
    clock.seconds += 1.5
    assert one.allowed == 16


def test_one_that_died_is_forgotten(pacing, clock):
    """It signs no more, and its part is given to the others after some seconds."""
    (one, _), (_dead, _) = pacing(), pacing()
    clock.seconds += 1.5
    assert one.allowed == 8
    clock.seconds += 6
    assert one.allowed == 16


@pytest.mark.parametrize(
    "other",
    [
        Account("capsolver", "http://127.0.0.1:1", "another key"),
        Account("capmonster", ACCOUNT.base_url, ACCOUNT.key),
        Account("capsolver", "http://127.0.0.1:2", ACCOUNT.key),
    ],
)
def test_other_accounts_share_nothing(pacing, clock, other):
    """Another key, another service, another address."""
    (one, _), (stranger, rate_controller) = pacing(), pacing(account=other)
    one.refused(clock.seconds, 60.0, rate=True)
    clock.seconds += 1.5

    assert (one.allowed, stranger.allowed) == (8, 16)
    begun = clock.seconds
    placed(stranger)
    assert clock.seconds == begun
    assert rate_controller.pace is None


def test_a_pause_holds_for_all(pacing, clock):
    """The service told one of them to wait."""
    (one, _), (other, _) = pacing(), pacing()
    told_at = clock.seconds
    one.refused(clock.seconds, 30.0, rate=False)

    placed(other)

    assert clock.seconds == pytest.approx(told_at + 30.0)


def test_a_pause_outlives_the_run_that_was_told(pacing, clock):
    """The notebook is restarted, and the service's word still holds."""
    one, _ = pacing()
    told_at = clock.seconds
    one.refused(clock.seconds, 30.0, rate=False)
    one.close()

    again, _ = pacing()
    placed(again)

    assert clock.seconds == pytest.approx(told_at + 30.0)


def learned(pacing, clock):
    """A run that sent 40 a second for two seconds and was then refused; and its rate_controller."""
    one, rate_controller = pacing()
    for _ in range(80):
        placed(one)
        clock.seconds += 0.025
    one.refused(clock.seconds, 0.0, rate=True)
    return one, rate_controller


def test_what_one_learned_the_other_knows(pacing, clock):
    """The rate was refused to one of them."""
    _, rate_controller = learned(pacing, clock)
    other, others = pacing()

    placed(other)

    assert 35 < rate_controller.pace < 40
    assert others.pace == rate_controller.pace


def test_a_refusal_of_both_at_once_slows_down_once(pacing, clock):
    """They were under way together: one limit was met, not two."""
    one, rate_controller = learned(pacing, clock)
    other, others = pacing()
    sent_at = clock.seconds - 0.01
    other.refused(sent_at, 0.0, rate=True)
    placed(one)

    assert others.pace == rate_controller.pace > 35


def test_a_learned_rate_recovers_though_it_is_shared(pacing, clock):
    """It is tried upwards after a calm, and the file does not hold it down."""
    one, rate_controller = learned(pacing, clock)
    low = rate_controller.pace
    for _ in range(4000):
        placed(one)
        one.let_through()

    assert rate_controller.pace > 1.2 * low


def test_what_others_learned_long_ago_is_forgotten(pacing, clock):
    """And at once where a rate is declared: the word of whoever runs now counts."""
    one, _ = learned(pacing, clock)
    one.close()
    clock.seconds += 5
    recent, rate_controller = pacing()
    placed(recent)
    assert rate_controller.pace is not None
    recent.close()

    declared, rate_controller = pacing(Limits(16, per_second=100))
    placed(declared)
    assert rate_controller.pace == pytest.approx(98)
    declared.close()

    learned(pacing, clock)[0].close()
    clock.seconds += 120
    later, rate_controller = pacing()
    placed(later)
    assert rate_controller.pace is None


def test_a_clock_that_jumped_back_holds_nobody_up(pacing, clock):
    """What the file says of next month is no appointment."""
    one, _ = pacing(Limits(16, per_second=1))
    placed(one, one)
    clock.seconds -= 30 * 86_400
    begun = clock.seconds

    placed(one, one)

    assert clock.seconds - begun < 3


def test_the_key_is_in_no_file(pacing, tmp_path):
    """Neither in a name nor in what is written; and nobody else may read it."""
    pacing()
    (file,) = tmp_path.iterdir()

    assert not any(ACCOUNT.key[start : start + 6] in file.name for start in range(len(ACCOUNT.key) - 5))
    assert ACCOUNT.key[:6].encode() not in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0


def test_where_no_file_can_be_written_each_keeps_to_itself(pacing, tmp_path, clock):
    """A home that is read-only stops no run."""
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    begun = clock.seconds
    (one, _), (other, _) = (pacing(Limits(16, per_second=10), folder=blocked) for _ in range(2))

    placed(*[one, other] * 25)

    assert clock.seconds - begun == pytest.approx(24 / 9.8, rel=0.05)
    assert one.allowed == 16


def test_places_are_given_in_the_order_of_asking(pacing):
    """Nobody waits for ever because others come."""

    async def asked():
        one, _ = pacing(Limits(16, per_second=10))
        order = []

        async def ask(number):
            await one.place()
            order.append(number)

        await asyncio.gather(*(ask(number) for number in range(20)))
        return order

    assert asyncio.run(asked()) == list(range(20))


def test_other_processes_are_seen(pacing, clock, tmp_path):
    """Through the file that both map."""
    import time

    clock.seconds = time.time()
    one, _ = pacing()
    code = """
import sys, time, asyncio
from pathlib import Path
from toolkit._engine.driver import SystemClock
from toolkit._engine.limits import RateController, Limits
from toolkit._engine.shared_rate import Pacing
from toolkit._providers.base import Account
other = Pacing(RateController(Limits(16)), Account(*sys.argv[2:]), SystemClock(), Path(sys.argv[1]))
other.refused(time.time(), 1000.0, rate=True)
print(other.allowed)
"""
    arguments = [str(tmp_path), ACCOUNT.service, ACCOUNT.base_url, ACCOUNT.key]
    other = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)
    clock.seconds = time.time() + 1.5  # it ended without leaving

    assert (other.stdout.strip(), other.stderr) == ("4", "")  # half, of which it was refused half
    assert one.allowed == 8
    placed(one)
    assert clock.seconds >= time.time() + 900


@pytest.mark.parametrize("set_back_s", [60.0, 1800.0, 86_400.0])
def test_a_clock_that_is_set_back_holds_nobody_up(tmp_path, set_back_s):
    """Neither a declared rate nor a pause lasts for as long as the clock was set back."""

    class TimeOfDay(HandClock):
        ahead_s = 1_800_000_000.0

        def __init__(self):
            self.seconds = 0.0

        def unix(self):
            return self.seconds + self.ahead_s

    clock = TimeOfDay()
    rate_controller = RateController(Limits(16, per_second=1))
    pacing = Pacing(rate_controller, ACCOUNT, clock, tmp_path)
    placed(pacing, pacing)
    pacing.refused(clock.unix(), 2.0, rate=True)
    clock.ahead_s -= set_back_s
    placed(pacing, pacing)
    pacing.close()

    assert clock.seconds < 10
