# ruff: noqa: INP001, T201 -- a command, which prints
"""Writes `.make/development.lock`: every package of the development environment, its version and its licence.

``python .make/lock.py`` after an upgrade; ``TOOLKIT_LOCKED=1 make test`` then installs exactly these.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK = Path(__file__).with_name("development.lock")
PROJECT = "image-to-text-toolkit"

_BY_CLASSIFIER = re.compile(r"License :: (?:OSI Approved :: )?(.+)")


def core() -> list[Requirement]:
    """What everybody gets who installs the toolkit."""
    return [Requirement(line) for line in _project()["project"]["dependencies"]]


def declared() -> list[Requirement]:
    """All that the project's definition names: core, extras, and what checks and tests need."""
    definition = _project()
    extras = definition["project"]["optional-dependencies"].values()
    groups = definition["dependency-groups"].values()
    lines = [line for lines in (*extras, *groups) for line in lines]
    return [*core(), *(r for r in map(Requirement, lines) if canonicalize_name(r.name) != PROJECT)]


def closure(requirements: list[Requirement]) -> dict[str, Distribution]:
    """The installed packages that these need, and those that they need in turn, by name; absent ones are left out."""
    found: dict[str, Distribution] = {}
    left = [(requirement, "") for requirement in requirements]
    seen = set()
    while left:
        requirement, extra = left.pop()
        name = canonicalize_name(requirement.name)
        if (name, frozenset(requirement.extras)) in seen:
            continue
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        seen.add((name, frozenset(requirement.extras)))
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue
        for line in found[name].requires or ():
            left += [(Requirement(line), wanted) for wanted in ("", *requirement.extras)]
    return dict(sorted(found.items()))


def licence(package: Distribution) -> str:
    """The licence that a package's metadata gives, in a few words."""
    about = package.metadata
    expression = about.get("License-Expression")
    if expression:
        return str(expression)
    classified = [match[1] for line in about.get_all("Classifier") or () if (match := _BY_CLASSIFIER.fullmatch(line))]
    if classified and classified != ["OSI Approved"]:
        return ", ".join(classified)
    named = (about.get("License") or "").strip().split("\n")[0]
    return named[:60] or "not said"


def lines() -> Iterator[str]:
    """The lock's lines."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    yield f"# The development environment as it was tested last, on Python {python}; written by .make/lock.py."
    needed_by_all = closure(core())
    packages = closure(declared())
    width = max(len(f"{name}=={package.version}") for name, package in packages.items())
    for name, package in packages.items():
        pin = f"{name}=={package.version}"
        where = "  (core)" if name in needed_by_all else ""
        yield f"{pin:<{width}}  # {licence(package)}{where}"


def _project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


if __name__ == "__main__":
    LOCK.write_text("\n".join(lines()) + "\n", encoding="utf-8")
    print(f"{LOCK.relative_to(ROOT)}: {len(LOCK.read_text(encoding='utf-8').splitlines()) - 1} packages")
