"""Loading, walking through and fingerprinting twenty thousand samples, beside the bare work in the same run."""

import csv
import hashlib
import os
import random
import time

import pytest

from toolkit._dataset import load_dataset

SAMPLES = 20_000
IMAGE_BYTES = 3_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One image under many names, with labels and two tags."""
    path = tmp_path_factory.mktemp("dataset")
    rng = random.Random(1)
    image = path / "image"
    image.write_bytes(rng.randbytes(IMAGE_BYTES))
    with (path / "metadata.csv").open("w") as file:
        file.write("file_name,text,font,level\n")
        for i in range(SAMPLES):
            (path / f"{i:06d}.png").hardlink_to(image)
            file.write(f"{i:06d}.png,{rng.getrandbits(32):08x},font{i % 7},{i % 4}\n")
    return path


def least_s(function, rounds=3):
    """The shortest of several runs: noise only ever adds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def report(benchmark, bare_s):
    """Leave both times and their ratio where the summary shows them; gives the ratio."""
    took_s = benchmark.stats.stats.min
    benchmark.extra_info |= {
        "us_a_sample": round(took_s / SAMPLES * 1e6, 2),
        "bare_us": round(bare_s / SAMPLES * 1e6, 2),
    }
    benchmark.extra_info["ratio"] = round(took_s / bare_s, 2)
    return took_s / bare_s


def test_loading(benchmark, folder):
    """Loading with all its checks takes a small multiple of parsing the table and looking whether the files exist."""

    def bare():
        with (folder / "metadata.csv").open(newline="") as file:
            return [(row, os.lstat(folder / row["file_name"])) for row in csv.DictReader(file)]

    benchmark.pedantic(lambda: load_dataset(folder), rounds=3, warmup_rounds=1)

    if benchmark.enabled:
        assert report(benchmark, least_s(bare)) <= 4


def test_walking_through(benchmark, folder):
    """Building the samples, tags and all, costs about as much as reading their images once."""
    dataset = load_dataset(folder)

    def walk():
        for _ in dataset:
            pass

    def bare():
        for name in os.listdir(folder):  # noqa: PTH208 -- the bare way is the reference
            with open(folder / name, "rb") as file:  # noqa: PTH123 -- likewise
                file.read()

    benchmark.pedantic(walk, rounds=3, warmup_rounds=1)

    if benchmark.enabled:
        assert report(benchmark, least_s(bare)) <= 2


def test_fingerprint(benchmark, folder):
    """A first fingerprint costs little more than reading and hashing the files."""

    def bare():
        for i in range(SAMPLES):
            hashlib.sha256((folder / f"{i:06d}.png").read_bytes()).digest()

    # a dataset remembers its fingerprint, so that each round needs a new one
    benchmark.pedantic(lambda dataset: dataset.fingerprint, setup=lambda: ((load_dataset(folder),), {}), rounds=3)

    if benchmark.enabled:
        assert report(benchmark, least_s(bare)) <= 3
