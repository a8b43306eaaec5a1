"""A paid service's threshold curve, found by asking each image as little as possible."""

import random
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import toolkit as tk
from toolkit._sandbox import Sandbox, faults
from toolkit._sandbox.oracle import Truth
from toolkit.errors import SettingError

DATASET = tk.load_dataset(Path(__file__).parents[3] / "datasets" / "printed").sample(120)
SCORES = [round(0.8 + 0.01 * step, 2) for step in range(21)]
QUICK = {"limits": tk.Limits(in_flight=16), "show": False}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What accounts share between processes stays in this test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def _agrees_with(truth: list[Truth], table: pd.DataFrame) -> None:
    """The curve has the sandbox's own coverage and accuracy at every setting."""
    assert table["accepted"].tolist() == [round(true.coverage * true.images) for true in truth]
    right = [round(true.coverage * true.images * true.accuracy) if true.coverage else 0 for true in truth]
    assert table["correct"].tolist() == right


def test_descending_finds_the_truth_for_one_paid_call_an_image() -> None:
    """On 21 settings the curve is the sandbox's own, for the ledger's every charge: where the grid pays for several."""
    with tk.sandbox(DATASET, oracle={"accuracy": 0.85}) as box:
        found = tk.probe(DATASET, box.CapSolver(module="common"), "score", SCORES, audit=0, **QUICK)
        truth = [box.oracle.truth(score) for score in SCORES]
        charged = box.ledger.charged("capsolver")
        asked = box.traffic.requests("capsolver", "createTask")

    _agrees_with(truth, found.curve().table)
    assert charged == found.table["paid"].sum() == round(truth[0].coverage * len(DATASET))
    assert asked == found.table["calls"].sum()
    assert charged <= len(DATASET)
    assert found.table["paid"].max() == 1
    assert found.table["place"].sum() > 5 * charged  # what asking at every setting would have paid for
    assert f"{charged} paid calls" in found.explain()


def test_free_calls_are_traded_for_paid_ones() -> None:
    """The same curve and a true count, with the fewer calls and the more of them paid the dearer a call is."""
    ways = [("descending", 0.1), ("tree", 0.02), ("tree", 0.5), ("bisection", 0.1)]
    curves, paid, calls = [], [], []
    with tk.sandbox(DATASET) as box:
        for strategy, call_cost in ways:
            before = box.ledger.charged("capsolver")
            provider, options = box.CapSolver(module="common"), {"strategy": strategy, "call_cost": call_cost}
            found = tk.probe(DATASET, provider, "score", SCORES, audit=0, **options, **QUICK)
            curves.append(found.curve().table["accepted"].tolist())
            paid.append(int(found.table["paid"].sum()))
            calls.append(int(found.table["calls"].sum()))
            assert box.ledger.charged("capsolver") - before == paid[-1]
            assert strategy == "descending" or found.table["calls"].max() <= 8

    assert curves == curves[:1] * 4
    assert paid == sorted(paid)
    assert calls == sorted(calls, reverse=True)
    assert paid[0] < paid[-1]


def test_tree_keeps_within_its_calls_and_tells_silence_from_rejection() -> None:
    """CapMonster's baseline at nought is added: an image without an answer there is no threshold's doing."""
    with tk.sandbox(DATASET, oracle={"silence": 0.15}) as box:
        provider = box.CapMonster(module="universal", first_poll_s=0.0, poll_every_s=0.02)
        steps = list(range(10, 100, 10))
        tree = tk.probe(
            DATASET, provider, "recognizing_threshold", steps, strategy="tree", max_calls_per_image=5, audit=0, **QUICK
        )
        truth = [box.oracle.truth(step / 100) for step in (0, *steps)]
        charged = box.ledger.charged("capmonster")

    assert tree.settings == (0, *steps)
    assert tree.table["calls"].max() <= 5
    assert charged == tree.table["paid"].sum()
    _agrees_with(truth, tree.curve().table)
    silent = len(DATASET) - round(truth[0].coverage * len(DATASET))
    assert silent > 0
    assert f"{silent} images have no answer even at recognizing_threshold=0" in tree.explain()


def test_audit_of_a_steady_service_lets_it_pass() -> None:
    """A hundred images are asked again without a flip, and what that takes is in the ledger and in the sentence."""
    with tk.sandbox(DATASET) as box:
        found = tk.probe(DATASET, box.CapSolver(module="common"), "score", SCORES[::4], **QUICK)
        charged = box.ledger.charged("capsolver")

    assert found.audit is not None
    assert found.audit.decision == "nested"
    assert found.audit.table.loc[0, ["repeated", "flips"]].tolist() == [100, 0]
    again = charged - found.table["paid"].sum()
    assert 0 < again <= 100
    assert f"Asking these again took {again} more paid calls" in found.explain()


def test_stops_when_the_best_setting_is_known_well_enough(tmp_path: Path) -> None:
    """Where one setting is far ahead a part of the images settles it; the same call again asks nothing."""
    worth = tk.stats.Utility(value_correct=1.0, cost_wrong=0.5)
    question = {"eps": 0.3, "utility": worth, "audit": 0, "store": tmp_path / "probe", **QUICK}
    with tk.sandbox(DATASET, oracle={"accuracy": 0.95}) as box:
        provider = box.CapSolver(module="common")
        found = tk.probe(DATASET, provider, "score", [0.8, 0.99, 1.0], **question)
        asked = box.traffic.requests("capsolver", "createTask")
        again = tk.probe(DATASET, provider, "score", [0.8, 0.99, 1.0], **question)
        truth = [box.oracle.truth(score) for score in (0.8, 0.99, 1.0)]
        assert box.traffic.requests("capsolver", "createTask") == asked

    assert len(found.table) == len(again.table) < len(DATASET)
    for probe in (found, again):
        assert probe.stopping is not None
        assert (probe.stopping.status, probe.stopping.leader) == ("stop", "score=0.8")
        assert "score=0.8 is within 0.3 an image of the best" in probe.explain()
    values = [t.coverage * (t.accuracy - 0.5 * t.risk) if t.coverage else 0.0 for t in truth]
    assert values[0] >= max(values) - 0.3


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
    broken = [faults.at_rate(0.15, faults.cut("before"), seed=3, on="createTask")]
    with tk.sandbox(DATASET, faults=broken) as box:
        once = tk.RetryPolicy(tries=1)
        found = tk.probe(DATASET, box.CapSolver(module="common"), "score", SCORES[::4], audit=0, retry=once, **QUICK)
        box.faults = []
        whole = tk.probe(DATASET, box.CapSolver(module="common"), "score", SCORES[::4], audit=0, **QUICK)

    places = whole.table.set_index("sample")["place"]
    assert 0 < len(found.table) < len(DATASET)
    assert found.table.set_index("sample")["place"].to_dict() == places.loc[found.table["sample"]].to_dict()


def test_service_that_decides_by_chance_is_found_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Confidences thrown anew each time fail the audit, which stops the probe; independent mode has the curve."""
    dice = random.Random(5)
    cuts = [0.8, 0.85, 0.9, 0.95]
    with Sandbox(lambda image: (f"x{len(image)}", dice.uniform(0.75, 1.0))) as box:
        at_home = {"base_url": box.urls["capsolver"], "key": "demo", "price_per_1000_usd": 1.0}
        provider = tk.CapSolver(module="common", **at_home)
        found = tk.probe(DATASET, provider, "score", cuts, audit=40, **QUICK)
        before = box.ledger.charged("capsolver")
        drawn = tk.probe(
            DATASET, provider, "score", cuts, strategy="independent", passes=6, limits=tk.Limits(in_flight=16)
        )
        charged = box.ledger.charged("capsolver") - before
        capped = tk.probe(DATASET, provider, "score", cuts, strategy="independent", max_calls=100, **QUICK)

    assert found.audit is not None
    assert found.audit.decision == "independent"
    assert len(found.table) <= 40 + 2 * 16  # those of the audit, and what was under way
    assert 'probe it with strategy="independent"' in found.explain()
    said = capsys.readouterr().err
    assert "calls: at most 720, paid where the service answers" in said
    assert "money: at most 0.72 USD" in said
    table = drawn.table
    assert table["images"].sum() == 6 * len(DATASET)
    assert table["accepted"].sum() == charged
    assert table["coverage"].is_monotonic_decreasing
    # Of 0.75 to 1.0, evenly; the order of calls is not the same twice, so four standard errors are allowed.
    assert table["coverage"].tolist() == pytest.approx([0.8, 0.6, 0.4, 0.2], abs=0.15)
    assert (table["coverage_low"] <= table["coverage"]).all()
    assert (table["coverage"] <= table["coverage_high"]).all()
    assert "720 calls at settings drawn at random" in drawn.explain()
    assert capped.table["images"].sum() == 100


def test_plan_is_said_before_anything_is_sent(capsys: pytest.CaptureFixture[str]) -> None:
    """Paid and free calls and the most money stand on standard error even when the first call is refused."""
    with tk.sandbox(DATASET) as box:
        bad = box.CapSolver(module="common", key="bad")
        found = tk.probe(DATASET, bad, "score", [0.8, 0.9], limits=tk.Limits(in_flight=1))

    assert capsys.readouterr().err.splitlines() == [
        "probe of 120 images by capsolver(module='common') over 2 settings of score, descending",
        # three places, as likely each: 80 images are accepted somewhere, after one call or two, and 40 never, after two
        "  calls: about 80 paid and 120 free (if all places are as likely), at most 240; then at most 200 that ask images again",
        "  money: at most 0.32 USD",
        "  time: about 6 min 40 s for each second that a call takes (1 in flight)",
    ]
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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_calls": 0}, "`max_calls` must be an integer >= 1, got 0"),
        ({"audit": -1}, "`audit` must be an integer >= 0, got -1"),
        ({"eps": 0.1}, "give both, or none"),
        ({"eps": 0.0, "utility": tk.stats.Utility()}, "eps=0.0 must be above 0"),
        ({"max_calls_per_image": 3}, 'descending may take 4 calls to place an image.*strategy="tree" keeps to a bound'),
        ({"max_calls_per_image": 2, "strategy": "tree"}, "2 calls tell 4 places apart, not 5"),
    ],
)
def test_bounds_that_cannot_be_kept_are_refused(options: dict[str, Any], message: str) -> None:
    """Before anything is sent, with what would do."""
    with pytest.raises(SettingError, match=message):
        tk.probe(DATASET, tk.CapSolver(key="k"), "score", [0.8, 0.85, 0.9, 0.95], show=False, **options)
