"""A time of day that jumps, or is wrong."""

import random
from email.utils import formatdate

import pytest
from simulated import Fate, World
from witnessed import audit, noisy

import toolkit as tk
from toolkit._sandbox.exchange import Response
from toolkit._sandbox.faults import Fault, script


@pytest.mark.promise(7, what="a clock that is set back or forward, at any moment")
def test_a_clock_that_jumps_delays_nothing_and_breaks_no_figure(tried, scale, seed, tmp_path):
    """A run takes as long as it would have; latencies and pauses are of the clock that only goes forward."""
    dice = random.Random(seed)
    for number in range(scale(12, 300)):
        per_second = dice.choice([None, 5.0])
        took = {}
        for jump_s in (0.0, dice.choice([-1, 1]) * 10 ** dice.uniform(0, 8)):
            world = World(noisy(0, 10), tmp_path / f"{number} {jump_s}")
            world.folder.mkdir()
            fate = Fate("jumps", dice.randint(1, 250), jump=lambda clock=world.clock, by=jump_s: clock.jump(by))
            world.session(fate, seed=number, rate=0.2, per_second=per_second)
            took[jump_s] = world.clock.seconds
            run = tk.open_run(world.folder / "run")
            complaints = audit(run, world.charged())
            if len(run.outcomes) != world.trials:
                complaints.append(f"{len(run.outcomes)} outcomes")
            parts = run.attempts[["latency_s", "elapsed_s", "limit_wait_s", "poll_wait_s", "backoff_s", "service_s"]]
            if (parts < 0).any(axis=None) or (parts > world.clock.seconds).any(axis=None):
                complaints.append("some seconds are negative or more than there were")
            if took[jump_s] > took[0.0] + 10:
                complaints.append(f"it took {took[jump_s]:.0f} s instead of {took[0.0]:.0f}")
            tried.case(complaints, name=f"by {jump_s:.0f} s at event {fate.at}, {per_second} per second")
    tried.verdict()


@pytest.mark.promise(7, what="a clock that is wrong by hours, and a service that says when to come again")
@pytest.mark.parametrize("wrong_s", [-86_400.0, -3600.0, 0.0, 3600.0])
def test_a_date_to_come_again_is_read_by_the_clock_of_who_wrote_it(tried, tmp_path, wrong_s):
    """A Retry-After may be a date: two seconds after the answer's own, whatever our clock says."""
    world = World(noisy(0, 4), tmp_path)
    world.clock.jump(wrong_s)
    dates = [
        (name, formatdate(1_700_000_000 + after_s, usegmt=True).encode())
        for name, after_s in ((b"date", 0), (b"retry-after", 2))
    ]
    refusal = Fault("busy", instead=lambda service, request: Response(429, {"errorId": 1}, headers=tuple(dates)))

    world.session(Fate(), schedules=[script([None, refusal], service="capsolver", on="createTask")])

    attempts = tk.open_run(tmp_path / "run").attempts
    assert (attempts["error"] == "rate_limited").sum() == 1
    tried.case([] if 2 <= world.clock.seconds < 10 else [f"it took {world.clock.seconds} s"])
    tried.verdict()
