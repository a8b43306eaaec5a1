"""Measuring a piece of code in a Python of its own, so that its memory is nobody else's."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

# Not `ru_maxrss` where it can be helped: on Linux it begins at the size of the process that started this one.
_END = """
import json, resource
try:
    with open("/proc/self/status") as status:
        peak_kib = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
except OSError:
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"peak_mib": peak_kib / 1024, **figures}))
"""


def measured(code: str, *arguments: object) -> dict[str, Any]:
    """What a piece of code left in `figures`, and the most memory its process had, in MiB."""
    path = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code) + _END, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    figures: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return figures
