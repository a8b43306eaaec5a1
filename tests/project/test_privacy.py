"""Local engines ask nobody and report nothing: seen from outside, in a network namespace that leads nowhere."""

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import toolkit as tk

ROOT = Path(__file__).parents[2]
REMOTE = re.compile(r'<(TCP|UDP).*?>, .*?sa_family=AF_INET6?, sin6?_port=htons\((\d+)\).*?"([0-9a-f.:]+)"')
OF_THIS_MACHINE = ("127.", "::1", "::ffff:127.", "0.0.0.0")  # noqa: S104 -- read, not bound
RUN = """
import sys
import toolkit as tk

dataset = tk.load_dataset(sys.argv[1])[:3]
{before}
run = tk.benchmark(dataset, {settings}, store="store", show=False, {options})
run.summary(), run.report("page.html"), run.export("table.csv")
tk.plots.accuracy_latency(run.outcomes)
assert set(run.outcomes["outcome"]) <= {{"correct", "wrong", "no_answer"}}
"""
ON_A_CLUSTER = """
from distributed import Client, LocalCluster
cluster = LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None, silence_logs=50)
client = Client(cluster)
"""


@pytest.fixture
def witnessed(tmp_path):
    """Runs Python code in a namespace without routes; gives the addresses asked for, and the files left in its home."""
    for program in ("strace", "unshare"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    nowhere = ["unshare", "--map-root-user", "--net"]
    may = subprocess.run([*nowhere, "strace", "-qq", "-o", os.devnull, "true"], capture_output=True, text=True)
    if may.returncode:
        pytest.skip(f"no namespace or no tracing for this user: {may.stderr.strip()}")

    def run(code, **environment):
        home = tmp_path / "home"
        home.mkdir()
        trace = tmp_path / "trace"
        (tmp_path / "code.py").write_text(code, encoding="utf-8")
        mine = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("XDG_", "COV", "GITHUB")) and name not in tk.errors.NO_TELEMETRY and name != "CI"
        }
        up = 'ip link set lo up 2>/dev/null; exec "$@"'  # a cluster talks to its workers on this machine
        strace = ["strace", "-f", "-qq", "-yy", "-e", "trace=connect,sendto,sendmmsg", "-o", trace]
        done = subprocess.run(
            [*nowhere, "sh", "-c", up, "sh", *strace, sys.executable, "code.py", ROOT / "datasets" / "printed"],
            cwd=tmp_path, env=mine | {"HOME": str(home), "MPLBACKEND": "agg"} | environment, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        asked = set(asked_for(trace.read_text(encoding="utf-8", errors="replace")))
        left = {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()}
        return asked, left

    return run


def asked_for(trace):
    """The addresses outside this machine that a trace connects to or looks names up at.

    A UDP socket that is connected and sends nothing asks nobody: distributed learns in this way by which of its own
    addresses others would reach it.
    """
    for protocol, port, address in REMOTE.findall(trace):
        if not address.startswith(OF_THIS_MACHINE) and (protocol == "TCP" or port == "53"):
            yield address


def own(left):
    """Of the files left in a home, those that are not in the caches that the README and matplotlib state."""
    return {name for name in left if not name.startswith((".cache/image-to-text-toolkit/", ".cache/matplotlib/"))}


@pytest.mark.parametrize(
    ("settings", "before", "options"),
    [
        ("[tk.RapidOCR()]", "", ""),
        ("[tk.Tesseract()]", "", ""),
        ("[tk.Ddddocr()]", "", ""),
        ("[tk.RapidOCR(), tk.Tesseract()]", "", "workers=2"),
        ("[tk.RapidOCR()]", ON_A_CLUSTER, "executor=client.get_executor()"),
    ],
    ids=["RapidOCR", "Tesseract", "ddddocr", "in two workers", "on a cluster"],
)
def test_a_run_of_local_engines_asks_nobody(witnessed, settings, before, options):
    """No address outside this machine is looked up or connected to, and nothing is left outside the stated caches."""
    if "Ddddocr" in settings:
        pytest.importorskip("ddddocr")
    asked, left = witnessed(RUN.format(settings=settings, before=before, options=options))

    assert asked == set()
    assert own(left) == set()


def test_telemetry_would_be_seen(witnessed):
    """With the library's own default, which a user may ask for, the witness sees look-ups and the id that is kept."""
    if tuple(map(int, version("onnxruntime").split(".")[:2])) < (1, 29):
        pytest.skip("this onnxruntime reports nothing")
    asked, left = witnessed(RUN.format(settings="[tk.RapidOCR()]", before="", options=""), ORT_DISABLE_TELEMETRY="0")

    assert asked or own(left)


def test_a_trace_is_read_as_it_is_written():
    """Connections and look-ups are seen in both families; this machine and sockets that send nothing are not."""
    trace = """
1 connect(9<TCP:[1.2.3.4:5->9.9.9.9:443]>, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("9.9.9.9")}, 16) = 0
1 connect(9<UDP:[11]>, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("10.0.0.53")}, 16) = -1 ENETUNREACH
1 connect(9<TCPv6:[12]>, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "2001:db8::1", &sin6_addr), sin6_scope_id=0}, 28) = 0
1 connect(9<UDP:[13]>, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("8.8.8.8")}, 16) = 0
1 connect(9<TCP:[14]>, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
1 connect(9<UNIX-STREAM:[15]>, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT
"""
    assert list(asked_for(trace)) == ["9.9.9.9", "10.0.0.53", "2001:db8::1"]
