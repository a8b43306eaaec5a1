"""A sandbox whose readers note which image they were shown, so that every charge has a trial; and the audit."""

import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
from bills import noise

import toolkit as tk
from toolkit._dataset import Dataset
from toolkit._run.run import Run, open_run
from toolkit._sandbox import Sandbox, faults
from toolkit._sandbox.delays import lognormal

PRICE_USD = 0.001
Reading = tuple[str, str]  # setting, sample

_TROUBLE = (
    *("cut_before", "cut_after", "cut_mid_body", "truncated", "not_json", "delayed", "slow_drip"),
    *("server_error_500_empty", "server_error_502_html", "server_error_504_json", "ERROR_NEVER_HEARD_OF"),
    *("missing_taskId", "missing_status", "missing_solution.text"),
    *("replaced_solution", "replaced_taskId", "replaced_errorId"),
)
_RARE_TROUBLE = ("rate_limited_retry_after", "server_error_503_json")  # each holds the account up for a while


def noisy(first: int, count: int) -> Dataset:
    """Images of random pixels, `count` of them from number `first` on."""
    samples = (tk.Sample.from_bytes(noise(n), f"word{n}", id=f"{n}.png") for n in range(first, first + count))
    return Dataset.from_samples(samples, name="noise")


def settings_at(urls: dict[str, str], key: str) -> list[Any]:
    """One setting of each protocol, with a module that tells the sandbox's witnesses which one asks."""
    paid = {"key": key, "price_per_1000_usd": 1000 * PRICE_USD}
    quick = {"first_poll_s": 0.02, "poll_every_s": 0.02}
    return [
        tk.CapSolver("common", alias="capsolver", base_url=urls["capsolver"], **paid),
        tk.CapMonster("universal", alias="capmonster", base_url=urls["capmonster"], **quick, **paid),
    ]


class Witness:
    """Reads all images of some datasets, but for every tenth, and notes what it was shown.

    The sandbox charges exactly for what its reader could read, so what was `read` is what was charged, by trial.
    """

    instant = True

    def __init__(self, setting: str) -> None:
        self.setting = setting
        self.read: Counter[Reading] = Counter()
        self._known: dict[bytes, tuple[str, str]] = {}

    def know(self, dataset: Dataset) -> None:
        self._known.update({sample.image: (sample.id, sample.target or "") for sample in dataset})

    def __call__(self, image: bytes) -> tuple[str | None, float]:
        sample, text = self._known[image]
        if int(sample.partition(".")[0]) % 10 == 9:
            return None, 0.0
        self.read[self.setting, sample] += 1
        return text, 1.0


class WitnessedSandbox(Sandbox):
    """CapSolver and CapMonster, each with a witness."""

    def __init__(self, keys: Iterable[str], seed: int = 0, rate: float = 0.1, answer_s: float = 0.05) -> None:
        self.witnesses = [Witness("capsolver"), Witness("capmonster")]
        common, universal = self.witnesses
        super().__init__(
            common,
            readers={"common": common, "universal": universal},
            keys=keys,
            balance_usd=1000,
            delay=lognormal(answer_s, 3 * answer_s) if answer_s else 0.0,
            faults=trouble(rate, seed) if rate else (),
            seed=seed,
        )

    def know(self, dataset: Dataset) -> Dataset:
        """Be able to read these images from now on."""
        for witness in self.witnesses:
            witness.know(dataset)
        return dataset

    def charged(self, dataset: Dataset) -> Counter[Reading]:
        """How often each reading of a dataset was charged, once all that was sent has arrived."""
        before = -1
        while before != (before := sum(witness.read.total() for witness in self.witnesses)):
            time.sleep(0.02)
        ids = set(dataset.ids)
        return Counter(
            {trial: n for witness in self.witnesses for trial, n in witness.read.copy().items() if trial[1] in ids}
        )


def trouble(rate: float, seed: int) -> list[faults.Schedule]:
    """What may befall a request and does not stop the account for good, nor lie about what was charged."""
    schedules: list[faults.Schedule] = []
    for service in ("capsolver", "capmonster"):
        known = faults.catalogue(service)
        schedules += [
            faults.at_rate(rate, *(known[name] for name in _TROUBLE), seed=seed, service=service),
            faults.at_rate(rate / 50, *(known[name] for name in _RARE_TROUBLE), seed=seed + 1, service=service),
        ]
    return schedules


def audit(run: Run, charged: Counter[Reading], budget_usd: float | None = None, *, repeats: int = 1) -> list[str]:
    """What is wrong with a run's bill, beside what was charged: nothing."""
    answered = _count(run.attempts[run.attempts["text"].notna()])
    unsettled = _count(run.unsettled)
    complaints = [
        *(
            f"{trial} was charged {n} times: {answered[trial]} answers, {unsettled[trial]} unsettled"
            for trial, n in charged.items()
            if n > answered[trial] + unsettled[trial]
        ),
        *(
            f"{trial} has {n} answers and {charged[trial]} charges"
            for trial, n in answered.items()
            if n > charged[trial]
        ),
        *(f"{trial} was paid for and answered {n} times" for trial, n in answered.items() if n > repeats),
    ]
    spend = run.spend[["modelled_usd", "unsettled_usd"]].sum()
    told = {"modelled_usd": answered.total() * PRICE_USD, "unsettled_usd": unsettled.total() * PRICE_USD}
    complaints += [f"{name} is {spend[name]}, not {usd}" for name, usd in told.items() if abs(spend[name] - usd) > 1e-9]
    spent = charged.total() * PRICE_USD
    if not spend["modelled_usd"] - 1e-9 <= spent <= spend.sum() + 1e-9:
        complaints.append(f"{spent} USD were charged; the run says {spend.to_dict()}")
    if budget_usd is not None and spent > budget_usd + 1e-9:
        complaints.append(f"{spent} USD were charged of a budget of {budget_usd} USD")
    if run.outcomes.duplicated(["setting", "sample", "repeat"]).any():
        complaints.append("a trial has two outcomes")
    return complaints


def audit_of(store: Path, charged: Counter[Reading], budget_usd: float | None = None) -> list[str]:
    """The same for a run that may not have come so far as to be one: then nothing was charged."""
    if (store / "manifest.json").exists():
        return audit(open_run(store), charged, budget_usd)
    return [f"{charged} were charged and there is no run"] if charged else []


def _count(frame: pd.DataFrame) -> Counter[Reading]:
    return Counter(frame[["setting", "sample"]].itertuples(index=False, name=None))
