"""Names in figures: short, readable, beside what they name, and one colour for each setting."""

import numpy as np
import pytest
from drawing import FIGURES, made_up
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

import toolkit as tk
from toolkit.plots.colours import settings_of, styles
from toolkit.plots.labelling import Series, drawn_points, name_series
from toolkit.plots.naming import character, legible, short_labels


@pytest.mark.parametrize(
    ("labels", "short"),
    [
        (["tesseract(psm=7)", "tesseract(psm=8)"], ["tesseract(psm=7)", "tesseract(psm=8)"]),
        (
            ["capsolver(module='common', score=0.8)", "capsolver(module='common', score=0.9)"],
            ["capsolver(…, score=0.8)", "capsolver(…, score=0.9)"],
        ),
        (
            ["service(module='one', x=1, y=(2, 3))", "service(module='one', y=(4, 5))", "service(module='one')"],
            ["service(…, x=1, y=(2, 3))", "service(…, y=(4, 5))", "service(…)"],
        ),
        (["lonely(with_one='long parameter')"], ["lonely(with_one='long parameter')"]),
        (["a(x=1) >=0.9 > b()", "my own name"], ["a(x=1) >=0.9 > b()", "my own name"]),
        (["begins" + "x" * 60 + "ends"], ["begins" + "x" * 15 + "…" + "x" * 17 + "ends"]),
        (["y" * 30 + "1" + "y" * 30, "y" * 30 + "2" + "y" * 30], None),
    ],
)
def test_long_labels_keep_what_tells_them_apart(labels, short):
    """Parameters that all share give way to an ellipsis; names that would then be alike stay whole."""
    assert list(short_labels(labels).values()) == (short or labels)


def test_what_the_font_cannot_draw_is_written_as_its_code_point():
    """A blank box would tell nothing, and matplotlib would warn."""
    assert legible("Ж → 读\n") == "Ж → U+8BFB\n"
    assert character(" ") == "␣"
    assert character("\u200b") in ("\u200b", "U+200B")


def test_a_setting_has_one_colour_in_every_figure():
    """Selected rows, findings about one setting, and other figures keep the colours of the run."""
    outcomes = made_up()
    colors = {label: look["color"] for label, look in styles(settings_of(outcomes)).items()}
    part = outcomes[outcomes["setting"] != "quick(psm=7)"]
    label, names = "slow()", settings_of(outcomes)
    curve = tk.stats.thresholds(outcomes, label)
    drawn = [
        tk.plots.accuracy_cost(part).containers,
        tk.plots.latency_ecdf(part).lines,
        tk.plots.accuracy_by_length(part).containers,
        tk.plots.drift(part).lines,
        tk.plots.threshold_curve(curve, settings=names).lines[:1],
        tk.plots.risk_coverage(curve, settings=names).lines,
        tk.plots.utility_curve(tk.stats.best_threshold(curve, n_resamples=99), settings=names).lines[:1],
        tk.plots.reliability(tk.stats.calibration(outcomes, label, n_resamples=99), settings=names).lines[:1],
    ]
    for artists in drawn:
        for artist in artists:
            line = artist if hasattr(artist, "get_color") else artist.lines[0]
            named = artist.get_label() if artist.get_label() in colors else label
            if not artist.get_label().startswith("_"):
                assert to_hex(line.get_color()) == colors[named].lower()
    bars = tk.plots.confusions(tk.stats.confusions(outcomes, label), settings=names).patches
    assert {to_hex(bar.get_facecolor()) for bar in bars} == {colors[label].lower()}


def test_what_is_no_setting_changes_no_colour():
    """A cascade or a curve over a parameter comes after all settings of the run."""
    run = ["b()", "c()"]

    assert {label: look for label, look in styles(run, ["a() > b()"]).items() if label in run} == styles(run)
    assert styles(run, ["a() > b()"])["a() > b()"] not in styles(run).values()


def test_forty_nine_settings_look_different():
    """Each has a colour and mark of its own before any repeats."""
    looks = styles(f"s({n})" for n in range(49)).values()

    assert len({tuple(look.items()) for look in looks}) == 49


@pytest.mark.parametrize("figure", ["accuracy_cost", "accuracy_latency", "latency_ecdf", "drift", "threshold_curve"])
def test_a_name_beside_its_series_covers_nothing_drawn(figure):
    """Names written into the axes leave all lines, marks and error bars free."""
    ax = FIGURES[figure](made_up(["slow()", "quick(psm=7)"], images=200), None)
    ax.figure.draw_without_rendering()
    inside = [text for text in ax.texts if text.get_position()[1] != 0 or text.get_text() in ("slow()", "quick(psm=7)")]
    points = drawn_points(ax)

    assert ax.get_legend() is None
    assert inside
    for text in inside:
        box = text.get_window_extent()
        if ax.get_window_extent().contains(box.x0, box.y0):
            covered = np.all((points > (box.x0, box.y0)) & (points < (box.x1, box.y1)), axis=1)
            assert not covered.any(), text.get_text()


def test_more_series_than_find_a_place_have_a_legend():
    """Seven names, or names that would cover lines, stand in a legend instead."""
    _, ax = plt.subplots(layout="constrained")
    x = np.linspace(0, 1, 50)
    series = []
    for number in range(7):
        [line] = ax.plot(x, x * number)
        series.append(Series(f"line {number}", line, "C0", np.column_stack([x, x * number])))
    name_series(ax, series)

    assert [text.get_text() for text in ax.get_legend().get_texts()] == [one.words for one in series]
    assert not ax.texts


def test_where_lines_leave_no_room_a_legend_stands():
    """In axes that are full of lines no name is written over them."""
    _, ax = plt.subplots(layout="constrained")
    ax.margins(0)
    x = np.tile([0.0, 1.0], 60)
    [line] = ax.plot(x, np.linspace(0, 1, x.size))
    name_series(ax, [Series("everywhere", line, "C0", np.asarray(line.get_xydata()))])

    assert ax.get_legend() is not None
    assert not ax.texts


def full_to_the_corners(ax):
    """Five series of marks with error bars that leave one corner of the axes at most: the lower right, or none."""
    x = np.arange(5.0)
    series = []
    for number in range(5):
        mark = ax.errorbar(x + number / 10, x * 0 + number, yerr=np.array([[9, 9, 9, 0, 0], [9, 9, 9, 9, 9]]), fmt="o")
        series.append(Series(f"setting {number}", mark, "C0", np.zeros((0, 2))))
    ax.set_ylim(-12, 12)
    return series


@pytest.mark.parametrize("lowest", [-12, 0])
def test_a_legend_covers_no_error_bar(lowest):
    """It takes the corner that is empty; where none is, it stands beside the axes, which lose no width by it."""
    _, ax = plt.subplots(figsize=(7.2, 4.4), layout="constrained")
    series = full_to_the_corners(ax)
    ax.set_ylim(lowest, 12)
    name_series(ax, series, own_figure=True)
    ax.figure.draw_without_rendering()
    legend, points = ax.get_legend().get_window_extent(), drawn_points(ax)
    covered = np.all((points > legend.min) & (points < legend.max), axis=1)

    assert not covered.any()
    assert (legend.x0 >= ax.get_window_extent().x1) == (lowest == 0)
    assert ax.figure.bbox.contains(legend.x1, legend.y1)
    assert (ax.figure.get_figwidth() > 7.2) == (lowest == 0)


def test_axes_that_were_given_keep_their_legend_inside():
    """There may be other axes beside them, which it would cover."""
    _, (ax, beside) = plt.subplots(1, 2)
    series = full_to_the_corners(ax)
    ax.set_ylim(0, 12)
    name_series(ax, series)
    ax.figure.draw_without_rendering()

    assert ax.get_legend().get_window_extent().x1 <= beside.get_window_extent().x0


def test_fitting_figures_are_those_the_data_can_fill():
    """Without confidences, prices, times, tags or a second setting their figures are not offered; from nothing none is."""
    full = made_up()
    fits = set(tk.plots.fitting(full))
    of_confidence = {"threshold_curve", "risk_coverage", "utility_curve", "reliability"}
    of_time = {"accuracy_latency", "latency_ecdf", "latency_quantiles"}
    lacking = {
        frozenset(of_confidence): full.assign(confidence=1.0),
        frozenset({"reliability"}): full.assign(confidence=full["confidence"] * 100),
        frozenset({"accuracy_cost"}): full.assign(cost_usd=0.0),
        frozenset(of_time): full.drop(columns="latency_s"),
        frozenset({"accuracy_by"}): full.drop(columns="alphabet"),
        frozenset({"accuracy_by_length"}): full.assign(target_length=4),
        frozenset({"drift"}): full.assign(started_at=np.nan),
        frozenset({"forest", "accuracy_cost"}): full[full["setting"] == "slow()"],
        frozenset({"confusions"}): full[full["outcome"] == "correct"],
    }

    assert fits <= set(tk.plots.__all__)
    assert fits >= set().union(*lacking)
    for missing, frame in lacking.items():
        assert set(tk.plots.fitting(frame)) == fits - missing
    assert tk.plots.fitting(full.iloc[:0]) == []
    assert tk.plots.fitting(full[["setting", "sample", "outcome"]]) == ["forest"]


@pytest.mark.parametrize("missing", [[], ["confidence", "target_length", "started_at"]], ids=["known", "missing"])
def test_what_fits_does_not_depend_on_how_numbers_are_stored(missing):
    """Nullable columns, as `convert_dtypes` makes them, compare as missing where NumPy's compare as false."""
    frame = made_up().assign(**dict.fromkeys(missing, np.nan))
    nullable = frame.convert_dtypes().astype(dict.fromkeys(missing, "Float64"))

    assert tk.plots.fitting(nullable) == tk.plots.fitting(frame)


def test_all_that_fits_can_be_drawn():
    """Whatever is offered for a run's data is drawn from them."""
    outcomes = made_up()
    for name in tk.plots.fitting(outcomes):
        assert FIGURES[name](outcomes, None).has_data()
        plt.close("all")
