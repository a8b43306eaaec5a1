"""What is drawn, read back from the artists, is what the frames say."""

import numpy as np
import pandas as pd
import pytest
from drawing import START, best_of, curve_of, ending, limits, made_up
from matplotlib.collections import PolyCollection
from matplotlib.container import ErrorbarContainer

import toolkit as tk
from toolkit.errors import DatasetError

FRAME = made_up()


def intervals(ax):
    """Drawn error bars by label: the points, and the ends of the bars across and upright (None without)."""
    drawn = {}
    for container in ax.containers:
        if isinstance(container, ErrorbarContainer):
            point, _, bars = container.lines
            ends = [np.array(list(bar.get_segments())) for bar in bars]
            drawn.setdefault(container.get_label(), []).append((np.asarray(point.get_xydata(), float), ends))
    return drawn


def line(ax, label):
    """The drawn line of that label, as n × 2."""
    [found] = [one for one in ax.lines if one.get_label() == label]
    return np.asarray(found.get_xydata(), float)


def test_cost_stands_at_that_of_a_thousand_right_answers():
    """Marks and both intervals of the cost figure are the summary's, in USD for 1,000 right answers."""
    table = tk.stats.summary(FRAME).set_index("setting")
    drawn = intervals(tk.plots.accuracy_cost(FRAME))

    assert set(drawn) == set(table.index)
    for label, [(point, [across, upright])] in drawn.items():
        row = table.loc[label]
        cost = [1000 * row[f"cost_per_correct_usd{end}"] for end in ("", "_low", "_high")]
        np.testing.assert_allclose(point, [[cost[0], row["accuracy_all"]]])
        np.testing.assert_allclose(across[0][:, 0], cost[1:])
        np.testing.assert_allclose(upright[0][:, 1], [row["accuracy_all_low"], row["accuracy_all_high"]])


def test_who_is_beaten_at_the_same_cost_is_not_on_the_front():
    """Of two free settings only the better one is unbeaten."""
    ax = tk.plots.accuracy_cost(FRAME.assign(cost_usd=0.0))
    [front] = [one for one in ax.lines if one.get_linestyle() == "--"]

    np.testing.assert_allclose(front.get_xydata(), [[0.0, tk.stats.summary(FRAME)["accuracy_all"].max()]])


def test_a_setting_without_a_price_is_named():
    """What is missing for a place in the figure stands above it."""
    ax = tk.plots.accuracy_cost(FRAME.assign(cost_usd=FRAME["cost_usd"].where(FRAME["setting"] != "slow()")))

    assert ax.get_title(loc="left") == "no known price: slow()"
    assert "slow()" not in intervals(ax)


def test_the_distribution_of_latency_is_that_of_the_answers():
    """At each answer's latency the line reaches the share of answers that were as quick."""
    ax = tk.plots.latency_ecdf(FRAME)
    for label, part in FRAME.groupby("setting", observed=True):
        times = np.sort(1000 * part["latency_s"].dropna().to_numpy())
        drawn = line(ax, label)
        after = drawn[np.searchsorted(drawn[:, 0], times, side="right") - 1, 1]
        np.testing.assert_allclose(after, np.searchsorted(times, times, side="right") / times.size)


def test_time_outs_never_arrive():
    """A setting of which a part ran out of time ends at the share that came."""
    late = FRAME["sample"].isin(["1.png", "2.png"]) & (FRAME["setting"] == "slow()")
    frame = FRAME.assign(
        outcome=FRAME["outcome"].where(~late, "error"),
        error=FRAME["error"].where(~late, "deadline_exceeded"),
        latency_s=FRAME["latency_s"].where(~late),
    )
    came = frame.loc[frame["setting"] == "slow()", "latency_s"].count()

    assert line(tk.plots.latency_ecdf(frame), "slow()")[:, 1].max() == pytest.approx(came / (came + 2))


def test_polled_answers_are_shaded_down_to_the_last_poll_without_them():
    """The shade of a polled setting begins at its lower ends; other settings have none."""
    ax = tk.plots.latency_ecdf(FRAME)
    [shade] = [one for one in ax.collections if isinstance(one, PolyCollection)]
    low = 1000 * FRAME["latency_low_s"].dropna()

    assert shade.get_paths()[0].vertices[:, 0].min() == pytest.approx(low.min())


def test_quantiles_are_those_of_the_table():
    """Each mark of the quantile figure has the table's value and interval; an unknown end is drawn to the edge."""
    table = tk.plots.latency_table(FRAME)
    ax = tk.plots.latency_quantiles(FRAME)
    drawn = intervals(ax)

    assert len(drawn) == len(table)
    for row in table.to_dict("records"):
        [(point, [across])] = drawn[f"{row['setting']} {row['quantile']:g}"]
        ends = [1000 * row[end] for end in ("latency_s_low", "latency_s_high")]
        assert point[0, 0] == pytest.approx(1000 * row["latency_s"])
        np.testing.assert_allclose(across[0][:, 0], np.where(np.isnan(ends), point[0, 0], ends))
    dotted = [one for one in ax.lines if one.get_linestyle() == ":"]
    assert len(dotted) == int(table[["latency_s_low", "latency_s_high"]].isna().to_numpy().sum())


def test_the_table_of_quantiles_agrees_with_the_summary():
    """Median and p95, computed for the figure, are those of the summary, intervals too."""
    table = tk.plots.latency_table(FRAME, (0.5, 0.95)).set_index(["setting", "quantile"])
    for row in tk.stats.summary(FRAME).to_dict("records"):
        for quantile, name in ((0.5, "latency_p50_s"), (0.95, "latency_p95_s")):
            mine = table.loc[row["setting"], quantile]
            for end in ("", "_low", "_high"):
                assert mine[f"latency_s{end}"] == pytest.approx(row[f"{name}{end}"], nan_ok=True)
    low = FRAME["latency_low_s"].fillna(FRAME["latency_s"])[FRAME["setting"] == "slow()"].dropna()
    assert table.loc[("slow()", 0.5), "polled_low_s"] == pytest.approx(tk.stats.harrell_davis(low, 0.5))


def test_the_threshold_curve_is_that_of_its_table():
    """Both lines, and the marked and shaded thresholds, are those of the findings given."""
    curve = curve_of(FRAME)
    choice, best = tk.stats.pick_threshold(curve, 0.25, 0.8), best_of(curve)
    ax = tk.plots.threshold_curve(curve, choice=choice, best=best)

    for label, column in (("accuracy of answers", "accuracy_answered"), ("coverage", "coverage")):
        np.testing.assert_allclose(line(ax, label), curve.table[["threshold", column]])
    upright = {round(one.get_xdata()[0], 12) for one in ax.lines if len(set(one.get_xdata())) == 1}
    assert upright == {round(choice.threshold, 12), round(best.threshold, 12)}
    near = best.table.loc[best.table["near_optimal"], "threshold"]
    others = best.table.loc[~best.table["near_optimal"], "threshold"]
    shaded = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in ax.patches]
    assert all(any(low <= x <= high for low, high in shaded) for x in near)
    assert not any(low < x < high for x in others for low, high in shaded)
    assert "pointwise 95 %" in ax.get_xlabel()


def test_a_promise_that_cannot_be_made_is_said():
    """Without a controlled threshold there is no line, and the reason stands above the figure."""
    curve = curve_of(FRAME)
    ax = tk.plots.threshold_curve(curve, choice=tk.stats.pick_threshold(curve, 0.001))

    assert "0.1 % wrong cannot be guaranteed (too few)" in ax.get_title(loc="left").replace("\n", " ")
    assert len(ax.lines) == 2


def test_a_service_s_own_thresholds_are_marked_one_by_one():
    """A curve over a parameter shows the settings asked, and nothing between them but a line."""
    frame = made_up([f"service(score={score})" for score in (0.8, 0.9, 0.95)])
    curve = tk.stats.thresholds(frame, provider="service", over="score")

    np.testing.assert_allclose(
        line(tk.plots.threshold_curve(curve), "coverage"), curve.table[["threshold", "coverage"]]
    )


def test_a_long_curve_is_thinned_to_its_own_rows():
    """Of very many thresholds some are drawn, the first and the last among them."""
    frame = made_up(["only()"], images=4000).assign(confidence=np.linspace(0.1, 0.9, 4000))
    curve = curve_of(frame)
    drawn = line(tk.plots.threshold_curve(curve), "coverage")
    rows = curve.table.set_index("threshold")["coverage"]

    assert len(drawn) < len(rows) / 2
    np.testing.assert_array_equal(rows.loc[drawn[:, 0]], drawn[:, 1])
    assert {rows.index[0], rows.index[-1]} <= set(drawn[:, 0])


def test_risk_is_drawn_by_coverage_with_its_target():
    """Each curve's risk at each coverage is its table's; the target is a level line, the choice a mark."""
    curves = [curve_of(FRAME, label) for label in FRAME["setting"].cat.categories]
    choice = tk.stats.pick_threshold(curves[-1], 0.25, 0.8)
    ax = tk.plots.risk_coverage(curves, choice=choice)

    for curve in curves:
        np.testing.assert_allclose(line(ax, curve.name), curve.table[["coverage", "risk"]].iloc[::-1])
    assert any(set(one.get_ydata()) == {0.25} for one in ax.lines)
    [mark] = [one for one in ax.lines if one.get_marker() == "D"]
    np.testing.assert_allclose(mark.get_xydata(), [[choice.coverage, choice.wrong / choice.accepted]])


def test_risk_among_all_images_is_drawn_where_that_is_controlled():
    """A choice about wrong answers among all images is shown against the generalized risk."""
    curve = curve_of(FRAME)
    ax = tk.plots.risk_coverage(curve, choice=tk.stats.pick_threshold(curve, 0.3, method="generalized"))

    np.testing.assert_allclose(line(ax, curve.name), curve.table[["coverage", "generalized_risk"]].iloc[::-1])


def test_a_mean_loss_is_drawn_where_that_is_controlled():
    """A choice about character errors is shown against their mean, and only on a curve that has it."""
    frame = FRAME.assign(edits=(FRAME["outcome"] == "wrong") * 1.0, target_length=4)
    curve = tk.stats.thresholds(frame, FRAME["setting"].cat.categories[0], loss="cer")
    for method, trials in (("fixed_sequence", "accepted"), ("generalized", "images")):
        choice = tk.stats.pick_threshold(curve, 0.25, 0.8, method=method)
        ax = tk.plots.risk_coverage(curve, choice=choice)
        rows = curve.table.iloc[::-1]
        expected = np.column_stack([rows["coverage"], rows["loss"] / rows[trials]])
        np.testing.assert_allclose(line(ax, curve.name), expected)
        assert ax.get_ylabel().startswith("mean character error rate")
    [mark] = [one for one in ax.lines if one.get_marker() == "D"]
    np.testing.assert_allclose(mark.get_xydata(), [[choice.coverage, choice.lost / choice.images]])
    with pytest.raises(DatasetError, match="the choice limits cer"):
        tk.plots.risk_coverage(curve_of(FRAME), choice=choice)


def test_worth_is_drawn_by_threshold():
    """Line, best threshold, honest worth with its interval, and the worth of accepting nothing."""
    best = best_of(curve_of(FRAME))
    ax = tk.plots.utility_curve(best)
    [[(point, [upright])]] = intervals(ax).values()

    np.testing.assert_allclose(line(ax, best.name), best.table[["threshold", "utility"]])
    np.testing.assert_allclose(point, [[best.threshold, best.value]])
    np.testing.assert_allclose(upright[0][:, 1], [best.value_low, best.value_high])
    assert any(set(one.get_ydata()) == {best.never} for one in ax.lines)


@pytest.mark.parametrize(("metric", "scale"), [("accuracy_all", 100), ("latency_p50_s", 1000), ("cost_usd", 1)])
def test_differences_are_those_of_the_comparison(metric, scale):
    """Each pair's difference and interval stand in its row, largest on top; hollow where it cannot be told."""
    found = tk.stats.compare(FRAME, metric=metric, n_resamples=199)
    table = found.table.sort_values("difference", ascending=False, ignore_index=True)
    ax = tk.plots.forest(found)
    drawn = intervals(ax)

    for y, row in enumerate(table.to_dict("records")):
        [(point, [across])] = drawn[f"{row['setting']} - {row['baseline']}"]
        np.testing.assert_allclose(point, [[scale * row["difference"], y]])
        known = np.nan_to_num([row["difference_low"], row["difference_high"]], nan=row["difference"])
        np.testing.assert_allclose(across[0][:, 0], scale * known)
    hollow = [c.lines[0].get_markerfacecolor() == "none" for c in ax.containers]
    assert hollow == (table["verdict"] == "cannot tell").tolist()


def test_confusions_are_counted_in_bars():
    """A bar for each of the commonest confusions, as long as it is often, blanks and signs readable."""
    frame = FRAME.assign(text=FRAME["text"].str.replace("a", "$").str.replace("b", " "))
    found = tk.stats.confusions(frame, "slow()")
    ax = tk.plots.confusions(found, top=5)
    names = [text.get_text() for text in ax.get_yticklabels()]

    assert [bar.get_width() for bar in ax.patches] == found.table["count"].head(5).tolist()
    assert names[0] == f"{found.table['target'].iloc[0]} → {found.table['answer'].iloc[0]}".replace("→  ", "→ ␣")
    assert any("␣" in name for name in names)
    assert f"{found.table['count'].sum():,} wrong characters" in ax.get_title(loc="left")


def test_reliability_runs_through_its_stretches():
    """The curve keeps each stretch's accuracy from its first to its last confidence; marks stand at the mean."""
    found = tk.stats.calibration(FRAME, "slow()", n_resamples=99)
    ax = tk.plots.reliability(found)
    drawn = line(ax, "slow()")

    np.testing.assert_allclose(drawn[::2, 0], found.table["confidence_low"])
    np.testing.assert_allclose(drawn[1::2, 0], found.table["confidence_high"])
    np.testing.assert_allclose(drawn[::2, 1], found.table["accuracy"])
    np.testing.assert_allclose(drawn[1::2, 1], found.table["accuracy"])
    marks = [one.get_offsets() for one in ax.collections if len(one.get_offsets()) == len(found.table)]
    np.testing.assert_allclose(marks[0], found.table[["confidence", "accuracy"]])


@pytest.mark.parametrize("by", ["target_length", "alphabet"])
def test_accuracy_of_slices_is_that_of_the_summary(by):
    """Each setting's marks have the accuracy and interval of each slice, beside the slice's place on the axis."""
    draw = tk.plots.accuracy_by_length if by == "target_length" else lambda frame: tk.plots.accuracy_by(frame, by)
    table = tk.stats.summary(FRAME, by=by)
    for label, [(points, [upright])] in intervals(draw(FRAME)).items():
        part = table[table["setting"] == label]
        np.testing.assert_allclose(points[:, 1], part["accuracy_all"])
        np.testing.assert_allclose(upright[:, :, 1], part[["accuracy_all_low", "accuracy_all_high"]])
        place = part[by] if by == "target_length" else np.arange(len(part))
        assert np.abs(points[:, 0] - place).max() < 0.3


def test_the_drift_of_accuracy_is_that_of_moving_windows():
    """Each point is the share right of the trials in its window, in the order in which they began."""
    frame = FRAME[FRAME["setting"] == "slow()"].sort_values("started_at", ignore_index=True)
    drawn = line(tk.plots.drift(frame, window=30), "slow()")
    right = (frame["outcome"] == "correct").rolling(30).mean().dropna().to_numpy()
    minutes = ((frame["started_at"] - frame["started_at"].min()) / 60).rolling(30).mean().dropna().to_numpy()

    chosen = np.unique(np.linspace(0, 60, 40).astype(int))
    np.testing.assert_allclose(drawn, np.column_stack([minutes, right])[chosen])


def test_the_drift_of_latency_has_the_table_s_medians():
    """The latency variant draws the table's medians in ms, and errors have no part in it."""
    frame = pd.concat([FRAME, ending(FRAME[:20], "error").assign(latency_s=99.0)])
    table = tk.plots.drift_table(frame, "latency")
    ax = tk.plots.drift(frame, of="latency")

    assert table["value"].max() < 5
    for label, part in table.groupby("setting"):
        np.testing.assert_allclose(line(ax, label), part[["minutes", "value"]].to_numpy() * (1, 1000))


def test_many_settings_drift_without_bands():
    """The bands of more than six settings would hide their lines; up to six have theirs."""
    for count, bands in ((6, 6), (7, 0)):
        ax = tk.plots.drift(made_up([f"s({n})" for n in range(count)], images=60))

        assert len(ax.collections) == bands
        assert ("pointwise 95 %" in ax.get_title(loc="left")) == bool(bands)


def test_probing_plans_stand_at_their_calls_and_money():
    """Each plan's mark has its expected calls and money, and its dotted line leads to the worst."""
    plans = tk.stats.compare_probe_plans([0.8, 0.9, 0.95], images=100, price=0.002)
    ax = tk.plots.probe_plans(plans)
    ends = {tuple(one.get_xydata()[1]) for one in ax.lines if one.get_linestyle() == ":"}

    for row in plans.to_dict("records"):
        expected = [[row["paid_calls"] + row["free_calls"], row["cost_usd"]]]
        np.testing.assert_allclose(line(ax, row["strategy"]), expected)
        assert (row["calls_at_worst"], row["cost_usd_at_worst"]) in ends


def test_plans_that_come_to_the_same_are_all_seen():
    """Of two marks at one place the one below is the larger."""
    plans = tk.stats.compare_probe_plans([0.8, 0.85, 0.9, 0.95, 1.0], images=300, price=0.001)
    ax = tk.plots.probe_plans(plans)
    tree, descending, grid = (
        next(one for one in ax.lines if one.get_label() == name) for name in ("tree", "descending", "grid")
    )

    np.testing.assert_allclose(tree.get_xydata(), descending.get_xydata())
    assert tree.get_markersize() > descending.get_markersize() == grid.get_markersize()


def test_without_a_price_paid_calls_stand_for_money():
    """A price of nought tells nothing about money, so calls are compared."""
    plans = tk.stats.compare_probe_plans([0.8, 0.9], images=10, price=0.0)
    ax = tk.plots.probe_plans(plans)

    assert line(ax, "grid")[0, 1] == plans.set_index("strategy").loc["grid", "paid_calls"]
    assert "paid calls" in ax.get_ylabel()


def test_what_was_under_way_is_rebuilt_from_the_attempts():
    """Two overlapping readings are two in flight; time in our own queue is none."""
    attempts = pd.DataFrame(
        {"setting": "a()", "started_at": [10.0, 11.0, 20.0], "elapsed_s": [3.0, 1.0, 6.0], "queue_s": [0.0, 0.0, 4.0]}
    )
    table = tk.plots.in_flight_table(attempts)

    assert table["at"].tolist() == [10, 11, 12, 13, 20, 22]
    assert table["in_flight"].tolist() == [1, 2, 1, 0, 1, 0]


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_readings_under_way_are_counted_in_whole_numbers(at_once):
    """However few there are, no mark of the axis says half a reading."""
    attempts = pd.DataFrame({"setting": "a()", "started_at": [10.0] * at_once, "elapsed_s": 3.0})
    ax = tk.plots.concurrency(attempts)
    marks = [mark for mark in ax.get_yticks() if 0 <= mark <= ax.get_ylim()[1]]

    assert all(float(mark).is_integer() for mark in marks)
    assert len(marks) >= 2


def test_the_area_under_concurrency_is_the_time_spent():
    """The stacked stretches add up to the seconds that all readings took."""
    ax = tk.plots.concurrency(FRAME)
    top = ax.collections[-1].get_paths()[0].vertices
    seconds_by_part = [
        abs(np.sum((v[:, 0] - np.roll(v[:, 0], 1)) * (v[:, 1] + np.roll(v[:, 1], 1)) / 2))
        for v in (area.get_paths()[0].vertices for area in ax.collections)
    ]

    assert top[:, 1].max() > 0
    assert 60 * sum(seconds_by_part) == pytest.approx(FRAME["elapsed_s"].sum(), rel=1e-6)


def test_what_was_allowed_holds_until_it_changes():
    """Limits are steps from each change to the next, the last one to the end."""
    allowed = limits()
    ax = tk.plots.concurrency(allowed)
    one = allowed[allowed["account"] == "one at a"]
    minutes = (one["at"] - START) / 60

    np.testing.assert_allclose(line(ax, "one at a")[:-1], np.column_stack([minutes, one["in_flight"]]))
    np.testing.assert_allclose(line(ax, "two at b")[-1], [200 / 60, 4])
    assert {drawn.get_drawstyle() for drawn in ax.lines} == {"steps-post"}
