"""The rate_controller: what one account may be asked, by properties and against services simulated in a time of their own."""

import heapq
import random
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit._engine.limits import LONGEST_PAUSE_S, Limits, RateController
from toolkit.errors import SettingError


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"in_flight": 0}, "in_flight=0"),
        ({"per_second": 0}, "per_second=0"),
        ({"per_second": float("inf")}, "per_second=inf"),
        ({"per_second": float("nan")}, "per_second=nan"),
    ],
)
def test_limits_that_let_nothing_through_are_refused(wrong, named):
    """With the value that was given."""
    with pytest.raises(SettingError, match=named):
        Limits(**wrong)


# ── one refusal ──────────────────────────────────────────────────────────────────────────────────────────


@given(in_flight=st.integers(1, 200), together=st.integers(1, 200))
def test_requests_refused_together_halve_once(in_flight, together):
    """They were all under way when the first of them was refused."""
    rate_controller = RateController(Limits(in_flight))
    before = rate_controller.allowed
    for number in range(together):
        rate_controller.refused(now=2.0 + number / 1000, sent_at=1.0 + number / 1000, after_s=None, rate=False)

    assert rate_controller.allowed == max(1.0, before / 2)


def test_a_request_sent_after_the_cut_halves_again():
    """It met a limit that the first cut did not reach."""
    rate_controller = RateController(Limits(16))
    rate_controller.refused(now=1.0, sent_at=0.5, after_s=0.0, rate=False)
    rate_controller.refused(now=3.0, sent_at=2.0, after_s=0.0, rate=False)

    assert rate_controller.allowed == 4.0


@given(after_s=st.floats(0.0, 10_000.0), waits=st.lists(st.floats(0.0, 10_000.0), max_size=5))
def test_nothing_is_sent_before_the_service_allows_it(after_s, waits):
    """However often one asks in the meantime; an hour is the most that is believed."""
    rate_controller = RateController(Limits(16))
    rate_controller.refused(now=100.0, sent_at=99.0, after_s=after_s, rate=True)

    end = 100.0 + min(after_s, LONGEST_PAUSE_S)
    for wait in waits:
        now = 100.0 + wait
        assert (rate_controller.wait_s(now) <= 0) == (now >= end)
        if now >= end:
            break
    assert rate_controller.wait_s(end + 3600) <= 0


def test_a_shorter_pause_does_not_end_a_longer_one():
    """The service has said 60 s; that another answer says 1 s changes nothing."""
    rate_controller = RateController(Limits(16))
    rate_controller.refused(now=0.0, sent_at=-1.0, after_s=60.0, rate=True)
    rate_controller.refused(now=1.0, sent_at=-1.0, after_s=1.0, rate=True)

    assert rate_controller.wait_s(2.0) == pytest.approx(58.0)


def test_a_busy_service_slows_nothing_but_the_readings_in_flight():
    """It has no room; how often it is asked was not the matter."""
    rate_controller = RateController(Limits(8, per_second=50))
    pace = rate_controller.pace
    rate_controller.refused(now=1.0, sent_at=0.5, after_s=0.0, rate=False)

    assert (rate_controller.allowed, rate_controller.pace) == (4.0, pace)


# ── whatever happens ─────────────────────────────────────────────────────────────────────────────────────

EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["send", "through", "rate", "busy"]),
        st.floats(0.0, 3.0),
        st.none() | st.floats(0.0, 30.0),
    ),
    max_size=60,
)


@given(in_flight=st.integers(1, 64), per_second=st.none() | st.floats(0.5, 500.0), events=EVENTS)
def test_what_is_declared_is_never_exceeded(in_flight, per_second, events):
    """Nor is anything ever brought to a standstill."""
    rate_controller = RateController(Limits(in_flight, per_second))
    now = sent_at = 0.0
    for event, seconds, after_s in events:
        now += seconds
        if event == "send":
            sent_at = now if rate_controller.wait_s(now) <= 0 else sent_at
        elif event == "through":
            rate_controller.let_through(now)
        else:
            rate_controller.refused(now, sent_at, after_s, rate=event == "rate")
        assert 1.0 <= rate_controller.allowed <= in_flight
        assert rate_controller.pace is None or rate_controller.pace > 0
        assert per_second is None or rate_controller.pace <= per_second


def test_readings_in_flight_come_back_soon_but_for_the_last_of_them():
    """One for each answer, up to nine tenths of what was too many; to the rest after a calm."""
    rate_controller = RateController(Limits(16))
    rate_controller.refused(now=2.0, sent_at=1.0, after_s=0.0, rate=False)
    allowed = []
    for number in range(400):
        rate_controller.let_through(now=3.0 + number / 10)
        allowed.append(rate_controller.allowed)

    assert allowed == sorted(allowed)
    assert allowed[:3] == [9.0, 10.0, 11.0]
    assert allowed[50] == pytest.approx(0.9 * 16)  # 8 s later
    assert allowed[-1] == 16.0


def test_a_rate_that_was_learned_is_tried_upwards_only_after_a_calm():
    """And each further refusal makes the calm longer, so that probing costs less and less."""
    rate_controller, now, calms = RateController(Limits(16)), 100.0, []
    for _ in range(3):
        for _ in range(2000):  # two seconds, as fast as it lets
            rate_controller.wait_s(now)
            now += 0.001
        rate_controller.refused(now, sent_at=now, after_s=0.0, rate=True)
        cut_at, pace = now, rate_controller.pace
        while rate_controller.pace == pace:
            now += 0.1
            rate_controller.let_through(now)
        calms.append(now - cut_at)

    assert calms[0] > 5
    assert calms[1] > 1.5 * calms[0]
    assert calms[2] > 1.5 * calms[1]


def test_a_run_with_many_in_flight_does_not_begin_with_all_of_them():
    """Where nobody told a rate: a service that allows few would refuse the rest. Each answer brings one more."""
    rate_controller = RateController(Limits(200))
    begun_with = int(rate_controller.allowed)
    for number in range(200 - begun_with):
        rate_controller.let_through(now=100.0 + number / 1000)

    assert begun_with < 100
    assert rate_controller.allowed == 200


# ── against a simulated service ──────────────────────────────────────────────────────────────────────────


class Service:
    """Lets so many requests through in any second, answers after `answer_s` and refuses at once."""

    def __init__(self, per_second, answer_s=0.1):
        self.per_second, self.answer_s = per_second, answer_s
        self.let_through, self.refused = deque(), 0
        self.strays, self.rate = set(), True

    def ask(self, now, number):
        while self.let_through and self.let_through[0] <= now - 1.0:
            self.let_through.popleft()
        if len(self.let_through) >= self.per_second or number in self.strays:
            self.refused += 1
            return False
        self.let_through.append(now)
        return True


class FewAtATime(Service):
    """Answers at most so many at the same time, and is too busy for more."""

    def __init__(self, most, answer_s):
        super().__init__(float("inf"), answer_s)
        self.rate, self.most, self.ends = False, most, []

    def ask(self, now, number):
        self.ends = [end for end in self.ends if end > now + 1e-9]
        if len(self.ends) == self.most:
            self.refused += 1
            return False
        self.ends.append(now + self.answer_s)
        return True


def simulated(rate_controller, service, calls, begin=0.0):
    """Seconds until so many requests were let through, those that were refused being asked again."""
    now, wanted, sent, under_way = begin, calls, 0, []
    done = 0
    while done < calls:
        wait_s = rate_controller.wait_s(now) if wanted and len(under_way) < int(rate_controller.allowed) else None
        if wait_s is not None and wait_s <= 0:
            wanted -= 1
            fine = service.ask(now, sent)
            sent += 1
            heapq.heappush(under_way, (now + (service.answer_s if fine else 0.005), now, fine))
            continue
        times = [now + wait_s] if wait_s is not None else []
        now = min([*times, *(under_way[:1] and [under_way[0][0]])])
        while under_way and under_way[0][0] <= now:
            _, sent_at, fine = heapq.heappop(under_way)
            if fine:
                rate_controller.let_through(now)
                done += 1
            else:
                rate_controller.refused(now, sent_at, 1.0, rate=service.rate)
                wanted += 1
    return now - begin


@pytest.mark.parametrize("in_flight", [4, 16, 64, 200])
def test_a_declared_rate_wastes_nothing(in_flight):
    """It is kept, and used: 800 requests at 40 a second take 20 s and a little."""
    service = Service(40)

    seconds = simulated(RateController(Limits(in_flight, per_second=40)), service, 800)

    assert service.refused == 0
    assert 19.5 <= seconds <= 21


@pytest.mark.parametrize("in_flight", [4, 16, 64, 200])
@pytest.mark.parametrize("answer_s", [0.02, 0.1, 1.0])
def test_a_rate_that_nobody_told_is_learned(in_flight, answer_s):
    """At most a fifth of the requests is refused, and the rate is used: 800 at 40 a second within 23 s.

    Longer only where so few in flight and so slow answers never reach the rate, and by the last answer's own time.
    """
    service = Service(40, answer_s)

    seconds = simulated(RateController(Limits(in_flight)), service, 800)

    assert service.refused <= 0.2 * (800 + service.refused)
    assert seconds <= max(23, 800 * answer_s / in_flight) + answer_s


@pytest.mark.parametrize("number", [1, 3, 20, 300])
def test_one_stray_refusal_does_not_bring_a_run_to_a_crawl(number):
    """A service without a limit refuses a single request, at the start or later: within a minute all is as before."""
    service = Service(10_000)
    service.strays = {number}

    seconds = simulated(RateController(Limits(16)), service, 5000)

    assert service.refused == 1
    assert seconds < 5000 / 160 + 20


@pytest.mark.parametrize(("most", "in_flight", "answer_s"), [(4, 16, 0.1), (8, 64, 0.5), (50, 200, 0.1), (3, 200, 1.0)])
def test_a_service_that_answers_few_at_a_time_is_kept_busy(most, in_flight, answer_s):
    """It refuses what comes beyond them; how many they are is learned from a few of its refusals."""
    service, calls = FewAtATime(most, answer_s), 1000 * most

    seconds = simulated(RateController(Limits(in_flight)), service, calls)

    assert service.refused <= 2 * 64 + 0.03 * calls  # a run begins with 64, and halves
    assert seconds <= 1.15 * answer_s * calls / most


@pytest.mark.parametrize("rate", [True, False], ids=["rate", "busy"])
def test_refusals_now_and_then_cost_a_long_run_their_pauses(rate):
    """One request in about 500 is refused, at random: for each a pause of a second, and no lasting loss of speed."""
    service, dice = Service(10_000, answer_s=0.5), random.Random(1)
    service.rate, service.strays = rate, {number for number in range(20_000) if dice.random() < 1 / 500}

    seconds = simulated(RateController(Limits(16)), service, 10_000)

    assert service.refused >= 20
    assert seconds < 10_000 / (16 / 0.5) + 2 * service.refused


@pytest.mark.parametrize("rate", [True, False], ids=["rate", "busy"])
def test_a_service_that_was_out_of_order_for_a_while_is_as_before_soon_after(rate):
    """It refuses everything for some seconds; half a minute later nothing is left of that."""
    service, rate_controller = Service(1000, answer_s=0.1), RateController(Limits(16))
    service.rate = rate
    begin = simulated(rate_controller, service, 1000)
    service.per_second = 0
    for second in range(12):  # one request after the other is refused
        now = begin + 1.1 * second
        rate_controller.refused(now + 0.01, now, 1.0, rate=rate)
    service.per_second = 1000

    simulated(rate_controller, service, 2000, begin=begin + 14)
    later = simulated(rate_controller, service, 1600, begin=begin + 60)

    assert later < 1.1 * 1600 / 160


@pytest.mark.parametrize("rate", [True, False])
def test_thousands_of_refusals_are_survived(rate):
    """A service that is half dead for hours: the next answer is taken as any other."""
    rate_controller = RateController(Limits(16))
    for number in range(3000):
        rate_controller.refused(now=number + 0.5, sent_at=float(number), after_s=0.0, rate=rate)
        rate_controller.let_through(now=number + 0.6)

    assert rate_controller.allowed >= 1
    assert rate_controller.pace is None or rate_controller.pace >= 0.1


def test_a_service_that_allows_less_than_before_is_followed():
    """Somebody else begins to use the key: half the rate is left, which two refusals in a row tell."""
    service, rate_controller = Service(40), RateController(Limits(64))
    before = simulated(rate_controller, service, 2000)
    service.per_second, service.refused = 20, 0

    seconds = simulated(rate_controller, service, 2000, begin=before)

    assert service.refused <= 0.1 * 2000
    assert seconds <= 2000 / 20 * 1.15
