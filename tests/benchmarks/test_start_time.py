"""How soon the command answers: `toolkit --help` beside a Python that does nothing."""

import subprocess
import sys
import time
from pathlib import Path

MOST_S = 0.3
COMMANDS = {
    "toolkit --help": [str(Path(sys.executable).with_name("toolkit")), "--help"],
    "python": [sys.executable, "-c", "pass"],
}


def test_help_is_there_at_once(benchmark):
    """The list of commands appears within 0.3 s, because nothing heavy is imported for it."""
    taken_s = {name: [] for name in COMMANDS}

    def each_once():
        for name, command in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
            taken_s[name].append(time.perf_counter() - start)

    benchmark.pedantic(each_once, rounds=9, warmup_rounds=1)

    help_s, python_s = (min(seconds) for seconds in taken_s.values())
    benchmark.extra_info |= {
        "help_s": round(help_s, 3),
        "python_s": round(python_s, 3),
        "ratio": round(help_s / python_s, 2),
    }
    if benchmark.enabled:
        assert help_s <= MOST_S
