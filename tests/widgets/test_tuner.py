"""The tuner: every move changes figure, table and code, and the code finds the same numbers."""

import re

import numpy as np
import pytest

import toolkit as tk
from toolkit.errors import DatasetError, SettingError
from toolkit.stats import Utility


def numbers_of(code, **names):
    """What the code under a tuner finds when a person runs it."""
    exec(code, names)  # noqa: S102 -- the tuner's own code is what is tested
    return names["row"], names["choice"]


def test_it_begins_at_the_threshold_with_a_promise(engine):
    """Without a wish the first thing shown is what may be promised."""
    tuner = tk.widgets.tune(engine, max_risk=0.05, confidence=0.90)

    promised = tk.stats.pick_threshold(tk.stats.thresholds(engine), 0.05, 0.90).threshold
    assert tuner.setup.threshold == pytest.approx(promised)
    assert tuner.choice.threshold == promised


def test_each_control_moves_the_figure_and_the_numbers(engine):
    """Threshold, value, harms, price, target risk and confidence each show in picture, table or promise."""
    tuner = tk.widgets.tune(engine)
    seen = {(tuner.as_png(), tuner.findings.value)}
    moves = {
        "threshold": 0.8, "value": 2.0, "cost_wrong": 3.0, "cost_no_answer": 0.5, "price": 0.01, "charge": "always",
        "max_risk": 0.02, "confidence": 0.99,
    }  # fmt: skip
    for number, (name, value) in enumerate(moves.items(), 2):
        getattr(tuner, name).value = value
        seen.add((tuner.as_png(), tuner.findings.value))
        assert len(seen) == number, name
    assert tuner.setup.utility == Utility(2.0, 3.0, 0.5, 0.0, 0.01, "always")


def test_the_numbers_are_those_of_a_count_by_hand(engine):
    """Coverage, accuracy, worth and money at a threshold, counted from the outcomes without any curve."""
    tuner = tk.widgets.tune(engine)
    tuner.threshold.value, tuner.cost_wrong.value, tuner.price.value = 0.75, 2.0, 0.001

    taken = engine["confidence"] >= 0.75
    right = int((taken & (engine["outcome"] == "correct")).sum())
    wrong = int(taken.sum()) - right
    assert tuner.row["accepted"] == taken.sum()
    assert tuner.row["accuracy_answered"] == pytest.approx(right / taken.sum())
    assert tuner.row["utility"] == pytest.approx((right - 2.0 * wrong - 0.001 * taken.sum()) / len(engine))
    assert tuner.row["cost_usd"] == pytest.approx(0.001 * taken.sum())
    assert f"{100 * taken.mean():.1f} %" in tuner.findings.value


@pytest.mark.parametrize("threshold", [0.3, 0.81234, 1.0])
def test_its_code_finds_the_same_numbers(engine, threshold):
    """The text below the figure is a program that reproduces the state, whatever the controls say."""
    tuner = tk.widgets.tune(engine, utility=Utility(cost_per_second=0.5))
    tuner.threshold.value, tuner.cost_wrong.value, tuner.max_risk.value = threshold, 3.3, 0.035

    row, choice = numbers_of(tuner.code.value, outcomes=engine)
    assert row.equals(tuner.row)
    assert choice.threshold == tuner.choice.threshold
    assert choice.max_risk == 0.035


def test_its_code_opens_the_run_it_was_given(run):
    """Given a run in a folder, the program needs nothing but that folder."""
    tuner = tk.widgets.tune(run)

    row, _ = numbers_of(tuner.code.value)
    assert row.equals(tuner.row)


def test_a_services_thresholds_are_those_that_were_asked(service):
    """A service asked at some scores is tuned over these, and its money is what was charged."""
    tuner = tk.widgets.tune(service, provider="capsolver", over="score", threshold=0.5)

    assert tuner.threshold.options == (("0.2", 0.2), ("0.5", 0.5), ("0.8", 0.8))
    tuner.threshold.value = 0.8
    charged = service.loc[service["setting"].str.contains("score=0.8"), "cost_usd"].sum()
    assert tuner.row["cost_usd"] == pytest.approx(charged)
    row, _ = numbers_of(tuner.code.value, outcomes=service)
    assert row.equals(tuner.row)


def test_another_setting_brings_its_own_thresholds(run):
    """The list of settings changes curve, slider and code together."""
    tuner = tk.widgets.tune(run)
    first, second = (subject for _, subject in tuner.subject.options)
    before = tuner.as_png()
    tuner.subject.value = second

    assert second.setting in tuner.code.value
    assert first.setting not in tuner.code.value
    assert tuner.as_png() != before
    confidences = run.outcomes.loc[run.outcomes["setting"] == second.setting, "confidence"].dropna()
    assert (tuner.threshold.min, tuner.threshold.max) == (confidences.min(), confidences.max())


def test_the_picture_keeps_its_size_while_a_slider_moves(engine):
    """What stands below the figure does not jump."""
    tuner = tk.widgets.tune(engine)
    before = (tuner.image.width, tuner.image.height, len(tuner.findings.value.split("<tr>")))
    tuner.cost_wrong.value = 7.0
    tuner.threshold.value = 0.6

    assert (tuner.image.width, tuner.image.height, len(tuner.findings.value.split("<tr>"))) == before


def test_moved_lines_are_where_a_figure_made_anew_has_them(engine):
    """Redrawing only what moves leaves no trace of where it was before."""
    moved, fresh = tk.widgets.tune(engine, threshold=0.3), tk.widgets.tune(engine, threshold=0.7)
    for threshold, harm in ((0.9, 5.0), (0.5, 0.0), (0.7, 0.0)):
        moved.cost_wrong.value, moved.threshold.value = harm, threshold

    pixels = [np.frombuffer(unpacked(tuner.as_png()), np.uint8).astype(int) for tuner in (moved, fresh)]
    assert np.abs(pixels[0] - pixels[1]).mean() < 0.5


def unpacked(png):
    """The pixels of a PNG."""
    from io import BytesIO

    from PIL import Image

    return Image.open(BytesIO(png)).tobytes()


def test_nothing_to_tune_is_said_so(run, engine):
    """Outcomes without confidences, an unknown setting and what is no run get an error that says what there is."""
    with pytest.raises(DatasetError, match="no setting here has a threshold"):
        tk.widgets.tune(engine.drop(columns="confidence"))
    with pytest.raises(SettingError, match=re.escape("say one of engine()")):
        tk.widgets.tune(engine, "engines()")
    with pytest.raises(DatasetError, match="not a list"):
        tk.widgets.tune([1, 2])


def test_pyplot_and_its_style_are_left_alone(engine):
    """A widget draws on a figure of its own: none is left open, none of the user's settings is touched."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    before, figures = dict(mpl.rcParams), plt.get_fignums()
    tk.widgets.tune(engine).cost_wrong.value = 1.0

    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == figures
