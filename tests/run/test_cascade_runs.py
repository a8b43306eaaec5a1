"""Settings asked in turn while unsure."""

from pathlib import Path

import pytest

import toolkit as tk
from toolkit._sandbox import faults
from toolkit.errors import SettingError, Unsolvable

DATASET = tk.load_dataset(Path(__file__).parents[2] / "datasets" / "printed").sample(60)
QUICK = {"limits": tk.Limits(in_flight=8), "show": False}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What accounts share between processes stays in this test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_live_cascade_does_what_recorded_answers_said(tmp_path: Path) -> None:
    """On a service that answers alike each time, replay and life agree image by image, in text and in money."""
    with tk.sandbox(DATASET) as box:
        first, second = box.CapSolver(module="common", score=0.9), box.CapMonster(module="universal", first_poll_s=0.0)
        recorded = tk.benchmark(DATASET, [first, second], **QUICK).outcomes
        replayed = tk.stats.replay_cascade(recorded, [first.label, second.label])
        live = tk.benchmark(DATASET, [tk.Cascade(first, second)], store=tmp_path / "live", **QUICK)

    both = live.outcomes.merge(replayed, on="sample", suffixes=("", "_replayed"))
    assert len(both) == len(DATASET)
    assert both["outcome"].astype(str).tolist() == both["outcome_replayed"].astype(str).tolist()
    assert both["cost_usd"].tolist() == pytest.approx(both["cost_usd_replayed"].tolist())


def test_threshold_on_the_last_stage_holds_live_as_it_does_in_a_replay(tmp_path: Path) -> None:
    """An image that nobody is sure about has no answer; what the last stage was paid for it is in the bill all the same."""
    images = DATASET[:20]
    with tk.sandbox(images) as box:
        first = box.CapSolver(module="common", score=0.95)
        last = tk.RapidOCR()
        recorded = tk.benchmark(images, [first, last], **QUICK).outcomes
        stages = [(first.label, None), (last.label, 0.99)]
        replayed = tk.stats.replay_cascade(recorded, stages)
        cascade = tk.Cascade(first, (last, 0.99))
        before = box.ledger.charged("capsolver")
        live = tk.benchmark(images, [cascade], **QUICK)
        charged = box.ledger.charged("capsolver") - before

    assert cascade.label == replayed["setting"].iloc[0] == f"{first.label} > rapidocr() >=0.99"
    both = live.outcomes.merge(replayed, on="sample", suffixes=("", "_replayed"))
    assert both["outcome"].astype(str).tolist() == both["outcome_replayed"].astype(str).tolist()
    assert both["cost_usd"].tolist() == pytest.approx(both["cost_usd_replayed"].tolist())
    assert live.outcomes["outcome"].eq("no_answer").any()
    assert live.outcomes["cost_usd"].sum() == pytest.approx(charged / 1000)


def test_settings_that_must_agree_do_so_live_as_in_a_replay() -> None:
    """A service and an engine of this machine, and another service that breaks their ties: text by text as the recorded answers say."""
    images = DATASET[:30]
    with tk.sandbox(images, oracle={"accuracy": 0.7}) as box:
        settings = [box.CapSolver(module="common"), tk.RapidOCR(), box.CapMonster(module="universal", first_poll_s=0.0)]
        recorded = tk.benchmark(images, settings, **QUICK).outcomes
        cascade = tk.Cascade(*((setting, "agrees") for setting in settings))
        live = tk.benchmark(images, [cascade], **QUICK).outcomes
        replayed = tk.stats.replay_cascade(recorded, [(setting.label, "agrees") for setting in settings])

    assert cascade.label == replayed["setting"].iloc[0]
    both = live.merge(replayed, on="sample", suffixes=("", "_replayed"))
    assert both["outcome"].astype(str).tolist() == both["outcome_replayed"].astype(str).tolist()
    assert both["text"].fillna("-").tolist() == both["text_replayed"].fillna("-").tolist()
    assert both["cost_usd"].tolist() == pytest.approx(both["cost_usd_replayed"].tolist())
    assert set(replayed["asked"]) == {2, 3}


def test_unsure_answers_of_a_dear_last_stage_are_paid_for() -> None:
    """CapMonster gives no confidence, so its answer reaches no threshold, not even nought: no answer, and its price."""
    with tk.sandbox(DATASET[:10], oracle={"accuracy": 1.0}) as box:
        first, last = box.CapSolver(module="common"), box.CapMonster(module="universal", first_poll_s=0.0)
        live = tk.benchmark(DATASET[:10], [tk.Cascade((first, 1.0), (last, 0.0))], **QUICK)

    assert live.outcomes["outcome"].eq("no_answer").all()
    assert live.outcomes["cost_usd"].tolist() == pytest.approx([0.002] * 10)
    assert live.unsettled.empty


def test_times_of_the_stages_add_up() -> None:
    """What the first stage took is part of a cascade's latency, and of the earliest moment it can have been ready."""
    with tk.sandbox(DATASET[:12], oracle={"accuracy": 1.0}, delay=0.2) as box:
        first = box.CapSolver(module="common")
        last = box.CapMonster(module="universal", first_poll_s=0.05, poll_every_s=0.05)
        alone = tk.benchmark(DATASET[:12], [first, last], **QUICK).outcomes
        live = tk.benchmark(DATASET[:12], [tk.Cascade((first, 1.0), last)], **QUICK).outcomes

    assert alone["latency_s"].min() >= 0.15
    assert live["latency_s"].min() >= 0.3
    assert live["latency_low_s"].min() >= 0.15
    assert (live["latency_low_s"] < live["latency_s"]).all()
    assert (live["elapsed_s"] >= live["latency_s"]).all()


def test_stages_before_one_that_is_tried_again_are_not_paid_for_again() -> None:
    """Each image has one charge of each account, however often the last stage was out of reach."""
    away = [faults.at_rate(0.4, faults.cut("before"), seed=2, service="capmonster", on="createTask")]
    with tk.sandbox(DATASET[:20], oracle={"accuracy": 1.0}) as box:
        first = box.CapSolver(module="common")
        last = box.CapMonster(module="universal", first_poll_s=0.0)
        box.faults = away
        run = tk.benchmark(DATASET[:20], [tk.Cascade((first, 1.0), last)], retry=tk.RetryPolicy(tries=9), **QUICK)
        charged = {name: box.ledger.charged(name) for name in ("capsolver", "capmonster")}

    assert run.outcomes["outcome"].eq("correct").all()
    assert run.outcomes["attempts"].max() > 1
    assert charged == {"capsolver": 20, "capmonster": 20}
    assert run.spend["charged"].sum() == 40
    assert run.outcomes["cost_usd"].tolist() == pytest.approx([0.002] * 20)


def test_bill_of_a_cascade_is_each_accounts_part_of_it(tmp_path: Path) -> None:
    """Modelled and measured money agree with the ledger, account by account, and nothing is asked again."""
    with tk.sandbox(DATASET) as box:
        settings = [tk.Cascade(box.CapSolver(module="common", score=0.9), box.CapMonster(module="universal"))]
        run = tk.benchmark(DATASET, settings, store=tmp_path / "run", budget_usd=1.0, **QUICK)
        charged = {name: box.ledger.charged(name) for name in ("capsolver", "capmonster")}
        again = tk.benchmark(DATASET, settings, store=tmp_path / "run", budget_usd=1.0, **QUICK)

        assert {name: box.ledger.charged(name) for name in charged} == charged

    assert run.complete
    assert again.complete
    bill = run.spend.set_index("account")
    for name, count in charged.items():
        row = bill.loc[f"{name} at 127.0.0.1"]
        assert (row["charged"], row["modelled_usd"]) == (count, pytest.approx(count / 1000))
        assert row["measured_usd"] == pytest.approx(count / 1000)


def test_stage_that_fails_is_passed_over() -> None:
    """With the first service down every image has the second's answer, and what was lost is unsettled."""
    down = [faults.at_rate(1.0, faults.cut("after"), seed=1, on="createTask")]
    with tk.sandbox(DATASET[:12]) as box:
        cascade = tk.Cascade(box.CapSolver(module="common"), box.OpenAICompatible(model="m"))
        box.faults = down
        run = tk.benchmark(DATASET[:12], [cascade], retry=tk.RetryPolicy(tries=1), **QUICK)

    assert run.outcomes["error"].isna().all()
    assert len(run.unsettled) == 12


def test_local_cascade_reads_single_images_and_takes_the_sure_answer() -> None:
    """The second engine is asked only where the first is less sure than its threshold."""
    sample = DATASET[0]
    alone = tk.read(tk.RapidOCR(), sample)

    assert tk.read(tk.Cascade((tk.RapidOCR(), 0.0), tk.RapidOCR(alias="second")), sample).text == alone.text
    assert tk.Cascade((tk.RapidOCR(), 0.9), tk.RapidOCR(alias="b")).label == "rapidocr() >=0.9 > b"
    with pytest.raises(Unsolvable, match="no stage was sure enough"):
        tk.read(tk.Cascade((tk.RapidOCR(), 1.0), (tk.RapidOCR(alias="b"), 1.0)), sample)


def test_parameters_of_a_cascade_hold_no_key_and_prices_of_all_stages() -> None:
    """The manifest names each stage with its threshold; the most a reading costs is that of all stages."""
    cascade = tk.Cascade(
        tk.CapSolver(key="CAP-SECRET-1", price_per_1000_usd=1.0),
        tk.CapMonster(key="CAP-SECRET-2", price_per_1000_usd=3.0),
    )

    assert cascade.max_cost_usd == pytest.approx(0.004)
    assert "SECRET" not in repr(cascade) + str(cascade.parameters) + cascade.label
    assert tk.Cascade(tk.CapSolver(), tk.RapidOCR()).max_cost_usd is None


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ((tk.RapidOCR(),), "two stages"),
        ((tk.RapidOCR(), tk.RapidOCR()), "names one again"),
        (((tk.RapidOCR(), 1.5), tk.Tesseract()), "must lie between 0 and 1"),
        (("rapidocr", tk.Tesseract()), "a stage is a setting"),
    ],
)
def test_stages_that_make_no_cascade_are_refused(stages: tuple[object, ...], message: str) -> None:
    """Named before anything runs."""
    with pytest.raises(SettingError, match=message):
        tk.Cascade(*stages)
