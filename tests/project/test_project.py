"""What the project promises about itself: its top level, its floors, its public names, its commands."""

import ast
import inspect
import os
import runpy
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

import toolkit

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "toolkit").rglob("*.py"))


def ignored(name: str) -> bool:
    """Whether git would not see a file or folder of this name at the top level."""
    patterns = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    return any(fnmatch(name, pattern.rstrip("/")) for pattern in patterns)


def test_top_level_is_as_agreed():
    """A newcomer finds ten visible entries at the top, and nothing else."""
    visible = {path.name for path in ROOT.iterdir() if not path.name.startswith(".") and not ignored(path.name)}

    assert visible == {
        "pyproject.toml",
        "toolkit",
        "notebooks",
        "datasets",
        "tests",
        "README.md",
        "Makefile",
        "LICENSE",
        "CHANGELOG.md",
    }


# ── floors ───────────────────────────────────────────────────────────────────────────────────────────────


def test_every_module_has_a_floor():
    """A module that stands in no layer of the import contract would escape it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    on_a_floor = {name.strip() for layer in layers for name in layer.split("|")}
    modules = {
        path.stem for path in (ROOT / "toolkit").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }

    assert modules - {"__init__"} == on_a_floor


def floor(path: Path) -> str:
    """The package or module directly below `toolkit` that a file belongs to."""
    return path.relative_to(ROOT / "toolkit").parts[0].removesuffix(".py")


def imported(path: Path, *, when_loaded: bool) -> set[str]:
    """Top-level packages that a module imports: while it is loaded itself, or anywhere in its code."""
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if when_loaded and (isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or for_type_checkers(node)):
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.partition(".")[0])
        waiting += ast.iter_child_nodes(node)
    return found


def for_type_checkers(node: ast.AST) -> bool:
    """Whether this is an ``if TYPE_CHECKING:`` block."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_optional_and_heavy_libraries_load_on_first_use(path):
    """Only a floor that itself loads on first use may import what it is built on while it is loaded."""
    on_first_use = {
        *("matplotlib", "ipywidgets", "IPython", "scipy", "distributed", "dask", "loky", "httpx"),
        *("rapidocr", "onnxruntime", "cv2", "tesserocr", "pyarrow", "lmdb", "captcha", "uvicorn"),
    }
    built_on = {
        "plots": {"matplotlib"},
        "widgets": {"ipywidgets"},
        "_http": {"httpx"},
        "_run": {"ipywidgets"} if path.stem == "dashboard_view" else set(),  # a widget that opens runs
    }

    assert imported(path, when_loaded=True) & on_first_use <= built_on.get(floor(path), set())


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_only_one_floor_knows_the_http_client(path):
    """Foreign errors are translated in one place, so only that place imports httpx."""
    if floor(path) != "_http":
        assert "httpx" not in imported(path, when_loaded=False)


@pytest.mark.parametrize("path", sorted((ROOT / "toolkit/_providers").glob("*.py")), ids=lambda path: path.name)
def test_a_provider_cannot_wait_measure_or_connect(path):
    """Providers have no clock, thread or socket, so none of them can measure itself wrongly."""
    the_engines_own = {"httpx", "requests", "socket", "urllib", "time", "threading", "asyncio", "pandas"}

    assert imported(path, when_loaded=False) & the_engines_own == set()


def test_no_public_name_brings_a_heavy_library_with_it():
    """Whoever looks at names, all of them, does not yet pay for plots, widgets, statistics, engines or a client."""
    code = """
import sys, pandas
before = set(sys.modules)
import toolkit
for name in toolkit.__all__:
    getattr(toolkit, name)
print(*set(sys.modules) - before)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    added = set(done.stdout.split())
    heavy = {
        *("matplotlib", "ipywidgets", "IPython", "scipy", "httpx", "pyarrow", "lmdb", "captcha", "loky", "distributed"),
        *("rapidocr", "onnxruntime", "cv2", "tesserocr", "starlette", "uvicorn"),
    }

    assert "toolkit._run.run" in added
    assert heavy & added == set()


# ── public names ─────────────────────────────────────────────────────────────────────────────────────────


def test_public_names_are_listed_once_and_completed_by_tab():
    """`__all__` is the table of contents, and `dir` shows it, also before a name was used."""
    assert sorted(set(toolkit.__all__)) == sorted(toolkit.__all__)
    assert set(toolkit.__all__) <= set(dir(toolkit))


@pytest.mark.parametrize("name", toolkit.__all__)
def test_every_public_name_is_there_and_explained(name):
    """Each name can be had, and its docstring was written by a person."""
    thing = getattr(toolkit, name)
    made_by_dataclass = f"{name}("

    if inspect.ismodule(thing) or inspect.isclass(thing) or inspect.isroutine(thing):
        assert thing.__doc__
        assert thing.__doc__.strip()
        assert not thing.__doc__.startswith(made_by_dataclass)


def public_members():
    """Methods and properties that the public classes define themselves."""
    for name in toolkit.__all__:
        thing = getattr(toolkit, name)
        if inspect.isclass(thing):
            for member, value in vars(thing).items():
                if not member.startswith("_") and (inspect.isroutine(value) or isinstance(value, property)):
                    yield pytest.param(thing, member, id=f"{name}.{member}")


@pytest.mark.parametrize(("owner", "member"), list(public_members()))
def test_every_public_method_is_explained(owner, member):
    """A method says what it gives, or inherits the words of the class that introduced it."""
    assert inspect.getdoc(getattr(owner, member))


def test_an_unknown_name_is_refused():
    """Names that load on first use must not make every misspelling look like one of them."""
    with pytest.raises(AttributeError, match="lod_dataset"):
        toolkit.lod_dataset  # noqa: B018 -- the look is what fails


# ── commands ─────────────────────────────────────────────────────────────────────────────────────────────


def make(*arguments: str) -> str:
    """What a `make` of its own prints, also when these tests were started by one."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_make_alone_lists_every_target():
    """The first thing typed says what else can be typed."""
    rules = [
        line for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines() if line.startswith(".PHONY:")
    ]
    targets = rules[0].split()[1:]

    assert [line.split()[1] for line in make().splitlines()] == targets


def test_continuous_integration_runs_the_documented_command():
    """What the machine checks is what a person types, with every missing part made a failure."""
    script = ROOT / ".ci/run"

    assert os.access(script, os.X_OK)
    assert "TOOLKIT_REQUIRE_ALL=1 exec make test" in script.read_text(encoding="utf-8")


def test_continuous_integration_tries_every_python_that_is_supported():
    """The workflow's matrix, what `make test-pythons` looks for, and what may be installed are one list."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))
    supported = runpy.run_path(str(ROOT / ".make/elsewhere.py"))["supported"]()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert workflow["jobs"]["linux"]["strategy"]["matrix"]["python"] == supported
    assert project["requires-python"] == f">={supported[0]}"
    assert {step.get("run") for step in workflow["jobs"]["linux"]["steps"]} >= {".ci/run"}


def test_settings_for_other_pips_do_not_reach_the_environment():
    """Where a user's pip installs to, and what their Python makes of warnings, is no matter of the checkout's own."""
    odd = {
        "PIP_USER": "1",
        "PIP_TARGET": "/nowhere",
        "PIP_PREFIX": "/nowhere",
        "PYTHONWARNINGS": "error",
        "PYTHONPATH": "/x",
    }
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    probe = text[: text.index("help:")] + "\nhelp:\n\t@env\n"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))} | odd
    done = subprocess.run(
        ["make", "-f", "-", "help"], cwd=ROOT, env=environment, input=probe, capture_output=True, text=True, check=True
    )
    seen = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)

    assert {name: seen.get(name) for name in odd} == dict.fromkeys(odd) | {"PIP_USER": "0"}
