"""A paid service's threshold curve, found by asking each image as little as possible."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import toolkit as tk
from toolkit.engine.drive import Tally
from toolkit.engine.plan import Plan
from toolkit.errors import SettingError, TransportError, Unsolvable
from toolkit.loopback import Sandbox, faults
from toolkit.probe_agenda import PlacingAgenda
from toolkit.stats import probe_plan
from toolkit.types import Answer, Trial

DATASET = tk.load_dataset(Path(__file__).parents[2] / "datasets" / "printed").sample(120)
SCORES = [round(0.8 + 0.01 * step, 2) for step in range(21)]
QUICK = {"limits": tk.Limits(in_flight=16), "show": False}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What accounts share between processes stays in this test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_descending_finds_the_truth_for_one_paid_call_an_image() -> None:
    """The curve is the sandbox's own at every setting, and the ledger has one charge for each accepted image."""
    with tk.sandbox(DATASET) as box:
        found = tk.probe(DATASET, box.CapSolver(module="common"), "score", SCORES, audit=0, **QUICK)
        truth = [box.oracle.truth(score) for score in SCORES]
        charged = box.ledger.charged("capsolver")

    curve = found.curve().table
    assert curve["accepted"].tolist() == [round(true.coverage * true.images) for true in truth]
    assert curve["coverage"].tolist() == pytest.approx([true.coverage for true in truth])
    assert found.table["paid"].max() == 1
    assert charged == found.table["paid"].sum() == round(truth[0].coverage * len(DATASET))


def test_tree_keeps_within_its_calls_and_finds_the_same_places() -> None:
    """Fewer calls, more of them paid, the same curve; the baseline at nought is added for CapMonster."""
    with tk.sandbox(DATASET) as box:
        provider = box.CapMonster(module="universal", first_poll_s=0.0, poll_every_s=0.02)
        steps = list(range(10, 100, 10))
        tree = tk.probe(
            DATASET, provider, "recognizing_threshold", steps, strategy="tree", max_calls_per_image=5, audit=0, **QUICK
        )
        truth = [box.oracle.truth(step / 100).coverage for step in (0, *steps)]

    assert tree.settings == (0, *steps)
    assert tree.table["calls"].max() <= 5
    assert tree.curve().table["coverage"].tolist() == pytest.approx(truth)


def test_probe_that_was_cut_short_goes_on_without_paying_twice(tmp_path: Path) -> None:
    """A bound on calls ends it early; the same store goes on, and the ledger has one charge an image after both."""
    with tk.sandbox(DATASET) as box:
        provider = box.CapSolver(module="common")
        common = {"store": tmp_path / "probe", "audit": 0, **QUICK}
        first = tk.probe(DATASET, provider, "score", SCORES, max_calls=300, **common)
        second = tk.probe(DATASET, provider, "score", SCORES, **common)
        charged = box.ledger.charged("capsolver")
        calls = box.traffic.requests("capsolver", "createTask")
        third = tk.probe(DATASET, provider, "score", SCORES, **common)
        again = box.traffic.requests("capsolver", "createTask")

    assert 0 < len(first.table) < len(second.table) == len(DATASET)
    assert charged == second.table["paid"].sum()
    assert second.table["paid"].max() == 1
    assert again == calls
    assert third.curve().table["accepted"].tolist() == second.curve().table["accepted"].tolist()


def test_budget_holds_while_probing() -> None:
    """Images that the money does not reach stay unplaced."""
    with tk.sandbox(DATASET) as box:
        found = tk.probe(
            DATASET, box.CapSolver(module="common"), "score", SCORES[::5], audit=0, budget_usd=0.02, **QUICK
        )
        spent = float(box.ledger.spent_usd("capsolver"))

    assert spent <= 0.02 + 1e-9
    assert len(found.table) < len(DATASET)


def test_failures_leave_an_image_unplaced_and_never_misplace_one() -> None:
    """With errors on the wire the images that were placed stand where the truth has them."""
    broken = [faults.at_rate(0.15, faults.server_error(503), seed=3, on="createTask")]
    with tk.sandbox(DATASET, faults=broken) as box:
        once = tk.RetryPolicy(tries=1)
        found = tk.probe(DATASET, box.CapSolver(module="common"), "score", SCORES[::4], audit=0, retry=once, **QUICK)
        box.faults = []
        whole = tk.probe(DATASET, box.CapSolver(module="common"), "score", SCORES[::4], audit=0, **QUICK)

    places = whole.table.set_index("sample")["place"]
    assert 0 < len(found.table) < len(DATASET)
    assert found.table.set_index("sample")["place"].to_dict() == places.loc[found.table["sample"]].to_dict()


def test_service_that_decides_by_chance_is_found_out() -> None:
    """A reader whose confidence is thrown anew each time fails the audit, and independent mode still has a curve."""
    import random

    dice = random.Random(5)
    with Sandbox(lambda image: (f"x{len(image)}", dice.uniform(0.6, 1.0))) as box:
        at_home = {"base_url": box.urls["capsolver"], "key": "demo", "price_per_1000_usd": 1.0}
        provider = tk.CapSolver(module="common", **at_home)
        found = tk.probe(DATASET, provider, "score", [0.8, 0.85, 0.9, 0.95], **QUICK)
        curve = tk.probe(DATASET, provider, "score", [0.8, 0.9], strategy="independent", passes=2, **QUICK)

    assert found.audit is not None
    assert found.audit.decision == "independent"
    assert curve["coverage"].tolist() == pytest.approx([0.5, 0.25], abs=0.15)  # of 0.6 to 1.0, evenly


def test_plan_is_said_before_anything_is_sent(capsys: pytest.CaptureFixture[str]) -> None:
    """Paid and free calls and the most money stand on standard error even when the first call is refused."""
    with tk.sandbox(DATASET) as box:
        bad = box.CapSolver(module="common", key="bad")
        found = tk.probe(DATASET, bad, "score", [0.8, 0.9], limits=tk.Limits(in_flight=1))

    assert "120 images at 2 settings, descending" in capsys.readouterr().err
    assert found.table.empty


@pytest.mark.parametrize(
    ("over", "settings", "strategy", "message"),
    [
        ("scores", [0.8, 0.9], "descending", "no parameter 'scores'"),
        ("score", [0.8], "descending", "two settings"),
        ("score", [0.8, 0.9], "sideways", "sideways"),
        ("score", [0.8, 1.9], "descending", "score=1.9"),
    ],
)
def test_probe_that_makes_no_sense_is_refused(over: str, settings: list[float], strategy: str, message: str) -> None:
    """Before anything is sent, naming what is wrong."""
    with pytest.raises(SettingError, match=message):
        tk.probe(DATASET, tk.CapSolver(key="k"), over, settings, strategy=strategy, show=False)


@given(
    truth=st.lists(st.integers(0, 5), min_size=1, max_size=12),
    strategy=st.sampled_from(["descending", "tree", "bisection", "ascending"]),
    cut=st.integers(0, 60),
    fails=st.sets(st.integers(0, 60), max_size=5),
)
def test_every_strategy_finds_every_place_whatever_interrupts(
    truth: list[int], strategy: str, cut: int, fails: set[int]
) -> None:
    """Answers by hand: after an interruption and failures the log alone leads to the true places."""
    labels = tuple(f"s{number}" for number in range(1, 6))
    samples = [f"i{number}" for number in range(len(truth))]
    plan = Plan(labels, samples, repeats=2)
    log: dict[Trial, str | None] = {}
    paid = dict.fromkeys(samples, 0)
    asked = 0
    for limit in (cut, 10_000):
        agenda = PlacingAgenda(
            plan, log, lambda placed: probe_plan([1, 2, 3, 4, 5], strategy, placed=placed), audit=0, max_calls=None
        )
        for course in agenda.courses(labels, plan.done([])):
            tally = None
            try:
                while asked < limit:
                    trial, position = next(course) if tally is None else course.send(tally)
                    asked += 1
                    accepted = labels.index(trial.setting) < truth[position]
                    tally = Tally(0.0)
                    if asked in fails and limit == cut:
                        tally.error = TransportError("cut")
                    elif accepted:
                        tally.answer = Answer("x")
                        paid[trial.sample] += 1
                        log[trial] = None
                    else:
                        tally.error = Unsolvable("unsure")
                        log[trial] = "unsolvable"
            except StopIteration:
                continue

    assert [agenda.places[position] for position in range(len(truth))] == truth
    if strategy == "descending":
        assert max(paid.values()) <= 1
