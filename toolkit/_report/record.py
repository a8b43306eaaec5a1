"""The sections that say what was run: settings, money, where it comes from."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from toolkit._report.blocks import Block, Section, Table, Terms, Words, word_cell
from toolkit._store.run_like import RunLike
from toolkit.metrics.html_table import Cell

_MOST_UNSETTLED = 20


def settings_section(manifest: Mapping[str, Any]) -> Section:
    """Each setting with every parameter, the versions behind it and its prices."""
    rows = [
        (
            word_cell(label),
            word_cell(setting["provider"]),
            word_cell(_listed(setting["parameters"])),
            word_cell(_listed(setting.get("versions") or {})),
            word_cell(_prices(manifest["prices_usd"].get(label))),
        )
        for label, setting in manifest["plan"]["settings"].items()
    ]
    headings = ("setting", "provider", "parameters", "versions", "price in USD")
    return Section("settings", "Settings", [Table("Parameters and versions", headings, rows, frozenset(headings))])


def _listed(values: Mapping[str, Any]) -> str:
    return (
        ", ".join(
            f"{name}={value!r}" if not isinstance(value, str) else f"{name}={value}" for name, value in values.items()
        )
        or "–"
    )


def _prices(prices: Mapping[str, float] | None) -> str:
    if prices is None:
        return "not known"
    return ", ".join(f"{usd:g} for one {name}" for name, usd in prices.items()) or "free"


def money_section(run: RunLike) -> Section | None:
    """The modelled bill beside the measured one, and what may have been charged unseen; None without an account."""
    spend, lost = run.spend, run.unsettled
    if spend.empty and lost.empty:
        return None
    names = list(spend.columns)
    rows = [
        [
            word_cell(row["account"]),
            Cell(f"{row['charged']:,}", order=row["charged"]),
            *(_usd(row[name]) for name in names[2:]),
        ]
        for row in spend.to_dict("records")
    ]
    headings = [
        "account",
        "charged answers",
        "modelled USD",
        "unsettled USD, at most",
        "measured USD",
        "measured USD for 1,000",
    ]
    blocks: list[Block] = [
        Table(
            "Accounts",
            headings,
            rows,
            frozenset({"account"}),
            "Modelled: at the prices given. Measured: by the account's balance.",
        )
    ]
    if lost.empty:
        blocks.append(
            Words(["Nothing is unsettled: every request that may have been charged has its answer or its error."])
        )
    else:
        blocks.append(_unsettled(lost))
    return Section("money", "Money", blocks)


def _unsettled(lost: pd.DataFrame) -> Table:
    rows = [
        (
            word_cell(row["setting"]),
            word_cell(row["sample"]),
            word_cell(row["task_id"] or "–"),
            word_cell(row["reason"]),
            _usd(row["cost_usd"]),
        )
        for row in lost.head(_MOST_UNSETTLED).to_dict("records")
    ]
    more = (
        f"The first {_MOST_UNSETTLED} of {len(lost):,}; run.unsettled has all." if len(lost) > _MOST_UNSETTLED else ""
    )
    headings = ("setting", "image", "task", "reason", "USD, at most")
    return Table("Unsettled requests", headings, rows, frozenset(headings[:-1]), more)


def _usd(value: float) -> Cell:
    return Cell("–") if pd.isna(value) else Cell(f"{value:,.4f}", order=float(value))


def provenance_section(run: RunLike, made_at: str) -> Section:
    """Where the figures come from, so that they can be reproduced."""
    manifest = run.manifest
    plan, machine = manifest["plan"], dict.fromkeys(("system", "processor", "cores", "python"), "not recorded")
    machine |= manifest.get("machine") or {}  # another program's store need not know it
    facts = {
        "dataset": f"{plan['dataset']['name']}, {plan['dataset']['samples']:,} images",
        "dataset digest (SHA-256)": plan["dataset"]["fingerprint"],
        "dataset was at": manifest.get("dataset_path") or "no path: it was in memory",
        "begun": manifest["created_at"],
        "trials": f"{len(run.outcomes):,} of {run.planned:,}; {plan['repeats']} a setting and image",
        "order of trials": f"shuffled with seed {plan['seed']}",
        "machine": f"{machine['system']}; {machine['processor']}, {machine['cores']} cores; Python {machine['python']}",
        "versions": _listed(manifest.get("packages") or {}),
        "answers compared": str(run.outcomes.attrs.get("normaliser", "strict")),
        "store": repr(run.store),
        "report made": made_at,
    }
    if plan.get("design"):
        facts["design"] = _listed(plan["design"])
    if machine.get("drives"):
        facts["machine drives"] = (
            _listed(machine["drives"]) if isinstance(machine["drives"], Mapping) else str(machine["drives"])
        )
    return Section("provenance", "Provenance", [Terms(list(facts.items()))])
