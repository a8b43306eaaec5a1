"""Runs that are killed at random moments, resumed and killed again, beside what the services charged."""

import random
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest
from bills import new_key
from recorded_store import cut_power, durable_bytes
from witnessed import PRICE_USD, WitnessedSandbox, audit_of, noisy, trouble
from work_items_by_fork import ForkServer, WorkItem

import toolkit as tk
from toolkit.errors import StoreCorrupt

IMAGES = 40
TRIALS = 2 * IMAGES
LINES_PER_TRIAL = 2.5  # asked, perhaps submitted, finished
MOST_KILLS = 6  # of one run
PATIENCE_S = 120.0


@dataclass
class Campaign:
    """One run, killed several times and then left to end.

    With `power`, each kill is a power cut: what the log was not yet sure of is lost, torn or holds noughts. With
    `tight`, the budget allows a few trials more in each session and never all.
    """

    forks: ForkServer
    box: WitnessedSandbox
    folder: Path
    first: int
    key: str
    dice: random.Random
    power: bool
    tight: bool
    killed: int = 0
    told: int = 0

    def __post_init__(self) -> None:
        self.dataset = self.box.know(noisy(self.first, IMAGES))
        self.store, self.note = self.folder / "run", self.folder / "safe"
        self.log = self.store / "attempts.jsonl"
        self.folder.mkdir()

    @property
    def budget_usd(self) -> float | None:
        return PRICE_USD * TRIALS * (0.3 + 0.2 * self.killed) if self.tight else None

    def kill_once(self) -> tuple[str, list[str]]:
        """Begin, or go on, and be killed when the log has grown by a random number of lines, and a moment more.

        Gives when it was killed, or nothing when it had ended before, and what is wrong afterwards.
        """
        before = self._logged()
        lines = self.dice.randint(0, int(max(0.0, TRIALS * LINES_PER_TRIAL - before.count(b"\n")) * 0.5) + 2)
        work_item = self._begin()
        for _ in range(int(PATIENCE_S / 0.001)):
            if self._logged().count(b"\n") >= before.count(b"\n") + lines or work_item.ended(0.001):
                break
        work_item.ended(self.dice.uniform(0.0, 0.03))
        work_item.send(signal.SIGKILL)
        status = work_item.status()
        complaints = [] if status <= 0 else [f"ended with {status}: {work_item.words}"]
        if not self._logged().startswith(before[: before.rfind(b"\n") + 1]):
            complaints.append("what was in the log before is not in it any more")
        when = f"after {lines} more lines" if status < 0 else ""
        if status < 0:
            self.killed += 1
        if self.power and self.log.exists():
            when += when and f", the rest {cut_power(self.log, durable_bytes(self.note), self.dice)}"
        return when, complaints + self._examined()

    def finish(self) -> list[str]:
        """Let it end, and look at everything once more."""
        work_item = self._begin()
        status = work_item.status()
        if status:
            return [f"ended with {status}: {work_item.words}"]
        complaints = self._examined()
        outcomes = tk.open_run(self.store).outcomes
        if len(outcomes) != TRIALS or not set(outcomes["outcome"]) <= {"correct", "no_answer", "error"}:
            complaints.append(f"{len(outcomes)} outcomes of {TRIALS} trials: {set(outcomes['outcome'])}")
        return complaints

    def _begin(self) -> WorkItem:
        return self.forks.work_item(
            "benchmark",
            images=[self.first, IMAGES],
            store=str(self.store),
            key=self.key,
            urls=self.box.urls,
            note=str(self.note),
            transport=self.dice.choice(["httpx", "fast"]),
            budget_usd=self.budget_usd,
            retry_errors=self.dice.random() < 0.3,
        )

    def _logged(self) -> bytes:
        return self.log.read_bytes() if self.log.exists() else b""

    def _examined(self) -> list[str]:
        """What is wrong with the store, beside what was charged so far."""
        charged = self.box.charged(self.dataset)
        if any(self.key.encode() in path.read_bytes() for path in self.folder.rglob("*") if path.is_file()):
            return ["the key is in a file"]
        try:
            return audit_of(self.store, charged, self.budget_usd)
        except StoreCorrupt as told:
            self.told += 1
            self._take_out_what_is_damaged(str(told))
            return audit_of(self.store, charged, self.budget_usd)

    def _take_out_what_is_damaged(self, told: str) -> None:
        """As the message says."""
        lines = self._logged().split(b"\n")
        damaged = [number for number, line in enumerate(lines, 1) if b"\0" in line]
        assert f"{self.log}, line {damaged[0]} is damaged" in told
        self.log.write_bytes(b"\n".join(line for line in lines if b"\0" not in line))


@pytest.mark.promise(2, 3, 5, 7, what="killed at random moments, resumed, killed again")
@pytest.mark.parametrize("power", [False, True], ids=["process", "power"])
def test_a_run_may_be_killed_at_any_moment(forks, tried, scale, seed, tmp_path, power):
    """What was charged is answered or called unsettled, to the cent, within the budget; in the end all have outcomes.

    Every kill is examined at once, against what the sandbox charged for each image.
    """
    dice = random.Random(f"{seed} {power}")
    kills = scale(4, 125)
    keys = [new_key() for _ in range(kills)]
    tried.notes |= {"runs": 0, "told": 0}
    with WitnessedSandbox(keys) as box:
        while tried.cases < kills:
            key = keys.pop()
            box.faults = trouble(dice.choice([0.0, 0.05, 0.2]), dice.randrange(1000))
            campaign = Campaign(
                forks, box, tmp_path / f"run {len(keys)}", IMAGES * len(keys), key, dice, power, dice.random() < 0.4
            )
            when = "at first"
            while when and campaign.killed < MOST_KILLS and tried.cases < kills:
                when, complaints = campaign.kill_once()
                if when or complaints:
                    tried.case(complaints, name=f"{campaign.folder.name}, kill {campaign.killed}, {when}")
            complaints = campaign.finish()
            if complaints:
                tried.failures.append(f"{campaign.folder.name}, its end: {complaints[:3]}")
            tried.notes["runs"] += 1
            tried.notes["told"] += campaign.told
    tried.verdict()
