"""`gate`: hold a new run to an old one."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from math import isfinite

import pandas as pd

from toolkit._report.summary_table import caution
from toolkit._run.gate.measures import NEW, OLD, Change, GateSettings, accuracy_change, p95_change
from toolkit._run.gate.result import Gate
from toolkit._run.gate.same_images import require_same_images
from toolkit._run.run import PathLike, Run, open_run
from toolkit.errors import SettingError
from toolkit.stats._core.bootstrap import RESAMPLES
from toolkit.stats._core.intervals import normal_quantile
from toolkit.stats._core.trials import Errors


def gate(
    old: Run | PathLike,
    new: Run | PathLike,
    *,
    max_accuracy_drop: float | None = None,
    max_p95_increase: float | None = None,
    pairs: Mapping[str, str] | None = None,
    errors: Errors = "miss",
    confidence_level: float = 0.95,
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> Gate:
    """Hold a new run to an old one, image by image, setting by setting.

    `old` and `new` are runs or their folders, on the same images. `max_accuracy_drop` is a difference of shares (0.01
    is one point of the accuracy of all images), `max_p95_increase` a share of the old p95 of latency (0.2 is 20 %).
    Settings go together by their label; `pairs` gives an old label a new one where they differ. Trials that ended in
    an error are images not read, unless `errors` is "exclude"; one that ran out of time is slower than any answer.
    `confidence_level` is the confidence of each one-sided gate_settings. Accuracy is compared as `tk.stats.compare` does it, latency by a
    bootstrap of images of the ratio of the two p95s.

    `DatasetError` when the runs are of different images, naming what differs; `SettingError` for limits or labels
    that mean nothing.
    """
    _check(max_accuracy_drop, max_p95_increase, confidence_level)
    before, after = (run if isinstance(run, Run) else open_run(run) for run in (old, new))
    require_same_images(before, after)
    together = _settings(before.settings, after.settings, pairs or {})
    checks = len(together) * sum(limit is not None for limit in (max_accuracy_drop, max_p95_increase))
    gate_settings = GateSettings(confidence_level, 1 - (1 - confidence_level) / checks, errors, n_resamples, seed)
    rows = []
    for mine, theirs in together.items():
        both = _trials_of_both(before.outcomes, after.outcomes, mine, theirs)
        changes: dict[str, Change] = {}
        if max_accuracy_drop is not None:
            changes["accuracy_all"] = accuracy_change(both, max_accuracy_drop, gate_settings)
        if max_p95_increase is not None:
            changes["latency_p95_s"] = p95_change(both, max_p95_increase, gate_settings)
        rows += [
            {"setting": mine, "new_setting": theirs, "measure": measure, **asdict(change)}
            for measure, change in changes.items()
        ]
    notes = [*_notes(before, after, together), *([] if max_p95_increase is None else _notes_on_time(before, after))]
    gone = tuple(label for label in before.settings if label not in together)
    return Gate(pd.DataFrame(rows), confidence_level, tuple(notes), gone)


def _check(max_accuracy_drop: float | None, max_p95_increase: float | None, confidence_level: float) -> None:
    limits = {"max_accuracy_drop": max_accuracy_drop, "max_p95_increase": max_p95_increase}
    if all(limit is None for limit in limits.values()):
        raise SettingError(
            f"say what must not happen: give {' or '.join(limits)}, which are --max-accuracy-drop and "
            "--max-p95-increase on the command line"
        )
    for name, limit in limits.items():
        if limit is not None and not (limit > 0 and isfinite(limit)):
            raise SettingError(f"{name}={limit!r} must be above 0: it is the change that would not matter")
    normal_quantile(confidence_level)
    if confidence_level <= 0.5:
        raise SettingError(f"confidence_level={confidence_level!r} must be above 0.5; 0.95 is usual")


def _settings(old: list[str], new: list[str], pairs: Mapping[str, str]) -> dict[str, str]:
    """The new label of each old one that has one."""
    for which, labels, known in (("old", pairs.keys(), old), ("new", pairs.values(), new)):
        unknown = [label for label in labels if label not in known]
        if unknown:
            raise SettingError(f"the {which} run has no setting {unknown[0]!r}; it has {', '.join(known)}")
    together = {label: pairs.get(label, label) for label in old}
    together = {mine: theirs for mine, theirs in together.items() if theirs in new}
    if not together:
        raise SettingError(
            f"no setting is in both runs (old: {', '.join(old)}; new: {', '.join(new)}); say which go together: "
            f"pairs={{{old[0]!r}: {new[0]!r}}}, or --pair OLD NEW on the command line"
        )
    return together


def _trials_of_both(old: pd.DataFrame, new: pd.DataFrame, mine: str, theirs: str) -> pd.DataFrame:
    """The trials of one setting in both runs, whose settings are then called old and new."""
    parts = [
        frame.loc[frame["setting"] == label, ["sample", "outcome", "latency_s", "error"]]
        .astype({"outcome": object, "error": object})  # categories may differ between runs
        .assign(setting=which)
        for which, frame, label in ((OLD, old, mine), (NEW, new, theirs))
    ]
    return pd.concat(parts, ignore_index=True)


def _notes(old: Run, new: Run, together: Mapping[str, str]) -> Iterator[str]:
    """What a reader should know beside the verdicts."""
    added = [label for label in new.settings if label not in set(together.values())]
    if added:
        yield f"Not compared, being in the new run only: {', '.join(added)}."
    for which, run in ((OLD, old), (NEW, new)):
        if len(run.outcomes) < run.planned:
            yield f"The {which} run is unfinished: {len(run.outcomes):,} of {run.planned:,} trials are there."
        for label, reason in run.stopped.items():
            yield f"{label} was stopped in the {which} run: {reason}."
    for mine, theirs in together.items():
        was, now = (run.manifest["plan"]["settings"][label]["versions"] for run, label in ((old, mine), (new, theirs)))
        names = [name for name in dict.fromkeys([*was, *now]) if was.get(name) != now.get(name)]
        if names:
            changed = ", ".join(f"{name} {was.get(name, 'absent')} → {now.get(name, 'absent')}" for name in names)
            name = theirs if mine == theirs else f"{mine} → {theirs}"
            yield f"{name}: {changed}."


def _notes_on_time(old: Run, new: Run) -> Iterator[str]:
    """Why the latencies of the two may differ for other reasons than their settings."""
    was, now = (run.manifest["machine"] for run in (old, new))
    if any(was[part] != now[part] for part in ("processor", "cores")):
        yield f"Measured on different machines: {was['processor']}, {was['cores']} cores; {now['processor']}, {now['cores']} cores."
    for which, run in ((OLD, old), (NEW, new)):
        words = caution(run.summary())
        if words:
            yield f"In the {which} run: {words}"
