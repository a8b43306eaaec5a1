"""The memory of a run does not grow with its dataset: images are read when their trial starts and dropped when it ends."""

import io
import tarfile

from apart import measured
from doubles import label, picture

MOST_MORE_MIB = 100

RUN = """
    import sys
    import toolkit as tk
    from doubles import Echo
    if __name__ == "__main__":
        run = tk.start(sys.argv[1], Echo(), workers=2, store=sys.argv[2])
        run.wait()
        figures = {"left": run.progress.left, "per_s": run.progress.rate}
"""


def shard(path, count):
    """An archive of labelled pictures in the naming of WebDataset."""
    with tarfile.open(path, "w") as tar:
        for number in range(count):
            for suffix, content in (("png", picture(number)), ("txt", label(number).encode())):
                member = tarfile.TarInfo(f"{number:06d}.{suffix}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return path


def test_memory_of_a_large_run(benchmark, tmp_path):
    """A run over a hundred thousand images needs at most 100 MiB more than one over a thousand."""
    large, small = (100_000, 1000) if benchmark.enabled else (600, 100)
    shards = {count: shard(tmp_path / f"{count}.tar", count) for count in (small, large)}

    def both():
        return {count: measured(RUN, path, tmp_path / f"run{count}") for count, path in shards.items()}

    figures = benchmark.pedantic(both, rounds=1)

    assert [figures[count]["left"] for count in (small, large)] == [0, 0]
    if benchmark.enabled:
        more = figures[large]["peak_mib"] - figures[small]["peak_mib"]
        benchmark.extra_info |= {
            f"peak_mib_of_{small}": round(figures[small]["peak_mib"]),
            f"peak_mib_of_{large}": round(figures[large]["peak_mib"]),
            "more_mib": round(more),
            "target_mib": MOST_MORE_MIB,
            "images_per_s": round(figures[large]["per_s"]),
        }
        assert more <= MOST_MORE_MIB
