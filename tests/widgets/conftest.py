"""Outcomes and runs that the widgets' tests look at."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from doubles import Oracle, answer_key, pictures

import toolkit as tk


@pytest.fixture(scope="session")
def thread():
    """One worker thread for all runs here that need no process."""
    with ThreadPoolExecutor(1) as thread:
        yield thread


@pytest.fixture(scope="session")
def dataset():
    """Sixty pictures with a tag of two values."""
    return pictures(60)


@pytest.fixture(scope="session")
def run(dataset, thread, tmp_path_factory):
    """Two oracles on sixty pictures: one errs on some, the other is also silent on some."""
    key = answer_key(tmp_path_factory.mktemp("key") / "key.json", dataset)
    settings = [Oracle(key, wrong=0.2), Oracle(key, wrong=0.3, silent=0.2, seed=1)]
    return tk.benchmark(dataset, settings, executor=thread, store=tmp_path_factory.mktemp("runs") / "first")


@pytest.fixture(scope="session")
def engine():
    """Outcomes of one engine on 4,000 images, right more often where it is surer."""
    rng = np.random.default_rng(7)
    right = rng.random(4000) < 0.9
    sure = np.where(right, rng.beta(8, 1, 4000), rng.beta(3, 2, 4000)).round(4)
    return pd.DataFrame(
        {
            "setting": "engine()",
            "sample": [f"{number:05}.png" for number in range(4000)],
            "outcome": np.where(right, "correct", "wrong"),
            "confidence": sure,
        }
    )


@pytest.fixture(scope="session")
def service():
    """Outcomes of a service asked at three scores: what it accepts at a strict one it accepts at a loose one."""
    rng = np.random.default_rng(3)
    sure, right = rng.random(300), rng.random(300) < 0.8
    parts = []
    for score in (0.2, 0.5, 0.8):
        accepted = sure >= score
        parts.append(
            pd.DataFrame(
                {
                    "setting": f"capsolver(module='common', score={score})",
                    "sample": [f"{number:05}.png" for number in range(300)],
                    "outcome": np.where(accepted, np.where(right, "correct", "wrong"), "no_answer"),
                    "cost_usd": np.where(accepted, 0.001, 0.0),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
