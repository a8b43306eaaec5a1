# ruff: noqa: INP001, T201 -- a command, which prints
"""Known vulnerabilities of the pinned packages, by pip-audit; where it can ask nobody, one line says so."""

import json
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

LOCK = Path(__file__).with_name("development.lock")


def main() -> int:
    """Status 1 for a known vulnerability, 0 also where nobody can be asked."""
    if find_spec("pip_audit") is None:
        return _skipped("it is not installed")
    pins = [line.split("#")[0].strip() for line in LOCK.read_text(encoding="utf-8").splitlines()]
    pins = [pin for pin in pins if pin]
    # One package first: a registry without advisories answers for none, and a network that hangs does so once.
    if not _audited(next(pin for pin in pins if pin.startswith("pillow==")), seconds=10):
        return _skipped("no advisory source is reachable")
    packages = _audited(*pins, seconds=90)
    if not packages:
        return _skipped("the advisory source took too long")
    vulnerable = [package for package in packages if package["vulns"]]
    for package in vulnerable:
        for found in package["vulns"]:
            cure = f"; mended in {', '.join(found['fix_versions'])}" if found["fix_versions"] else ""
            print(f"pip-audit: {package['name']} {package['version']}: {found['id']}{cure}")
    if not vulnerable:
        print(f"pip-audit: no known vulnerability in {len(packages)} packages")
    return 1 if vulnerable else 0


def _audited(*pins: str, seconds: float) -> list[dict[str, Any]]:
    """What is known of those packages that anything is known of; nothing when the time is up."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(pins) + "\n")
        file.flush()
        options = ["--no-deps", "--disable-pip", "--format=json", "--progress-spinner=off", "--timeout=5"]
        command = [sys.executable, "-m", "pip_audit", "--requirement", file.name, *options]
        try:
            ended = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)  # noqa: S603
            said = json.loads(ended.stdout or "{}")
        except (subprocess.TimeoutExpired, ValueError):
            return []
    return [package for package in said.get("dependencies", []) if "vulns" in package]


def _skipped(why: str) -> int:
    print(f"pip-audit: skipped, {why}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
