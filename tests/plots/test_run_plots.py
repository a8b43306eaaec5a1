"""`run.plot` offers what fits a run's data, draws what `tk.plots` draws, and says why not."""

import numpy as np
import pytest
from drawing import made_up
from looks import distance, picture_of

import toolkit as tk
from toolkit.errors import DatasetError
from toolkit.plots.of_run import FIGURES, RunPlots

FRAME = made_up()
BARE = FRAME[["setting", "sample", "outcome"]]


def plots(outcomes, attempts=None):
    """The figures of a run with these outcomes."""
    started = outcomes.assign(queue_s=0.0) if "started_at" in outcomes else outcomes
    return RunPlots(lambda: outcomes, lambda: started if attempts is None else attempts)


def test_tab_lists_what_fits_and_only_that():
    """A full run offers every figure; one with verdicts only, hardly any."""
    assert set(dir(plots(FRAME))) == set(FIGURES)
    assert dir(plots(BARE, attempts=BARE[:0])) == ["forest"]
    assert dir(plots(FRAME[:0])) == []
    assert set(FIGURES) == set(tk.plots.__all__) - {
        "RunPlots", "fitting", "drift_table", "in_flight_table", "latency_table", "probe_plans",
    }  # fmt: skip


def test_what_fits_is_what_is_said_to_fit():
    """The list is that of `tk.plots.fitting`, with the figure of the attempts."""
    for frame in (FRAME, FRAME.assign(confidence=np.nan), FRAME[FRAME["setting"] == "slow()"]):
        assert set(dir(plots(frame))) == {*tk.plots.fitting(frame), "concurrency"}


@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_draws_into_given_axes(figure):
    """Without any argument but the axes, each draws something of the run there."""
    from matplotlib import pyplot as plt

    _, ax = plt.subplots(figsize=(7, 4.4), layout="constrained")

    assert getattr(plots(FRAME), figure)(ax=ax) is ax
    assert ax.has_data()


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (lambda p: p.accuracy_latency(), tk.plots.accuracy_latency),
        (lambda p: p.accuracy_by(), lambda f: tk.plots.accuracy_by(f, "alphabet")),
        (
            lambda p: p.forest("quick(psm=7)", metric="latency_p50_s"),
            lambda f: tk.plots.forest(
                tk.stats.compare(f, "quick(psm=7)", metric="latency_p50_s"), settings=f["setting"].cat.categories
            ),
        ),
        (
            lambda p: p.threshold_curve("quick(psm=8)", max_risk=0.3),
            lambda f: tk.plots.threshold_curve(
                tk.stats.thresholds(f, "quick(psm=8)"),
                choice=tk.stats.pick_threshold(tk.stats.thresholds(f, "quick(psm=8)"), 0.3),
                settings=f["setting"].cat.categories,
            ),
        ),
        (lambda p: p.drift("latency", window=30), lambda f: tk.plots.drift(f, of="latency", window=30)),
    ],
    ids=["accuracy_latency", "accuracy_by", "forest", "threshold_curve", "drift"],
)
def test_a_figure_is_the_one_that_the_functions_draw(mine, theirs):
    """Settings, thresholds and windows are handed on; what is drawn is the same."""
    assert distance(picture_of(mine(plots(FRAME))), picture_of(theirs(FRAME))) == 0


def test_the_most_accurate_is_taken_unless_one_is_named():
    """Baseline and curve are those of the setting that reads most images right."""
    right = (FRAME["outcome"] == "correct").groupby(FRAME["setting"], observed=True).mean()

    assert plots(FRAME).threshold_curve().get_title(loc="left") == right.idxmax()
    assert f"difference to {right.idxmax()}" in plots(FRAME).forest().get_xlabel()


def test_a_service_s_curve_over_its_own_threshold():
    """`provider` and `over` are handed on, though no confidence is there."""
    frame = made_up([f"service(score={score})" for score in (0.8, 0.9, 0.95)]).assign(confidence=np.nan)
    ax = plots(frame).threshold_curve(provider="service", over="score")

    assert "asked of the service" in ax.get_xlabel()


@pytest.mark.parametrize(
    ("figure", "frame", "why"),
    [
        ("accuracy_cost", FRAME.assign(cost_usd=0.0), "no setting has a known price above 0"),
        ("accuracy_latency", FRAME.assign(latency_s=np.nan), "no answer has a latency"),
        ("forest", FRAME[FRAME["setting"] == "slow()"], "there is one setting only"),
        ("threshold_curve", FRAME.assign(confidence=0.5), "different answers different confidences"),
        ("reliability", FRAME.assign(confidence=FRAME["confidence"] * 100), "outside 0 to 1"),
        ("confusions", FRAME[FRAME["outcome"] == "correct"], "no answer is wrong"),
        ("accuracy_by", FRAME.drop(columns="alphabet"), "no tag of the images"),
        ("accuracy_by_length", FRAME.assign(target_length=4), "all targets have one length"),
        ("drift", FRAME.assign(started_at=1.0), "the trials have no times, or one only"),
        ("latency_ecdf", FRAME[:0], "there are no outcomes yet"),
        ("concurrency", FRAME[:0], "there are no attempts yet"),
    ],
)
def test_one_that_does_not_fit_says_why(figure, frame, why):
    """In the error of the call, in the list as words, and in the list for notebooks; and it is not offered."""
    offered = plots(frame)
    with pytest.raises(DatasetError, match=rf"run\.plot\.{figure} has nothing to show: .*{why}"):
        getattr(offered, figure)()

    assert figure not in dir(offered)
    assert any(line.startswith(f"({figure}: ") and why in line for line in repr(offered).splitlines())
    assert why in offered._repr_html_()


def test_the_list_names_each_call():
    """Its words are calls that can be typed, each with what it shows."""
    shown = repr(plots(FRAME))

    for figure in FIGURES:
        assert f"run.plot.{figure}()  " in shown
    assert "run.plot.forest()" in plots(FRAME)._repr_html_()
