"""What a run costs beside the engine's own work, and what a second process gives."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from doubles import picture_folder

import toolkit as tk

ROOT = Path(__file__).parents[2]
OVERHEAD_S = 0.002
LEAST_SPEED_UP = 1.7


@dataclass(frozen=True)
class Spinner(tk.LocalProvider):
    """Keeps its thread busy for two milliseconds, as a quick engine would."""

    name: ClassVar[str] = "spinner"

    def read(self, image: bytes) -> tk.Answer:
        end = time.perf_counter() + 0.002
        while time.perf_counter() < end:
            pass
        return tk.Answer(f"{len(image)}", 0.5)


def test_overhead_of_a_trial(benchmark, tmp_path):
    """Loading, queueing, timing, judging and storing add at most two milliseconds to a reading in process.

    Reference: the bare loop, which opens each file and reads it with the same engine.
    """
    count = 2000 if benchmark.enabled else 50
    dataset = tk.load_dataset(picture_folder(tmp_path / "images", count))
    setting = Spinner()
    files = sorted((tmp_path / "images").glob("*.png"))
    bare_s, whole_s = [], []

    def both():
        start = time.perf_counter()
        for file in files:
            setting.read(file.read_bytes())
        middle = time.perf_counter()
        with ThreadPoolExecutor(1) as thread:
            run = tk.benchmark(dataset, setting, executor=thread, store=tmp_path / f"run{len(bare_s)}", show=False)
        bare_s.append(middle - start)
        whole_s.append(time.perf_counter() - middle)
        return run

    run = benchmark.pedantic(both, rounds=3 if benchmark.enabled else 1)

    assert run.complete
    if benchmark.enabled:
        overhead_s = (min(whole_s) - min(bare_s)) / count
        benchmark.extra_info |= {
            "overhead_ms_a_trial": round(1000 * overhead_s, 3),
            "target_ms": 1000 * OVERHEAD_S,
            "ratio_to_bare_loop": round(min(whole_s) / min(bare_s), 2),
        }
        assert overhead_s <= OVERHEAD_S


def images_per_s(run):
    """Readings over the time from the first one's begin to the last one's end."""
    outcomes = run.outcomes
    ends = outcomes["started_at"] + outcomes["latency_s"]
    return len(outcomes) / (ends.max() - outcomes["started_at"].min())


def test_two_processes_beside_one(benchmark):
    """RapidOCR on two processes reads at least 1.7 times as many images a second as on one.

    Reference: one process, and the bare loop in this one. It takes two cores that have nothing else to do.
    """
    pytest.importorskip("rapidocr")
    dataset = tk.load_dataset(ROOT / "datasets/distorted")
    if not benchmark.enabled:
        dataset = dataset.sample(8)
    setting = tk.RapidOCR()
    rates = {1: [], 2: []}

    def both():
        for workers in (1, 2):
            run = tk.benchmark(dataset, setting, workers=workers, show=False)
            assert run.complete
            rates[workers].append(images_per_s(run))

    benchmark.pedantic(both, rounds=3 if benchmark.enabled else 1)

    if benchmark.enabled:
        setting.read(dataset[0].image)
        start = time.perf_counter()
        for sample in dataset[:100]:
            setting.read(sample.image)
        bare = 100 / (time.perf_counter() - start)
        speed_up = max(rates[2]) / max(rates[1])
        benchmark.extra_info |= {
            "one_images_per_s": round(max(rates[1]), 1),
            "two_images_per_s": round(max(rates[2]), 1),
            "bare_loop_images_per_s": round(bare, 1),
            "speed_up": round(speed_up, 2),
            "target": LEAST_SPEED_UP,
        }
        assert speed_up >= LEAST_SPEED_UP
