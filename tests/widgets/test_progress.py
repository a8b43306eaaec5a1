"""Progress: what it says is true while the run goes, the button stops it, and looking again shows the present."""

import re
import time

import pandas as pd
import pytest
from doubles import Limited, Oracle, answer_key, pictures

import toolkit as tk
from toolkit.metrics.words import duration
from toolkit.stats import interval_so_far
from toolkit.widgets.progress_snapshot import ProgressSnapshot


@pytest.fixture
def oracle(tmp_path):
    return lambda dataset, **how: Oracle(answer_key(tmp_path / "key.json", dataset), **how)


def ended(view, live):
    """Wait until a run has ended and its widget has seen it."""
    live.wait(60)
    while view.stop_button.description in ("Stop", "Stopping …"):
        time.sleep(0.02)
    return view


def test_the_stop_button_stops_a_run_whose_results_are_whole(oracle, thread, tmp_path):
    """One click: nothing more begins, what was read is kept, and the same call resumes to the end."""
    dataset = pictures(200)
    how = {"executor": thread, "store": tmp_path / "run"}
    live = tk.start(dataset, oracle(dataset, pause_s=0.02), **how)
    view = live.view
    while live.progress.done < 5:
        time.sleep(0.01)
    view.stop_button.click()
    ended(view, live)

    done = live.progress.done
    assert 5 <= done < 200
    assert len(live.outcomes) == done
    assert live.outcomes["outcome"].eq("correct").all()
    assert (view.stop_button.description, view.stop_button.disabled) == ("Stopped", True)
    assert f"{200 - done:,} trials are left" in view.words.value
    assert view.bar.value == pytest.approx(done / 200)
    assert tk.benchmark(dataset[:200], oracle(dataset, pause_s=0.02), **how).complete


def test_displaying_a_live_run_shows_its_present_state(oracle, thread):
    """Each look has the counts of its moment, and the same widget; afterwards the run shows its summary."""
    dataset = pictures(150)
    live = tk.start(dataset, oracle(dataset, pause_s=0.01), executor=thread)
    looks, counts = [], [-1]
    while len(looks) < 3:
        while live.progress.done <= counts[-1]:
            time.sleep(0.005)
        looks.append(live._repr_mimebundle_())
        counts.append(int(re.search(r"(\d+) of 150 trials", looks[-1]["text/html"])[1]))
    live.wait()

    assert counts == sorted(set(counts))
    views = {look["application/vnd.jupyter.widget-view+json"]["model_id"] for look in looks}
    assert views == {live.view.root.model_id}
    assert "normalised" in live._repr_mimebundle_()["text/html"]


def test_accuracy_so_far_is_counted_from_the_first_readings(oracle, thread):
    """At the end the counts are those of the outcomes, repeats left out, with the interval that holds at every look."""
    dataset = pictures(40)
    settings = [oracle(dataset, wrong=0.3), oracle(dataset, silent=0.3, seed=2)]
    live = tk.start(dataset, settings, repeats=2, executor=thread)
    view = ended(live.view, live)

    first = live.outcomes[live.outcomes["repeat"] == 0]
    table = view.standing.accuracy.set_index("setting")
    for label, rows in first.groupby("setting", observed=True):
        right = int((rows["outcome"] == "correct").sum())
        assert table.loc[label].tolist() == [40, right / 40, *interval_so_far(right, 40)]
    assert view.standing.no_answer == live.outcomes["outcome"].eq("no_answer").sum()
    assert view.standing.errors == {}
    assert view.bar.bar_style == "success"


def test_a_resumed_run_counts_what_was_read_before(oracle, thread, tmp_path):
    """The accuracy is that of the whole run, not of this session."""
    dataset = pictures(30)
    tk.benchmark(dataset, oracle(dataset), executor=thread, store=tmp_path / "run")
    live = tk.start(dataset, oracle(dataset), executor=thread, store=tmp_path / "run")
    view = ended(live.view, live)

    assert view.standing.accuracy["images"].tolist() == [30]
    assert view.standing.accuracy["accuracy"].tolist() == [1.0]
    assert "30 of 30 trials" in view.words.value


def test_errors_are_named_by_kind(thread):
    """What failed is shown by kind, is not among the images of the accuracy, and colours the bar."""
    from toolkit._engine.retry import RetryPolicy

    live = tk.start(pictures(4), Limited(refusals=9), executor=thread, retry=RetryPolicy(tries=1))
    view = ended(live.view, live)

    assert view.standing.errors == {"rate_limited": 4}
    assert "4 rate_limited" in view.words.value
    assert view.standing.accuracy["images"].tolist() == [0]
    assert view.bar.bar_style == "warning"


def test_money_is_that_of_the_services_own_books():
    """A paid run shows what it spent of its budget; the sandbox's ledger says the same."""
    dataset = pictures(12)
    with tk.sandbox(dataset=dataset) as box:
        live = tk.start(dataset, box.CapSolver(module="common"), budget_usd=0.5)
        view = ended(live.view, live)
        charged = float(pd.Series(live.spend["modelled_usd"]).sum())

    assert charged > 0
    assert view.standing.spent_usd == pytest.approx(charged)
    assert f"{charged:.4f} USD spent of 0.5000" in view.words.value


def test_free_engines_tell_of_no_money(oracle, thread):
    """Where nothing has a price and no budget was set there is no line about money; a budget brings it back."""
    dataset = pictures(3)
    free = tk.start(dataset, oracle(dataset), executor=thread)
    limited = tk.start(dataset, oracle(dataset), executor=thread, budget_usd=0.5)

    assert "USD" not in ended(free.view, free).words.value
    assert "0.0000 USD spent of 0.5000" in ended(limited.view, limited).words.value


def test_a_setting_without_a_price_is_said_to_be_one():
    """Unknown money is named, not shown as none."""
    empty = pd.DataFrame(columns=["setting", "images", "accuracy", "accuracy_low", "accuracy_high"])
    standing = ProgressSnapshot(
        "running", 10, 4, 0.5, 12.0, 1, {"<b>": 2}, {"x<y": "<i>"}, 0.25, 0.05, 1.0, ("a<b()",), empty
    )

    assert "without a price, and not counted: a<b()" in standing.money
    assert "0.2500 USD spent of 1.0000 (25.0 %), up to 0.0500 more under way" in standing.money
    assert standing.trials == "6 of 10 trials · 0.5 per second · 8 s left · 1 without an answer"
    html = standing.as_html()
    assert not re.search("<(b|i|y)>|<b\\(", html)
    assert "2 &lt;b&gt;" in html


def test_times_are_said_as_people_say_them():
    """Hours, minutes and seconds, no more than two of them."""
    assert [duration(seconds) for seconds in (7.4, 200, 7500)] == ["7 s", "3 min 20 s", "2 h 5 min"]


def test_the_function_gives_the_runs_own_widget(oracle, thread):
    """There is one view of a run, however it is asked for."""
    dataset = pictures(3)
    live = tk.start(dataset, oracle(dataset), executor=thread)

    assert tk.widgets.progress(live) is live.view
    ended(live.view, live)


def test_a_damaged_log_ends_the_looking_and_not_the_run(oracle, thread, tmp_path):
    """The widget says that it cannot read on; the run itself goes on to its end."""
    dataset = pictures(40)
    live = tk.start(dataset, oracle(dataset, pause_s=0.02), executor=thread, store=tmp_path / "run")
    view = live.view
    log = tmp_path / "run" / "attempts.jsonl"
    with log.open("ab") as file:
        file.write(b"{not JSON}\n")
    while "cannot be read on" not in view.words.value:
        time.sleep(0.02)
    live.wait(60)

    assert live.progress.done == 40


def test_outside_a_kernel_a_widget_is_a_line_of_text(oracle, thread):
    """A terminal gets the bundle, whose text says where the run is."""
    dataset = pictures(3)
    live = tk.start(dataset, oracle(dataset), executor=thread)
    view = ended(live.view, live)

    with pytest.raises(NotImplementedError):
        view._ipython_display_()
    assert repr(view).startswith("<Progress: 3 of 3 trials")
