"""What the toolkit is built from and ships as: its dependencies, their licences, and the wheel."""

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK = ROOT / ".make" / "development.lock"
COPYLEFT = re.compile(r"GPL|General Public|EUPL|CeCILL|Sleepycat|SSPL|Creative Commons.*Share", re.IGNORECASE)
QUICKSTART = """
import sys
import toolkit as tk

assert "{checkout}" not in tk.__file__, tk.__file__

class Shape(tk.LocalProvider):
    name = "shape"

    def read(self, image):
        return tk.Answer(str(len(image)), 0.5)

dataset = tk.load_dataset(sys.argv[1])[:4]
run = tk.benchmark(dataset, Shape(), store="first", show=False)
assert len(run.outcomes) == run.planned == 4
assert set(run.outcomes["outcome"]) == {"wrong"} and len(run.summary()) == 1
assert "<table" in run._repr_html_()
run.report("first.html")
print(len(tk.open_run("first").attempts), "readings")
"""


def pins():
    """The lock's packages: version, what its comment says."""
    rows = re.findall(r"(?m)^([a-z0-9-]+)==(\S+) +# (.+)$", LOCK.read_text(encoding="utf-8"))
    return {name: (pinned, comment) for name, pinned, comment in rows}


def declared():
    """The requirements in the project's definition, by where they stand."""
    definition = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = definition["project"]
    lists = {"core": project["dependencies"], **project["optional-dependencies"], **definition["dependency-groups"]}
    return {
        where: [r for r in map(Requirement, lines) if canonicalize_name(r.name) != project["name"]]
        for where, lines in lists.items()
    }


def test_the_lock_pins_what_is_declared():
    """Each declared package has a version in it, and one that the declaration allows."""
    pinned = pins()
    for where, requirements in declared().items():
        for requirement in requirements:
            name = canonicalize_name(requirement.name)
            assert name in pinned, f"{where}: {name} is not in the lock; run .venv/bin/python .make/lock.py"
            assert requirement.specifier.contains(pinned[name][0]), f"{where}: {requirement} and {pinned[name][0]}"


def test_the_lock_is_what_its_generator_writes():
    """Where the environment is that of the lock, writing it again changes nothing."""
    pinned = pins()
    if any(version(name) != pinned[name][0] for name in ("pandas", "numpy", "httpx", "pytest")):
        pytest.skip("this environment is not that of the lock; .make/lock.py writes a new one")
    written = subprocess.run(
        [sys.executable, "-c", "import lock; print('\\n'.join(lock.lines()))"],
        cwd=ROOT / ".make",
        capture_output=True,
        text=True,
    )
    assert written.stderr == ""
    assert written.stdout.splitlines()[1:] == LOCK.read_text(encoding="utf-8").splitlines()[1:]


def test_what_everybody_gets_is_free_of_copyleft():
    """Whoever builds on the toolkit is bound by no more than notices; each licence is known by name."""
    core = {name: comment for name, (_, comment) in pins().items() if comment.endswith("(core)")}

    assert {canonicalize_name(r.name) for r in declared()["core"]} <= core.keys()
    assert {name: licence for name, licence in core.items() if COPYLEFT.search(licence)} == {}
    assert [name for name, licence in core.items() if "not said" in licence] == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy of what belongs to it: nothing is left in the checkout."""
    place = tmp_path_factory.mktemp("wheel")
    source = place / "source"
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "toolkit", "pyproject.toml", "README.md", "LICENSE"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    for name in files:
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", place, source]
    built = subprocess.run(pip, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr[-2000:]
    return next(place.glob("*.whl"))


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    """Code, type marker, licence, and the data that code reads; no test, notebook, cache or run."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(name for name in names if name.endswith(".dist-info/METADATA"))).decode()

    tops = {name.split("/")[0] for name in names}
    assert {"toolkit", next(top for top in tops if top.endswith(".dist-info"))} == tops
    assert "toolkit/py.typed" in names
    assert any(name.endswith("/LICENSE") for name in names)
    assert [name for name in names if "__pycache__" in name or "/tests/" in name or name.endswith(".ipynb")] == []
    shipped = {path.relative_to(ROOT).as_posix() for path in (ROOT / "toolkit").rglob("*.py")}
    assert shipped <= set(names)
    assert "License-Expression: MIT" in metadata


def test_the_quickstart_runs_from_the_installed_wheel(wheel, tmp_path):
    """In an environment of its own, which has the wheel and its declared core dependencies alone."""
    home = tmp_path / "empty"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    site = Path(
        subprocess.check_output(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
        ).strip()
    )
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    lend_core(site)
    script = tmp_path / "quickstart.py"
    script.write_text(QUICKSTART.replace("{checkout}", str(ROOT)), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))}

    ended = subprocess.run(
        [python, "-W", "error", script, ROOT / "datasets" / "printed"],
        cwd=tmp_path, env=environment | {"MPLBACKEND": "agg"}, capture_output=True, text=True,
    )  # fmt: skip

    assert (ended.returncode, ended.stdout) == (0, "4 readings\n"), ended.stderr[-3000:]


def lend_core(site):
    """Link the core dependencies, as installed here, into an environment: what is not declared is not there."""
    core = [name for name, (_, comment) in pins().items() if comment.endswith("(core)")]
    here = Path(sysconfig.get_path("purelib"))
    from importlib.metadata import distribution

    for name in core:
        tops = {file.parts[0] for file in distribution(name).files or () if file.parts[0] not in ("..", "__pycache__")}
        for top in tops:
            if not (site / top).exists():
                (site / top).symlink_to(here / top)
