"""The accuracy–latency figure shows the numbers of the summary, all of them, legibly."""

import math

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.container import ErrorbarContainer

import toolkit as tk

VERDICTS = ["correct", "wrong", "no_answer", "error"]


def outcomes(settings, images=120):
    """Outcomes of settings given as label: (accuracy, median milliseconds); None for one that never answers."""
    rng = np.random.default_rng(5)
    parts = []
    for label, (accuracy, median_ms) in settings.items():
        answered = median_ms is not None
        right = (rng.random(images) < accuracy) & answered
        parts.append(
            pd.DataFrame(
                {
                    "setting": label,
                    "sample": [f"{n}.png" for n in range(images)],
                    "outcome": np.where(right, "correct", "wrong" if answered else "error"),
                    "error": None if answered else "transport",
                    "latency_s": rng.lognormal(math.log(median_ms / 1000), 0.2, images) if answered else np.nan,
                }
            )
        )
    frame = pd.concat(parts, ignore_index=True)
    frame["outcome"] = pd.Categorical(frame["outcome"], VERDICTS)
    return frame


SOME = {"slow(good=True)": (0.95, 400.0), "quick()": (0.6, 5.0), "middling()": (0.8, 40.0), "beaten()": (0.5, 60.0)}
MANY = {f"service(module='universal', threshold={n})": (0.4 + n / 30, 800.0 + 90 * n) for n in range(15)}


def marks(ax):
    """What is drawn, by label: the point and both ends of both intervals."""
    drawn = {}
    for container in ax.containers:
        assert isinstance(container, ErrorbarContainer)
        point, _, (across, upright) = container.lines
        [[left, _], [right, _]] = across.get_segments()[0]
        [[_, low], [_, high]] = upright.get_segments()[0]
        drawn[container.get_label()] = (*(float(v[0]) for v in point.get_data()), left, right, low, high)
    return drawn


@pytest.mark.parametrize("settings", [SOME, MANY, {"one()": (0.9, 7.0)}], ids=["some", "many", "one"])
def test_the_figure_shows_the_numbers_of_the_summary(settings):
    """Each mark stands at its setting's accuracy and median latency, with both intervals of the table."""
    frame = outcomes(settings)
    table = tk.stats.summary(frame).set_index("setting")
    drawn = marks(tk.plots.accuracy_latency(frame))

    assert set(drawn) == set(settings)
    for label, numbers in drawn.items():
        row = table.loc[label]
        ms = [1000 * row[f"latency_p50_s{end}"] for end in ("", "_low", "_high")]
        share = [row[f"accuracy_all{end}"] for end in ("", "_low", "_high")]
        assert numbers == pytest.approx((ms[0], share[0], ms[1], ms[2], share[1], share[2]))


def test_the_line_joins_what_nothing_beats():
    """The front goes through the settings of which no other is quicker and better."""
    frame = outcomes(SOME)
    table = tk.stats.summary(frame)
    unbeaten = sorted(
        (1000 * row.latency_p50_s, row.accuracy_all)
        for row in table.itertuples()
        if not any(
            other.accuracy_all >= row.accuracy_all and other.latency_p50_s < row.latency_p50_s
            for other in table.itertuples()
        )
    )
    ax = tk.plots.accuracy_latency(frame)
    [front] = [line for line in ax.lines if line.get_linestyle() == "--"]

    np.testing.assert_allclose(front.get_xydata(), unbeaten)
    assert len(unbeaten) == 3


def test_an_open_interval_is_dotted_to_the_edge():
    """From four images the median has no 95 % interval: none is invented, and its openness is seen."""
    frame = outcomes({"a()": (0.9, 5.0)}, images=4)
    ax = tk.plots.accuracy_latency(frame)
    dotted = [line.get_xdata() for line in ax.lines if line.get_linestyle() == ":"]
    x, _, left, right, _, _ = marks(ax)["a()"]

    assert left == right == x
    assert {float(ends[1]) for ends in dotted} == set(ax.get_xlim())


def test_who_never_answered_is_named():
    """A setting without a latency is no point, and is not forgotten."""
    ax = tk.plots.accuracy_latency(outcomes(SOME | {"dead()": (0.0, None)}))

    assert "dead()" not in marks(ax)
    assert ax.get_title(loc="left") == "no answer from dead()"


def test_nothing_to_show_is_an_empty_figure():
    """Before the first outcome there are axes without marks, and no warning."""
    ax = tk.plots.accuracy_latency(outcomes(SOME).iloc[:0])
    ax.figure.canvas.draw()

    assert marks(ax) == {}
    assert ax.get_legend() is None


def test_it_draws_where_it_is_told():
    """Given axes, it uses them and makes no figure of its own."""
    _, (left, right) = plt.subplots(1, 2)
    before = plt.get_fignums()

    assert tk.plots.accuracy_latency(outcomes(SOME), ax=right) is right
    assert plt.get_fignums() == before
    assert not left.lines


@pytest.mark.parametrize("settings", [SOME, MANY], ids=["some", "many"])
def test_nothing_is_cut_off_and_a_large_legend_covers_no_mark(settings):
    """All words lie within the figure: few names stand beside their marks, a large legend beside the axes."""
    ax = tk.plots.accuracy_latency(outcomes(settings))
    figure = ax.figure
    figure.canvas.draw()
    inner = ax.get_window_extent()
    whole = figure.bbox
    if settings is MANY:
        names = [ax.get_legend().get_window_extent()]
        assert names[0].x0 >= inner.x1
    else:
        names = [text.get_window_extent() for text in ax.texts]
        assert len(names) == len(settings)

    for name in names:
        assert name.x0 >= whole.x0
        assert name.x1 <= whole.x1
        assert name.y0 >= whole.y0
    ticks = [tick for tick in ax.get_xticklabels() if inner.x0 <= tick.get_window_extent().x0 <= inner.x1]
    assert len({tick.get_text() for tick in ticks if tick.get_text()}) >= 2


def test_a_setting_looks_the_same_in_every_figure():
    """Colour and mark depend on the settings of the run, not on their order or on what else is shown."""
    frame = outcomes(SOME)
    shuffled = frame.sample(frac=1, random_state=1)
    looks = []
    for part in (frame, shuffled):
        ax = tk.plots.accuracy_latency(part)
        looks.append({c.get_label(): (c.lines[0].get_color(), c.lines[0].get_marker()) for c in ax.containers})

    assert looks[0] == looks[1]
    assert len(set(looks[0].values())) == len(SOME)
