"""The documents that people read: what they link to is there, and what they say of the code is so."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDES = [
    ROOT / name
    for name in (
        "README.md",
        "CHANGELOG.md",
        ".github/CONTRIBUTING.md",
        "toolkit/README.md",
        "toolkit/_http/README.md",
        "tests/benchmarks/README.md",
        "tests/torture/README.md",
    )
]
LINK = re.compile(r'\]\(([^)\s]+)\)|src="([^"]+)"')


def anchors(document: Path) -> set[str]:
    """The headings of a document as links name them."""
    headings = re.findall(r"(?m)^#+ (.+)$", document.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("guide", GUIDES, ids=name_of)
def test_links_lead_somewhere(guide):
    """Every file that a guide links to is there, and so is the heading."""
    targets = [first or second for first, second in LINK.findall(guide.read_text(encoding="utf-8"))]
    for target in targets:
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        file = (guide.parent / name).resolve() if name else guide
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def test_the_readme_is_read_in_two_minutes():
    """It leads on to what is longer, rather than holding it."""
    assert len(GUIDES[0].read_text(encoding="utf-8").splitlines()) <= 170


def test_the_readme_leads_to_every_notebook():
    """A notebook that no guide names is found by nobody."""
    readme = GUIDES[0].read_text(encoding="utf-8")

    assert [
        path.name for path in sorted((ROOT / "notebooks").glob("*.ipynb")) if f"({name_of(path)})" not in readme
    ] == []


def test_the_drawing_of_the_floors_is_the_import_contract():
    """The rooms stand on the floors that `make check` holds them to."""
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    layers = [{room.strip() for room in layer.split("|")} for layer in contract[0]["layers"]]
    drawn: list[set[str]] = []
    for floor, room in re.findall(
        r"(?m)^(\d|) +([a-z_]+) {2,}\S", (ROOT / "toolkit/README.md").read_text(encoding="utf-8")
    ):
        if floor:
            assert int(floor) == len(layers) - len(drawn)
            drawn.append(set())
        drawn[-1].add(room)

    assert drawn == layers


def test_the_files_that_the_code_guide_names_are_there():
    """A file that was moved takes its place in the guide with it."""
    text = (ROOT / "toolkit/README.md").read_text(encoding="utf-8")

    assert [name for name in re.findall(r"`(_\w+/\w+\.py)`", text) if not (ROOT / "toolkit" / name).is_file()] == []


def test_the_table_of_guarantees_names_tests_that_are_there():
    """A renamed test would leave a count in the table that nobody can repeat."""
    table = (ROOT / "tests/torture/README.md").read_text(encoding="utf-8")
    rows = re.findall(r"`(test_\w+\.py) · (test_\w+)`", table)

    assert rows
    for file, test in rows:
        [found] = (ROOT / "tests/torture").rglob(file)
        assert f"def {test}(" in found.read_text(encoding="utf-8"), test


@pytest.mark.parametrize("guide", GUIDES, ids=name_of)
def test_make_targets_that_a_guide_names_are_there(guide):
    """What a guide tells people to type can be typed."""
    rules = [
        line for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines() if line.startswith(".PHONY:")
    ]
    named = set(re.findall(r"(?:^|`|1 )make ([a-z-]+)", guide.read_text(encoding="utf-8"), flags=re.MULTILINE))

    assert named <= set(rules[0].split()[1:])


def test_guides_are_kept_where_git_sees_them():
    """An ignored guide would be here and in nobody's clone."""
    ignored = subprocess.run(["git", "check-ignore", *GUIDES], cwd=ROOT, capture_output=True, text=True).stdout

    assert ignored == ""
