"""What every figure keeps to: it draws where it is told, says what it lacks, and cuts or covers no word."""

from itertools import combinations

import numpy as np
import pytest
from drawing import FIGURES, ending, made_up, words_of
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

import toolkit as tk
from toolkit.errors import UsageError

LONG = tuple(f"service(module='universal', recognizing_threshold={n})" for n in (0, 50, 90))
STRANGE = ("cost$(a='$x_1$')", "读()", "a >=0.9 > b()", "x" * 90)
PLAIN = made_up()

FRAMES = {
    "plain": PLAIN,
    "long labels": made_up(LONG),
    "strange labels": made_up(STRANGE),
    "fifteen settings": made_up([f"service(module='universal', score={n / 20:g})" for n in range(15)], images=40),
    "one setting": made_up(["only()"]),
    "one image": made_up(images=1),
    "repeats": made_up(images=30, repeats=3),
    "all right": ending(PLAIN, "correct"),
    "all wrong": ending(PLAIN, "wrong"),
    "no answers": ending(PLAIN, "no_answer"),
    "only errors": ending(PLAIN, "error"),
    "out of time": ending(PLAIN, "error").assign(error="deadline_exceeded"),
    "one setting out of time": PLAIN.assign(
        outcome=PLAIN["outcome"].where(PLAIN["setting"] != "slow()", "error"),
        error=PLAIN["error"].where(PLAIN["setting"] != "slow()", "deadline_exceeded"),
    ),
    "no confidence": PLAIN.assign(confidence=np.nan),
    "one confidence": PLAIN.assign(confidence=0.5),
    "no cost": PLAIN.assign(cost_usd=np.nan),
    "all free": PLAIN.assign(cost_usd=0.0),
    "prices far apart": PLAIN.assign(cost_usd=PLAIN["cost_usd"] ** 2 * 1e4),
    "no times": PLAIN.assign(latency_s=np.nan, latency_low_s=np.nan, started_at=np.nan),
    "one moment": PLAIN.assign(latency_s=0.2, latency_low_s=0.0, elapsed_s=0.2, started_at=5.0),
    "nothing": PLAIN.iloc[:0],
}
DRAWN_FROM_PLANS = {"probe_plans", "concurrency_of_limits"}
OF_CONFIDENCE = {"threshold_curve", "risk_coverage", "utility_curve", "reliability"}
LACKING = {(figure, "no confidence"): "gives no confidence" for figure in OF_CONFIDENCE} | {
    (figure, "nothing"): "outcomes hold none" for figure in OF_CONFIDENCE
}
CASES = [
    (figure, frame)
    for figure in FIGURES
    for frame in FRAMES
    if (figure not in DRAWN_FROM_PLANS or frame in ("plain", "nothing")) and (figure, frame) not in LACKING
]


@pytest.mark.parametrize(("figure", "frame"), sorted(LACKING))
def test_a_setting_without_confidences_has_no_curve(figure, frame):
    """What no figure can be drawn from is said in a usage error, by the statistic."""
    with pytest.raises(UsageError, match=LACKING[figure, frame]):
        FIGURES[figure](FRAMES[frame], None)


@pytest.mark.parametrize(("figure", "frame"), CASES)
def test_a_figure_is_whole_and_legible_or_says_what_is_missing(figure, frame):
    """No word is cut off or covered by another, whatever the data, and a figure without marks says why."""
    ax = FIGURES[figure](FRAMES[frame], None)

    assert_legible(ax)
    assert ax.has_data() or any(text.get_text() for text in ax.texts)


SERVICES = [
    *(f"capmonster(module='universal', recognizing_threshold={n})" for n in (50, 70, 90)),
    *(f"capsolver(module='common', score={n})" for n in (0.8, 0.9)),
]


@pytest.mark.parametrize("settings", [["quick()", "slow()"], SERVICES, LONG, STRANGE])
def test_a_forest_names_its_baseline_in_full(settings):
    """Against one setting its name stands below the axis, however long it is."""
    ax = tk.plots.forest(tk.stats.compare(made_up(settings), settings[0]))

    assert_legible(ax)
    assert ax.get_xlabel().startswith("difference to ")


def assert_legible(ax):
    """All words lie within the figure, and none upon another."""
    words = words_of(ax)
    boxes = [text.get_window_extent() for text in words]
    whole = ax.figure.bbox
    for text, box in zip(words, boxes, strict=True):
        assert box.x0 >= whole.x0 - 1, f"cut on the left: {text.get_text()!r}"
        assert box.x1 <= whole.x1 + 1, f"cut on the right: {text.get_text()!r}"
        assert box.y0 >= whole.y0 - 1, f"cut below: {text.get_text()!r}"
        assert box.y1 <= whole.y1 + 1, f"cut above: {text.get_text()!r}"
    for (one, box), (other, second) in combinations(zip(words, boxes, strict=True), 2):
        apart = box.x1 <= second.x0 + 1 or second.x1 <= box.x0 + 1 or box.y1 <= second.y0 + 1 or second.y1 <= box.y0 + 1
        turned = one.get_rotation() % 90 or other.get_rotation() % 90  # the boxes of slanted words meet, they do not
        assert apart or turned, f"{one.get_text()!r} covers {other.get_text()!r}"


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_draws_into_the_axes_it_is_given(figure):
    """Given axes it gives them back, and pyplot does not hear of it."""
    own = Figure(figsize=(7, 4.4), layout="constrained")
    ax = own.subplots()

    assert FIGURES[figure](PLAIN, ax) is ax
    assert plt.get_fignums() == []
    assert own.axes == [ax]
    assert_legible(ax)


@pytest.mark.parametrize("figure", FIGURES)
def test_a_neighbour_is_left_alone(figure):
    """In a figure of several axes only those given change, and they stay no one else's current ones."""
    _, (left, right) = plt.subplots(1, 2, figsize=(14, 4.4), layout="constrained")
    plt.sca(left)
    FIGURES[figure](PLAIN, right)

    assert plt.gca() is left
    assert not left.has_data()
    assert right.has_data()


@pytest.mark.parametrize("figure", FIGURES)
def test_without_axes_one_figure_is_made(figure):
    """One figure a call, of a notebook's width unless a legend stands beside it, and the style is not touched."""
    before = dict(plt.rcParams)
    ax = FIGURES[figure](PLAIN, None)

    assert isinstance(ax, Axes)
    assert len(plt.get_fignums()) == 1
    assert ax.figure.get_figwidth() <= 7.5
    assert dict(plt.rcParams) == before


@pytest.mark.parametrize("theme", ["default", "dark_background"])
@pytest.mark.parametrize("figure", FIGURES)
def test_words_are_readable_in_a_light_and_in_a_dark_theme(figure, theme):
    """Each word stands out from the ground of its theme as much as large print has to (a contrast of 3)."""
    with plt.style.context(theme):
        ax = FIGURES[figure](PLAIN, None)
        words = words_of(ax)
        ground = luminance(plt.rcParams["figure.facecolor"])
        for text in words:
            lighter, darker = sorted((luminance(text.get_color()), ground), reverse=True)
            assert (lighter + 0.05) / (darker + 0.05) >= 3, text.get_text()


def luminance(color):
    """Relative luminance as the web's guidelines for legible text define it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def test_every_figure_is_drawn_here():
    """A figure that joins the public ones joins this suite."""
    tables = {"drift_table", "in_flight_table", "latency_table", "fitting", "RunPlots"}

    assert set(tk.plots.__all__) - tables <= set(FIGURES)


@pytest.mark.parametrize(
    ("figure", "missing"),
    [
        (tk.plots.accuracy_cost, "cost_usd"),
        (tk.plots.accuracy_latency, "latency_s"),
        (tk.plots.latency_ecdf, "latency_s"),
        (tk.plots.latency_quantiles, "latency_s"),
        (tk.plots.accuracy_by_length, "target_length"),
        (tk.plots.drift, "started_at"),
        (tk.plots.concurrency, "started_at"),
        (lambda frame: tk.plots.accuracy_by(frame, "font"), "font"),
        (tk.plots.probe_plans, "paid_calls"),
        (tk.plots.threshold_curve, "ThresholdCurve"),
        (tk.plots.risk_coverage, "ThresholdCurve"),
        (tk.plots.utility_curve, "BestThreshold"),
        (tk.plots.forest, "Comparison"),
        (tk.plots.confusions, "Confusions"),
        (tk.plots.reliability, "Calibration"),
    ],
)
def test_what_is_missing_is_named(figure, missing):
    """A frame without a needed column, or a frame where a finding is needed, is told what it lacks."""
    with pytest.raises(tk.errors.DatasetError, match=missing):
        figure(PLAIN[["setting", "sample", "outcome"]])
