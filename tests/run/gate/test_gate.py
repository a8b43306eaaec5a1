"""A new run is held to an old one: better, worse or not to be told, and never across different images."""

import json
import os
import subprocess
import sys
from math import ceil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from recorded import Reading, images, recorded

import toolkit as tk
from toolkit._cli.main import main
from toolkit._store.store import FileStore
from toolkit.errors import DatasetError, SettingError

ROOT = Path(__file__).parents[3]
WORDS = [f"word{number:04d}" for number in range(2000)]


def column(count, wrong, *, first_wrong=0, slow=1.0, seed=0):
    """Readings of `count` images of which `wrong` in a row are wrong; latencies scatter about 100 ms times `slow`."""
    times = slow * np.random.default_rng(seed).lognormal(np.log(0.1), 0.3, count)
    misread = range(first_wrong, first_wrong + wrong)
    return [Reading("x" if n in misread else WORDS[n], float(times[n])) for n in range(count)]


def run_of(count, store=None, label="a()", **how):
    """A run of one setting."""
    wrong = how.pop("wrong", count // 10)
    return recorded(images(WORDS[:count]), {label: column(count, wrong, **how)}, store=store)


def verdicts(found):
    """Measure: verdict."""
    return dict(zip(found.table["measure"], found.table["verdict"], strict=True))


# ── accuracy ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("count", "wrong", "expected"),
    [
        (2000, 200, "pass"),
        (2000, 195, "pass"),
        (2000, 320, "worse"),
        (40, 4, "cannot tell"),
        (2000, 220, "cannot tell"),
    ],
    ids=["the same", "a little better", "six points worse", "too few images", "at the limit"],
)
def test_a_drop_is_passed_failed_or_not_told(count, wrong, expected):
    """Surely within one point passes, surely beyond fails, and what the images leave open is said to be open."""
    found = tk.gate(run_of(count), run_of(count, wrong=wrong), max_accuracy_drop=0.01)

    assert found.verdict == verdicts(found)["accuracy_all"] == expected
    assert found.passed == (expected == "pass")
    assert found.exit_status == {"pass": 0, "worse": 1, "cannot tell": 3}[expected]
    row = found.table.iloc[0]
    assert (row["old"], row["new"]) == (1 - (count // 10) / count, 1 - wrong / count)
    assert row["change_low"] < row["change"] < row["change_high"]


def test_the_interval_of_a_pass_is_that_of_the_paired_comparison():
    """Both one-sided ends are those of a two-sided interval at twice the error."""
    old, new = run_of(300), run_of(300, wrong=33, first_wrong=10)
    both = [run.outcomes.assign(setting=name) for run, name in ((old, "old"), (new, "new"))]
    reference = tk.stats.compare(pd.concat(both), "old", confidence_level=0.9).table.iloc[0]
    row = tk.gate(old, new, max_accuracy_drop=0.05).table.iloc[0]

    assert row["change_low"] == pytest.approx(reference["difference_low"])
    assert row["change_high"] == pytest.approx(reference["difference_high"])


def test_images_that_cannot_tell_say_how_many_would():
    """So many times the images, alike, pass; a third of that does not."""
    few = tk.gate(run_of(100), run_of(100), max_accuracy_drop=0.01)
    needed = few.table["images_needed"].iloc[0]
    times = ceil(needed / 100)

    assert f"about {needed:,.0f} images like these would" in few.explain()
    for factor, expected in ((times, "pass"), (max(1, times // 3), "cannot tell")):
        count = 100 * factor
        assert tk.gate(run_of(count), run_of(count), max_accuracy_drop=0.01).verdict == expected


def test_a_failed_check_needs_more_proof_where_there_are_more_checks():
    """Ten settings are ten chances of a false alarm, so each must be surer before it is one."""
    old, new = column(600, 60), column(600, 60 + 13)
    alone = tk.gate(
        recorded(images(WORDS[:600]), {"a()": old}), recorded(images(WORDS[:600]), {"a()": new}), max_accuracy_drop=0.01
    )
    others = {f"b({n})": old for n in range(9)}
    among = tk.gate(
        recorded(images(WORDS[:600]), {"a()": old, **others}),
        recorded(images(WORDS[:600]), {"a()": new, **others}),
        max_accuracy_drop=0.01,
    )

    assert alone.table["verdict"].iloc[0] == "worse"
    assert among.table["verdict"].iloc[0] == "cannot tell"
    assert among.table["change_low"].iloc[0] == alone.table["change_low"].iloc[0]


def test_a_failure_to_answer_is_not_forgotten():
    """Where half of the new trials end in errors, the accuracy of the rest is no excuse, unless one says so."""
    broken = [Reading(error="transport") if n % 2 else reading for n, reading in enumerate(column(400, 0))]
    old, new = run_of(400, wrong=0), recorded(images(WORDS[:400]), {"a()": broken})

    assert tk.gate(old, new, max_accuracy_drop=0.05).verdict == "worse"
    assert tk.gate(old, new, max_accuracy_drop=0.05, errors="exclude").verdict == "pass"


# ── latency ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("count", "slow", "expected"),
    [
        (1000, 1.0, "pass"),
        (1000, 0.5, "pass"),
        (1000, 2.0, "worse"),
        (1000, 1.2, "cannot tell"),
        (30, 1.0, "cannot tell"),
    ],
)
def test_a_rise_of_the_p95_is_passed_failed_or_not_told(count, slow, expected):
    """A fifth more is allowed; the ratio of the p95s and its interval are in the table."""
    new = run_of(count, slow=slow, seed=1)
    found = tk.gate(run_of(count), new, max_p95_increase=0.2)
    row = found.table.iloc[0]

    assert verdicts(found) == {"latency_p95_s": expected}
    p95 = [tk.stats.harrell_davis(run.outcomes["latency_s"], 0.95) for run in (run_of(count), new)]
    assert (row["old"], row["new"]) == pytest.approx(tuple(p95))
    assert row["change"] == pytest.approx(p95[1] / p95[0] - 1)
    assert row["change_low"] <= row["change"] <= row["change_high"]


def test_the_interval_of_the_ratio_is_about_that_of_resampled_images():
    """Drawing images again and again, one by one, gives about the same ends."""
    old, new = run_of(800), run_of(800, slow=1.1, seed=2)
    row = tk.gate(old, new, max_p95_increase=0.5).table.iloc[0]
    rng = np.random.default_rng(0)
    before, after = (run.outcomes["latency_s"].to_numpy() for run in (old, new))
    drawn = rng.integers(0, 800, (4000, 800))
    ratios = np.quantile(after[drawn], 0.95, axis=1) / np.quantile(before[drawn], 0.95, axis=1) - 1
    low, high = np.quantile(ratios, (0.05, 0.95))

    assert row["change_low"] == pytest.approx(low, abs=0.3 * (high - low))
    assert row["change_high"] == pytest.approx(high, abs=0.3 * (high - low))


def test_running_out_of_time_is_slow():
    """A tenth of trials that never came back is no gain, though the rest were quick."""
    cut = [
        Reading(error="deadline_exceeded") if n % 10 == 0 else reading
        for n, reading in enumerate(column(600, 0, slow=0.5))
    ]
    found = tk.gate(
        run_of(600, wrong=0), recorded(images(WORDS[:600]), {"a()": cut}), max_p95_increase=0.2, errors="exclude"
    )

    assert found.verdict == "worse"
    assert "not in time" in found.explain()


# ── what belongs together ────────────────────────────────────────────────────────────────────────────────


def test_runs_of_different_images_are_refused_naming_what_differs():
    """Missing and further images, other labels and other bytes are each counted and named."""
    base = images(WORDS[:10])
    other = [dict(sample) for sample in base[1:]] + images(WORDS[:11])[10:]
    other[2]["target"], other[3]["sha256"] = "changed", "0" * 64
    old = recorded(base, {"a()": column(10, 1)}, dataset="first")
    new = recorded(other, {"a()": column(10, 1)}, dataset="second")

    with pytest.raises(DatasetError) as refused:
        tk.gate(old, new, max_accuracy_drop=0.1)
    for part in (
        "'first' and 'second'",
        "1 only in the old run ('000000.png')",
        "1 only in the new run ('000010.png')",
        "1 with another label ('000003.png')",
        "1 with other bytes ('000004.png')",
    ):
        assert part in str(refused.value)


def test_order_names_and_tags_make_no_other_dataset():
    """What was read is the same, so the runs can be compared."""
    base = images(WORDS[:50])
    old = recorded(base, {"a()": column(50, 5)}, dataset="first")
    tagged = [sample | {"tags": {"font": "x"}} for sample in reversed(base)]
    new = recorded(tagged, {"a()": column(50, 5)[::-1]}, dataset="second")

    assert tk.gate(old, new, max_accuracy_drop=0.5).passed


def test_a_setting_that_is_gone_does_not_pass():
    """A limit cannot be kept by leaving the setting out: nothing can be told of it."""
    base = images(WORDS[:500])
    old = recorded(base, {"kept()": column(500, 0), "gone()": column(500, 0)})
    found = tk.gate(old, recorded(base, {"kept()": column(500, 0)}), max_accuracy_drop=0.05)

    assert found.table["verdict"].tolist() == ["pass"]
    assert (found.verdict, found.exit_status, found.passed) == ("cannot tell", 3, False)


def test_settings_go_together_by_label_or_as_told():
    """A renamed setting is compared with its old self; those without a partner are named."""
    base = images(WORDS[:500])
    old = recorded(base, {"a(v=1)": column(500, 50), "b()": column(500, 50), "gone()": column(500, 0)})
    new = recorded(base, {"a(v=2)": column(500, 150), "b()": column(500, 50), "fresh()": column(500, 0)})
    found = tk.gate(old, new, max_accuracy_drop=0.05, pairs={"a(v=1)": "a(v=2)"})

    assert found.table[["setting", "new_setting", "verdict"]].to_numpy().tolist() == [
        ["a(v=1)", "a(v=2)", "worse"],
        ["b()", "b()", "pass"],
    ]
    assert "a(v=1) → a(v=2): accuracy 90.0 % → 70.0 %, -20.0 points" in found.explain()
    assert "Nothing can be told of gone(): the new run has no such setting." in found.explain()
    assert "Not compared, being in the new run only: fresh()." in found.explain()
    with pytest.raises(SettingError, match=r"the new run has no setting 'c\(\)'; it has a\(v=2\)"):
        tk.gate(old, new, max_accuracy_drop=0.05, pairs={"b()": "c()"})
    with pytest.raises(SettingError, match=r"no setting is in both runs .* --pair OLD NEW"):
        tk.gate(run_of(50, label="x()"), run_of(50, label="y()"), max_accuracy_drop=0.05)


def test_what_may_explain_a_change_is_noted():
    """Other versions of an engine, another machine and an unfinished run stand below the verdicts."""
    base = images(WORDS[:100])
    old = recorded(base, {"a()": column(100, 10)}, versions={"engine": "1.0", "model": "m"})
    new = recorded(base, {"a()": [*column(99, 10), None]}, versions={"engine": "1.1", "model": "m"})
    new.manifest["machine"]["cores"] = 64
    words = tk.gate(old, new, max_accuracy_drop=0.5, max_p95_increase=0.5).explain()

    assert "a(): engine 1.0 → 1.1." in words
    assert "The new run is unfinished: 99 of 100 trials are there." in words
    assert "Measured on different machines: x86_64, 2 cores; x86_64, 64 cores." in words
    assert "different machines" not in tk.gate(old, new, max_accuracy_drop=0.5).explain()


def test_versions_of_a_renamed_setting_stand_under_both_names():
    """Which engine was another before is seen, not guessed."""
    base = images(WORDS[:100])
    old = recorded(base, {"a(v=1)": column(100, 10)}, versions={"engine": "1.0"})
    new = recorded(base, {"a(v=2)": column(100, 10)}, versions={"engine": "1.1"})
    found = tk.gate(old, new, max_accuracy_drop=0.5, pairs={"a(v=1)": "a(v=2)"})

    assert "a(v=1) → a(v=2): engine 1.0 → 1.1." in found.explain()


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({}, "say what must not happen: give max_accuracy_drop or max_p95_increase"),
        ({"max_accuracy_drop": 0.0}, "max_accuracy_drop=0.0 must be above 0"),
        ({"max_p95_increase": float("nan")}, "max_p95_increase=nan must be above 0"),
        ({"max_p95_increase": float("inf")}, "max_p95_increase=inf must be above 0"),
        ({"max_accuracy_drop": 0.1, "confidence_level": 0.4}, "confidence_level=0.4 must be above 0.5"),
    ],
)
def test_limits_that_mean_nothing_are_refused(limits, words):
    """No limit, a limit of nought and none at all are told what to give."""
    with pytest.raises(SettingError, match=words):
        tk.gate(run_of(10), run_of(10), **limits)


def test_nothing_in_common_cannot_be_told():
    """Settings of which one never answered, or did not come to its turn, are compared to the same end."""
    base = images(WORDS[:20])
    some, none = column(20, 2), [None] * 20
    silent = [Reading(error="unsolvable")] * 20
    old = recorded(base, {"a()": some, "b()": none})
    new = recorded(base, {"a()": silent, "b()": some})
    found = tk.gate(old, new, max_accuracy_drop=0.1, max_p95_increase=0.1).table

    assert found["verdict"].tolist() == ["worse", "cannot tell", "cannot tell", "cannot tell"]
    assert found["images"].tolist() == [20, 0, 0, 0]


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wrong", "limit", "status", "word"),
    [(200, 0.05, 0, "PASS"), (600, 0.05, 1, "WORSE"), (200, 0.001, 3, "CANNOT TELL")],
)
def test_the_command_ends_with_its_finding(tmp_path, wrong, limit, status, word):
    """Each of the three answers has a status of its own and gives its reason first."""
    for name, number in (("old", 200), ("new", wrong)):
        run_of(2000, store=FileStore(tmp_path / name), wrong=number)
    said = subprocess.run(
        [sys.executable, "-m", "toolkit._cli.main", "compare", "old", "new", "--max-accuracy-drop", str(limit)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
    )

    assert (said.returncode, said.stderr) == (status, "")
    assert said.stdout.startswith(f"{word}: of 1 check, 1 {word.lower()}.\na(): accuracy 90.0 % → ")


def test_the_command_pairs_settings_and_refuses_other_images(tmp_path, capsys):
    """`--pair` joins renamed settings; another dataset is status 2 with what differs."""
    run_of(300, store=FileStore(tmp_path / "old"), label="a(v='1=2')")
    run_of(300, store=FileStore(tmp_path / "new"), label="b()")
    run_of(299, store=FileStore(tmp_path / "other"), label="b()")
    old, new, other = (str(tmp_path / name) for name in ("old", "new", "other"))
    limit = ["--max-accuracy-drop", "0.1"]

    assert main(["compare", old, new, *limit, "--pair", "a(v='1=2')", "b()"]) == 0
    assert "a(v='1=2') → b(): accuracy" in capsys.readouterr().out
    assert main(["compare", old, new, *limit]) == 2
    assert "no setting is in both runs" in capsys.readouterr().err
    assert main(["compare", old, other, *limit]) == 2
    assert "1 only in the old run ('000299.png')" in capsys.readouterr().err
    assert main(["compare", old, new]) == 2
    assert "--max-accuracy-drop and --max-p95-increase on the command line" in capsys.readouterr().err
    assert main(["compare", old, str(tmp_path / "nowhere"), *limit]) == 2


def test_the_finding_is_a_table_and_words():
    """In a notebook it shows its sentences above its rows, and the rows survive a file."""
    found = tk.gate(run_of(50), run_of(50), max_accuracy_drop=0.01)

    assert "CANNOT TELL" in found._repr_html_()
    assert found.explain().splitlines()[0] in repr(found)
    assert json.loads(found.table.to_json(orient="records"))[0]["measure"] == "accuracy_all"
