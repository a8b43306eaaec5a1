"""The vendors' own clients, unmodified, in environments of their own that are kept between runs.

They are for these tests only: one pins old versions of what we use and its licence is unclear.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

CACHE = Path(__file__).parents[3] / ".cache"
PYTHON_SDKS = ["capsolver==1.0.7", "capmonstercloudclient==4.3.1", "python3-capsolver==1.2.2"]
NODE_SDKS = ["node-capmonster@0.4.5", "@zennolab_com/capmonstercloud-client@2.6.1"]
HERE = Path(__file__).parent


def without_proxies():
    """The environment without what would send loopback requests elsewhere, and without anybody's keys."""
    mine = {name: value for name, value in os.environ.items() if not name.upper().endswith(("_PROXY", "_API_KEY"))}
    return mine | {"NO_PROXY": "127.0.0.1"}


def install(folder, pins, commands):
    """Run the commands that fill `folder`, unless it holds these pins already; skip when they fail.

    Tests may run in several processes: one of them installs, and the others wait for it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        _install(folder, pins, commands)


def _install(folder, pins, commands):
    stamp = folder / "installed.json"
    wanted = json.dumps([sys.version, *pins])
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for command in commands:
        run = subprocess.run(command, capture_output=True, text=True, timeout=240)
        if run.returncode:
            pytest.skip(f"cannot install {', '.join(pins)}: {(run.stderr or run.stdout).strip()[-300:]}")
    stamp.write_text(wanted, encoding="utf-8")


@pytest.fixture(scope="session")
def python_with_sdks():
    """A Python that has the vendors' clients."""
    folder = CACHE / "sdk-venv"
    python = folder / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    # A link back to the running Python, and pip from there: the environment needs none of its own.
    make = [sys.executable, "-m", "venv", "--without-pip", str(folder / "env")]
    fill = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", *PYTHON_SDKS]
    install(folder, PYTHON_SDKS, [make, fill])
    return python


@pytest.fixture(scope="session")
def node_with_sdks():
    """Node, and the folder whose modules hold the vendors' and node-capmonster's clients."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not installed")
    folder = CACHE / "sdk-node"
    flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    install(folder, NODE_SDKS, [[npm, "install", "--prefix", str(folder), *flags, *NODE_SDKS]])
    return node, folder


@pytest.fixture(scope="session")
def encoded(images):
    """The images in base64, as a JSON object that a script takes as its argument."""
    import base64

    return json.dumps({name: base64.b64encode(image).decode() for name, image in images.items()})


@pytest.fixture(scope="session")
def outcome_of():
    """Runs a script with arguments and gives the JSON that it prints."""

    def run(program, script, *arguments, **environment):
        command = [str(program), str(HERE / script), *arguments]
        run = subprocess.run(command, capture_output=True, text=True, timeout=120, env=without_proxies() | environment)
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    return run
