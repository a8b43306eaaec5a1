"""The comparison: whatever is picked, picture, table and code are those of `tk.stats.compare`."""

import pytest

import toolkit as tk
from toolkit.errors import SettingError
from toolkit.stats._comparison.paired_metrics import METRICS


def test_it_follows_baseline_measure_and_slice(run):
    """Each choice changes the picture, and the finding is that of the same call."""
    view = tk.widgets.compare(run, run.settings[0])
    pictures = {view.as_png()}
    assert view.comparison.table.equals(tk.stats.compare(run.outcomes, run.settings[0]).table)

    view.metric.value = "coverage"
    pictures.add(view.as_png())
    view.tag.value = "parity"
    view.value.value = "odd"
    pictures.add(view.as_png())
    odd = run.outcomes[run.outcomes["parity"] == "odd"]
    assert view.comparison.table.equals(tk.stats.compare(odd, run.settings[0], metric="coverage").table)
    view.baseline.value = run.settings[1]
    pictures.add(view.as_png())
    assert view.comparison.table["baseline"].tolist() == [run.settings[1]]
    assert len(pictures) == 4
    view.tag.value = ""
    assert view.value.disabled
    assert view.comparison.table["images"].tolist() == [len(run.samples)]


@pytest.mark.parametrize("metric", METRICS)
def test_every_measure_can_be_picked(run, metric):
    """Each measure gives a picture, a table with its numbers, and the words for it."""
    view = tk.widgets.compare(run, metric=metric)

    assert METRICS[metric].words in view.findings.value
    assert view.as_png().startswith(b"\x89PNG")
    row = view.comparison.table.iloc[0]
    assert f"{row['images']:,}" in view.findings.value
    assert row["verdict"] in view.findings.value


def test_its_code_finds_the_same_comparison(run):
    """The text below is a program that reproduces what is shown, slice and all."""
    view = tk.widgets.compare(run, run.settings[1], metric="cer_micro_all")
    view.tag.value = "parity"
    names = {}
    exec(view.code.value, names)  # noqa: S102 -- the widget's own code is what is tested

    assert names["comparison"].table.equals(view.comparison.table)


def test_one_setting_has_nothing_to_be_compared_with(engine):
    """Instead of an empty picture there are words."""
    view = tk.widgets.compare(engine)

    assert view.comparison.table.empty
    assert view.as_png().startswith(b"\x89PNG")


def test_what_there_is_none_of_is_refused(run):
    """Unknown baselines and measures are errors that list what there is."""
    with pytest.raises(SettingError, match="baseline='nobody' must be one of None, oracle"):
        tk.widgets.compare(run, "nobody")
    with pytest.raises(SettingError, match="accuracy_all"):
        tk.widgets.compare(run, metric="beauty")
