"""Engine and store against a model: any plan, any faults, any end, any resume, and the promises after every step."""

import json
import random
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from recorded_store import cut_power, durable_bytes
from simulated import Ended, Fate, MortalStore, World
from witnessed import PRICE_USD, audit, noisy

import toolkit as tk
from toolkit.errors import ManifestMismatch, StoreCorrupt, StoreError, StoreLocked

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 -- each makes a folder of its own there
_EVENTS = st.integers(1, 250) | st.integers(1, 30)


def trial_of(record: dict[str, Any]) -> tuple[str, str, int] | None:
    """Which trial a line of the log ends, if it ends one."""
    return (record["setting"], record["sample"], record["repeat"]) if record.get("final") else None


class Machine(RuleBasedStateMachine):
    """A run that is begun, ended in every way there is, and begun again."""

    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="torture", dir=_SHARED_MEMORY if _SHARED_MEMORY.is_dir() else None))
        self.budget_usd: float | None = None
        self.settled: dict[tuple[str, str, int], str | None] = {}

    @property
    def store(self) -> Path:
        return self.folder / "run"

    @property
    def log(self) -> Path:
        return self.store / "attempts.jsonl"

    @initialize(images=st.integers(1, 12), repeats=st.integers(1, 2), deferred=st.booleans(), money=st.integers(0, 30))
    def plan(self, images: int, repeats: int, deferred: bool, money: int) -> None:
        """The plan: how many images, how often, what kind of service, and money for how many answers."""
        self.world = World(noisy(0, images), self.folder, repeats, deferred)
        self.budget_usd = money * PRICE_USD if money else None

    @rule(
        ending=st.sampled_from(["", "dies", "dies", "stops", "fills"]),
        at=_EVENTS,
        power=st.booleans(),
        seed=st.integers(0, 2**16),
        rate=st.sampled_from([0.0, 0.1, 0.4]),
        in_flight=st.integers(1, 8),
        retry_errors=st.booleans(),
        per_second=st.sampled_from([None, None, 3.0]),
    )
    def session(self, ending: str, at: int, power: bool, seed: int, **options: object) -> None:
        """One session: to its end, to an order to stop, to a full disk, to its death; and perhaps the power goes too."""
        fate = Fate(ending, at)
        try:
            self.world.session(fate, seed=seed, budget_usd=self.budget_usd, **options)
            assert ending != "dies" or fate.events < at
            if ending != "stops":
                assert len(tk.open_run(self.store).outcomes) == self.world.trials
        except Ended:
            assert fate.dead
        except StoreError:
            assert ending == "fills"
        if power and fate.dead and self.log.exists():
            safe = durable_bytes(self.folder / "safe")
            sure = {trial_of(record) for record in map(json.loads, self.log.read_bytes()[:safe].splitlines())}
            self.settled = {trial: kind for trial, kind in self.settled.items() if trial in sure}
            cut_power(self.log, safe, random.Random(seed))
        if options["retry_errors"]:
            self.settled = {trial: kind for trial, kind in self.settled.items() if kind is None}
        self.examine()

    @precondition(lambda self: self.budget_usd is not None)
    @rule(more=st.integers(1, 10))
    def more_money(self, more: int) -> None:
        """The budget is raised."""
        self.budget_usd = (self.budget_usd or 0.0) + more * PRICE_USD

    @rule(part=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
    def damage(self, part: float, byte: int) -> None:
        """A line before the last is spoilt: it is told by its number, nothing is asked, and it can be mended."""
        lines = self.log.read_bytes().split(b"\n") if self.log.exists() else []
        if len(lines) < 3:
            return
        whole, number = self.log.read_bytes(), int(part * (len(lines) - 2))
        spoilt = lines[number][: int(part * len(lines[number]))] + bytes([byte])
        if b"\n" in spoilt or spoilt == lines[number]:
            return
        self.log.write_bytes(b"\n".join([*lines[:number], spoilt, *lines[number + 1 :]]))
        charged = self.world.charged()
        for look in (lambda: self.world.session(Fate()), lambda: tk.open_run(self.store).outcomes):
            with pytest.raises(StoreCorrupt, match=f"line {number + 1} is damaged"):
                look()
        assert self.world.charged() == charged
        self.log.write_bytes(whole)

    @rule()
    def another_plan(self) -> None:
        """A run of other images does not get into this store, and leaves it as it was."""
        if not (self.store / "manifest.json").exists():
            return
        before = {path.name: path.read_bytes() for path in self.store.iterdir() if path.name != "lock"}
        other = World(noisy(100, 1), self.folder, self.world.repeats)
        with pytest.raises(ManifestMismatch, match=r"dataset\.fingerprint"):
            other.session(Fate())
        assert {path.name: path.read_bytes() for path in self.store.iterdir() if path.name != "lock"} == before
        assert not other.charged()

    @rule()
    def another_run(self) -> None:
        """While the store is being written, nobody else gets in."""
        if not (self.store / "manifest.json").exists():
            return
        plan = json.loads((self.store / "manifest.json").read_bytes())
        holder = MortalStore(self.store, self.folder / "other")
        holder.open(plan, [])
        with pytest.raises(StoreLocked):
            self.world.session(Fate())
        holder.close()

    def examine(self) -> None:
        """The promises, as far as they can be seen from outside."""
        type(self).steps += 1
        charged = self.world.charged()
        if not (self.store / "manifest.json").exists():
            assert not charged
            return
        try:
            run = tk.open_run(self.store)
            attempts = run.attempts
        except StoreCorrupt:  # holes after a power cut: told, with the line, which is taken out
            self.log.write_bytes(b"\n".join(line for line in self.log.read_bytes().split(b"\n") if b"\0" not in line))
            run = tk.open_run(self.store)
            attempts = run.attempts
        assert audit(run, charged, self.budget_usd, repeats=self.world.repeats) == []
        assert not (attempts["error"] == "engine_failure").any()
        final = attempts[attempts["final"]]
        now = {
            (row.setting, row.sample, row.repeat): None if isinstance(row.text, str) else str(row.error)
            for row in final.itertuples()
        }
        lasting = {trial: kind for trial, kind in now.items() if kind != "stopped"}
        assert self.settled.items() <= lasting.items()
        self.settled = lasting

    def teardown(self) -> None:
        """Whatever happened: in the end every trial has an outcome, and the bill is right."""
        if hasattr(self, "world"):
            self.world.session(Fate(), budget_usd=self.budget_usd)
            self.examine()
            outcomes = tk.open_run(self.store).outcomes
            assert len(outcomes) == self.world.trials
            if self.budget_usd is None:
                assert "stopped" not in set(outcomes["error"])
        shutil.rmtree(self.folder)


@pytest.mark.promise(1, 2, 3, 6, 7, what="any plan, faults, end and resume, against a model")
def test_the_promises_hold_whatever_is_done_to_a_run(tried, scale):
    """Deaths before, within and after every write; power cuts; full disks; stops; damage; other plans; more money."""
    Machine.steps = 0
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=scale(25, 600),
            stateful_step_count=scale(10, 20),
            deadline=None,
            derandomize=scale(1, 0) == 1,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],  # explaining takes minutes
        ),
    )
    tried.cases = Machine.steps
    tried.verdict()
