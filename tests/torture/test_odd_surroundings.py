"""Too few files and sockets, many who want one store, and stores in odd places."""

import json
import os
from collections import Counter
from itertools import groupby

import pytest
from witnessed import audit, noisy, settings_at

import toolkit as tk
from toolkit._store.store import FileStore


@pytest.mark.promise(2, 7, what="too few files and sockets for what is in flight")
@pytest.mark.parametrize("transport", ["httpx", "fast"])
def test_too_few_sockets_leave_an_outcome_for_every_trial(forks, box, key, tried, scale, tmp_path, transport):
    """What finds none tries again; nothing was sent for it, so nothing is charged or unsettled."""
    for number, more in enumerate(range(12, 12 + scale(3, 40))):
        dataset = box.know(noisy(40 * number, 40))
        store = tmp_path / f"run {more}"
        forks.done(
            "benchmark_with_few_files",
            more=more,
            images=[40 * number, 40],
            store=str(store),
            key=key,
            urls=box.urls,
            transport=transport,
            in_flight=32,
        )
        run = tk.open_run(store)
        complaints = audit(run, box.charged(dataset))
        if len(run.outcomes) != run.planned:
            complaints.append(f"{len(run.outcomes)} outcomes of {run.planned}")
        tried.case(complaints, name=f"{more} more files: {Counter(run.attempts['error'].dropna())}")
    tried.verdict()


@pytest.mark.promise(2, 6, what="processes that open one store at the same moment")
def test_of_many_who_want_a_store_one_gets_it(forks, tried, scale, tmp_path):
    """At any time; the others are told who has it. No line is lost, torn or between another's."""
    writers, rounds, lines = 8, 20, 5
    for number in range(scale(3, 50)):
        store = tmp_path / f"run {number}"
        wins = json.loads(
            forks.done("race", store=str(store), writers=writers, rounds=rounds, lines=lines).splitlines()[-1]
        )
        records = [record for block, _ in FileStore(store).blocks() for record in block]
        stays = [
            (stay, [record["number"] for record in group])
            for stay, group in groupby(records, lambda r: (r["by"], r["won"]))
        ]
        complaints = [] if 255 not in wins and sum(wins) else [f"they ended with {wins}"]
        if len(stays) != sum(wins) or any(numbers != list(range(lines)) for _, numbers in stays):
            complaints.append(f"{sum(wins)} got in and there are {len(stays)} stays")
        tried.case(complaints, name=store.name)
    tried.verdict()


PLACES = {
    "spaces": "my first  run",
    "letters": "Läufe/Прогон/実行/הרצה",
    "composed": "e\u0301tude",
    "emoji": "runs 🧪",
    "signs": "a'b\"c;d&e|f$g%h*i?j[k]l{m}n~o#p",
    "dashes": "-rf --store=",
    "a line break": "one\ntwo",
    "dots": "..run../...",
    "a long name": "x" * 200,
    "deep": "/".join(["deep"] * 60),
    "no UTF-8": os.fsdecode(b"caf\xe9"),
}


@pytest.mark.promise(6, 7, what="stores in places with odd names")
@pytest.mark.parametrize("place", PLACES)
def test_a_store_may_be_in_any_place(forks, box, key, tried, tmp_path, place):
    """It is made, resumed, locked and read there."""
    dataset = box.know(noisy(0, 2))
    store = tmp_path / PLACES[place] / "run"
    settings = settings_at(box.urls, key)

    first = tk.benchmark(dataset[:1], settings[:1], store=store, show=False)
    again = tk.benchmark(dataset[:1], settings[:1], store=store, show=False)

    complaints = [] if first.complete and again.complete and len(box.charged(dataset)) == 1 else ["it was not resumed"]
    complaints += [] if len(tk.open_run(store).outcomes) == 1 and "run" in repr(again) else ["it cannot be read"]
    complaints += audit(tk.open_run(store), box.charged(dataset))
    tried.case(complaints, name=place)
    tried.verdict()


@pytest.mark.promise(6, what="a notebook that changes its folder while a run goes on")
def test_a_run_stays_where_it_began(box, key, tried, tmp_path, monkeypatch):
    """A store that was named by a relative path is the one in the folder of that time."""
    monkeypatch.chdir(tmp_path)
    dataset = box.know(noisy(0, 2))
    run = tk.benchmark(dataset, settings_at(box.urls, key), store="run", show=False)
    monkeypatch.chdir("/")

    tried.case([] if len(run.outcomes) == 4 else [f"{len(run.outcomes)} outcomes"])
    assert (tmp_path / "run/manifest.json").exists()
    tried.verdict()
