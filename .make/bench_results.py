"""Results of `make bench`: one JSON file a commit, tables made of it, and a comparison by ratios.

Absolute times tell as much about the machine as about the code; the ratio to a reference that was measured in the
same minutes tells about the code. So ratios are compared, and only between results of machines with as many cores.
"""

# ruff: noqa: INP001 -- commands stand alone

import json
import math
import os
import platform
import re
import statistics
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench_figures import FIGURES, Figure
from document_parts import put

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "tests/benchmarks/results"
README = ROOT / "tests/benchmarks/README.md"
NOISE = 0.15
"""By how much a ratio may be worse before anybody is told, while too few results are kept to know its own noise."""

Result = dict[str, Any]


# ── what is kept ─────────────────────────────────────────────────────────────────────────────────────────


def of_this_commit() -> Result:
    """What was measured of this commit so far, or an empty result of it, with the machine it is measured on."""
    path = KEPT / f"{commit()}.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {
        "commit": commit(),
        "date": now(),
        "machine": {
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "processor": _processor(),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "benchmarks": known.get("benchmarks", {}),
        "peers": known.get("peers", {}),
    }


def now() -> str:
    """Date and time, as a result has them."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M")


def keep(result: Result) -> None:
    """Write a result under its commit's name."""
    KEPT.mkdir(exist_ok=True)
    text = json.dumps(result, indent=1, ensure_ascii=False)
    (KEPT / f"{result['commit']}.json").write_text(text + "\n", encoding="utf-8")


def newest(count: int | None = None) -> list[Result]:
    """The last results that were kept, or all of them, newest first."""
    results = [json.loads(path.read_text(encoding="utf-8")) for path in KEPT.glob("*.json")]
    return sorted(results, key=lambda result: result["date"], reverse=True)[:count]


def commit() -> str:
    """This commit's name; that of a changed tree says so."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603, S607 -- our own words
        return done.stdout.strip()

    name = git("rev-parse", "--short=12", "HEAD") or "unknown"
    return f"{name}-changed" if git("status", "--porcelain", "--untracked-files=no", "--", "toolkit") else name


def read(path: Path) -> dict[str, Any]:
    """What the benchmarks left, by name."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    named = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return named[1] if named else platform.machine()


# ── figures ──────────────────────────────────────────────────────────────────────────────────────────────


def at(figures: dict[str, Any], key: str) -> float | None:
    """A benchmark's figure by its key; ``name[-1]`` picks from a list. None where there is none."""
    name, _, index = key.partition("[")
    value = figures.get(name)
    if value is not None and index:
        value = value[int(index.rstrip("]"))]
    return None if value is None else float(value)


def figure_of(figure: Figure, result: Result) -> tuple[float | None, float | None, float | None]:
    """Value, reference and ratio; None for what was not measured, or is not measured by a reference."""
    figures = result["benchmarks"].get(figure.benchmark, {}).get("figures", {})
    value = at(figures, figure.value)
    reference = at(figures, figure.reference) if figure.reference else None
    ratio = at(figures, figure.ratio) if figure.ratio else None
    if ratio is None and value is not None and reference:
        ratio = value / reference
    return value, reference, ratio


def kept_promise(figure: Figure, value: float | None, ratio: float | None) -> bool | None:
    """Whether the target is met; None without a target or a figure."""
    found = ratio if figure.of_ratio else value
    if found is None or (figure.most is None and figure.least is None):
        return None
    return (figure.most is None or found <= figure.most) and (figure.least is None or found >= figure.least)


def worse(result: Result, before: Result) -> list[str]:
    """A line for each figure that is worse than before beyond its noise; none where they cannot be compared."""
    return list(_worse(result, before)) if comparable(result, before) else []


def comparable(result: Result, before: Result) -> bool:
    """Whether two results are of machines with as many cores."""
    return bool(result["machine"]["cores"] == before["machine"]["cores"])


def _worse(result: Result, before: Result) -> Iterator[str]:
    history = [kept for kept in newest(12) if kept["machine"]["cores"] == result["machine"]["cores"]]
    for figure in FIGURES:
        now, then = (_watched(figure, one) for one in (result, before))
        if now is None or then is None or now <= 0 or then <= 0:
            continue
        change = math.log(then / now) if figure.more else math.log(now / then)
        noise = _noise([_watched(figure, kept) for kept in history if kept["commit"] != result["commit"]])
        if change > noise:
            yield f"{figure.what}: {_short(then)} before, {_short(now)} now, by ratio ({math.expm1(change):+.0%})"


def _watched(figure: Figure, result: Result) -> float | None:
    """What is compared: the ratio, or the value where it is a ratio by itself or has no reference."""
    value, _, ratio = figure_of(figure, result)
    return value if ratio is None else ratio


def _noise(values: list[float | None]) -> float:
    """How far a figure strays between results, in logarithms: three robust standard deviations, or the default."""
    logs = [math.log(value) for value in values if value is not None and value > 0]
    if len(logs) < 4:
        return math.log1p(NOISE)
    middle = statistics.median(logs)
    spread = 1.4826 * statistics.median(abs(value - middle) for value in logs)
    return max(3 * spread, math.log1p(NOISE / 3))


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────


def figures_table(result: Result, *, name_missing: bool = True) -> str:
    """Every figure that was measured, as Markdown; those that were not may be named below."""
    rows = [["figure", "value", "reference, same run", "ratio", "target", ""]]
    missing = []
    for figure in FIGURES:
        value, reference, ratio = figure_of(figure, result)
        if value is None:
            missing.append(figure.what)
            continue
        kept = kept_promise(figure, value, ratio)
        against = f"{figure.against} {_short(reference)}".strip() if reference is not None else figure.against
        rows.append(
            [
                figure.what,
                f"{_short(value)} {figure.unit}".replace(" /s", "/s"),
                against,
                "" if ratio is None else _short(ratio),
                _target(figure),
                "" if kept is None else "met" if kept else "**missed**",
            ]
        )
    text = _markdown(rows)
    return f"{text}\n\nNot measured: {'; '.join(missing)}." if missing and name_missing else text


def peers_table(result: Result) -> str:
    """The other tools beside this one, as Markdown."""
    rows = [
        [
            "tool",
            "rows/s",
            "rows/s with start-up",
            "CPU ms/row",
            "memory MiB",
            "p50 / p95 it reports, ms",
            "rows on disk",
        ]
    ]
    for name, found in result["peers"].items():
        reported = "–" if found["p50_ms"] is None else f"{found['p50_ms']:,.0f} / {found['p95_ms']:,.0f}"
        named = " ".join(filter(None, (name, found["version"])))
        rows.append(
            [
                f"{named} ({found['note']})" if found["note"] else named,
                f"{found['steady_per_s']:,.0f}",
                f"{found['whole_per_s']:,.0f}",
                _short(found["cpu_ms"]),
                f"{found['peak_mib']:,}",
                reported,
                "each" if found["durable"] else "–",
            ]
        )
    return _markdown(rows)


def write_readme(result: Result, picture: Path | None, peers: Result | None = None) -> None:
    """Put the tables into the benchmarks' README, and a picture where there is one.

    `peers` is the result that other tools were measured with, where it is another one: the table says so.
    """
    parts = [_said_of(result), figures_table(result, name_missing=False)]
    if picture is not None:
        parts.append(f"![Time and memory of a trial as runs grow]({os.path.relpath(picture, README.parent)})")
    beside = result if result["peers"] else peers
    if beside is not None:
        when = "" if beside is result else f" {_said_of(beside)}"
        parts.append(f"Other tools on the same server, which takes 100 ms, with 200 in flight.{when}")
        parts.append(peers_table(beside))
    put(README, "speed", "\n\n".join(parts))


def _said_of(result: Result) -> str:
    machine = result["machine"]
    return (
        f"Measured on {result['date'][:10]} on {machine['cores']} cores ({machine['processor']}), "
        f"Python {machine['python']}, commit {result['commit']}."
    )


def _target(figure: Figure) -> str:
    sign, bound = ("≤", figure.most) if figure.most is not None else ("≥", figure.least)
    if bound is None:
        return ""
    return f"{sign} {_short(bound)} {'×' if figure.of_ratio else figure.unit}".replace(" /s", "/s")


def _short(value: float | None) -> str:
    """Three digits that matter."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _markdown(rows: list[list[str]]) -> str:
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)
