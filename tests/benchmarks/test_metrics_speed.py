"""Scoring a million short texts, beside bare rapidfuzz on the same pairs in the same run."""

import random
import time

import pytest
from rapidfuzz.distance import Levenshtein

from toolkit.metrics import RELAXED, measure

PAIRS = 1_000_000
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


@pytest.fixture(scope="module")
def pairs():
    """Targets of four to eight characters, and answers of which three in ten differ."""
    rng = random.Random(1)
    targets = ["".join(rng.choices(ALPHABET, k=rng.randint(4, 8))) for _ in range(PAIRS)]
    answers = [t if rng.random() < 0.7 else t[:2] + rng.choice(ALPHABET) + t[3:] + "x" for t in targets]
    return targets, answers


def least_s(function, rounds=3):
    """The shortest of several runs: noise only ever adds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def test_edit_distance_cer_and_ned(benchmark, pairs):
    """All measures of a million pairs, in 0.3 s on two cores, take no more than five bare distance loops."""
    targets, answers = pairs

    def all_measures():
        found = measure(targets, answers)
        return found.cer_micro(), found.cer_macro(), found.ned.mean()

    benchmark.pedantic(all_measures, rounds=3, warmup_rounds=1)

    if benchmark.enabled:
        took_s = benchmark.stats.stats.min
        bare_s = least_s(lambda: [Levenshtein.distance(t, a) for t, a in zip(targets, answers, strict=True)])
        benchmark.extra_info |= {"took_s": round(took_s, 3), "bare_rapidfuzz_s": round(bare_s, 3)}
        benchmark.extra_info["ratio"] = round(took_s / bare_s, 2)
        assert took_s <= 5 * bare_s


def test_relaxed_normalisation(benchmark, pairs):
    """Normalising a million texts takes at most 0.5 s, with accents and blanks too; reference: the texts one by one."""
    _, answers = pairs
    accented = [f"{text}é " for text in answers]

    benchmark.pedantic(lambda: RELAXED.apply(accented), rounds=3, warmup_rounds=1)

    if benchmark.enabled:
        took_s, ascii_s = benchmark.stats.stats.min, least_s(lambda: RELAXED.apply(answers))
        one_by_one_s = least_s(lambda: [RELAXED(text) for text in accented[: PAIRS // 10]]) * 10
        benchmark.extra_info |= {"took_s": round(took_s, 3), "ascii_s": round(ascii_s, 3)}
        benchmark.extra_info["ratio_to_one_by_one"] = round(took_s / one_by_one_s, 2)
        assert took_s <= one_by_one_s
        assert ascii_s <= took_s
