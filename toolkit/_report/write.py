"""`write_report`: the sections of a run, rendered into one file."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from toolkit import stats
from toolkit._dataset import Dataset
from toolkit._report import errors_shown, record
from toolkit._report.blocks import Section, Words
from toolkit._report.export.by_extension import replaced
from toolkit._report.findings import finding_sections
from toolkit._report.flags import flags
from toolkit._report.methods import methods_section
from toolkit._report.page import page
from toolkit._report.pictures import Pictures
from toolkit._store.run_like import RunLike
from toolkit.errors import SettingError, UsageError
from toolkit.plots import fitting
from toolkit.stats._core.results import percent

PathLike = str | os.PathLike[str]
MOST_WORST = 200


def write_report(
    run: RunLike,
    path: PathLike,
    *,
    dataset: Dataset | PathLike | None = None,
    title: str | None = None,
    max_risk: float = 0.05,
    worst: int = 24,
) -> Path:
    """See `toolkit.Run.report`."""
    if not 0 <= worst <= MOST_WORST:
        raise SettingError(f"worst={worst!r} must be between 0 and {MOST_WORST}: the images are part of the file")
    if not 0 < max_risk < 1:
        raise SettingError(f"max_risk={max_risk!r} must be between 0 and 1; 0.05 is one wrong answer in twenty")
    path = Path(path).expanduser()
    if not path.parent.is_dir():  # said before the work, which takes a while
        raise UsageError(f"{path} cannot be written: there is no folder {path.parent}")
    html = _page(run, title, _sections(run, dataset, max_risk, worst))

    def write(file: Path) -> None:
        file.write_text(html, encoding="utf-8", errors="replace")  # half of a surrogate pair is in no file

    replaced(path, write)
    return path


def _sections(run: RunLike, dataset: Dataset | PathLike | None, max_risk: float, worst: int) -> list[Section]:
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    outcomes = run.outcomes
    summary = stats.summary(outcomes)
    sections = [_warnings(run, summary)]
    if len(outcomes):
        sections += finding_sections(outcomes, summary, run.plot, max_risk)
        pictures = Pictures.of(dataset, run.manifest.get("dataset_path"), list(run.store.samples()))
        sections.append(errors_shown.section(outcomes, pictures, worst))
    sections.append(record.settings_section(run.manifest))
    money = record.money_section(run)
    if money is not None:
        sections.append(money)
    repeated = int(run.manifest["plan"]["repeats"]) > 1
    return [*sections, methods_section(fitting(outcomes), repeated=repeated), record.provenance_section(run, made_at)]


def _warnings(run: RunLike, summary: pd.DataFrame) -> Section:
    found = list(flags(run, summary))
    words = Words(found, "flag") if found else Words(["None: the run is complete and nothing unusual was seen."])
    return Section("flags", "Warnings", [words])


def _page(run: RunLike, title: str | None, sections: list[Section]) -> str:
    plan = run.manifest["plan"]
    name = plan["dataset"]["name"]
    settings = f"{len(plan['settings'])} setting{'s' * (len(plan['settings']) > 1)}"
    subtitle = f"{settings} on {plan['dataset']['samples']:,} images of {name}, begun {run.manifest['created_at'][:10]}"
    return page(title or f"Benchmark on {name}", subtitle, _headline(stats.summary(run.outcomes)), sections)


def _headline(summary: pd.DataFrame) -> str:
    """The first thing one wants to know, with its interval: of several settings with one accuracy, the quickest."""
    known = summary.dropna(subset=["accuracy_all"])
    if known.empty:
        return "Nothing was read yet."
    ranked = known.sort_values(["accuracy_all", "latency_p50_s"], ascending=[False, True], kind="stable")
    best = ranked.iloc[0]
    alike = int((ranked["accuracy_all"] == best["accuracy_all"]).sum())
    ends = f"{percent(best['accuracy_all_low'])} to {percent(best['accuracy_all_high'])}"
    text = f"{best['setting']} reads {percent(best['accuracy_all'])} of the images correctly (95 % interval {ends})"
    if pd.notna(best["latency_p50_s"]):
        text += f", with a median latency of {1000 * best['latency_p50_s']:,.3g} ms"
    if pd.notna(best["cost_per_correct_usd"]) and best["cost_per_correct_usd"] > 0:
        text += f", for {1000 * best['cost_per_correct_usd']:,.3g} USD per 1,000 correct answers"
    if alike > 1:
        text += f"; {alike - 1} other setting{'s are' if alike > 2 else ' is'} equally accurate, and slower"
    return text + "."
