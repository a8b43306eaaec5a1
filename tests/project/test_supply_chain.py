"""What the toolkit is built from and ships as: its dependencies, their licences, and the wheel."""

import os
import re
import runpy
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import toolkit

ROOT = Path(__file__).parents[2]
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


ROW = re.compile(r"(?m)^([a-z0-9-]+)==(\S+ +# .+)$")


def pins():
    """The lock's packages: version, what its comment says."""
    rows = ROW.findall(LOCK.read_text(encoding="utf-8"))
    return {name: tuple(re.split(r" +# ", row)) for name, row in rows}


def generator():
    """What `.make/lock.py` defines."""
    return runpy.run_path(str(ROOT / ".make" / "lock.py"))


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


def test_the_lock_is_written_from_what_is_installed():
    """The generator names every declared package in the version that is here, as the lock does for the machine it is of."""
    written = dict(re.findall(ROW, "\n".join(generator()["lines"]())))

    here = {canonicalize_name(r.name): version(r.name) for requirements in declared().values() for r in requirements}
    assert {name: written[name].split()[0] for name in here} == here
    assert {name for name, row in written.items() if row.endswith("(core)")} >= {
        canonicalize_name(r.name) for r in declared()["core"]
    }


def test_what_everybody_gets_is_free_of_copyleft():
    """Whoever builds on the toolkit is bound by no more than notices; each licence is known by name."""
    core = {name: comment for name, (_, comment) in pins().items() if comment.endswith("(core)")}

    assert {canonicalize_name(r.name) for r in declared()["core"]} <= core.keys()
    assert {name: licence for name, licence in core.items() if COPYLEFT.search(licence)} == {}
    assert [name for name, licence in core.items() if "not said" in licence] == []


@pytest.fixture(scope="module")
def in_git():
    """The files of the checkout that git has, or would have with the next commit."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return {name for name in listed if (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory, in_git):
    """Wheel and source distribution, built from a copy: nothing is left in the checkout."""
    place = tmp_path_factory.mktemp("built")
    source = place / "source"
    for name in in_git:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    build = [sys.executable, "-m", "hatchling", "build", "--directory", place]
    done = subprocess.run(build, cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return place


@pytest.fixture(scope="module")
def wheel(built):
    """The wheel."""
    return next(built.glob("*.whl"))


def test_the_source_distribution_is_whole(built, in_git):
    """Whoever gets it can run what the README says: tests, datasets, notebooks and guides are in it."""
    [path] = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    assert names - {"PKG-INFO"} == in_git


def test_the_version_is_one():
    """What the package says of itself is what is installed."""
    assert toolkit.__version__ == version("image-to-text-toolkit")


def test_the_wheel_holds_the_package_and_nothing_else(wheel, in_git):
    """Code, type marker, licence, and the data that code reads; no test, notebook, cache or run."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(name for name in names if name.endswith(".dist-info/METADATA"))).decode()

    tops = {name.split("/")[0] for name in names}
    assert {"toolkit", next(top for top in tops if top.endswith(".dist-info"))} == tops
    assert "toolkit/py.typed" in names
    assert any(name.endswith("/LICENSE") for name in names)
    assert [name for name in names if "__pycache__" in name or "/tests/" in name or name.endswith(".ipynb")] == []
    belongs = {name for name in in_git if name.startswith("toolkit/") and not name.endswith("/README.md")}
    assert belongs == {name for name in names if name.startswith("toolkit/")}
    assert "License-Expression: MIT" in metadata


@pytest.fixture
def bare(tmp_path):
    """A Python that has the declared core dependencies and nothing else: (program, its folder of packages)."""
    home = tmp_path / "empty"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    where = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.check_output(where, text=True).strip())
    lend_core(site)
    return python, site


def quickstart(python, folder, forbidden, **variables):
    """What the quickstart prints in a folder of its own, under this Python; no toolkit may come from `forbidden`."""
    script = folder / "quickstart.py"
    script.write_text(QUICKSTART.replace("{checkout}", str(forbidden)), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))}
    ended = subprocess.run(
        [python, "-W", "error", script, ROOT / "datasets" / "printed"],
        cwd=folder, env=environment | {"MPLBACKEND": "agg"} | variables, capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-3000:]
    return ended.stdout


def test_the_quickstart_runs_from_the_installed_wheel(wheel, bare, tmp_path):
    """In an environment of its own, which has the wheel and its declared core dependencies alone."""
    python, site = bare
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)  # noqa: S202 -- our own wheel

    assert quickstart(python, tmp_path, forbidden=ROOT) == "4 readings\n"


def test_the_quickstart_runs_from_a_checkout_that_is_not_installed(bare, tmp_path):
    """Nothing asks for the metadata of an installed package."""
    python, site = bare

    assert quickstart(python, tmp_path, forbidden=site, PYTHONPATH=str(ROOT)) == "4 readings\n"


def test_a_folder_of_the_users_that_is_named_toolkit_is_left_alone(tmp_path):
    """Processes that the toolkit starts to help it import this toolkit, wherever they are started."""
    (tmp_path / "toolkit").mkdir()
    (tmp_path / "toolkit" / "__init__.py").write_text("raise SystemExit('the folder of a user was imported')\n")
    code = "from toolkit._engine.selftest import drives; print(sorted(drives('httpx', 2))[:1] != [])"

    ended = subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True)

    assert (ended.returncode, ended.stdout) == (0, "True\n"), ended.stderr[-2000:]


def lend_core(site):
    """Link the core dependencies, as installed here, into an environment: what is not declared is not there."""
    here = Path(sysconfig.get_path("purelib"))
    for package in generator()["closure"](generator()["core"]()).values():
        tops = {file.parts[0] for file in package.files or () if file.parts[0] not in ("..", "__pycache__")}
        for top in tops:
            if not (site / top).exists():
                (site / top).symlink_to(here / top)
