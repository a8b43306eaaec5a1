"""A machine that dies at every single moment of a run: before, within and after each write, sync and exchange."""

import contextlib
import json
import random
from collections import Counter

import pytest
from recorded_store import cut_power, durable_bytes
from simulated import Ended, Fate, TimedSocket, World
from witnessed import audit, noisy

import toolkit as tk
from toolkit.errors import StoreCorrupt, StoreError


def world(folder, deferred):
    folder.mkdir(parents=True)
    return World(noisy(0, 5), folder, deferred=deferred)


def looked_at(store):
    """A run, once what a power cut left of its log was mended as its error says."""
    try:
        run = tk.open_run(store)
        run.attempts  # noqa: B018 -- the look reads
    except StoreCorrupt:
        log = store / "attempts.jsonl"
        log.write_bytes(b"\n".join(line for line in log.read_bytes().split(b"\n") if b"\0" not in line))
        run = tk.open_run(store)
    return run


@pytest.mark.promise(
    1, 2, 3, 7, what="dead, without power, or with a full disk at every moment of a run, one after another"
)
@pytest.mark.parametrize(("in_flight", "deferred"), [(1, False), (4, True)])
@pytest.mark.parametrize("ending", ["dies", "dies, and the power goes", "fills"])
def test_no_moment_is_a_bad_one_to_end(tried, scale, seed, tmp_path, ending, in_flight, deferred):
    """Whatever was charged by then is answered or unsettled; the run goes on to its end, and the bill is still right."""
    options = {"seed": 5, "rate": 0.2, "in_flight": in_flight}
    fate = Fate()
    world(tmp_path / "whole", deferred).session(fate, **options)
    dice = random.Random(seed)
    moments = range(1, fate.events + 1)
    for moment in sorted({*moments[:8], *moments[:: scale(fate.events // 6, 1)]}):
        here = world(tmp_path / str(moment), deferred)
        complaints = []
        for last in (False, True):
            with contextlib.suppress(Ended, StoreError):
                here.session(Fate("" if last else ending.partition(",")[0], moment), **options)
            log = here.folder / "run/attempts.jsonl"
            if ending.endswith("power goes") and not last and log.exists():
                cut_power(log, durable_bytes(here.folder / "safe"), dice)
            if not (here.folder / "run/manifest.json").exists():
                complaints += [f"{here.charged()} were charged"] if here.charged() else []
                continue
            complaints += audit(looked_at(here.folder / "run"), here.charged())
        outcomes = Counter(tk.open_run(here.folder / "run").outcomes["outcome"])
        if outcomes.total() != here.trials:
            complaints.append(f"it came to {outcomes}")
        tried.case(complaints, name=f"moment {moment} of {fate.events}")
    tried.verdict()


class WatchfulWire(TimedSocket):
    """Looks, at every request, at how much of what was answered, and of what is counted as done, would survive."""

    def __init__(self, inner, world):
        super().__init__(inner.services, inner.fate, inner.schedules)
        self.world = world
        self.log, self.note = world.folder / "run/attempts.jsonl", world.folder / "safe"
        self.given, self.unsafe, self.complaints = 0, [], []

    async def exchange(self, url, body, headers, timeout_s, method="POST"):
        safe = [json.loads(line) for line in self.log.read_bytes()[: durable_bytes(self.note)].splitlines()]
        self.unsafe.append(self.given - sum("text" in record for record in safe))
        done, kept = self.world.runner.progress.done, sum(bool(record.get("final")) for record in safe)
        if done > kept:
            self.complaints.append(f"{done} trials are counted as done and {kept} are safe")
        exchanged = await super().exchange(url, body, headers, timeout_s, method)
        self.given += b'"text"' in exchanged.response.body
        return exchanged


@pytest.mark.promise(1, what="every answer safe on disk before it is counted, and before its place asks again")
@pytest.mark.parametrize("in_flight", [1, 8])
def test_an_answer_is_safe_before_anything_else_happens_to_it(tried, scale, tmp_path, in_flight):
    """Seen from the wire: what a run says is done would survive a power cut, and no more is at stake than its places."""
    for number in range(scale(3, 60)):
        here = world(tmp_path / str(number), deferred=bool(number % 2))
        wires = []

        def watched(wire, here=here, wires=wires):
            wires.append(WatchfulWire(wire, here))
            return wires[0]

        here.session(Fate(), seed=number, rate=0.1 * (number % 3), in_flight=in_flight, wire=watched)

        (wire,) = wires
        backends = 2
        at_stake = backends * (in_flight + 2)
        most = max(wire.unsafe)
        assert wire.given
        tried.case(
            wire.complaints + ([f"{most} answers were at stake at once"] if most > at_stake else []),
            name=f"run {number}",
        )
    tried.verdict()
